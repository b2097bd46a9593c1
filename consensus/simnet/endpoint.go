package simnet

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// Endpoint is the place of one running node on the network.
type Endpoint struct {
	net       *Net
	self      int
	listener  *listener
	transport *transport
}

// Start gives node i, which is new or was taken away, its place.
func (n *Net) Start(i int) *Endpoint {
	e := &Endpoint{net: n, self: i, listener: newListener(Name(i)), transport: newTransport(n, i)}
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.down, i)
	n.ends[i] = e
	return e
}

// Stop takes node i away in mid-sentence: what it sends or is sent from now on is lost.
func (n *Net) Stop(i int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.down[i] = true
	delete(n.ends, i)
}

// Name is the address of node i.
func Name(i int) string { return fmt.Sprintf("n%d:1", i) }

// numberOf an address, -1 for one of no node.
func numberOf(address string) int {
	name, _, _ := strings.Cut(address, ":")
	i, err := strconv.Atoi(strings.TrimPrefix(name, "n"))
	if err != nil {
		return -1
	}
	return i
}

// Transport carries Raft's messages.
func (e *Endpoint) Transport() raft.Transport { return e.transport }

// Listener accepts the connections of the other nodes.
func (e *Endpoint) Listener() net.Listener { return e.listener }

// Dial connects to another node's listener.
func (e *Endpoint) Dial(ctx context.Context, to string) (net.Conn, error) {
	j := numberOf(to)
	refused := func(err error) error { return &net.OpError{Op: "dial", Net: "sim", Err: err} }
	if e.net.message(e.self, j).lost {
		<-ctx.Done()
		return nil, refused(ctx.Err())
	}
	time.Sleep(2 * baseDelay)
	other := e.net.endpoint(j)
	if other == nil {
		return nil, refused(errNobody)
	}
	near, far := pipe(e.net, e.self, j)
	select {
	case other.listener.conns <- far:
		return near, nil
	case <-other.listener.done:
		return nil, refused(errNobody)
	case <-ctx.Done():
		return nil, refused(ctx.Err())
	}
}

var errNobody = errors.New("nobody listens")

// listener accepts the simulated connections to one node.
type listener struct {
	address string
	conns   chan net.Conn
	done    chan struct{}
	once    sync.Once
}

func newListener(address string) *listener {
	return &listener{address: address, conns: make(chan net.Conn, 64), done: make(chan struct{})}
}

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *listener) Addr() net.Addr { return address(l.address) }

type address string

func (address) Network() string  { return "sim" }
func (a address) String() string { return string(a) }
