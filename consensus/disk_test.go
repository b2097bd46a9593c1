package consensus

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
)

// The write-ahead log still finds truncated entries in its last segment; Raft would feed a new node from index 1 and never
// send the snapshot that holds what was cut.
func TestTruncatedEntriesAreNotFound(t *testing.T) {
	w, err := wal.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	l := newLogs(w, func(what string, err error) { t.Errorf("%s: %v", what, err) })
	for i := uint64(1); i <= 20; i++ {
		if err := l.StoreLog(&raft.Log{Index: i, Term: 1, Data: []byte("x")}); err != nil {
			t.Fatal(err)
		}
	}
	var e raft.Log
	if err := l.GetLog(5, &e); err != nil || e.Index != 5 {
		t.Fatalf("%v %v", e, err)
	}
	if err := l.DeleteRange(1, 10); err != nil {
		t.Fatal(err)
	}
	for _, i := range []uint64{1, 10, 21} {
		if err := l.GetLog(i, &e); !errors.Is(err, raft.ErrLogNotFound) {
			t.Errorf("entry %d: %v", i, err)
		}
	}
	if err := l.GetLog(11, &e); err != nil || e.Index != 11 {
		t.Errorf("%v %v", e, err)
	}
	if !l.IsMonotonic() {
		t.Error("an installed snapshot would not empty the log")
	}
}

func TestCacheOfTheLogIsBounded(t *testing.T) {
	l := newLogs(&brokenStore{InmemStore: raft.NewInmemStore()}, func(string, error) {})
	big := make([]byte, 1<<20)
	for i := uint64(1); i <= 20; i++ {
		l.StoreLogs([]*raft.Log{{Index: i, Data: big}})
	}
	l.StoreLogs([]*raft.Log{{Index: 20, Term: 2, Data: big[:5]}}) // rewritten after a conflict
	if l.bytes > cacheBytes || len(l.cache) > 9 {
		t.Fatalf("%d bytes, %d entries", l.bytes, len(l.cache))
	}
	var e raft.Log
	if err := l.GetLog(20, &e); err != nil || e.Term != 2 {
		t.Fatalf("%+v %v", e.Term, err)
	}
}

// brokenStore fails to write on demand.
type brokenStore struct {
	*raft.InmemStore
	broken atomic.Bool
}

var errDisk = errors.New("input/output error")

func (s *brokenStore) StoreLogs(l []*raft.Log) error {
	if s.broken.Load() {
		return errDisk
	}
	return s.InmemStore.StoreLogs(l)
}

func openOne(t *testing.T, c Config) *DB {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	n := NewNetwork(NetworkConfig{Listener: ln})
	t.Cleanup(func() { n.Close() })
	c.ID, c.Dir, c.Network, c.Bootstrap, c.Logger = "n1", t.TempDir(), n, true, slog.New(slog.DiscardHandler)
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaseTimeout, c.HoldTimeout = 100*time.Millisecond, 100*time.Millisecond, 50*time.Millisecond, time.Second
	db, err := Open(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	for db.WaitReady(ctx) != nil && ctx.Err() == nil {
	}
	if ctx.Err() != nil {
		t.Fatal("not ready")
	}
	return db
}

func TestFailedLogWriteStopsTheNode(t *testing.T) {
	store := &brokenStore{InmemStore: raft.NewInmemStore()}
	fatal := make(chan error, 10)
	db := openOne(t, Config{LogStore: store, Fatal: func(err error) { fatal <- err }})
	if _, err := db.Apply(context.Background(), execBatch(`CREATE TABLE t (a INTEGER) STRICT`)); err != nil {
		t.Fatal(err)
	}
	store.broken.Store(true)
	if _, err := db.Apply(context.Background(), execBatch(`INSERT INTO t VALUES (1)`)); !errors.Is(err, ErrUnknown) {
		t.Errorf("the write: %v", err)
	}
	if err := <-fatal; !errors.Is(err, errDisk) {
		t.Errorf("fatal: %v", err)
	}
	store.broken.Store(false) // a second fsync would succeed: that must not help
	if _, err := db.Query(context.Background(), Local, `SELECT 1`); !errors.Is(err, ErrUnavailable) {
		t.Errorf("it still answers: %v", err)
	}
	if s := db.Status(); s.State != "stopped" || s.Ready {
		t.Errorf("status %+v", s)
	}
}

func TestDamagedDatabaseStopsTheNode(t *testing.T) {
	b := newBench(t)
	b.must(`CREATE TABLE t (a BLOB) STRICT`)
	for range 50 {
		b.must(`INSERT INTO t VALUES (zeroblob(20000))`)
	}
	b.machine.close()
	f, err := os.OpenFile(filepath.Join(b.dir, "g1", "db"), os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	fi, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(make([]byte, fi.Size()/2), fi.Size()/2); err != nil { // bit rot
		t.Fatal(err)
	}
	f.Close()
	if err := b.machine.open(); err != nil {
		t.Fatal(err)
	}
	c, _, _ := execBatch(`UPDATE t SET a = zeroblob(30000)`).command(0)
	var e encoder
	l := &raft.Log{Index: b.next, Term: 1, Data: e.encodeEntry(0, 0, []*command{c})}
	if out := b.Apply(l); out != nil || b.fatal == nil {
		t.Fatalf("the node goes on: %v", out)
	}
	if b.applied() != b.next-1 {
		t.Error("the entry counts as applied")
	}
	b.fatal = nil
}

func TestDiskWatchTellsAFrozenDiskFromAPausedProcess(t *testing.T) {
	start := time.Now()
	at := func(ms int) time.Time { return start.Add(time.Duration(ms) * time.Millisecond) }
	t.Run("a frozen disk stops the node", func(t *testing.T) {
		w := &diskWatch{limit: 2 * time.Second}
		w.success(at(0))
		for ms := 100; ms <= 2000; ms += 100 {
			if err := w.tick(at(ms)); err != nil {
				t.Fatalf("at %d ms: %v", ms, err)
			}
		}
		if w.tick(at(2100)) == nil {
			t.Fatal("it goes on")
		}
	})
	t.Run("a paused process gives the disk a new chance", func(t *testing.T) {
		w := &diskWatch{limit: 2 * time.Second}
		w.success(at(0))
		w.tick(at(100))
		for ms := 15_000; ms <= 16_900; ms += 100 { // SIGSTOP for 15 s
			if err := w.tick(at(ms)); err != nil {
				t.Fatalf("at %d ms: %v", ms, err)
			}
		}
		w.success(at(16_950))
		if err := w.tick(at(17_800)); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("the chance is one", func(t *testing.T) {
		w := &diskWatch{limit: 2 * time.Second}
		w.success(at(0))
		w.tick(at(100))
		var err error
		for ms := 15_000; err == nil && ms < 18_000; ms += 100 {
			err = w.tick(at(ms))
		}
		if err == nil {
			t.Fatal("a disk frozen during the pause is not noticed")
		}
	})
}

func TestProbeReportsAFailedFsync(t *testing.T) {
	f, err := os.CreateTemp(t.TempDir(), "probe")
	if err != nil {
		t.Fatal(err)
	}
	f.Close() // every write fails
	w := &diskWatch{limit: time.Second}
	var failed error
	w.probe(f, make(chan struct{}), func(err error) { failed = err })
	if failed == nil {
		t.Fatal("not reported")
	}
}

func TestEntriesInFlightFollowTheDisk(t *testing.T) {
	l := newLogs(raft.NewInmemStore(), nil)
	g := &grouper{db: &DB{logs: l}}
	l.syncTime.Store(int64(200 * time.Microsecond))
	if g.limit() != 1 {
		t.Error("a fast disk")
	}
	l.syncTime.Store(int64(3 * time.Millisecond))
	if g.limit() != 2 {
		t.Error("a slow disk")
	}
}
