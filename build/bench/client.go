package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"time"
)

// call is one request.
type call struct {
	method, path, body string
	index              uint64 // what the client has seen; 0: nothing
}

// client is one connection to one node, for one goroutine. It writes requests by hand: the client of net/http costs as
// much as the servers that are measured, on the same processors, and would pull every ratio towards 1.
type client struct {
	c    *cluster
	node int
	conn net.Conn
	r    *bufio.Reader
	out  []byte
}

func (c *cluster) client(node int) *client { return &client{c: c, node: node} }

func (cl *client) close() {
	if cl.conn != nil {
		cl.conn.Close()
		cl.conn = nil
	}
}

// answer is what a request brought.
type answer struct {
	body  []byte
	index uint64 // of the write; 0 if the program has none
}

// do sends one request and reads the answer whole. After an error the next call connects anew.
func (cl *client) do(k call, limit time.Duration) (answer, error) {
	a, err := cl.exchange(k, limit)
	if err != nil {
		cl.close()
		return answer{}, fmt.Errorf("%s: %w", cl.c.name, err)
	}
	return a, nil
}

func (cl *client) exchange(k call, limit time.Duration) (a answer, err error) {
	deadline := time.Now().Add(limit)
	address := cl.c.nodes[cl.node].address
	if cl.conn == nil {
		if cl.conn, err = net.DialTimeout("tcp", address, limit); err != nil {
			return a, err
		}
		cl.r = bufio.NewReaderSize(cl.conn, 8<<10)
	}
	if err := cl.conn.SetDeadline(deadline); err != nil {
		return a, err
	}
	cl.out = fmt.Appendf(cl.out[:0], "%s %s HTTP/1.1\r\nHost: %s\r\n", k.method, k.path, address)
	for _, h := range cl.c.nodes[cl.node].headers {
		cl.out = append(append(cl.out, h...), "\r\n"...)
	}
	if k.index > 0 {
		cl.out = fmt.Appendf(cl.out, "%s: %d\r\n", indexHeader, k.index)
	}
	if k.body != "" {
		cl.out = fmt.Appendf(cl.out, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(k.body))
	}
	cl.out = append(append(cl.out, "\r\n"...), k.body...)
	if _, err := cl.conn.Write(cl.out); err != nil {
		return a, err
	}
	return cl.receive()
}

func (cl *client) receive() (a answer, err error) {
	res, err := http.ReadResponse(cl.r, nil)
	if err != nil {
		return a, err
	}
	defer res.Body.Close()
	if a.body, err = io.ReadAll(res.Body); err != nil {
		return a, err
	}
	if res.StatusCode >= 300 {
		return a, fmt.Errorf("status %d: %.200s", res.StatusCode, a.body)
	}
	if res.Close {
		return a, errors.New("the connection is closed after one request")
	}
	a.index, _ = strconv.ParseUint(res.Header.Get(indexHeader), 10, 64) // rqlited has none
	return a, cl.c.check(a.body)
}
