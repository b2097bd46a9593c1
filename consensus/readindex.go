package consensus

import (
	"context"
	"fmt"
	"time"

	"github.com/hashicorp/raft"
)

type readAnswer struct {
	index uint64
	err   error
}

// readIndex returns an index that covers every write acknowledged anywhere before the call. It tries until HoldTimeout.
func (db *DB) readIndex(ctx context.Context, level Level) (uint64, error) {
	if level == Lease {
		if index, ok := db.leaseIndex(); ok {
			return index, nil
		}
	}
	ctx, cancel := db.hold(ctx)
	defer cancel()
	for {
		index, err := db.askReadIndex(ctx, level)
		if err == nil {
			return index, nil
		}
		if ctx.Err() == nil {
			if err := db.waitLeader(ctx, true); err != nil {
				return 0, err
			}
		}
		if ctx.Err() != nil {
			return 0, fmt.Errorf("%w: %w", ErrUnavailable, db.cause(ctx))
		}
	}
}

// askReadIndex joins the next round of answerReads.
func (db *DB) askReadIndex(ctx context.Context, level Level) (uint64, error) {
	round := db.reads
	if level == Lease {
		round = db.leases
	}
	w := make(chan readAnswer, 1)
	select {
	case round <- w:
	case <-ctx.Done():
		return 0, ctx.Err()
	}
	select {
	case a := <-w:
		return a.index, a.err
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

const readRound = 2 * time.Second // bound of one round

// answerReads answers all callers that wait at the same moment with one round to the majority, or with one question to
// the leader. Only callers that came before the round begins take part in it.
func (db *DB) answerReads(reads chan chan readAnswer, round func() (uint64, error)) {
	for {
		var waiting []chan readAnswer
		select {
		case w := <-reads:
			waiting = append(waiting, w)
		case <-db.stop:
			return
		}
		for more := true; more; {
			select {
			case w := <-reads:
				waiting = append(waiting, w)
			default:
				more = false
			}
		}
		index, err := round()
		for _, w := range waiting {
			w <- readAnswer{index, err}
		}
	}
}

func (db *DB) readRound() (uint64, error) {
	if db.raft.State() == raft.Leader {
		return db.leaderReadIndex()
	}
	return db.followerReadIndex(Linearizable)
}

// leaseRound asks the majority when this node leads without a lease.
func (db *DB) leaseRound() (uint64, error) {
	if index, ok := db.leaseIndex(); ok {
		return index, nil
	}
	if db.raft.State() == raft.Leader {
		return db.askReadIndex(db.life, Linearizable)
	}
	return db.followerReadIndex(Lease)
}

// leaseIndex returns the commit index if this node is the leader and holds the lease: (1) an own entry of this term is
// applied, so the commit index covers all earlier terms; (2) the commit index is read; (3) the lease lasts and (4) this
// node still leads in the same term, after that: at (2) there was no other leader, so nobody else had acknowledged anything.
func (db *DB) leaseIndex() (uint64, bool) {
	term := db.raft.CurrentTerm()
	if db.leader.term.Load() != term || db.gate.shut.Load() {
		return 0, false
	}
	index := db.raft.CommitIndex()
	if db.lease.left(term) <= 0 {
		return 0, false
	}
	if db.raft.State() != raft.Leader || db.raft.CurrentTerm() != term {
		return 0, false
	}
	db.metrics.leaseReads.Inc()
	return index, true
}

func (db *DB) followerReadIndex(level Level) (uint64, error) {
	id, address, _ := db.leader.get()
	if id == "" || id == db.config.ID || db.client == nil {
		return 0, errNotLeader
	}
	ctx, cancel := context.WithTimeout(context.Background(), readRound)
	defer cancel()
	ctx, end := db.hold(ctx)
	defer end()
	return db.askLeader(ctx, address, level)
}

// verifyRounds is how often a leader asks for a confirmation of what was sent after the read began: the first answers may
// be those to messages that were on their way.
const verifyRounds = 3

// leaderReadIndex: (1) an own entry of this term is applied, so the commit index covers all earlier terms; (2) the commit
// index is read; (3) a majority of the voters accepts a message that was sent after that, so this node leads; (4) still in
// the same term, so nobody else led and acknowledged between (2) and (3). Raft's own verification also counts nodes
// without a vote, and answers to what was sent before (2).
func (db *DB) leaderReadIndex() (uint64, error) {
	term := db.raft.CurrentTerm()
	if db.leader.term.Load() != term || db.gate.shut.Load() {
		return 0, errNotLeader
	}
	index, start := db.raft.CommitIndex(), db.lease.now()
	for range verifyRounds {
		if err := db.raft.VerifyLeader().Error(); err != nil {
			return 0, fmt.Errorf("%w: %w", errNotLeader, err)
		}
		if db.raft.CurrentTerm() != term {
			return 0, errNotLeader
		}
		if db.lease.heard(term, start) {
			return index, nil
		}
	}
	return 0, errNotLeader
}
