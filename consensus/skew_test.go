package consensus_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trivium/consensus"
	"trivium/consensus/consensustest"
)

// lockedLog keeps what a node logs.
type lockedLog struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lockedLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// skewed is a cluster of three of which n1 has an adjustable clock.
type skewed struct {
	*consensustest.Set
	offset atomic.Int64
	log    lockedLog
	last   time.Time
	writes int
}

func newSkewed(t *testing.T) *skewed {
	s := &skewed{}
	s.Set = consensustest.Cluster(t, 3, func(c *consensus.Config) {
		if c.ID == "n1" {
			c.Now = func() time.Time { return time.Now().Add(time.Duration(s.offset.Load())) }
			c.Logger = slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelWarn}))
		}
	})
	var b consensus.Batch
	b.Exec("CREATE TABLE stamps (n INTEGER PRIMARY KEY, at INTEGER NOT NULL) STRICT")
	if _, err := s.Leader().DB.Apply(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	return s
}

// write writes through node i. A right clock judges the stamp: it is not early or late by more than the write took, and
// what clocks may be apart.
func (s *skewed) write(t *testing.T, i int) {
	t.Helper()
	s.writes++
	var b consensus.Batch
	b.Exec("INSERT INTO stamps VALUES (?, ?)", s.writes, consensus.Stamp{})
	before := time.Now()
	r, err := s.DB(i).Apply(t.Context(), &b)
	if err != nil {
		t.Fatalf("write %d through n%d: %v", s.writes, i+1, err)
	}
	if r.Stamp.Before(s.last) {
		t.Errorf("write %d: the stamps go back from %v to %v", s.writes, s.last, r.Stamp)
	}
	s.last = r.Stamp
	if slack := 2 * time.Second; r.Stamp.Before(before.Add(-slack)) || r.Stamp.After(time.Now().Add(slack)) {
		t.Errorf("write %d through n%d has the stamp %v at %v", s.writes, i+1, r.Stamp, time.Now().UTC())
	}
}

// until writes through all nodes until the condition holds.
func (s *skewed) until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s\n%s", what, s.log.String())
		}
		for i := range s.Nodes {
			s.write(t, i)
		}
	}
}

func (s *skewed) skew(t *testing.T, asked int) time.Duration {
	t.Helper()
	nodes, err := s.DB(asked).Nodes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range nodes {
		if n.ID == "n1" {
			return n.Skew
		}
		if n.Up && n.Skew.Abs() > time.Second {
			t.Errorf("n%d says that %s is off by %v", asked+1, n.ID, n.Skew)
		}
	}
	return 0
}

func TestSkewedLeaderHandsOver(t *testing.T) {
	for _, offset := range []time.Duration{5 * time.Minute, -5 * time.Minute} {
		t.Run(fmt.Sprint(offset), func(t *testing.T) {
			s := newSkewed(t)
			if s.Leader().ID != "n1" {
				t.Fatalf("%s leads", s.Leader().ID)
			}
			for i := range s.Nodes {
				s.write(t, i)
			}
			s.offset.Store(int64(offset))
			s.until(t, "n1 no longer leads", func() bool { return !s.DB(0).IsLeader() && s.Leader().ID != "n1" })
			word := "5m0s ahead of the others"
			if offset < 0 {
				word = "5m0s behind the others"
			}
			if log := s.log.String(); strings.Count(log, word) != 1 {
				t.Errorf("the log does not say once %q:\n%s", word, log)
			}
			for i := range s.Nodes {
				if got := s.skew(t, i); (got - offset).Abs() > time.Second {
					t.Errorf("n%d says that n1 is off by %v", i+1, got)
				}
			}

			// Elected again, it hands over again, and stamps rightly meanwhile.
			if err := s.Leader().DB.Transfer(t.Context(), "n1"); err != nil {
				t.Fatal(err)
			}
			s.until(t, "n1 no longer leads", func() bool { return s.Leader().ID != "n1" })

			// As a follower it goes on and applies everything.
			s.until(t, "30 more writes", func() bool { return s.writes%30 == 0 })
			s.WaitEqual()

			s.offset.Store(0)
			s.until(t, "n1 is right again", func() bool { return s.skew(t, 1).Abs() < time.Second })
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			for !s.DB(0).IsLeader() {
				if err := s.Leader().DB.Transfer(ctx, "n1"); err != nil {
					t.Fatal(err)
				}
				s.write(t, 0)
			}
			s.WaitEqual()
		})
	}
}

// TestSkewedLeaderStaysWithoutAMajority: two nodes cannot tell whose clock is wrong, and a leader is worth more.
func TestSkewedLeaderStaysWithoutAMajority(t *testing.T) {
	s := newSkewed(t)
	s.Stop(2)
	s.offset.Store(int64(5 * time.Minute))
	// The node has compared: its stamps follow its clock again, which they do not before.
	for end := time.Now().Add(20 * time.Second); ; {
		var b consensus.Batch
		b.Return("SELECT 1")
		r, err := s.DB(1).Apply(t.Context(), &b)
		if err != nil {
			t.Fatal(err)
		}
		if time.Until(r.Stamp) > 4*time.Minute {
			break
		}
		if time.Now().After(end) {
			t.Fatal("no comparison")
		}
	}
	if !s.DB(0).IsLeader() || s.Leader().ID != "n1" {
		t.Error("n1 does not lead any more")
	}
	if got := s.skew(t, 1); got != 0 {
		t.Errorf("without a majority the leader's clock counts, but it is said to be off by %v", got)
	}

	s.Restart(2)
	s.WaitReady(2)
	for end := time.Now().Add(20 * time.Second); s.Leader().ID == "n1"; {
		if time.Now().After(end) {
			t.Fatalf("n1 leads on when the third node is back\n%s", s.log.String())
		}
	}
}
