package sql

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync/atomic"
	"time"

	"github.com/rqlite/rqlite/v8/command/proto"
	"github.com/rqlite/rqlite/v8/store"

	"trivium/consensus"
)

// Refusals. They are texts of answers, read by people at a shell.
var (
	errLoad      = errors.New("this database is not loaded through SQL: it would replace the whole site. Use \"trivium restore\" into an empty directory")
	errReadOnly  = errors.New("writing is off: start the node with --sql-write to allow it")
	errNotAQuery = errors.New("attempt to change database via query operation")
	errMoving    = errors.New("the database changes too fast for several queries to see one state; send them without transaction, or as one query")
	errMixed     = errors.New("the statements took effect, but their rows cannot be told before every node runs this release")
	errSnapshot  = errors.New("snapshots are made by the node itself when they are due")
	errClosing   = errors.New("the node is shutting down")
)

// database is what rqlite's package http takes for rqlite's store. Any node serves everything: consensus brings a write to
// the leader and asks it for what a read needs, so nothing here ever answers that it does not lead while there is a leader.
type database struct {
	c       Config
	ctx     context.Context // ends with the service
	started time.Time
	closing atomic.Bool
	members *members
}

// Execute implements rqlite's store: each statement a batch of its own, or all of them one in a transaction.
func (d *database) Execute(er *proto.ExecuteRequest) ([]*proto.ExecuteQueryResponse, uint64, error) {
	if er.Request.RollbackOnError { // rqlite's package http loads a dump so
		return nil, 0, errLoad
	}
	if !d.c.Write {
		return nil, 0, errReadOnly
	}
	return d.run(er.Request, er.Timings, func(s *proto.Statement) bool { return s.ForceQuery })
}

// Request implements rqlite's store: what only reads does not go through the log.
func (d *database) Request(er *proto.ExecuteQueryRequest) ([]*proto.ExecuteQueryResponse, uint64, error) {
	writes := 0
	for _, s := range er.Request.Statements {
		if !reads(s.Sql) {
			writes++
		}
	}
	if writes == 0 {
		rows, index, err := d.Query(&proto.QueryRequest{Request: er.Request, Timings: er.Timings, Level: er.Level,
			Freshness: er.Freshness, FreshnessStrict: er.FreshnessStrict})
		all := make([]*proto.ExecuteQueryResponse, len(rows))
		for i := range rows {
			all[i] = &proto.ExecuteQueryResponse{Result: &proto.ExecuteQueryResponse_Q{Q: rows[i]}}
		}
		return all, index, err
	}
	if !d.c.Write {
		return nil, 0, errReadOnly
	}
	return d.run(er.Request, er.Timings, func(s *proto.Statement) bool { return s.ForceQuery || reads(s.Sql) })
}

func (d *database) run(r *proto.Request, timings bool, rows func(*proto.Statement) bool) (all []*proto.ExecuteQueryResponse, index uint64, err error) {
	ctx, cancel := d.limit(r.DbTimeout)
	defer cancel()
	groups := [][]*proto.Statement{r.Statements}
	if !r.Transaction {
		groups = nil
		for i := range r.Statements {
			groups = append(groups, r.Statements[i:i+1])
		}
	}
	for _, g := range groups {
		answers, at, err := d.apply(ctx, g, timings, rows)
		if err != nil {
			return nil, 0, err
		}
		all, index = append(all, answers...), max(index, at)
	}
	return all, index, nil
}

// apply runs the statements as one batch. An error of the SQL is an answer; what is returned as an error concerns the cluster.
func (d *database) apply(ctx context.Context, group []*proto.Statement, timings bool, rows func(*proto.Statement) bool) ([]*proto.ExecuteQueryResponse, uint64, error) {
	start := time.Now()
	b := consensus.Batch{Each: true}
	for _, s := range group {
		args, err := arguments(s)
		if err != nil {
			return refused(err), 0, nil
		}
		b.Exec(s.Sql, args...)
	}
	b.Notify(d.c.Topics...)
	res, err := d.c.DB.Apply(ctx, &b)
	if d.closing.Load() && err != nil {
		return refused(errClosing), 0, nil // the queue would try again for ever
	}
	if err := d.trouble(err); err != nil {
		return nil, 0, err
	}
	if err != nil {
		return refused(err), 0, nil
	}
	took := 0.0
	if timings {
		took = time.Since(start).Seconds()
	}
	all := make([]*proto.ExecuteQueryResponse, len(group))
	for i, s := range group {
		switch {
		case rows(s) && len(res.Each) == 0:
			all[i] = refused(errMixed)[0]
		case rows(s):
			q := queryRows(res.Each[i])
			q.Time = took
			all[i] = &proto.ExecuteQueryResponse{Result: &proto.ExecuteQueryResponse_Q{Q: q}}
		default:
			e := &proto.ExecuteResult{RowsAffected: res.Changed[i], Time: took}
			if len(res.RowIDs) > 0 {
				e.LastInsertId = res.RowIDs[i]
			}
			all[i] = &proto.ExecuteQueryResponse{Result: &proto.ExecuteQueryResponse_E{E: e}}
		}
	}
	return all, res.Index, nil
}

func refused(err error) []*proto.ExecuteQueryResponse {
	return []*proto.ExecuteQueryResponse{{Result: &proto.ExecuteQueryResponse_Error{Error: plain(err)}}}
}

// plain is the text of SQLite's error, as rqlite shows it.
func plain(err error) string {
	text := err.Error()
	for _, p := range []string{consensus.ErrConstraint.Error() + ": ", "consensus: query: ", "consensus: "} {
		text = strings.TrimPrefix(text, p)
	}
	return text
}

// trouble picks the errors that are the cluster's, not the statement's. Without a leader it is rqlite's own.
func (d *database) trouble(err error) error {
	switch {
	case errors.Is(err, consensus.ErrUnavailable) && d.c.DB.Standing().Leader == "":
		return store.ErrNotLeader
	case errors.Is(err, consensus.ErrUnavailable), errors.Is(err, consensus.ErrUnknown), errors.Is(err, consensus.ErrBusy),
		errors.Is(err, consensus.ErrNoSpace), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	return nil
}

// limit bounds a request by its own time, in nanoseconds, if it has one.
func (d *database) limit(nanoseconds int64) (context.Context, context.CancelFunc) {
	if nanoseconds <= 0 {
		return context.WithCancel(d.ctx)
	}
	return context.WithTimeout(d.ctx, time.Duration(nanoseconds))
}

// Query implements rqlite's store. The levels none and auto (of a replica) read what this node has; weak and auto (of a
// voter) are under the leader's lease; linearizable and strong ask a majority.
func (d *database) Query(qr *proto.QueryRequest) ([]*proto.QueryRows, uint64, error) {
	ctx, cancel := d.limit(cmp.Or(qr.Request.DbTimeout, qr.LinearizableTimeout))
	defer cancel()
	level := consensus.Lease
	switch qr.Level {
	case proto.QueryRequest_QUERY_REQUEST_LEVEL_NONE:
		level, ctx = consensus.Local, consensus.AllowStale(ctx)
		if d.stale(qr.Freshness, qr.FreshnessStrict) {
			return nil, 0, store.ErrStaleRead
		}
	case proto.QueryRequest_QUERY_REQUEST_LEVEL_AUTO:
		if d.c.Replica {
			level = consensus.Local
		}
	case proto.QueryRequest_QUERY_REQUEST_LEVEL_LINEARIZABLE, proto.QueryRequest_QUERY_REQUEST_LEVEL_STRONG:
		level = consensus.Linearizable
	}
	if err := d.c.DB.Reach(ctx, level); err != nil {
		return nil, 0, cmp.Or(d.trouble(err), err)
	}
	// Several queries in a transaction see one state: nothing must have been applied from the first to the last.
	for range 20 {
		before := d.c.DB.Applied()
		all, err := d.queries(ctx, qr)
		if err != nil {
			return nil, 0, err
		}
		if after := d.c.DB.Applied(); !qr.Request.Transaction || len(all) < 2 || before == after {
			return all, after, nil
		}
	}
	return nil, 0, errMoving
}

func (d *database) queries(ctx context.Context, qr *proto.QueryRequest) ([]*proto.QueryRows, error) {
	all := make([]*proto.QueryRows, 0, len(qr.Request.Statements))
	for _, s := range qr.Request.Statements {
		if s.Sql == "" {
			continue
		}
		start := time.Now()
		q, err := d.query(ctx, s)
		if err := d.trouble(err); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return nil, err
		}
		if err != nil {
			q = &proto.QueryRows{Error: plain(err)}
		}
		if qr.Timings {
			q.Time = time.Since(start).Seconds()
		}
		all = append(all, q)
	}
	return all, nil
}

func (d *database) query(ctx context.Context, s *proto.Statement) (*proto.QueryRows, error) {
	if !reads(s.Sql) {
		return nil, errNotAQuery
	}
	args, err := arguments(s)
	if err != nil {
		return nil, err
	}
	rows, err := d.c.DB.Query(ctx, consensus.Local, s.Sql, args...)
	if err != nil {
		return nil, err
	}
	return queryRows(rows), nil
}

// stale reports whether this node was out of touch with the leader for longer than the nanoseconds; strictly, it must
// also have applied all that it knows to be committed.
func (d *database) stale(nanoseconds int64, strict bool) bool {
	st := d.c.DB.Status()
	if nanoseconds <= 0 || st.State == "leader" {
		return false
	}
	return time.Since(st.LastContact) > time.Duration(nanoseconds) || strict && st.Applied < st.Commit
}

// Load implements rqlite's store. It is refused.
func (d *database) Load(*proto.LoadRequest) error { return errLoad }

// ReadFrom implements rqlite's store. It is refused.
func (d *database) ReadFrom(io.Reader) (int64, error) { return 0, errLoad }

// Snapshot implements rqlite's store. It is refused: here the database is the snapshot.
func (d *database) Snapshot(uint64) error { return errSnapshot }

// Ready implements rqlite's store.
func (d *database) Ready() bool { return d.c.DB.Status().Ready }

// Committed implements rqlite's store: it waits until this node has what the leader had committed when it was called.
func (d *database) Committed(timeout time.Duration) (uint64, error) {
	ctx, cancel := context.WithTimeout(d.ctx, timeout)
	defer cancel()
	if err := d.c.DB.Reach(ctx, consensus.Linearizable); err != nil {
		return 0, err
	}
	return d.c.DB.Applied(), nil
}

// Remove implements rqlite's store. A removal after which no majority would answer is refused.
func (d *database) Remove(r *proto.RemoveNodeRequest) error {
	return d.c.DB.Remove(d.ctx, r.Id, false)
}

// Stepdown implements rqlite's store: the leader hands over to the node, or to the most advanced one.
func (d *database) Stepdown(_ bool, id string) error {
	return d.c.DB.Transfer(d.ctx, id)
}

// Backup implements rqlite's store.
func (d *database) Backup(br *proto.BackupRequest, w io.Writer) error {
	if br.Vacuum && br.Format != proto.BackupRequest_BACKUP_REQUEST_FORMAT_BINARY {
		return store.ErrInvalidVacuum
	}
	if br.Leader {
		if err := d.c.DB.Reach(d.ctx, consensus.Lease); err != nil {
			return cmp.Or(d.trouble(err), err)
		}
	}
	if err := d.backup(br, w); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}
