package udp

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// Bounds of Raft's messages.
const (
	partSize     = 16 << 10        // bytes of a fragment
	maxParts     = 2048            // of a message: 32 MiB
	maxAssembled = 256             // messages being put together or kept, for each peer
	keepAnswer   = 5 * time.Second // for calls that come again
	firstRetry   = 30 * time.Millisecond
	lastRetry    = 200 * time.Millisecond
)

// Calls end after so long without an answer.
const (
	callTimeout     = 2 * time.Second
	snapshotTimeout = time.Minute
)

var errTimeout = errors.New("udp: no answer")

// Transport is a raft.Transport over datagrams that may be lost, late, repeated and out of order: a call is sent again until
// it is answered, and its number lets the other side answer a repeat with what it has answered before. Addresses are ids.
type Transport struct {
	conn     *Conn
	boot     uint64
	next     atomic.Uint64
	requests chan raft.RPC
	done     chan struct{}
	once     sync.Once

	mu        sync.Mutex
	heartbeat func(raft.RPC)
	calls     map[uint64]chan []byte        // waiting for an answer, by number
	answers   map[uint64]*assembly          // their fragments
	peers     map[string]map[callID]*served // calls of others
}

type callID struct{ boot, call uint64 }

// served is a call of a peer: first its fragments, then what it was answered.
type served struct {
	parts  *assembly
	answer []byte
	since  time.Time
}

// assembly puts fragments together.
type assembly struct {
	parts   [][]byte
	missing int
}

// add returns the message once it is complete.
func (a *assembly) add(p *Part) ([]byte, bool) {
	if p.Of != len(a.parts) || a.parts[p.Number] != nil {
		return nil, false
	}
	a.parts[p.Number] = append([]byte{}, p.Data...)
	if a.missing--; a.missing > 0 {
		return nil, false
	}
	return bytes.Join(a.parts, nil), true
}

func newAssembly(of int) *assembly { return &assembly{parts: make([][]byte, of), missing: of} }

// call is a message of Raft's: what it asks, with the bytes of a snapshot behind it.
type call struct {
	Append   *raft.AppendEntriesRequest   `json:",omitempty"`
	Vote     *raft.RequestVoteRequest     `json:",omitempty"`
	PreVote  *raft.RequestPreVoteRequest  `json:",omitempty"`
	Snapshot *raft.InstallSnapshotRequest `json:",omitempty"`
	Timeout  *raft.TimeoutNowRequest      `json:",omitempty"`
	Data     []byte                       `json:",omitempty"`
}

func (c *call) command() any {
	switch {
	case c.Append != nil:
		return c.Append
	case c.Vote != nil:
		return c.Vote
	case c.PreVote != nil:
		return c.PreVote
	case c.Snapshot != nil:
		return c.Snapshot
	case c.Timeout != nil:
		return c.Timeout
	}
	return nil
}

type reply struct {
	Error    string          `json:",omitempty"`
	Response json.RawMessage `json:",omitempty"`
}

func newTransport(conn *Conn) *Transport {
	return &Transport{conn: conn, boot: uint64(time.Now().UnixNano()), requests: make(chan raft.RPC, 64), done: make(chan struct{}),
		calls: map[uint64]chan []byte{}, answers: map[uint64]*assembly{}, peers: map[string]map[callID]*served{}}
}

// send cuts the message into fragments.
func (t *Transport) send(dst string, p Part, message []byte) {
	p.Of = max(1, (len(message)+partSize-1)/partSize)
	for p.Number = range p.Of {
		part := p
		part.Data = message[p.Number*partSize : min(len(message), (p.Number+1)*partSize)]
		t.conn.Send(Message{Dst: dst, Type: typeRaft, Part: &part})
	}
}

// ask makes a call and waits for its answer.
func (t *Transport) ask(target raft.ServerAddress, c *call, response any, timeout time.Duration) error {
	message, err := json.Marshal(c)
	if err != nil {
		return err
	}
	if len(message) > maxParts*partSize {
		return fmt.Errorf("udp: a message of %d bytes; at most %d can be sent", len(message), maxParts*partSize)
	}
	number, wait := t.next.Add(1), make(chan []byte, 1)
	t.mu.Lock()
	t.calls[number] = wait
	t.mu.Unlock()
	defer func() {
		t.mu.Lock()
		delete(t.calls, number)
		delete(t.answers, number)
		t.mu.Unlock()
	}()
	end := time.NewTimer(timeout)
	defer end.Stop()
	for pause := firstRetry; ; pause = min(2*pause, lastRetry) {
		t.send(string(target), Part{Boot: t.boot, Call: number}, message)
		again := time.NewTimer(pause + time.Duration(len(message)/partSize)*time.Millisecond)
		select {
		case data := <-wait:
			again.Stop()
			return decodeReply(data, response)
		case <-again.C:
		case <-end.C:
			again.Stop()
			return errTimeout
		case <-t.done:
			again.Stop()
			return raft.ErrTransportShutdown
		}
	}
}

func decodeReply(data []byte, response any) error {
	var r reply
	if err := json.Unmarshal(data, &r); err != nil {
		return err
	}
	if r.Error != "" {
		return errors.New(r.Error)
	}
	return json.Unmarshal(r.Response, response)
}

// receive takes a fragment. It does not wait for Raft.
func (t *Transport) receive(src string, p *Part) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if p.Answer {
		wait := t.calls[p.Call]
		if p.Boot != t.boot || wait == nil {
			return // the call has been given up, or answered
		}
		a := t.answers[p.Call]
		if a == nil {
			a = newAssembly(p.Of)
			t.answers[p.Call] = a
		}
		if data, ok := a.add(p); ok {
			wait <- data
			delete(t.calls, p.Call)
		}
		return
	}
	id := callID{p.Boot, p.Call}
	of := t.peers[src]
	if of == nil {
		of = map[callID]*served{}
		t.peers[src] = of
	}
	s := of[id]
	if s == nil {
		forget(of)
		s = &served{parts: newAssembly(p.Of), since: time.Now()}
		of[id] = s
	}
	switch {
	case s.answer != nil:
		if p.Number == 0 { // once for each repeat
			answer := s.answer
			go t.send(src, Part{Boot: p.Boot, Call: p.Call, Answer: true}, answer)
		}
	case s.parts != nil:
		if data, ok := s.parts.add(p); ok {
			s.parts = nil
			go t.serve(src, id, s, data)
		}
	}
}

// forget makes room for one more call: what is old goes, and if there is still too much, the oldest.
func forget(of map[callID]*served) {
	var oldest callID
	found := false
	for id, s := range of {
		if time.Since(s.since) > keepAnswer && (s.answer != nil || s.parts != nil) {
			delete(of, id)
		} else if !found || s.since.Before(of[oldest].since) {
			oldest, found = id, true
		}
	}
	if len(of) >= maxAssembled {
		delete(of, oldest)
	}
}

// serve hands a call to Raft and answers it.
func (t *Transport) serve(src string, id callID, s *served, data []byte) {
	var c call
	if err := json.Unmarshal(data, &c); err != nil || c.command() == nil {
		t.conn.malformed.Add(1)
		return
	}
	respond := make(chan raft.RPCResponse, 1)
	rpc := raft.RPC{Command: c.command(), RespChan: respond}
	if c.Snapshot != nil {
		rpc.Reader = bytes.NewReader(c.Data)
	}
	t.mu.Lock()
	beat := t.heartbeat
	t.mu.Unlock()
	if beat != nil && isHeartbeat(c.Append) {
		beat(rpc)
	} else {
		select {
		case t.requests <- rpc:
		case <-t.done:
			return
		}
	}
	select {
	case r := <-respond:
		var out reply
		if r.Error != nil {
			out.Error = r.Error.Error()
		} else if b, err := json.Marshal(r.Response); err != nil {
			out.Error = err.Error()
		} else {
			out.Response = b
		}
		message, err := json.Marshal(out)
		if err != nil {
			return
		}
		t.mu.Lock()
		s.answer, s.since = message, time.Now()
		t.mu.Unlock()
		t.send(src, Part{Boot: id.boot, Call: id.call, Answer: true}, message)
	case <-t.done:
	}
}

// isHeartbeat: such a message asks nothing of the disk, and Raft answers it beside its main loop.
func isHeartbeat(r *raft.AppendEntriesRequest) bool {
	return r != nil && r.Term != 0 && len(r.Addr) > 0 && r.PrevLogEntry == 0 && r.PrevLogTerm == 0 && len(r.Entries) == 0 && r.LeaderCommitIndex == 0
}

// Consumer implements raft.Transport.
func (t *Transport) Consumer() <-chan raft.RPC { return t.requests }

// LocalAddr implements raft.Transport.
func (t *Transport) LocalAddr() raft.ServerAddress { return raft.ServerAddress(t.conn.id) }

// AppendEntriesPipeline implements raft.Transport: there is none, since group commit leaves little to gain from it.
func (t *Transport) AppendEntriesPipeline(raft.ServerID, raft.ServerAddress) (raft.AppendPipeline, error) {
	return nil, raft.ErrPipelineReplicationNotSupported
}

// AppendEntries implements raft.Transport.
func (t *Transport) AppendEntries(_ raft.ServerID, target raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	return t.ask(target, &call{Append: args}, resp, callTimeout)
}

// RequestVote implements raft.Transport.
func (t *Transport) RequestVote(_ raft.ServerID, target raft.ServerAddress, args *raft.RequestVoteRequest, resp *raft.RequestVoteResponse) error {
	return t.ask(target, &call{Vote: args}, resp, callTimeout)
}

// RequestPreVote implements raft.WithPreVote.
func (t *Transport) RequestPreVote(_ raft.ServerID, target raft.ServerAddress, args *raft.RequestPreVoteRequest, resp *raft.RequestPreVoteResponse) error {
	return t.ask(target, &call{PreVote: args}, resp, callTimeout)
}

// InstallSnapshot implements raft.Transport.
func (t *Transport) InstallSnapshot(_ raft.ServerID, target raft.ServerAddress, args *raft.InstallSnapshotRequest, resp *raft.InstallSnapshotResponse, data io.Reader) error {
	content, err := io.ReadAll(io.LimitReader(data, maxParts*partSize))
	if err != nil {
		return err
	}
	return t.ask(target, &call{Snapshot: args, Data: content}, resp, snapshotTimeout)
}

// TimeoutNow implements raft.Transport.
func (t *Transport) TimeoutNow(_ raft.ServerID, target raft.ServerAddress, args *raft.TimeoutNowRequest, resp *raft.TimeoutNowResponse) error {
	return t.ask(target, &call{Timeout: args}, resp, callTimeout)
}

// EncodePeer implements raft.Transport.
func (t *Transport) EncodePeer(_ raft.ServerID, addr raft.ServerAddress) []byte { return []byte(addr) }

// DecodePeer implements raft.Transport.
func (t *Transport) DecodePeer(b []byte) raft.ServerAddress { return raft.ServerAddress(b) }

// SetHeartbeatHandler implements raft.Transport.
func (t *Transport) SetHeartbeatHandler(cb func(raft.RPC)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.heartbeat = cb
}

// Close implements raft.WithClose. The socket belongs to the replica.
func (t *Transport) Close() error {
	t.once.Do(func() { close(t.done) })
	return nil
}
