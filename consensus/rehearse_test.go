package consensus_test

import (
	"errors"
	"path/filepath"
	"testing"

	"trivium/consensus"
	"trivium/consensus/consensustest"
)

// TestRehearse tells what batches would do, on what the node has, and does nothing.
func TestRehearse(t *testing.T) {
	n := consensustest.Cluster(t, 1).Nodes[0]
	for _, q := range []string{`CREATE TABLE t (a INTEGER) STRICT`, `INSERT INTO t VALUES (1), (1)`} {
		if err := insert(n.DB, q, false); err != nil {
			t.Fatal(err)
		}
	}
	batch := func(q string, args ...any) *consensus.Batch {
		var b consensus.Batch
		b.Exec(q, args...)
		return &b
	}
	refusal := errors.New("refused")
	guarded := func(condition string) *consensus.Batch {
		b := batch(`INSERT INTO t (a) VALUES (2)`)
		b.Require(refusal, condition)
		return b
	}
	before := n.DB.Status().Applied
	for name, c := range map[string]struct {
		batches []*consensus.Batch
		done    int
		want    error // nil: none
		any     bool  // any error
	}{
		"works":                {batches: []*consensus.Batch{batch(`ALTER TABLE t ADD COLUMN b INTEGER`), batch(`UPDATE t SET b = ?`, consensus.Stamp{}), guarded(`(SELECT min(b) FROM t) > 0`)}, done: 3},
		"fails on the data":    {batches: []*consensus.Batch{batch(`CREATE TABLE u (a INTEGER)`), batch(`CREATE UNIQUE INDEX i ON t (a)`)}, done: 1, want: consensus.ErrConstraint},
		"a guard refuses":      {batches: []*consensus.Batch{guarded(`(SELECT count(*) FROM t) = 3`)}, want: refusal},
		"no such table":        {batches: []*consensus.Batch{batch(`INSERT INTO nowhere VALUES (1)`)}, any: true},
		"not allowed":          {batches: []*consensus.Batch{batch(`INSERT INTO t VALUES (random())`)}, any: true},
		"ends the transaction": {batches: []*consensus.Batch{batch(`CREATE UNIQUE INDEX i ON t (a) WHERE a = 9`), batch(`INSERT OR ROLLBACK INTO t VALUES (9), (9)`)}, done: 1, any: true},
	} {
		t.Run(name, func(t *testing.T) {
			done, err := n.DB.Rehearse(t.Context(), c.batches...)
			if done != c.done || !c.any && !errors.Is(err, c.want) || c.any && err == nil {
				t.Errorf("%d of %d, %v", done, len(c.batches), err)
			}
			rows, err := n.DB.Query(t.Context(), consensus.Local, `SELECT count(*) FROM sqlite_master WHERE name IN ('u', 'i') OR sql LIKE '%b INTEGER%'`)
			if err != nil || rows.Values[0][0] != int64(0) || n.DB.Status().Applied != before {
				t.Errorf("something was done: %v %v", rows.Values, err)
			}
			if left, _ := filepath.Glob(filepath.Join(n.Dir, "*rehearsal*")); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}
