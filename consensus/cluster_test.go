package consensus_test

import (
	"context"
	"testing"
	"time"

	"trivium/consensus"
	"trivium/consensus/consensustest"
)

func apply(t *testing.T, db *consensus.DB, build func(b *consensus.Batch)) consensus.Result {
	t.Helper()
	var b consensus.Batch
	build(&b)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	r, err := db.Apply(ctx, &b)
	if err != nil {
		t.Fatalf("Apply: %v", err)
	}
	return r
}

func exec(t *testing.T, db *consensus.DB, sql string, args ...any) consensus.Result {
	t.Helper()
	return apply(t, db, func(b *consensus.Batch) { b.Exec(sql, args...) })
}

func number(t *testing.T, db *consensus.DB, level consensus.Level, sql string, args ...any) (n int) {
	t.Helper()
	rows, err := db.Query(context.Background(), level, sql, args...)
	if err != nil {
		t.Fatalf("Query: %v", err)
	}
	if len(rows.Values) != 1 {
		t.Fatalf("%s: %d rows", sql, len(rows.Values))
	}
	if err := rows.Values[0].Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestOneNode(t *testing.T) {
	db := consensustest.Open(t)
	exec(t, db, `CREATE TABLE notes (id TEXT PRIMARY KEY, at INTEGER NOT NULL, place INTEGER NOT NULL) STRICT`)
	exec(t, db, `CREATE VIRTUAL TABLE words USING fts5(body)`)
	exec(t, db, `INSERT INTO words (body) VALUES ('the quick brown fox')`)
	r := apply(t, db, func(b *consensus.Batch) {
		b.Exec(`INSERT INTO notes VALUES (?, ?, ?)`, "a", consensus.Stamp{}, consensus.Index{})
		b.Return(`SELECT id, at, place FROM notes`)
	})
	var id string
	var at time.Time
	var place int64
	if err := r.Rows.Values[0].Scan(&id, &at, &place); err != nil || id != "a" || !at.Equal(r.Stamp) || place != int64(r.Index) {
		t.Fatalf("got %q %s %d, stamp %s, index %d, %v", id, at, place, r.Stamp, r.Index, err)
	}
	if n := number(t, db, consensus.Linearizable, `SELECT count(*) FROM words WHERE words MATCH 'fox'`); n != 1 {
		t.Fatalf("found %d", n)
	}
}

func TestThreeNodesAnyAnswers(t *testing.T) {
	c := consensustest.Cluster(t, 3)
	exec(t, c.Nodes[0].DB, `CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT) STRICT`)
	for i, n := range c.Nodes {
		r := exec(t, n.DB, `INSERT INTO kv VALUES (?, 'x')`, n.ID)
		if got := number(t, n.DB, consensus.Local, `SELECT count(*) FROM kv`); got != i+1 {
			t.Errorf("%s does not read its own write: %d rows", n.ID, got)
		}
		for _, other := range c.Nodes {
			if err := other.DB.WaitIndex(context.Background(), r.Index); err != nil {
				t.Fatal(err)
			}
			if got := number(t, other.DB, consensus.Local, `SELECT count(*) FROM kv`); got != i+1 {
				t.Errorf("%s at index %d: %d rows", other.ID, r.Index, got)
			}
		}
	}
	c.WaitEqual()
}
