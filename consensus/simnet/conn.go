package simnet

import (
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// conn is one end of a simulated connection: a stream in order, whose pieces take their time.
type conn struct {
	net      *Net
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

func pipe(n *Net, i, j int) (near, far *conn) {
	a, b := &stream{}, &stream{}
	a.wake.L, b.wake.L = &a.mu, &b.mu
	return &conn{net: n, from: i, to: j, in: a, out: b}, &conn{net: n, from: j, to: i, in: b, out: a}
}

// Write never waits.
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
func (c *conn) LocalAddr() net.Addr              { return address(Name(c.from)) }
func (c *conn) RemoteAddr() net.Addr             { return address(Name(c.to)) }
