package sim

import (
	"fmt"
	"hash/crc32"
	"slices"
	"sync"

	"github.com/hashicorp/raft"
)

// logStore survives the stops of its node. It tells the checks what the node writes.
type logStore struct {
	*raft.InmemStore
	checks    *checks
	node      string
	forgetful bool // a planted bug: the vote is not stored
}

func (s *logStore) StoreLog(l *raft.Log) error { return s.StoreLogs([]*raft.Log{l}) }

func (s *logStore) StoreLogs(logs []*raft.Log) error {
	for _, l := range logs {
		s.checks.stored(s.node, l)
	}
	return s.InmemStore.StoreLogs(logs)
}

func (s *logStore) Set(key, value []byte) error {
	if s.forgetful && string(key) == "LastVoteCand" {
		return nil
	}
	return s.InmemStore.Set(key, slices.Clone(value))
}

func (s *logStore) SetUint64(key []byte, value uint64) error {
	if s.forgetful && string(key) == "LastVoteTerm" {
		return nil
	}
	return s.InmemStore.SetUint64(key, value)
}

// checks hold everywhere and at any time.
type checks struct {
	mu      sync.Mutex
	failed  []string
	leaders map[uint64]string    // who has sent entries or heartbeats in a term
	noops   map[uint64]uint64    // term: index of its NO-OP
	entries map[[2]uint64]uint32 // index and term: checksum of the entry
}

func newChecks() *checks {
	return &checks{leaders: map[uint64]string{}, noops: map[uint64]uint64{}, entries: map[[2]uint64]uint32{}}
}

func (c *checks) fail(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failLocked(format, args...)
}

func (c *checks) failLocked(format string, args ...any) {
	if len(c.failed) < 20 {
		c.failed = append(c.failed, fmt.Sprintf(format, args...))
	}
}

func (c *checks) failures() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.failed)
}

// leads: at most one node acts as the leader of a term.
func (c *checks) leads(term uint64, node string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if other, ok := c.leaders[term]; ok && other != node {
		c.failLocked("term %d has two leaders, %s and %s", term, other, node)
	}
	c.leaders[term] = node
}

// stored: an index and a term name one entry, on all nodes, and a term has one NO-OP.
func (c *checks) stored(node string, l *raft.Log) {
	sum := crc32.Update(uint32(l.Type), crc32.IEEETable, l.Data)
	c.mu.Lock()
	defer c.mu.Unlock()
	key := [2]uint64{l.Index, l.Term}
	if other, ok := c.entries[key]; ok && other != sum {
		c.failLocked("%s stores another entry at index %d of term %d than was stored before", node, l.Index, l.Term)
	}
	c.entries[key] = sum
	if l.Type != raft.LogNoop {
		return
	}
	if index, ok := c.noops[l.Term]; ok && index != l.Index {
		c.failLocked("term %d has NO-OPs at %d and %d", l.Term, index, l.Index)
	}
	c.noops[l.Term] = l.Index
}

// forget bounds the memory of a long run: entries at or below index are on all nodes.
func (c *checks) forget(index uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key := range c.entries {
		if key[0] <= index {
			delete(c.entries, key)
		}
	}
}
