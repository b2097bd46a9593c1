package main

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"trivium/app/lms"
	"trivium/server/inspect"
)

// openInspect lets administrators, on whichever node they are, see how this one stands.
func (n *Node) openInspect() {
	c := inspect.Config{Node: n.self.ID(), Version: version(), DB: n.db, Network: n.cluster.Network(), Address: n.cluster.Address,
		Metrics: n.metrics(), Dump: []string{previous(n.path(dumpFile)), n.path(dumpFile)}, Logger: n.log,
		Disk: func() (free, total int64, err error) { return diskSpace(n.config.Data) }}
	if h, ok := n.log.Handler().(*recentHandler); ok {
		c.Recent = h.recent.list
	}
	n.inspect = inspect.Open(c)
}

const recentEvents = 30

// recent keeps the last warnings and errors.
type recent struct {
	mu     sync.Mutex
	events []lms.LogEvent // oldest first

	term    atomic.Pointer[func() uint64] // nil: the node is in none yet
	dropped func() int64                  // lines that the log has lost
}

func (r *recent) add(e lms.LogEvent) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.events) >= recentEvents {
		r.events = slices.Delete(r.events, 0, len(r.events)-recentEvents+1)
	}
	r.events = append(r.events, e)
}

// list returns them, newest first.
func (r *recent) list() []lms.LogEvent {
	r.mu.Lock()
	defer r.mu.Unlock()
	events := slices.Clone(r.events)
	slices.Reverse(events)
	return events
}

// recentHandler is a log handler that also keeps the last warnings and errors, for the page of the cluster. The access
// log is left out: it is told in figures.
type recentHandler struct {
	slog.Handler
	recent *recent
	attrs  string
}

// Handle keeps the record and passes it on with the term that the node is in.
func (h *recentHandler) Handle(ctx context.Context, r slog.Record) error {
	h.keep(r)
	if term := h.recent.term.Load(); term != nil {
		r = r.Clone()
		r.AddAttrs(slog.Uint64("term", (*term)()))
	}
	return h.Handler.Handle(ctx, r)
}

// keep remembers the record, if it is one to remember.
func (h *recentHandler) keep(r slog.Record) {
	if r.Level >= slog.LevelWarn && r.Message != "request" {
		message := r.Message + h.attrs
		r.Attrs(func(a slog.Attr) bool {
			message += attrText(a)
			return true
		})
		const longest = 500
		if len(message) > longest {
			message = message[:longest] + "…"
		}
		h.recent.add(lms.LogEvent{At: r.Time.UTC().Truncate(time.Millisecond), Level: r.Level.String(), Message: message})
	}
}

// selfKey names this node in each line; other nodes are "peer".
const selfKey = "node"

func attrText(a slog.Attr) string {
	if a.Key == "stack" { // for the log, not for a page
		return ""
	}
	return ", " + a.Key + ": " + a.Value.String()
}

// WithAttrs keeps what is kept together.
func (h *recentHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	text := h.attrs
	for _, a := range attrs {
		if a.Key != selfKey { // the page says it above
			text += attrText(a)
		}
	}
	return &recentHandler{Handler: h.Handler.WithAttrs(attrs), recent: h.recent, attrs: text}
}

// WithGroup keeps what is kept together.
func (h *recentHandler) WithGroup(name string) slog.Handler {
	return &recentHandler{Handler: h.Handler.WithGroup(name), recent: h.recent, attrs: h.attrs}
}
