package consensus

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/raft"
	"github.com/mattn/go-sqlite3"
)

// How the space of the disk is kept.
//
//	free space   state of the node
//	plenty       as ever; the reserve file lies beside the data
//	below low    low: it hands leadership over to a node that has space. When no majority has any, the cluster is
//	             crowded: ordinary writes are refused before one can fail; urgent ones, which people clean up with, go on
//	below floor  nothing is appended to its log: the leader keeps the entries for it. In a crowded cluster the
//	             reserve is given up first, for the urgent ones
//
// A disk can fill faster than it is looked at. So a leader looks before each entry, and lets writes wait until it has handed over.
// What is in the log already must still be applied; when SQLite finds no space for that, the reserve is given up as well, and
// when that was taken too, the node waits for space and can be read from. A write that fails all the same stops the node.
const (
	reserveFile   = "reserve"
	spaceFloor    = 8 << 20
	logSegment    = 16 << 20 // allocated at once when the log moves on to the next file
	spaceTick     = 200 * time.Millisecond
	crowdInterval = time.Second
)

var errNoSpace = errors.New("the disk of this node is almost full")

// IsFull reports whether the error says that a disk is full, as opposed to failing.
func IsFull(err error) bool {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) || errors.Is(err, errNoSpace) {
		return true
	}
	var e sqlite3.Error
	if errors.As(err, &e) {
		return e.Code == sqlite3.ErrFull || e.SystemErrno == syscall.ENOSPC || e.SystemErrno == syscall.EDQUOT
	}
	return err != nil && strings.Contains(err.Error(), "no space left on device") // the log does not wrap all of its errors
}

// outOfSpace reports whether SQLite found no space to write to. Unlike a failed fsync that leaves nothing in doubt.
func outOfSpace(err error) bool {
	var e sqlite3.Error
	return errors.As(err, &e) && e.Code == sqlite3.ErrFull
}

// Reason is what a node that Config.Fatal stops should say before the error itself.
func Reason(err error) string {
	if IsFull(err) {
		return "a write failed because the disk is full; this node stops, and goes on when it is started and there is space"
	}
	return "this node cannot trust its storage and stops"
}

// space watches the free space of the node's disk and keeps the reserve.
type space struct {
	dir          string
	reserve, low int64
	measure      func(dir string) (free, total int64, err error)
	log          *slog.Logger

	mu   sync.Mutex // guards the reserve file
	held int64      // its size

	hurry   chan struct{} // the watch is to look at once
	free    atomic.Int64
	isLow   atomic.Bool
	crowded atomic.Bool // no majority of the voters has space
}

func newSpace(c Config) *space {
	s := &space{dir: c.Dir, reserve: c.Reserve, low: c.LowSpace, measure: c.FreeSpace, log: c.Logger, hurry: make(chan struct{}, 1)}
	if fi, err := os.Stat(s.path()); err == nil {
		s.held = fi.Size()
	}
	return s
}

func (s *space) path() string { return filepath.Join(s.dir, reserveFile) }

// open makes room for the start of a node whose disk is full, or sets the reserve aside.
func (s *space) open() {
	free, _, err := s.measure(s.dir)
	if err == nil && free < spaceFloor {
		s.release("the node starts")
	}
	s.look()
}

// look compares the free space with the bounds. A reserve that has been given up counts as missing space.
func (s *space) look() {
	free, total, err := s.measure(s.dir)
	if err != nil {
		s.log.Warn("free space unknown", "dir", s.dir, "error", err)
		return
	}
	s.free.Store(free)
	s.mu.Lock()
	held := s.held
	s.mu.Unlock()
	low, reserve := min(s.low, total/10), min(s.reserve, total/20)
	usable := free - max(0, reserve-held)
	switch wasLow := s.isLow.Load(); {
	case !wasLow && usable < low:
		s.isLow.Store(true)
		s.log.Error("the disk is almost full: this node gives its leadership away, and writes are refused when no other has space. "+
			"Delete something, or enlarge the disk; the node goes on by itself", "dir", s.dir, "free", mebibytes(free), "of", mebibytes(total), "needed", mebibytes(low))
	case wasLow && usable >= low+low/4:
		s.isLow.Store(false)
		s.crowded.Store(false)
		s.log.Info("the disk has space again", "dir", s.dir, "free", mebibytes(free))
	}
	if !s.isLow.Load() && held < reserve {
		s.refill(reserve)
	}
}

func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }

// refill sets the reserve aside again.
func (s *space) refill(size int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	f, err := os.OpenFile(s.path(), os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		err = errors.Join(allocate(f, size), f.Close())
	}
	if err != nil {
		os.Remove(s.path())
		s.held = 0
		s.log.Warn("no reserve of space", "dir", s.dir, "error", err)
		return
	}
	s.held = size
}

// release gives the reserve up and reports whether there was one.
func (s *space) release(why string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held == 0 {
		return false
	}
	s.held = 0
	err := errors.Join(os.Truncate(s.path(), 0), os.Remove(s.path()))
	s.log.Warn("the reserve of space is given up", "dir", s.dir, "why", why, "error", err)
	return err == nil
}

// append decides whether entries of that size may be written to the log. It looks at the disk only while space is low.
func (s *space) append(size int64) error {
	if !s.isLow.Load() {
		return nil
	}
	free, _, err := s.measure(s.dir)
	if err != nil || free >= spaceFloor+size {
		return nil
	}
	if s.crowded.Load() && s.release("what is urgent is written") {
		if free, _, err = s.measure(s.dir); err != nil || free >= spaceFloor+size {
			return nil
		}
	}
	return errNoSpace
}

// tight reports whether the disk has no room for what a leader is about to write, the next file of its log included, and has the
// watch look at once. It asks the system each time, which takes a microsecond beside the milliseconds of the fsync that
// follows: a disk can fill faster than it is looked at. In a crowded cluster admit and append decide.
func (s *space) tight() bool {
	if s.crowded.Load() {
		return false
	}
	free, total, err := s.measure(s.dir)
	if err != nil || free >= min(spaceFloor+logSegment, s.low, total/10) {
		return false
	}
	select {
	case s.hurry <- struct{}{}:
	default:
	}
	return true
}

// room makes room for what must be applied: the reserve is given up, or, when that was taken as well, it waits until somebody makes
// room. It reports false when the node stops.
func (s *space) room(why string, stop <-chan struct{}) bool {
	if s.release(why) {
		return true
	}
	s.log.Error("the disk is full, and so was the reserve: this node waits for space; it can be read from", "dir", s.dir)
	t := time.NewTicker(spaceTick)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			if free, _, err := s.measure(s.dir); err == nil && free >= spaceFloor {
				return true
			}
		case <-stop:
			return false
		}
	}
}

func writeZeros(f *os.File, size int64) error {
	block := make([]byte, 1<<20)
	for size > 0 {
		n, err := f.Write(block[:min(size, int64(len(block)))])
		if err != nil {
			return err
		}
		size -= int64(n)
	}
	return nil
}

// watchSpace acts on a disk that fills up.
func (db *DB) watchSpace() {
	tick := time.NewTicker(spaceTick)
	defer tick.Stop()
	var asked time.Time
	for {
		select {
		case <-tick.C:
		case <-db.space.hurry:
			if time.Since(asked) > spaceTick { // each write that waits asks
				asked = time.Time{}
			}
		case <-db.stop:
			return
		}
		db.space.look()
		leads := db.raft.State() == raft.Leader
		if !leads && !db.space.isLow.Load() {
			db.space.crowded.Store(false)
			db.agreed.Store(0)
			continue
		}
		if time.Since(asked) >= crowdInterval {
			db.survey(leads)
			asked = time.Now()
		}
	}
}

// survey asks the members for their space: the leader all the time, so that it stops taking writes that no majority could
// keep, and every node that is low. The leader learns as well which formats they know. A leader that is low hands over to one that is not.
func (db *DB) survey(leads bool) {
	ctx, cancel := context.WithTimeout(db.life, nodesTimeout)
	defer cancel()
	nodes, err := db.Nodes(ctx)
	if err != nil {
		return
	}
	voters, low := 0, 0
	var heir *Node // with the longest log
	agreed := knownFormat
	for i := range nodes {
		n := &nodes[i]
		agreed = min(agreed, n.Format)
		if !n.Voter {
			continue
		}
		voters++
		switch {
		case n.LowSpace:
			low++
		case n.Up && n.ID != db.config.ID && (heir == nil || n.Applied > heir.Applied):
			heir = n
		}
	}
	if crowded := voters-low < voters/2+1; db.space.crowded.Swap(crowded) != crowded && leads {
		db.config.Logger.Error("space on the disks of the nodes", "writes_refused", crowded, "voters", voters, "low", low)
	}
	if !leads {
		agreed = 0
	}
	if db.agreed.Swap(int32(agreed)) < int32(agreed) && agreed > int(db.machine.format.Load()) {
		db.config.Logger.Info("every member knows a newer format, which is used from now on", "format", agreed)
	}
	if leads && db.space.isLow.Load() && heir != nil {
		err := db.raft.LeadershipTransferToServer(raft.ServerID(heir.ID), raft.ServerAddress(heir.Address)).Error()
		db.config.Logger.Warn("leadership handed over, for want of space", "to", heir.ID, "error", err)
	}
}

// admit refuses ordinary writes while no majority has space for them.
func (db *DB) admit(c *command) error {
	if c == nil || c.urgent || !db.space.crowded.Load() {
		return nil
	}
	return ErrNoSpace
}
