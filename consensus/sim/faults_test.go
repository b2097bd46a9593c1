package sim

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// fault begins, and returns how it ends beside the mending of the network.
type fault struct {
	name  string
	begin func(w *world) (end func())
}

func never() {}

var faults = []fault{
	{"leader isolated", func(w *world) func() { w.net.Isolate(w.someLeader(), len(w.nodes)); return never }},
	{"node isolated", func(w *world) func() { w.net.Isolate(w.any(), len(w.nodes)); return never }},
	{"leader heard by nobody", func(w *world) func() {
		from := w.someLeader()
		for to := range w.nodes {
			if to != from {
				w.net.Cut(from, to)
			}
		}
		return never
	}},
	{"node hears nobody", func(w *world) func() {
		to := w.any()
		for from := range w.nodes {
			if to != from {
				w.net.Cut(from, to)
			}
		}
		return never
	}},
	{"one way cut", func(w *world) func() {
		p := w.rng.Perm(len(w.nodes))
		w.net.Cut(p[0], p[1])
		return never
	}},
	{"two nodes apart", func(w *world) func() {
		p := w.rng.Perm(len(w.nodes))
		w.net.Split(p[:1], p[1:2])
		return never
	}},
	{"split", func(w *world) func() { // into two sides, at random
		p, size := w.rng.Perm(len(w.nodes)), 1+w.rng.IntN(len(w.nodes)-1)
		w.net.Split(p[:size], p[size:])
		return never
	}},
	{"5-30 % lost, late, twice", func(w *world) func() {
		loss, again, jitter := .05+.25*w.rng.Float64(), .2*w.rng.Float64(), time.Duration(w.rng.Int64N(int64(40*time.Millisecond)))
		w.net.Disturb(loss, again, jitter)
		return never
	}},
	{"slow network", func(w *world) func() {
		w.net.Disturb(0, 0, 120*time.Millisecond)
		return never
	}},
	{"leader stopped", func(w *world) func() { return w.stopFor([]int{w.someLeader()}) }},
	{"node stopped", func(w *world) func() { return w.stopFor([]int{w.any()}) }},
	{"majority stopped", func(w *world) func() { return w.stopFor(w.rng.Perm(len(w.nodes))[:len(w.nodes)/2+1]) }},
	{"all stopped", func(w *world) func() { return w.stopFor(w.rng.Perm(len(w.nodes))) }},
	{"clock of a node off", func(w *world) func() {
		n := w.nodes[w.any()]
		n.skew.Store(w.rng.Int64N(int64(20*time.Second)) - int64(10*time.Second))
		return func() { n.skew.Store(0) }
	}},
	{"node suspended", func(w *world) func() {
		i, d := w.someLeader(), w.span(time.Second, 20*time.Second)
		if w.rng.IntN(2) == 0 {
			i = w.any()
		}
		if db := w.db(i); db != nil {
			db.Suspend(d) // refused while it is suspended
		}
		return never
	}},
	{"leadership handed over", func(w *world) func() {
		i := w.someLeader()
		if db := w.db(i); db != nil {
			ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
			defer cancel()
			db.Transfer(ctx, "") // may well be refused
		}
		return never
	}},
}

func (w *world) any() int { return w.rng.IntN(len(w.nodes)) }

// someLeader is the leader, or any node while there is none. The die is cast in any case, so that a replay stays in step.
func (w *world) someLeader() int {
	other := w.any()
	if i := w.leaderNumber(); i >= 0 {
		return i
	}
	return other
}

// stopFor ends the nodes now; the function starts them again.
func (w *world) stopFor(list []int) func() {
	for _, i := range list {
		w.halt(i)
	}
	return func() {
		for _, i := range list {
			if w.db(i) == nil {
				w.start(i, false)
			}
		}
	}
}

// trouble strikes until the time is over: a fault, sometimes two at once, a moment of peace.
func (w *world) trouble(until time.Time) {
	for time.Now().Before(until) {
		time.Sleep(w.span(5*time.Second, 40*time.Second))
		strikes := 1
		if w.rng.IntN(10) < 3 {
			strikes = 2
		}
		var ends []func()
		for range strikes {
			f := faults[w.rng.IntN(len(faults))]
			w.faults[f.name]++
			ends = append(ends, f.begin(w))
			time.Sleep(w.span(0, 3*time.Second))
		}
		time.Sleep(w.span(time.Second, 30*time.Second))
		w.net.Heal()
		for _, end := range ends {
			end()
		}
	}
}

func (w *world) span(from, to time.Duration) time.Duration {
	return from + time.Duration(w.rng.Int64N(int64(to-from)))
}

func (w *world) faultCounts() string {
	var lines []string
	total := 0
	for name, n := range w.faults {
		total += n
		lines = append(lines, fmt.Sprintf("%s %d", name, n))
	}
	slices.Sort(lines)
	return fmt.Sprintf("%d faults: %s", total, strings.Join(lines, ", "))
}
