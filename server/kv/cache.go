package kv

import (
	"container/list"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"

	"trivium/server/store"
)

// entryOverhead is about what an entry takes in memory beside its key and value.
const entryOverhead = 256

// cache keeps what was read of single keys, the least recently used going first. That an answer from it is as fresh as one
// from the database, in steps:
//
//  1. A reader asks it after the node has applied entry i, which its level demands.
//  2. drop runs for every entry of the log before the entry counts as applied, so the keys that entries up to i have
//     changed are gone.
//  3. What is put was read from the database between get and put. Were it changed in between, drop has found the fill
//     among the open ones and marked it, and put leaves it. A drop that comes later finds the entry itself.
type cache struct {
	mu    sync.Mutex
	max   int64
	size  int64
	byKey map[string]*list.Element // of *store.KVEntry
	used  *list.List               // front: most recently
	open  map[string]*fill         // reads from the database under way; readers of one key share one

	hits, misses atomic.Int64
}

// fill is one read from the database on its way into the cache.
type fill struct {
	key     string
	readers int
	changed bool
}

func newCache(max int64) *cache {
	return &cache{max: max, byKey: map[string]*list.Element{}, used: list.New(), open: map[string]*fill{}}
}

func (c *cache) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "trivium_kv_cache_hits_total", Help: "Reads of keys answered from the cache."},
			func() float64 { return float64(c.hits.Load()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{Name: "trivium_kv_cache_misses_total", Help: "Reads of keys that the cache did not have."},
			func() float64 { return float64(c.misses.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "trivium_kv_cache_bytes", Help: "About what the cache of keys takes in memory."}, func() float64 {
			c.mu.Lock()
			defer c.mu.Unlock()
			return float64(c.size)
		}),
	}
}

// get returns the entry, or a fill that the reader must put when it has read the database.
func (c *cache) get(key string) (store.KVEntry, bool, *fill) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if el, ok := c.byKey[key]; ok {
		c.hits.Add(1)
		c.used.MoveToFront(el)
		return *el.Value.(*store.KVEntry), true, nil
	}
	c.misses.Add(1)
	f := c.open[key]
	if f == nil {
		f = &fill{key: key}
		c.open[key] = f
	}
	f.readers++
	return store.KVEntry{}, false, f
}

// put ends a fill. The entry is kept if it may be and is still what the database has.
func (c *cache) put(f *fill, e store.KVEntry, keep bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if f.readers--; f.readers == 0 && c.open[f.key] == f {
		delete(c.open, f.key)
	}
	size := sizeOf(f.key, e)
	if !keep || f.changed || c.byKey[f.key] != nil || size > c.max/8 {
		return
	}
	e.Key = f.key
	c.byKey[f.key] = c.used.PushFront(&e)
	for c.size += size; c.size > c.max; {
		c.remove(c.used.Back())
	}
}

// drop forgets the keys of the topics; without topics, or with the topic of no key, everything.
func (c *cache) drop(topics []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(topics) == 0 || slices.Contains(topics, store.KVTopic) {
		for key, f := range c.open {
			f.changed = true
			delete(c.open, key)
		}
		clear(c.byKey)
		c.used.Init()
		c.size = 0
		return
	}
	for _, t := range topics {
		key := strings.TrimPrefix(t, store.KVTopic)
		if f := c.open[key]; f != nil {
			f.changed = true
			delete(c.open, key) // who comes now reads what is there now
		}
		if el := c.byKey[key]; el != nil {
			c.remove(el)
		}
	}
}

func (c *cache) remove(el *list.Element) {
	e := el.Value.(*store.KVEntry)
	c.used.Remove(el)
	delete(c.byKey, e.Key)
	c.size -= sizeOf(e.Key, *e)
}

func sizeOf(key string, e store.KVEntry) int64 {
	return int64(len(key)+len(e.Value)) + entryOverhead
}
