package simnet

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// transport carries Raft's messages one by one, so that each can be lost, late, repeated or overtaken.
type transport struct {
	net      *Net
	self     int
	consumer chan raft.RPC
	done     chan struct{}
	once     sync.Once

	mu        sync.Mutex
	heartbeat func(raft.RPC)
}

func newTransport(n *Net, self int) *transport {
	return &transport{net: n, self: self, consumer: make(chan raft.RPC, 16), done: make(chan struct{})}
}

const (
	answerTime   = 150 * time.Millisecond // a lost heartbeat is followed by another soon
	snapshotTime = 10 * time.Second
)

var errLost = errors.New("no answer")

func (t *transport) Consumer() <-chan raft.RPC                               { return t.consumer }
func (t *transport) LocalAddr() raft.ServerAddress                           { return raft.ServerAddress(Name(t.self)) }
func (t *transport) EncodePeer(_ raft.ServerID, a raft.ServerAddress) []byte { return []byte(a) }
func (t *transport) DecodePeer(p []byte) raft.ServerAddress                  { return raft.ServerAddress(p) }

func (t *transport) Close() error {
	t.once.Do(func() { close(t.done) })
	return nil
}

func (t *transport) SetHeartbeatHandler(fn func(raft.RPC)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.heartbeat = fn
}

// AppendEntriesPipeline is refused, as the product's transport does.
func (t *transport) AppendEntriesPipeline(raft.ServerID, raft.ServerAddress) (raft.AppendPipeline, error) {
	return nil, raft.ErrPipelineReplicationNotSupported
}

func (t *transport) AppendEntries(_ raft.ServerID, to raft.ServerAddress, in *raft.AppendEntriesRequest, out *raft.AppendEntriesResponse) error {
	if t.net.OnAppend != nil {
		t.net.OnAppend(in.Term, string(in.Addr))
	}
	return send(t, to, in, out, copyAppend, answerTime, true)
}

func (t *transport) RequestVote(_ raft.ServerID, to raft.ServerAddress, in *raft.RequestVoteRequest, out *raft.RequestVoteResponse) error {
	return send(t, to, in, out, copyOf, answerTime, true)
}

func (t *transport) RequestPreVote(_ raft.ServerID, to raft.ServerAddress, in *raft.RequestPreVoteRequest, out *raft.RequestPreVoteResponse) error {
	return send(t, to, in, out, copyOf, answerTime, true)
}

func (t *transport) TimeoutNow(_ raft.ServerID, to raft.ServerAddress, in *raft.TimeoutNowRequest, out *raft.TimeoutNowResponse) error {
	return send(t, to, in, out, copyOf, answerTime, true)
}

// InstallSnapshot reads the file at once and lets go of it: a lock that is held while virtual time is to pass would stop the
// clock of the simulation.
func (t *transport) InstallSnapshot(_ raft.ServerID, to raft.ServerAddress, in *raft.InstallSnapshotRequest, out *raft.InstallSnapshotResponse, r io.Reader) error {
	data, err := io.ReadAll(r)
	if c, ok := r.(io.Closer); ok {
		err = errors.Join(err, c.Close())
	}
	if err != nil {
		return err
	}
	t.net.mu.Lock()
	t.net.counts.Snapshots++
	t.net.mu.Unlock()
	return t.exchange(to, data, snapshotTime, false, func() any { c := *in; return &c }, func(a any) { *out = *a.(*raft.InstallSnapshotResponse) })
}

func copyOf[T any](in *T) *T { c := *in; return &c }

// copyAppend copies the entries, too: the receiver keeps them.
func copyAppend(in *raft.AppendEntriesRequest) *raft.AppendEntriesRequest {
	c := *in
	c.Entries = make([]*raft.Log, len(in.Entries))
	for i, e := range in.Entries {
		c.Entries[i] = copyOf(e)
	}
	return &c
}

func send[In, Out any](t *transport, to raft.ServerAddress, in *In, out *Out, clone func(*In) *In, limit time.Duration, repeat bool) error {
	return t.exchange(to, nil, limit, repeat, func() any { return clone(in) }, func(a any) { *out = *a.(*Out) })
}

// exchange sends a request and waits for its answer; either may be lost.
func (t *transport) exchange(to raft.ServerAddress, data []byte, limit time.Duration, repeat bool, request func() any, answer func(any)) error {
	other := numberOf(string(to))
	way := t.net.message(t.self, other)
	back := make(chan raft.RPCResponse, 1)
	if !way.lost {
		first := request()
		go func() {
			time.Sleep(way.delay)
			a, ok := t.net.deliver(other, first, data, limit)
			if ret := t.net.message(other, t.self); ok && !ret.lost {
				time.Sleep(ret.delay)
				back <- a
			}
		}()
		if way.again > 0 && repeat {
			second := request()
			go func() {
				time.Sleep(way.again)
				t.net.deliver(other, second, data, limit)
			}()
		}
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case a := <-back:
		if a.Error != nil {
			return a.Error
		}
		answer(a.Response)
		return nil
	case <-timer.C:
		return fmt.Errorf("%s: %w", to, errLost)
	case <-t.done:
		return raft.ErrTransportShutdown
	}
}

// deliver hands a request to a node and waits for what it says.
func (n *Net) deliver(to int, request any, data []byte, limit time.Duration) (raft.RPCResponse, bool) {
	e := n.endpoint(to)
	if e == nil {
		return raft.RPCResponse{}, false
	}
	t := e.transport
	said := make(chan raft.RPCResponse, 1)
	rpc := raft.RPC{Command: request, RespChan: said}
	if data != nil {
		rpc.Reader = bytes.NewReader(data)
	}
	t.mu.Lock()
	heartbeat := t.heartbeat
	t.mu.Unlock()
	if a, ok := request.(*raft.AppendEntriesRequest); ok && heartbeat != nil && isHeartbeat(a) {
		heartbeat(rpc)
	} else {
		select {
		case t.consumer <- rpc:
		case <-t.done:
			return raft.RPCResponse{}, false
		}
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case a := <-said:
		return a, true
	case <-t.done:
	case <-timer.C:
	}
	return raft.RPCResponse{}, false
}

// isHeartbeat as Raft's own transport decides it.
func isHeartbeat(a *raft.AppendEntriesRequest) bool {
	return a.Term != 0 && a.Addr != nil && a.PrevLogEntry == 0 && a.PrevLogTerm == 0 && len(a.Entries) == 0 && a.LeaderCommitIndex == 0
}
