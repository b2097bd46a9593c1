package consensus

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"
	"unsafe"

	"github.com/mattn/go-sqlite3"
)

// conn is a connection to SQLite, used by one goroutine at a time. The driver is used directly: database/sql would hide
// which connection a statement runs on, and costs more than the statement.
type conn struct {
	c     *sqlite3.SQLiteConn
	db    unsafe.Pointer      // its sqlite3*
	named []driver.NamedValue // scratch
}

// prepared is a statement with what is needed to run it: the driver does not compare the number of parameters, and a
// cached statement would silently run with those of its last use.
type prepared struct {
	s       *sqlite3.SQLiteStmt
	params  int
	columns []string
	types   []string // as declared
}

func openConn(path, options string) (*conn, error) {
	u := url.URL{Path: path}
	c, err := (&sqlite3.SQLiteDriver{}).Open("file:" + u.EscapedPath() + "?_mutex=no&_busy_timeout=10000&" + options)
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", path, err)
	}
	conn := &conn{c: c.(*sqlite3.SQLiteConn)}
	if conn.db, err = handle(conn.c); err != nil {
		return nil, errors.Join(err, conn.close())
	}
	return conn, nil
}

func (c *conn) close() error { return c.c.Close() }

func (c *conn) prepare(q string) (*prepared, error) {
	s, err := c.c.Prepare(q)
	if err != nil {
		return nil, err
	}
	p := &prepared{s: s.(*sqlite3.SQLiteStmt), params: s.NumInput()}
	rows, err := p.s.QueryContext(context.Background(), nil) // steps nothing: it is how the driver tells the columns
	if err == nil {
		p.columns = rows.Columns()
		if r, ok := rows.(*sqlite3.SQLiteRows); ok && len(p.columns) > 0 {
			p.types = r.DeclTypes()
		}
		err = rows.Close()
	}
	if err != nil {
		p.s.Close()
		return nil, err
	}
	return p, nil
}

func (c *conn) args(p *prepared, args []any) ([]driver.NamedValue, error) {
	if len(args) != p.params {
		return nil, fmt.Errorf("%d parameters for %d placeholders", len(args), p.params)
	}
	c.named = c.named[:0]
	for i, a := range args {
		c.named = append(c.named, driver.NamedValue{Ordinal: i + 1, Value: a})
	}
	return c.named, nil
}

// exec runs a prepared statement to its end.
func (c *conn) exec(p *prepared, args []any) (changed int64, err error) {
	if len(p.columns) > 0 { // RETURNING: a statement that is not read to its end stays active and fails the COMMIT
		rows, err := c.query(context.Background(), p, args)
		return int64(len(rows)), err
	}
	r, err := c.execResult(p, args)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

// execResult runs a prepared statement that returns no rows.
func (c *conn) execResult(p *prepared, args []any) (driver.Result, error) {
	nv, err := c.args(p, args)
	if err != nil {
		return nil, err
	}
	return p.s.ExecContext(context.Background(), nv)
}

func (c *conn) query(ctx context.Context, p *prepared, args []any) (out []Row, err error) {
	err = c.each(ctx, p, args, func(r Row) error {
		out = append(out, r)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// each hands every row to fn, which may keep it. It ends with the context, also within a row.
func (c *conn) each(ctx context.Context, p *prepared, args []any, fn func(Row) error) (err error) {
	nv, err := c.args(p, args)
	if err != nil {
		return err
	}
	stop := c.watch(ctx)
	defer func() {
		stop()
		if isInterrupt(err) && ctx.Err() != nil {
			err = ctx.Err()
		}
	}()
	r, err := p.s.QueryContext(context.Background(), nv)
	if err != nil {
		return err
	}
	defer func() { // resets the statement
		if e := r.Close(); err == nil {
			err = e
		}
	}()
	values := make([]driver.Value, len(p.columns))
	for {
		if err := r.Next(values); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		row := make(Row, len(values))
		for i, v := range values {
			row[i] = storedValue(v)
		}
		if err := fn(row); err != nil {
			return err
		}
	}
}

// storedValue undoes what the driver makes of columns that are declared as dates or booleans.
func storedValue(v driver.Value) any {
	switch v := v.(type) {
	case bool:
		if v {
			return int64(1)
		}
		return int64(0)
	case time.Time:
		return v.UnixMilli()
	}
	return v
}

// run prepares, runs and forgets one statement of our own.
func (c *conn) run(ctx context.Context, q string, args ...any) ([]Row, error) {
	p, err := c.prepare(q)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", q, err)
	}
	defer p.s.Close()
	rows, err := c.query(ctx, p, args)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", q, err)
	}
	return rows, nil
}

// classify tells errors that every node has alike, and that therefore are a result, from failures of this node's storage.
func classify(err error) (code outcomeCode, deterministic bool) {
	var e sqlite3.Error
	if !errors.As(err, &e) {
		return outcomeSQL, true // wrong number of parameters and the like
	}
	switch e.Code {
	case sqlite3.ErrConstraint:
		return outcomeConstraint, true
	case sqlite3.ErrError, sqlite3.ErrMismatch, sqlite3.ErrRange, sqlite3.ErrTooBig, sqlite3.ErrAuth, sqlite3.ErrMisuse,
		sqlite3.ErrSchema, sqlite3.ErrLocked, sqlite3.ErrAbort, sqlite3.ErrEmpty:
		return outcomeSQL, true
	}
	return 0, false // IOERR, FULL, CORRUPT, NOMEM, BUSY, READONLY, CANTOPEN, NOTADB, INTERRUPT, PERM, PROTOCOL, INTERNAL
}

// severalStatements reports whether anything follows the first top-level semicolon: another statement, or the rest of a
// trigger's body. Quoted text and comments are skipped.
func severalStatements(q string) bool {
	if !strings.Contains(q, ";") {
		return false
	}
	ended := false
	for i := 0; i < len(q); i++ {
		switch c := q[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f':
		case c == ';':
			ended = true
		case c == '-' && i+1 < len(q) && q[i+1] == '-':
			i = skipPast(q, i+2, "\n")
		case c == '/' && i+1 < len(q) && q[i+1] == '*':
			i = skipPast(q, i+2, "*/")
		case ended:
			return true
		case c == '\'' || c == '"' || c == '`':
			i = skipPast(q, i+1, q[i:i+1]) // a doubled quote opens the next literal at once
		case c == '[':
			i = skipPast(q, i+1, "]")
		}
	}
	return false
}

// skipPast returns the position of the last byte of the terminator, or the last of the text.
func skipPast(q string, from int, terminator string) int {
	for i := from; i+len(terminator) <= len(q); i++ {
		if q[i:i+len(terminator)] == terminator {
			return i + len(terminator) - 1
		}
	}
	return len(q) - 1
}
