package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"sync/atomic"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// Store is the database of the site. It is safe for concurrent use.
type Store struct {
	db   *consensus.DB
	seen atomic.Pointer[stampSeen] // by the last write through this node

	newer int // see NewerSchema
	lives Lives
}

// stampSeen compares a stamp with this node's clock.
type stampSeen struct {
	offset time.Duration // stamp minus clock
	at     time.Time
}

// stampFresh is how long a stamp says more about the clocks than the nodes' own comparison of them.
const stampFresh = time.Minute

// Open migrates the database to the newest schema and returns the store. Any number of nodes may do so at once. It waits
// until the node has caught up, and refuses a database that a newer program has migrated beyond what this one can read.
func Open(ctx context.Context, db *consensus.DB) (*Store, error) {
	steps, err := migrations()
	if err != nil {
		return nil, err
	}
	return open(ctx, db, steps)
}

func open(ctx context.Context, db *consensus.DB, steps []migration) (*Store, error) {
	if err := db.WaitReady(ctx); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	s := &Store{db: db, lives: defaultLives}
	if err := s.migrate(ctx, steps); err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	return s, nil
}

// DB returns the replicated database under the store.
func (s *Store) DB() *consensus.DB { return s.db }

// Now is the cluster's time as this node knows it: its own clock, corrected by the last stamp it has seen. It decides
// what is only read (has a session expired, is an assignment open); writes are decided by their stamp. The correction
// keeps nodes whose clocks disagree within the latency of a write of each other; while there are no writes it is what the
// nodes say of each other's clocks.
func (s *Store) Now() time.Time {
	now := s.db.Now()
	if seen := s.seen.Load(); seen != nil && time.Since(seen.at) < stampFresh {
		now = time.Now().Add(seen.offset)
	}
	return now.UTC().Truncate(time.Millisecond)
}

// Request identifies a repeatable request of a client.
type Request struct {
	Key    string // idempotency key; empty: the request cannot be repeated
	Digest []byte // of the request's content
}

type requestContext struct {
	Request
	batches atomic.Int64
}

type requestKey struct{}

type urgentKey struct{}

// Urgent makes the writes under the returned context go on while the disks are almost full: what people sign in and clean
// up with.
func Urgent(ctx context.Context) context.Context { return context.WithValue(ctx, urgentKey{}, true) }

// WithRequest makes the writes under the returned context repeatable: a repeat with the same key and digest returns the
// first results. The first batch takes the key itself, later ones key#2, key#3 and so on.
func WithRequest(ctx context.Context, r Request) context.Context {
	return context.WithValue(ctx, requestKey{}, &requestContext{Request: r})
}

// apply proposes a batch under the request's key.
func (s *Store) apply(ctx context.Context, b *consensus.Batch) (consensus.Result, error) {
	if r, ok := ctx.Value(requestKey{}).(*requestContext); ok && r.Key != "" {
		b.Key, b.Digest = r.Key, r.Digest
		if n := r.batches.Add(1); n > 1 {
			b.Key += "#" + strconv.FormatInt(n, 10)
		}
	}
	return s.applyUnkeyed(ctx, b)
}

// applyUnkeyed proposes a batch that is not part of what the request's key stands for: what must happen anew on each
// repeat (sessions, tickets) or belongs to no request.
func (s *Store) applyUnkeyed(ctx context.Context, b *consensus.Batch) (consensus.Result, error) {
	start := time.Now()
	b.Urgent = b.Urgent || ctx.Value(urgentKey{}) != nil
	res, err := s.db.Apply(ctx, b)
	if err != nil {
		return consensus.Result{}, mapError(err)
	}
	// A kept result has an old stamp, and a slow one an uncertain one.
	if now := time.Now(); !res.Replayed && !res.Stamp.IsZero() && now.Sub(start) < time.Second {
		s.seen.Store(&stampSeen{offset: res.Stamp.Sub(now), at: now})
	}
	return res, nil
}

// mapError turns the errors of consensus into refusals. It is the only place that knows both.
func mapError(err error) error {
	var refusal *lms.Error
	switch {
	case errors.As(err, &refusal):
		return err
	case errors.Is(err, consensus.ErrUnavailable), errors.Is(err, consensus.ErrBusy):
		return lms.ErrUnavailable
	case errors.Is(err, consensus.ErrNoSpace):
		return lms.ErrNoSpace
	case errors.Is(err, consensus.ErrUnknown):
		return lms.ErrUnknown
	case errors.Is(err, consensus.ErrKeyConflict):
		return lms.ErrKeyReused
	}
	return fmt.Errorf("store: %w", err)
}

// query reads what this node has applied.
func (s *Store) query(ctx context.Context, q string, args ...any) ([]consensus.Row, error) {
	rows, err := s.db.Query(ctx, consensus.Local, q, args...)
	if err != nil {
		return nil, mapError(err)
	}
	return rows.Values, nil
}

// scanner reads one row into a value.
type scanner[T any] func(consensus.Row) (T, error)

// collect reads all rows.
func collect[T any](rows []consensus.Row, err error, scan scanner[T]) ([]T, error) {
	if err != nil {
		return nil, err
	}
	items := make([]T, 0, len(rows))
	for _, row := range rows {
		item, err := scan(row)
		if err != nil {
			return nil, fmt.Errorf("store: %w", err)
		}
		items = append(items, item)
	}
	return items, nil
}

// one reads the only row; none is lms.ErrNotFound.
func one[T any](rows []consensus.Row, err error, scan scanner[T]) (T, error) {
	items, err := collect(rows, err, scan)
	if err != nil || len(items) == 0 {
		var zero T
		if err == nil {
			err = lms.ErrNotFound
		}
		return zero, err
	}
	return items[0], nil
}

// returned reads the row that a batch returned.
func returned[T any](res consensus.Result, err error, scan scanner[T]) (T, error) {
	return one(res.Rows.Values, err, scan)
}

// number reads one integer.
func (s *Store) number(ctx context.Context, q string, args ...any) (int, error) {
	rows, err := s.query(ctx, q, args...)
	return one(rows, err, scanInt)
}

func scanInt(row consensus.Row) (n int, err error) { return n, row.Scan(&n) }

func scanString(row consensus.Row) (v string, err error) { return v, row.Scan(&v) }

// opt binds an optional value: nil is NULL.
func opt[T any](p *T) any {
	if p == nil {
		return nil
	}
	return *p
}

// nullable binds an empty id as NULL.
func nullable(id string) any {
	if id == "" {
		return nil
	}
	return id
}

// list binds ids as a JSON array, for json_each.
func list(ids []string) string {
	if ids == nil {
		ids = []string{}
	}
	b, _ := json.Marshal(ids) // strings always marshal
	return string(b)
}

// limitOf is the number of rows of a page.
func limitOf(n int) int {
	if n <= 0 || n > maxPage {
		return maxPage
	}
	return n
}

const maxPage = 200

// pageOf cuts a list that was read with one row more than the limit, and returns the cursor of the next page.
func pageOf[T any](items []T, limit int, cursor func(T) string) ([]T, string) {
	if len(items) <= limit {
		return items, ""
	}
	items = items[:limit]
	return items, cursor(items[limit-1])
}

var errCursor = lms.FieldErrorf(lms.KindInvalid, "after", "This is not a place in the list. Load it again from the start.")
