package consensus

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"

	"github.com/hashicorp/raft"
)

// A poisoned entry is one that no node can apply: a bug that every node has alike stops them all at the same place, again
// and again. Started with Config.Quarantine all of them leave that entry out, which is recorded in the database.

// poison is how a node fails at an entry, when the fault seems to lie in the entry and not in the node.
func poison(index uint64, why error) error {
	return fmt.Errorf("entry %d of the log cannot be applied: %w. If every node stops at this entry, start all of them with --quarantine %d: "+
		"they leave it out, and what it would have written is lost", index, why, index)
}

// recovered turns a panic of the state machine into the reason of the node's end.
func (m *machine) recovered(index uint64) {
	if p := recover(); p != nil {
		m.fatal("apply", poison(index, fmt.Errorf("panic: %v\n%s", p, debug.Stack())))
	}
}

// openQuarantine notes whether this node has received the entry: else it cannot know that it is poisoned.
func (m *machine) openQuarantine() error {
	if m.quarantine <= m.last.index {
		return nil
	}
	last, err := m.logs.LastIndex()
	m.unseen = m.quarantine > last
	return err
}

// leaveOut skips the entry, unless another node has applied it. An entry that was not in this node's log when it started is
// skipped only when another node has done so: it may be any, and not the poisoned one. It reports whether the entry is
// dealt with.
func (m *machine) leaveOut(l *raft.Log) bool {
	applied, left := m.past(l.Index)
	switch {
	case applied != "":
		m.must("quarantine", fmt.Errorf("node %s has applied entry %d, so it can be applied: start without --quarantine", applied, l.Index))
		return true
	case m.unseen && !left:
		return false
	}
	w := m.db.writer
	run := func(q string, args ...any) error { _, err := w.ours(q, args...); return err }
	err := run("BEGIN IMMEDIATE")
	if err == nil {
		err = run("INSERT OR REPLACE INTO raft_quarantine (log_index, size) VALUES (?, ?)", int64(l.Index), int64(len(l.Data)))
	}
	if err == nil {
		err = run("UPDATE raft_state SET applied_index = ?, applied_term = ?, stamp = ?", int64(l.Index), int64(l.Term), m.last.stamp)
	}
	if err == nil {
		err = run("COMMIT")
	}
	if !m.must("quarantine", err) {
		return true
	}
	m.last.index, m.last.term = l.Index, l.Term
	m.left = append(m.left, l.Index)
	m.publishLeft()
	m.publish()
	m.checks.applied(m, l.Index, nil)
	return true
}

func (m *machine) publishLeft() {
	left := slices.Clone(m.left)
	m.leftOut.Store(&left)
}

// readLeft reads which entries were left out, and which nodes were declared lost.
func (m *machine) readMarks(w *writer) error {
	rows, err := w.ours("SELECT log_index FROM raft_quarantine ORDER BY log_index")
	if err != nil {
		return err
	}
	m.left = nil
	for _, r := range rows {
		var index uint64
		if err := r.Scan(&index); err != nil {
			return err
		}
		m.left = append(m.left, index)
	}
	m.publishLeft()
	if rows, err = w.ours("SELECT node_id FROM raft_lost"); err != nil {
		return err
	}
	lost := map[string]bool{}
	for _, r := range rows {
		var id string
		if err := r.Scan(&id); err != nil {
			return err
		}
		lost[id] = true
	}
	m.lost.Store(&lost)
	return nil
}

// past asks the members for the entry: which one has applied it, and whether one has left it out.
func (db *DB) past(index uint64) (applied string, left bool) {
	select {
	case <-db.opened:
	case <-db.stop:
	}
	db.config.Logger.Error("an entry of the log is to be left out, as it was demanded", "entry", index)
	if db.client == nil {
		return "", false
	}
	for _, s := range db.machine.shown.Load().configuration().Servers {
		if string(s.ID) == db.config.ID {
			continue
		}
		ctx, cancel := context.WithTimeout(db.life, nodesTimeout)
		other, err := db.statusOf(ctx, string(s.ID), string(s.Address))
		cancel()
		switch {
		case err != nil || other.Applied < index:
		case slices.Contains(other.Quarantined, index):
			left = true
		default:
			applied = other.ID
		}
	}
	return applied, left
}

var errLost = errors.New("this node was declared lost when the cluster was recovered without it: empty its directory and let it join again under a new name")
