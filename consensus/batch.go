package consensus

import (
	"fmt"
	"math"
	"time"
)

// Stamp, used as a parameter, becomes the entry's time when it is applied: Unix milliseconds of the leader's clock, which
// never go back from one entry to the next.
type Stamp struct{}

// Index, used as a parameter, becomes the position of the entry in the log when it is applied: Result.Index.
type Index struct{}

// Batch is one write. The zero value is an empty batch, ready to use. A batch must not be changed after Apply.
//
// Parameters may be nil, bool, int, int64, float64, string, []byte, time.Time (stored as Unix milliseconds; the zero time
// as NULL), Stamp, Index, and types whose underlying type is one of int64 or string.
type Batch struct {
	// Key identifies the write, so that a repeat returns the first result and changes nothing. At most 200 bytes.
	// An empty key is replaced by a random one, which makes Apply's own retries safe.
	Key string
	// Digest identifies the content under the key: the same key with another digest is ErrKeyConflict. Empty: the
	// hash of the batch itself. Callers that put fresh ids into a repeated batch set it from the request.
	Digest []byte
	// Urgent batches are written even when the disks are almost full: those that people sign in and clean up with.
	Urgent bool
	// Label names the write in Log and in the event log, where no personal data belongs: "enrol". Empty: the first
	// statement's verb and table. With LabelSet the first two parameters of each INSERT are shown as well.
	Label string
	// Each asks for Result.Each and Result.RowIDs: what every statement returned, not its number of changes alone.
	Each bool

	guards []guard
	stmts  []statement
	query  *statement
	topics []string
	err    error // first unusable parameter
}

// LabelSet is the label of writes to a key-value store: each INSERT statement has a key and a value as its first parameters.
const LabelSet = "SET"

type statement struct {
	sql  string
	args []any
}

type guard struct {
	statement
	err error // what Apply returns when the condition is false; stays on the calling node
}

// Require adds a guard: an SQL expression that must be true (not 0, not NULL) when the batch is applied, before any of
// its statements runs. Otherwise nothing changes and Apply returns err. Guards are checked in order. A refusal is not
// kept under the key: a repeat checks again.
func (b *Batch) Require(err error, condition string, args ...any) {
	b.guards = append(b.guards, guard{statement{"SELECT " + condition, b.bind(args)}, err})
}

// Exec adds a statement. When it fails, the whole batch has no effect.
func (b *Batch) Exec(sql string, args ...any) {
	b.stmts = append(b.stmts, statement{sql, b.bind(args)})
}

// Return sets the query that runs after the statements; its rows are Result.Rows, kept under the key and returned on a
// repeat as well. They are kept long: what grows with each write must not be among them, nor what the caller knows.
func (b *Batch) Return(sql string, args ...any) {
	b.query = &statement{sql, b.bind(args)}
}

// Notify adds topics that Watch reports on every node once the batch has taken effect.
func (b *Batch) Notify(topics ...string) { b.topics = append(b.topics, topics...) }

// Empty reports whether the batch has no statement.
func (b *Batch) Empty() bool { return len(b.stmts) == 0 }

// Result is the outcome of a batch that took effect.
type Result struct {
	Index   uint64    // position of the entry in the log
	Stamp   time.Time // of the entry, UTC, in milliseconds
	Changed []int64   // rows changed by each statement
	Rows    Rows      // of Return
	// With Batch.Each, of each statement: the rows that it returned, and the rowid that it gave last (0: none). Nil as long as
	// a node of the cluster runs a release that does not know them.
	Each     []Rows
	RowIDs   []int64
	Replayed bool // the key was known: this is the first result again
}

// bind normalises parameters to nil, int64, float64, string, []byte, Stamp or Index.
func (b *Batch) bind(args []any) []any {
	out := make([]any, len(args))
	for i, a := range args {
		v, err := bindValue(a)
		if err != nil && b.err == nil {
			b.err = err
		}
		out[i] = v
	}
	return out
}

func bindValue(a any) (any, error) {
	switch v := a.(type) {
	case nil, int64, string, []byte, Stamp, Index:
		return v, nil
	case int:
		return int64(v), nil
	case bool:
		if v {
			return int64(1), nil
		}
		return int64(0), nil
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, fmt.Errorf("consensus: parameter %v cannot be stored", v)
		}
		return v, nil
	case time.Time:
		if v.IsZero() {
			return nil, nil
		}
		return v.UnixMilli(), nil
	}
	return bindKind(a)
}
