package kv

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trivium/server/store"
)

// BenchmarkPut compares fast writes with ordinary ones on nodes of one process: at the leader, from one and from sixteen
// clients, each with keys of its own, and once with a read of the key behind each write. The load programs of
// build/bench can compare the same over HTTP: add ?fast=true to the path of a put.
func BenchmarkPut(b *testing.B) {
	for _, nodes := range []int{3, 5} {
		c := newFastCluster(b, nodes)
		c.waitOn()
		s := c.service(c.set.Index(c.set.Leader()))
		for _, clients := range []int{1, 16} {
			for _, read := range []bool{false, true} {
				for _, fast := range []bool{false, true} {
					name := fmt.Sprintf("nodes=%d/clients=%d/read=%v/fast=%v", nodes, clients, read, fast)
					b.Run(name, func(b *testing.B) { benchmarkPut(b, s, clients, read, fast) })
				}
			}
		}
	}
}

func benchmarkPut(b *testing.B, s *Service, clients int, read, fast bool) {
	var next, fasts atomic.Int64
	took := make([]time.Duration, b.N)
	var wg sync.WaitGroup
	b.ResetTimer()
	for client := range clients {
		wg.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= b.N {
					return
				}
				w := store.KVWrite{Key: fmt.Sprint("bench", client, "/", i%512), Value: "a value of about forty bytes for the key"}
				start, isFast, err := time.Now(), false, error(nil)
				if fast {
					_, isFast, err = s.PutFast(b.Context(), "", w)
				} else {
					_, err = s.Put(b.Context(), "", w)
				}
				if err == nil && read {
					_, err = s.Get(b.Context(), "", w.Key, Lease)
				}
				took[i] = time.Since(start)
				if err != nil {
					b.Error(err)
					return
				}
				if isFast {
					fasts.Add(1)
				}
			}
		})
	}
	wg.Wait()
	b.StopTimer()
	slices.Sort(took)
	b.ReportMetric(float64(took[b.N/2].Microseconds()), "p50-µs")
	b.ReportMetric(float64(took[b.N*99/100].Microseconds()), "p99-µs")
	b.ReportMetric(100*float64(fasts.Load())/float64(b.N), "%fast")
}
