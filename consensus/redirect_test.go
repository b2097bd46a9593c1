package consensus_test

import (
	"context"
	"errors"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"trivium/consensus"
	"trivium/consensus/consensustest"
)

func TestWithoutForwarding(t *testing.T) {
	c := consensustest.Cluster(t, 3, func(c *consensus.Config) { c.HoldTimeout = 2 * time.Second })
	exec(t, c.Nodes[0].DB, writesTable)
	leader, follower := c.Leader(), c.Follower()
	direct := consensus.WithoutForwarding(context.Background())
	var b consensus.Batch
	b.Exec(`INSERT INTO writes VALUES ('x')`)
	_, err := follower.DB.Apply(direct, &b)
	var not *consensus.NotLeaderError
	if !errors.As(err, &not) || not.ID != leader.ID || not.Address != leader.Address {
		t.Errorf("a follower answers %v", err)
	}
	for _, level := range []consensus.Level{consensus.Linearizable, consensus.Lease} {
		if _, err := follower.DB.Query(direct, level, `SELECT 1`); !errors.As(err, &not) || not.ID != leader.ID {
			t.Errorf("level %d: a follower answers %v", level, err)
		}
		if _, err := leader.DB.Query(direct, level, `SELECT 1`); err != nil {
			t.Errorf("level %d: the leader answers %v", level, err)
		}
	}
	if _, err := follower.DB.Query(direct, consensus.Local, `SELECT 1`); err != nil {
		t.Errorf("a local read: %v", err)
	}
	if _, err := leader.DB.Apply(direct, &b); err != nil {
		t.Errorf("the leader answers %v", err)
	}
	for i, n := range c.Nodes {
		if n != follower {
			c.Stop(i)
		}
	}
	waitState(t, follower.DB, func(s consensus.Status) bool { return s.Leader == "" })
	if _, err := follower.DB.Apply(direct, &b); !errors.As(err, &not) || not.ID != "" || !errors.Is(err, consensus.ErrUnavailable) {
		t.Errorf("without a leader a node answers %v", err)
	}
}

// A foreign transport alone: the leader serves, with leases; the others name it.
func TestTransportWithoutNetwork(t *testing.T) {
	const n = 3
	var dbs [n]*consensus.DB
	var transports [n]*raft.InmemTransport
	for i := range n {
		_, transports[i] = raft.NewInmemTransport(raft.ServerAddress(nodeID(i)))
	}
	for i := range n {
		for j := range n {
			transports[i].Connect(raft.ServerAddress(nodeID(j)), transports[j])
		}
	}
	for i := range n {
		var err error
		dbs[i], err = consensus.Open(consensus.Config{ID: nodeID(i), Dir: filepath.Join(t.TempDir(), nodeID(i)), Transport: transports[i],
			Bootstrap: i == 0, HeartbeatTimeout: 200 * time.Millisecond, ElectionTimeout: 200 * time.Millisecond, LeaseTimeout: 150 * time.Millisecond,
			HoldTimeout: 5 * time.Second, DiskTimeout: 30 * time.Second, Logger: slog.New(slog.DiscardHandler)})
		if err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() { // one after the other: each finds somebody to hand over to
		for _, db := range dbs {
			db.Close()
		}
	})
	leader := dbs[0]
	waitState(t, leader, func(s consensus.Status) bool { return s.State == "leader" })
	exec(t, leader, writesTable)
	for i := 1; i < n; i++ {
		if err := leader.Join(context.Background(), nodeID(i), nodeID(i), true); err != nil {
			t.Fatal(err)
		}
	}
	waitState(t, leader, func(s consensus.Status) bool { return s.State == "leader" && time.Until(s.LeaseEnd) > 0 })
	for i := 1; i < n; i++ {
		waitState(t, dbs[i], func(s consensus.Status) bool { return s.Leader != "" })
		var b consensus.Batch
		b.Exec(`INSERT INTO writes VALUES ('x')`)
		var not *consensus.NotLeaderError
		if _, err := dbs[i].Apply(context.Background(), &b); !errors.As(err, &not) || not.ID == "" {
			t.Errorf("a follower answers %v", err)
		}
		if _, err := dbs[i].Query(context.Background(), consensus.Lease, `SELECT 1`); !errors.As(err, &not) || not.ID == "" {
			t.Errorf("a follower answers %v", err)
		}
	}
}

func nodeID(i int) string { return string(rune('a'+i)) + "1" }

func TestTransferToANodeThatIsDownIsRefused(t *testing.T) {
	c := consensustest.Cluster(t, 3)
	exec(t, c.Nodes[0].DB, writesTable)
	leader, down := c.Leader(), c.Follower()
	term := leader.DB.Status().Term
	c.Isolate(c.Index(down))
	exec(t, leader.DB, `INSERT INTO writes VALUES ('x')`)
	for end := time.Now().Add(patience); ; {
		err := leader.DB.Transfer(context.Background(), down.ID)
		if errors.Is(err, consensus.ErrMembership) {
			break
		}
		if err == nil || time.Now().After(end) {
			t.Fatalf("the hand-over: %v", err)
		}
	}
	if s := leader.DB.Status(); s.State != "leader" || s.Term != term {
		t.Errorf("the leader does not stay: %+v", s)
	}
	leased(t, leader.DB) // and keeps its lease
	if err := leader.DB.Transfer(context.Background(), ""); err != nil {
		t.Fatalf("to the best: %v", err)
	}
	if got := c.Leader(); got == leader || got == down {
		t.Errorf("%s leads", got.ID)
	}
	c.Heal()
	c.WaitEqual()
}
