package consensus_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"trivium/consensus"
	"trivium/consensus/consensustest"
)

// cut is a fault of the network or of a node; leader is the number of the node that leads.
var cuts = []struct {
	name   string
	strike func(c *consensustest.Set, leader, other int)
	moves  bool // another node must lead before it is mended
}{
	{"leader isolated", func(c *consensustest.Set, leader, _ int) { c.Isolate(leader) }, true},
	{"leader stopped", func(c *consensustest.Set, leader, _ int) { c.Stop(leader) }, true},
	{"leader cannot reach a follower", func(c *consensustest.Set, leader, other int) { c.CutOneWay(leader, other) }, false},
	{"follower isolated", func(c *consensustest.Set, _, other int) { c.Isolate(other) }, false},
	{"follower cannot reach the leader", func(c *consensustest.Set, leader, other int) { c.CutOneWay(other, leader) }, false},
	{"leader and a follower apart", func(c *consensustest.Set, leader, other int) { c.Cut(leader, other) }, false},
	{"leader heard by nobody", func(c *consensustest.Set, leader, _ int) {
		for i := range c.Nodes {
			if i != leader {
				c.CutOneWay(leader, i)
			}
		}
	}, true},
	{"follower stopped", func(c *consensustest.Set, _, other int) { c.Stop(other) }, false},
}

// TestLinearizableUnderFaults: registers are read, written and compared-and-set through random nodes while links are cut
// and nodes stop; clients with an index read their session at random nodes meanwhile.
func TestLinearizableUnderFaults(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a while")
	}
	seed := testSeed(t)
	c := consensustest.Cluster(t, 3, func(c *consensus.Config) { c.HoldTimeout = 3 * time.Second })
	exec(t, c.Nodes[0].DB, `CREATE TABLE registers (k TEXT PRIMARY KEY, v INTEGER NOT NULL) STRICT`)
	h := &history{c: c, start: time.Now()}
	for k := range registerKeys * (len(cuts) + 1) {
		exec(t, c.Nodes[0].DB, `INSERT INTO registers VALUES (?, 0)`, registerKey(k))
	}
	begin := exec(t, c.Nodes[0].DB, `INSERT INTO registers VALUES ('clock', 0)`).Index
	for i := range 16 {
		h.wg.Go(func() { h.client(i, rand.New(rand.NewPCG(seed, uint64(i)))) })
	}
	for i := range 4 {
		h.wg.Go(func() { h.session(begin, rand.New(rand.NewPCG(seed, uint64(100+i)))) })
	}
	defer h.end()
	rng := rand.New(rand.NewPCG(seed, 99))
	for _, i := range rng.Perm(len(cuts)) {
		h.strike(t, i, rng)
	}
	h.end()
	c.WaitEqual()
	for _, e := range h.errs {
		t.Error(e)
	}
	checkHistory(t, h.ops)
	t.Logf("%d session reads, none older than its client", h.sessions.Load())
	if h.sessions.Load() < 10*minOps {
		t.Error("void: too few session reads")
	}
}

// history is what the clients saw.
type history struct {
	c     *consensustest.Set
	start time.Time
	wg    sync.WaitGroup
	stop  atomic.Bool

	mu       sync.Mutex
	ops      []porcupine.Operation
	errs     []string
	done     atomic.Int64 // operations that succeeded
	sessions atomic.Int64
	phase    atomic.Int64
}

// strike lets a fault meet a cluster at work, waits until the cluster has got over it, and mends it.
func (h *history) strike(t *testing.T, i int, rng *rand.Rand) {
	t.Helper()
	h.more(t, cuts[i].name+", before", minOps)
	leader := h.c.Index(h.c.Leader())
	term := h.c.Nodes[leader].DB.Status().Term
	other := (leader + 1 + rng.IntN(2)) % 3
	start := time.Now()
	cuts[i].strike(h.c, leader, other)
	if cuts[i].moves {
		deadline := time.Now().Add(patience)
		for moved := false; !moved; time.Sleep(5 * time.Millisecond) {
			for j := range h.c.Nodes {
				db := h.c.DB(j)
				moved = moved || db != nil && db.IsLeader() && db.Status().Term > term
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: no other leader", cuts[i].name)
			}
		}
	}
	h.more(t, cuts[i].name+", during", minOps/2)
	h.c.Heal()
	for j := range h.c.Nodes {
		if h.c.DB(j) == nil {
			h.c.Restart(j)
		}
	}
	h.more(t, cuts[i].name+", after", minOps/2)
	h.phase.Add(1)
	t.Logf("%s: over after %s", cuts[i].name, time.Since(start).Round(time.Millisecond))
}

func (h *history) more(t *testing.T, when string, n int64) {
	t.Helper()
	goal := h.done.Load() + n
	for end := time.Now().Add(patience); h.done.Load() < goal; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: operations stand still", when)
		}
	}
}

func (h *history) end() {
	h.stop.Store(true)
	h.wg.Wait()
}

func (h *history) now() int64 { return int64(time.Since(h.start)) }

func (h *history) fail(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.errs = append(h.errs, fmt.Sprintf(format, args...))
}

const (
	registerKeys = 8                      // of each fault: what one leaves unknown does not make the next harder to check
	opTimeout    = 700 * time.Millisecond // clients of a node that is cut off go elsewhere soon
)

func registerKey(i int) string { return fmt.Sprintf("r%d", i) }

// client does one operation after the other. What it last saw of a register is what its compare-and-set expects.
func (h *history) client(id int, rng *rand.Rand) {
	seen := map[string]int64{}
	for n := int64(1); !h.stop.Load(); n++ {
		db := h.c.DB(rng.IntN(3))
		if db == nil {
			time.Sleep(time.Millisecond)
			continue
		}
		in := registerInput{key: registerKey(registerKeys*int(h.phase.Load()) + rng.IntN(registerKeys)), new: int64(id+1)*1e9 + n}
		switch d := rng.IntN(100); {
		case d < 45:
			in.op, in.level = opRead, consensus.Lease
			if d < 20 {
				in.level = consensus.Linearizable
			}
		case d < 70:
			in.op = opWrite
		default:
			in.op, in.old = opCAS, seen[in.key]
		}
		call := h.now()
		out, err := do(db, in)
		back := h.now()
		switch {
		case err == nil:
			h.done.Add(1)
		case errors.Is(err, consensus.ErrUnknown):
			out.unknown, back = true, math.MaxInt64
		case errors.Is(err, consensus.ErrUnavailable), in.op == opRead:
			continue // surely without effect: were it not, somebody would read it
		default:
			h.fail("%+v: %v", in, err)
			continue
		}
		if in.op == opRead {
			seen[in.key] = out.value
		}
		h.mu.Lock()
		h.ops = append(h.ops, porcupine.Operation{ClientId: id, Input: in, Call: call, Output: out, Return: back})
		h.mu.Unlock()
	}
}

var errOther = errors.New("the register has another value")

func do(db *consensus.DB, in registerInput) (out registerOutput, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), opTimeout)
	defer cancel()
	if in.op == opRead {
		rows, err := db.Query(ctx, in.level, `SELECT v FROM registers WHERE k = ?`, in.key)
		if err == nil {
			err = rows.Values[0].Scan(&out.value)
		}
		return out, err
	}
	var b consensus.Batch
	if in.op == opCAS {
		b.Require(errOther, `(SELECT v FROM registers WHERE k = ?) = ?`, in.key, in.old)
	}
	b.Exec(`UPDATE registers SET v = ? WHERE k = ?`, in.new, in.key)
	_, err = db.Apply(ctx, &b)
	out.done = err == nil
	if err == errOther {
		err = nil
	}
	return out, err
}

// session carries the index of what it has seen from node to node: it reads its own writes and never goes back.
func (h *history) session(index uint64, rng *rand.Rand) {
	var last int64
	for !h.stop.Load() {
		db := h.c.DB(rng.IntN(3))
		if db == nil {
			time.Sleep(time.Millisecond)
			continue
		}
		got, at, err := tick(db, index, rng.IntN(4) == 0)
		if err != nil {
			continue
		}
		if got < last {
			h.fail("a session that has seen %d at %d reads %d", last, index, got)
		}
		index, last = max(index, at), got
		h.sessions.Add(1)
	}
}

func tick(db *consensus.DB, index uint64, write bool) (n int64, at uint64, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), opTimeout)
	defer cancel()
	var rows consensus.Rows
	if write {
		var b consensus.Batch
		b.Exec(`UPDATE registers SET v = v + 1 WHERE k = 'clock'`)
		b.Return(`SELECT v FROM registers WHERE k = 'clock'`)
		var r consensus.Result
		r, err = db.Apply(ctx, &b)
		rows, at = r.Rows, r.Index
	} else if err = db.WaitIndex(ctx, index); err == nil {
		rows, err = db.Query(ctx, consensus.Local, `SELECT v FROM registers WHERE k = 'clock'`)
		at = db.Applied() // after the read: never less than what it showed
	}
	if err != nil {
		return 0, 0, err
	}
	return n, at, rows.Values[0].Scan(&n)
}

// What a read shows is covered by Applied after it, even while the entry is being published.
func TestAppliedCoversWhatAReadShowed(t *testing.T) {
	db := consensustest.Open(t)
	exec(t, db, `CREATE TABLE registers (k TEXT PRIMARY KEY, v INTEGER NOT NULL) STRICT`)
	exec(t, db, `INSERT INTO registers VALUES ('clock', 0)`)
	type seen struct {
		n  int64
		at uint64
	}
	var reads [4][]seen
	var stop atomic.Bool
	var wg sync.WaitGroup
	for i := range reads {
		wg.Go(func() {
			for !stop.Load() {
				if n, at, err := tick(db, 0, false); err == nil {
					reads[i] = append(reads[i], seen{n, at})
				}
			}
		})
	}
	index := map[int64]uint64{}
	for range 2000 {
		n, at, err := tick(db, 0, true)
		if err != nil {
			t.Fatal(err)
		}
		index[n] = at
	}
	stop.Store(true)
	wg.Wait()
	for _, r := range reads {
		for _, s := range r {
			if s.at < index[s.n] {
				t.Fatalf("a read showed entry %d and Applied said %d", index[s.n], s.at)
			}
		}
	}
}
