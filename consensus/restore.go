package consensus

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/hashicorp/raft"

	"trivium/consensus/internal/fault"
)

// Snapshot costs nothing. While a snapshot travels, and a while after, there is none: the log would be cut past what the
// follower is about to have, and it would need another one, perhaps for ever.
func (m *machine) Snapshot() (raft.FSMSnapshot, error) {
	if m.failed() {
		return nil, errFailed
	}
	if m.streams.Load() > 0 || time.Now().UnixMilli()-m.streamEnd.Load() < streamGrace.Milliseconds() {
		return nil, raft.ErrNothingNewToSnapshot
	}
	fault.Point("snapshot-create")
	return persist{m}, nil
}

const streamGrace = 20 * time.Second

type persist struct{ m *machine }

// Persist runs beside Apply and makes everything up to the snapshot's index durable.
func (p persist) Persist(sink raft.SnapshotSink) error {
	fault.Point("persist-before-sync")
	err := p.m.use((*database).sync)
	if errors.Is(err, errClosed) {
		return err
	}
	if !p.m.must("sync", err) { // a failed fsync must not be tried again: the second may lie
		return err
	}
	fault.Point("persist-after-sync")
	return sink.Close()
}

func (persist) Release() {}

// Restore swaps in a database that has been received, verified and synced. Readers of the old one finish in peace.
func (m *machine) Restore(rc io.ReadCloser) error {
	if w, ok := rc.(raft.ReadCloserWrapper); ok {
		rc = w.WrappedReadCloser()
	}
	in, ok := rc.(*install)
	if !ok {
		return errors.New("consensus: restore from a foreign stream")
	}
	if m.failed() {
		return errFailed
	}
	if in.st.index < m.last.index {
		return fmt.Errorf("consensus: the snapshot at %d is older than the state at %d", in.st.index, m.last.index)
	}
	db, st, err := m.openGeneration(in.generation)
	if err != nil {
		return err
	}
	fault.Point("restore-before-swap")
	// The swap is last, and durable before Restore returns: Raft then deletes the log that led to the old state.
	if err := setCurrentGeneration(m.dir, in.generation); !m.must("move "+currentFile, err) {
		return errors.Join(err, db.shut())
	}
	fault.Point("restore-after-swap")
	old, oldDir := m.db, filepath.Join(m.dir, m.generation)
	old.after = func() { os.RemoveAll(oldDir) }
	m.adopt(db, in.generation, st)
	old.release()
	fault.Point("restore-adopted")
	m.watch.send(Event{Index: st.index, Lost: true})
	m.metrics.received.Inc()
	return nil
}
