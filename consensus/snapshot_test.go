package consensus_test

import (
	"bytes"
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"trivium/consensus"
	"trivium/consensus/consensustest"
)

// tinyLog makes a node that was away for a moment need a snapshot.
func tinyLog(c *consensus.Config) {
	c.TrailingLogs, c.SnapshotEvery, c.SnapshotInterval = 10, 20, 20*time.Millisecond
}

func figure(t *testing.T, db *consensus.DB, name string) float64 {
	t.Helper()
	sum, err := figureOf(db, name)
	if err != nil {
		t.Fatal(err)
	}
	return sum
}

func figureOf(db *consensus.DB, name string) (sum float64, err error) {
	reg := prometheus.NewRegistry()
	reg.MustRegister(db.Collectors()...)
	families, err := reg.Gather()
	for _, f := range families {
		if f.GetName() == name {
			for _, m := range f.GetMetric() {
				sum += m.GetCounter().GetValue() + m.GetGauge().GetValue()
			}
		}
	}
	return sum, err
}

func TestFollowerFarBehindInstallsASnapshot(t *testing.T) {
	c := consensustest.Cluster(t, 3, tinyLog)
	exec(t, c.Nodes[0].DB, writesTable)
	exec(t, c.Nodes[0].DB, `CREATE VIRTUAL TABLE f USING fts5(a)`)
	i := c.Index(c.Follower())
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	c.Stop(i)
	l := startLoad(c, 4)
	l.waitFor(t, 2000)
	exec(t, c.Leader().DB, `INSERT INTO f VALUES ('some words')`)
	time.Sleep(100 * time.Millisecond) // several looks at the log
	c.Restart(i)
	events := c.Nodes[i].DB.Watch(ctx)
	c.WaitReady(i)
	l.waitFor(t, 100)
	l.check(t, c.Nodes[i].DB)
	c.WaitEqual()
	if n := figure(t, c.Nodes[i].DB, "trivium_consensus_snapshots_received_total"); n == 0 {
		t.Error("the follower has received no snapshot")
	}
	if e := <-events; !e.Lost {
		t.Errorf("a watcher is not told that it missed what the snapshot brought: %+v", e)
	}
	// What the snapshot brought survives a restart.
	c.Restart(i)
	c.WaitReady(i)
	c.WaitEqual()
	entries, _ := filepath.Glob(filepath.Join(c.Nodes[i].Dir, "state", "g*"))
	if len(entries) != 1 {
		t.Errorf("generations %v", entries)
	}
}

func TestNewNodeJoinsUnderLoadWithoutTheLog(t *testing.T) {
	c := consensustest.Cluster(t, 1, tinyLog)
	exec(t, c.Nodes[0].DB, writesTable)
	l := startLoad(c, 4)
	l.waitFor(t, 2000)
	time.Sleep(100 * time.Millisecond)
	for range 2 {
		i := c.Add(false)
		c.Join(i, true)
		c.WaitReady(i)
		l.waitFor(t, 200)
	}
	l.check(t, c.Nodes[2].DB)
	c.WaitEqual()
}

func TestBackupIsAConsistentCopyUnderLoad(t *testing.T) {
	c := consensustest.Cluster(t, 1)
	exec(t, c.Nodes[0].DB, `CREATE TABLE pairs (a INTEGER) STRICT`)
	var wg sync.WaitGroup
	ctx, cancel := context.WithCancel(context.Background())
	for range 4 {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				var b consensus.Batch
				b.Exec(`INSERT INTO pairs VALUES (?)`, n)
				b.Exec(`INSERT INTO pairs VALUES (?)`, -n)
				c.Nodes[0].DB.Apply(ctx, &b)
			}
		})
	}
	before := exec(t, c.Nodes[0].DB, `INSERT INTO pairs VALUES (0), (0)`)
	var out bytes.Buffer
	index, err := c.Nodes[0].DB.Backup(context.Background(), &out)
	cancel()
	wg.Wait()
	if err != nil || index < before.Index {
		t.Fatalf("index %d, %v", index, err)
	}
	path := filepath.Join(t.TempDir(), "copy")
	if err := os.WriteFile(path, out.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite3", path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var check string
	var rows, sum, at int
	if err := db.QueryRow(`SELECT (SELECT quick_check FROM pragma_quick_check), count(*), sum(a), (SELECT applied_index FROM raft_state) FROM pairs`).Scan(&check, &rows, &sum, &at); err != nil {
		t.Fatal(err)
	}
	if check != "ok" || rows%2 != 0 || sum != 0 || at != int(index) {
		t.Errorf("%s, %d rows, sum %d, index %d of %d", check, rows, sum, at, index)
	}
	if left, _ := filepath.Glob(filepath.Join(c.Nodes[0].Dir, "backup*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestHashTellsContentAndSchemaApart(t *testing.T) {
	db := consensustest.Open(t)
	seen := map[string]string{}
	look := func(what string) {
		t.Helper()
		sum, index, err := db.Hash(context.Background())
		if err != nil || index == 0 {
			t.Fatalf("%d %v", index, err)
		}
		if old, ok := seen[sum]; ok {
			t.Errorf("%s has the hash of %s", what, old)
		}
		seen[sum] = what
	}
	look("empty")
	for _, q := range []string{`CREATE TABLE t (a ANY) STRICT`, `INSERT INTO t VALUES (1)`, `INSERT INTO t VALUES (1)`, `UPDATE t SET a = '1'`,
		`UPDATE t SET a = NULL`, `CREATE INDEX i ON t (a)`} {
		exec(t, db, q)
		look(q)
	}
	sum, _, _ := db.Hash(context.Background())
	exec(t, db, `INSERT INTO t VALUES (5)`)
	exec(t, db, `DELETE FROM t WHERE a = 5`)
	if again, _, _ := db.Hash(context.Background()); again != sum {
		t.Error("the same content has another hash")
	}
}

func TestMetricsNameThemselves(t *testing.T) {
	db := consensustest.Open(t)
	exec(t, db, `CREATE TABLE t (a INTEGER) STRICT`)
	reg := prometheus.NewRegistry()
	reg.MustRegister(db.Collectors()...)
	exec(t, db, `INSERT INTO t VALUES (1)`)
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range families {
		names = append(names, f.GetName())
	}
	all := strings.Join(names, " ")
	for _, want := range []string{"trivium_consensus_batches_total", "trivium_consensus_write_seconds", "trivium_consensus_applied_index", "raft_"} {
		if !strings.Contains(all, want) {
			t.Errorf("%s is missing in %s", want, all)
		}
	}
	if n := figure(t, db, "trivium_consensus_batches_total"); n < 2 {
		t.Errorf("%v batches", n)
	}
}
