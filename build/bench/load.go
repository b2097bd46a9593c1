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
	cpu      time.Duration // of all nodes, a success
	errors   int64
}

// workload is a kind of request.
type workload struct {
	write bool
	level string // of a read
	all   bool   // the clients are spread over all nodes; else all go to the leader's
}

func (w workload) String() string {
	name := "read " + w.level
	if w.write {
		name = "write"
	}
	if w.all {
		name += ", all nodes"
	}
	return name
}

// cell is one row of the table: the medians of both programs.
type cell struct {
	workload
	clients    int
	ours, peer sample
}

// cells is what is measured.
func cells() []cell {
	var list []cell
	for _, k := range []workload{{write: true}, {write: true, all: true}, {level: "none"}, {level: "session"}, {level: "session", all: true}, {level: "linearizable"}} {
		for _, clients := range []int{1, 16, 64} {
			if !k.all || clients > 1 {
				list = append(list, cell{workload: k, clients: clients})
			}
		}
	}
	return list
}

// compare measures every cell in turn, ours and the peer alternating, and keeps the median round by rate.
func compare(ctx context.Context, ours, peer *cluster, list []cell, d time.Duration, rounds int) error {
	for i := range list {
		cl := &list[i]
		var a, b []sample
		for range rounds {
			for _, side := range []struct {
				c    *cluster
				into *[]sample
			}{{ours, &a}, {peer, &b}} {
				s, err := measure(ctx, side.c, cl.workload, cl.clients, d)
				if err != nil {
					return fmt.Errorf("%s, %d clients: %w", cl.workload, cl.clients, err)
				}
				*side.into = append(*side.into, s)
			}
		}
		cl.ours, cl.peer = median(a), median(b)
		log.Printf("%-24s %2d clients: %8.0f/s against %8.0f/s, %.2f", cl.workload, cl.clients, cl.ours.rate, cl.peer.rate, cl.ours.rate/cl.peer.rate)
	}
	return nil
}

// median is the median round by rate, with the errors of all.
func median(s []sample) sample {
	var failed int64
	for _, r := range s {
		failed += r.errors
	}
	slices.SortFunc(s, func(a, b sample) int { return int(a.rate - b.rate) })
	m := s[len(s)/2]
	m.errors = failed
	return m
}

const requestLimit = 15 * time.Second

// measure drives a number of clients at full speed for the duration.
func measure(ctx context.Context, c *cluster, w workload, clients int, d time.Duration) (sample, error) {
	lead, err := c.findLeader(ctx)
	if err != nil {
		return sample{}, err
	}
	var failed atomic.Int64
	times := make([][]time.Duration, clients)
	var wg, ready sync.WaitGroup
	ready.Add(clients)
	begin := make(chan struct{})
	var until time.Time // set before begin is closed
	for i := range clients {
		wg.Go(func() {
			node := lead
			if w.all {
				node = i % len(c.nodes)
			}
			cl := c.client(node)
			defer cl.close()
			// The connection stands before the clock runs, and the client has a write that its session reads must show.
			first, err := cl.do(c.write(keyOf(i, 0), "first"), requestLimit)
			ready.Done()
			<-begin
			for n := 0; ctx.Err() == nil && time.Now().Before(until); n++ {
				t := time.Now()
				if err == nil {
					_, err = cl.do(w.call(c, i, n, first.index), requestLimit)
				}
				if err != nil {
					if failed.Add(1) == 1 {
						log.Printf("%s, %d clients, first error: %v", w, clients, err)
					}
					err = nil
					continue
				}
				times[i] = append(times[i], time.Since(t))
			}
		})
	}
	ready.Wait()
	start, used := time.Now(), c.cpu()
	until = start.Add(d)
	close(begin)
	wg.Wait()
	elapsed := time.Since(start)
	used = c.cpu() - used
	all := slices.Concat(times...)
	slices.Sort(all)
	return sample{rate: float64(len(all)) / elapsed.Seconds(), p50: quantile(all, .5), p99: quantile(all, .99),
		cpu: used / time.Duration(max(1, len(all))), errors: failed.Load()}, ctx.Err()
}

func keyOf(client, n int) string { return fmt.Sprintf("k%d-%d", client, n%100) }

func (w workload) call(c *cluster, client, n int, index uint64) call {
	if w.write {
		return c.write(keyOf(client, n), fmt.Sprintf("value %d", n))
	}
	k := c.read(keyOf(client, n), w.level)
	if w.level == "session" {
		k.index = index
	}
	return k
}

// quantile of a sorted list, nearest rank.
func quantile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}
