package sim

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"

	"trivium/consensus"
	"trivium/consensus/simnet"
)

// world is one simulated cluster with everything around it.
type world struct {
	t      *testing.T
	opts   options
	dir    string
	net    *simnet.Net
	checks *checks
	rng    *rand.Rand // of the faults; the network and each client have their own
	begin  time.Time

	mu     sync.Mutex
	nodes  []*node
	faults map[string]int
	wg     sync.WaitGroup
	stop   atomic.Bool
	pause  atomic.Bool  // clients begin nothing new
	active atomic.Int64 // clients with something under way
	leases atomic.Int64

	ledger  ledger
	history history
}

// options of one run.
type options struct {
	seed      uint64
	hours     float64
	nodes     int
	clients   int
	forgetful bool // a planted bug: votes are forgotten
	stale     bool // a planted bug: reads that should be linearizable are not
}

// node is a member; db is nil while it is stopped.
type node struct {
	store   *logStore
	skew    atomic.Int64 // ns
	db      *consensus.DB
	network *consensus.Network
}

func nameOf(i int) string { return simnet.Name(i) }

func newWorld(t *testing.T, o options) *world {
	w := &world{t: t, opts: o, checks: newChecks(), begin: time.Now(), faults: map[string]int{},
		rng: rand.New(rand.NewPCG(o.seed, 1)),
		net: simnet.New(o.seed)}
	w.net.OnAppend = w.checks.leads
	w.dir = t.TempDir()
	if d, err := os.MkdirTemp("/dev/shm", "trivium-sim"); err == nil { // SQLite's own files: memory is faster than a disk
		w.dir = d
		t.Cleanup(func() { os.RemoveAll(d) })
	}
	return w
}

const (
	heartbeat = 500 * time.Millisecond // the product's default
	lease     = 250 * time.Millisecond
	holdTime  = 5 * time.Second
	maxSkew   = 2 * time.Second
)

// found starts the nodes and makes a cluster of them.
func (w *world) found() {
	for i := range w.opts.nodes {
		w.nodes = append(w.nodes, &node{store: &logStore{InmemStore: raft.NewInmemStore(), checks: w.checks, node: nameOf(i), forgetful: w.opts.forgetful}})
		w.start(i, i == 0)
		if i > 0 {
			w.eventually("join", func(ctx context.Context) error { return w.leader().Join(ctx, nameOf(i), nameOf(i), true) })
		}
	}
}

func (w *world) start(i int, bootstrap bool) {
	n := w.nodes[i]
	end := w.net.Start(i)
	n.network = consensus.NewNetwork(consensus.NetworkConfig{Listener: end.Listener(), Dial: end.Dial})
	db, err := consensus.Open(consensus.Config{
		ID: nameOf(i), Dir: filepath.Join(w.dir, nameOf(i)), Network: n.network, Transport: end.Transport(), LogStore: n.store, Bootstrap: bootstrap,
		HeartbeatTimeout: heartbeat, ElectionTimeout: heartbeat, LeaseTimeout: lease, HoldTimeout: holdTime, MaxClockSkew: maxSkew,
		FreeSpace: func(string) (int64, int64, error) { return 1 << 40, 1 << 41, nil }, Reserve: 4096,
		TrailingLogs: 16, SnapshotEvery: 32, SnapshotInterval: 10 * time.Second,
		Logger: slog.New(slog.DiscardHandler),
		Fatal:  func(err error) { w.checks.fail("%s stops: %v", nameOf(i), err) },
		Now:    func() time.Time { return time.Now().Add(time.Duration(n.skew.Load())) },
	})
	if err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	n.db = db
	w.mu.Unlock()
}

// halt takes the node off the network in mid-sentence and ends it. Its log and its database stay.
func (w *world) halt(i int) {
	n := w.nodes[i]
	w.mu.Lock()
	db := n.db
	n.db = nil
	w.mu.Unlock()
	if db == nil {
		return
	}
	w.net.Stop(i)
	if err := errors.Join(n.network.Close(), db.Close()); err != nil {
		w.checks.fail("close %s: %v", nameOf(i), err)
	}
}

func (w *world) db(i int) *consensus.DB {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.nodes[i].db
}

// leaderNumber is -1 when none is known.
func (w *world) leaderNumber() int {
	best, term := -1, uint64(0)
	for i := range w.nodes {
		if db := w.db(i); db != nil && db.IsLeader() {
			if s := db.Status(); s.Term >= term {
				best, term = i, s.Term
			}
		}
	}
	return best
}

// leader waits for one.
func (w *world) leader() *consensus.DB {
	for end := time.Now().Add(recovery); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if i := w.leaderNumber(); i >= 0 {
			return w.db(i)
		}
	}
	w.checks.fail("no leader within %s", recovery)
	panic(standstill{})
}

// standstill ends a run that has failed already.
type standstill struct{}

const recovery = 30 * time.Second // within which everything works again after the last fault

// eventually repeats fn until it succeeds; a run that comes to a standstill fails.
func (w *world) eventually(what string, fn func(context.Context) error) {
	var err error
	for end := time.Now().Add(recovery); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), recovery)
		err = fn(ctx)
		cancel()
		if err == nil {
			return
		}
	}
	w.checks.fail("%s: no success within %s of the last fault: %v", what, recovery, err)
	panic(standstill{})
}

// close ends everything; what a node or a client leaves behind fails the bubble.
func (w *world) close() {
	if p := recover(); p != nil && p != (standstill{}) {
		panic(p)
	}
	w.stop.Store(true)
	w.wg.Wait()
	var wg sync.WaitGroup
	for i := range w.nodes {
		wg.Go(func() { w.halt(i) })
	}
	wg.Wait()
	time.Sleep(time.Minute) // for what is bounded by time, such as a connection that is being made
}
