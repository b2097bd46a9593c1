package consensus_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"trivium/consensus"
	"trivium/consensus/consensustest"
)

// disks are the free bytes that the nodes of a cluster believe in.
type disks struct {
	mu   sync.Mutex
	free map[string]int64
}

const gibibyte = 1 << 30

func (d *disks) set(node string, free int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.free[node] = free
}

func (d *disks) option(c *consensus.Config) {
	id := c.ID
	c.Reserve = 1 << 20
	c.FreeSpace = func(string) (int64, int64, error) {
		d.mu.Lock()
		defer d.mu.Unlock()
		if free, ok := d.free[id]; ok {
			return free, 100 * gibibyte, nil
		}
		return 50 * gibibyte, 100 * gibibyte, nil
	}
}

func spaceCluster(t *testing.T, n int) (*consensustest.Set, *disks) {
	d := &disks{free: map[string]int64{}}
	c := consensustest.Cluster(t, n, d.option)
	if err := insert(c.Leader().DB, `CREATE TABLE t (a INTEGER) STRICT`, false); err != nil {
		t.Fatal(err)
	}
	return c, d
}

func insert(db *consensus.DB, q string, urgent bool) error {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	b := consensus.Batch{Urgent: urgent}
	b.Exec(q)
	_, err := db.Apply(ctx, &b)
	return err
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

func TestNodeShortOfSpaceHandsOver(t *testing.T) {
	c, d := spaceCluster(t, 3)
	full := c.Leader()
	d.set(full.ID, 20<<20)
	start := time.Now()
	until(t, "another node leads", func() bool { return c.Leader() != full })
	if err := insert(full.DB, `INSERT INTO t VALUES (1)`, false); err != nil {
		t.Errorf("a write through the node without space: %v", err)
	}
	t.Logf("written through the next leader %v after the disk was short", time.Since(start).Round(time.Millisecond))
	if s := full.DB.Status(); !s.LowSpace || s.Free != 20<<20 {
		t.Errorf("status %+v", s)
	}
	if rows, err := full.DB.Query(t.Context(), consensus.Linearizable, `SELECT a FROM t`); err != nil || len(rows.Values) != 1 {
		t.Errorf("reading from the node without space: %v %v", rows, err)
	}
	d.set(full.ID, 40*gibibyte)
	until(t, "the node wants to lead again", func() bool { return !full.DB.Status().LowSpace })
	c.WaitEqual()
}

// TestDiskFillsFasterThanItIsLookedAt: a leader looks before it writes. Nothing is written to a disk that has become full a
// moment ago, and who was writing gets an answer from the next leader.
func TestDiskFillsFasterThanItIsLookedAt(t *testing.T) {
	c, d := spaceCluster(t, 3)
	full, other := c.Leader(), c.Follower()
	for n := range 5 {
		d.set(full.ID, 40*gibibyte)
		until(t, "it has space", func() bool { return !full.DB.Status().LowSpace })
		until(t, "it leads", func() bool {
			if c.Leader() == full {
				return true
			}
			c.Leader().DB.Transfer(t.Context(), full.ID)
			return false
		})
		c.WaitEqual()
		before := full.DB.Applied()
		d.set(full.ID, 1<<20)
		if err := insert(other.DB, fmt.Sprintf(`INSERT INTO t VALUES (%d)`, n), false); err != nil {
			t.Fatal(err)
		}
		if after := full.DB.Applied(); after != before {
			t.Errorf("round %d: the log of the full disk went on from %d to %d", n, before, after)
		}
		if rows, err := full.DB.Query(t.Context(), consensus.Local, `SELECT count(*) FROM t`); err != nil || len(rows.Values) != 1 {
			t.Errorf("round %d: reading from the full node: %v", n, err)
		}
	}
	d.set(full.ID, 40*gibibyte)
	c.WaitEqual()
}

func TestNoMajorityWithSpaceRefusesBeforeAWriteFails(t *testing.T) {
	for _, short := range []int{2, 3} {
		t.Run(fmt.Sprintf("%d of 3 nodes", short), func(t *testing.T) {
			c, d := spaceCluster(t, 3)
			for i := range short {
				d.set(c.Nodes[i].ID, 20<<20)
			}
			for _, n := range c.Nodes {
				until(t, "refused by "+n.ID, func() bool { return errors.Is(insert(n.DB, `INSERT INTO t VALUES (1)`, false), consensus.ErrNoSpace) })
			}
			for _, n := range c.Nodes { // people sign in, look and delete
				if err := insert(n.DB, `DELETE FROM t`, true); err != nil {
					t.Errorf("an urgent write through %s: %v", n.ID, err)
				}
				if _, err := n.DB.Query(t.Context(), consensus.Linearizable, `SELECT a FROM t`); err != nil {
					t.Errorf("a read through %s: %v", n.ID, err)
				}
			}
			for i := range short {
				d.set(c.Nodes[i].ID, 40*gibibyte)
			}
			start := time.Now()
			until(t, "writes are taken again", func() bool { return insert(c.Nodes[0].DB, `INSERT INTO t VALUES (2)`, false) == nil })
			if took := time.Since(start); took > 10*time.Second {
				t.Errorf("it took %v", took)
			}
			c.WaitEqual()
		})
	}
}

func TestNodeWithoutSpaceAppendsNothingAndCatchesUp(t *testing.T) {
	c, d := spaceCluster(t, 3)
	full := c.Follower()
	d.set(full.ID, 1<<20)
	until(t, "it is noticed", func() bool { return full.DB.Status().LowSpace })
	if err := insert(c.Leader().DB, `INSERT INTO t VALUES (1)`, false); err != nil {
		t.Fatal(err)
	}
	before := full.DB.Status().Applied
	for range 20 {
		if err := insert(c.Leader().DB, `INSERT INTO t VALUES (2)`, false); err != nil {
			t.Fatal(err)
		}
	}
	if after := full.DB.Status().Applied; after != before {
		t.Errorf("the node without space went on from %d to %d", before, after)
	}
	if _, err := os.Stat(filepath.Join(full.Dir, "reserve")); err != nil {
		t.Errorf("the reserve was given up for what others keep: %v", err)
	}
	d.set(full.ID, 40*gibibyte)
	c.WaitEqual()
}

func TestReserveIsGivenUpForUrgentWrites(t *testing.T) {
	c, d := spaceCluster(t, 1)
	n := c.Nodes[0]
	reserve := filepath.Join(n.Dir, "reserve")
	if fi, err := os.Stat(reserve); err != nil || fi.Size() != 1<<20 {
		t.Fatalf("no reserve: %v", err)
	}
	d.set(n.ID, 2<<20)
	until(t, "refused", func() bool { return errors.Is(insert(n.DB, `INSERT INTO t VALUES (1)`, false), consensus.ErrNoSpace) })
	if _, err := os.Stat(reserve); err != nil {
		t.Errorf("given up too early: %v", err)
	}
	go insert(n.DB, `DELETE FROM t`, true)
	until(t, "the reserve is given up", func() bool { _, err := os.Stat(reserve); return err != nil })
	d.set(n.ID, 40*gibibyte)
	until(t, "the reserve is back", func() bool { _, err := os.Stat(reserve); return err == nil })
	until(t, "writes are taken again", func() bool { return insert(n.DB, `INSERT INTO t VALUES (2)`, false) == nil })
}
