package consensus

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
)

// The leader's clock makes the stamps, by which people are late or on time. So the nodes compare their clocks all the
// time. A node against which a majority of the voters agree (a) stamps with the others' time, from the first entry
// on, and (b) hands leadership over. Where no majority agrees nothing happens: a leader with a doubtful clock is
// better than none.
const (
	clockEvery     = time.Second
	firstReading   = 500 * time.Millisecond // how long the first entry of a process waits for a comparison
	handOverPause  = 30 * time.Second       // longest pause between tries to hand over
	handOverMemory = time.Minute            // after that a try counts as the first again
)

// clock is this node's clock as the other nodes see it.
type clock struct {
	now   func() time.Time
	limit time.Duration

	reading atomic.Pointer[clockReading] // of the last comparison
	first   chan struct{}                // closed after the first one
	once    sync.Once
}

// clockReading is the clock at one moment, and how far it is wrong if a majority says so.
type clockReading struct {
	wall, mono time.Time
	ahead      time.Duration
}

func newClock(c Config) *clock {
	return &clock{now: c.Now, limit: c.MaxClockSkew, first: make(chan struct{})}
}

// set records a comparison that began at r.
func (c *clock) set(r clockReading) {
	c.reading.Store(&r)
	c.once.Do(func() { close(c.first) })
}

// read is the clock and the moment of reading it. The monotonic part of the clock is dropped: a step must show.
func (c *clock) read() clockReading {
	return clockReading{wall: c.now().Round(0), mono: time.Now()}
}

// time is the cluster's time: this node's clock, corrected if the others say that it is off. A step of the clock since
// the last comparison is not believed before the next one.
func (c *clock) time() time.Time {
	last, r := c.reading.Load(), c.read()
	if last == nil {
		return r.wall
	}
	if expected := last.wall.Add(r.mono.Sub(last.mono)); r.wall.Sub(expected).Abs() > c.limit/2 {
		r.wall = expected
	}
	return r.wall.Add(-last.ahead)
}

// stamp is time for an entry; the first one of a process waits a moment, so that it is not stamped unchecked.
func (c *clock) stamp(stop <-chan struct{}) int64 {
	select {
	case <-c.first:
	default:
		select {
		case <-c.first:
		case <-stop:
		case <-time.After(firstReading):
		}
	}
	return c.time().UnixMilli()
}

// Now is the cluster's time as this node knows it: its clock, corrected while a majority of the others says that it is off.
func (db *DB) Now() time.Time { return db.clock.time() }

// agreement finds the members of a majority of the voters whose clocks agree most closely, within the limit, and returns
// the median of their clocks.
func agreement(clocks []time.Duration, voters int, limit time.Duration) (median time.Duration, ok bool) {
	clocks = slices.Sorted(slices.Values(clocks))
	need := voters/2 + 1
	best := limit + 1
	for i := 0; i+need <= len(clocks); i++ {
		if span := clocks[i+need-1] - clocks[i]; span < best {
			best, median, ok = span, clocks[i+(need-1)/2], true
		}
	}
	return median, ok
}

// ahead tells by how much this node's clock is ahead of the others': 0 unless a majority of the voters, without this
// node, agrees with each other and disagrees with this one.
func ahead(others []time.Duration, voters int, limit time.Duration) time.Duration {
	if median, ok := agreement(others, voters, limit); ok && median.Abs() > limit {
		return -median
	}
	return 0
}

// peer is what another member has said of its clock.
type peer struct {
	server  raft.Server
	clock   time.Duration // its clock minus this node's
	applied uint64
}

// peers asks the other voters for their clocks.
func (db *DB) peers(ctx context.Context) (answers []peer, voters int, err error) {
	ctx, cancel := context.WithTimeout(ctx, nodesTimeout)
	defer cancel()
	future := db.raft.GetConfiguration()
	if err := future.Error(); err != nil {
		return nil, 0, err
	}
	var mu sync.Mutex
	var wg sync.WaitGroup
	for _, s := range future.Configuration().Servers {
		if s.Suffrage != raft.Voter {
			continue
		}
		voters++
		if string(s.ID) == db.config.ID {
			continue
		}
		wg.Go(func() {
			st, err := db.statusOf(ctx, string(s.ID), string(s.Address))
			if err != nil || st.Clock.IsZero() || st.State == "stopped" {
				return
			}
			mu.Lock()
			answers = append(answers, peer{server: s, clock: st.ahead, applied: st.Applied})
			mu.Unlock()
		})
	}
	wg.Wait()
	return answers, voters, nil
}

// watchClock compares the clocks, and does not let this node lead with a wrong one.
func (db *DB) watchClock() {
	var h handOver
	tick := time.NewTicker(clockEvery)
	defer tick.Stop()
	for {
		_, _, changed := db.leader.get()
		db.compareClocks(&h)
		select {
		case <-changed: // this node may lead now
		case <-tick.C:
		case <-db.stop:
			return
		}
	}
}

func (db *DB) compareClocks(h *handOver) {
	r := db.clock.read()
	answers, voters, err := db.peers(db.life)
	if err != nil {
		return
	}
	clocks := make([]time.Duration, len(answers))
	for i, p := range answers {
		clocks[i] = p.clock
	}
	r.ahead = ahead(clocks, voters, db.clock.limit)
	db.clock.set(r)
	db.tellClock(h, r.ahead)
	if r.ahead == 0 || db.raft.State() != raft.Leader || !h.due(time.Now()) {
		return
	}
	target := successor(answers)
	db.config.Logger.Warn("this node hands leadership over because its clock is wrong", "to", target.ID)
	if err := db.raft.LeadershipTransferToServer(target.ID, target.Address).Error(); err != nil {
		db.config.Logger.Warn("leadership not handed over; tried again", "to", target.ID, "error", err)
	}
}

// tellClock logs when the clock turns out wrong, and when it is right again.
func (db *DB) tellClock(h *handOver, ahead time.Duration) {
	switch log := db.config.Logger; {
	case ahead != 0 && !h.wrong:
		log.Error(fmt.Sprintf("this node's clock is %s the others: it follows and does not lead until the clock is right; check its time service (NTP)",
			describeAhead(ahead)))
	case ahead == 0 && h.wrong:
		log.Info("this node's clock is no longer known to be wrong")
	}
	h.wrong = ahead != 0
}

func describeAhead(ahead time.Duration) string {
	word := "ahead of"
	if ahead < 0 {
		word = "behind"
	}
	unit := time.Second
	if ahead.Abs() < 10*time.Second {
		unit = 100 * time.Millisecond
	}
	return ahead.Abs().Round(unit).String() + " " + word
}

// successor is the voter whose clock is nearest to the middle of all, so that nobody has a reason to hand over again; among
// equals the most advanced.
func successor(answers []peer) raft.Server {
	clocks := []time.Duration{0}
	for _, p := range answers {
		clocks = append(clocks, p.clock)
	}
	slices.Sort(clocks)
	middle := clocks[len(clocks)/2]
	const alike = 250 * time.Millisecond // closer than that, the round trips decide
	return slices.MinFunc(answers, func(a, b peer) int {
		da, db := (a.clock-middle).Abs()/alike, (b.clock-middle).Abs()/alike
		if da != db {
			return int(da - db)
		}
		return int(int64(b.applied) - int64(a.applied))
	}).server
}

// handOver spaces the tries: each stops the writes for a moment, and a cluster that keeps electing this node must have
// its leader.
type handOver struct {
	wrong bool // as last told
	tries int
	last  time.Time
}

// due reports whether to try now: twice at once, then ever more rarely.
func (h *handOver) due(now time.Time) bool {
	if now.Sub(h.last) > handOverMemory {
		h.tries = 0
	}
	if h.tries >= 2 && now.Sub(h.last) < min(handOverPause, clockEvery<<min(h.tries-1, 10)) {
		return false
	}
	h.tries++
	h.last = now
	return true
}

// skews sets how far each node's clock is off: by a majority that agrees, else by the leader, else by this node.
func (db *DB) skews(nodes []Node, clocks []*time.Duration) {
	var voting []time.Duration
	var base time.Duration
	voters := 0
	for i, c := range clocks {
		if nodes[i].Voter {
			voters++
		}
		if c == nil {
			continue
		}
		if nodes[i].Voter {
			voting = append(voting, *c)
		}
		if nodes[i].Leader {
			base = *c
		}
	}
	if median, ok := agreement(voting, voters, db.clock.limit); ok {
		base = median
	}
	for i, c := range clocks {
		if c != nil {
			nodes[i].Skew = (*c - base).Round(time.Millisecond)
		}
	}
}
