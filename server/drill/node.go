package drill

import (
	"context"
	"errors"
	"fmt"

	"trivium/consensus"
)

// Node is one running node of a cluster under drill.
type Node interface {
	// Set writes a key. The same id takes effect once, whatever is repeated.
	Set(ctx context.Context, id, key, value string) error
	// Get reads a key under the leader's lease, or from a majority where there is none.
	Get(ctx context.Context, key string) (Value, error)
	Status(ctx context.Context) (consensus.Status, error)
	// Log returns the lines of the node's log, such as "NO-OP 1" and "SET key value 1".
	Log(ctx context.Context) ([]string, error)
	Join(ctx context.Context, id, address string) error
}

// Value is what a key holds.
type Value struct {
	Text   string
	Found  bool
	Writes int64 // that took effect
}

// Refusals of a node. Everything else that it says is a failure of the drill.
var (
	errRefused = errors.New("refused: no majority, or no leader within the time")
	errUnknown = errors.New("the outcome is unknown")
)

// refused reports whether a node said clearly that it could not.
func refused(err error) bool { return errors.Is(err, errRefused) || errors.Is(err, errUnknown) }

// local is a node in this process.
type local struct{ db *consensus.DB }

const table = `CREATE TABLE IF NOT EXISTS drill (k TEXT PRIMARY KEY, v TEXT NOT NULL, writes INTEGER NOT NULL) STRICT`

func (n local) Set(ctx context.Context, id, key, value string) error {
	b := consensus.Batch{Key: id, Label: consensus.LabelSet}
	b.Exec(`INSERT INTO drill VALUES (?, ?, 1) ON CONFLICT (k) DO UPDATE SET v = excluded.v, writes = writes + 1`, key, value)
	_, err := n.db.Apply(ctx, &b)
	return refusal(err)
}

func (n local) Get(ctx context.Context, key string) (v Value, err error) {
	rows, err := n.db.Query(ctx, consensus.Lease, `SELECT v, writes FROM drill WHERE k = ?`, key)
	if err != nil {
		return v, refusal(err)
	}
	if len(rows.Values) > 0 {
		v.Found = true
		err = rows.Values[0].Scan(&v.Text, &v.Writes)
	}
	return v, err
}

func refusal(err error) error {
	switch {
	case errors.Is(err, consensus.ErrUnknown):
		return fmt.Errorf("%w (%v)", errUnknown, err)
	case errors.Is(err, consensus.ErrUnavailable), errors.Is(err, consensus.ErrBusy):
		return fmt.Errorf("%w (%v)", errRefused, err)
	}
	return err
}

func (n local) Status(context.Context) (consensus.Status, error) { return n.db.Status(), nil }

func (n local) Log(ctx context.Context) ([]string, error) {
	lines, err := n.db.Log(ctx, 1, 0)
	text := make([]string, len(lines))
	for i, l := range lines {
		text[i] = l.Text
	}
	return text, err
}

func (n local) Join(ctx context.Context, id, address string) error {
	return refusal(n.db.Join(ctx, id, address, true))
}

// prepare makes the table.
func (n local) prepare(ctx context.Context) error {
	var b consensus.Batch
	b.Exec(table)
	_, err := n.db.Apply(ctx, &b)
	return refusal(err)
}
