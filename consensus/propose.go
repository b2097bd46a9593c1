package consensus

import (
	"context"
	"errors"
	"time"

	"github.com/hashicorp/raft"

	"trivium/consensus/internal/fault"
)

// Bounds of one entry.
const (
	maxGroup      = 512
	maxGroupBytes = 1 << 20
	maxBatchBytes = 16 << 20
)

// proposal is a batch on its way into the log. A proposal without command is a NO-OP.
type proposal struct {
	ctx     context.Context
	command *command
	size    int
	term    uint64 // it is only proposed in the term that it arrived in: later, its caller has gone on with a retry
	remote  bool
	done    chan answer
}

// answer: err is errNotLeader when the batch surely is in no log, ErrUnknown when that cannot be told.
type answer struct {
	outcome outcome
	err     error
}

// propose returns when the batch is applied on this node, which must lead.
func (db *DB) propose(ctx context.Context, c *command, size int, remote bool) (outcome, error) {
	p, err := db.submit(ctx, c, size, remote)
	if err != nil {
		return outcome{}, err
	}
	return db.await(ctx, p)
}

// submit queues the batch for an entry.
func (db *DB) submit(ctx context.Context, c *command, size int, remote bool) (*proposal, error) {
	if db.raft.State() != raft.Leader {
		return nil, errNotLeader
	}
	if err := db.admit(c); err != nil {
		return nil, err
	}
	p := &proposal{ctx: ctx, command: c, size: size, term: db.raft.CurrentTerm(), remote: remote, done: make(chan answer, 1)}
	select {
	case db.proposals <- p:
		db.events.requested(c)
		return p, nil
	case <-ctx.Done():
	case <-db.stop:
	}
	return nil, errNotLeader
}

func (db *DB) await(ctx context.Context, p *proposal) (outcome, error) {
	select {
	case a := <-p.done:
		return a.outcome, a.err
	case <-ctx.Done():
	case <-db.stop:
	}
	return outcome{}, ErrUnknown
}

// noop proposes an entry without effect and returns when it is applied here.
func (db *DB) noop(ctx context.Context) error {
	_, err := db.propose(ctx, nil, 0, false)
	return err
}

// grouper puts what waits into one entry: one goroutine for the whole node. While entries are on the way, batches
// gather; one entry in flight is best on fast disks, two on slow ones.
type grouper struct {
	db       *DB
	enc      encoder
	stamp    int64
	inflight int
	done     chan struct{}
	// An isolated write is known to the followers only with the next message, up to 50 ms later, and sessions there would
	// wait. So when the queue runs empty a NO-OP follows: at once when a follower waits with its client, else after a
	// moment, in which the next write may make it needless.
	pending bool // a batch was proposed and no NO-OP after it
	remote  bool
}

const (
	slowDisk  = time.Millisecond
	noopDelay = time.Millisecond
)

func (db *DB) group() {
	g := &grouper{db: db, done: make(chan struct{}, 16)}
	for {
		p, ok := g.next()
		if !ok {
			return
		}
		g.propose(g.gather(p))
	}
}

func (g *grouper) limit() int {
	if time.Duration(g.db.logs.syncTime.Load()) > slowDisk {
		return 2
	}
	return 1
}

// next waits for the first proposal of an entry and for room in flight.
func (g *grouper) next() (first *proposal, ok bool) {
	for {
		var in chan *proposal
		if first == nil {
			in = g.db.proposals
		} else if g.inflight < g.limit() {
			return first, true
		}
		var idle <-chan time.Time
		if first == nil && g.inflight == 0 && g.pending && g.db.hasPeers() && len(in) == 0 {
			if g.remote {
				return g.newNoop(), true
			}
			idle = time.After(noopDelay)
		}
		select {
		case first = <-in:
		case <-g.done:
			g.inflight--
		case <-idle:
			return g.newNoop(), true
		case <-g.db.stop:
			return nil, false
		}
	}
}

func (g *grouper) newNoop() *proposal {
	g.pending = false
	g.db.metrics.noops.Inc()
	return &proposal{ctx: context.Background(), term: g.db.raft.CurrentTerm(), done: make(chan answer, 1)}
}

func (g *grouper) gather(first *proposal) []*proposal {
	group, size := []*proposal{first}, first.size
	for len(group) < maxGroup && size < maxGroupBytes {
		select {
		case p := <-g.db.proposals:
			group, size = append(group, p), size+p.size
		default:
			return group
		}
	}
	return group
}

func (g *grouper) propose(group []*proposal) {
	db := g.db
	term := db.raft.CurrentTerm()
	live, commands := group[:0], make([]*command, 0, len(group))
	for _, p := range group {
		if p.term != term || p.ctx.Err() != nil {
			p.done <- answer{err: errNotLeader}
			continue
		}
		live = append(live, p)
		if p.command != nil {
			commands = append(commands, p.command)
			g.pending, g.remote = true, g.remote || p.remote
		}
	}
	if len(live) == 0 {
		return
	}
	if db.space.tight() {
		for _, p := range live {
			p.done <- answer{err: errNotLeader} // held, until another node leads or the cluster is known to be crowded
		}
		return
	}
	if len(commands) == 0 {
		g.remote = false
	}
	g.stamp = max(g.stamp, db.clock.stamp(db.stop))
	data := g.enc.encodeVersion(db.format(), g.stamp, db.config.KeepKeys.Milliseconds(), commands)
	fault.Point("propose-before-log")
	g.inflight++
	future := db.raft.Apply(data, db.config.HoldTimeout)
	db.entries.Add(1)
	go func() {
		defer db.entries.Done()
		deliver(future, live)
		g.done <- struct{}{}
	}()
}

// deliver hands each batch its outcome.
func deliver(future raft.ApplyFuture, group []*proposal) {
	err := future.Error()
	fault.Point("propose-before-answer")
	var outcomes []outcome
	if errors.Is(err, errNoSpace) {
		err = raft.ErrNotLeader // refused before it was written
	}
	switch err {
	case nil:
		var ok bool
		if outcomes, ok = future.Response().([]outcome); !ok {
			err = ErrUnknown // the entry was skipped: a restore overtook it, or the node failed
		}
	case raft.ErrNotLeader, raft.ErrEnqueueTimeout, raft.ErrLeadershipTransferInProgress:
		err = errNotLeader // it never entered the log
	default:
		err = ErrUnknown // leadership lost, shut down: it may yet be committed
	}
	next := 0
	for _, p := range group {
		switch {
		case err != nil:
			p.done <- answer{err: err}
		case p.command == nil:
			p.done <- answer{}
		default:
			p.done <- answer{outcome: outcomes[next]}
			next++
		}
	}
}
