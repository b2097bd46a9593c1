package consensus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// Backup writes a consistent copy of the database and returns the index it stands at.
//
// The copy is first made beside the database, at the speed of the disk: a slow receiver would hold checkpoints back.
func (db *DB) Backup(ctx context.Context, w io.Writer) (uint64, error) {
	tmp, err := os.CreateTemp(db.config.Dir, "backup-*.tmp")
	if err != nil {
		return 0, fmt.Errorf("consensus: backup: %w", err)
	}
	defer func() {
		tmp.Close()
		os.Remove(tmp.Name())
	}()
	index, err := db.copyDatabase(ctx, tmp)
	if err == nil {
		_, err = tmp.Seek(0, io.SeekStart)
	}
	if err == nil {
		_, err = io.Copy(w, readerOf(ctx, tmp))
	}
	if err != nil {
		return 0, fmt.Errorf("consensus: backup: %w", err)
	}
	return index, nil
}

func (db *DB) copyDatabase(ctx context.Context, w io.Writer) (uint64, error) {
	s, st, err := db.machine.stream(ctx)
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(w, readerOf(ctx, s))
	if err == nil && n != s.Size() {
		err = io.ErrUnexpectedEOF
	}
	return st.index, errors.Join(err, s.Close())
}

// contextReader ends when its context does.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func readerOf(ctx context.Context, r io.Reader) io.Reader { return contextReader{ctx, r} }

func (r contextReader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
