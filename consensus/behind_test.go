package consensus

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hashicorp/raft"
)

// TestFreshness: a follower that takes entries and has not applied them yet does not have what its leader has, however many
// messages arrive meanwhile.
func TestFreshness(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var applied atomic.Uint64
		f := freshness{applied: applied.Load}
		take := func(commit uint64) {
			time.Sleep(50 * time.Millisecond)
			f.accepted(&raft.AppendEntriesRequest{PrevLogEntry: 1, PrevLogTerm: 1, LeaderCommitIndex: commit}, time.Now())
		}
		within := func(what string, low, high time.Duration) {
			t.Helper()
			if got := f.age(); got < low || got > high {
				t.Errorf("%s: what it has may be %v old, want %v to %v", what, got, low, high)
			}
		}
		applied.Store(100)
		take(100)
		within("in step", 0, 0)
		for n := range uint64(40) { // 2 s in which it applies more slowly than entries come
			applied.Store(100 + n)
			take(1000 + 50*n)
		}
		within("while it catches up", 2*time.Second, 2*time.Second)
		applied.Store(1000) // what the first of these messages told of
		within("in part", 1950*time.Millisecond, 1950*time.Millisecond)
		applied.Store(2950)
		take(2950)
		within("caught up", 0, 50*time.Millisecond)
		time.Sleep(time.Second)
		f.accepted(&raft.AppendEntriesRequest{}, time.Now())
		within("with heartbeats alone", time.Second, 1050*time.Millisecond)
	})
}
