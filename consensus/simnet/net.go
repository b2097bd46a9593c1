package simnet

import (
	"math/rand/v2"
	"sync"
	"time"
)

// Net decides the fate of everything that is sent between nodes, which are numbered from 0. It is safe for concurrent use.
type Net struct {
	mu     sync.Mutex
	rng    *rand.Rand
	cut    map[[2]int]bool // from, to
	down   map[int]bool
	loss   float64
	again  float64
	jitter time.Duration
	counts Counts
	ends   map[int]*Endpoint

	// OnAppend, if set before the first node starts, hears of each heartbeat and each message with entries: the term, and the
	// address of the node that leads in it.
	OnAppend func(term uint64, leader string)
}

// Counts is what has been sent so far: Raft's messages and new connections.
type Counts struct{ Sent, Lost, Twice, Snapshots int64 }

const baseDelay = 500 * time.Microsecond

// New makes a network without faults. The seed decides the fate of each message.
func New(seed uint64) *Net {
	return &Net{rng: rand.New(rand.NewPCG(seed, 2)), cut: map[[2]int]bool{}, down: map[int]bool{}, ends: map[int]*Endpoint{}}
}

// Cut loses everything that from sends to to.
func (n *Net) Cut(from, to int) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut[[2]int{from, to}] = true
}

// Split cuts the nodes of a off from those of b, in both directions.
func (n *Net) Split(a, b []int) {
	for _, i := range a {
		for _, j := range b {
			n.Cut(i, j)
			n.Cut(j, i)
		}
	}
}

// Isolate cuts node i off from all others of so many nodes.
func (n *Net) Isolate(i, nodes int) {
	for j := range nodes {
		if j != i {
			n.Split([]int{i}, []int{j})
		}
	}
}

// Disturb loses a share of the messages, delivers a share twice, and delays each by up to jitter. Pieces of streams are
// late instead of lost.
func (n *Net) Disturb(loss, again float64, jitter time.Duration) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.loss, n.again, n.jitter = loss, again, jitter
}

// Heal ends all of that. Nodes that were taken away stay away.
func (n *Net) Heal() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.cut, n.loss, n.again, n.jitter = map[[2]int]bool{}, 0, 0, 0
}

// Counts returns what has been sent so far.
func (n *Net) Counts() Counts {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.counts
}

// fate of one message: lost, or late, or there twice.
type fate struct {
	lost         bool
	delay, again time.Duration // again > 0: a copy arrives after so long
}

const latest = 2 * time.Second // by which a second copy is late

func (n *Net) message(from, to int) fate {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.counts.Sent++
	f := fate{lost: n.blocked(from, to) || n.rng.Float64() < n.loss, delay: n.delay()}
	if f.lost {
		n.counts.Lost++
	} else if n.rng.Float64() < n.again {
		n.counts.Twice++
		f.again = f.delay + time.Duration(n.rng.Int64N(int64(latest)))
	}
	return f
}

func (n *Net) blocked(from, to int) bool {
	return n.cut[[2]int{from, to}] || n.down[from] || n.down[to]
}

func (n *Net) delay() time.Duration {
	if n.jitter == 0 {
		return baseDelay
	}
	return baseDelay + time.Duration(n.rng.Int64N(int64(n.jitter)))
}

const resend = 200 * time.Millisecond

// piece of a stream: loss makes it late, a cut swallows it and breaks the connection.
func (n *Net) piece(from, to int) (delay time.Duration, swallowed bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delay = n.delay()
	for n.rng.Float64() < n.loss {
		delay += resend
	}
	return delay, n.blocked(from, to)
}

func (n *Net) endpoint(i int) *Endpoint {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ends[i]
}
