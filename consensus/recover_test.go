package consensus_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"github.com/hashicorp/raft"

	"trivium/consensus"
	"trivium/consensus/consensustest"
)

func TestPoisonedEntryIsLeftOut(t *testing.T) {
	s := &stops{why: map[string]error{}}
	quarantine := uint64(0)
	c := consensustest.Cluster(t, 3, s.option, func(c *consensus.Config) { c.Quarantine = quarantine })
	if err := insert(c.Leader().DB, `CREATE TABLE t (a INTEGER) STRICT`, false); err != nil {
		t.Fatal(err)
	}
	poisoned := c.Leader().DB.ProposeRaw([]byte{1, 0xff, 0xff})
	stopAll := func() {
		t.Helper()
		stopped := func() (n int) {
			for _, node := range c.Nodes {
				if err := s.of(node.ID); err != nil {
					n++
					if !strings.Contains(err.Error(), "start all of them with --quarantine") {
						t.Errorf("%s does not say what to do: %v", node.ID, err)
					}
				}
			}
			return n
		}
		until(t, "two nodes stop", func() bool { return stopped() >= 2 }) // the third hears of it from nobody
		for i := range c.Nodes {
			c.Stop(i)
		}
		s.mu.Lock()
		clear(s.why)
		s.mu.Unlock()
	}
	stopAll()
	for i := range c.Nodes { // without the flag they stop again
		c.Restart(i)
	}
	stopAll()

	quarantine = poisoned
	for i := range c.Nodes {
		c.Restart(i)
	}
	for i, n := range c.Nodes {
		c.WaitReady(i)
		if left := n.DB.Status().Quarantined; !slices.Equal(left, []uint64{poisoned}) {
			t.Errorf("%s has left out %v, want %d", n.ID, left, poisoned)
		}
		if err := insert(n.DB, `INSERT INTO t VALUES (1)`, false); err != nil {
			t.Error(err)
		}
	}
	quarantine = 0
	c.Restart(0)
	c.WaitReady(0)
	if left := c.Nodes[0].DB.Status().Quarantined; !slices.Equal(left, []uint64{poisoned}) {
		t.Errorf("it is not recorded: %v", left)
	}
	c.WaitEqual()
	if err := s.of("n1"); err != nil {
		t.Error(err)
	}
}

type nobody struct{ raft.Transport }

func TestLostMajority(t *testing.T) {
	s := &stops{why: map[string]error{}}
	c := consensustest.Cluster(t, 3, s.option)
	if err := insert(c.Leader().DB, `CREATE TABLE t (a INTEGER) STRICT`, false); err != nil {
		t.Fatal(err)
	}
	for _, n := range c.Nodes {
		if err := insert(n.DB, `INSERT INTO t VALUES (1)`, false); err != nil {
			t.Fatal(err)
		}
	}
	c.WaitEqual()
	for i := range c.Nodes {
		c.Stop(i)
	}
	survivor := c.Nodes[1]
	config := consensus.Config{ID: survivor.ID, Dir: survivor.Dir, Address: survivor.Address, Logger: slog.New(slog.DiscardHandler)}

	refused := errors.New("no")
	if err := consensus.Recover(t.Context(), config, func(consensus.Recovery) error { return refused }); !errors.Is(err, refused) {
		t.Fatalf("without consent: %v", err)
	}
	// One that is cut short has put entries into the database that were perhaps never committed: such a node must not start.
	ctx, interrupt := context.WithCancel(t.Context())
	if err := consensus.Recover(ctx, config, func(consensus.Recovery) error { interrupt(); return nil }); !errors.Is(err, context.Canceled) {
		t.Fatalf("interrupted: %v", err)
	}
	again := config
	again.Transport = nobody{}
	if db, err := consensus.Open(again); err == nil || !strings.Contains(err.Error(), "a recovery of this node has begun") {
		if db != nil {
			db.Close()
		}
		t.Fatalf("a node whose recovery was cut short starts: %v", err)
	}
	var seen consensus.Recovery
	if err := consensus.Recover(t.Context(), config, func(r consensus.Recovery) error { seen = r; return nil }); err != nil {
		t.Fatal(err)
	}
	if slices.Sort(seen.Lost); !slices.Equal(seen.Lost, []string{"n1", "n3"}) || seen.Index == 0 || seen.Stamp.IsZero() {
		t.Errorf("it tells %+v", seen)
	}

	c.Restart(1)
	c.WaitReady(1)
	rows, err := survivor.DB.Query(t.Context(), consensus.Linearizable, `SELECT a FROM t`)
	if err != nil || len(rows.Values) != 3 {
		t.Fatalf("%v %v", rows, err)
	}
	if err := insert(survivor.DB, `INSERT INTO t VALUES (2)`, false); err != nil {
		t.Fatal(err)
	}

	for _, i := range []int{0, 2} { // they come back, and would be a majority of the old cluster
		c.Restart(i)
		until(t, c.Nodes[i].ID+" stops", func() bool { return s.of(c.Nodes[i].ID) != nil })
		if err := s.of(c.Nodes[i].ID); !strings.Contains(err.Error(), "declared lost") {
			t.Errorf("%s stopped with %v", c.Nodes[i].ID, err)
		}
		if err := survivor.DB.Join(t.Context(), c.Nodes[i].ID, c.Nodes[i].Address, true); !errors.Is(err, consensus.ErrMembership) {
			t.Errorf("%s joins again: %v", c.Nodes[i].ID, err)
		}
		c.Stop(i)
	}
	if err := insert(survivor.DB, `INSERT INTO t VALUES (3)`, false); err != nil {
		t.Errorf("the survivor after that: %v", err)
	}
	for range 2 { // new nodes bring the cluster back to three
		i := c.Add(false)
		c.Join(i, true)
		c.WaitReady(i)
	}
	c.Stop(1)
	if err := insert(c.Leader().DB, `INSERT INTO t VALUES (4)`, false); err != nil {
		t.Fatal(err)
	}
	c.WaitEqual()
}
