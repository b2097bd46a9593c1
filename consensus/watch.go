package consensus

import (
	"context"
	"strings"
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
	mu        sync.Mutex
	all       map[*watcher]struct{}
	observers map[*observer]struct{}
	closed    bool
}

// Hidden begins topics that concern programs, not people: Watch does not report them, Observe does.
const Hidden = "."

type observer struct {
	prefix string
	fn     func(topics []string)
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

// observe hands the hidden topics of an entry to the observers; nil: everything may have changed.
func (w *watchers) observe(topics []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for o := range w.observers {
		var mine []string
		for _, t := range topics {
			if strings.HasPrefix(t, o.prefix) {
				mine = append(mine, t)
			}
		}
		if len(mine) > 0 || topics == nil {
			o.fn(mine)
		}
	}
}

// Observe calls fn with those hidden topics of every entry that begin with the prefix, after its effect is in the database
// and before Applied and WaitIndex tell that it is applied: who keeps copies of rows drops them in time. No topics mean
// that everything may have changed. The state machine waits for fn, which must return at once and not call the DB.
func (db *DB) Observe(prefix string, fn func(topics []string)) (stop func()) {
	o := &observer{prefix, fn}
	w := db.watch
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.observers == nil {
		w.observers = map[*observer]struct{}{}
	}
	w.observers[o] = struct{}{}
	return func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		delete(w.observers, o)
	}
}
