package kv

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/kv/fast"
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
	cache *cache     // nil: off
	fast  *fast.Node // nil: nobody has fast writes
	stop  func()
}

// Config describes a Service.
type Config struct {
	Store      *store.Store
	CacheBytes int64 // of keys and values kept in memory; 0: no cache
	Fast       *fast.Node
}

// pruneEvery is how often the leader removes keys whose time has come while nobody reads or writes.
const pruneEvery = 30 * time.Second

// New makes a Service. Close it.
func New(c Config) *Service {
	s := &Service{store: c.Store, fast: c.Fast, stop: func() {}}
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

// reach waits until this node has what the level demands of the keys with their scopes, or of all, and returns the
// context and the level to read them with.
func (s *Service) reach(ctx context.Context, c Consistency, keys ...string) (context.Context, consensus.Level, error) {
	ctx, level := c.level(ctx)
	if s.fast == nil || c == Stale {
		return ctx, level, nil
	}
	on, err := s.fast.On(ctx)
	if err == nil && !on && level != consensus.Local {
		if err = s.store.KVReach(ctx, level); err == nil {
			on, err = s.fast.On(ctx) // what was on before the read began is known now
		}
	}
	if err == nil && on {
		if level == consensus.Local { // what a session has seen may have no place yet
			level = consensus.Lease
		}
		err = s.fast.Read(ctx, keys, level)
	}
	return ctx, consensus.Local, err
}

// write calls do, which writes the keys, behind what is pending of them.
func (s *Service) write(ctx context.Context, do func(context.Context) error, keys ...string) error {
	if s.fast != nil {
		on, err := s.fast.On(ctx)
		if err != nil {
			return err
		}
		if on {
			return s.fast.Write(ctx, keys, do)
		}
	}
	return do(ctx)
}

// Get reads a key. Of one that is not there everything but the key is zero.
func (s *Service) Get(ctx context.Context, scope, key string, c Consistency) (store.KVEntry, error) {
	scoped := store.KVScope(scope, key)
	ctx, level, err := s.reach(ctx, c, scoped)
	if err != nil {
		return store.KVEntry{Key: key}, err
	}
	get := s.store.KVGet
	if s.cache != nil && c != Stale {
		get = s.cached
	}
	e, err := get(ctx, level, scoped)
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
func (s *Service) Put(ctx context.Context, scope string, w store.KVWrite) (e store.KVEntry, err error) {
	key := w.Key
	w.Key = store.KVScope(scope, key)
	err = s.write(ctx, func(ctx context.Context) error {
		e, err = s.store.KVPut(ctx, w)
		return err
	}, w.Key)
	e.Key = key
	return e, err
}

// PutFast writes a key and may return before the write has its place in the log: then the entry has no version, and
// accepted is true. Whatever does not allow that makes it an ordinary write: fast writes are off, a node is missing, the
// key has a pending write, or an expiry.
func (s *Service) PutFast(ctx context.Context, scope string, w store.KVWrite) (e store.KVEntry, accepted bool, err error) {
	on := false
	if s.fast != nil && w.TTL == 0 {
		if on, err = s.fast.On(ctx); err != nil {
			return store.KVEntry{}, false, err
		}
	}
	if !on {
		e, err = s.Put(ctx, scope, w)
		return e, false, err
	}
	op := fast.NewOp(ctx, store.KVScope(scope, w.Key), w.Value)
	if e, ok := s.fast.Put(ctx, op); ok {
		e.Key, e.Value = w.Key, w.Value
		return e, e.Version == 0, nil
	}
	e, err = s.Put(store.WithRequest(ctx, store.Request{Key: op.Request, Digest: op.Digest}), scope, w)
	if errors.Is(err, lms.ErrUnavailable) { // a node may keep it, and the next leader may give it a place
		err = errors.Join(lms.ErrUnknown, err)
	}
	return e, false, err
}

// Delete removes a key and reports whether it was there.
func (s *Service) Delete(ctx context.Context, scope, key string) (found bool, err error) {
	key = store.KVScope(scope, key)
	err = s.write(ctx, func(ctx context.Context) error {
		found, err = s.store.KVDelete(ctx, key)
		return err
	}, key)
	return found, err
}

// CompareAndSet writes the key if the condition holds. If it does not, won is false and the entry is the present one.
func (s *Service) CompareAndSet(ctx context.Context, scope string, w store.KVWrite, c store.KVCondition) (e store.KVEntry, won bool, err error) {
	key := w.Key
	w.Key = store.KVScope(scope, key)
	err = s.write(ctx, func(ctx context.Context) error {
		e, won, err = s.store.KVCompareAndSet(ctx, w, c)
		return err
	}, w.Key)
	e.Key = key
	return e, won, err
}

// PutAll writes all keys or none.
func (s *Service) PutAll(ctx context.Context, scope string, writes []store.KVWrite) (entries []store.KVEntry, err error) {
	scoped, keys := slices.Clone(writes), make([]string, len(writes))
	for i := range scoped {
		keys[i] = store.KVScope(scope, writes[i].Key)
		scoped[i].Key = keys[i]
	}
	err = s.write(ctx, func(ctx context.Context) error {
		entries, err = s.store.KVPutAll(ctx, scoped)
		return err
	}, keys...)
	for i := range entries {
		entries[i].Key = writes[i].Key
	}
	return entries, err
}

// GetAll reads the keys as they are at one moment. fits is false when their values are too large for one answer.
func (s *Service) GetAll(ctx context.Context, scope string, keys []string, c Consistency) (entries []store.KVEntry, fits bool, err error) {
	scoped := make([]string, len(keys))
	for i, k := range keys {
		scoped[i] = store.KVScope(scope, k)
	}
	ctx, level, err := s.reach(ctx, c, scoped...)
	if err != nil {
		return nil, false, err
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
	ctx, level, err := s.reach(ctx, c)
	if err != nil {
		return Page{}, err
	}
	own := store.KVScope(scope, "")
	entries, next, err := s.store.KVList(ctx, level, own+prefix, own+after, limit)
	for i := range entries {
		entries[i].Key = strings.TrimPrefix(entries[i].Key, own)
	}
	return Page{entries, strings.TrimPrefix(next, own)}, err
}
