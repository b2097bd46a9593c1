package consensus

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hashicorp/raft"

	"trivium/consensus/internal/fault"
)

// machine is Raft's state machine, its store of configurations and its store of snapshots at once, since the database is
// the snapshot.
//
// Every index of a kind that Raft hands to the state machine (commands and configurations) is recorded in raft_state in
// the transaction of its effect. Nobody calls raft.Barrier: a barrier would move Raft's snapshot index past applied_index.
type machine struct {
	dir     string
	readers int
	logs    raft.LogStore
	fatal   func(what string, err error)
	failed  func() bool
	release func(why string) bool // gives up the reserve of space; false: there is none
	room    func(why string) bool // makes room on a full disk, or waits for it; false: the node stops
	metrics *metrics
	watch   *watchers
	events  *events
	leads   func() bool
	checks  *checks
	format  atomic.Int32 // of the database

	quarantine uint64 // the entry to be left out
	unseen     bool   // it was not in this node's log at its start
	past       func(index uint64) (applied string, left bool)
	left       []uint64                        // entries that were left out; of the apply goroutine
	leftOut    atomic.Pointer[[]uint64]        // the same for everybody
	lost       atomic.Pointer[map[string]bool] // nodes that a recovery has given up

	mu         sync.Mutex // guards db and generation, which a restore changes
	db         *database
	generation string

	last   state                 // of the apply goroutine
	shown  atomic.Pointer[state] // last, for everybody
	wake   atomic.Pointer[chan struct{}]
	coming atomic.Uint64 // raised before an effect becomes visible, as shown is after it
	schema atomic.Uint64 // changes with the schema: readers compile afresh

	members atomic.Int64 // of the committed configuration

	oldestKey int64 // stamp of the oldest row of raft_keys; 0: to be looked up

	streams    atomic.Int32 // snapshots being sent: the log is not cut meanwhile
	streamEnd  atomic.Int64 // Unix ms
	checkpoint atomic.Bool  // the apply goroutine is asked for the last, short pass

	installMu sync.Mutex
	installed map[string]*install
}

func (m *machine) open() error {
	m.installed = map[string]*install{}
	c := make(chan struct{})
	m.wake.Store(&c)
	if err := os.MkdirAll(m.dir, 0o700); err != nil {
		return err
	}
	generation, err := currentGeneration(m.dir)
	if err != nil {
		return err
	}
	if err := removeOthers(m.dir, generation); err != nil {
		return err
	}
	fresh := generation == ""
	if fresh {
		generation = "g1"
		if err := os.MkdirAll(filepath.Join(m.dir, generation), 0o700); err != nil {
			return err
		}
	}
	db, st, err := m.openGeneration(generation)
	if err != nil {
		return err
	}
	// What List is about to claim as a snapshot must be on the disk: the WAL that SQLite has just recovered may live in
	// the page cache only.
	err = db.sync()
	if fresh && err == nil {
		err = errors.Join(syncDir(filepath.Join(m.dir, generation)), syncDir(m.dir), setCurrentGeneration(m.dir, generation))
	}
	if err != nil {
		return errors.Join(err, db.shut())
	}
	m.adopt(db, generation, st)
	return nil
}

func (m *machine) openGeneration(generation string) (*database, state, error) {
	db, err := openDatabase(filepath.Join(m.dir, generation, "db"), m.readers)
	if err != nil {
		return nil, state{}, err
	}
	st, err := stateOf(db.writer.ours(stateQuery))
	if err == nil {
		var rows []Row
		if rows, err = db.writer.ours("PRAGMA user_version"); err == nil {
			err = rows[0].Scan(&st.format)
		}
	}
	if err == nil {
		err = m.readMarks(db.writer)
	}
	if err != nil {
		return nil, state{}, errors.Join(err, db.shut())
	}
	return db, st, nil
}

func (m *machine) adopt(db *database, generation string, st state) {
	m.coming.Store(st.index)
	m.mu.Lock()
	m.db, m.generation = db, generation
	m.mu.Unlock()
	m.last = st
	m.schema.Add(1)
	m.oldestKey = 0
	m.checks.restart(st.index)
	m.format.Store(int32(st.format))
	m.members.Store(int64(len(st.configuration().Servers)))
	m.watch.observe(nil)
	m.publish()
}

// publish shows the new state to readers and wakes those who wait for an index.
func (m *machine) publish() {
	st := m.last
	m.shown.Store(&st)
	c := make(chan struct{})
	close(*m.wake.Swap(&c))
}

func (m *machine) applied() uint64 { return m.shown.Load().index }

// seen is an index that covers whatever a read may have shown. Between COMMIT and publish it is ahead of applied.
func (m *machine) seen() uint64 { return max(m.coming.Load(), m.applied()) }

// use runs fn with the current database, which stays open meanwhile.
func (m *machine) use(fn func(*database) error) error {
	m.mu.Lock()
	db := m.db
	ok := db != nil && db.acquire()
	m.mu.Unlock()
	if !ok {
		return errClosed
	}
	defer db.release()
	return fn(db)
}

func (m *machine) close() {
	m.checks.close()
	m.mu.Lock()
	db := m.db
	m.db = nil
	m.mu.Unlock()
	if db != nil {
		db.release()
	}
}

// must stops the node: after a storage error nothing it says can be trusted. It reports whether all is well.
func (m *machine) must(what string, err error) bool {
	if err != nil {
		m.fatal(what, err)
	}
	return err == nil
}

// Apply runs an entry in one transaction. It returns []outcome, or nil when the entry was applied before.
func (m *machine) Apply(l *raft.Log) any {
	if m.failed() || l.Index <= m.last.index {
		return nil
	}
	defer m.recovered(l.Index)
	if l.Index == m.quarantine && m.leaveOut(l) {
		return nil
	}
	start := time.Now()
	e, err := decodeEntry(l.Data, m.last.stamp, l.Index)
	if errors.Is(err, errEntry) {
		err = poison(l.Index, err)
	}
	if !m.must("decode entry", err) {
		return nil
	}
	outcomes, ok := m.applyEntry(l, &e)
	if !ok {
		return nil
	}
	if m.db.writer.ddl {
		m.db.writer.ddl = false
		m.schema.Add(1)
	}
	m.last.index, m.last.term, m.last.stamp = l.Index, l.Term, e.stamp
	m.format.Store(max(m.format.Load(), int32(l.Data[0])))
	topics := m.notify(&e, outcomes)
	m.publish()
	m.checks.applied(m, l.Index, outcomes)
	if len(topics) > 0 {
		m.watch.send(Event{Index: l.Index, Topics: topics})
	}
	if m.events != nil && len(e.commands) > 0 {
		m.events.committed(m.leads(), describeCommands(e.commands))
	}
	m.metrics.applied(outcomes, time.Since(start))
	if m.checkpoint.CompareAndSwap(true, false) {
		m.finishCheckpoint()
	}
	return outcomes
}

// applyEntry runs the entry again when SQLite found the disk full and there is room meanwhile: nothing of the run before
// was committed.
func (m *machine) applyEntry(l *raft.Log, e *entry) ([]outcome, bool) {
	outcomes, err := m.runEntry(l, e)
	for outOfSpace(err) && m.room("an entry is applied") {
		m.db.writer.ours("ROLLBACK") // in vain when SQLite has done it
		m.oldestKey = 0
		outcomes, err = m.runEntry(l, e)
	}
	if !m.must(fmt.Sprintf("apply entry %d", l.Index), err) {
		return nil, false
	}
	return outcomes, true
}

func (m *machine) runEntry(l *raft.Log, e *entry) ([]outcome, error) {
	w := m.db.writer
	outcomes := make([]outcome, len(e.commands))
	begin := func() error { _, err := w.ours("BEGIN IMMEDIATE"); return err }
	if err := begin(); err != nil {
		return nil, err
	}
	hasty := true
	for i := 0; i < len(e.commands); i++ {
		if outcomes[i].code == outcomeLost {
			continue
		}
		r := run{m: m, w: w, index: l.Index, stamp: e.stamp, hasty: hasty, each: l.Data[0] >= eachFormat}
		o, err := r.command(e.commands[i])
		if err != nil {
			return nil, err
		}
		outcomes[i] = o
		if o.code == outcomeAgain {
			hasty = false
		} else if o.code != outcomeLost {
			continue
		}
		// OR ROLLBACK and RAISE(ROLLBACK) end the transaction: the batch undid its neighbours. Every node sees the same
		// and runs the entry again, without the batch.
		m.oldestKey = 0
		if err := begin(); err != nil {
			return nil, err
		}
		i = -1
	}
	for i := range outcomes {
		if outcomes[i].code == outcomeLost {
			outcomes[i] = outcome{code: outcomeSQL, message: "the batch rolled back its transaction"}
		}
	}
	err := m.prune(w, e, l.Index)
	if format := int32(l.Data[0]); err == nil && format > m.format.Load() {
		_, err = w.ours(fmt.Sprintf("PRAGMA user_version = %d", format))
	}
	if err == nil {
		_, err = w.ours("UPDATE raft_state SET applied_index = ?, applied_term = ?, stamp = ?", int64(l.Index), int64(l.Term), e.stamp)
	}
	if err != nil {
		return nil, err
	}
	fault.Point("apply-before-commit")
	m.coming.Store(l.Index)
	_, err = w.ours("COMMIT")
	if code, alike := classify(err); err != nil && alike && code == outcomeConstraint {
		return m.refuseEntry(l, e, err)
	}
	if err != nil {
		return nil, err
	}
	fault.Point("apply-after-commit")
	return outcomes, nil
}

// refuseEntry handles a deferred constraint, which SQLite checks at COMMIT only. Apply refuses to create one, so this is
// the second net: no batch of the entry takes effect, on any node, but no node stops either.
func (m *machine) refuseEntry(l *raft.Log, e *entry, reason error) ([]outcome, error) {
	w := m.db.writer
	m.oldestKey = 0
	_, err := w.ours("ROLLBACK")
	if err == nil {
		_, err = w.ours("UPDATE raft_state SET applied_index = ?, applied_term = ?, stamp = ?", int64(l.Index), int64(l.Term), e.stamp)
	}
	outcomes := make([]outcome, len(e.commands))
	for i := range outcomes {
		outcomes[i] = outcome{code: outcomeConstraint, message: reason.Error()}
	}
	return outcomes, err
}

// notify tells the observers the topics of the batches that have taken effect, and returns those that are for watchers.
func (m *machine) notify(e *entry, outcomes []outcome) []string {
	var topics, hidden []string
	for i, c := range e.commands {
		if outcomes[i].code != outcomeDone || outcomes[i].res.Replayed {
			continue
		}
		for _, t := range c.topics {
			if strings.HasPrefix(t, Hidden) {
				hidden = append(hidden, t)
			} else {
				topics = append(topics, t)
			}
		}
	}
	if len(hidden) > 0 {
		m.watch.observe(hidden)
	}
	return topics
}

// StoreConfiguration makes configuration entries part of the database, so that applied_index has no holes that a snapshot
// index or a read index could fall into, and so that a streamed file carries its own configuration.
func (m *machine) StoreConfiguration(index uint64, c raft.Configuration) {
	if m.failed() || index <= m.last.index {
		return
	}
	var l raft.Log // Raft does not pass the term along; the previous entry's would be wrong after an election
	if !m.must("read the log", m.logs.GetLog(index, &l)) {
		return
	}
	fault.Point("config-before-store")
	p := raft.EncodeConfiguration(c)
	_, err := m.db.writer.ours("UPDATE raft_state SET applied_index = ?, applied_term = ?, config_index = ?, config = ?",
		int64(index), int64(l.Term), int64(index), p)
	if !m.must("store configuration", err) {
		return
	}
	fault.Point("config-after-store")
	m.last.index, m.last.term, m.last.configIndex, m.last.config = index, l.Term, index, p
	m.members.Store(int64(len(c.Servers)))
	m.publish()
	m.checks.applied(m, index, nil)
}

// wait returns when the index is applied, or false when done ends first.
func (m *machine) wait(index uint64, done <-chan struct{}) bool {
	for {
		c := *m.wake.Load() // before looking, so that no publish is missed
		if m.applied() >= index {
			return true
		}
		select {
		case <-c:
		case <-done:
			return false
		}
	}
}
