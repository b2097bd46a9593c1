package fast

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
)

// Bounds of what a node keeps beside its log. What is beyond them is refused, and becomes an ordinary write.
const (
	maxPending      = 1024
	maxPendingBytes = 16 << 20
	compactAt       = 8 << 20 // bytes of the file, of which most are over
)

// Op is a plain put on its way.
type Op struct {
	ID      string `json:"id"` // of this try, unique
	Key     string `json:"key"`
	Value   string `json:"value"`
	Request string `json:"request"` // idempotency key under which it is applied
	Digest  []byte `json:"digest"`
}

func (o Op) size() int { return len(o.ID) + len(o.Key) + len(o.Value) + len(o.Request) + len(o.Digest) }

// Refusals of a pending log: the write becomes an ordinary one.
var (
	errTerm     = errors.New("fast: the log is not open in this term")
	errConflict = errors.New("fast: the key has a pending write")
	errFull     = errors.New("fast: too much is pending")
	errClosed   = errors.New("fast: the log is closed")
)

// pendingLog is what a node durably keeps of fast writes, in the order in which they came. It belongs to a term as votes
// do: seen is the newest term whose leader has collected it, opened the one whose leader may append to it. When a term is
// opened, what was pending of earlier ones has its place in the log of the cluster, and is dropped.
//
// The file is a sequence of records: length, CRC-32C of the content, content. It ends at the first record that is not
// whole: that one was never answered. Dropping is not written; what comes back after a restart is settled by the leader.
type pendingLog struct {
	path string

	mu      sync.Mutex
	f       *os.File
	size    int64
	seen    uint64
	opened  uint64
	ops     []Op
	byKey   map[string]string // id of the pending write of a key
	bytes   int
	late    map[string]bool // writes that had their place before they came here, and in lateIDs in the order of that
	lateIDs []string
	buffer  []byte
	waiting []chan error
	err     error // a failed disk: nothing is promised any more
	kick    chan struct{}
	done    chan struct{}
}

// record is the content of a record: a write, or the terms.
type record struct {
	Op     *Op    `json:"op,omitempty"`
	Seen   uint64 `json:"seen,omitempty"`
	Opened uint64 `json:"opened,omitempty"`
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const recordHeader = 8

func (r record) encode() []byte {
	content, _ := json.Marshal(r) // strings and numbers always marshal
	b := binary.BigEndian.AppendUint32(nil, uint32(len(content)))
	b = binary.BigEndian.AppendUint32(b, crc32.Checksum(content, castagnoli))
	return append(b, content...)
}

func openLog(path string) (*pendingLog, error) {
	l := &pendingLog{path: path, byKey: map[string]string{}, late: map[string]bool{}, kick: make(chan struct{}, 1), done: make(chan struct{})}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	var err error
	if l.f, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600); err != nil {
		return nil, err
	}
	if err := errors.Join(l.replay(), syncDir(path)); err != nil {
		l.f.Close()
		return nil, fmt.Errorf("pending writes: %w", err)
	}
	go l.write(l.kick)
	return l, nil
}

func syncDir(path string) error {
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (l *pendingLog) replay() error {
	data, err := io.ReadAll(l.f)
	if err != nil {
		return err
	}
	for rest := data; len(rest) >= recordHeader; {
		n := int(binary.BigEndian.Uint32(rest))
		if n > len(rest)-recordHeader {
			break
		}
		content := rest[recordHeader : recordHeader+n]
		var r record
		if crc32.Checksum(content, castagnoli) != binary.BigEndian.Uint32(rest[4:]) || json.Unmarshal(content, &r) != nil {
			break
		}
		l.apply(r)
		rest = rest[recordHeader+n:]
		l.size += int64(recordHeader + n)
	}
	if err := l.f.Truncate(l.size); err != nil {
		return err
	}
	if _, err := l.f.Seek(l.size, io.SeekStart); err != nil {
		return err
	}
	return l.f.Sync()
}

// apply brings a record into memory; with mu.
func (l *pendingLog) apply(r record) {
	if r.Op != nil {
		if l.byKey[r.Op.Key] != "" { // dropped before the restart
			l.forget(func(o Op) bool { return o.Key == r.Op.Key })
		}
		l.ops = append(l.ops, *r.Op)
		l.byKey[r.Op.Key] = r.Op.ID
		l.bytes += r.Op.size()
		return
	}
	if r.Opened != l.opened {
		l.forget(func(Op) bool { return true })
	}
	l.seen, l.opened = r.Seen, r.Opened
}

func (l *pendingLog) forget(which func(Op) bool) {
	l.ops = slices.DeleteFunc(l.ops, func(o Op) bool {
		if !which(o) {
			return false
		}
		delete(l.byKey, o.Key)
		l.bytes -= o.size()
		return true
	})
}

// add applies a record and returns what tells that it is on the disk; with mu.
func (l *pendingLog) add(r record) chan error {
	l.apply(r)
	l.buffer = append(l.buffer, r.encode()...)
	w := make(chan error, 1)
	l.waiting = append(l.waiting, w)
	select {
	case l.kick <- struct{}{}:
	default:
	}
	return w
}

// write brings what has gathered to the disk, all with one fsync.
func (l *pendingLog) write(kick <-chan struct{}) {
	defer close(l.done)
	for range kick {
		l.mu.Lock()
		b, waiting := l.buffer, l.waiting
		l.buffer, l.waiting = nil, nil
		err := l.err
		l.mu.Unlock()
		if err == nil && len(b) > 0 {
			if _, err = l.f.Write(b); err == nil {
				err = l.f.Sync()
			}
		}
		l.mu.Lock()
		l.size += int64(len(b))
		if err == nil && l.size > compactAt && l.size > 4*int64(l.bytes) && len(l.buffer) == 0 {
			err = l.compact()
		}
		if err != nil {
			l.err = err
		}
		l.mu.Unlock()
		for _, w := range waiting {
			w <- err
		}
	}
}

// compact replaces the file by one of what is pending; with mu.
func (l *pendingLog) compact() error {
	b := record{Seen: l.seen, Opened: l.opened}.encode()
	for i := range l.ops {
		b = append(b, record{Op: &l.ops[i]}.encode()...)
	}
	f, err := os.OpenFile(l.path+".new", os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if _, err = f.Write(b); err == nil {
		err = f.Sync()
	}
	if err == nil {
		err = os.Rename(l.path+".new", l.path)
	}
	if err == nil {
		err = syncDir(l.path)
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	old := l.f
	l.f, l.size = f, int64(len(b))
	return old.Close()
}

// append keeps a write of the leader of the term.
func (l *pendingLog) append(term uint64, o Op) error {
	l.mu.Lock()
	var w chan error
	err := l.err
	switch {
	case err != nil:
	case l.seen != term || l.opened != term:
		err = errTerm
	case l.byKey[o.Key] != "" || l.late[o.ID]:
		err = errConflict
	case len(l.ops) >= maxPending || l.bytes+o.size() > maxPendingBytes:
		err = errFull
	default:
		w = l.add(record{Op: &o})
	}
	l.mu.Unlock()
	if err != nil {
		return err
	}
	return <-w
}

// collect closes the log to leaders of earlier terms and returns what is pending, and the term that it is of.
func (l *pendingLog) collect(term uint64) (opened uint64, ops []Op, err error) {
	l.mu.Lock()
	if l.err == nil && term < l.seen {
		err = errTerm
	}
	if err = errors.Join(l.err, err); err != nil {
		l.mu.Unlock()
		return 0, nil, err
	}
	w := l.add(record{Seen: term, Opened: l.opened}) // behind all that it answers with
	opened, ops = l.opened, slices.Clone(l.ops)
	l.mu.Unlock()
	return opened, ops, <-w
}

// open lets the leader of the term append.
func (l *pendingLog) open(term uint64) error {
	l.mu.Lock()
	err := l.err
	if err == nil && term < l.seen {
		err = errTerm
	}
	if err != nil || l.opened == term {
		l.mu.Unlock()
		return err
	}
	w := l.add(record{Seen: term, Opened: term})
	l.mu.Unlock()
	return <-w
}

// drop forgets writes that have their place in the log of the cluster.
func (l *pendingLog) drop(ids ...string) {
	gone := make(map[string]bool, len(ids))
	for _, id := range ids {
		gone[id] = true
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.forget(func(o Op) bool {
		here := gone[o.ID]
		delete(gone, o.ID)
		return here
	})
	for id := range gone {
		l.late[id] = true
		if l.lateIDs = append(l.lateIDs, id); len(l.lateIDs) > maxPending {
			delete(l.late, l.lateIDs[0])
			l.lateIDs = l.lateIDs[1:]
		}
	}
}

func (l *pendingLog) pending() []Op {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.ops)
}

// close waits for what is being written.
func (l *pendingLog) close() error {
	l.mu.Lock()
	if l.err == nil {
		l.err = errClosed
	}
	closed := l.f == nil
	if !closed {
		close(l.kick)
		l.kick = nil
	}
	l.mu.Unlock()
	if closed {
		return nil
	}
	<-l.done
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, w := range l.waiting {
		w <- errClosed
	}
	l.waiting = nil
	err := l.f.Close()
	l.f = nil
	return err
}
