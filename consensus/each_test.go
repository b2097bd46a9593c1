package consensus_test

import (
	"fmt"
	"testing"

	"trivium/consensus"
	"trivium/consensus/consensustest"
)

// TestRepeatOfAnotherRelease: the first try was made by a program that asked for other columns, as happens while nodes are upgraded.
func TestRepeatOfAnotherRelease(t *testing.T) {
	c := consensustest.Cluster(t, 3)
	if err := insert(c.Leader().DB, `CREATE TABLE t (a INTEGER, b TEXT) STRICT`, false); err != nil {
		t.Fatal(err)
	}
	apply := func(n *consensustest.Node, query string, args ...any) consensus.Result {
		b := consensus.Batch{Key: "key", Digest: []byte("request")}
		b.Exec(`INSERT INTO t VALUES (7, 'x')`)
		b.Return(query, args...)
		r, err := n.DB.Apply(t.Context(), &b)
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	first := apply(c.Leader(), `SELECT a FROM t`)
	if err := insert(c.Leader().DB, `UPDATE t SET a = 8`, false); err != nil {
		t.Fatal(err)
	}
	for _, n := range c.Nodes {
		if r := apply(n, `SELECT a FROM t`); !r.Replayed || fmt.Sprint(r.Rows.Values) != "[[7]]" {
			t.Errorf("%s, the same release: %+v", n.ID, r)
		}
		r := apply(n, `SELECT a, b, ? AS place FROM t`, consensus.Index{})
		if want := fmt.Sprint([][]any{{8, "x", first.Index}}); !r.Replayed || fmt.Sprint(r.Rows.Values) != want || r.Index != first.Index {
			t.Errorf("%s, another release: %+v, want %s", n.ID, r, want)
		}
	}
}

// TestEach: a batch tells what every statement returned, on a repeat as well, and the nodes keep the same.
func TestEach(t *testing.T) {
	c := consensustest.Cluster(t, 3)
	db := c.Follower().DB
	exec := func(key string, statements ...string) (consensus.Result, error) {
		b := consensus.Batch{Key: key, Each: true}
		for _, s := range statements {
			b.Exec(s)
		}
		return db.Apply(t.Context(), &b)
	}
	until(t, "the format of the results is in use", func() bool {
		if err := insert(db, `CREATE TABLE IF NOT EXISTS t (a INTEGER PRIMARY KEY, b TEXT)`, false); err != nil {
			t.Fatal(err)
		}
		return db.Status().InUse >= 3
	})
	for _, try := range []string{"first", "again"} {
		r, err := exec("key", `INSERT INTO t VALUES (7, 'x'), (8, 'y')`, `UPDATE t SET b = 'z' WHERE a = 7`,
			`INSERT INTO t (b) VALUES ('w') RETURNING a, b`, `CREATE TABLE u (a TEXT PRIMARY KEY) WITHOUT ROWID; INSERT INTO u VALUES ('q')`,
			`INSERT INTO t SELECT * FROM t WHERE a > 100`, `SELECT b FROM t ORDER BY a`)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := fmt.Sprint(r.RowIDs, r.Changed, r.Each[2], r.Each[5].Values), "[8 0 0 0 0 0] [2 1 1 1 0 3] {[a b] [] [[9 w]]} [[z] [y] [w]]"; got != want {
			t.Errorf("%s: %s; want %s", try, got, want)
		}
		if (try == "again") != r.Replayed {
			t.Errorf("%s: replayed %t", try, r.Replayed)
		}
	}
	if _, err := exec("", `INSERT INTO t VALUES (50, '')`, `INSERT INTO t VALUES (7, '')`); err == nil {
		t.Error("a conflict is no error")
	}
	if r, err := exec("", `UPDATE t SET b = ''`); err != nil || r.RowIDs[0] != 0 || r.Changed[0] != 3 {
		t.Errorf("after the failed batch: %v %v", r, err)
	}
	c.WaitEqual()
	rows, err := db.Query(t.Context(), consensus.Local, `SELECT a, b, a + 1 FROM t`)
	if err != nil || fmt.Sprint(rows.Types) != "[integer text ]" {
		t.Errorf("types %q, %v", rows.Types, err)
	}
}
