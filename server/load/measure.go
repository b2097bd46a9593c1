package load

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Data is what the requests are about: Keys keys with values of Value bytes each, chosen by the seed.
type Data struct {
	Seed  uint64
	Keys  int
	Value int
}

func (d Data) key(n int) string { return fmt.Sprintf("bench-%d-%d", d.Seed, n) }

func (d Data) value() string { return strings.Repeat("v", d.Value) }

// Workload is a kind of requests: writes, reads, or both. The zero value reads.
type Workload struct {
	Writes int    // percent of the requests
	Recent int    // percent of the reads that hit the key which was written last; the others hit any
	Level  string // of a read, in the cluster's words
	Spread bool   // the clients are spread over all nodes; else all go to the leader's
}

// Sample is what one measurement found. Rate and latencies are those of successes.
type Sample struct {
	Rate                float64 // a second
	Successes           int64
	Redirects, Errors   int64
	First               string        // error, if there was one
	CPU                 time.Duration // of all nodes that are ours, a success
	P50, P95, P99       time.Duration
	Reads, Writes       int64
	ReadsP99, WritesP99 time.Duration
}

const requestLimit = 15 * time.Second

// pool is how many clients prepare and clean up.
const pool = 16

// Prepare writes every key of the data once.
func (c *Cluster) Prepare(ctx context.Context, d Data) error {
	return c.each(ctx, d, func(key string) Call { return c.Write(key, d.value()) })
}

// Clean deletes every key of the data.
func (c *Cluster) Clean(ctx context.Context, d Data) error {
	if c.Delete == nil {
		return nil
	}
	return c.each(ctx, d, c.Delete)
}

// each sends one request a key through the leader, and repeats it while the cluster has none.
func (c *Cluster) each(ctx context.Context, d Data, call func(key string) Call) error {
	lead, err := c.FindLeader(ctx)
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	errs := make([]error, pool)
	for i := range pool {
		wg.Go(func() {
			cl := c.Client(lead)
			defer cl.Close()
			for n := i; n < d.Keys && errs[i] == nil; n += pool {
				_, errs[i] = Poll(ctx, func() (Answer, error) {
					a, err := cl.Do(call(d.key(n)), requestLimit)
					if err != nil {
						cl.move(err)
					}
					return a, err
				})
			}
		})
	}
	wg.Wait()
	return errors.Join(errs...)
}

// worker is one client of a measurement. Its choices depend on the seed alone.
type worker struct {
	*Client
	w      Workload
	d      Data
	random *rand.Rand
	latest *atomic.Int64 // the key that was written last, by any client
	seen   uint64        // index of its own last write

	reads, writes     []time.Duration
	redirects, errors int64
	first             error
}

func (c *Cluster) worker(i, node int, w Workload, d Data, latest *atomic.Int64) *worker {
	return &worker{Client: c.Client(node), w: w, d: d, latest: latest, random: rand.New(rand.NewPCG(d.Seed, uint64(i)))}
}

// next makes one request and says whether it succeeded.
func (k *worker) next(limit time.Duration) error {
	n, write := k.random.IntN(k.d.Keys), k.random.IntN(100) < k.w.Writes
	if !write && k.random.IntN(100) < k.w.Recent {
		n = int(k.latest.Load())
	}
	var call Call
	if write {
		call = k.c.Write(k.d.key(n), k.d.value())
	} else {
		call = k.c.Read(k.d.key(n), k.w.Level)
		call.Index = k.seen
	}
	start := time.Now()
	a, err := k.Do(call, limit)
	took := time.Since(start)
	elsewhere := (*Redirect)(nil)
	switch {
	case errors.As(err, &elsewhere):
		k.redirects++
	case err != nil:
		k.errors++
		if k.first == nil {
			k.first = err
		}
	case write:
		k.seen = max(k.seen, a.Index)
		k.latest.Store(int64(n))
		k.writes = append(k.writes, took)
	default:
		k.reads = append(k.reads, took)
	}
	return err
}

// Measure drives a number of clients at full speed for the duration.
func (c *Cluster) Measure(ctx context.Context, w Workload, d Data, clients int, length time.Duration) (Sample, error) {
	lead, err := c.FindLeader(ctx)
	if err != nil {
		return Sample{}, err
	}
	var latest atomic.Int64
	var wg, ready sync.WaitGroup
	ready.Add(clients)
	begin := make(chan struct{})
	var until time.Time // set before begin is closed
	workers := make([]*worker, clients)
	for i := range workers {
		node := lead
		if w.Spread {
			node = i % len(c.Nodes)
		}
		k := c.worker(i, node, w, d, &latest)
		workers[i] = k
		wg.Go(func() {
			defer k.Close()
			// The connection stands before the clock runs, and the client has a write that its session reads must show.
			if a, err := k.Do(c.Write(d.key(i%d.Keys), d.value()), requestLimit); err == nil {
				k.seen = a.Index
			}
			ready.Done()
			<-begin
			for ctx.Err() == nil && time.Now().Before(until) {
				if err := k.next(requestLimit); err != nil {
					k.move(err)
				}
			}
		})
	}
	ready.Wait()
	start, used := time.Now(), c.cpu()
	until = start.Add(length)
	close(begin)
	wg.Wait()
	elapsed := time.Since(start)
	used = c.cpu() - used
	s := summarise(workers, elapsed)
	s.CPU = used / time.Duration(max(1, s.Successes))
	return s, ctx.Err()
}

func summarise(workers []*worker, elapsed time.Duration) (s Sample) {
	var reads, writes []time.Duration
	for _, k := range workers {
		reads, writes = append(reads, k.reads...), append(writes, k.writes...)
		s.Redirects += k.redirects
		s.Errors += k.errors
		if s.First == "" && k.first != nil {
			s.First = k.first.Error()
		}
	}
	all := slices.Concat(reads, writes)
	for _, list := range [][]time.Duration{reads, writes, all} {
		slices.Sort(list)
	}
	s.Successes, s.Reads, s.Writes = int64(len(all)), int64(len(reads)), int64(len(writes))
	s.Rate = float64(len(all)) / elapsed.Seconds()
	s.P50, s.P95, s.P99 = Quantile(all, .5), Quantile(all, .95), Quantile(all, .99)
	s.ReadsP99, s.WritesP99 = Quantile(reads, .99), Quantile(writes, .99)
	return s
}

// Quantile of a sorted list, nearest rank; 0 of an empty one.
func Quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}
