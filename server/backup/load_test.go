package backup

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trivium/consensus"
	"trivium/consensus/consensustest"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

// TestBackupWhileNodesDie makes backups on every node while the site is written to and a node stops and returns. Each must
// be one state of the log: whole batches, all that was acknowledged before it began, and the hash that its index has.
func TestBackupWhileNodesDie(t *testing.T) {
	c := consensustest.Cluster(t, 3)
	st, err := store.Open(t.Context(), c.Leader().DB)
	if err != nil {
		t.Fatal(err)
	}
	storetest.Fill(t, st)
	// Node 0 and 1 stay and are written to; 2 comes and goes.
	var acknowledged atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	t.Cleanup(writers.Wait)
	t.Cleanup(stop)
	for w := range 2 {
		db := c.DB(w)
		writers.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				var b consensus.Batch
				b.Key = fmt.Sprintf("w%d-%d", w, i)
				for _, half := range []string{"left", "right"} {
					b.Exec(`INSERT INTO settings (name, value, updated_at) VALUES (?, 'x', 0)`, fmt.Sprintf("load.%s.%d.%d", half, w, i))
				}
				if _, err := db.Apply(ctx, &b); err == nil {
					acknowledged.Add(1)
				}
			}
		})
	}
	for round := range 4 {
		if round%2 == 0 {
			c.Stop(2)
		} else {
			c.Restart(2)
		}
		before := acknowledged.Load()
		m, dir := roundTrip(t, Source{DB: c.DB(round % 2), Dir: filepath.Join(t.TempDir(), "b"), Cluster: testCluster, Node: "n"})
		left, right := halves(t, dir)
		if left != right || left < before {
			t.Errorf("entry %d: %d and %d halves of batches, %d were acknowledged before", m.Index, left, right, before)
		}
	}
	stop()
	writers.Wait()
	c.WaitReady(2)
	c.WaitEqual()
	sum, index, err := c.DB(2).Hash(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for i := range 3 {
		if m, _ := roundTrip(t, Source{DB: c.DB(i), Dir: filepath.Join(t.TempDir(), "b"), Cluster: testCluster, Node: "n"}); m.Index == index && m.RowHash != sum {
			t.Errorf("node %d: %.8s at %d, not %.8s", i, m.RowHash, m.Index, sum)
		}
	}
	if acknowledged.Load() == 0 {
		t.Error("nothing was written meanwhile")
	}
}

// roundTrip makes an archive and restores it. Leadership may change at any moment: it tries for a while.
func roundTrip(t *testing.T, s Source) (Manifest, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	snap, err := s.Take(ctx)
	for err != nil && ctx.Err() == nil {
		snap, err = s.Take(ctx)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	var out bytes.Buffer
	if err := snap.Write(ctx, &out, nil); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "data")
	if _, err := Restore(ctx, &out, Target{Dir: dir, ID: "new", Address: "127.0.0.1:4100"}); err != nil {
		t.Fatal(err)
	}
	return snap.Manifest, dir
}

// halves counts the statements of the writers' batches in a restored database.
func halves(t *testing.T, dir string) (left, right int64) {
	t.Helper()
	db := must(sql.Open("sqlite3", "file:"+filepath.Join(dir, "db", "state", "g1", "db")+"?mode=ro"))
	defer db.Close()
	err := db.QueryRow(`SELECT count(*) FILTER (WHERE name LIKE 'load.left.%'), count(*) FILTER (WHERE name LIKE 'load.right.%') FROM settings`).Scan(&left, &right)
	if err != nil {
		t.Fatal(err)
	}
	return left, right
}
