package consensus_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"trivium/consensus"
	"trivium/consensus/consensustest"
)

// TestStaleReadsOfANodeThatIsAlone restarts one node of three while the others stay down.
func TestStaleReadsOfANodeThatIsAlone(t *testing.T) {
	c := consensustest.Cluster(t, 3, func(c *consensus.Config) { c.HoldTimeout = 500 * time.Millisecond })
	write := func(db *consensus.DB, q string) (consensus.Result, error) {
		var b consensus.Batch
		b.Exec(q)
		return db.Apply(t.Context(), &b)
	}
	if _, err := write(c.Leader().DB, "CREATE TABLE notes (text TEXT)"); err != nil {
		t.Fatal(err)
	}
	last, err := write(c.Nodes[0].DB, "INSERT INTO notes VALUES ('kept')")
	if err != nil {
		t.Fatal(err)
	}
	c.WaitEqual()
	for i := range c.Nodes {
		c.Stop(i)
	}

	c.Restart(0)
	db := c.Nodes[0].DB
	const q = "SELECT text FROM notes"
	stale := consensus.AllowStale(t.Context())
	if _, err := db.Query(t.Context(), consensus.Local, q); !errors.Is(err, consensus.ErrUnavailable) {
		t.Errorf("a read that must not be stale: %v", err)
	}
	if rows, err := db.Query(stale, consensus.Local, q); err != nil || len(rows.Values) != 1 {
		t.Errorf("a stale read: %v, %v", rows, err)
	}
	if _, err := db.Query(stale, consensus.Linearizable, q); !errors.Is(err, consensus.ErrUnavailable) {
		t.Errorf("a linearizable read: %v", err)
	}
	if err := db.WaitIndex(stale, db.Applied()+1); !errors.Is(err, consensus.ErrUnavailable) {
		t.Errorf("a session beyond this node's index: %v", err)
	}
	if _, err := write(db, "INSERT INTO notes VALUES ('lost')"); !errors.Is(err, consensus.ErrUnavailable) {
		t.Errorf("a write: %v", err)
	}
	if s := db.Status(); s.CaughtUp || s.Ready || s.Stamp.Sub(last.Stamp) < 0 || s.Stamp.Sub(last.Stamp) > time.Second {
		t.Errorf("%+v, the last write was stamped %v", s, last.Stamp)
	}

	c.Restart(1)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for db.WaitReady(ctx) != nil && ctx.Err() == nil {
	}
	if rows, err := db.Query(t.Context(), consensus.Local, q); err != nil || len(rows.Values) != 1 || !db.Status().CaughtUp {
		t.Errorf("with a majority: %v, %v", rows, err)
	}
}
