package consensus

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// rehearsalFile begins the names of the copies, which are gone when Rehearse returns. A crash leaves one to the next.
const rehearsalFile = "rehearsal-"

// Rehearse applies the batches, one after the other, to a copy of this node's database, and returns how many of them would
// take effect and why the next would not: the error that Apply would return. The copy lies beside the database and is
// gone afterwards; nobody waits for it. ErrNoSpace when the disk has no space for it.
//
// What it tells is true of the database as this node has it now: others may write before the batches are applied.
func (db *DB) Rehearse(ctx context.Context, batches ...*Batch) (done int, err error) {
	db.rehearsal.Lock()
	defer db.rehearsal.Unlock()
	if err := db.dropRehearsals(); err != nil {
		return 0, fmt.Errorf("consensus: rehearse: %w", err)
	}
	defer db.dropRehearsals()
	w, st, err := db.copyForRehearsal(ctx)
	if err != nil {
		return 0, fmt.Errorf("consensus: rehearse: %w", err)
	}
	defer w.close()
	for i, b := range batches {
		if err := ctx.Err(); err != nil {
			return i, err
		}
		c, _, err := b.command(st.index)
		if err != nil {
			return i, err
		}
		o, err := rehearse(w, c, st.index+uint64(i)+1, max(st.stamp, db.Now().UnixMilli()))
		if err == nil {
			_, err = o.result(b)
		}
		if err != nil {
			return i, err
		}
	}
	return len(batches), nil
}

// copyForRehearsal needs twice the size of the database: what a batch changes is written beside the copy.
func (db *DB) copyForRehearsal(ctx context.Context) (*writer, state, error) {
	s, st, err := db.machine.stream(ctx)
	if err != nil {
		return nil, st, err
	}
	defer s.Close()
	free, total, err := db.space.measure(db.config.Dir)
	if err != nil {
		return nil, st, err
	}
	if spare := min(db.space.low, total/10); free-2*s.Size() < spare {
		return nil, st, fmt.Errorf("%w: a copy of the database needs %s, and %s must stay free, but %s are", ErrNoSpace, mebibytes(2*s.Size()), mebibytes(spare), mebibytes(free))
	}
	f, err := os.CreateTemp(db.config.Dir, rehearsalFile+"*") // 0600
	if err != nil {
		return nil, st, err
	}
	_, err = f.ReadFrom(readerOf(ctx, s))
	if err = errors.Join(err, f.Close()); err != nil {
		return nil, st, err
	}
	w, err := openWriter(f.Name())
	if err != nil {
		return nil, st, err
	}
	if _, err = w.ours("PRAGMA synchronous=OFF"); err != nil { // it need not survive anything
		return nil, st, errors.Join(err, w.close())
	}
	return w, st, nil
}

// rehearse applies one command as an entry of its own.
func rehearse(w *writer, c *command, index uint64, stamp int64) (o outcome, err error) {
	e, err := decodeEntry(new(encoder).encodeEntry(stamp, 0, []*command{c}), 0, index) // binds stamps as an entry does
	if err != nil {
		return o, err
	}
	if _, err = w.ours("BEGIN IMMEDIATE"); err != nil {
		return o, err
	}
	w.ddl = false
	r := run{w: w, index: index, stamp: stamp}
	if o, err = r.command(e.commands[0]); err != nil || o.code == outcomeLost {
		return outcome{code: outcomeSQL, message: "the batch rolled back its transaction"}, err
	}
	_, err = w.ours("COMMIT")
	if code, alike := classify(err); err != nil && alike {
		return outcome{code: code, message: err.Error()}, nil
	}
	return o, err
}

func (db *DB) dropRehearsals() error {
	names, err := filepath.Glob(filepath.Join(db.config.Dir, rehearsalFile+"*"))
	for _, name := range names {
		err = errors.Join(err, os.Remove(name))
	}
	return err
}
