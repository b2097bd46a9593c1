package drill

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// load is clients that write numbers that only grow, each to a key of its own, and read each other's keys. So every read
// can be judged: it shows no less than what was acknowledged before it began, and no more than what was tried before
// it ended.
type load struct {
	r       *run
	writers []*writer
	stop    atomic.Bool
	ended   sync.Once
	wg      sync.WaitGroup

	read, refused, unknown atomic.Int64

	mu    sync.Mutex
	bad   []error
	stuck []string
}

// writer is a client. A write is repeated under its id until it is acknowledged, so that nothing stays open.
type writer struct {
	key          string
	acked, tried atomic.Int64
}

const (
	writers   = 6
	think     = 5 * time.Millisecond
	tryTime   = hold + time.Second
	lastTries = settle
)

func newLoad(r *run, seed uint64) *load {
	l := &load{r: r}
	for i := range writers {
		l.writers = append(l.writers, &writer{key: fmt.Sprintf("client-%d", i)})
	}
	for i, w := range l.writers {
		rng := rand.New(rand.NewPCG(seed, uint64(100+i)))
		l.wg.Go(func() {
			for !l.stop.Load() && r.ctx.Err() == nil {
				time.Sleep(think)
				if rng.IntN(2) == 0 {
					l.write(w, rng)
				} else {
					l.readOne(l.writers[rng.IntN(writers)], rng)
				}
			}
		})
	}
	return l
}

func number(n int64) string {
	if n == 0 {
		return ""
	}
	return strconv.FormatInt(n, 10)
}

// node is a random running one, nil if there is none.
func (l *load) node(rng *rand.Rand) Node { return l.r.Node(rng.IntN(l.r.Size())) }

func (l *load) write(w *writer, rng *rand.Rand) {
	n := w.tried.Add(1)
	id := fmt.Sprintf("%s-%d", w.key, n)
	var over time.Time // when the last tries end
	for {
		if l.stop.Load() && over.IsZero() {
			over = time.Now().Add(lastTries)
		}
		if l.r.ctx.Err() != nil || !over.IsZero() && time.Now().After(over) {
			l.mu.Lock()
			l.stuck = append(l.stuck, id)
			l.mu.Unlock()
			return
		}
		node := l.node(rng)
		if node == nil {
			time.Sleep(think)
			continue
		}
		ctx, cancel := context.WithTimeout(l.r.ctx, tryTime)
		err := node.Set(ctx, id, w.key, number(n))
		cancel()
		if err == nil {
			w.acked.Store(n)
			return
		}
		l.failed(err)
		time.Sleep(think)
	}
}

func (l *load) readOne(w *writer, rng *rand.Rand) {
	node := l.node(rng)
	if node == nil {
		return
	}
	ctx, cancel := context.WithTimeout(l.r.ctx, tryTime)
	defer cancel()
	least := w.acked.Load()
	v, err := node.Get(ctx, w.key)
	most := w.tried.Load()
	if err != nil {
		l.failed(err)
		return
	}
	l.read.Add(1)
	n, _ := strconv.ParseInt(v.Text, 10, 64) // nothing yet is 0
	if n < least || n > most {
		l.wrongly(fmt.Errorf("a read of %s shows %d; %d was acknowledged before, %d tried", w.key, n, least, most))
	}
	if v.Writes != n {
		l.wrongly(fmt.Errorf("%s is %d after %d writes: one took effect twice, or not", w.key, n, v.Writes))
	}
}

// failed counts refusals; anything else is no answer that a client could use.
func (l *load) failed(err error) {
	switch {
	case errors.Is(err, errUnknown):
		l.unknown.Add(1)
	case errors.Is(err, errRefused):
		l.refused.Add(1)
	case l.r.ctx.Err() == nil:
		l.wrongly(fmt.Errorf("neither an answer nor a clear refusal: %w", err))
	}
}

func (l *load) wrongly(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.bad) < 10 {
		l.bad = append(l.bad, err)
	}
}

// wrong is what must not have happened.
func (l *load) wrong() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return errors.Join(l.bad...)
}

func (l *load) unfinished() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.stuck) > 0 {
		return fmt.Errorf("writes without an answer %s after the last fault: %v", lastTries, l.stuck)
	}
	return nil
}

type totals struct{ acked, read, refused, unknown int64 }

func (l *load) totals() totals {
	t := totals{read: l.read.Load(), refused: l.refused.Load(), unknown: l.unknown.Load()}
	for _, w := range l.writers {
		t.acked += w.acked.Load()
	}
	return t
}

// end lets the clients finish what they have begun.
func (l *load) end() {
	l.ended.Do(func() {
		l.stop.Store(true)
		l.wg.Wait()
	})
}
