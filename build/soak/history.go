//go:build linux

package main

import (
	"bufio"
	"encoding/json"
	"os"
	"sync"
	"time"
)

// history is every operation, one JSON object a line.
type history struct {
	mu    sync.Mutex
	f     *os.File
	w     *bufio.Writer
	begin time.Time

	ops       map[string]map[string]int // kind -> outcome -> count
	oks       []time.Time               // of the last seconds, for the floor
	lastWrite time.Time
	gap       time.Duration // longest time without a successful write since gapSince
	total, ok int
	slowest   map[string]time.Duration
	writes    []time.Duration
	linear    linear
}

func newHistory(path string) (*history, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, err
	}
	return &history{f: f, w: bufio.NewWriterSize(f, 1<<16), begin: time.Now(), ops: map[string]map[string]int{}, slowest: map[string]time.Duration{}}, nil
}

// record keeps one operation of the load.
func (h *history) record(who, kind, key, detail string, writes bool, a answer) {
	line, _ := json.Marshal(struct {
		Who, Kind, Key, Detail, Outcome string
		Node, Tries                     int
		From, To                        float64
		Error                           string `json:",omitempty"`
	}{who, kind, key, detail, a.outcome.String(), a.node, a.tries, a.start.Sub(h.begin).Seconds(), a.end.Sub(h.begin).Seconds(), errorText(a.err)})
	h.mu.Lock()
	defer h.mu.Unlock()
	h.w.Write(append(line, '\n'))
	if h.ops[kind] == nil {
		h.ops[kind] = map[string]int{}
	}
	h.ops[kind][a.outcome.String()]++
	h.total++
	if a.outcome == unknown {
		return
	}
	h.ok++
	h.oks = append(h.oks, a.end)
	h.slowest[kind] = max(h.slowest[kind], a.end.Sub(a.start))
	if !writes || a.outcome != done {
		return
	}
	h.writes = append(h.writes, a.end.Sub(a.start))
	if a.end.After(h.lastWrite) {
		if !h.lastWrite.IsZero() {
			h.gap = max(h.gap, a.end.Sub(h.lastWrite))
		}
		h.lastWrite = a.end
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// rate is the number of operations that were answered per second in the last while.
func (h *history) rate(over time.Duration) float64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	since := time.Now().Add(-over)
	n := len(h.oks)
	for n > 0 && h.oks[n-1].After(since) {
		n--
	}
	count := len(h.oks) - n
	h.oks = append(h.oks[:0:0], h.oks[n:]...)
	return float64(count) / over.Seconds()
}

// measureGap begins to measure the longest time without a successful write.
func (h *history) measureGap() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gap = 0
}

// longestGap is it so far, the running one included.
func (h *history) longestGap() time.Duration {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.gap
}

// still is called after a pause of the load that was wanted.
func (h *history) still() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.lastWrite = time.Time{}
}

func (h *history) close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.w.Flush()
	h.f.Close()
}
