package consensus

import (
	"errors"
	"time"

	"trivium/consensus/internal/fault"
)

// finishCheckpoint runs between entries, when the writer is idle: what is left is copied, and the WAL starts anew.
func (m *machine) finishCheckpoint() {
	if !m.db.ckMu.TryLock() {
		return // a snapshot is being sent from the main file
	}
	w := m.db.writer
	w.isOwn = true
	fault.Point("checkpoint-before")
	_, err := checkpoint(w.conn)
	fault.Point("checkpoint-after")
	w.isOwn = false
	m.db.ckMu.Unlock()
	m.mustCheckpoint(err)
}

// mustCheckpoint stops the node, unless there was just no space: what was not copied stays in the WAL.
func (m *machine) mustCheckpoint(err error) {
	if outOfSpace(err) {
		m.release("a checkpoint")
		return
	}
	m.must("checkpoint", err)
}

// checkpointer keeps the WAL short: a pass beside the writer does the bulk, then Apply is asked for the short last one,
// since a busy writer would never let the WAL start anew.
func (m *machine) checkpointer(stop <-chan struct{}, limit int64) {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		err := m.use(func(db *database) error {
			if db.walSize() <= limit || !db.ckMu.TryLock() {
				return nil
			}
			defer db.ckMu.Unlock()
			_, err := checkpoint(db.ck)
			m.checkpoint.Store(true)
			return err
		})
		if errors.Is(err, errClosed) {
			return
		}
		m.mustCheckpoint(err)
	}
}
