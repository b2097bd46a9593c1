package consensus_test

import (
	"errors"
	"testing"

	"trivium/consensus"
	"trivium/consensus/consensustest"
)

// TestNewFormatWaitsForEveryMember: what one member does not know is not written, whoever leads.
func TestNewFormatWaitsForEveryMember(t *testing.T) {
	upgraded := map[string]bool{}
	c := consensustest.Cluster(t, 3, func(c *consensus.Config) {
		if !upgraded[c.ID] {
			c.Format = 1
		}
	})
	if err := insert(c.Leader().DB, `CREATE TABLE t (a INTEGER) STRICT`, false); err != nil {
		t.Fatal(err)
	}
	inUse := func(want int) bool {
		if err := insert(c.Leader().DB, `INSERT INTO t VALUES (1)`, false); err != nil {
			t.Fatal(err)
		}
		for _, n := range c.Nodes {
			if n.DB != nil && n.DB.Status().InUse != want {
				return false
			}
		}
		return true
	}
	for i := range 2 {
		upgraded[c.Nodes[i].ID] = true
		c.Restart(i)
		c.WaitReady(i)
	}
	for _, n := range c.Nodes { // every one of them leads for a while
		if err := c.Leader().DB.Transfer(t.Context(), n.ID); err != nil {
			t.Fatal(err)
		}
		until(t, n.ID+" leads", func() bool { return c.Leader() == n })
		nodes, err := n.DB.Nodes(t.Context())
		if err != nil || len(nodes) != 3 {
			t.Fatalf("%v %v", nodes, err)
		}
		if !inUse(1) {
			t.Fatal("a format is written that one member does not know")
		}
	}
	c.Stop(2)
	if !inUse(1) {
		t.Error("a format is written that a member that is down does not know")
	}
	upgraded[c.Nodes[2].ID] = true
	c.Restart(2)
	c.WaitReady(2)
	until(t, "the new format is used", func() bool { return inUse(3) })
	c.WaitEqual()
}

// TestOlderProgramDoesNotJoin needs the newer format in use.
func TestOlderProgramDoesNotJoin(t *testing.T) {
	c := consensustest.Cluster(t, 1, func(c *consensus.Config) {
		if c.ID == "n2" {
			c.Format = 1
		}
	})
	if err := insert(c.Leader().DB, `CREATE TABLE t (a INTEGER) STRICT`, false); err != nil {
		t.Fatal(err)
	}
	until(t, "the new format is used", func() bool {
		insert(c.Leader().DB, `INSERT INTO t VALUES (1)`, false)
		return c.Leader().DB.Status().InUse == 3
	})
	i := c.Add(false)
	if err := c.Leader().DB.Join(t.Context(), c.Nodes[i].ID, c.Nodes[i].Address, true); !errors.Is(err, consensus.ErrMembership) {
		t.Errorf("it joined: %v", err)
	}
}
