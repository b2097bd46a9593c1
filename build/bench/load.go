package main

import (
	"context"
	"fmt"
	"log"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// sample is what one measurement found.
type sample struct {
	rate     float64 // successes per second
	p50, p99 time.Duration
	errors   int64
}

// load drives a number of clients at full speed for the duration.
func load(ctx context.Context, c *cluster, clients int, d time.Duration, op func(client, n int) error) sample {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	var failed atomic.Int64
	times := make([][]time.Duration, clients)
	var wg sync.WaitGroup
	begin := time.Now()
	for i := range clients {
		wg.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				t := time.Now()
				if err := op(i, n); err != nil {
					if failed.Add(1) == 1 {
						log.Printf("%s: first error: %v", c.name, err)
					}
					continue
				}
				times[i] = append(times[i], time.Since(t))
			}
		})
	}
	wg.Wait()
	elapsed := time.Since(begin)
	all := slices.Concat(times...)
	slices.Sort(all)
	return sample{float64(len(all)) / elapsed.Seconds(), quantile(all, .5), quantile(all, .99), failed.Load()}
}

// quantile of a sorted list, nearest rank.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// cell is one row of the table: the medians of both programs.
type cell struct {
	what       string
	clients    int
	ours, peer sample
}

// compare measures every cell in turn, ours and the peer alternating, and keeps the median round by rate.
func compare(ctx context.Context, ours, peer *cluster, d time.Duration, rounds int) ([]cell, error) {
	var cells []cell
	for _, kind := range []string{"write", "read none", "read session", "read linearizable"} {
		for _, clients := range []int{1, 16, 64} {
			cl := cell{what: kind, clients: clients}
			var a, b []sample
			for range rounds {
				s, err := measure(ctx, ours, kind, clients, d)
				if err != nil {
					return nil, err
				}
				a = append(a, s)
				if s, err = measure(ctx, peer, kind, clients, d); err != nil {
					return nil, err
				}
				b = append(b, s)
			}
			cl.ours, cl.peer = median(a), median(b)
			log.Printf("%-18s %2d clients: %8.0f/s against %8.0f/s", kind, clients, cl.ours.rate, cl.peer.rate)
			cells = append(cells, cl)
		}
	}
	return cells, nil
}

func median(s []sample) sample {
	slices.SortFunc(s, func(a, b sample) int { return int(a.rate - b.rate) })
	return s[len(s)/2]
}

// measure runs one kind of request against the leader's node for writes, and against all nodes for reads.
func measure(ctx context.Context, c *cluster, kind string, clients int, d time.Duration) (sample, error) {
	lead, err := c.findLeader(ctx)
	if err != nil {
		return sample{}, err
	}
	base := c.nodes[lead].base
	if kind == "write" {
		return load(ctx, c, clients, d, func(i, n int) error {
			req, err := c.write(ctx, base, fmt.Sprintf("k%d-%d", i, n%1000), fmt.Sprintf("value %d", n))
			if err != nil {
				return err
			}
			return c.do(req)
		}), ctx.Err()
	}
	level := kind[len("read "):]
	return load(ctx, c, clients, d, func(i, n int) error {
		req, err := c.read(ctx, base, fmt.Sprintf("k%d-%d", i%64, n%100), level)
		if err != nil {
			return err
		}
		return c.do(req)
	}), ctx.Err()
}

// failover kills the leader again and again while one client writes through any node, and returns the gaps between the
// last success before a kill and the first one after it.
func failover(ctx context.Context, c *cluster, kills int) ([]time.Duration, error) {
	c.http.CloseIdleConnections()
	var gaps []time.Duration
	for k := range kills {
		lead, err := c.findLeader(ctx)
		if err != nil {
			return gaps, err
		}
		if err := c.waitWrite(ctx); err != nil {
			return gaps, err
		}
		gap, err := gapOf(ctx, c, lead, k)
		if err != nil {
			return gaps, err
		}
		gaps = append(gaps, gap)
		if err := c.nodes[lead].start(); err != nil {
			return gaps, err
		}
		if err := c.waitWrite(ctx); err != nil {
			return gaps, err
		}
	}
	return gaps, nil
}

// gapOf writes without pause, kills the leader after half a second, and measures the silence.
func gapOf(ctx context.Context, c *cluster, lead, k int) (time.Duration, error) {
	begin, killed := time.Now(), false
	last, at := time.Now(), lead
	for n := 0; time.Since(begin) < 60*time.Second; n++ {
		if !killed && time.Since(begin) > 500*time.Millisecond {
			c.nodes[lead].kill()
			killed = true
		}
		tctx, cancel := context.WithTimeout(ctx, time.Second)
		req, err := c.write(tctx, c.nodes[at].base, fmt.Sprintf("f%d-%d", k, n), "x")
		if err == nil {
			err = c.do(req)
		}
		cancel()
		if err == nil {
			if killed {
				return time.Since(last), nil
			}
			last = time.Now()
			continue
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		at = (at + 1) % len(c.nodes)
		if c.nodes[at].cmd == nil {
			at = (at + 1) % len(c.nodes)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return 0, fmt.Errorf("no write within a minute of kill %d", k)
}
