package consensus_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"trivium/consensus"
	"trivium/consensus/consensustest"
)

func refused(t *testing.T, err error, why string) {
	t.Helper()
	if !errors.Is(err, consensus.ErrMembership) || !strings.Contains(err.Error(), why) {
		t.Errorf("got %v, want a refusal with %q", err, why)
	}
}

func TestMembershipFromAnyNode(t *testing.T) {
	ctx := context.Background()
	c := consensustest.Cluster(t, 3, func(c *consensus.Config) { c.HoldTimeout = 3 * time.Second })
	exec(t, c.Nodes[0].DB, writesTable)
	follower := c.Follower()
	refused(t, follower.DB.Join(ctx, "n9", "127.0.0.1:1", true), "does not answer")
	refused(t, follower.DB.Join(ctx, "n9", c.Nodes[0].Address, true), "has the address")
	refused(t, follower.DB.Join(ctx, "", "", true), "needs an id")
	refused(t, follower.DB.Remove(ctx, "n9", false), "no member")
	refused(t, follower.DB.Transfer(ctx, "n9"), "no member")
	if err := follower.DB.Join(ctx, "n1", c.Nodes[0].Address, true); err != nil {
		t.Errorf("joining again: %v", err)
	}
	i := c.Add(false)
	if err := follower.DB.Join(ctx, c.Nodes[i].ID, c.Nodes[i].Address, false); err != nil {
		t.Fatal(err)
	}
	c.WaitReady(i)
	refused(t, follower.DB.Transfer(ctx, c.Nodes[i].ID), "no vote")
	if err := c.Nodes[i].DB.Join(ctx, c.Nodes[i].ID, c.Nodes[i].Address, true); err != nil {
		t.Fatal(err)
	}
	if err := follower.DB.Transfer(ctx, c.Nodes[i].ID); err != nil {
		t.Fatal(err)
	}
	waitState(t, c.Nodes[i].DB, func(s consensus.Status) bool { return s.State == "leader" })
	nodes, err := follower.DB.Nodes(ctx)
	if err != nil || len(nodes) != 4 {
		t.Fatalf("%v %v", nodes, err)
	}
	for _, n := range nodes {
		if !n.Voter || !n.Up || n.Applied == 0 || n.Err != "" {
			t.Errorf("%+v", n)
		}
	}
	// A leader is removed like any other.
	if err := c.Nodes[i].DB.Remove(ctx, c.Nodes[i].ID, false); err != nil {
		t.Fatal(err)
	}
	exec(t, follower.DB, `INSERT INTO writes VALUES ('after')`)
	if nodes, _ := follower.DB.Nodes(ctx); len(nodes) != 3 {
		t.Errorf("%d nodes", len(nodes))
	}
	c.Stop(i)
	c.WaitEqual()
}

func TestRemovalThatLosesTheMajorityIsRefused(t *testing.T) {
	ctx := context.Background()
	c := consensustest.Cluster(t, 3, func(c *consensus.Config) { c.HoldTimeout = 3 * time.Second })
	leader := c.Leader()
	down := c.Follower()
	var up *consensustest.Node
	for _, n := range c.Nodes {
		if n != leader && n != down {
			up = n
		}
	}
	c.Stop(c.Index(down))
	refused(t, leader.DB.Remove(ctx, up.ID, false), "only 1 of 2 voters")
	if err := leader.DB.Remove(ctx, down.ID, false); err != nil {
		t.Fatal(err)
	}
	nodes, _ := leader.DB.Nodes(ctx)
	for _, n := range nodes {
		if n.ID == down.ID {
			t.Errorf("still a member: %+v", n)
		}
	}
	if err := leader.DB.Remove(ctx, up.ID, true); err != nil {
		t.Fatal(err)
	}
	refused(t, leader.DB.Remove(ctx, leader.ID, true), "last member")
	exec(t, leader.DB, writesTable)
	if n := number(t, leader.DB, consensus.Linearizable, `SELECT count(*) FROM writes`); n != 0 {
		t.Error(n)
	}
}

// After a change the commit index is a configuration entry: a linearizable read must not wait for what never comes.
func TestLinearizableReadAfterMembershipChange(t *testing.T) {
	ctx := context.Background()
	c := consensustest.Cluster(t, 2)
	exec(t, c.Nodes[0].DB, writesTable)
	i := c.Add(false)
	for range 3 {
		c.Join(i, true)
		start := time.Now()
		for _, n := range c.Nodes {
			number(t, n.DB, consensus.Linearizable, `SELECT count(*) FROM writes`)
		}
		if took := time.Since(start); took > time.Second {
			t.Errorf("took %s", took)
		}
		if err := c.Leader().DB.Remove(ctx, c.Nodes[i].ID, false); err != nil {
			t.Fatal(err)
		}
		if err := c.Leader().DB.Transfer(ctx, ""); err != nil {
			t.Fatal(err)
		}
	}
}

func TestMembershipChangesUnderLoad(t *testing.T) {
	ctx := context.Background()
	c := consensustest.Cluster(t, 3)
	exec(t, c.Nodes[0].DB, writesTable)
	i := c.Add(false)
	l := &load{}
	for k := range 4 {
		l.wg.Go(func() {
			for n := 0; !l.stop.Load(); n++ {
				l.write(c.DB(n%3), strings.Repeat("x", k+1)+string(rune('a'+n%26))+time.Now().String())
			}
		})
	}
	for range 3 {
		l.waitFor(t, 50)
		if err := c.DB(0).Join(ctx, c.Nodes[i].ID, c.Nodes[i].Address, true); err != nil {
			t.Fatal(err)
		}
		l.waitFor(t, 50)
		if err := c.DB(1).Transfer(ctx, ""); err != nil {
			t.Fatal(err)
		}
		l.waitFor(t, 50)
		if err := c.DB(2).Remove(ctx, c.Nodes[i].ID, false); err != nil {
			t.Fatal(err)
		}
	}
	l.check(t, c.DB(0))
	c.Stop(i)
	c.WaitEqual()
}

func TestCloseHandsLeadershipOver(t *testing.T) {
	c := consensustest.Cluster(t, 3, func(c *consensus.Config) {
		c.HeartbeatTimeout, c.ElectionTimeout, c.LeaseTimeout = 2*time.Second, 2*time.Second, time.Second
	})
	exec(t, c.Nodes[0].DB, writesTable)
	leader, follower := c.Leader(), c.Follower()
	start := time.Now()
	if err := leader.DB.Close(); err != nil {
		t.Fatal(err)
	}
	exec(t, follower.DB, `INSERT INTO writes VALUES ('after')`)
	if took := time.Since(start); took > 1500*time.Millisecond { // an election would take 2 to 4 s
		t.Errorf("the next write was done after %s", took)
	}
}

// The id of a node is checked: another node at its old address must not pass for it.
func TestNodesKnowsWhoAnswers(t *testing.T) {
	c := consensustest.Cluster(t, 3)
	i := c.Index(c.Follower())
	c.Stop(i)
	nodes, err := c.Leader().DB.Nodes(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		if down := n.ID == c.Nodes[i].ID; down == n.Up || down != (n.Err != "") {
			t.Errorf("%+v", n)
		}
	}
}
