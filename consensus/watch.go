package consensus

import (
	"context"
	"sync"
)

// Event tells that batches with these topics have taken effect on this node.
type Event struct {
	Index  uint64
	Topics []string
	Lost   bool // the watcher was too slow and missed events: look at everything again
}

const watchBuffer = 256 // events

// watchers never make the state machine wait: who is too slow is told that it has missed something.
type watchers struct {
	mu     sync.Mutex
	all    map[*watcher]struct{}
	closed bool
}

type watcher struct {
	events chan Event
	lost   bool
}

func newWatchers() *watchers { return &watchers{all: map[*watcher]struct{}{}} }

func (w *watchers) send(e Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for one := range w.all {
		mine := e
		mine.Lost = e.Lost || one.lost
		select {
		case one.events <- mine:
			one.lost = false
		default:
			one.lost = true
		}
	}
}

func (w *watchers) add() *watcher {
	w.mu.Lock()
	defer w.mu.Unlock()
	one := &watcher{events: make(chan Event, watchBuffer)}
	if w.closed {
		close(one.events)
	} else {
		w.all[one] = struct{}{}
	}
	return one
}

func (w *watchers) remove(one *watcher) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := w.all[one]; ok {
		delete(w.all, one)
		close(one.events)
	}
}

func (w *watchers) close() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.closed = true
	for one := range w.all {
		delete(w.all, one)
		close(one.events)
	}
}

// Watch reports topics of batches as they take effect on this node, until ctx ends or the node is closed.
func (db *DB) Watch(ctx context.Context) <-chan Event {
	w := db.watch.add()
	context.AfterFunc(ctx, func() { db.watch.remove(w) })
	return w.events
}
