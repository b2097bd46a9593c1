package consensus

import (
	"context"
	"crypto/tls"
	"errors"
	"maps"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Limits of the cluster port.
const (
	headerTimeout  = 5 * time.Second // from accept to the service byte, TLS handshake included
	maxConnections = 1024
	maxStrangers   = 256 // connections that have shown no certificate, yet or at all: a flood pushes out its own oldest
)

// Service names a protocol on the cluster port: the first byte of a connection.
type Service byte

// The services. Others belong to the application.
const (
	ServiceRaft Service = 'R'
	ServiceRPC  Service = 'C'
)

// Network carries every protocol between nodes over one listener: the first byte of a connection names the service.
// With TLS configurations both ends are authenticated; without, it is for tests.
type Network struct {
	ln             net.Listener
	server, client *tls.Config
	authorize      func(Service, *tls.ConnectionState) error
	verify         func(string, *tls.ConnectionState) error
	dial           func(context.Context, string) (net.Conn, error)

	headerTimeout time.Duration

	mu       sync.Mutex
	services map[Service]*serviceListener
	conns    map[*trackedConn]struct{}
	arrived  []*trackedConn // those without a verified certificate, oldest first
	closed   bool
	wg       sync.WaitGroup
}

// NetworkConfig describes a Network.
type NetworkConfig struct {
	Listener net.Listener
	Server   *tls.Config // nil: plain TCP
	Client   *tls.Config // nil: plain TCP
	// Authorize decides which connections a service accepts, from the peer's verified certificate. Nil: all.
	Authorize func(Service, *tls.ConnectionState) error
	// Verify decides whether the node that answered at the address is the one that is expected there. Nil: any that the
	// client configuration accepts.
	Verify func(address string, state *tls.ConnectionState) error
	// Dial connects to an address instead of TCP, for simulations.
	Dial func(ctx context.Context, address string) (net.Conn, error)
}

// NewNetwork serves the listener until Close.
func NewNetwork(c NetworkConfig) *Network { return newNetwork(c, headerTimeout) }

func newNetwork(c NetworkConfig, timeout time.Duration) *Network {
	n := &Network{headerTimeout: timeout, ln: c.Listener, server: c.Server, client: c.Client, authorize: c.Authorize,
		verify: c.Verify, dial: c.Dial, services: map[Service]*serviceListener{}, conns: map[*trackedConn]struct{}{}}
	if n.dial == nil {
		n.dial = func(ctx context.Context, address string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "tcp", address)
		}
	}
	n.wg.Add(1)
	go n.serve()
	return n
}

// Addr is the address the network listens on.
func (n *Network) Addr() net.Addr { return n.ln.Addr() }

// Listen returns the listener of a service. It panics when the service has one already.
func (n *Network) Listen(s Service) net.Listener {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.services[s] != nil {
		panic("consensus: service " + string(rune(s)) + " has a listener already")
	}
	l := &serviceListener{n: n, s: s, conns: make(chan net.Conn), done: make(chan struct{})}
	if n.closed {
		close(l.done)
	}
	n.services[s] = l
	return l
}

// Dial connects to a service of the node at the address.
func (n *Network) Dial(ctx context.Context, s Service, address string) (net.Conn, error) {
	conn, err := n.dial(ctx, address)
	if err != nil {
		return nil, err
	}
	if n.client != nil {
		t := tls.Client(conn, n.client)
		if err := t.HandshakeContext(ctx); err != nil {
			conn.Close()
			return nil, err
		}
		if n.verify != nil {
			state := t.ConnectionState()
			if err := n.verify(address, &state); err != nil {
				t.Close()
				return nil, err
			}
		}
		conn = t
	}
	deadline, ok := ctx.Deadline()
	if !ok {
		deadline = time.Now().Add(headerTimeout)
	}
	conn.SetWriteDeadline(deadline)
	if _, err := conn.Write([]byte{byte(s)}); err != nil {
		conn.Close()
		return nil, err
	}
	conn.SetWriteDeadline(time.Time{})
	return conn, nil
}

// Client returns an HTTP client of a service: the host of its URLs is the address of a node, the scheme is http whatever
// the network's encryption. It has no overall timeout; give requests a context.
func (n *Network) Client(s Service) *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
				ctx, cancel := context.WithTimeout(ctx, headerTimeout)
				defer cancel()
				return n.Dial(ctx, s, address)
			},
			MaxIdleConnsPerHost: 256,
			IdleConnTimeout:     30 * time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Disconnect closes the accepted connections whose peer, as its certificate names it, matches.
func (n *Network) Disconnect(match func(*tls.ConnectionState) bool) {
	n.mu.Lock()
	open := slices.Collect(maps.Keys(n.conns))
	n.mu.Unlock()
	for _, c := range open {
		if state := c.peer.Load(); state != nil && match(state) {
			c.Close()
		}
	}
}

// Peer returns the TLS state of a connection that a Listen of this package accepted, nil if it has none.
func Peer(c net.Conn) *tls.ConnectionState {
	if t, ok := c.(*trackedConn); ok {
		return t.peer.Load()
	}
	return nil
}

// Close stops listening and closes every connection that was accepted.
func (n *Network) Close() error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return nil
	}
	n.closed = true
	for _, l := range n.services {
		close(l.done)
	}
	open := slices.Collect(maps.Keys(n.conns))
	n.mu.Unlock()
	for _, c := range open {
		c.Close()
	}
	err := n.ln.Close()
	n.wg.Wait()
	return err
}

func (n *Network) serve() {
	defer n.wg.Done()
	for {
		conn, err := n.ln.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		} else if err != nil { // out of descriptors and the like
			time.Sleep(20 * time.Millisecond)
			continue
		}
		c := &trackedConn{n: n}
		c.Conn, c.raw = conn, conn
		if n.server != nil {
			c.Conn = tls.Server(conn, n.server)
		}
		n.mu.Lock()
		if n.closed {
			n.mu.Unlock()
			c.Close()
			return
		}
		if len(n.conns)-len(n.arrived) >= maxConnections {
			n.mu.Unlock()
			conn.Close()
			continue
		}
		n.conns[c] = struct{}{}
		n.arrived = append(n.arrived, c)
		var oldest *trackedConn
		if len(n.arrived) > maxStrangers {
			oldest = n.arrived[0]
			n.arrived = slices.Delete(n.arrived, 0, 1)
			delete(n.conns, oldest)
		}
		n.wg.Add(1)
		n.mu.Unlock()
		if oldest != nil {
			oldest.raw.Close() // without the farewell of TLS, for which a stranger could make us wait
		}
		go func() {
			defer n.wg.Done()
			n.dispatch(c)
		}()
	}
}

func (n *Network) dispatch(c *trackedConn) {
	c.SetDeadline(time.Now().Add(n.headerTimeout))
	var b [1]byte
	if _, err := c.Read(b[:]); err != nil {
		c.Close()
		return
	}
	c.SetDeadline(time.Time{})
	s := Service(b[0])
	if t, ok := c.Conn.(*tls.Conn); ok {
		state := t.ConnectionState()
		c.peer.Store(&state)
	}
	if n.authorize != nil {
		if err := n.authorize(s, c.peer.Load()); err != nil {
			c.Close()
			return
		}
	}
	n.mu.Lock()
	l := n.services[s]
	if n.server == nil || proven(c) {
		n.known(c)
	}
	n.mu.Unlock()
	if l == nil {
		c.Close()
		return
	}
	select {
	case l.conns <- c:
	case <-l.done:
		c.Close()
	}
}

// proven reports whether the peer has shown a certificate that the server's configuration verifies.
func proven(c *trackedConn) bool {
	state := c.peer.Load()
	return state != nil && len(state.VerifiedChains) > 0
}

// known takes a connection off the list of strangers; with n.mu.
func (n *Network) known(c *trackedConn) {
	if i := slices.Index(n.arrived, c); i >= 0 {
		n.arrived = slices.Delete(n.arrived, i, i+1)
	}
}

// trackedConn forgets itself when it is closed.
type trackedConn struct {
	net.Conn
	raw  net.Conn // under TLS
	n    *Network
	once sync.Once
	peer atomic.Pointer[tls.ConnectionState] // set once the handshake is over
}

func (c *trackedConn) Close() error {
	c.once.Do(func() {
		c.n.mu.Lock()
		delete(c.n.conns, c)
		c.n.known(c)
		c.n.mu.Unlock()
	})
	return c.Conn.Close()
}

type serviceListener struct {
	n     *Network
	s     Service
	conns chan net.Conn
	done  chan struct{}
}

func (l *serviceListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *serviceListener) Addr() net.Addr { return l.n.ln.Addr() }

// Close takes the service off the network.
func (l *serviceListener) Close() error {
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	if l.n.services[l.s] == l {
		delete(l.n.services, l.s)
		select {
		case <-l.done:
		default:
			close(l.done)
		}
	}
	return nil
}
