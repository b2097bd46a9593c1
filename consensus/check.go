package consensus

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"hash/crc32"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// How the nodes find out that their data differ (a bug that depends on the machine, bits that flip): at the same places in
// the log each hashes what it has, and asks the others. There are two hashes.
//
//	effects   of what every batch since the last place came to: exact, and nearly free
//	rows      of the rows themselves, on a snapshot of the place, beside the writes. A large database is hashed in parts,
//	          one each time; and where places follow each other quickly it is done at every second, fourth, ... of them
//
// Both need the same at the same place on every node. A node that a majority contradicts stops, for good: see divergedFile.
const (
	checkVersion = 1        // of the hashes: those of another program are not compared
	checkKept    = 64       // marks
	checkPart    = 64 << 20 // bytes of the database, hashed at a time
	checkShare   = 30       // of the time that hashing took passes before the next
	checkLimit   = 3 * time.Second
)

// rowMark is what a node tells of its data at one place in the log.
type rowMark struct {
	Version     int
	Index       uint64
	Effects     string // empty: the node has not applied all of the entries that it covers
	Rows        string // empty: not taken
	Part, Parts int
}

// checks takes the marks.
type checks struct {
	every uint64
	life  context.Context
	end   context.CancelFunc
	wg    sync.WaitGroup

	// Of the apply goroutine.
	window   uint64 // the last index divided by every
	complete bool   // all entries since the last place are in sum
	sum      hash.Hash
	enc      encoder
	at       time.Time

	busy atomic.Bool
	cost atomic.Int64 // ns that hashing the rows took
	gap  atomic.Int64 // ns between places, moving average

	mu    sync.Mutex
	marks []rowMark // the last ones, in order
	taken chan struct{}
}

func newChecks(every uint64) *checks {
	c := &checks{every: every, sum: sha256.New(), taken: make(chan struct{}, 1)}
	c.life, c.end = context.WithCancel(context.Background())
	return c
}

func (c *checks) close() {
	c.end()
	c.wg.Wait()
}

// restart forgets what was added up: the state comes from elsewhere.
func (c *checks) restart(index uint64) {
	c.window, c.complete = index/c.every, false
	c.sum.Reset()
}

// applied adds what an entry came to. It runs between entries, when the database stands at the index.
func (c *checks) applied(m *machine, index uint64, outcomes []outcome) {
	e := &c.enc
	e.b = e.b[:0]
	e.uint(index)
	for i := range outcomes { // not the messages: they are for people
		e.b = append(e.b, byte(outcomes[i].code))
		e.uint(uint64(outcomes[i].guard))
		if outcomes[i].code == outcomeDone {
			e.result(&outcomes[i].res)
		}
	}
	c.sum.Write(e.b)
	if index/c.every == c.window {
		return
	}
	k := rowMark{Version: checkVersion, Index: index}
	if c.complete {
		k.Effects = hex.EncodeToString(c.sum.Sum(nil))
	}
	c.window, c.complete = index/c.every, true
	c.sum.Reset()
	now := time.Now()
	if !c.at.IsZero() {
		c.gap.Store((c.gap.Load() + int64(now.Sub(c.at))) / 2)
	}
	c.at = now
	if c.window%c.stride() != 0 || !c.hashRows(m, k) {
		c.keep(k)
	}
}

// stride is a power of two, so that the places of a fast node are among those of a slow one or the other way round.
func (c *checks) stride() uint64 {
	n, gap, cost := uint64(1), max(c.gap.Load(), 1), c.cost.Load()
	for n < 1<<20 && int64(n)*gap < checkShare*cost {
		n *= 2
	}
	return n
}

// hashRows begins to hash the rows of the state that the database is in now; false when it cannot.
func (c *checks) hashRows(m *machine, k rowMark) bool {
	if !c.busy.CompareAndSwap(false, true) {
		return false
	}
	db := m.db
	if !db.acquire() {
		c.busy.Store(false)
		return false
	}
	ctx, cancel := context.WithTimeout(c.life, checkLimit)
	done := func(conn *conn) {
		cancel()
		if conn != nil {
			conn.close()
		}
		db.release()
		c.busy.Store(false)
	}
	conn, err := openConn(db.path, "mode=ro&_query_only=1")
	if err != nil {
		done(nil)
		return false
	}
	if _, err = conn.run(ctx, "BEGIN"); err == nil { // the state is that of the first read
		var st state
		if st, err = stateOf(conn.run(ctx, stateQuery)); err == nil && st.index != k.Index {
			done(conn)
			return false
		}
	}
	if err != nil {
		done(conn)
		return false
	}
	c.wg.Go(func() {
		defer done(conn)
		start := time.Now()
		var pages, size int64
		for _, q := range []struct {
			pragma string
			to     *int64
		}{{"PRAGMA page_count", &pages}, {"PRAGMA page_size", &size}} {
			if rows, err := conn.run(ctx, q.pragma); err != nil || len(rows) != 1 || rows[0].Scan(q.to) != nil {
				c.keep(k)
				return
			}
		}
		k.Parts = int(pages*size/checkPart) + 1
		k.Part = int(k.Index/c.every) % k.Parts
		sum, err := conn.hashSchema(ctx, k.Part, k.Parts)
		c.cost.Store(int64(time.Since(start)))
		if err == nil {
			k.Rows = sum
			m.metrics.checked.Inc()
		} else {
			m.metrics.unchecked.Inc()
		}
		c.keep(k)
	})
	return true
}

func (c *checks) keep(k rowMark) {
	c.mu.Lock()
	at, _ := slices.BinarySearchFunc(c.marks, k.Index, func(m rowMark, index uint64) int { return cmp.Compare(m.Index, index) })
	c.marks = slices.Insert(c.marks, at, k)
	if len(c.marks) > checkKept {
		c.marks = slices.Delete(c.marks, 0, len(c.marks)-checkKept)
	}
	c.mu.Unlock()
	select {
	case c.taken <- struct{}{}:
	default:
	}
}

func (c *checks) list() []rowMark {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.marks)
}

// ofPart reports whether a table whose rows have no numbers belongs to the part.
func ofPart(table string, part, parts int) bool {
	return int(crc32.ChecksumIEEE([]byte(table))%uint32(parts)) == part
}
