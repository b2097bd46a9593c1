package consensus

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/raft"
)

const (
	maxKey    = 200
	maxDigest = 64
	maxLabel  = 64
	retryWait = 10 * time.Millisecond // between tries when nothing tells that a try is worth while
)

// Apply replicates the batch and returns when a majority holds it and this node has applied it, so that a following
// local read shows it. On a follower the batch is forwarded; while there is no leader it is held up to HoldTimeout.
// Errors: the error of the Require that failed, ErrConstraint, ErrKeyConflict, ErrUnavailable, ErrUnknown, ErrBusy, ErrNoSpace, an
// error of the SQL itself, or ctx's.
//
// Every try carries the same key, so a try whose fate is unknown is followed by another that settles it.
func (db *DB) Apply(ctx context.Context, b *Batch) (Result, error) {
	c, size, err := b.command(db.machine.applied())
	if err != nil {
		return Result{}, err
	}
	if err := db.direct(ctx); err != nil {
		return Result{}, err
	}
	start := time.Now()
	held, cancel := db.hold(ctx)
	defer cancel()
	var unknown bool // an earlier try may have been proposed
	for {
		if err := db.cannotForward(); err != nil && !unknown {
			return Result{}, err
		}
		o, err := db.try(held, c, size)
		if err == nil {
			db.metrics.latency.Observe(time.Since(start).Seconds())
			db.writeTimes.observe(time.Since(start))
			return db.settle(held, b, o)
		}
		unknown = unknown || errors.Is(err, ErrUnknown)
		if (errors.Is(err, ErrBusy) || errors.Is(err, ErrNoSpace)) && !unknown {
			return Result{}, err
		}
		if held.Err() == nil {
			if err = db.waitLeader(held, errors.Is(err, ErrUnknown)); err != nil && !unknown {
				return Result{}, err // too many are held
			}
		}
		if held.Err() != nil {
			return Result{}, gaveUp(unknown, db.cause(held))
		}
	}
}

func gaveUp(unknown bool, cause error) error {
	if unknown {
		return fmt.Errorf("%w: %w", ErrUnknown, cause)
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, cause)
}

// settle makes the effect visible to reads on this node before it is told.
func (db *DB) settle(ctx context.Context, b *Batch, o outcome) (Result, error) {
	r, err := o.result(b)
	if err != nil {
		return r, err
	}
	if !db.machine.wait(r.Index, ctx.Done()) {
		return Result{}, gaveUp(true, db.cause(ctx))
	}
	if r.Replayed && b.query != nil {
		if err := db.ownForm(ctx, b.query, &r); err != nil {
			return Result{}, gaveUp(true, err)
		}
	}
	return r, nil
}

// ownForm reads the rows of a repeat anew if they have other columns than this program asks for: another release has made the
// first try, while nodes were upgraded or before.
func (db *DB) ownForm(ctx context.Context, query *statement, r *Result) error {
	args := slices.Clone(query.args)
	for i, a := range args {
		switch a.(type) {
		case Stamp:
			args[i] = r.Stamp.UnixMilli()
		case Index:
			args[i] = int64(r.Index)
		}
	}
	rows, err := db.Query(ctx, Local, query.sql, args...)
	if err == nil && !slices.Equal(rows.Columns, r.Rows.Columns) {
		r.Rows = rows
	}
	return err
}

// try brings the batch to the leader once.
func (db *DB) try(ctx context.Context, c *command, size int) (outcome, error) {
	if db.failed.Load() || db.gate.shut.Load() {
		return outcome{}, errNotLeader
	}
	if db.raft.State() == raft.Leader {
		return db.propose(ctx, c, size, false)
	}
	id, address, _ := db.leader.get()
	if id == "" || id == db.config.ID || db.client == nil {
		return outcome{}, errNotLeader
	}
	ctx, cancel := context.WithTimeout(ctx, db.forwardTimeout())
	defer cancel()
	return db.forward(ctx, address, c, size)
}

// waitLeader waits for a reason to try again. Requests that have nobody to go to are counted: more than MaxHeld would
// fill the memory, and all arrive at once when there is a leader.
func (db *DB) waitLeader(ctx context.Context, soon bool) error {
	if db.held.Add(1) > int64(db.config.MaxHeld) {
		db.held.Add(-1)
		return ErrBusy
	}
	db.metrics.held.Inc()
	defer db.held.Add(-1)
	id, _, changed := db.leader.get()
	var again <-chan time.Time
	if soon || id != "" {
		again = time.After(retryWait)
	}
	select {
	case <-changed:
	case <-again:
	case <-ctx.Done():
	}
	return nil
}

// command checks the batch and brings it into the form that travels.
func (b *Batch) command(applied uint64) (*command, int, error) {
	if b.err != nil {
		return nil, 0, b.err
	}
	if len(b.Key) > maxKey || len(b.Digest) > maxDigest || len(b.Label) > maxLabel || strings.ContainsRune(b.Key, 0) {
		return nil, 0, fmt.Errorf("consensus: a key has at most %d bytes and no NUL, its digest at most %d, its label at most %d", maxKey, maxDigest, maxLabel)
	}
	c := &command{urgent: b.Urgent, each: b.Each, key: b.Key, digest: b.Digest, label: b.Label, stmts: b.stmts, query: b.query, topics: b.topics}
	for i := range b.guards {
		c.guards = append(c.guards, b.guards[i].statement)
	}
	size, err := c.check()
	if err != nil {
		return nil, 0, err
	}
	if c.key == "" {
		c.key, c.private, c.digest = randomKey(applied), true, nil
	} else if len(c.digest) == 0 {
		c.digest = c.hash()
	}
	return c, size, nil
}

// randomKey begins with the place in the log, so that the keys of retries grow with it on all nodes, whatever their clocks.
func randomKey(applied uint64) string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], applied)
	rand.Read(b[8:])
	return string(b[:])
}

func retryPrefix(index uint64) string {
	return string(binary.BigEndian.AppendUint64(nil, index))
}

// hash is the digest of a batch whose caller gave none.
func (c *command) hash() []byte {
	plain := *c
	plain.key, plain.digest, plain.urgent = "", nil, false
	plain.label = "" // programs may call the same write by other names
	var e encoder
	sum := sha256.Sum256(e.encodeEntry(0, 0, []*command{&plain}))
	return sum[:16]
}

// check refuses what no node could apply in the same way and returns the approximate size.
func (c *command) check() (size int, err error) {
	size = 64 + len(c.key) + len(c.digest) + len(c.label)
	for _, t := range c.topics {
		size += len(t) + 1
	}
	all := func(list []statement, single bool) {
		for i := range list {
			n, e := list[i].check(single)
			if size += n; err == nil {
				err = e
			}
		}
	}
	all(c.guards, true)
	all(c.stmts, false)
	if c.query != nil {
		all([]statement{*c.query}, true)
	}
	if err == nil && size > maxBatchBytes {
		err = fmt.Errorf("consensus: a batch of %d bytes; at most %d fit into the log", size, maxBatchBytes)
	}
	return size, err
}

func (s *statement) check(single bool) (size int, err error) {
	size = len(s.sql) + 2
	for _, a := range s.args {
		switch a := a.(type) {
		case string:
			size += len(a)
		case []byte:
			size += len(a)
		}
		size += 10
	}
	switch several := severalStatements(s.sql); {
	case strings.ContainsRune(s.sql, 0):
		err = errors.New("consensus: SQL with a NUL byte")
	case several && single:
		err = fmt.Errorf("consensus: a condition or query of several statements: %.80s", s.sql)
	case several && len(s.args) > 0:
		err = fmt.Errorf("consensus: %w: %.80s", errSeveral, s.sql)
	case !single:
		err = checkSchemaChange(s.sql)
	}
	return size, err
}

// checkSchemaChange refuses what the authorizer is not asked about.
func checkSchemaChange(q string) error {
	start := strings.TrimSpace(q)
	if len(start) < 6 || !strings.EqualFold(start[:5], "alter") && !strings.EqualFold(start[:6], "create") && !severalStatements(q) {
		return nil
	}
	q = strings.ToLower(q)
	if strings.Contains(q, "initially") && strings.Contains(q, "deferred") && strings.Contains(q, "references") {
		return errors.New("consensus: deferred constraints are not supported: they would fail the batches of others")
	}
	if strings.Contains(q, "rename") && strings.Contains(q, "raft_") {
		return errors.New("consensus: names that begin with raft_ are reserved")
	}
	return nil
}
