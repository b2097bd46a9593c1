package consensustest

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
)

// links carries the connections between the nodes of a Set, and loses what is sent over a link that is cut: nothing
// fails at once, as on a network that drops packets.
type links struct {
	mu    sync.Mutex
	cut   map[link]bool
	conns map[*linkConn]struct{}
}

// link is the way of the connections that one node opens to another, with the answers on them.
type link struct{ from, to string }

// Cut loses everything between nodes a and b in both directions.
func (c *Set) Cut(a, b int) {
	c.CutOneWay(a, b)
	c.CutOneWay(b, a)
}

// CutOneWay loses the requests of node a to node b, and b's answers to them. What b asks of a goes on.
func (c *Set) CutOneWay(a, b int) {
	c.net.set(link{c.Nodes[a].Address, c.Nodes[b].Address})
}

// Isolate cuts node i off from all others.
func (c *Set) Isolate(i int) {
	for j := range c.Nodes {
		if j != i {
			c.Cut(i, j)
		}
	}
}

// Heal mends every link.
func (c *Set) Heal() { c.net.heal() }

func (l *links) set(way link) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut == nil {
		l.cut = map[link]bool{}
	}
	l.cut[way] = true
	for c := range l.conns {
		if c.way == way {
			c.lost.Store(true)
		}
	}
}

// heal closes the connections that have lost something.
func (l *links) heal() {
	l.mu.Lock()
	var broken []*linkConn
	for c := range l.conns {
		if c.lost.Load() {
			broken = append(broken, c)
		}
	}
	l.cut = nil
	l.mu.Unlock()
	for _, c := range broken {
		c.Close()
	}
}

func (l *links) dialer(from string) func(context.Context, string) (net.Conn, error) {
	return func(ctx context.Context, to string) (net.Conn, error) {
		way := link{from, to}
		l.mu.Lock()
		cut := l.cut[way]
		l.mu.Unlock()
		if cut {
			<-ctx.Done()
			return nil, &net.OpError{Op: "dial", Net: "tcp", Err: errors.Join(errors.New("the link is cut"), ctx.Err())}
		}
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", to)
		if err != nil {
			return nil, err
		}
		c := &linkConn{Conn: conn, links: l, way: way}
		l.mu.Lock()
		defer l.mu.Unlock()
		if l.conns == nil {
			l.conns = map[*linkConn]struct{}{}
		}
		l.conns[c] = struct{}{}
		c.lost.Store(l.cut[way])
		return c, nil
	}
}

// linkConn is the end of a connection that dialled.
type linkConn struct {
	net.Conn
	links *links
	way   link
	lost  atomic.Bool // from the first cut on, even when it is mended
}

func (c *linkConn) Read(p []byte) (int, error) {
	for {
		n, err := c.Conn.Read(p)
		if err != nil || !c.lost.Load() {
			return n, err
		}
	}
}

func (c *linkConn) Write(p []byte) (int, error) {
	if c.lost.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

func (c *linkConn) Close() error {
	c.links.mu.Lock()
	delete(c.links.conns, c)
	c.links.mu.Unlock()
	return c.Conn.Close()
}
