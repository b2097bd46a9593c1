//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

func makeDir(dir string) error { return os.MkdirAll(dir, 0o700) }

// restart writes n entries, kills a node and starts it again.
func (m *meter) restart(ctx context.Context) error {
	lead := m.leader(ctx)
	if lead == nil {
		return errors.New("no leader is known")
	}
	begin := time.Now()
	// Alone, each write is an entry and is followed by another one without effect: so n writes make more than n entries.
	var failed atomic.Int64
	var wg sync.WaitGroup
	const writers = 4
	for w := range writers {
		wg.Go(func() {
			s, value := newSession("writer", operatorToken), "v"
			for i := w; i < m.n && ctx.Err() == nil; i += writers {
				if _, a := callOnce(ctx, m.rig, s, lead.i, api.KVPut, api.KVPutInput{Key: fmt.Sprintf("k%d", i%5000), Value: &value}, ""); a.outcome != done {
					failed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	m.row("%d writes in %.0f s, %d failed, last entry %.0f", m.n, time.Since(begin).Seconds(), failed.Load(), m.value(ctx, lead, "trivium_consensus_applied_index"))
	for i, n := range []*node{m.nodes[(lead.i+1)%3], lead} {
		n.kill()
		begin = time.Now()
		if err := n.start(); err != nil {
			return err
		}
		if err := m.awaitNode(ctx, n, 2*time.Minute); err != nil {
			return err
		}
		m.row("%s after kill -9: ready in %.2f s", []string{"a follower", "the leader"}[i], time.Since(begin).Seconds())
	}
	return nil
}

// value reads a metric of a node.
func (m *meter) value(ctx context.Context, n *node, name string) float64 {
	status, _, body, err := m.send(ctx, m.byHand, n.i, raw{method: "GET", path: "/metrics"})
	if err != nil || status != 200 {
		return -1
	}
	return metric(string(body), name)
}

// join replaces a node of a cluster that holds n MiB by one with an empty disk, under the load mix.
func (m *meter) join(ctx context.Context) error {
	if err := m.populate(ctx); err != nil {
		return err
	}
	if err := m.fill(ctx, m.n); err != nil {
		return err
	}
	loadCtx, stop := context.WithCancel(ctx)
	load := m.load(loadCtx)
	defer func() { stop(); load.Wait() }()
	sleep(ctx, 10*time.Second)
	m.history.mu.Lock()
	calm := percentiles(m.history.writes)
	m.history.writes = nil
	m.history.mu.Unlock()
	lead := m.leader(ctx)
	if lead == nil {
		return errors.New("no leader is known")
	}
	n := m.nodes[(lead.i+1)%len(m.nodes)]
	f := &injection{rig: m.rig, fault: faultByID("F16"), rng: rand.New(rand.NewPCG(m.seed, 2))}
	begin := time.Now()
	if err := f.replace(ctx, n); err != nil {
		return err
	}
	ready := time.Since(begin)
	if err := m.holdsAll(ctx, n, 10*time.Minute); err != nil {
		return err
	}
	m.history.mu.Lock()
	during := percentiles(m.history.writes)
	m.history.mu.Unlock()
	m.row("removed, joined with an empty disk and ready: %.1f s; every byte of %d MiB there after %.1f s", ready.Seconds(), m.n, time.Since(begin).Seconds())
	m.row("writes p99: before %.0f ms, meanwhile %.0f ms", calm["p99"], during["p99"])
	return nil
}

// fill uploads files of 8 MiB.
func (m *meter) fill(ctx context.Context, mib int) error {
	w := m.world
	begin := time.Now()
	data := make([]byte, 8<<20)
	for sum := 0; sum < mib; sum += 8 {
		var seed [32]byte
		copy(seed[:], fmt.Sprintf("fill %d", sum))
		rand.NewChaCha8(seed).Read(data)
		blob := api.NewBlob("filling.bin", int64(len(data)), bytes.NewReader(data))
		in, err := api.HashFile(ctx, blob, nil)
		if err != nil {
			return err
		}
		in.Course = w.course
		c := &client{r: m.rig, s: w.students[0], rng: rand.New(rand.NewPCG(1, uint64(sum)))}
		if _, a := call(ctx, m.rig, c.s, 0, api.DeclareFile, in, lms.NewID()); a.outcome != done {
			return a.err
		}
		for i := range in.Chunks {
			chunk, _ := blob.Slice(i)
			if a := c.sendChunk(ctx, in, i, chunk); a.outcome != done {
				return a.err
			}
		}
		if _, a := call(ctx, m.rig, c.s, 0, api.CompleteFile, api.FilePath{Course: w.course, File: in.ID}, lms.NewID()); a.outcome != done {
			return a.err
		}
		w.submissions = append(w.submissions, &submitted{files: []sent{{id: in.ID, chunks: slices.Clone(in.Chunks)}}})
	}
	m.row("%d MiB uploaded in %.0f s", mib, time.Since(begin).Seconds())
	return nil
}

// holdsAll waits until the node has every chunk that was there when it joined.
func (m *meter) holdsAll(ctx context.Context, n *node, limit time.Duration) error {
	m.world.mu.Lock()
	all := slices.Clone(m.world.submissions)
	m.world.mu.Unlock()
	return eventually(ctx, limit, func() error {
		for _, s := range all {
			for _, f := range s.files {
				for _, chunk := range f.chunks {
					if _, err := os.Stat(n.chunk(chunk)); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
}

// calm loads the cluster for -d without a fault: elections that nothing caused, latency, and what the nodes hold in memory
// on the way. Each sixth of the time has a school of its own: a site grows by people and courses, not by one student's
// hundredth attempt.
func (m *meter) calm(ctx context.Context) error {
	won := func() (sum float64) {
		for _, n := range m.nodes {
			sum += m.value(ctx, n, "trivium_consensus_elections_won_total")
		}
		return sum
	}
	before := won()
	const steps = 6
	for i := range steps {
		if err := m.populate(ctx); err != nil {
			return err
		}
		loadCtx, stop := context.WithTimeout(ctx, m.duration/steps)
		m.load(loadCtx).Wait()
		stop()
		for _, n := range m.nodes {
			m.row("%3.0f %% of %v: %s %4d MiB resident, %4.0f goroutines, %d descriptors", 100*float64(i+1)/steps, m.duration, n.id, n.memory()>>20,
				m.value(ctx, n, "go_goroutines"), n.files())
		}
	}
	m.history.mu.Lock()
	defer m.history.mu.Unlock()
	q := percentiles(m.history.writes)
	m.row("%v: %.0f elections, %d operations (%.0f a second), %.3f %% answered, writes p50 %.1f ms, p99 %.1f ms", m.duration, won()-before,
		m.history.total, float64(m.history.total)/m.duration.Seconds(), 100*float64(m.history.ok)/float64(max(1, m.history.total)), q["p50"], q["p99"])
	return ctx.Err()
}
