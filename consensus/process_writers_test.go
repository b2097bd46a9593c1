package consensus_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// The writers' tables take a second effect without a word, so that it can be counted.
var writersTables = []string{
	`CREATE TABLE writes (id TEXT NOT NULL, place INTEGER NOT NULL) STRICT`,
	`CREATE TABLE counters (writer TEXT PRIMARY KEY, n INTEGER NOT NULL) STRICT, WITHOUT ROWID`,
	`CREATE VIRTUAL TABLE words USING fts5(body)`,
}

// writers write numbered batches under keys, each repeated on any node until it is acknowledged.
type writers struct {
	rig    *rig
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup

	mu     sync.Mutex
	acked  map[string]uint64 // key to the index of the first result
	tried  map[string]bool
	errs   []string
	floor  int // acknowledged when the last fault was over
	repeat int // tries beyond the first
}

// minOps: with fewer successful writes before a fault the run proves nothing.
const minOps = 100

func (r *rig) startWriters(n int) {
	w := &writers{rig: r, acked: map[string]uint64{}, tried: map[string]bool{}}
	w.ctx, w.cancel = context.WithCancel(context.Background())
	nodes := append([]*process{}, r.nodes...)
	for i := range n {
		rng := rand.New(rand.NewPCG(r.seed, uint64(i+1)))
		w.wg.Go(func() {
			for k := 0; w.ctx.Err() == nil; k++ {
				w.write(nodes, rng, fmt.Sprintf("w%d", i), fmt.Sprintf("w%d-%d", i, k))
			}
		})
	}
	r.load = w
}

func writeOf(writer, key string) control {
	return control{Op: "apply", Key: key, Exec: []sqlText{
		{`INSERT INTO writes VALUES (?, ?)`, []any{key, logIndex}},
		{`INSERT INTO counters VALUES (?, 1) ON CONFLICT (writer) DO UPDATE SET n = n + 1`, []any{writer}},
		{`INSERT INTO words VALUES (?)`, []any{"word " + key}},
	}, Return: &sqlText{SQL: `SELECT n FROM counters WHERE writer = ?`, Args: []any{writer}}}
}

// write repeats one batch for 30 s at most; only the end of the test ends it earlier, which leaves it unknown.
func (w *writers) write(nodes []*process, rng *rand.Rand, writer, key string) {
	w.mu.Lock()
	w.tried[key] = true
	w.mu.Unlock()
	ctx, cancel := context.WithTimeout(w.ctx, patience)
	defer cancel()
	last := "never tried"
	for try := 0; ctx.Err() == nil; try++ {
		p := nodes[rng.IntN(len(nodes))]
		if !p.up() {
			pause(ctx)
			continue
		}
		once, cancel := context.WithTimeout(ctx, 2*processHold)
		a, err := w.rig.ask(once, p, writeOf(writer, key))
		cancel()
		if try > 0 {
			w.mu.Lock()
			w.repeat++
			w.mu.Unlock()
		}
		switch {
		case err == nil && a.Kind == "":
			w.mu.Lock()
			w.acked[key] = a.Index
			w.mu.Unlock()
			return
		case err == nil && a.Kind != kindUnavailable && a.Kind != kindUnknown:
			w.fail(fmt.Sprintf("%s on %s: %s %s", key, p.config.ID, a.Kind, a.Text))
			return
		}
		last = fmt.Sprintf("%s: %s %s %v", p.config.ID, a.Kind, a.Text, err)
		pause(ctx)
	}
	if w.ctx.Err() == nil {
		w.fail(fmt.Sprintf("%s was not acknowledged in %s: %s", key, patience, last))
	}
}

func pause(ctx context.Context) {
	select {
	case <-time.After(10 * time.Millisecond):
	case <-ctx.Done():
	}
}

func (w *writers) fail(text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.errs = append(w.errs, text)
}

func (w *writers) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.acked)
}

// more waits for n more acknowledged writes.
func (w *writers) more(n int) {
	w.rig.t.Helper()
	goal := w.count() + n
	w.rig.wait(func() string { return fmt.Sprintf("writes stand still at %d, goal %d", w.count(), goal) }, func() bool { return w.count() >= goal })
}

// beforeFault makes sure that the fault meets a cluster at work.
func (w *writers) beforeFault() {
	w.rig.t.Helper()
	w.more(minOps)
	if n := w.count() - w.floor; n < minOps {
		w.rig.t.Fatalf("void: %d writes before the fault", n)
	}
}

// afterFault waits until writes go on.
func (w *writers) afterFault() {
	w.rig.t.Helper()
	w.more(20)
	w.floor = w.count()
}

func (w *writers) end() {
	w.cancel()
	w.wg.Wait()
}

// check ends the load. On every node: what was acknowledged is there once, nothing is there twice, nothing is there that
// nobody wrote, all statements of a batch took effect or none; and the nodes are equal.
func (w *writers) check(nodes []*process) {
	r, t := w.rig, w.rig.t
	t.Helper()
	w.end()
	for _, text := range w.errs {
		t.Error(text)
	}
	// An entry of this moment: what the load left unknown is before it or will never be.
	r.must(nodes[0], control{Op: "apply", Exec: []sqlText{{`INSERT INTO words VALUES ('the end')`, nil}}})
	r.waitEqual(nodes)
	for _, p := range nodes {
		a := r.must(p, control{Op: "query", Query: sqlText{SQL: `SELECT id, count(*), min(place) FROM writes GROUP BY id`}})
		there := map[string]bool{}
		for _, row := range a.Rows {
			id, n, place := row[0].(string), number64(row[1]), uint64(number64(row[2]))
			there[id] = true
			if first, acked := w.acked[id]; n != 1 || !w.tried[id] || acked && first != place {
				t.Errorf("%s: %s is there %d times, at %d, acknowledged at %d", p.config.ID, id, n, place, first)
			}
		}
		for id := range w.acked {
			if !there[id] {
				t.Errorf("%s: acknowledged and lost: %s", p.config.ID, id)
			}
		}
		a = r.must(p, control{Op: "query", Query: sqlText{SQL: `SELECT (SELECT coalesce(sum(n), 0) FROM counters), (SELECT count(*) - 1 FROM words)`}})
		if c, f := number64(a.Rows[0][0]), number64(a.Rows[0][1]); c != int64(len(there)) || f != c {
			t.Errorf("%s: %d batches, but %d counted and %d indexed", p.config.ID, len(there), c, f)
		}
	}
	w.checkRepeats(nodes)
	t.Logf("%d acknowledged, %d repeats, %d nodes equal", len(w.acked), w.repeat, len(nodes))
}

// checkRepeats: a key gets its first result again, on any node.
func (w *writers) checkRepeats(nodes []*process) {
	n := 0
	for key, index := range w.acked {
		writer, _, _ := strings.Cut(key, "-")
		a := w.rig.must(nodes[n%len(nodes)], writeOf(writer, key))
		if !a.Replayed || a.Index != index || len(a.Rows) != 1 {
			w.rig.t.Errorf("%s again: %+v, first at %d", key, a, index)
		}
		if n++; n == 10 {
			return
		}
	}
}

func number64(v any) int64 {
	n, err := v.(json.Number).Int64()
	if err != nil {
		return -1
	}
	return n
}
