package kv

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"trivium/app/lms"
	"trivium/consensus/consensustest"
	"trivium/server/kv/fast"
	"trivium/server/store"
)

const patience = 60 * time.Second

// fastCluster is a cluster whose nodes have fast writes.
type fastCluster struct {
	t     testing.TB
	set   *consensustest.Set
	nodes []fastNode
}

type fastNode struct {
	mu      sync.Mutex
	service *Service // nil while the node is down
	fast    *fast.Node
}

func newFastCluster(t testing.TB, n int) *fastCluster {
	t.Helper()
	c := &fastCluster{t: t, set: consensustest.Cluster(t, n), nodes: make([]fastNode, n)}
	t.Cleanup(func() {
		for i := range c.nodes {
			c.close(i)
		}
	})
	for i := range n {
		c.open(i, true)
	}
	return c
}

func (c *fastCluster) open(i int, enabled bool) {
	c.t.Helper()
	node := c.set.Nodes[i]
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	st, err := store.Open(ctx, node.DB)
	if err != nil {
		c.t.Fatal(err)
	}
	f, err := fast.New(fast.Config{Dir: filepath.Join(node.Dir, "fast"), Enabled: enabled, Network: node.Network, Store: st, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		c.t.Fatal(err)
	}
	n := &c.nodes[i]
	n.mu.Lock()
	defer n.mu.Unlock()
	n.service, n.fast = New(Config{Store: st, Fast: f, CacheBytes: int64(i%2) << 20}), f
}

func (c *fastCluster) close(i int) {
	n := &c.nodes[i]
	n.mu.Lock()
	service, f := n.service, n.fast
	n.service, n.fast = nil, nil
	n.mu.Unlock()
	if service != nil {
		service.Close()
		if err := f.Close(); err != nil {
			c.t.Errorf("close: %v", err)
		}
	}
}

// kill takes the node off the network first, so that it finishes nothing.
func (c *fastCluster) kill(i int) {
	c.t.Helper()
	c.set.Stop(i)
	c.close(i)
}

func (c *fastCluster) restart(i int) {
	c.t.Helper()
	c.set.Restart(i)
	c.set.WaitReady(i)
	c.open(i, true)
}

// service is the service of a node that is up.
func (c *fastCluster) service(i int) *Service {
	n := &c.nodes[i]
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.service
}

// waitOn waits until a write is fast at the leader.
func (c *fastCluster) waitOn() {
	c.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		s := c.service(c.set.Index(c.set.Leader()))
		if _, fast, err := s.PutFast(c.t.Context(), "", store.KVWrite{Key: "probe" + fmt.Sprint(rand.Int()), Value: "v"}); err == nil && fast {
			return
		}
	}
	c.t.Fatal("no write is fast")
}

func TestFastWrites(t *testing.T) {
	for _, n := range []int{3, 5} {
		t.Run(fmt.Sprint(n, " nodes"), func(t *testing.T) {
			c := newFastCluster(t, n)
			c.waitOn()
			ctx := t.Context()
			fasts := 0
			for i := range 60 {
				w := store.KVWrite{Key: fmt.Sprint("k", i%20), Value: fmt.Sprint(i)}
				s := c.service(i % n)
				_, isFast, err := s.PutFast(ctx, "scope", w)
				if err != nil {
					t.Fatal(err)
				}
				if isFast {
					fasts++
				}
				reader := c.service((i + 1) % n)
				switch i % 5 { // whatever comes next comes behind it
				case 0:
					e, won, err := reader.CompareAndSet(ctx, "scope", store.KVWrite{Key: w.Key, Value: "cas"}, store.KVCondition{Value: &w.Value})
					if err != nil || !won {
						t.Fatalf("a comparison behind write %d: %+v %v", i, e, err)
					}
				case 1:
					if found, err := reader.Delete(ctx, "scope", w.Key); err != nil || !found {
						t.Fatalf("a deletion behind write %d: %v %v", i, found, err)
					}
				case 2:
					entries, _, err := reader.GetAll(ctx, "scope", []string{"none", w.Key}, Session)
					if err != nil || entries[1].Value != w.Value || entries[1].Key != w.Key {
						t.Fatalf("several keys behind write %d: %+v %v", i, entries, err)
					}
				case 3:
					p, err := reader.List(ctx, "scope", w.Key, "", 100, Linearizable)
					if err != nil || len(p.Entries) == 0 || p.Entries[0].Value != w.Value {
						t.Fatalf("a list behind write %d: %+v %v", i, p, err)
					}
				default:
					if _, err := reader.Put(ctx, "scope", store.KVWrite{Key: w.Key, Value: "last"}); err != nil {
						t.Fatal(err)
					}
					if e, err := s.Get(ctx, "scope", w.Key, Session); err != nil || e.Value != "last" {
						t.Fatalf("an ordinary write behind write %d: %+v %v", i, e, err)
					}
				}
			}
			if fasts < 20 {
				t.Errorf("%d of 60 writes were fast", fasts)
			}
			c.set.WaitEqual()
		})
	}
}

// A repeat of a request is done once, and one of another content is refused, whether it was fast or not.
func TestFastWritesAreDoneOnce(t *testing.T) {
	c := newFastCluster(t, 3)
	c.waitOn()
	s := c.service(c.set.Index(c.set.Leader()))
	put := func(key, value string, fast bool) error {
		ctx := store.WithRequest(t.Context(), store.Request{Key: key, Digest: []byte(value)})
		w := store.KVWrite{Key: "k", Value: value}
		if !fast {
			_, err := s.Put(ctx, "", w)
			return err
		}
		_, _, err := s.PutFast(ctx, "", w)
		return err
	}
	get := func(want string) {
		t.Helper()
		if e, err := s.Get(t.Context(), "", "k", Lease); err != nil || e.Value != want {
			t.Fatalf("%+v %v, want %q", e, err, want)
		}
	}
	check := func(err, want error) {
		t.Helper()
		if !errors.Is(err, want) {
			t.Fatalf("%v, want %v", err, want)
		}
	}
	check(put("r1", "one", true), nil)
	get("one")
	check(put("r2", "two", true), nil)
	check(put("r1", "one", true), nil) // again: it was before the other
	get("two")
	check(put("r1", "one", false), nil)
	get("two")
	check(put("r1", "other", true), lms.ErrKeyReused)
	check(put("r3", "three", false), nil)
	check(put("r2", "two", true), nil)
	get("three")
}

// Without a node, a write takes its time but not more, is there, and fast ones come back with the node.
func TestFastWritesWithoutANode(t *testing.T) {
	c := newFastCluster(t, 3)
	c.waitOn()
	down := c.set.Index(c.set.Follower())
	c.kill(down)
	leader := c.set.Index(c.set.Leader())
	s := c.service(leader)
	for i := range 30 {
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		start := time.Now()
		e, isFast, err := s.PutFast(ctx, "", store.KVWrite{Key: fmt.Sprint("k", i%7), Value: fmt.Sprint(i)})
		cancel()
		if err != nil || isFast || e.Version == 0 {
			t.Fatalf("write %d: %+v fast %v, %v", i, e, isFast, err)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("write %d took %s", i, took)
		}
		if e, err := s.Get(t.Context(), "", fmt.Sprint("k", i%7), Lease); err != nil || e.Value != fmt.Sprint(i) {
			t.Fatalf("write %d: %+v %v", i, e, err)
		}
	}
	c.restart(down)
	c.waitOn()
}

// One node without the flag, and nobody has fast writes; what was acknowledged before is there.
func TestFastWritesNeedEveryNode(t *testing.T) {
	c := newFastCluster(t, 3)
	c.waitOn()
	without := c.set.Index(c.set.Follower())
	c.close(without)
	c.open(without, false)
	for i := range 20 {
		s := c.service(i % 3)
		key := fmt.Sprint("k", i)
		if _, isFast, err := s.PutFast(t.Context(), "", store.KVWrite{Key: key, Value: "v"}); err != nil || isFast {
			t.Fatalf("write %d: fast %v, %v", i, isFast, err)
		}
		if e, err := c.service((i+1)%3).Get(t.Context(), "", key, Lease); err != nil || e.Value != "v" {
			t.Fatalf("write %d: %+v %v", i, e, err)
		}
	}
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) { // and they are told off
		on, err := c.nodes[without].fast.On(t.Context())
		if err == nil && !on {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("on: %v %v", on, err)
		}
	}
}

type registerInput struct {
	write bool
	key   string
	value string
}

var fastRegisters = porcupine.Model{
	Partition: func(history []porcupine.Operation) [][]porcupine.Operation {
		byKey := map[string][]porcupine.Operation{}
		for _, o := range history {
			k := o.Input.(registerInput).key
			byKey[k] = append(byKey[k], o)
		}
		var parts [][]porcupine.Operation
		for _, p := range byKey {
			parts = append(parts, p)
		}
		return parts
	},
	Init: func() any { return "" },
	Step: func(state, input, output any) (bool, any) {
		if in := input.(registerInput); in.write {
			return true, in.value
		}
		return state == output, state
	},
}

// history records what clients do and see.
type history struct {
	mu    sync.Mutex
	start time.Time
	ops   []porcupine.Operation
}

func (h *history) now() int64 { return int64(time.Since(h.start)) }

func (h *history) add(client int, in registerInput, call int64, out string, known bool) {
	end := h.now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if !known {
		if !in.write {
			return
		}
		end = 1 << 62 // it may still happen
	}
	h.ops = append(h.ops, porcupine.Operation{ClientId: client, Input: in, Call: call, Output: out, Return: end})
}

// The leader is killed again and again right behind fast acknowledgements, while clients write and read the same keys
// through all nodes. What was acknowledged is there, and all of it has one order.
func TestFastWritesSurviveTheirLeader(t *testing.T) {
	for _, n := range []int{3, 5} {
		t.Run(fmt.Sprint(n, " nodes"), func(t *testing.T) { surviveLeader(t, n) })
	}
}

func surviveLeader(t *testing.T, n int) {
	c := newFastCluster(t, n)
	c.waitOn()
	h := &history{start: time.Now()}
	var fasts, id atomic.Int64
	var stop atomic.Bool
	var wg sync.WaitGroup
	for client := range 8 {
		wg.Go(func() {
			for !stop.Load() {
				s := c.service(rand.IntN(n))
				if s == nil {
					time.Sleep(time.Millisecond)
					continue
				}
				ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
				in := registerInput{write: rand.IntN(2) == 0, key: fmt.Sprint("k", rand.IntN(6)), value: fmt.Sprint(id.Add(1))}
				call := h.now()
				if in.write {
					isFast, err := false, error(nil)
					if rand.IntN(4) == 0 {
						_, err = s.Put(ctx, "", store.KVWrite{Key: in.key, Value: in.value})
					} else if _, isFast, err = s.PutFast(ctx, "", store.KVWrite{Key: in.key, Value: in.value}); isFast {
						fasts.Add(1)
					}
					h.add(client, in, call, "", err == nil)
				} else {
					e, err := s.Get(ctx, "", in.key, []Consistency{Lease, Linearizable}[rand.IntN(2)])
					h.add(client, in, call, e.Value, err == nil)
				}
				cancel()
			}
		})
	}
	kept := 0
	for round := range 6 {
		leader := c.set.Index(c.set.Leader())
		s := c.service(leader)
		var acked []string
		for i := range 30 { // keys of their own: each must be there
			key := fmt.Sprint("round", round, "/", i)
			if _, isFast, err := s.PutFast(t.Context(), "", store.KVWrite{Key: key, Value: key}); err == nil && isFast {
				acked = append(acked, key)
			}
		}
		c.kill(leader)
		for _, key := range acked {
			s := c.service((leader + 1 + rand.IntN(n-1)) % n)
			if e, err := s.Get(t.Context(), "", key, Lease); err != nil || e.Value != key {
				t.Errorf("%s was acknowledged: %+v %v", key, e, err)
			}
		}
		kept += len(acked)
		c.restart(leader)
		c.waitOn()
	}
	stop.Store(true)
	wg.Wait()
	result := porcupine.CheckOperationsTimeout(fastRegisters, h.ops, 60*time.Second)
	t.Logf("%d operations, %d fast writes among them, %d acknowledged before a leader was killed: %s", len(h.ops), fasts.Load(), kept, result)
	if result != porcupine.Ok {
		t.Errorf("the history is %s", result)
	}
	if kept < 20 || fasts.Load() < 5 {
		t.Error("void: too few writes were fast")
	}
	c.set.WaitEqual()
}
