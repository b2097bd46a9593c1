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
func (db *DB) readIndex(ctx context.Context) (uint64, error) {
	ctx, cancel := db.hold(ctx)
	defer cancel()
	for {
		index, err := db.askReadIndex(ctx)
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
func (db *DB) askReadIndex(ctx context.Context) (uint64, error) {
	w := make(chan readAnswer, 1)
	select {
	case db.reads <- w:
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
func (db *DB) answerReads() {
	for {
		var waiting []chan readAnswer
		select {
		case w := <-db.reads:
			waiting = append(waiting, w)
		case <-db.stop:
			return
		}
		for more := true; more; {
			select {
			case w := <-db.reads:
				waiting = append(waiting, w)
			default:
				more = false
			}
		}
		index, err := db.readRound()
		for _, w := range waiting {
			w <- readAnswer{index, err}
		}
	}
}

func (db *DB) readRound() (uint64, error) {
	if db.raft.State() == raft.Leader {
		return db.leaderReadIndex()
	}
	id, address, _ := db.leader.get()
	if id == "" || id == db.config.ID || db.client == nil {
		return 0, errNotLeader
	}
	ctx, cancel := context.WithTimeout(context.Background(), readRound)
	defer cancel()
	ctx, end := db.hold(ctx)
	defer end()
	return db.askLeader(ctx, address)
}

// leaderReadIndex: (1) an own entry of this term is applied, so the commit index covers all earlier terms; (2) the commit
// index is read; (3) a majority confirms, after that, that this node leads; (4) still in the same term, so nobody
// else led and acknowledged between (2) and (3).
func (db *DB) leaderReadIndex() (uint64, error) {
	term := db.raft.CurrentTerm()
	if db.leader.term.Load() != term {
		return 0, errNotLeader
	}
	index := db.raft.CommitIndex()
	if err := db.raft.VerifyLeader().Error(); err != nil {
		return 0, fmt.Errorf("%w: %w", errNotLeader, err)
	}
	if db.raft.CurrentTerm() != term {
		return 0, errNotLeader
	}
	return index, nil
}
