package consensus

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// leaseWorld is a cluster of leases without Raft: nodes stand for election whenever they like, messages are lost and late,
// nodes forget everything but term and vote, and every clock has a pace of its own. Only the promises keep two leases apart.
type leaseWorld struct {
	rng     *rand.Rand
	at      time.Duration // true time
	queue   leaseQueue
	nodes   []*leaseNode
	servers []raft.Server

	elections, leased, transfers int
	overlap                      string

	forgetful bool // restarted nodes do not wait
	greedy    bool // leaders keep the lease that they hand over
	gullible  bool // a message that hands leadership over is believed in any term
}

type leaseNode struct {
	id     string
	lease  *lease
	pace   float64
	life   int
	alone  time.Duration // until then nothing reaches it or comes from it
	term   uint64
	voted  uint64
	leads  bool
	stands uint64 // term in which it is a candidate
	votes  int
}

type leaseEvent struct {
	at time.Duration
	do func()
}

type leaseQueue []leaseEvent

func (q leaseQueue) Len() int           { return len(q) }
func (q leaseQueue) Less(i, j int) bool { return q[i].at < q[j].at }
func (q leaseQueue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *leaseQueue) Push(e any)        { *q = append(*q, e.(leaseEvent)) }
func (q *leaseQueue) Pop() any          { e := (*q)[len(*q)-1]; *q = (*q)[:len(*q)-1]; return e }

const modelLease = 250 * time.Millisecond

func newLeaseWorld(seed uint64, nodes int, drift float64) *leaseWorld {
	w := &leaseWorld{rng: rand.New(rand.NewPCG(seed, 1))}
	for i := range nodes {
		n := &leaseNode{id: fmt.Sprintf("n%d", i), pace: 1 + drift*(2*w.rng.Float64()-1)}
		if w.rng.IntN(2) == 0 { // the corners are the worst
			n.pace = 1 + drift*float64(1-2*w.rng.IntN(2))
		}
		w.nodes = append(w.nodes, n)
		w.servers = append(w.servers, raft.Server{ID: raft.ServerID(n.id)})
	}
	for _, n := range w.nodes {
		n.lease = w.newLease(n)
		w.later(w.upTo(time.Second), func() { w.life(n) })
		w.later(w.upTo(50*time.Millisecond), func() { w.beat(n) })
	}
	return w
}

func (w *leaseWorld) newLease(n *leaseNode) *lease {
	clock := func() time.Time { return time.Unix(1e9, 0).Add(time.Duration(float64(w.at) * n.pace)) }
	return &lease{length: modelLease, self: n.id, voters: func() []raft.Server { return w.servers }, now: clock, wall: clock,
		peers: map[raft.ServerID]*peerContact{}}
}

func (w *leaseWorld) upTo(d time.Duration) time.Duration {
	return time.Duration(w.rng.Int64N(int64(d)))
}

func (w *leaseWorld) later(d time.Duration, do func()) {
	heap.Push(&w.queue, leaseEvent{w.at + d, do})
}

// send delivers to the node that is alive now, if the message is not lost.
func (w *leaseWorld) send(from, to *leaseNode, most time.Duration, do func()) {
	life := to.life
	if w.rng.IntN(10) > 0 && w.at >= from.alone {
		w.later(w.upTo(most), func() {
			if to.life == life && w.at >= to.alone {
				do()
			}
		})
	}
}

const modelDelay = 60 * time.Millisecond

// beat is a leader's heartbeat.
func (w *leaseWorld) beat(n *leaseNode) {
	w.later(w.upTo(60*time.Millisecond), func() { w.beat(n) })
	if !n.leads {
		return
	}
	for _, to := range w.nodes {
		if to == n {
			continue
		}
		req, sent := n.lease.ask(&raft.AppendEntriesRequest{Term: n.term, RPCHeader: raft.RPCHeader{ID: []byte(n.id), Addr: []byte(n.id)}})
		w.send(n, to, modelDelay, func() {
			resp := &raft.AppendEntriesResponse{Term: max(to.term, req.Term), Success: req.Term >= to.term}
			if resp.Success {
				w.follow(to, req.Term)
				to.lease.accepted(req, resp, to.lease.now())
			}
			w.send(to, n, modelDelay, func() {
				w.follow(n, resp.Term)
				if n.leads && n.term == req.Term {
					n.lease.answered(raft.ServerID(to.id), req, resp, sent)
				}
			})
		})
	}
}

// follow takes over a newer term.
func (w *leaseWorld) follow(n *leaseNode, term uint64) {
	if term > n.term {
		n.term, n.leads, n.stands = term, false, 0
	}
}

// life lets a node stand for election, hand over, or be restarted, at any time.
func (w *leaseWorld) life(n *leaseNode) {
	w.later(w.upTo(800*time.Millisecond), func() { w.life(n) })
	switch d := w.rng.IntN(10); {
	case d < 5:
		w.stand(n, false)
	case d < 6:
		n.alone = w.at + w.upTo(time.Second)
	case d < 8:
		n.life++
		n.leads, n.stands = false, 0
		n.lease = w.newLease(n)
		if !w.forgetful {
			n.lease.hold(modelLease)
		}
	case n.leads:
		w.handOver(n, w.nodes[w.rng.IntN(len(w.nodes))])
	}
}

func (w *leaseWorld) handOver(n, to *leaseNode) {
	req := &raft.TimeoutNowRequest{RPCHeader: raft.RPCHeader{Addr: encodeLease(n.term)}}
	if !w.greedy {
		req = n.lease.giveUp(req, n.term)
	}
	w.send(n, to, 600*time.Millisecond, func() {
		if w.gullible {
			to.lease.told = to.term
		} else if to.lease.take(req, to.term) != nil {
			return
		}
		w.transfers++
		w.stand(to, true)
	})
}

func (w *leaseWorld) stand(n *leaseNode, transfer bool) {
	if n.leads && !transfer {
		return
	}
	if !transfer && !n.lease.mayVote(n.id, n.term+1, false).IsZero() { // as soon as it may
		life := n.life
		w.later(w.upTo(20*time.Millisecond), func() {
			if n.life == life {
				w.stand(n, false)
			}
		})
		return
	}
	n.term++
	n.voted, n.leads, n.stands, n.votes = n.term, false, n.term, 1
	term := n.term
	transfer = transfer && n.lease.privileged(term)
	if !n.lease.vote(n.id, term, transfer) {
		return
	}
	for _, to := range w.nodes {
		if to == n {
			continue
		}
		w.send(n, to, modelDelay, func() {
			w.follow(to, term)
			if to.term != term || to.voted == term || to.leads {
				return
			}
			to.voted = term
			if !to.lease.vote(n.id, term, transfer) {
				return
			}
			w.send(to, n, modelDelay, func() {
				if n.term != term || n.stands != term || n.leads {
					return
				}
				if n.votes++; n.votes > len(w.nodes)/2 {
					n.leads = true
					w.elections++
				}
			})
		})
	}
}

func (w *leaseWorld) run(events int) {
	for range events {
		e := heap.Pop(&w.queue).(leaseEvent)
		w.at = e.at
		e.do()
		for _, n := range w.nodes {
			if !n.leads || n.lease.left(n.term) <= 0 {
				continue
			}
			w.leased++
			for _, m := range w.nodes {
				if m.leads && m.term > n.term { // it may acknowledge writes, and have a lease soon
					w.overlap = fmt.Sprintf("at %s: %s has the lease of term %d, %s leads in term %d", w.at, n.id, n.term, m.id, m.term)
					return
				}
			}
		}
	}
}

// With clocks up to 5 % off, nobody ever leads while another node holds the lease of an earlier term, whoever stands for
// election when.
func TestLeasesNeverOverlap(t *testing.T) {
	var elections, leased, transfers, events int
	for seed := range uint64(60) {
		w := newLeaseWorld(seed, []int{2, 3, 4, 5}[seed%4], 0.05)
		w.run(10_000)
		if w.overlap != "" {
			t.Fatalf("seed %d: %s", seed, w.overlap)
		}
		events += 10_000
		elections, leased, transfers = elections+w.elections, leased+w.leased, transfers+w.transfers
	}
	t.Logf("%d elections, %d hand-overs, a lease at %d of %d events", elections, transfers, leased, events)
	if elections < 1000 || leased < events/20 || transfers < 100 {
		t.Error("void: too little has happened")
	}
}

// Each rule is needed: without it two leases overlap.
func TestLeasesOverlapWithoutTheirRules(t *testing.T) {
	for _, c := range []struct {
		name  string
		seed  uint64 // the first one; this or one soon after it shows an overlap
		drift float64
		spoil func(*leaseWorld)
	}{
		{"clocks beyond the margin", 62, 0.3, func(*leaseWorld) {}},
		{"restarted nodes that do not wait", 189, 0.05, func(w *leaseWorld) { w.forgetful = true }},
		{"leases that are kept at a hand-over", 1, 0.05, func(w *leaseWorld) { w.greedy = true }},
		{"hand-overs that are believed in any term", 69, 0.05, func(w *leaseWorld) { w.gullible = true }},
	} {
		t.Run(c.name, func(t *testing.T) {
			for seed := c.seed; seed < c.seed+300; seed++ {
				w := newLeaseWorld(seed, []int{2, 3, 4, 5}[seed%4], c.drift)
				c.spoil(w)
				if w.run(20_000); w.overlap != "" {
					t.Logf("seed %d: %s", seed, w.overlap)
					return
				}
			}
			t.Error("no overlap: the test would not see one")
		})
	}
}

// A voter with a shorter lease of its own does not confirm a longer one.
func TestLeaseNeedsNodesOfTheSameMind(t *testing.T) {
	w := newLeaseWorld(1, 3, 0)
	leader, voter := w.nodes[0].lease, w.nodes[1].lease
	voter.length = modelLease - 1
	req, sent := leader.ask(&raft.AppendEntriesRequest{Term: 1, RPCHeader: raft.RPCHeader{ID: []byte("n0"), Addr: []byte("n0")}})
	resp := &raft.AppendEntriesResponse{Term: 1, Success: true}
	voter.accepted(req, resp, voter.now())
	if !leader.answered("n1", req, resp, sent) || leader.left(1) > 0 {
		t.Error("the lease is confirmed by a node that would not keep it")
	}
	if !voter.vote("n2", 2, false) {
		t.Error("a node that has promised nothing does not vote")
	}
	voter.length = modelLease
	req, sent = leader.ask(req)
	resp = &raft.AppendEntriesResponse{Term: 1, Success: true}
	if voter.accepted(req, resp, voter.now()); leader.answered("n1", req, resp, sent) != true {
		t.Error("a lease of term 1 is confirmed by a node that has voted in term 2")
	}
}

func TestTimingThatLetsLeasesOverlapIsRefused(t *testing.T) {
	for _, c := range []struct {
		name    string
		profile string
		timing  Timing
		ok      bool
	}{
		{"fast", "", Timing{}, true},
		{"classroom", "classroom", Timing{}, true},
		{"shortest classroom lease", "classroom", Timing{Lease: 2 * time.Second}, true},
		{"longest lease, later elections", "classroom", Timing{Heartbeat: 12 * time.Second, Lease: 10 * time.Second}, true},
		{"a slow heartbeat alone", "", Timing{Heartbeat: 2 * time.Second}, true},
		{"lease as long as the heartbeat timeout", "", Timing{Heartbeat: time.Second, Lease: time.Second}, false},
		{"lease within the margin", "", Timing{Heartbeat: time.Second, Lease: 950 * time.Millisecond}, false},
		{"classroom lease outlasts elections", "classroom", Timing{Lease: 10 * time.Second}, false},
		{"election before the heartbeat timeout", "", Timing{Heartbeat: time.Second, Election: 500 * time.Millisecond}, false},
		{"unknown profile", "slow", Timing{}, false},
	} {
		got, err := c.timing.Complete(c.profile)
		if (err == nil) != c.ok {
			t.Errorf("%s: %+v %v", c.name, got, err)
		}
		if err == nil && (got.Lease <= 0 || promise(got.Lease) > got.Heartbeat || got.Election < got.Heartbeat) {
			t.Errorf("%s: %+v", c.name, got)
		}
	}
}

func TestLatencyPercentiles(t *testing.T) {
	var l latencies
	for i := range 1000 {
		l.observe(time.Duration(i+1) * time.Millisecond)
	}
	s := l.summary()
	near := func(got, want time.Duration) bool {
		return float64(got) > 0.8*float64(want) && float64(got) < 1.2*float64(want)
	}
	if s.Count != 1000 || !near(s.P50, 500*time.Millisecond) || !near(s.P95, 950*time.Millisecond) || !near(s.P99, 990*time.Millisecond) {
		t.Errorf("%+v", s)
	}
	if s := new(latencies).summary(); s != (Latency{}) {
		t.Errorf("of nothing: %+v", s)
	}
}
