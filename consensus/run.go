package consensus

import (
	"bytes"
	"time"
)

// run applies one batch within the transaction of its entry.
type run struct {
	m     *machine
	w     *writer
	index uint64
	stamp int64
}

// command returns an error only when this node's storage fails.
func (r *run) command(c *command) (outcome, error) {
	if c.key != "" {
		o, known, err := r.known(c)
		if err != nil || known {
			return o, err
		}
	}
	for i := range c.guards { // before anything is written
		rows, err := r.w.queryBatch(&c.guards[i])
		if err != nil {
			return r.refused(err)
		}
		if !holds(rows) {
			return outcome{code: outcomeGuard, guard: i}, nil
		}
	}
	if _, err := r.w.ours("SAVEPOINT batch"); err != nil {
		return outcome{}, err
	}
	o, failure := r.statements(c)
	if r.w.c.AutoCommit() { // the batch ended the transaction of the entry
		return outcome{code: outcomeLost}, nil
	}
	if failure != nil {
		return r.undo(failure)
	}
	if c.key != "" {
		if err := r.keep(c, &o.res); err != nil {
			return outcome{}, err
		}
	}
	_, err := r.w.ours("RELEASE batch")
	if err != nil {
		if code, ok := classify(err); ok && code == outcomeConstraint { // deferred foreign keys
			return r.undo(err)
		}
	}
	return o, err
}

func (r *run) statements(c *command) (o outcome, err error) {
	o.res = Result{Index: r.index, Stamp: time.UnixMilli(r.stamp).UTC()}
	if len(c.stmts) > 0 {
		o.res.Changed = make([]int64, len(c.stmts))
	}
	for i := range c.stmts {
		if o.res.Changed[i], err = r.w.execBatch(&c.stmts[i]); err != nil {
			return o, err
		}
	}
	if c.query != nil {
		o.res.Rows, err = r.w.queryBatch(c.query)
	}
	return o, err
}

// refused turns an error that every node has into an outcome.
func (r *run) refused(err error) (outcome, error) {
	code, deterministic := classify(err)
	if !deterministic {
		return outcome{}, err
	}
	if r.w.c.AutoCommit() {
		return outcome{code: outcomeLost}, nil
	}
	return outcome{code: code, message: err.Error()}, nil
}

func (r *run) undo(failure error) (outcome, error) {
	o, err := r.refused(failure)
	if err != nil || o.code == outcomeLost {
		return o, err
	}
	if _, err := r.w.ours("ROLLBACK TO batch"); err != nil {
		return outcome{}, err
	}
	r.w.forgetOnDDL()
	_, err = r.w.ours("RELEASE batch")
	return o, err
}

// holds: one row whose first value is a number other than 0.
func holds(rows Rows) bool {
	if len(rows.Values) == 0 || len(rows.Values[0]) == 0 {
		return false
	}
	switch v := rows.Values[0][0].(type) {
	case int64:
		return v != 0
	case float64:
		return v != 0
	}
	return false
}

// Tables of kept results, and how they are read and written.
var (
	findKept = map[bool]string{false: "SELECT digest, result FROM raft_keys WHERE key = ?", true: "SELECT digest, result FROM raft_retries WHERE key = ?"}
	addKept  = map[bool]string{
		false: "INSERT INTO raft_keys (key, digest, log_index, stamp, result) VALUES (?, ?, ?, ?, ?)",
		true:  "INSERT INTO raft_retries (key, digest, log_index, stamp, result) VALUES (?, ?, ?, ?, ?)",
	}
)

func (r *run) known(c *command) (outcome, bool, error) {
	rows, err := r.w.ours(findKept[c.private], c.key)
	if err != nil || len(rows) == 0 {
		return outcome{}, false, err
	}
	var digest, result []byte
	if err := rows[0].Scan(&digest, &result); err != nil {
		return outcome{}, false, err
	}
	if !bytes.Equal(digest, c.digest) {
		return outcome{code: outcomeConflict}, true, nil
	}
	res, err := decodeResult(result)
	res.Replayed = true
	return outcome{res: res}, true, err
}

func (r *run) keep(c *command, res *Result) error {
	digest := c.digest
	if digest == nil {
		digest = []byte{}
	}
	_, err := r.w.ours(addKept[c.private], c.key, digest, int64(r.index), r.stamp, encodeResult(res))
	return err
}

// How long the results of nodes' own retries are kept: longer than any retry lasts, by the stamp and by the log, since a
// change of leader can make stamps jump.
const (
	retryAge     = 2 * 60 * 1000 // ms
	retryEntries = 10_000
)

// prune forgets results by the entry's own stamp and limits, never by a node's clock or settings, so that every node
// forgets the same. A bounded number goes with each entry, more than an entry adds.
func (m *machine) prune(w *writer, e *entry, index uint64) error {
	n := int64(2*len(e.commands) + 8)
	err := m.pruneTable(w, "raft_keys", e.stamp-e.keep, int64(index), n)
	if err == nil {
		err = m.pruneTable(w, "raft_retries", e.stamp-retryAge, int64(index)-retryEntries, n)
	}
	return err
}

var pruneSQL = map[string]string{
	"raft_keys":    "DELETE FROM raft_keys WHERE id IN (SELECT id FROM raft_keys ORDER BY id LIMIT ?) AND stamp < ? AND log_index < ?",
	"raft_retries": "DELETE FROM raft_retries WHERE id IN (SELECT id FROM raft_retries ORDER BY id LIMIT ?) AND stamp < ? AND log_index < ?",
}

var oldestSQL = map[string]string{
	"raft_keys":    "SELECT stamp FROM raft_keys ORDER BY id LIMIT 1",
	"raft_retries": "SELECT stamp FROM raft_retries ORDER BY id LIMIT 1",
}

// pruneTable skips the DELETE when the oldest row is known to be too young: it would delete nothing.
func (m *machine) pruneTable(w *writer, table string, before, index, n int64) error {
	oldest, ok := m.oldest[table]
	if !ok {
		rows, err := w.ours(oldestSQL[table])
		if err != nil {
			return err
		}
		if len(rows) == 0 {
			return nil
		}
		if err := rows[0].Scan(&oldest); err != nil {
			return err
		}
		m.oldest[table] = oldest
	}
	if oldest >= before {
		return nil
	}
	delete(m.oldest, table)
	_, err := w.ours(pruneSQL[table], n, before, index)
	return err
}
