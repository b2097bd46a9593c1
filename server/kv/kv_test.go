package kv

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"trivium/consensus"
	"trivium/consensus/consensustest"
	"trivium/server/store"
)

// services opens a service on each node.
func services(t *testing.T, set *consensustest.Set, cache int64) []*Service {
	t.Helper()
	var all []*Service
	for _, n := range set.Nodes {
		st, err := store.Open(t.Context(), n.DB)
		if err != nil {
			t.Fatal(err)
		}
		s := New(Config{Store: st, CacheBytes: cache})
		t.Cleanup(s.Close)
		all = append(all, s)
	}
	return all
}

func put(t *testing.T, s *Service, scope, key, value string) {
	t.Helper()
	if _, err := s.Put(t.Context(), scope, store.KVWrite{Key: key, Value: value}); err != nil {
		t.Fatal(err)
	}
}

// TestFreshReads: with and without the cache, on every node, no read of the default level or the linearizable one returns
// less than what was acknowledged before it began, and no session goes back, while writers and deletions run.
func TestFreshReads(t *testing.T) {
	for name, cache := range map[string]int64{"without a cache": 0, "with a cache": 1 << 20, "with a cache that overflows": 3000} {
		t.Run(name, func(t *testing.T) {
			set := consensustest.Cluster(t, 3)
			all := services(t, set, cache)
			ctx, end := t.Context(), time.Now().Add(3*time.Second) // every write is answered before the nodes are compared
			running := func() bool { return time.Now().Before(end) }
			const keys = 8
			var acked [keys]struct {
				sync.Mutex
				n int
			}
			var wg sync.WaitGroup
			for k := range keys {
				key := fmt.Sprint("k", k)
				wg.Go(func() { // the only writer of the key: its values count up
					for n := 1; running(); n++ {
						s := all[rand.IntN(len(all))]
						var err error
						if n%7 == 0 {
							_, err = s.PutAll(ctx, "", []store.KVWrite{{Key: key, Value: strconv.Itoa(n)}, {Key: key + "/copy", Value: strconv.Itoa(n)}})
						} else {
							_, err = s.Put(ctx, "", store.KVWrite{Key: key, Value: strconv.Itoa(n)})
						}
						if err != nil {
							t.Error(err)
							return
						}
						acked[k].Lock()
						acked[k].n = n
						acked[k].Unlock()
					}
				})
			}
			reads := 0
			var mu sync.Mutex
			for i, s := range all {
				for range 2 {
					wg.Go(func() {
						seen := [keys]int{}
						for running() {
							k := rand.IntN(keys)
							level := Consistency(rand.IntN(3))
							acked[k].Lock()
							least := acked[k].n
							acked[k].Unlock()
							if level == Session {
								least = seen[k]
							}
							e, err := s.Get(ctx, "", fmt.Sprint("k", k), level)
							if err != nil {
								t.Error(err)
								return
							}
							n, _ := strconv.Atoi(e.Value)
							if n < least {
								t.Errorf("node %d at level %d: k%d is %d, at least %d was to be seen", i, level, k, n, least)
								return
							}
							seen[k] = n
							mu.Lock()
							reads++
							mu.Unlock()
						}
					})
				}
			}
			wg.Wait()
			if reads < 100 {
				t.Errorf("only %d reads", reads)
			}
			for _, s := range all { // at rest, every node and both ways of reading agree
				for k := range keys {
					key := fmt.Sprint("k", k)
					want, err := s.store.KVGet(t.Context(), consensus.Linearizable, key)
					if err != nil {
						t.Fatal(err)
					}
					for range 2 {
						if got, err := s.Get(t.Context(), "", key, Linearizable); err != nil || got.Value != want.Value || got.Version != want.Version {
							t.Errorf("%s: %+v, %v, without the cache %+v", key, got, err, want)
						}
					}
				}
				if s.cache != nil && s.cache.size > cache {
					t.Errorf("the cache has %d bytes, at most %d", s.cache.size, cache)
				}
			}
		})
	}
}

func TestCacheHits(t *testing.T) {
	all := services(t, consensustest.Cluster(t, 1), 100_000)
	s := all[0]
	get := func(key, want string) {
		t.Helper()
		if e, err := s.Get(t.Context(), "", key, Session); err != nil || e.Value != want || e.Found != (want != "") {
			t.Errorf("%s: %+v, %v, want %q", key, e, err, want)
		}
	}
	hits := s.cache.hits.Load
	put(t, s, "", "k", "one")
	get("k", "one")
	get("k", "one")
	get("none", "")
	get("none", "")
	if hits() != 2 {
		t.Errorf("%d hits, want 2", hits())
	}
	put(t, s, "", "k", "two")
	put(t, s, "", "none", "now")
	get("k", "two")
	get("none", "now")
	if _, err := s.Delete(t.Context(), "", "k"); err != nil {
		t.Fatal(err)
	}
	get("k", "")
	if _, err := s.Put(t.Context(), "", store.KVWrite{Key: "short", Value: "v", TTL: time.Hour}); err != nil {
		t.Fatal(err)
	}
	before := hits()
	get("short", "v")
	get("short", "v")
	if hits() != before {
		t.Error("a key that expires is kept: this node would not see it go")
	}
	for i := range 1000 {
		put(t, s, "", fmt.Sprint("k", i), strings.Repeat("x", 100))
		get(fmt.Sprint("k", i), strings.Repeat("x", 100))
	}
	if s.cache.size > s.cache.max || s.cache.used.Len() != len(s.cache.byKey) || s.cache.used.Len() < 100 || len(s.cache.open) != 0 {
		t.Errorf("%d bytes in %d entries (%d by key), %d reads open", s.cache.size, s.cache.used.Len(), len(s.cache.byKey), len(s.cache.open))
	}
}

// A change between the read of the database and put must not be overtaken by it.
func TestCacheLeavesWhatChangedMeanwhile(t *testing.T) {
	c := newCache(10_000)
	old := store.KVEntry{Key: "k", Value: "old", Found: true}
	_, _, f := c.get("k")
	c.drop([]string{store.KVTopic + "k"})
	_, _, g := c.get("k") // reads what the change has left
	c.put(f, old, true)
	if _, ok, h := c.get("k"); ok {
		t.Fatal("the old value is kept")
	} else {
		c.put(h, store.KVEntry{}, false)
	}
	c.put(g, store.KVEntry{Key: "k", Value: "new", Found: true}, true)
	if e, ok, _ := c.get("k"); !ok || e.Value != "new" {
		t.Errorf("%+v %v", e, ok)
	}
	_, _, f = c.get("other")
	c.drop(nil)
	c.put(f, old, true)
	if len(c.byKey) != 0 || c.size != 0 || len(c.open) != 0 {
		t.Errorf("after a restored snapshot %v are kept", c.byKey)
	}
}

func TestScopes(t *testing.T) {
	all := services(t, consensustest.Cluster(t, 1), 0)
	s, ctx := all[0], t.Context()
	for _, scope := range []string{"", "a", "ab"} {
		put(t, s, scope, "key", "of "+scope)
	}
	for _, scope := range []string{"", "a", "ab"} {
		e, err := s.Get(ctx, scope, "key", Lease)
		if err != nil || e.Key != "key" || e.Value != "of "+scope {
			t.Errorf("scope %q: %+v %v", scope, e, err)
		}
		p, err := s.List(ctx, scope, "", "", 10, Session)
		if err != nil || len(p.Entries) != 1 || p.Entries[0].Key != "key" || p.Entries[0].Value != "of "+scope || p.Next != "" {
			t.Errorf("scope %q: %+v %v", scope, p, err)
		}
		m, fits, err := s.GetAll(ctx, scope, []string{"key", "b\x01key"}, Linearizable)
		if err != nil || !fits || m[0].Key != "key" || m[0].Value != "of "+scope || m[1].Found {
			t.Errorf("scope %q: %+v %v", scope, m, err)
		}
	}
	if found, err := s.Delete(ctx, "a", "key"); !found || err != nil {
		t.Error(found, err)
	}
	if e, err := s.Get(ctx, "ab", "key", Lease); !e.Found || err != nil {
		t.Errorf("the key of another scope is gone: %+v %v", e, err)
	}
}
