package consensus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"trivium/consensus/internal/fault"
)

const liveSnapshot = "live" // the id of the only snapshot there is: the database as it stands

func metaOf(st *state, size int64) *raft.SnapshotMeta {
	return &raft.SnapshotMeta{Version: raft.SnapshotVersionMax, ID: liveSnapshot, Index: st.index, Term: st.term, Size: size,
		Configuration: st.configuration(), ConfigurationIndex: st.configIndex}
}

// List is read at start, when Raft adopts index, term and configuration without a restore, and before a snapshot is sent.
// Its answer comes out of the database itself: it can never name a state that is not there.
func (m *machine) List() ([]*raft.SnapshotMeta, error) {
	st := m.shown.Load()
	if st.index == 0 || st.term == 0 || st.configIndex == 0 {
		return nil, nil
	}
	return []*raft.SnapshotMeta{metaOf(st, 0)}, nil
}

// Create serves two callers: Raft's own snapshots, which write nothing, and the receiver of the leader's file.
func (m *machine) Create(_ raft.SnapshotVersion, index, term uint64, _ raft.Configuration, _ uint64, _ raft.Transport) (raft.SnapshotSink, error) {
	return &sink{m: m, index: index, term: term}, nil
}

// sink turns into an install with the first byte.
type sink struct {
	m           *machine
	index, term uint64
	in          *install
}

func (s *sink) ID() string {
	if s.in != nil {
		return s.in.id
	}
	return liveSnapshot
}

func (s *sink) Write(p []byte) (n int, err error) {
	if s.in == nil {
		fault.Point("install-begin")
		if s.in, err = s.m.newInstall(s.index); err != nil {
			return 0, err
		}
	}
	return s.in.file.Write(p)
}

func (s *sink) Cancel() error {
	if s.in == nil {
		return nil
	}
	return errors.Join(s.in.file.Close(), os.RemoveAll(s.in.dir))
}

func (s *sink) Close() error {
	if s.in == nil {
		return nil
	}
	if err := s.in.verify(s.index, s.term); err != nil {
		os.RemoveAll(s.in.dir)
		return err
	}
	fault.Point("install-verified")
	s.m.installMu.Lock()
	s.m.installed[s.in.id] = s.in
	s.m.installMu.Unlock()
	return nil
}

// install is a received database, not yet current. Raft receives one at a time.
type install struct {
	m               *machine
	id              string
	generation, dir string
	file            *os.File
	st              state
}

func (m *machine) newInstall(index uint64) (*install, error) {
	m.mu.Lock()
	generation := nextGeneration(m.generation)
	m.mu.Unlock()
	in := &install{m: m, generation: generation, id: fmt.Sprintf("install-%d-%d", index, time.Now().UnixNano())}
	in.dir = filepath.Join(m.dir, generation)
	if err := os.RemoveAll(in.dir); err != nil { // a receive that was cut off
		return nil, err
	}
	if err := os.MkdirAll(in.dir, 0o700); err != nil {
		return nil, err
	}
	var err error
	in.file, err = os.OpenFile(filepath.Join(in.dir, "db"), os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o600)
	return in, err
}

// verify makes the received file durable, and certain to be what was announced.
func (in *install) verify(index, term uint64) error {
	if err := errors.Join(in.file.Sync(), in.file.Close(), syncDir(in.dir), syncDir(in.m.dir)); err != nil {
		return err
	}
	fault.Point("install-received")
	c, err := openConn(filepath.Join(in.dir, "db"), "")
	if err != nil {
		return err
	}
	defer c.close()
	if err := checkFormat(c); err != nil {
		in.m.fatal("received a database", err) // asked again and again, the leader would send it again and again
		return err
	}
	rows, err := c.run(context.Background(), "PRAGMA quick_check(1)")
	if err != nil || len(rows) != 1 || rows[0][0] != "ok" {
		return fmt.Errorf("consensus: the received database is damaged: %v %w", rows, err)
	}
	if in.st, err = stateOf(c.run(context.Background(), stateQuery)); err != nil {
		return err
	}
	if in.st.index != index || in.st.term != term {
		return fmt.Errorf("consensus: received a database at %d/%d that was announced as %d/%d", in.st.index, in.st.term, index, term)
	}
	return nil
}

func (in *install) Read([]byte) (int, error) { return 0, io.EOF }
func (in *install) Close() error             { return nil }

// Open hands out the main database file for sending, or what has been received for Restore.
func (m *machine) Open(id string) (*raft.SnapshotMeta, io.ReadCloser, error) {
	if id != liveSnapshot {
		m.installMu.Lock()
		in := m.installed[id]
		delete(m.installed, id)
		m.installMu.Unlock()
		if in == nil {
			return nil, nil, fmt.Errorf("consensus: no snapshot %q", id)
		}
		return metaOf(&in.st, 0), in, nil
	}
	if m.failed() {
		return nil, nil, errFailed
	}
	s, st, err := m.stream(context.Background())
	if err != nil {
		return nil, nil, err
	}
	fault.Point("snapshot-send")
	m.streams.Add(1)
	s.closed = func() {
		m.streamEnd.Store(time.Now().UnixMilli())
		m.streams.Add(-1)
	}
	m.metrics.sent.Inc()
	return metaOf(&st, s.Size()), s, nil
}

// stream is the main database file as it lies: after a complete checkpoint it is a consistent state, and it does not
// change until the next one, which ckMu holds back. Writes go on in the WAL.
type stream struct {
	*io.SectionReader
	db     *database
	closed func()
	once   sync.Once
}

// Bounds of the wait for a complete checkpoint: a long read holds an old state.
const (
	checkpointTries = 50
	checkpointPause = 100 * time.Millisecond
)

func (m *machine) stream(ctx context.Context) (*stream, state, error) {
	m.mu.Lock()
	db := m.db
	ok := db != nil && db.acquire()
	m.mu.Unlock()
	if !ok {
		return nil, state{}, errClosed
	}
	db.ckMu.Lock()
	s := &stream{db: db, closed: func() {}}
	st, err := s.open(ctx)
	if err != nil {
		s.Close()
	}
	return s, st, err
}

func (s *stream) open(ctx context.Context) (state, error) {
	for range checkpointTries {
		complete, err := checkpoint(s.db.ck)
		if err != nil {
			return state{}, err
		}
		if complete {
			fi, err := s.db.file.Stat()
			if err != nil {
				return state{}, err
			}
			s.SectionReader = io.NewSectionReader(s.db.file, 0, fi.Size())
			return s.db.fileState()
		}
		select {
		case <-time.After(checkpointPause):
		case <-ctx.Done():
			return state{}, ctx.Err()
		}
	}
	return state{}, errors.New("consensus: readers kept the checkpoint from completing")
}

func (s *stream) Close() error {
	s.once.Do(func() {
		s.db.ckMu.Unlock()
		s.closed()
		s.db.release()
	})
	return nil
}
