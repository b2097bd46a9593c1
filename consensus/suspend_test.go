package consensus_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"trivium/consensus"
	"trivium/consensus/consensustest"
)

func TestSuspendedLeaderIsSilentAndComesBackAsFollower(t *testing.T) {
	c := consensustest.Cluster(t, 3)
	exec(t, c.Nodes[0].DB, writesTable)
	old := c.Leader()
	for _, d := range []time.Duration{0, 999 * time.Millisecond, 601 * time.Second} {
		refused(t, old.DB.Suspend(d), "can be suspended for")
	}
	const sleep = 3 * time.Second
	if err := old.DB.Suspend(sleep); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	refused(t, old.DB.Suspend(sleep), "already")
	if s := old.DB.Status(); s.Suspended.IsZero() || old.DB.IsLeader() {
		t.Errorf("%+v", s)
	}
	var next *consensustest.Node
	for next == nil {
		for _, n := range c.Nodes {
			if n != old && n.DB.IsLeader() {
				next = n
			}
		}
		if time.Since(began) > patience {
			t.Fatal("no other leader")
		}
		time.Sleep(time.Millisecond)
	}
	exec(t, next.DB, `INSERT INTO writes VALUES ('meanwhile')`)
	silent := time.Since(began) < sleep-500*time.Millisecond // else the machine was too slow to tell
	for _, level := range []consensus.Level{consensus.Local, consensus.Lease, consensus.Linearizable} {
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		_, err := old.DB.Query(ctx, level, `SELECT count(*) FROM writes`)
		cancel()
		if silent && !errors.Is(err, consensus.ErrUnavailable) {
			t.Errorf("level %d: a suspended node answers %v", level, err)
		}
	}
	nodes, err := next.DB.Nodes(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		if silent && n.ID == old.ID && n.Up {
			t.Error("a suspended node tells how it stands")
		}
	}
	// The first answer after the sleep has what was written during it.
	for {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		rows, err := old.DB.Query(ctx, consensus.Local, `SELECT count(*) FROM writes`)
		cancel()
		if err != nil {
			if time.Since(began) > patience+sleep {
				t.Fatal(err)
			}
			continue
		}
		var n int
		if err := rows.Values[0].Scan(&n); err != nil || n != 1 {
			t.Errorf("the first answer is stale: %d rows, %v", n, err)
		}
		break
	}
	if woke := time.Since(began); woke < sleep {
		t.Errorf("it answered after %s", woke)
	}
	if s := old.DB.Status(); s.State == "leader" || !s.Suspended.IsZero() {
		t.Errorf("%+v", s)
	}
	c.WaitEqual()
}

// A node that sleeps does not vote: two of three that could go on with its vote cannot.
func TestSuspendedNodeDoesNotVote(t *testing.T) {
	c := consensustest.Cluster(t, 3, func(c *consensus.Config) { c.HoldTimeout = time.Second })
	exec(t, c.Nodes[0].DB, writesTable)
	leader, sleeper := c.Leader(), c.Follower()
	if err := sleeper.DB.Suspend(3 * time.Second); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	exec(t, leader.DB, `INSERT INTO writes VALUES ('with two')`)
	c.Stop(c.Index(leader))
	for time.Since(began) < 2500*time.Millisecond {
		for _, n := range c.Nodes {
			if n.DB != nil && n.DB.IsLeader() && time.Since(began) < 3*time.Second {
				t.Fatalf("%s was elected", n.ID)
			}
		}
		time.Sleep(5 * time.Millisecond)
	}
	c.Leader() // with its vote, once it is awake
	c.WaitReady(c.Index(sleeper))
	if n := number(t, sleeper.DB, consensus.Linearizable, `SELECT count(*) FROM writes`); n != 1 {
		t.Errorf("%d rows", n)
	}
	c.Restart(c.Index(leader))
	c.WaitEqual()
}
