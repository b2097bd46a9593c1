package load

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"

	"trivium/app/api"
)

// Call is one request.
type Call struct {
	Method, Path, Body string
	Index              uint64 // what the client has seen; 0: nothing
}

// Answer is what a request brought.
type Answer struct {
	Body   []byte
	Header http.Header
	Index  uint64 // of the write; 0 if the program has none
}

// Redirect is the error of a request that a node wants sent to another one.
type Redirect struct{ Location string }

func (r *Redirect) Error() string { return "redirected to " + r.Location }

// Client is one connection to one node, for one goroutine. It writes requests by hand: the client of net/http costs as
// much as the servers that are measured, on the same processors, and would pull every ratio towards 1.
type Client struct {
	c    *Cluster
	node int
	conn net.Conn
	r    *bufio.Reader
	out  []byte
}

// Client returns a client of the node with the number. It connects with its first request.
func (c *Cluster) Client(node int) *Client { return &Client{c: c, node: node} }

// Close closes the connection. The next request opens another one.
func (cl *Client) Close() {
	if cl.conn != nil {
		cl.conn.Close()
		cl.conn = nil
	}
}

// Do sends one request and reads the answer whole, within the limit. After an error the next request connects anew, but after
// a redirect, where the answer was whole. A node that wants the request elsewhere gives a *Redirect.
func (cl *Client) Do(k Call, limit time.Duration) (Answer, error) {
	a, err := cl.exchange(k, limit)
	if err != nil {
		if elsewhere := (*Redirect)(nil); !errors.As(err, &elsewhere) {
			cl.Close()
		}
		return Answer{}, fmt.Errorf("%s: %w", cl.c.Nodes[cl.node].ID, err)
	}
	return a, nil
}

func (cl *Client) exchange(k Call, limit time.Duration) (a Answer, err error) {
	n, deadline := cl.c.Nodes[cl.node], time.Now().Add(limit)
	if cl.conn == nil {
		if err := cl.dial(n, deadline); err != nil {
			return a, err
		}
	}
	if err := cl.conn.SetDeadline(deadline); err != nil {
		return a, err
	}
	cl.out = fmt.Appendf(cl.out[:0], "%s %s HTTP/1.1\r\nHost: %s\r\n", k.Method, k.Path, n.Address)
	for _, h := range n.Headers {
		cl.out = append(append(cl.out, h...), "\r\n"...)
	}
	if k.Index > 0 {
		cl.out = fmt.Appendf(cl.out, "%s: %d\r\n", api.HeaderIndex, k.Index)
	}
	if k.Body != "" {
		cl.out = fmt.Appendf(cl.out, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(k.Body))
	}
	cl.out = append(append(cl.out, "\r\n"...), k.Body...)
	if _, err := cl.conn.Write(cl.out); err != nil {
		return a, err
	}
	return cl.receive()
}

func (cl *Client) dial(n *Node, deadline time.Time) (err error) {
	d := net.Dialer{Deadline: deadline}
	if n.TLS {
		cl.conn, err = tls.DialWithDialer(&d, "tcp", n.Address, nil)
	} else {
		cl.conn, err = d.Dial("tcp", n.Address)
	}
	if err != nil {
		cl.conn = nil // not a typed nil
		return err
	}
	cl.r = bufio.NewReaderSize(cl.conn, 8<<10)
	return nil
}

func (cl *Client) receive() (a Answer, err error) {
	res, err := http.ReadResponse(cl.r, nil)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	if a.Body, err = io.ReadAll(res.Body); err != nil {
		return a, err
	}
	if to := res.Header.Get("Location"); to != "" && res.StatusCode >= 300 && res.StatusCode < 400 {
		return a, &Redirect{to}
	}
	if res.StatusCode >= 300 {
		return a, fmt.Errorf("status %d: %.200s", res.StatusCode, a.Body)
	}
	if res.Close {
		return a, errors.New("the connection is closed after one request")
	}
	a.Header = res.Header
	a.Index, _ = strconv.ParseUint(res.Header.Get(api.HeaderIndex), 10, 64) // not every program has one
	return a, cl.c.Check(a.Body)
}

// move makes it a client of another node: of the one that the redirect names, else of the next that runs.
func (cl *Client) move(why error) {
	to := -1
	if elsewhere := (*Redirect)(nil); errors.As(why, &elsewhere) {
		to = cl.c.at(elsewhere.Location)
	}
	for i := 1; to < 0 && i <= len(cl.c.Nodes); i++ {
		if n := (cl.node + i) % len(cl.c.Nodes); cl.c.Nodes[n].runs() {
			to = n
		}
	}
	if to >= 0 && to != cl.node {
		cl.Close()
		cl.node = to
	}
}
