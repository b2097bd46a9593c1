package consensus

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"
	wal "github.com/hashicorp/raft-wal"
)

// Level says how fresh a read must be.
type Level int

// The levels of a read.
const (
	Local        Level = iota // what this node has applied; with WaitIndex: a session read
	Linearizable              // everything that was acknowledged anywhere before the call: the leader asks a majority
	// Lease is as fresh as Linearizable and sends nothing while the leader's lease lasts: a follower asks the leader, once.
	// Without a lease the leader asks a majority. It relies on clocks that keep pace within a few percent.
	Lease
)

// DB is a node of the replicated database.
type DB struct {
	config  Config
	raft    *raft.Raft
	running atomic.Pointer[raft.Raft] // raft, for its own transport
	machine *machine
	logs    *logs
	wal     *wal.WAL // nil with Config.LogStore
	metrics *metrics
	watch   *watchers
	leader  *leadership
	clock   *clock
	space   *space
	lease   *lease
	link    *link
	fresh   freshness
	gate    gate
	events  *events
	agreed  atomic.Int32  // as leader: a format that all members know; 0: not told yet
	checked atomic.Uint64 // the last place at which a majority had the same rows as this node
	since   time.Time

	proposals chan *proposal
	forwards  chan *forwarded
	reads     chan chan readAnswer
	leases    chan chan readAnswer // the same at the level Lease
	held      atomic.Int64

	sent, received         tally // messages
	candidacies, elections atomic.Uint64
	writeTimes, readTimes  latencies

	memberMu  sync.Mutex // one change of membership at a time
	rehearsal sync.Mutex // one copy of the database at a time
	client    *http.Client
	rpc       *http.Server

	failed  atomic.Bool
	dead    chan struct{}   // closed when failed
	opened  chan struct{}   // closed when Open is done with what can fail
	life    context.Context // ends first of all in Close
	end     context.CancelFunc
	stop    <-chan struct{} // life.Done
	stopped sync.Once
	wg      sync.WaitGroup
	entries sync.WaitGroup // in flight
}

const farewell = 500 * time.Millisecond // how long Close looks for somebody to lead

const walLimit = 32 << 20 // of SQLite's write-ahead log, before it is copied into the database

// Open starts the node. It returns when the database is open, not when the cluster has a leader: see WaitReady.
func Open(c Config) (*DB, error) {
	c, err := c.withDefaults()
	if err != nil {
		return nil, err
	}
	if err := errors.Join(checkDiverged(c), checkRecovery(c)); err != nil {
		return nil, fmt.Errorf("consensus: open %s: %w", c.Dir, err)
	}
	db := newDB(c)
	err = db.openStores()
	if err == nil {
		err = db.machine.openQuarantine()
	}
	if err == nil {
		err = db.openRaft()
	}
	if err != nil {
		db.end()
		db.wg.Wait()
		db.events.close()
		return nil, errors.Join(fmt.Errorf("consensus: open %s: %w", c.Dir, err), db.closeStores())
	}
	db.serve() // before the goroutines that ask other nodes
	close(db.opened)
	db.start(db.group)
	db.start(db.forwardGroups)
	db.start(func() { db.answerReads(db.reads, db.readRound) })
	db.start(func() { db.answerReads(db.leases, db.leaseRound) })
	db.start(db.follow)
	db.start(db.becomeReady)
	db.start(db.bury)
	if db.client != nil {
		db.start(db.watchClock)
		db.start(db.compare)
	} else {
		db.clock.set(db.clock.read())
	}
	db.start(func() { db.machine.checkpointer(db.stop, walLimit) })
	if c.LogStore == nil {
		db.start(db.watchDisk)
		db.start(db.watchSpace)
	}
	return db, nil
}

// newDB is a node of which nothing is open yet.
func newDB(c Config) *DB {
	db := &DB{config: c, metrics: newMetrics(c.ID), watch: newWatchers(), leader: newLeadership(), clock: newClock(c), space: newSpace(c),
		events: newEvents(c), since: time.Now(),
		proposals: make(chan *proposal, 4096), forwards: make(chan *forwarded, 4096),
		reads: make(chan chan readAnswer, 4096), leases: make(chan chan readAnswer, 4096), dead: make(chan struct{}), opened: make(chan struct{})}
	db.lease = newLease(c, db.servers)
	db.life, db.end = context.WithCancel(context.Background())
	db.stop = db.life.Done()
	return db
}

func (db *DB) start(fn func()) {
	db.wg.Add(1)
	go func() {
		defer db.wg.Done()
		fn()
	}()
}

func (db *DB) openStores() error {
	c := db.config
	store := c.LogStore
	if store == nil {
		dir := filepath.Join(c.Dir, "log")
		if err := makeDir(dir); err != nil {
			return err
		}
		db.space.open()
		var err error
		if db.wal, err = wal.Open(dir, wal.WithSegmentSize(logSegment), wal.WithLogger(raftLogger{c.Logger.With("part", "log")})); err != nil {
			return err
		}
		store = db.wal
	}
	db.logs = newLogs(store, db.fatal)
	if c.LogStore == nil {
		db.logs.space = db.space
	}
	if err := db.logs.check(); err != nil {
		return err
	}
	m := &machine{dir: filepath.Join(c.Dir, "state"), readers: max(8, 2*runtime.GOMAXPROCS(0)), logs: db.logs, fatal: db.fatal,
		failed: db.failed.Load, release: db.space.release, room: func(why string) bool { return db.space.room(why, db.stop) }, metrics: db.metrics, watch: db.watch, events: db.events, leads: db.leads,
		checks: newChecks(c.CheckEvery), quarantine: c.Quarantine, past: db.past}
	db.fresh.applied = m.applied
	if err := m.open(); err != nil {
		return err
	}
	db.machine = m
	return nil
}

func (db *DB) openRaft() error {
	c := db.config
	inner := c.Transport
	if inner == nil {
		inner = raft.NewNetworkTransportWithConfig(&raft.NetworkTransportConfig{
			Stream:          &raftStream{Listener: c.Network.Listen(ServiceRaft), network: c.Network, address: c.Address},
			MaxRPCsInFlight: 1, // see link
			MaxPool:         3, Timeout: 10 * time.Second, Logger: raftLogger{c.Logger.With("part", "transport")}})
	}
	if err := db.keepPromises(); err != nil {
		return err
	}
	var transport raft.Transport
	db.link, transport = newLink(inner, db)
	rc := c.raft()
	fail := func(err error) error { return errors.Join(err, db.link.Close()) }
	if c.Bootstrap {
		known, err := raft.HasExistingState(db.logs, db.logs, db.machine)
		if err == nil && !known {
			err = raft.BootstrapCluster(rc, db.logs, db.logs, db.machine, transport, raft.Configuration{Servers: []raft.Server{
				{ID: rc.LocalID, Address: raft.ServerAddress(c.Address)}}})
		}
		if err != nil {
			return fail(err)
		}
	}
	r, err := raft.NewRaft(rc, db.machine, db.logs, db.logs, db.machine, transport)
	if err != nil {
		return fail(err)
	}
	db.raft = r
	db.running.Store(r)
	db.observe()
	return nil
}

// leads reports whether Raft leads.
func (db *DB) leads() bool {
	r := db.running.Load()
	return r != nil && r.State() == raft.Leader
}

// currentTerm is Raft's, 0 while it starts: its messages come before NewRaft returns.
func (db *DB) currentTerm() uint64 {
	if r := db.running.Load(); r != nil {
		return r.CurrentTerm()
	}
	return 0
}

// fatal stops the node after a storage error. It must not serve, vote or lead with a disk that it cannot trust; Config.Fatal
// normally does not return.
func (db *DB) fatal(what string, err error) {
	if errors.Is(err, wal.ErrClosed) || db.failed.Swap(true) {
		return
	}
	close(db.dead)
	db.events.flush()
	db.config.Fatal(fmt.Errorf("consensus: %s: %w", what, err))
}

// bury stops Raft when the node has failed and Fatal has returned all the same: it must not vote or lead.
func (db *DB) bury() {
	select {
	case <-db.dead:
		db.raft.Shutdown().Error() // also closes the transport
	case <-db.stop:
	}
}

// Close hands leadership over if it can, then stops the node. The network stays open.
func (db *DB) Close() error {
	var err error
	db.stopped.Do(func() { err = db.shutdown() })
	return err
}

func (db *DB) shutdown() error {
	if db.raft.State() == raft.Leader && db.hasPeers() {
		ctx, cancel := context.WithTimeout(context.Background(), farewell)
		if heir, err := db.heir(ctx, db.servers()); err == nil {
			db.raft.LeadershipTransferToServer(heir.ID, heir.Address).Error() // if it fails, the others elect one
		}
		cancel()
	}
	db.end() // requests end, nothing new is proposed
	var errs []error
	if db.rpc != nil {
		errs = append(errs, db.rpc.Close())
		db.client.CloseIdleConnections()
	}
	db.wg.Wait()
	db.drain()
	errs = append(errs, db.raft.Shutdown().Error())
	db.events.close()
	db.watch.close()
	return errors.Join(append(errs, db.closeStores())...)
}

// drain waits for the entries in flight: Raft does not answer those that it has handed to the state machine when it is
// shut down. While it runs every entry is committed, or given up with the leadership.
func (db *DB) drain() {
	done := make(chan struct{})
	go func() {
		db.entries.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-time.After(4 * db.config.ElectionTimeout):
	}
}

func (db *DB) closeStores() error {
	if db.machine != nil {
		db.machine.close()
	}
	if db.wal != nil {
		return db.wal.Close()
	}
	return nil
}

// Query runs one reading statement. Before the node has caught up for the first time it waits for that, unless
// the context says AllowStale.
func (db *DB) Query(ctx context.Context, level Level, sql string, args ...any) (Rows, error) {
	start := time.Now()
	defer func() { db.readTimes.observe(time.Since(start)) }()
	if err := db.Reach(ctx, level); err != nil {
		return Rows{}, err
	}
	var b Batch
	args = b.bind(args)
	if b.err != nil {
		return Rows{}, b.err
	}
	var rows Rows
	err := db.machine.use(func(d *database) (err error) {
		rows, err = d.reads.query(ctx, db.config.ReadTimeout, db.machine.schema.Load(), sql, args)
		return err
	})
	if errors.Is(err, errClosed) {
		err = fmt.Errorf("%w: %w", ErrUnavailable, errClosed)
	}
	return rows, err
}

// Reach returns when a Local read on this node is as fresh as the level demands.
func (db *DB) Reach(ctx context.Context, level Level) error {
	if db.failed.Load() {
		return fmt.Errorf("%w: %w", ErrUnavailable, errFailed)
	}
	if err := db.awake(ctx); err != nil {
		return err
	}
	if level != Local {
		if err := errors.Join(db.direct(ctx), db.cannotForward()); err != nil {
			return err
		}
		index, err := db.readIndex(ctx, level)
		if err == nil {
			err = db.WaitIndex(ctx, index)
		}
		return err
	}
	if !db.leader.wasReady.Load() && !allowsStale(ctx) {
		return db.WaitReady(ctx)
	}
	return nil
}

// Shows reports whether a local read shows the entry at index. Applied may be ahead of that for a moment.
func (db *DB) Shows(index uint64) bool { return db.machine.applied() >= index }

// WaitIndex waits until this node has applied the entry at index. ErrUnavailable when ctx ends or HoldTimeout passes first.
func (db *DB) WaitIndex(ctx context.Context, index uint64) error {
	if db.Shows(index) {
		return nil
	}
	ctx, cancel := db.hold(ctx)
	defer cancel()
	if !db.machine.wait(index, ctx.Done()) {
		return fmt.Errorf("%w: entry %d has not arrived, this node is at %d: %w", ErrUnavailable, index, db.machine.applied(), db.cause(ctx))
	}
	return nil
}

// hold bounds how long a request waits: HoldTimeout, and the life of the node.
func (db *DB) hold(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, db.config.HoldTimeout)
	unhook := context.AfterFunc(db.life, cancel)
	return ctx, func() {
		unhook()
		cancel()
	}
}

// cause tells why a context of hold has ended.
func (db *DB) cause(ctx context.Context) error {
	if db.life.Err() != nil {
		return errClosed
	}
	return context.Cause(ctx)
}

// Applied is the index of the last entry in this node's database. After a read it covers what the read showed: a session
// that takes it to another node's WaitIndex sees nothing older there.
func (db *DB) Applied() uint64 { return db.machine.seen() }
