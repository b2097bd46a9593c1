package consensus

import (
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// freshness is when a follower last had what its leader had. Heartbeats go by themselves and say nothing of entries: a node
// whose disk is full, or that Raft leaves alone for up to ten seconds after failures, goes on hearing them while it falls
// behind. Messages with entries come every CommitTimeout (50 ms) also when there is nothing to send. To have taken one is not
// enough: what the leader had committed when it sent it must be applied here, which takes a while for what was missed.
type freshness struct {
	applied func() uint64

	mu      sync.Mutex
	had     time.Time // arrival of the newest message of which that is known; zero: there was none
	target  uint64    // what the leader had committed in the message that is waited for
	arrived time.Time // of that message; zero: none
}

func (f *freshness) accepted(r *raft.AppendEntriesRequest, arrived time.Time) {
	if isHeartbeat(r) {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.settle(); f.arrived.IsZero() {
		f.target, f.arrived = r.LeaderCommitIndex, arrived
	}
}

// settle ends the wait for a message whose entries are applied. f.mu is held.
func (f *freshness) settle() {
	if !f.arrived.IsZero() && f.applied() >= f.target {
		f.had, f.arrived = f.arrived, time.Time{}
	}
}

// age is how old what this node has may be: without end before the first message.
func (f *freshness) age() time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settle()
	return time.Since(f.had)
}

// IsBehind reports whether this node is a follower that is in touch with its leader and yet has not applied within the time d what
// the leader has. Reads that must not be older ask for Linearizable. A node without a leader is not behind: it cannot know.
func (db *DB) IsBehind(d time.Duration) bool {
	return db.raft.State() == raft.Follower && time.Since(db.raft.LastContact()) <= d && db.fresh.age() > d
}

// MayHaveMissed reports whether this node does not lead and was in touch with a leader within the time d, though there may be none
// at the moment: what is not in its database may have been acknowledged elsewhere, and be on its way.
func (db *DB) MayHaveMissed(d time.Duration) bool {
	return db.raft.State() != raft.Leader && time.Since(db.raft.LastContact()) < d
}
