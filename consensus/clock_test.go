package consensus

import (
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

func TestAhead(t *testing.T) {
	const s, m = time.Second, time.Minute
	for _, tt := range []struct {
		name   string
		others []time.Duration
		voters int
		want   time.Duration
	}{
		{"alone", nil, 1, 0},
		{"two nodes cannot tell who is wrong", []time.Duration{5 * m}, 2, 0},
		{"all alike", []time.Duration{s, -s}, 3, 0},
		{"ahead", []time.Duration{-5 * m, -5*m - s}, 3, 5*m + s},
		{"behind", []time.Duration{5 * m, 5*m + s}, 3, -5 * m},
		{"one other answers", []time.Duration{5 * m}, 3, 0},
		{"the others disagree", []time.Duration{5 * m, -5 * m}, 3, 0},
		{"the others disagree on one side", []time.Duration{5 * m, 9 * m}, 3, 0},
		{"another one is wrong", []time.Duration{5 * m, s}, 3, 0},
		{"at the limit", []time.Duration{2 * s, 2 * s}, 3, 0},
		{"just over it", []time.Duration{2*s + 1, 2*s + 1}, 3, -2*s - 1},
		{"four", []time.Duration{m, m, m}, 4, -m},
		{"four, two answer", []time.Duration{m, m}, 4, 0},
		{"five, two are wrong in the same way", []time.Duration{5 * m, 0, 0, s}, 5, 0},
		{"five, one of the wrong two", []time.Duration{0, -5 * m, -5 * m, -5*m + s}, 5, 5 * m},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := ahead(tt.others, tt.voters, 2*time.Second); got != tt.want {
				t.Errorf("%v, want %v", got, tt.want)
			}
		})
	}
}

// TestNobodyHandsOverForEver puts three clocks on a line in every way: who is handed the leadership keeps it.
func TestNobodyHandsOverForEver(t *testing.T) {
	const limit, step = 2 * time.Second, 250 * time.Millisecond
	clocks := func(all [3]time.Duration, self int) (others []time.Duration, peers []peer) {
		for i, c := range all {
			if i != self {
				others = append(others, c-all[self])
				peers = append(peers, peer{clock: c - all[self], applied: uint64(i)})
				peers[len(peers)-1].server.ID = []raft.ServerID{"0", "1", "2"}[i]
			}
		}
		return others, peers
	}
	for a := time.Duration(0); a < 6*time.Second; a += step {
		for b := time.Duration(0); b < 6*time.Second; b += step {
			all := [3]time.Duration{0, a, b}
			for self := range all {
				others, peers := clocks(all, self)
				if ahead(others, 3, limit) == 0 {
					continue
				}
				next := int(successor(peers).ID[0] - '0')
				others, _ = clocks(all, next)
				if again := ahead(others, 3, limit); again != 0 {
					t.Fatalf("clocks %v: %d hands over to %d, which hands over, too", all, self, next)
				}
			}
		}
	}
}

func TestHandOverPauses(t *testing.T) {
	var h handOver
	start := time.Now()
	tries := 0
	for at := time.Duration(0); at < 2*time.Minute; at += 500 * time.Millisecond {
		if h.due(start.Add(at)) {
			tries++
			if tries == 2 && at > time.Second {
				t.Errorf("the second try comes after %v", at)
			}
		}
	}
	if tries < 6 || tries > 10 {
		t.Errorf("%d tries in two minutes", tries)
	}
	if !h.due(start.Add(time.Hour)) || !h.due(start.Add(time.Hour+time.Second)) {
		t.Error("an hour later it waits")
	}
}

func TestClockSteps(t *testing.T) {
	var offset time.Duration
	c := newClock(Config{Now: func() time.Time { return time.Now().Add(offset) }, MaxClockSkew: 2 * time.Second})
	near := func(what string, got, want time.Time) {
		t.Helper()
		if got.Sub(want).Abs() > time.Second {
			t.Errorf("%s: off by %v", what, got.Sub(want))
		}
	}
	offset = 5 * time.Minute
	near("before a comparison", c.time(), time.Now().Add(offset))
	offset = 0
	c.set(c.read())
	offset = 5 * time.Minute
	near("after a step", c.time(), time.Now())
	r := c.read()
	r.ahead = 5 * time.Minute
	c.set(r)
	near("compared", c.time(), time.Now())
	offset = 0
	near("set right", c.time(), time.Now())
	c.set(c.read())
	near("compared again", c.time(), time.Now())
}
