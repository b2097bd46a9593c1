package main

import (
	"fmt"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// logWriter hands lines to a writer without ever waiting for it: a blocked terminal or pipe must not stop a node. Lines
// that find the queue full are dropped and counted.
type logWriter struct {
	out     io.Writer
	lines   chan []byte
	dropped atomic.Int64
	stop    sync.Once
	closed  chan struct{}
	done    chan struct{}
}

const logQueue = 1024 // lines

func newLogWriter(out io.Writer) *logWriter {
	w := &logWriter{out: out, lines: make(chan []byte, logQueue), closed: make(chan struct{}), done: make(chan struct{})}
	go w.drain()
	return w
}

func (w *logWriter) Write(p []byte) (int, error) {
	line := append([]byte(nil), p...) // slog uses its buffer again
	select {
	case w.lines <- line:
	default:
		w.dropped.Add(1)
	}
	return len(p), nil
}

// Dropped counts the lines that were lost so far.
func (w *logWriter) Dropped() int64 { return w.dropped.Load() }

func (w *logWriter) drain() {
	defer close(w.done)
	var told int64
	for {
		select {
		case line := <-w.lines:
			w.out.Write(line)
		case <-w.closed:
			for {
				select {
				case line := <-w.lines:
					w.out.Write(line)
				default:
					return
				}
			}
		}
		if n := w.dropped.Load(); n > told && len(w.lines) == 0 {
			fmt.Fprintf(w.out, "time=%s level=WARN msg=\"log lines dropped\" lines=%d\n", time.Now().Format(time.RFC3339Nano), n-told)
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

// newLogger logs to the writer from the level on.
func newLogger(w io.Writer, level string) (*slog.Logger, error) {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		return nil, fmt.Errorf("--log-level %q: choose debug, info, warn or error", level)
	}
	return slog.New(&recentHandler{Handler: slog.NewTextHandler(w, &slog.HandlerOptions{Level: l}), recent: &recent{}}), nil
}
