package sim

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"sync"
	"time"
)

// network decides the fate of everything that is sent. Nodes are numbers.
type network struct {
	mu     sync.Mutex
	rng    *rand.Rand
	cut    map[[2]int]bool // from, to
	down   map[int]bool
	loss   float64 // share of Raft's messages that are lost, and of the pieces of streams that come late
	again  float64 // share of Raft's messages that arrive twice
	jitter time.Duration
	sent   int64
	lost   int64
	twice  int64
}

const baseDelay = 500 * time.Microsecond

// fate of one message: lost, or late, or there twice.
type fate struct {
	lost         bool
	delay, again time.Duration // again > 0: a copy arrives after so long
}

func (n *network) message(from, to int) fate {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sent++
	f := fate{lost: n.blocked(from, to) || n.rng.Float64() < n.loss, delay: n.delay()}
	if f.lost {
		n.lost++
	} else if n.rng.Float64() < n.again {
		n.twice++
		f.again = f.delay + time.Duration(n.rng.Int64N(int64(2*time.Second)))
	}
	return f
}

func (n *network) blocked(from, to int) bool {
	return n.cut[[2]int{from, to}] || n.down[from] || n.down[to]
}

func (n *network) delay() time.Duration {
	if n.jitter == 0 {
		return baseDelay
	}
	return baseDelay + time.Duration(n.rng.Int64N(int64(n.jitter)))
}

// piece of a stream: loss makes it late, a cut swallows it and breaks the connection.
func (n *network) piece(from, to int) (delay time.Duration, swallowed bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delay = n.delay()
	for n.rng.Float64() < n.loss {
		delay += 200 * time.Millisecond // sent again
	}
	return delay, n.blocked(from, to)
}

// set changes the network; all nil and zero heals it.
func (n *network) set(fn func(*network)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	fn(n)
}

func (n *network) heal() {
	n.set(func(n *network) { n.cut, n.loss, n.again, n.jitter = map[[2]int]bool{}, 0, 0, 0 })
}

// isolate cuts i off from all others.
func (n *network) isolate(i, nodes int) {
	n.set(func(n *network) {
		for j := range nodes {
			if j != i {
				n.cut[[2]int{i, j}], n.cut[[2]int{j, i}] = true, true
			}
		}
	})
}

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

// dialer connects node i to the others' listeners.
func (w *world) dialer(i int) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, to string) (net.Conn, error) {
		j := numberOf(to)
		refused := func(err error) error { return &net.OpError{Op: "dial", Net: "sim", Err: err} }
		if w.net.message(i, j).lost {
			<-ctx.Done()
			return nil, refused(ctx.Err())
		}
		time.Sleep(2 * baseDelay)
		l := w.listener(j)
		if l == nil {
			return nil, refused(errors.New("nobody listens"))
		}
		near, far := pipe(w.net, i, j)
		select {
		case l.conns <- far:
			return near, nil
		case <-l.done:
			return nil, refused(errors.New("nobody listens"))
		case <-ctx.Done():
			return nil, refused(ctx.Err())
		}
	}
}

// conn is one end of a simulated connection: a stream in order, whose pieces take their time.
type conn struct {
	net      *network
	from, to int
	in, out  *stream
}

// stream is one direction.
type stream struct {
	mu       sync.Mutex
	wake     sync.Cond
	pieces   []piece
	closed   bool // by either end
	broken   bool // a piece was swallowed: nothing arrives any more
	deadline time.Time
	timer    *time.Timer
}

type piece struct {
	at time.Time
	p  []byte
}

func pipe(n *network, i, j int) (near, far *conn) {
	a, b := &stream{}, &stream{}
	a.wake.L, b.wake.L = &a.mu, &b.mu
	return &conn{net: n, from: i, to: j, in: a, out: b}, &conn{net: n, from: j, to: i, in: b, out: a}
}

func (c *conn) Write(p []byte) (int, error) {
	delay, swallowed := c.net.piece(c.from, c.to)
	s := c.out
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return 0, io.ErrClosedPipe
	}
	if s.broken = s.broken || swallowed; s.broken {
		return len(p), nil
	}
	at := time.Now().Add(delay)
	if n := len(s.pieces); n > 0 && at.Before(s.pieces[n-1].at) {
		at = s.pieces[n-1].at
	}
	s.pieces = append(s.pieces, piece{at, append([]byte(nil), p...)})
	time.AfterFunc(time.Until(at), s.wake.Broadcast)
	return len(p), nil
}

func (c *conn) Read(p []byte) (int, error) {
	s := c.in
	s.mu.Lock()
	defer s.mu.Unlock()
	for {
		if len(s.pieces) > 0 && !s.pieces[0].at.After(time.Now()) {
			n := copy(p, s.pieces[0].p)
			if s.pieces[0].p = s.pieces[0].p[n:]; len(s.pieces[0].p) == 0 {
				s.pieces = s.pieces[1:]
			}
			return n, nil
		}
		switch {
		case s.closed:
			return 0, io.EOF
		case !s.deadline.IsZero() && !s.deadline.After(time.Now()):
			return 0, os.ErrDeadlineExceeded
		}
		s.wake.Wait()
	}
}

// Close is seen by the other end at once, even over a cut: what the simulation loses is what was under way.
func (c *conn) Close() error {
	for _, s := range []*stream{c.in, c.out} {
		s.mu.Lock()
		s.closed = true
		if s.timer != nil {
			s.timer.Stop()
		}
		s.wake.Broadcast()
		s.mu.Unlock()
	}
	return nil
}

func (c *conn) SetReadDeadline(t time.Time) error {
	s := c.in
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deadline = t
	if s.timer != nil {
		s.timer.Stop()
		s.timer = nil
	}
	if !t.IsZero() && !s.closed {
		s.timer = time.AfterFunc(time.Until(t), s.wake.Broadcast)
	}
	s.wake.Broadcast()
	return nil
}

func (c *conn) SetDeadline(t time.Time) error    { return c.SetReadDeadline(t) }
func (c *conn) SetWriteDeadline(time.Time) error { return nil } // writes never wait
func (c *conn) LocalAddr() net.Addr              { return address(nameOf(c.from)) }
func (c *conn) RemoteAddr() net.Addr             { return address(nameOf(c.to)) }
