package sim

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"

	"trivium/consensus"
)

// history is what the clients saw since it was last checked.
type history struct {
	mu    sync.Mutex
	ops   []porcupine.Operation
	epoch int // registers have new names after each check: what one epoch leaves unknown does not burden the next

	total, unknown, gaveUp, sessions int
}

const registers = 5 // of an epoch

var schema = []string{
	`CREATE TABLE registers (k TEXT PRIMARY KEY, v INTEGER NOT NULL) STRICT`,
	`CREATE TABLE ledger (id TEXT PRIMARY KEY, n INTEGER NOT NULL, at INTEGER NOT NULL) STRICT`,
	`INSERT INTO registers VALUES ('clock', 0)`,
}

// client does one thing after the other through random nodes, as fast as a person or ten.
type client struct {
	w       *world
	id      int
	rng     *rand.Rand
	n       int64
	seen    map[string]int64 // what it last saw of a register is what its compare-and-set expects
	session uint64
	clock   int64
}

func (w *world) clients() {
	for i := range w.opts.clients {
		c := &client{w: w, id: i, rng: rand.New(rand.NewPCG(w.opts.seed, uint64(100+i))), seen: map[string]int64{}}
		w.wg.Go(func() {
			for !w.stop.Load() {
				time.Sleep(time.Duration(c.rng.ExpFloat64() * float64(2*time.Second)))
				w.active.Add(1)
				if !w.pause.Load() {
					c.step()
				}
				w.active.Add(-1)
			}
		})
	}
}

func (c *client) step() {
	c.n++
	in := input{key: c.w.history.register(c.rng.IntN(registers)), new: int64(c.id+1)*1e9 + c.n}
	switch d := c.rng.IntN(100); {
	case d < 40:
		in.op = opRead
	case d < 65:
		in.op = opWrite
	case d < 90:
		in.op, in.old = opCAS, c.seen[in.key]
	default:
		c.tick()
		return
	}
	call := c.w.now()
	out, known := c.do(in)
	back := c.w.now()
	if in.op == opRead && !known {
		return
	}
	if !known {
		out.unknown, back = true, math.MaxInt64
	}
	if in.op == opRead {
		c.seen[in.key] = out.value
	}
	c.w.history.add(porcupine.Operation{ClientId: c.id, Input: in, Call: call, Output: out, Return: back})
}

func (w *world) now() int64 { return int64(time.Since(w.begin)) }

func (h *history) register(i int) string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return fmt.Sprintf("r%d-%d", h.epoch, i)
}

func (h *history) add(o porcupine.Operation) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, o)
	h.total++
	if o.Output.(output).unknown {
		h.unknown++
	}
}

const (
	tryTime   = 3 * time.Second  // then a client asks another node
	giveUp    = 30 * time.Second // with the same key
	pauseTime = 100 * time.Millisecond
)

var errOther = errors.New("the register has another value")

// do repeats with the same key on any node, as every client does. Known is false when it gave up without an answer that
// is certain.
func (c *client) do(in input) (out output, known bool) {
	key := fmt.Sprintf("c%d-%d", c.id, c.n)
	doubt := false // an earlier try may yet take effect
	for end := time.Now().Add(giveUp); time.Now().Before(end) && !c.w.stop.Load(); time.Sleep(pauseTime) {
		db := c.w.db(c.rng.IntN(c.w.opts.nodes))
		if db == nil {
			continue
		}
		ctx, cancel := context.WithTimeout(context.Background(), tryTime)
		var err error
		if in.op == opRead {
			out.value, err = c.read(ctx, db, in.key)
		} else {
			err = c.write(ctx, db, in, key)
		}
		cancel()
		switch {
		case err == nil:
			out.done = true
			return out, true
		case errors.Is(err, errOther):
			return output{}, !doubt
		case errors.Is(err, consensus.ErrUnknown):
			doubt = true
		case !errors.Is(err, consensus.ErrUnavailable) && !errors.Is(err, consensus.ErrBusy):
			c.w.checks.fail("%+v: %v", in, err)
		}
	}
	c.w.history.mu.Lock()
	c.w.history.gaveUp++
	c.w.history.mu.Unlock()
	return output{}, false
}

func (c *client) read(ctx context.Context, db *consensus.DB, key string) (v int64, err error) {
	level := consensus.Linearizable
	if c.rng.IntN(2) == 0 {
		level = consensus.Lease
	}
	if c.w.opts.stale {
		level = consensus.Local
	}
	rows, err := db.Query(ctx, level, `SELECT v FROM registers WHERE k = ?`, key)
	if err != nil || len(rows.Values) == 0 {
		return 0, err
	}
	return v, rows.Values[0].Scan(&v)
}

// write changes the register, and writes its key down: once in spite of all repeats.
func (c *client) write(ctx context.Context, db *consensus.DB, in input, key string) error {
	b := consensus.Batch{Key: key}
	if in.op == opCAS {
		b.Require(errOther, `coalesce((SELECT v FROM registers WHERE k = ?), 0) = ?`, in.key, in.old)
	}
	b.Exec(`INSERT INTO registers VALUES (?, ?) ON CONFLICT (k) DO UPDATE SET v = excluded.v`, in.key, in.new)
	b.Exec(`INSERT INTO ledger VALUES (?, 1, ?) ON CONFLICT (id) DO UPDATE SET n = n + 1`, key, consensus.Stamp{})
	r, err := db.Apply(ctx, &b)
	if err == nil {
		c.w.ledger.acknowledged(key, r)
	}
	return err
}

// tick carries the index of what a session has seen from node to node: it reads its own writes and never goes back.
func (c *client) tick() {
	db := c.w.db(c.rng.IntN(c.w.opts.nodes))
	if db == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), tryTime)
	defer cancel()
	var rows consensus.Rows
	var at uint64
	var err error
	if c.rng.IntN(3) == 0 {
		var b consensus.Batch
		b.Exec(`UPDATE registers SET v = v + 1 WHERE k = 'clock'`)
		b.Return(`SELECT v FROM registers WHERE k = 'clock'`)
		var r consensus.Result
		r, err = db.Apply(ctx, &b)
		rows, at = r.Rows, r.Index
	} else if err = db.WaitIndex(ctx, c.session); err == nil {
		rows, err = db.Query(ctx, consensus.Local, `SELECT v FROM registers WHERE k = 'clock'`)
		at = db.Applied() // after the read: never less than what it showed
	}
	if err != nil {
		return
	}
	var v int64
	if err := rows.Values[0].Scan(&v); err != nil {
		c.w.checks.fail("tick: %v", err)
		return
	}
	if v < c.clock {
		c.w.checks.fail("a session that has seen %d at entry %d reads %d", c.clock, c.session, v)
	}
	c.session, c.clock = max(c.session, at), v
	c.w.history.mu.Lock()
	c.w.history.sessions++
	c.w.history.mu.Unlock()
}
