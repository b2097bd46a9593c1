package consensus

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// outcome is what the state machine says of one batch: the same on every node.
type outcome struct {
	code    outcomeCode
	guard   int    // the number of the guard that refused
	message string // of the SQL error
	res     Result
}

type outcomeCode byte

// The codes travel between nodes; new ones are added at the end.
const (
	outcomeDone outcomeCode = iota
	outcomeGuard
	outcomeConstraint
	outcomeSQL
	outcomeConflict
	// These stay inside the state machine.
	outcomeLost  // the batch ended the entry's transaction
	outcomeAgain // the entry must be run with savepoints
)

var errGuard = errors.New("consensus: a condition does not hold")

// result turns the outcome into what Apply returns, with the errors of the caller's own batch.
func (o outcome) result(b *Batch) (Result, error) {
	switch o.code {
	case outcomeDone:
		return o.res, nil
	case outcomeGuard:
		if o.guard < len(b.guards) && b.guards[o.guard].err != nil {
			return Result{}, b.guards[o.guard].err
		}
		return Result{}, errGuard
	case outcomeConstraint:
		return Result{}, fmt.Errorf("%w: %s", ErrConstraint, o.message)
	case outcomeConflict:
		return Result{}, ErrKeyConflict
	}
	return Result{}, errors.New("consensus: " + o.message)
}

func (e *encoder) result(r *Result) {
	e.uint(r.Index)
	e.int(r.Stamp.UnixMilli())
	e.uint(uint64(len(r.Changed)))
	for _, n := range r.Changed {
		e.int(n)
	}
	e.rows(&r.Rows)
	for i := range r.Each { // comes last: most results end before it
		e.rows(&r.Each[i])
		e.int(r.RowIDs[i])
	}
}

func (e *encoder) rows(r *Rows) {
	e.uint(uint64(len(r.Columns)))
	for _, c := range r.Columns {
		e.str(c)
	}
	e.uint(uint64(len(r.Values)))
	for _, row := range r.Values {
		for _, v := range row {
			e.value(v)
		}
	}
}

func (d *decoder) result() (r Result) {
	r.Index = d.uint()
	r.Stamp = time.UnixMilli(d.int()).UTC()
	if n := d.count(); n > 0 {
		r.Changed = make([]int64, n)
		for i := range r.Changed {
			r.Changed[i] = d.int()
		}
	}
	r.Rows = d.rows()
	for len(d.b) > 0 && !d.bad {
		r.Each = append(r.Each, d.rows())
		r.RowIDs = append(r.RowIDs, d.int())
	}
	if len(r.Each) > 0 && len(r.Each) != len(r.Changed) {
		d.fail()
	}
	return r
}

func (d *decoder) rows() (r Rows) {
	columns := d.count()
	for range columns {
		r.Columns = append(r.Columns, string(d.bytes()))
	}
	for range d.count() {
		row := make(Row, columns)
		for i := range row {
			row[i] = d.value()
		}
		r.Values = append(r.Values, row)
		if d.bad {
			break
		}
	}
	return r
}

func encodeResult(r *Result) []byte {
	e := encoder{b: make([]byte, 0, 64)}
	e.result(r)
	return e.b
}

func decodeResult(p []byte) (Result, error) {
	d := &decoder{b: p}
	r := d.result()
	if d.bad || len(d.b) != 0 {
		return Result{}, errors.New("consensus: damaged result")
	}
	return r, nil
}

func encodeOutcome(o *outcome) []byte {
	e := encoder{b: make([]byte, 0, 96)}
	replayed := byte(0)
	if o.res.Replayed {
		replayed = 1
	}
	e.b = append(e.b, byte(o.code), replayed)
	e.uint(uint64(o.guard))
	e.str(o.message)
	e.result(&o.res)
	return e.b
}

func decodeOutcome(p []byte) (outcome, error) {
	d := &decoder{b: p}
	o := outcome{code: outcomeCode(d.byte())}
	o.res.Replayed = d.byte() == 1
	o.guard, o.message = int(d.uint()), string(d.bytes())
	replayed := o.res.Replayed
	o.res = d.result()
	o.res.Replayed = replayed
	if d.bad || len(d.b) != 0 || o.guard < 0 {
		return outcome{}, errors.New("consensus: damaged outcome")
	}
	return o, nil
}

// HasKey reports whether this node has applied a batch under the idempotency key: of the content, unless digest is nil.
func (db *DB) HasKey(ctx context.Context, key string, digest []byte) (bool, error) {
	rows, err := db.Query(ctx, Local, `SELECT count(*) FROM raft_keys WHERE key = ?1 AND (?2 IS NULL OR digest = ?2)`, key, digest)
	if err != nil {
		return false, err
	}
	var n int
	err = rows.Values[0].Scan(&n)
	return n > 0, err
}
