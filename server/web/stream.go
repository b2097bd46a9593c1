package web

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"sync"
	"time"

	"trivium/app/lms"
)

// Bounds of live streams.
const (
	streamsPerUser = 32
	streamsOfNode  = 4096
	heartbeat      = 15 * time.Second
	sendTimeout    = 30 * time.Second // a reader that takes nothing for so long has gone
)

// streams counts the open streams.
type streams struct {
	mu    sync.Mutex
	total int
	by    map[string]int // user id
}

func newStreams() *streams { return &streams{by: map[string]int{}} }

func (t *streams) enter(user string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.total >= streamsOfNode || t.by[user] >= streamsPerUser {
		return &lms.Error{Kind: lms.KindLimit, RetryIn: 30, Message: "Too many pages of yours are open at once. Close some of them."}
	}
	t.total++
	t.by[user]++
	return nil
}

func (t *streams) leave(user string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total--
	if t.by[user]--; t.by[user] == 0 {
		delete(t.by, user)
	}
}

// eventStream writes server-sent events to one reader. It is used from one goroutine, apart from the heartbeat.
type eventStream struct {
	q      *request
	ctx    context.Context // ends when the reader leaves or the server closes
	cancel context.CancelFunc
	rc     *http.ResponseController

	mu sync.Mutex
}

// run answers with a stream until f returns. Headers are sent before f runs; a later error only ends the stream.
func (t *streams) run(q *request, f func(*eventStream) error) error {
	if err := t.enter(q.actor.UserID); err != nil {
		return err
	}
	defer t.leave(q.actor.UserID)
	e := &eventStream{q: q, rc: http.NewResponseController(q.w)}
	defer e.rc.SetWriteDeadline(time.Time{}) // the connection may carry further requests
	e.ctx, e.cancel = context.WithCancel(q.ctx)
	defer e.cancel()
	defer context.AfterFunc(q.s.ctx, e.cancel)()
	q.s.describe(q.w.Header())
	h := q.w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("X-Accel-Buffering", "no") // nginx would collect events
	q.w.WriteHeader(http.StatusOK)
	if err := e.write(": trivium\n\n"); err != nil {
		return nil
	}
	stop := e.beat()
	err := f(e)
	stop()
	if e.ctx.Err() != nil || errors.Is(err, context.Canceled) {
		return nil // the reader left
	}
	return err
}

// beat keeps the connection alive through proxies and finds out when the reader has gone.
func (e *eventStream) beat() (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		t := time.NewTicker(heartbeat)
		defer t.Stop()
		for {
			select {
			case <-done:
				return
			case <-t.C:
				if e.write(": \n\n") != nil {
					return
				}
			}
		}
	}()
	return func() { close(done); <-ended }
}

// send writes one event and flushes it.
func (e *eventStream) send(event any) error {
	b, err := json.Marshal(event)
	if err != nil {
		return err
	}
	return e.write("data: " + string(b) + "\n\n")
}

// sendFrom writes one event with the log index after which a reader continues, on any node.
func (e *eventStream) sendFrom(index uint64, event any) error {
	b, err := json.Marshal(event)
	if err != nil {
		return err
	}
	return e.write("id: " + strconv.FormatUint(index, 10) + "\ndata: " + string(b) + "\n\n")
}

func (e *eventStream) write(s string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if err := e.ctx.Err(); err != nil {
		return err
	}
	_ = e.rc.SetWriteDeadline(time.Now().Add(sendTimeout)) // recorders in tests have none
	_, err := e.q.w.Write([]byte(s))
	if err == nil {
		err = e.rc.Flush()
	}
	if err != nil {
		e.cancel()
	}
	return err
}
