package consensus

import (
	"fmt"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// The event log tells, in the lines that Raft is taught with, what this node sees and does. Nothing ever waits for it:
// lines go through a queue, and what finds it full is lost and counted.
const (
	eventQueue   = 4096
	entryLines   = 2000        // lines about single entries in one second; a busy node leaves the rest out
	routineEvery = time.Second // heartbeats are told at most so often
	eventsEnd    = time.Second // how long Close waits for Config.Events
	eventsFlush  = 100 * time.Millisecond
)

type events struct {
	fn      func(string)
	node    string
	lines   chan string
	done    chan struct{}
	dropped atomic.Uint64

	second  atomic.Int64 // Unix seconds of the budget
	spent   atomic.Int64
	beat    atomic.Int64 // Unix ns of the last line about a heartbeat sent
	heard   atomic.Int64 // the same, received
	waiting atomic.Int64 // the same, about an old leader's lease
}

// newEvents returns nil, which all methods accept, without a function to call.
func newEvents(c Config) *events {
	if c.Events == nil {
		return nil
	}
	e := &events{fn: c.Events, node: c.ID, lines: make(chan string, eventQueue), done: make(chan struct{})}
	go func() {
		defer close(e.done)
		for line := range e.lines {
			if line == "" {
				return
			}
			e.fn(line)
		}
	}()
	return e
}

// close writes what is queued, for at most a second: a disk that hangs must not keep a node from stopping.
func (e *events) close() {
	if e == nil {
		return
	}
	timer := time.NewTimer(eventsEnd)
	defer timer.Stop()
	select {
	case e.lines <- "":
	case <-timer.C:
		return
	}
	select {
	case <-e.done:
	case <-timer.C:
	}
}

// flush gives the last lines before a death a moment to be written.
func (e *events) flush() {
	if e == nil {
		return
	}
	for end := time.Now().Add(eventsFlush); len(e.lines) > 0 && time.Now().Before(end); {
		time.Sleep(time.Millisecond)
	}
}

func (e *events) tell(format string, args ...any) {
	if e == nil {
		return
	}
	select {
	case e.lines <- fmt.Sprintf(format, args...):
	default:
		e.dropped.Add(1)
	}
}

// routine reports whether a line that repeats all the time is due again.
func (e *events) routine(last *atomic.Int64) bool {
	now := time.Now().UnixNano()
	old := last.Load()
	return now-old >= int64(routineEvery) && last.CompareAndSwap(old, now)
}

// afford reports whether one more line about an entry may be told in this second.
func (e *events) afford() bool {
	if e == nil {
		return false
	}
	if now := time.Now().Unix(); e.second.Swap(now) != now {
		e.spent.Store(0)
	}
	if e.spent.Add(1) > entryLines {
		e.dropped.Add(1)
		return false
	}
	return true
}

func (e *events) heartbeat() {
	if e != nil && e.routine(&e.beat) {
		e.tell("Leader %s sending heartbeat & Renewing Lease", e.node)
	}
}

func (e *events) sendFailed(to raft.ServerID) {
	if e.afford() {
		e.tell("Error occurred while sending RPC to Node %s.", to)
	}
}

func (e *events) waitsForLease() {
	if e != nil && e.routine(&e.waiting) {
		e.tell("New Leader waiting for Old Leader Lease to timeout.")
	}
}

// received tells the answer to a leader's message.
func (e *events) received(r *raft.AppendEntriesRequest, accepted bool) {
	if e == nil || (accepted && len(r.Entries) == 0 && !e.routine(&e.heard)) || !e.afford() {
		return
	}
	e.tell("Node %s %s AppendEntries RPC from %s.", e.node, word(accepted, "accepted", "rejected"), r.ID)
}

func (e *events) voted(candidate []byte, term uint64, granted bool) {
	e.tell("Vote %s for Node %s in term %d.", word(granted, "granted", "denied"), candidate, term)
}

func word(is bool, yes, no string) string {
	if is {
		return yes
	}
	return no
}

// requested tells of a batch that has come to the leader.
func (e *events) requested(c *command) {
	if e == nil || c == nil {
		return
	}
	for _, op := range c.describe() {
		if e.afford() {
			e.tell("Node %s (leader) received an %s request.", e.node, op)
		}
	}
}

// committed tells of an entry that has taken effect on this node.
func (e *events) committed(leads bool, ops []string) {
	for _, op := range ops {
		if e.afford() {
			e.tell("Node %s (%s) committed the entry %s to the state machine.", e.node, word(leads, "leader", "follower"), op)
		}
	}
}
