package consensus

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// keyLease holds the length of the lease for which this node may have made promises, in nanoseconds.
var keyLease = []byte("TriviumLease")

// keepPromises makes a node that has been a member before wait as if it had made its last promise just now.
func (db *DB) keepPromises() error {
	own := uint64(db.config.LeaseTimeout)
	before, err := db.logs.GetUint64(keyLease)
	if err != nil {
		before = 0 // a new node has no such key, which every store reports in its own way
	}
	last, err := db.logs.LastIndex()
	if err != nil {
		return err
	}
	longest := max(own, before)
	if last > 0 || db.machine.applied() > 0 || before > 0 {
		db.lease.hold(time.Duration(longest))
	}
	switch {
	case own > before:
		if err := db.logs.SetUint64(keyLease, own); err != nil {
			return fmt.Errorf("store the lease: %w", err)
		}
	case own < before: // once the longer promises have ended
		db.start(func() {
			timer := time.NewTimer(promise(time.Duration(before)))
			defer timer.Stop()
			select {
			case <-timer.C:
				db.logs.SetUint64(keyLease, own) // a failure stops the node
			case <-db.stop:
			}
		})
	}
	return nil
}

// observe tells of changes of Raft's state. Raft calls the filter itself, so that none is missed.
func (db *DB) observe() {
	var last atomic.Uint32
	last.Store(uint32(db.raft.State()))
	db.raft.RegisterObserver(raft.NewObserver(nil, false, func(o *raft.Observation) bool {
		if now, ok := o.Data.(raft.RaftState); ok {
			db.stateChanged(raft.RaftState(last.Swap(uint32(now))), now)
		}
		return false
	}))
}

func (db *DB) stateChanged(was, now raft.RaftState) {
	id, term := db.config.ID, db.raft.CurrentTerm()
	switch {
	case now == raft.Candidate:
		db.metrics.candidacies.Inc()
		db.candidacies.Add(1)
		if db.lease.privileged(term + 1) { // it was told to take over
			return
		}
		db.events.tell("Node %s election timer timed out, Starting election.", id)
	case now == raft.Leader:
		db.metrics.elections.Inc()
		db.elections.Add(1)
		db.events.tell("Node %s became the leader for term %d.", id, term)
	case now == raft.Follower && was == raft.Leader:
		if db.lease.left(term) <= 0 && !db.lease.gone(term) {
			db.events.tell("Leader %s lease renewal failed. Stepping Down.", id)
		}
		db.events.tell("%s Stepping down", id)
	case now == raft.Follower && was == raft.Candidate:
		db.events.tell("%s Stepping down", id)
	}
}
