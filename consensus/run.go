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
	each  bool // the entry's format knows Batch.Each
	// hasty: a batch of one statement, and perhaps a query, gets no savepoint, which would cost as much as the statement.
	// When it fails, the entry is run again with savepoints.
	hasty bool
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
	hasty := r.hasty && len(c.stmts) <= 1
	if !hasty {
		if _, err := r.w.ours("SAVEPOINT batch"); err != nil {
			return outcome{}, err
		}
	}
	o, failure := r.statements(c)
	if r.w.c.AutoCommit() { // the batch ended the transaction of the entry
		return outcome{code: outcomeLost}, nil
	}
	if failure != nil && hasty {
		return r.again(failure)
	}
	if failure != nil {
		return r.undo(failure)
	}
	if c.key != "" {
		if err := r.keep(c, &o.res); err != nil {
			return outcome{}, err
		}
	}
	if hasty {
		return o, nil
	}
	_, err := r.w.ours("RELEASE batch")
	return o, err
}

// again asks for another run of the entry, with savepoints: what a failed statement leaves depends on its OR clause.
func (r *run) again(failure error) (outcome, error) {
	if _, err := r.refused(failure); err != nil {
		return outcome{}, err
	}
	_, err := r.w.ours("ROLLBACK")
	return outcome{code: outcomeAgain}, err
}

func (r *run) statements(c *command) (o outcome, err error) {
	o.res = Result{Index: r.index, Stamp: time.UnixMilli(r.stamp).UTC()}
	if len(c.stmts) > 0 {
		o.res.Changed = make([]int64, len(c.stmts))
	}
	each := c.each && r.each
	for i := range c.stmts {
		if each {
			err = r.statement(&c.stmts[i], i, &o.res)
		} else {
			o.res.Changed[i], err = r.w.execBatch(&c.stmts[i])
		}
		if err != nil {
			return o, err
		}
	}
	if c.query != nil {
		o.res.Rows, err = r.w.queryBatch(c.query)
	}
	return o, err
}

// statement runs one statement and tells all that it returned.
func (r *run) statement(s *statement, i int, res *Result) error {
	rows, changed, id, err := r.w.execEach(s)
	res.Changed[i] = changed
	res.Each, res.RowIDs = append(res.Each, rows), append(res.RowIDs, id)
	return err
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

func (r *run) known(c *command) (outcome, bool, error) {
	var rows []Row
	var err error
	if c.private {
		rows, err = r.w.ours("SELECT x'', result FROM raft_retries WHERE key = ?", []byte(c.key))
	} else {
		rows, err = r.w.ours("SELECT digest, result FROM raft_keys WHERE key = ?", c.key)
	}
	if err != nil || len(rows) == 0 {
		return outcome{}, false, err
	}
	var digest, result []byte
	if err := rows[0].Scan(&digest, &result); err != nil {
		return outcome{}, false, err
	}
	if !c.private && !bytes.Equal(digest, c.digest) {
		return outcome{code: outcomeConflict}, true, nil
	}
	res, err := decodeResult(result)
	res.Replayed = true
	return outcome{res: res}, true, err
}

func (r *run) keep(c *command, res *Result) error {
	result := encodeResult(res)
	if c.private {
		_, err := r.w.ours("INSERT INTO raft_retries (key, stamp, result) VALUES (?, ?, ?)", []byte(c.key), r.stamp, result)
		return err
	}
	digest := c.digest
	if digest == nil {
		digest = []byte{}
	}
	_, err := r.w.ours("INSERT INTO raft_keys (key, digest, log_index, stamp, result) VALUES (?, ?, ?, ?, ?)",
		c.key, digest, int64(r.index), r.stamp, result)
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
	if index > retryEntries {
		_, err := w.ours(`DELETE FROM raft_retries WHERE stamp < ? AND key IN (SELECT key FROM raft_retries WHERE key < ? ORDER BY key LIMIT ?)`,
			e.stamp-retryAge, []byte(retryPrefix(index-retryEntries)), n)
		if err != nil {
			return err
		}
	}
	return m.pruneKeys(w, e.stamp-e.keep, n)
}

// pruneKeys skips the DELETE while the oldest row is known to be too young: it would delete nothing.
func (m *machine) pruneKeys(w *writer, before, n int64) error {
	if m.oldestKey == 0 {
		rows, err := w.ours("SELECT max(stamp, 1) FROM raft_keys ORDER BY id LIMIT 1")
		if err != nil || len(rows) == 0 {
			return err
		}
		if err := rows[0].Scan(&m.oldestKey); err != nil {
			return err
		}
	}
	if m.oldestKey >= before {
		return nil
	}
	m.oldestKey = 0
	_, err := w.ours("DELETE FROM raft_keys WHERE stamp < ? AND id IN (SELECT id FROM raft_keys ORDER BY id LIMIT ?)", before, n)
	return err
}
