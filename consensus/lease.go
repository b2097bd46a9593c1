package consensus

import (
	"encoding/binary"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// lease lets a leader answer reads without asking anybody, and keeps two leaders from doing so at the same time.
//
// While a leader of term T may answer from its own state, no leader of a later term may exist:
//
//  1. A leader notes when it SENDS a message (S). A voter that accepts it, and says so, promises at its arrival (A ≥ S):
//     until A + promise, by its own clock, it neither votes for another candidate nor stands itself.
//  2. The leader's lease ends at S + lease, by its own clock, for the newest S that a majority has confirmed. A promise
//     is a tenth longer than the lease, so it outlasts it as long as no clock runs 5 % too fast or too slow.
//  3. A later leader needs the votes of a majority, so of one node X that has confirmed the lease (or of the leader itself,
//     which has then left its term: that is looked at after the lease, see leaseIndex). Had X given its vote before it
//     confirmed, it would not have confirmed: `released` remembers. If it confirmed first, the vote waited for the end of
//     the promise, which is after the end of the lease. Majorities of neighbouring configurations share a node, too,
//     and a leader cannot be two changes behind its own log.
//  4. A voter that was restarted has forgotten its promises. It keeps what it would have promised last: for that long
//     after its start it neither votes nor stands. How long a lease was when it made them is on its disk, in case the
//     settings have changed.
//  5. Leadership is handed over by a vote that breaks the promises, so the leader gives its lease up first, for the rest of
//     its term: the message may arrive at any time later. It names the term, the target refuses it in any other, and only
//     stands with the privilege in the term that follows.
//  6. Nodes may have different settings. The message says how long the lease is; a voter whose own is shorter does not
//     confirm. Then there is no lease, and reads ask the majority.
//
// Raft's own rules (a voter with a live leader refuses votes) do not suffice: they are checked and changed by different
// goroutines, they forget with the process, and they do not bind a candidate.
type lease struct {
	length time.Duration
	self   string
	voters func() []raft.Server // the newest members; not all vote
	now    func() time.Time     // monotonic
	wall   func() time.Time     // see mark

	mu sync.Mutex

	// The promise of this node.
	until    time.Time
	term     uint64 // of the leader that it was made to; 0: of before the start
	leader   string
	released uint64 // newest term in which a vote has left this node
	told     uint64 // newest term whose leader told this node to take over

	// The lease of this node as leader of term leads.
	leads    uint64
	peers    map[raft.ServerID]*peerContact
	begun    mark   // what the last renewal made of the lease
	gaveUp   uint64 // term in which it was given up
	renewals uint64
}

// peerContact is what a leader knows of another node from its answers.
type peerContact struct {
	confirmed mark   // sending of the newest message that it has confirmed; zero: none
	last      mark   // sending of the newest message that it has accepted
	match     uint64 // newest entry known to be in its log
}

// mark is a moment by two clocks: the monotonic one stands still while a machine sleeps, the wall clock may step.
type mark struct{ mono, wall time.Time }

// age is the longer of the two times since.
func (m mark) age(now mark) time.Duration { return max(now.mono.Sub(m.mono), now.wall.Sub(m.wall)) }

func newLease(c Config, voters func() []raft.Server) *lease {
	return &lease{length: c.LeaseTimeout, self: c.ID, voters: voters, now: time.Now, wall: func() time.Time { return c.Now().Round(0) },
		peers: map[raft.ServerID]*peerContact{}}
}

func (l *lease) mark() mark { return mark{mono: l.now(), wall: l.wall()} }

// hold keeps this node from voting for as long as a promise for the lease would last.
func (l *lease) hold(length time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = l.now().Add(promise(length))
}

// A lease travels in fields that Raft has no use for: Leader of a request (superseded by the header's Addr) and the header's
// Addr of an answer. The first byte tells it from an address.
const leaseTag = 0

func encodeLease(v uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{leaseTag}, v)
}

func decodeLease(p []byte) (uint64, bool) {
	if len(p) != 9 || p[0] != leaseTag {
		return 0, false
	}
	return binary.BigEndian.Uint64(p[1:]), true
}

// ask puts the length of the lease into a copy of the message and notes the time.
func (l *lease) ask(r *raft.AppendEntriesRequest) (*raft.AppendEntriesRequest, mark) {
	req := *r
	if len(req.Addr) > 0 {
		//lint:ignore SA1019 superseded by the header, so free for the lease
		req.Leader = encodeLease(uint64(l.length))
	}
	return &req, l.mark()
}

// answered counts an answer. It reports whether the node accepted the message and did not confirm the lease.
func (l *lease) answered(id raft.ServerID, req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse, sent mark) (refused bool) {
	if !resp.Success || resp.Term > req.Term {
		return false
	}
	d, ok := decodeLease(resp.Addr)
	confirmed := ok && d == uint64(l.length)
	servers := l.voters()
	l.mu.Lock()
	defer l.mu.Unlock()
	if req.Term < l.leads {
		return false
	}
	if req.Term > l.leads {
		l.leads, l.peers, l.begun = req.Term, map[raft.ServerID]*peerContact{}, mark{}
	}
	p := l.peers[id]
	if p == nil {
		p = &peerContact{}
		l.peers[id] = p
	}
	if sent.mono.After(p.last.mono) {
		p.last = sent
	}
	if !isHeartbeat(req) {
		p.match = max(p.match, req.PrevLogEntry+uint64(len(req.Entries)))
	}
	if !confirmed {
		return true
	}
	if sent.mono.After(p.confirmed.mono) {
		p.confirmed = sent
	}
	if begin, ok := l.begin(servers, sent); ok && begin.mono.After(l.begun.mono) && l.gaveUp != req.Term {
		l.begun = begin
		l.renewals++
	}
	return false
}

// begin is the newest moment that a majority of the voters has confirmed; ok is false if there is none. Caller holds mu.
func (l *lease) begin(servers []raft.Server, now mark) (begin mark, ok bool) {
	return l.majority(servers, now, func(p *peerContact) mark { return p.confirmed })
}

// majority is the newest moment that a majority of the voters has reached: this node now, another what its contact tells, if
// anything. Caller holds mu.
func (l *lease) majority(servers []raft.Server, now mark, reached func(*peerContact) mark) (at mark, ok bool) {
	var marks []mark
	voters := 0
	for _, s := range servers {
		if s.Suffrage != raft.Voter {
			continue
		}
		voters++
		if string(s.ID) == l.self {
			marks = append(marks, now)
		} else if p := l.peers[s.ID]; p != nil && !reached(p).mono.IsZero() {
			marks = append(marks, reached(p))
		}
	}
	need := voters/2 + 1
	if voters == 0 || len(marks) < need {
		return mark{}, false
	}
	slices.SortFunc(marks, func(a, b mark) int { return b.mono.Compare(a.mono) })
	return marks[need-1], true
}

// left is how long the lease of the term still lasts; 0 or less: there is none.
func (l *lease) left(term uint64) time.Duration {
	servers := l.voters()
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.mark()
	if l.gaveUp == term || l.leads > term {
		return 0
	}
	if l.leads < term { // nobody has answered in this term: a lone voter needs nobody
		l.leads, l.peers, l.begun = term, map[raft.ServerID]*peerContact{}, mark{}
	}
	begin, ok := l.begin(servers, now)
	if !ok {
		return 0
	}
	return l.length - begin.age(now)
}

// heard reports whether a majority of the voters has accepted a message that the leader of the term sent at the moment or
// later.
func (l *lease) heard(term uint64, since time.Time) bool {
	servers := l.voters()
	l.mu.Lock()
	defer l.mu.Unlock()
	at, ok := l.majority(servers, l.mark(), func(p *peerContact) mark {
		if l.leads != term {
			return mark{}
		}
		return p.last
	})
	return ok && !at.mono.Before(since)
}

// contact returns what the leader of the term knows of a node, and how long ago it was in touch.
func (l *lease) contact(id raft.ServerID, term uint64) (match uint64, ago time.Duration, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	p := l.peers[id]
	if l.leads != term || p == nil {
		return 0, 0, false
	}
	return p.match, l.now().Sub(p.last.mono), true
}

// giveUp ends the lease of the term and names the term in the message that hands leadership over.
func (l *lease) giveUp(r *raft.TimeoutNowRequest, term uint64) *raft.TimeoutNowRequest {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.gaveUp = max(l.gaveUp, term)
	req := *r
	req.Addr = encodeLease(term)
	return &req
}

// renewed counts the renewals.
func (l *lease) renewed() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.renewals
}

// gone reports whether the lease of the term was given up.
func (l *lease) gone(term uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gaveUp == term
}

var (
	errStaleTransfer = errors.New("leadership was handed over in another term")
	errPromised      = errors.New("this node has promised to wait for the end of the leader's lease")
)

// take notes that the leader of the term has told this node to take over.
func (l *lease) take(r *raft.TimeoutNowRequest, current uint64) error {
	term, ok := decodeLease(r.Addr)
	if !ok || term != current {
		return errStaleTransfer
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = term
	return nil
}

// accepted makes the promise for a message that arrived at the time and was accepted, and confirms it in the answer.
func (l *lease) accepted(req *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse, arrived time.Time) {
	//lint:ignore SA1019 superseded by the header, so free for the lease
	d, ok := decodeLease(req.Leader)
	if !ok || !resp.Success {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Duration(d) > l.length || l.released > req.Term || l.term > req.Term {
		return
	}
	l.term, l.leader = req.Term, string(req.ID)
	if until := arrived.Add(promise(time.Duration(d))); until.After(l.until) {
		l.until = until
	}
	resp.Addr = encodeLease(d)
}

// promised returns until when this node must not help the candidate; the zero time when it may. Caller holds mu.
func (l *lease) promised(candidate string, term uint64, transfer bool) time.Time {
	if !l.now().Before(l.until) || candidate == l.leader && l.leader != "" || transfer && l.term < term {
		return time.Time{}
	}
	return l.until
}

// mayVote returns until when a vote for the candidate must wait.
func (l *lease) mayVote(candidate string, term uint64, transfer bool) time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.promised(candidate, term, transfer)
}

// vote lets a vote leave this node, or not.
func (l *lease) vote(candidate string, term uint64, transfer bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.promised(candidate, term, transfer).IsZero() {
		return false
	}
	l.released = max(l.released, term)
	return true
}

// privileged reports whether a candidacy in the term follows from being told to take over.
func (l *lease) privileged(term uint64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.told != 0 && l.told+1 == term
}
