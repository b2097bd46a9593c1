package consensus

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"testing"
	"time"
)

func testNetwork(t *testing.T, authorize func(Service, *tls.ConnectionState) error) *Network {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := NewNetwork(NetworkConfig{Listener: ln, Authorize: authorize})
	t.Cleanup(func() { n.Close() })
	return n
}

// closed waits until the other side has closed the connection.
func closed(t *testing.T, c net.Conn) {
	t.Helper()
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := c.Read(make([]byte, 1)); err == nil || errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the connection is open: %v", err)
	}
	c.Close()
}

func TestFirstByteNamesTheService(t *testing.T) {
	n := testNetwork(t, nil)
	for _, s := range []Service{'X', 'Y'} {
		ln := n.Listen(s)
		go http.Serve(ln, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, string(rune(s))) }))
		defer ln.Close()
	}
	for _, s := range []Service{'Y', 'X'} {
		client := n.Client(s)
		res, err := client.Get("http://" + n.Addr().String() + "/")
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		res.Body.Close()
		client.CloseIdleConnections()
		if string(body) != string(rune(s)) {
			t.Errorf("service %c answered %s", s, body)
		}
	}
	c, err := n.Dial(context.Background(), '?', n.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	closed(t, c) // nobody listens there
}

func TestUnauthorizedConnectionsReachNoService(t *testing.T) {
	n := testNetwork(t, func(s Service, _ *tls.ConnectionState) error {
		if s == 'J' {
			return nil
		}
		return errors.New("no certificate")
	})
	ln := n.Listen('R')
	defer ln.Close()
	c, err := n.Dial(context.Background(), 'R', n.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	closed(t, c)
}

func TestSilentConnectionsAreClosed(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := newNetwork(NetworkConfig{Listener: ln}, 50*time.Millisecond)
	defer n.Close()
	c, err := net.Dial("tcp", n.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	closed(t, c)
}

func TestConnectionsAreBounded(t *testing.T) {
	n := testNetwork(t, nil)
	ln := n.Listen('X')
	defer ln.Close()
	var open []net.Conn
	defer func() {
		for _, c := range open {
			c.Close()
		}
	}()
	for range maxConnections {
		c, err := n.Dial(t.Context(), 'X', n.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		accepted, err := ln.Accept()
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, c, accepted)
	}
	over, err := net.Dial("tcp", n.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	closed(t, over)
}

// Connections that say nothing push out one another, oldest first, and nobody else.
func TestFloodOfSilentConnections(t *testing.T) {
	n := testNetwork(t, nil)
	ln := n.Listen('X')
	defer ln.Close()
	before, err := n.Dial(t.Context(), 'X', n.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	server, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	var silent []net.Conn
	for range 3 * maxStrangers {
		c, err := net.Dial("tcp", n.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		silent = append(silent, c)
	}
	for _, c := range silent[:2*maxStrangers-1] {
		closed(t, c)
	}
	during, err := n.Dial(t.Context(), 'X', n.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer during.Close()
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer accepted.Close()
	n.mu.Lock()
	held := len(n.conns)
	n.mu.Unlock()
	if held > maxStrangers+2 {
		t.Errorf("%d connections are held", held)
	}
	go server.Write([]byte("x"))
	before.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.ReadFull(before, make([]byte, 1)); err != nil {
		t.Errorf("the connection that was there before: %v", err)
	}
}

func TestCloseOfTheNetworkClosesItsConnections(t *testing.T) {
	n := testNetwork(t, nil)
	ln := n.Listen('X')
	c, err := n.Dial(context.Background(), 'X', n.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	accepted, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	n.Close()
	closed(t, c)
	if _, err := accepted.Write([]byte("x")); err == nil {
		t.Error("the accepted connection is open")
	}
	if _, err := ln.Accept(); !errors.Is(err, net.ErrClosed) {
		t.Errorf("Accept: %v", err)
	}
}
