package consensus

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// Bounds of Suspend.
const (
	minSuspend = time.Second
	maxSuspend = 600 * time.Second
)

var errSuspended = errors.New("this node is suspended")

// gate is shut while the node is suspended.
type gate struct {
	shut atomic.Bool

	mu     sync.Mutex
	until  time.Time
	opened chan struct{} // closed when the gate opens
}

func (g *gate) close(until time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.shut.Load() {
		return false
	}
	g.until, g.opened = until, make(chan struct{})
	g.shut.Store(true)
	return true
}

func (g *gate) open() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.until = time.Time{}
	g.shut.Store(false)
	close(g.opened)
}

// state returns when a shut gate opens, and a channel that is closed then.
func (g *gate) state() (until time.Time, opened <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.until, g.opened
}

// wait returns when the gate is open, or false when done ends or limit passes first.
func (g *gate) wait(done <-chan struct{}, limit time.Duration) bool {
	for g.shut.Load() {
		_, opened := g.state()
		timer := time.NewTimer(limit)
		select {
		case <-opened:
			timer.Stop()
		case <-timer.C:
			return false
		case <-done:
			timer.Stop()
			return false
		}
	}
	return true
}

// Suspend makes this node silent for d, 1 to 600 seconds, as if it were frozen: it neither answers other nodes or callers
// nor votes, whatever arrives is lost, and it leads no more. Then it goes on as a follower, and answers again once it has
// caught up with the leader. It returns at once; ErrMembership when the node is suspended already.
func (db *DB) Suspend(d time.Duration) error {
	if d < minSuspend || d > maxSuspend {
		return fmt.Errorf("%w: a node can be suspended for %s to %s", ErrMembership, minSuspend, maxSuspend)
	}
	if !db.gate.close(time.Now().Add(d)) {
		return fmt.Errorf("%w: the node is suspended already", ErrMembership)
	}
	db.config.Logger.Warn("this node is suspended", "for", d)
	db.start(func() {
		db.link.stepDown()
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-db.stop:
		}
		// What it has is as old as its sleep: nothing is read here before the leader has been asked how far the cluster is.
		db.leader.setReady(false)
		db.leader.wasReady.Store(false)
		db.link.stepDown() // a lone voter elects itself meanwhile
		db.gate.open()
		db.config.Logger.Info("this node is no longer suspended")
	})
	return nil
}

// awake waits until the node is not suspended.
func (db *DB) awake(ctx context.Context) error {
	if !db.gate.shut.Load() {
		return nil
	}
	if db.gate.wait(ctx.Done(), db.config.HoldTimeout) {
		return nil
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, errSuspended)
}

// silence keeps a suspended node from answering other nodes.
func (db *DB) silence(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if k, ok := rpcKinds[r.URL.Path]; ok && !db.gate.shut.Load() {
			db.received.count(k)
		}
		if db.gate.shut.Load() {
			db.gate.wait(r.Context().Done(), maxSilence)
			panic(http.ErrAbortHandler)
		}
		h.ServeHTTP(silentWriter{w, &db.gate}, r)
	})
}

// silentWriter loses the answer to a request that came before the node was suspended.
type silentWriter struct {
	http.ResponseWriter
	gate *gate
}

func (w silentWriter) Write(p []byte) (int, error) {
	if w.gate.shut.Load() {
		panic(http.ErrAbortHandler)
	}
	return w.ResponseWriter.Write(p)
}

func (w silentWriter) WriteHeader(status int) {
	if w.gate.shut.Load() {
		panic(http.ErrAbortHandler)
	}
	w.ResponseWriter.WriteHeader(status)
}
