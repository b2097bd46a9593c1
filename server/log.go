package main

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// logWriter hands lines to a writer without ever waiting for it: a blocked terminal or pipe must not stop a node. Lines
// that find the queue full, or that the writer refuses, are dropped and counted.
type logWriter struct {
	out     io.Writer
	notice  *slog.Logger // writes to out; nil: nothing says that lines were dropped
	lines   chan []byte
	dropped atomic.Int64
	stop    sync.Once
	closed  chan struct{}
	done    chan struct{}
}

// Bounds of what waits for a writer: 16 MiB at most.
const (
	logQueue   = 1024     // lines
	longestLog = 16 << 10 // bytes of a line; the rest is cut off
)

// newLogWriter writes to out; format is that of the line that tells of dropped ones, "" for none.
func newLogWriter(out io.Writer, format string) *logWriter {
	w := &logWriter{out: out, notice: noticeOf(out, format), lines: make(chan []byte, logQueue), closed: make(chan struct{}), done: make(chan struct{})}
	go w.drain()
	return w
}

func (w *logWriter) Write(p []byte) (int, error) {
	line := append([]byte(nil), p[:min(len(p), longestLog)]...) // slog uses its buffer again
	if len(p) > longestLog {
		line = append(bytes.ToValidUTF8(line, nil), "…\n"...)
	}
	select {
	case w.lines <- line:
	default:
		w.dropped.Add(1)
	}
	return len(p), nil
}

// Dropped counts the lines that were lost so far.
func (w *logWriter) Dropped() int64 { return w.dropped.Load() }

func (w *logWriter) put(line []byte) {
	if _, err := w.out.Write(line); err != nil {
		w.dropped.Add(1)
	}
}

func (w *logWriter) drain() {
	defer close(w.done)
	var told int64
	for {
		select {
		case line := <-w.lines:
			w.put(line)
		case <-w.closed:
			for {
				select {
				case line := <-w.lines:
					w.put(line)
				default:
					return
				}
			}
		}
		if n := w.dropped.Load(); n > told && len(w.lines) == 0 && w.notice != nil {
			w.notice.Warn("log lines dropped", "lines", n-told)
			told = n
		}
	}
}

// Close writes what is queued, for at most a second.
func (w *logWriter) Close() error {
	w.stop.Do(func() { close(w.closed) })
	select {
	case <-w.done:
	case <-time.After(time.Second):
	}
	return nil
}

// tell writes the last words of a command, which must end also when nobody takes them.
func tell(w io.Writer, text string) {
	l := newLogWriter(w, "")
	l.Write([]byte(text + "\n"))
	l.Close()
}

// newLogger logs to the writer from the level on, in the format text or json.
func newLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level %q: choose debug, info, warn or error", level)
	}
	handler := func(w io.Writer) slog.Handler { return slog.NewTextHandler(w, &slog.HandlerOptions{Level: l}) }
	switch format {
	case "text":
	case "json":
		handler = func(w io.Writer) slog.Handler { return slog.NewJSONHandler(w, &slog.HandlerOptions{Level: l}) }
	default:
		return nil, fmt.Errorf("--log-format %q: choose text or json", format)
	}
	r := &recent{}
	if own, ok := w.(*logWriter); ok {
		r.dropped = own.Dropped
	}
	return slog.New(&recentHandler{Handler: handler(w), recent: r}), nil
}

// noticeOf is the logger with which a writer itself tells that lines were dropped.
func noticeOf(out io.Writer, format string) *slog.Logger {
	switch format {
	case "":
		return nil
	case "json":
		return slog.New(slog.NewJSONHandler(out, nil))
	}
	return slog.New(slog.NewTextHandler(out, nil))
}

// collectors are the figures of the log.
func (h *recentHandler) collectors() []prometheus.Collector {
	if h.recent.dropped == nil {
		return nil
	}
	return []prometheus.Collector{prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "trivium_log_lines_dropped_total",
		Help: "Lines that the log has lost because what takes them was blocked or refused them."},
		func() float64 { return float64(h.recent.dropped()) })}
}
