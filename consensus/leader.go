package consensus

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// leadership is what this node believes of the cluster's leader.
type leadership struct {
	mu      sync.Mutex
	id      string
	address string
	changed chan struct{} // closed at the next change

	term     atomic.Uint64 // the term whose first own entry is applied here: from then on the commit index is ours to tell
	isReady  atomic.Bool
	wasReady atomic.Bool
	readyMu  sync.Mutex
	ready    chan struct{} // closed while ready
}

func newLeadership() *leadership {
	return &leadership{changed: make(chan struct{}), ready: make(chan struct{})}
}

// get returns the leader, and a channel that is closed when there is another or none.
func (l *leadership) get() (id, address string, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.id, l.address, l.changed
}

func (l *leadership) set(id, address string) (changed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.id == id && l.address == address {
		return false
	}
	l.id, l.address = id, address
	close(l.changed)
	l.changed = make(chan struct{})
	return true
}

func (l *leadership) setReady(ready bool) {
	l.readyMu.Lock()
	defer l.readyMu.Unlock()
	if ready == l.isReady.Load() {
		return
	}
	l.isReady.Store(ready)
	if ready {
		l.wasReady.Store(true)
		close(l.ready)
	} else {
		l.ready = make(chan struct{})
	}
}

func (l *leadership) whenReady() <-chan struct{} {
	l.readyMu.Lock()
	defer l.readyMu.Unlock()
	return l.ready
}

// follow keeps track of who leads, and begins each term of this node with an entry of its own: Raft's NO-OP never reaches
// the state machine, and before an entry of its term is applied the leader's commit index may be behind.
func (db *DB) follow() {
	events := make(chan raft.Observation, 64)
	observer := raft.NewObserver(events, false, func(o *raft.Observation) bool {
		switch o.Data.(type) {
		case raft.LeaderObservation, raft.RaftState:
			return true
		}
		return false
	})
	db.raft.RegisterObserver(observer)
	defer db.raft.DeregisterObserver(observer)
	tick := time.NewTicker(db.config.HeartbeatTimeout / 2) // an observation may be dropped
	defer tick.Stop()
	for {
		address, id := db.raft.LeaderWithID()
		if db.leader.set(string(id), string(address)) {
			db.metrics.leaderChanges.Inc()
		}
		if db.raft.State() == raft.Leader {
			if db.leader.term.Load() != db.raft.CurrentTerm() {
				db.beginTerm()
			}
		} else if db.contactLost() {
			db.leader.setReady(false)
		}
		select {
		case <-events:
		case <-tick.C:
		case <-db.stop:
			return
		}
	}
}

func (db *DB) beginTerm() {
	term := db.raft.CurrentTerm()
	ctx, cancel := context.WithTimeout(context.Background(), db.config.ElectionTimeout)
	defer cancel()
	if err := db.noop(ctx); err == nil && db.raft.CurrentTerm() == term {
		db.leader.term.Store(term)
	}
}

func (db *DB) contactLost() bool {
	last := db.raft.LastContact()
	return !last.IsZero() && time.Since(last) > db.config.HoldTimeout
}

// becomeReady asks the leader how far the cluster is, and waits until this node is there, too. Its own commit index would
// not do: it starts at the node's own log, which may lack what was committed while the node was down.
func (db *DB) becomeReady() {
	for {
		if !db.leader.isReady.Load() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			index, err := db.askReadIndex(ctx, Linearizable)
			cancel()
			if err == nil && db.machine.wait(index, db.stop) {
				db.leader.setReady(true)
			}
		}
		_, _, changed := db.leader.get()
		select {
		case <-changed:
		case <-time.After(db.config.HeartbeatTimeout / 4):
		case <-db.stop:
			return
		}
	}
}

// WaitReady waits until a leader is known and this node has applied what it had committed.
func (db *DB) WaitReady(ctx context.Context) error {
	ctx, cancel := db.hold(ctx)
	defer cancel()
	select {
	case <-db.leader.whenReady():
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%w: this node has not caught up: %w", ErrUnavailable, db.cause(ctx))
	}
}

// IsLeader reports whether this node leads and has applied an entry of its term. For work that one node should do;
// such work must stay correct when two nodes believe it for a moment.
func (db *DB) IsLeader() bool {
	return db.raft.State() == raft.Leader && !db.gate.shut.Load() && db.leader.term.Load() == db.raft.CurrentTerm()
}

// Term is the newest term of Raft that this node knows.
func (db *DB) Term() uint64 { return db.raft.CurrentTerm() }

// hasPeers reports whether the cluster has other members.
func (db *DB) hasPeers() bool { return db.machine.members.Load() > 1 }
