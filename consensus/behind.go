package consensus

import (
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// freshness is when a follower last took what its leader has. Heartbeats go by themselves and say nothing of entries: a node
// whose disk is full, or that Raft leaves alone for up to ten seconds after failures, goes on hearing them while it falls
// behind. Messages with entries come every CommitTimeout (50 ms) also when there is nothing to send.
type freshness struct{ heard atomic.Int64 } // in nanoseconds since the start of the process

var processStart = time.Now()

func (f *freshness) accepted(r *raft.AppendEntriesRequest, arrived time.Time) {
	if !isHeartbeat(r) {
		f.heard.Store(int64(arrived.Sub(processStart)))
	}
}

// IsBehind reports whether this node is a follower that is in touch with its leader and yet has not taken within the time d what
// the leader has. Reads that must not be older ask for Linearizable. A node without a leader is not behind: it cannot know.
func (db *DB) IsBehind(d time.Duration) bool {
	return db.raft.State() == raft.Follower && time.Since(db.raft.LastContact()) <= d &&
		time.Since(processStart)-time.Duration(db.fresh.heard.Load()) > d
}

// IsFollowing reports whether this node is a follower that is in touch with its leader.
func (db *DB) IsFollowing() bool {
	return db.raft.State() == raft.Follower && time.Since(db.raft.LastContact()) < db.config.HeartbeatTimeout
}
