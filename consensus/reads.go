package consensus

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// readPool holds read-only connections, each with its compiled statements. Its size bounds how many reads run at once, so
// that readers cannot starve Raft of the processor.
type readPool struct {
	all  []*reader
	free chan *reader
}

type reader struct {
	*conn
	cache  map[string]*prepared
	schema uint64 // the version that the cache belongs to
}

func openReadPool(path string, n int) (*readPool, error) {
	p := &readPool{free: make(chan *reader, n)}
	for range n {
		c, err := openConn(path, "mode=ro&_query_only=1")
		if err != nil {
			return nil, errors.Join(err, p.close())
		}
		r := &reader{conn: c, cache: map[string]*prepared{}}
		p.all = append(p.all, r)
		p.free <- r
	}
	return p, nil
}

// close expects every connection to be free.
func (p *readPool) close() error {
	var errs []error
	for _, r := range p.all {
		r.forget()
		errs = append(errs, r.conn.close())
	}
	return errors.Join(errs...)
}

func (r *reader) forget() {
	for q, p := range r.cache {
		p.s.Close()
		delete(r.cache, q)
	}
}

func (r *reader) prepare(q string, schema uint64) (*prepared, error) {
	if r.schema != schema || len(r.cache) >= maxCached {
		r.forget()
		r.schema = schema
	}
	if p, ok := r.cache[q]; ok {
		return p, nil
	}
	p, err := r.conn.prepare(q)
	if err == nil {
		r.cache[q] = p
	}
	return p, err
}

// query runs q on a free connection. The deadline covers waiting for one, too; a query that passes it is interrupted,
// since a long read keeps checkpoints from completing.
func (p *readPool) query(ctx context.Context, limit time.Duration, schema uint64, q string, args []any) (Rows, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	var r *reader
	select {
	case r = <-p.free:
	case <-ctx.Done():
		return Rows{}, fmt.Errorf("%w: waiting for a reader: %w", ErrBusy, ctx.Err())
	}
	defer func() { p.free <- r }()
	st, err := r.prepare(q, schema)
	if err != nil {
		return Rows{}, fmt.Errorf("consensus: query: %w", err)
	}
	values, err := r.conn.query(ctx, st, args)
	if err != nil {
		return Rows{}, fmt.Errorf("consensus: query: %w", err)
	}
	return Rows{Columns: st.columns, Types: st.types, Values: values}, nil
}
