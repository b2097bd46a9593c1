package consensus_test

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"trivium/consensus"
	"trivium/consensus/consensustest"
)

// BenchmarkWrite: one INSERT a batch, at the leader and at a follower.
func BenchmarkWrite(b *testing.B) {
	for _, nodes := range []int{1, 3} {
		for _, clients := range []int{1, 64, 256} {
			for _, at := range []string{"leader", "follower"} {
				if nodes == 1 && at == "follower" {
					continue
				}
				b.Run(fmt.Sprintf("nodes=%d/clients=%d/at=%s", nodes, clients, at), func(b *testing.B) {
					c := consensustest.Cluster(b, nodes)
					db := c.Leader().DB
					ctx := context.Background()
					var schema consensus.Batch
					schema.Exec(`CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT) STRICT`)
					if _, err := db.Apply(ctx, &schema); err != nil {
						b.Fatal(err)
					}
					if at == "follower" {
						db = c.Follower().DB
					}
					var next atomic.Int64
					var wg sync.WaitGroup
					b.ReportAllocs()
					b.ResetTimer()
					for range clients {
						wg.Go(func() {
							for n := next.Add(1); n <= int64(b.N); n = next.Add(1) {
								var w consensus.Batch
								w.Exec(`INSERT INTO kv VALUES (?, ?)`, fmt.Sprint("key", n), "value")
								if _, err := db.Apply(ctx, &w); err != nil {
									b.Error(err)
									return
								}
							}
						})
					}
					wg.Wait()
					b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
				})
			}
		}
	}
}

// BenchmarkRead: one row by its key.
func BenchmarkRead(b *testing.B) {
	db := consensustest.Open(b)
	ctx := context.Background()
	var w consensus.Batch
	w.Exec(`CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT) STRICT`)
	w.Exec(`INSERT INTO kv VALUES ('k', 'v')`)
	if _, err := db.Apply(ctx, &w); err != nil {
		b.Fatal(err)
	}
	for name, level := range map[string]consensus.Level{"local": consensus.Local, "linearizable": consensus.Linearizable} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					if _, err := db.Query(ctx, level, `SELECT v FROM kv WHERE k = ?`, "k"); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
