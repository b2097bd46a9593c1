package consensus

import (
	"errors"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

const (
	maxSilence   = 10 * time.Second // how long a suspended node keeps a caller waiting: so long callers wait anyway
	silentPause  = time.Second      // before a suspended node's own message fails
	stepDownTime = 5 * time.Second  // for Raft to take the request
)

// link lies between Raft and its transport. Every message of Raft passes through it in both directions: here they are
// counted, told to the event log, lost while the node is suspended, and used for the lease.
//
// It never pipelines: a pipeline of raft v1.8.0 blocks for ever when a send meets a failed answer. Group commit leaves
// nothing to gain from it.
type link struct {
	raft.Transport
	gate           *gate
	events         *events
	lease          *lease
	fresh          *freshness
	sent, received *tally

	in    chan raft.RPC
	end   chan struct{}
	ended sync.Once
	term  func() uint64 // Raft's current one

	log    *slog.Logger
	warned atomic.Bool // of a lease that is not confirmed

	lost    func(id string) bool // whose messages are refused
	outcast func(err error)      // hears how sending failed
}

// preVoteLink is a link over a transport that knows pre-votes: Raft asks by the type.
type preVoteLink struct {
	*link
	inner raft.WithPreVote
}

func newLink(inner raft.Transport, db *DB) (*link, raft.Transport) {
	l := &link{Transport: inner, gate: &db.gate, events: db.events, lease: db.lease, fresh: &db.fresh, sent: &db.sent, received: &db.received,
		in: make(chan raft.RPC), end: make(chan struct{}), term: db.currentTerm, log: db.config.Logger,
		lost: db.isLost, outcast: db.outcast}
	go l.receive()
	if p, ok := inner.(raft.WithPreVote); ok {
		return l, preVoteLink{l, p}
	}
	return l, l
}

// Consumer returns the messages of the other nodes.
func (l *link) Consumer() <-chan raft.RPC { return l.in }

// Close ends the transport.
func (l *link) Close() error {
	l.ended.Do(func() { close(l.end) })
	if c, ok := l.Transport.(raft.WithClose); ok {
		return c.Close()
	}
	return nil
}

// AppendEntriesPipeline says that there is none.
func (l *link) AppendEntriesPipeline(raft.ServerID, raft.ServerAddress) (raft.AppendPipeline, error) {
	return nil, raft.ErrPipelineReplicationNotSupported
}

// send counts and sends a message, unless the node is suspended.
func (l *link) send(k messageKind, id raft.ServerID, call func() error) error {
	if l.gate.shut.Load() {
		l.gate.wait(l.end, silentPause)
		return errSuspended
	}
	l.sent.count(k)
	err := call()
	if l.gate.shut.Load() { // the answer has met silence
		err = errSuspended
	}
	if err != nil && !errors.Is(err, errSuspended) {
		l.outcast(err)
		l.events.sendFailed(id)
	}
	return err
}

// AppendEntries sends entries, or a heartbeat, and learns from the answer whether the lease is renewed.
func (l *link) AppendEntries(id raft.ServerID, target raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	k := msgAppend
	if isHeartbeat(args) {
		k = msgHeartbeat
		l.events.heartbeat()
	}
	req, start := l.lease.ask(args)
	err := l.send(k, id, func() error { return l.Transport.AppendEntries(id, target, req, resp) })
	if err == nil && l.lease.answered(id, req, resp, start) && !l.warned.Swap(true) {
		l.log.Warn("a node does not confirm the lease of this leader, so its reads ask the majority: its own lease timeout is shorter, or the transport loses fields of the messages",
			"node", id, "lease", l.lease.length)
	}
	return err
}

// RequestVote asks for a vote, when no promise to another leader stands against it.
func (l *link) RequestVote(id raft.ServerID, target raft.ServerAddress, args *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	req, err := l.mayStand(args)
	if err != nil {
		return err
	}
	return l.send(msgVote, id, func() error { return l.Transport.RequestVote(id, target, req, resp) })
}

func (p preVoteLink) RequestPreVote(id raft.ServerID, target raft.ServerAddress, args *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	return p.send(msgPreVote, id, func() error { return p.inner.RequestPreVote(id, target, args, resp) })
}

// InstallSnapshot sends the database.
func (l *link) InstallSnapshot(id raft.ServerID, target raft.ServerAddress, args *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	return l.send(msgSnapshot, id, func() error { return l.Transport.InstallSnapshot(id, target, args, resp, data) })
}

// TimeoutNow hands leadership over: the lease ends before.
func (l *link) TimeoutNow(id raft.ServerID, target raft.ServerAddress, args *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	req := l.lease.giveUp(args, l.term())
	return l.send(msgTransfer, id, func() error { return l.Transport.TimeoutNow(id, target, req, resp) })
}

// SetHeartbeatHandler lets heartbeats pass by Raft's queue.
func (l *link) SetHeartbeatHandler(cb func(raft.RPC)) {
	l.Transport.SetHeartbeatHandler(func(rpc raft.RPC) {
		l.through(rpc, func(inner raft.RPC) bool { cb(inner); return true })
	})
}

// receive hands the other nodes' messages to Raft.
func (l *link) receive() {
	for {
		select {
		case rpc, ok := <-l.Transport.Consumer():
			if !ok {
				return
			}
			go l.through(rpc, l.hand)
		case <-l.end:
			return
		}
	}
}

func (l *link) hand(rpc raft.RPC) bool {
	select {
	case l.in <- rpc:
		return true
	case <-l.end:
		return false
	}
}

// through brings one message to Raft, and Raft's answer back.
func (l *link) through(rpc raft.RPC, deliver func(raft.RPC) bool) {
	if l.gate.shut.Load() {
		l.swallow(rpc)
		return
	}
	if l.lost(senderOf(rpc.Command)) {
		rpc.Respond(nil, errLost)
		return
	}
	if k, ok := kindOf(rpc.Command); ok {
		l.received.count(k)
	}
	arrived := time.Now()
	if a, err := l.admit(rpc.Command); a != nil || err != nil {
		rpc.Respond(a, err)
		return
	}
	answer := make(chan raft.RPCResponse, 1)
	inner := raft.RPC{Command: rpc.Command, Reader: rpc.Reader, RespChan: answer}
	if !deliver(inner) {
		return
	}
	select {
	case a := <-answer:
		if l.gate.shut.Load() {
			l.swallow(rpc)
			return
		}
		if a.Error == nil {
			l.settle(rpc.Command, a.Response, arrived)
		}
		rpc.RespChan <- a
	case <-l.end:
	}
}

// swallow loses a message: its sender hears nothing until it has given up, or until the node is back.
func (l *link) swallow(rpc raft.RPC) {
	l.gate.wait(l.end, maxSilence)
	rpc.Respond(nil, errSuspended)
}

// stepDown makes Raft a follower of nobody, in the same term: what a message of another leader of the term would do.
func (l *link) stepDown() {
	answer := make(chan raft.RPCResponse, 1)
	rpc := raft.RPC{RespChan: answer, Command: &raft.AppendEntriesRequest{
		RPCHeader: raft.RPCHeader{ProtocolVersion: raft.ProtocolVersionMax}, Term: l.term()}}
	timer := time.NewTimer(stepDownTime)
	defer timer.Stop()
	select {
	case l.in <- rpc:
	case <-l.end:
		return
	case <-timer.C:
		return
	}
	select {
	case <-answer:
	case <-l.end:
	case <-timer.C:
	}
}
