package main

import (
	"context"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"

	"trivium/consensus"
)

// Bounds of a planned stop. What is not done by then is cut off: clients repeat it on another node under the same key.
const (
	transferTime = 3 * time.Second
	drainTime    = 3 * time.Second
)

// handOver gives leadership away, if this node has it.
func (n *Node) handOver() {
	if n.db == nil || !n.db.IsLeader() {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), transferTime)
	defer cancel()
	if err := n.db.Transfer(ctx, ""); err != nil && !errors.Is(err, consensus.ErrMembership) {
		n.log.Warn("leadership not handed over", "error", err)
	}
}

// closeSite stops answering people. The listener goes first, so that a stream that ends, or a request that is repeated,
// comes to another node. Then the streams end, which would last for ever, and connections on which no request has come
// yet, as browsers open ahead: Shutdown would wait five seconds for each. Requests under way are answered.
func (n *Node) closeSite() error {
	if n.site == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), drainTime)
	defer cancel()
	drained := make(chan error, 1)
	go func() { drained <- n.site.Shutdown(ctx) }()
	n.unused.close()
	var err error
	if n.web != nil {
		err = n.web.Close()
	}
	if <-drained != nil {
		n.log.Warn("requests under way are cut off; they are repeated on another node", "after", drainTime)
		n.site.Close()
	}
	return err
}

// unused holds the connections on which no request has come yet.
type unused struct {
	mu     sync.Mutex
	all    map[net.Conn]struct{}
	closed bool
}

// state follows a connection: it is the server's ConnState.
func (u *unused) state(c net.Conn, s http.ConnState) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch {
	case s != http.StateNew:
		delete(u.all, c)
	case u.closed:
		c.Close()
	case u.all == nil:
		u.all = map[net.Conn]struct{}{c: {}}
	default:
		u.all[c] = struct{}{}
	}
}

func (u *unused) close() {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.closed = true
	for c := range u.all {
		c.Close()
	}
	u.all = nil
}
