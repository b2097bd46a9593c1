package consensus

import (
	"context"
	"database/sql/driver"
	"errors"
)

const maxCached = 500 // statements

// writer is the connection that the state machine writes with.
type writer struct {
	*conn
	own, users map[string]*prepared // separate: a cached COMMIT of ours must not run for a batch
	isOwn      bool                 // see restrict
	ddl        bool                 // the entry changes the schema: statements are compiled afresh until it is done
}

func openWriter(path string) (*writer, error) {
	c, err := openConn(path, "")
	if err != nil {
		return nil, err
	}
	if err := checkFormat(c); err != nil { // before anything is written
		return nil, errors.Join(err, c.close())
	}
	w := &writer{conn: c, own: map[string]*prepared{}, users: map[string]*prepared{}}
	for _, q := range append(append([]string{}, pragmas...), schema...) {
		if _, err := c.run(context.Background(), q); err != nil {
			return nil, errors.Join(err, c.close())
		}
	}
	if err := errors.Join(restrict(c, &w.isOwn, &w.ddl), addFunctions(c)); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return w, nil
}

func (w *writer) close() error {
	w.forget(w.own)
	w.forget(w.users)
	return w.conn.close()
}

func (w *writer) forget(cache map[string]*prepared) {
	for q, p := range cache {
		p.s.Close()
		delete(cache, q)
	}
}

// ours runs a statement of the state machine itself.
func (w *writer) ours(q string, args ...any) ([]Row, error) {
	w.isOwn = true
	defer func() { w.isOwn = false }()
	p, ok := w.own[q]
	if !ok {
		var err error
		if p, err = w.conn.prepare(q); err != nil {
			return nil, err
		}
		w.own[q] = p
	}
	if len(p.columns) == 0 {
		_, err := w.conn.exec(p, args)
		return nil, err
	}
	return w.conn.query(context.Background(), p, args)
}

// statement compiles a statement of a batch, or finds it compiled. Once an entry has changed the schema nothing is cached
// until its end: a statement compiled before has other columns, and nodes differ in what they have cached.
func (w *writer) statement(q string) (p *prepared, done func(), err error) {
	if p, ok := w.users[q]; ok {
		return p, func() {}, nil
	}
	if p, err = w.conn.prepare(q); err != nil {
		w.forgetOnDDL()
		return nil, nil, err
	}
	w.forgetOnDDL()
	if w.ddl {
		return p, func() { p.s.Close() }, nil
	}
	if len(w.users) >= maxCached {
		w.forget(w.users)
	}
	w.users[q] = p
	return p, func() {}, nil
}

func (w *writer) forgetOnDDL() {
	if w.ddl && len(w.users) > 0 {
		w.forget(w.users)
	}
}

// execBatch runs a statement of a batch.
func (w *writer) execBatch(s *statement) (int64, error) {
	if _, single := w.users[s.sql]; !single && severalStatements(s.sql) {
		if len(s.args) > 0 {
			return 0, errSeveral
		}
		r, err := w.c.Exec(s.sql, nil)
		w.forgetOnDDL()
		if err != nil {
			return 0, err
		}
		return r.RowsAffected()
	}
	p, done, err := w.statement(s.sql)
	if err != nil {
		return 0, err
	}
	defer done()
	return w.conn.exec(p, s.args)
}

// execEach runs a statement of a batch and returns its rows, the number of rows changed and, of a statement without rows,
// the rowid of its last insert.
//
// SQLite leaves the rowid and the count of an earlier statement where one gives none, and these are others on each node. So
// some that are known come before: 0 and 0, of a table that only this connection has.
func (w *writer) execEach(s *statement) (rows Rows, changed, id int64, err error) {
	for _, q := range []string{"CREATE TEMP TABLE IF NOT EXISTS raft_rowid (id INTEGER PRIMARY KEY)", "INSERT OR REPLACE INTO temp.raft_rowid VALUES (0)",
		"DELETE FROM temp.raft_rowid WHERE id < 0"} {
		if _, err := w.ours(q); err != nil {
			return Rows{}, 0, 0, err
		}
	}
	var r driver.Result
	if severalStatements(s.sql) {
		if len(s.args) > 0 {
			return Rows{}, 0, 0, errSeveral
		}
		r, err = w.c.Exec(s.sql, nil)
		w.forgetOnDDL()
	} else {
		var p *prepared
		var done func()
		if p, done, err = w.statement(s.sql); err != nil {
			return Rows{}, 0, 0, err
		}
		defer done()
		if len(p.columns) > 0 {
			values, err := w.conn.query(context.Background(), p, s.args)
			return Rows{Columns: p.columns, Values: values}, int64(len(values)), 0, err
		}
		r, err = w.conn.execResult(p, s.args)
	}
	if err != nil {
		return Rows{}, 0, 0, err
	}
	if changed, err = r.RowsAffected(); err == nil {
		id, err = r.LastInsertId()
	}
	return Rows{}, changed, id, err
}

func (w *writer) queryBatch(s *statement) (Rows, error) {
	p, done, err := w.statement(s.sql)
	if err != nil {
		return Rows{}, err
	}
	defer done()
	values, err := w.conn.query(context.Background(), p, s.args)
	return Rows{Columns: p.columns, Values: values}, err
}
