//go:debug randseednop=0
package sim

import (
	"context"
	"flag"
	"fmt"
	"math/rand"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"trivium/consensus"
)

var (
	seedFlag  = flag.Uint64("seed", 0, "replay this seed alone")
	seedsFlag = flag.Int("seeds", 2, "number of seeds")
	firstFlag = flag.Uint64("first", 1, "the first of them")
	hoursFlag = flag.Float64("hours", 0.5, "virtual hours of each seed")
	nodesFlag = flag.Int("nodes", 0, "nodes of the cluster; 0: 3 or 5 by the seed")
)

func TestSimulation(t *testing.T) {
	list := []uint64{*seedFlag}
	if *seedFlag == 0 {
		list = nil
		for i := range *seedsFlag {
			list = append(list, *firstFlag+uint64(i))
		}
	}
	for _, seed := range list {
		t.Run(fmt.Sprintf("seed=%d", seed), func(t *testing.T) {
			o := options{seed: seed, hours: *hoursFlag, nodes: *nodesFlag, clients: 6}
			if o.nodes == 0 {
				o.nodes = 3 + 2*int(seed%2)
			}
			start := time.Now()
			r := simulate(t, o)
			took := time.Since(start)
			t.Log(r.text)
			t.Logf("%.2f virtual hours in %s: %.0f times as fast as life, %.3f virtual hours a second", o.hours, took.Round(time.Millisecond),
				o.hours*3600/took.Seconds(), o.hours/took.Seconds())
			for _, f := range r.failures {
				t.Error(f)
			}
			if t.Failed() {
				t.Logf("replay: go test ./consensus/sim -run TestSimulation -v -seed %d -hours %g -nodes %d", seed, o.hours, o.nodes)
			}
		})
	}
}

// A simulation that finds nothing when there is something to find would prove nothing.
func TestSimulationFindsPlantedBugs(t *testing.T) {
	for _, bug := range []struct {
		name, finds string
		plant       func(*options)
	}{
		{"votes are forgotten", "has two leaders", func(o *options) { o.forgetful = true }},
		{"reads are stale", "not linearizable", func(o *options) { o.stale = true }},
	} {
		t.Run(bug.name, func(t *testing.T) {
			// The order in which goroutines run is not part of a seed: one run of four hours may miss what the next one finds.
			var r result
			for seed := uint64(5); seed < 9; seed++ {
				o := options{seed: seed, hours: 4, nodes: 3, clients: 6}
				bug.plant(&o)
				r = simulate(t, o)
				if strings.Contains(strings.Join(r.failures, "\n"), bug.finds) {
					return
				}
			}
			t.Errorf("not found by four seeds; the last: %q; %s", r.failures, r.text)
		})
	}
}

// result of a run. It ends early with the first failures.
type result struct {
	failures []string
	text     string
}

func simulate(t *testing.T, o options) (r result) {
	// Raft takes its timeouts from the process's generator, and goroutines take turns more evenly on one processor.
	rand.Seed(int64(o.seed)) //lint:ignore SA1019 there is no other way to give Raft a seed
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t, o)
		defer func() { r = result{w.checks.failures(), w.report()} }()
		defer w.close()
		w.found()
		w.setUp()
		w.clients()
		w.wg.Go(w.watchLeases)
		end := w.begin.Add(time.Duration(o.hours * float64(time.Hour)))
		for time.Now().Before(end) && len(w.checks.failures()) == 0 {
			next := time.Now().Add(quietEvery)
			if next.After(end) {
				next = end
			}
			w.trouble(next)
			w.quiet()
		}
	})
	return r
}

const quietEvery = 10 * time.Minute

func (w *world) setUp() {
	for _, sql := range schema {
		w.eventually(sql, func(ctx context.Context) error {
			var b consensus.Batch
			b.Exec(sql)
			_, err := w.leader().Apply(ctx, &b)
			return err
		})
	}
}

// quiet: after the last fault every node works again, and all are equal.
func (w *world) quiet() {
	for i := range w.nodes {
		w.eventually("a write through "+nameOf(i), func(ctx context.Context) error {
			var b consensus.Batch
			b.Exec(`UPDATE registers SET v = v WHERE k = 'clock'`)
			_, err := w.db(i).Apply(ctx, &b)
			return err
		})
	}
	w.pause.Store(true)
	defer w.pause.Store(false)
	for w.active.Load() > 0 {
		time.Sleep(10 * time.Millisecond)
	}
	w.eventually("equal databases", func(ctx context.Context) error { return w.equal(ctx) })
	w.ledger.check(w)
	if n, ok := w.history.check(); !ok {
		w.checks.fail("a history of %d operations is not linearizable", n)
	}
	w.checks.forget(w.leader().Applied() - min(w.leader().Applied(), 10_000))
}

// equal compares the databases of all nodes at the same index.
func (w *world) equal(ctx context.Context) error {
	seen := map[uint64]string{}
	var last uint64
	for i := range w.nodes {
		hash, index, err := w.db(i).Hash(ctx)
		if err != nil {
			return err
		}
		if other, ok := seen[index]; ok && other != hash {
			w.checks.fail("the databases differ at entry %d", index)
			return nil
		}
		seen[index], last = hash, index
	}
	if len(seen) > 1 {
		return fmt.Errorf("the nodes are at different entries, %d the last", last)
	}
	return nil
}

func (w *world) report() string {
	h := &w.history
	h.mu.Lock()
	defer h.mu.Unlock()
	c := w.net.Counts()
	return fmt.Sprintf("seed %d, %d nodes: %s\n%d messages, %d lost, %d twice; %d snapshots sent; %d terms; a lease at %d moments, never two\n"+
		"%d operations checked, %d of unknown outcome, %d given up; %d session reads; %d acknowledged writes, each there once",
		w.opts.seed, w.opts.nodes, w.faultCounts(), c.Sent, c.Lost, c.Twice, c.Snapshots, len(w.checks.leaders), w.leases.Load(),
		h.total, h.unknown, h.gaveUp, h.sessions, w.ledger.total)
}

// ledger is what the clients were promised.
type ledger struct {
	mu    sync.Mutex
	owed  map[string]consensus.Result
	total int
}

func (l *ledger) acknowledged(key string, r consensus.Result) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.owed == nil {
		l.owed = map[string]consensus.Result{}
	}
	l.owed[key] = r
	l.total++
}

// check: what was acknowledged is there once, with the stamp of its receipt, and stamps never go back.
func (l *ledger) check(w *world) {
	l.mu.Lock()
	owed := l.owed
	l.owed = map[string]consensus.Result{}
	l.mu.Unlock()
	var rows consensus.Rows
	w.eventually("read the ledger", func(ctx context.Context) (err error) {
		rows, err = w.db(0).Query(ctx, consensus.Linearizable, `SELECT id, n, at FROM ledger`)
		return err
	})
	found := map[string]int64{}
	for _, row := range rows.Values {
		var id string
		var n, at int64
		if err := row.Scan(&id, &n, &at); err != nil {
			w.checks.fail("ledger: %v", err)
		}
		if n != 1 {
			w.checks.fail("%s took effect %d times", id, n)
		}
		found[id] = at
	}
	stamps := map[uint64]int64{}
	for id, r := range owed {
		at, ok := found[id]
		if !ok {
			w.checks.fail("%s was acknowledged at entry %d and is lost", id, r.Index)
		} else if at != r.Stamp.UnixMilli() {
			w.checks.fail("%s has another stamp than its receipt", id)
		}
		stamps[r.Index] = at
	}
	checkStamps(w, stamps)
}
