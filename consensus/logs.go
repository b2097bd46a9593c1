package consensus

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"trivium/consensus/internal/fault"
)

// logs is the log as Raft sees it: entries below the first index are reported as such, the newest are kept in memory, the
// time of writes is measured, and any failure to write stops the node. Raft alone would step down and go on, and a second
// fsync after a failed one may lie.
type logs struct {
	LogStore
	fatal func(what string, err error)
	space *space // nil: unlimited

	cut atomic.Bool // the end of the log was cut off, and Raft believes that what replaces it is there

	cacheMu sync.RWMutex
	cache   map[uint64]*raft.Log
	oldest  uint64
	bytes   int

	syncTime atomic.Int64 // ns, moving average of StoreLogs
}

const cacheBytes = 8 << 20

func newLogs(store LogStore, fatal func(string, error)) *logs {
	return &logs{LogStore: store, fatal: fatal, cache: map[uint64]*raft.Log{}}
}

// GetLog answers ErrLogNotFound below the first index. The write-ahead log still finds truncated entries in its last
// segment, and Raft would feed a new node from there instead of sending a snapshot.
func (l *logs) GetLog(index uint64, out *raft.Log) error {
	l.cacheMu.RLock()
	hit := l.cache[index]
	l.cacheMu.RUnlock()
	if hit != nil {
		*out = *hit
		return nil
	}
	first, err := l.FirstIndex()
	if err != nil {
		return err
	}
	if first == 0 || index < first {
		return raft.ErrLogNotFound
	}
	return l.LogStore.GetLog(index, out)
}

func (l *logs) StoreLog(e *raft.Log) error { return l.StoreLogs([]*raft.Log{e}) }

func (l *logs) StoreLogs(entries []*raft.Log) error {
	fault.Point("log-before-append")
	start := time.Now()
	if l.space != nil && !l.cut.Swap(false) {
		size := 0
		for _, e := range entries {
			size += len(e.Data) + 64
		}
		if err := l.space.append(int64(size)); err != nil {
			return err // nothing was written: Raft tries again, or another node leads
		}
	}
	if err := l.LogStore.StoreLogs(entries); err != nil {
		l.fatal("write the log", err)
		return err
	}
	fault.Point("log-after-append")
	took := int64(time.Since(start))
	average := l.syncTime.Load()
	l.syncTime.Store(average + (took-average)/16)
	l.remember(entries)
	return nil
}

func (l *logs) remember(entries []*raft.Log) {
	l.cacheMu.Lock()
	defer l.cacheMu.Unlock()
	for _, e := range entries {
		if old := l.cache[e.Index]; old != nil {
			l.bytes -= len(old.Data) + 64
		}
		if len(l.cache) == 0 || e.Index < l.oldest {
			l.oldest = e.Index
		}
		l.cache[e.Index] = e
		l.bytes += len(e.Data) + 64
	}
	for l.bytes > cacheBytes && len(l.cache) > 0 {
		if old := l.cache[l.oldest]; old != nil {
			l.bytes -= len(old.Data) + 64
			delete(l.cache, l.oldest)
		}
		l.oldest++
	}
}

// DeleteRange forgets the whole cache: it is rare, and what it cuts must not be found again.
func (l *logs) DeleteRange(from, to uint64) error {
	if last, err := l.LastIndex(); err == nil && to >= last {
		l.cut.Store(true)
	}
	l.cacheMu.Lock()
	clear(l.cache)
	l.bytes = 0
	l.cacheMu.Unlock()
	fault.Point("log-before-cut")
	if err := l.LogStore.DeleteRange(from, to); err != nil {
		l.fatal("cut the log", err)
		return err
	}
	fault.Point("log-after-cut")
	return nil
}

func (l *logs) Set(key, value []byte) error {
	fault.Point("vote-before-store")
	if err := l.LogStore.Set(key, value); err != nil {
		l.fatal("store the vote", err)
		return err
	}
	fault.Point("vote-after-store")
	return nil
}

func (l *logs) SetUint64(key []byte, value uint64) error {
	fault.Point("term-before-store")
	if err := l.LogStore.SetUint64(key, value); err != nil {
		l.fatal("store the term", err)
		return err
	}
	fault.Point("term-after-store")
	return nil
}

// IsMonotonic tells Raft that an installed snapshot must empty the log.
func (l *logs) IsMonotonic() bool {
	m, ok := l.LogStore.(raft.MonotonicLogStore)
	return ok && m.IsMonotonic()
}

// check opens and reads the newest entry, so that a damaged log is found at start.
func (l *logs) check() error {
	last, err := l.LastIndex()
	if err != nil || last == 0 {
		return err
	}
	var e raft.Log
	if err := l.GetLog(last, &e); err != nil && !errors.Is(err, raft.ErrLogNotFound) {
		return fmt.Errorf("consensus: the log cannot be read at %d: %w", last, err)
	}
	if e.Type == raft.LogCommand && e.Index == last {
		return checkEntryFormat(e.Data)
	}
	return nil
}
