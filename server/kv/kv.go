package kv

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"trivium/consensus"
	"trivium/server/store"
)

// Consistency says how fresh a read must be.
type Consistency int

// The levels. Session takes for granted that the caller has waited for what the client has seen.
const (
	Lease Consistency = iota
	Linearizable
	Session
	Stale
)

// Service is the data API of one node. It is safe for concurrent use.
type Service struct {
	store *store.Store
	cache *cache // nil: off
	stop  func()
}

// Config describes a Service.
type Config struct {
	Store      *store.Store
	CacheBytes int64 // of keys and values kept in memory; 0: no cache
}

// pruneEvery is how often the leader removes keys whose time has come while nobody reads or writes.
const pruneEvery = 30 * time.Second

// New makes a Service. Close it.
func New(c Config) *Service {
	s := &Service{store: c.Store, stop: func() {}}
	if c.CacheBytes > 0 {
		s.cache = newCache(c.CacheBytes)
		s.stop = c.Store.DB().Observe(store.KVTopic, s.cache.drop)
	}
	return s
}

// Close ends the observation of the database.
func (s *Service) Close() { s.stop() }

// Prune removes keys whose time has come, as long as this node leads, until ctx ends.
func (s *Service) Prune(ctx context.Context) {
	t := time.NewTicker(pruneEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if s.store.DB().IsLeader() {
			_ = s.store.KVPrune(ctx) // who reads such a key removes it, too
		}
	}
}

// Collectors are the figures of the cache for /metrics.
func (s *Service) Collectors() []prometheus.Collector {
	if s.cache == nil {
		return nil
	}
	return s.cache.collectors()
}

func (c Consistency) level(ctx context.Context) (context.Context, consensus.Level) {
	switch c {
	case Lease:
		return ctx, consensus.Lease
	case Linearizable:
		return ctx, consensus.Linearizable
	case Stale:
		return store.KVStale(ctx), consensus.Local
	}
	return ctx, consensus.Local
}

// Get reads a key. Of one that is not there everything but the key is zero.
func (s *Service) Get(ctx context.Context, scope, key string, c Consistency) (store.KVEntry, error) {
	ctx, level := c.level(ctx)
	get := s.store.KVGet
	if s.cache != nil && c != Stale {
		get = s.cached
	}
	e, err := get(ctx, level, store.KVScope(scope, key))
	e.Key = key
	return e, err
}

func (s *Service) cached(ctx context.Context, level consensus.Level, key string) (store.KVEntry, error) {
	if err := s.store.KVReach(ctx, level); err != nil {
		return store.KVEntry{}, err
	}
	e, ok, f := s.cache.get(key)
	if ok {
		return e, nil
	}
	e, err := s.store.KVGet(ctx, consensus.Local, key)
	s.cache.put(f, e, err == nil && e.ExpiresAt.IsZero())
	return e, err
}

// Put writes a key.
func (s *Service) Put(ctx context.Context, scope string, w store.KVWrite) (store.KVEntry, error) {
	key := w.Key
	w.Key = store.KVScope(scope, key)
	e, err := s.store.KVPut(ctx, w)
	e.Key = key
	return e, err
}

// Delete removes a key and reports whether it was there.
func (s *Service) Delete(ctx context.Context, scope, key string) (bool, error) {
	return s.store.KVDelete(ctx, store.KVScope(scope, key))
}

// CompareAndSet writes the key if the condition holds. If it does not, won is false and the entry is the present one.
func (s *Service) CompareAndSet(ctx context.Context, scope string, w store.KVWrite, c store.KVCondition) (e store.KVEntry, won bool, err error) {
	key := w.Key
	w.Key = store.KVScope(scope, key)
	e, won, err = s.store.KVCompareAndSet(ctx, w, c)
	e.Key = key
	return e, won, err
}

// PutAll writes all keys or none.
func (s *Service) PutAll(ctx context.Context, scope string, writes []store.KVWrite) ([]store.KVEntry, error) {
	scoped := slices.Clone(writes)
	for i := range scoped {
		scoped[i].Key = store.KVScope(scope, writes[i].Key)
	}
	entries, err := s.store.KVPutAll(ctx, scoped)
	for i := range entries {
		entries[i].Key = writes[i].Key
	}
	return entries, err
}

// GetAll reads the keys as they are at one moment. fits is false when their values are too large for one answer.
func (s *Service) GetAll(ctx context.Context, scope string, keys []string, c Consistency) (entries []store.KVEntry, fits bool, err error) {
	ctx, level := c.level(ctx)
	scoped := make([]string, len(keys))
	for i, k := range keys {
		scoped[i] = store.KVScope(scope, k)
	}
	entries, fits, err = s.store.KVGetAll(ctx, level, scoped)
	for i := range entries {
		entries[i].Key = keys[i]
	}
	return entries, fits, err
}

// Page is a part of a list. Next is "" on the last one, else what the next call passes as after.
type Page struct {
	Entries []store.KVEntry
	Next    string
}

// List pages through the keys with the prefix, in the order of their bytes.
func (s *Service) List(ctx context.Context, scope, prefix, after string, limit int, c Consistency) (Page, error) {
	ctx, level := c.level(ctx)
	own := store.KVScope(scope, "")
	entries, next, err := s.store.KVList(ctx, level, own+prefix, own+after, limit)
	for i := range entries {
		entries[i].Key = strings.TrimPrefix(entries[i].Key, own)
	}
	return Page{entries, strings.TrimPrefix(next, own)}, err
}
