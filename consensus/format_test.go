package consensus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// openAlone opens a one-node cluster in the directory.
func openAlone(t *testing.T, dir string) (*DB, error) {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	network := NewNetwork(NetworkConfig{Listener: ln})
	t.Cleanup(func() { network.Close() })
	db, err := Open(Config{ID: "n1", Dir: dir, Network: network, Bootstrap: true, HeartbeatTimeout: 100 * time.Millisecond,
		DiskTimeout: 30 * time.Second, Logger: slog.New(slog.DiscardHandler), Fatal: func(err error) { t.Errorf("stopped: %v", err) }})
	if err == nil {
		t.Cleanup(func() { db.Close() })
	}
	return db, err
}

// used is the directory of a node that has worked and is closed.
func used(t *testing.T) (dir, file string) {
	t.Helper()
	dir = t.TempDir()
	db, err := openAlone(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	var b Batch
	b.Exec("CREATE TABLE notes (text TEXT)")
	if _, err := db.Apply(t.Context(), &b); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, filepath.Join(dir, "state", "g1", "db")
}

func edit(t *testing.T, file string, statements ...string) {
	t.Helper()
	c, err := openConn(file, "")
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range statements {
		if _, err := c.run(context.Background(), q); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.close(); err != nil {
		t.Fatal(err)
	}
}

func setFormat(n int) string { return fmt.Sprintf("PRAGMA user_version = %d", n) }

func TestUnknownFormatIsRefused(t *testing.T) {
	newer := fmt.Sprintf("has format %d and this program knows formats up to %d", knownFormat+1, knownFormat)
	for _, tt := range []struct {
		name, want string
		edit       []string
	}{
		{"newer", newer, []string{setFormat(knownFormat + 1)}},
		{"from development", "from before the first release", []string{"PRAGMA user_version = 0", "DROP TABLE raft_retries",
			"CREATE TABLE raft_retries (key BLOB PRIMARY KEY, digest BLOB NOT NULL, stamp INTEGER NOT NULL, result BLOB NOT NULL) STRICT, WITHOUT ROWID"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			dir, file := used(t)
			edit(t, file, tt.edit...)
			var format *FormatError
			_, err := openAlone(t, dir)
			if !errors.As(err, &format) || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("opened with %v", err)
			}
			edit(t, file, "PRAGMA user_version = 1") // what it refused it has left alone
			if tt.name == "newer" {
				db, err := openAlone(t, dir)
				if err != nil {
					t.Fatal(err)
				}
				if _, err := db.Query(t.Context(), Local, "SELECT text FROM notes"); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestNewerEntryIsRefused(t *testing.T) {
	t.Run("at start", func(t *testing.T) {
		store := raft.NewInmemStore()
		l := newLogs(store, func(what string, err error) { t.Errorf("%s: %v", what, err) })
		if err := store.StoreLog(&raft.Log{Index: 1, Term: 1, Type: raft.LogCommand, Data: []byte{byte(knownFormat) + 1, 0}}); err != nil {
			t.Fatal(err)
		}
		if err := l.check(); err == nil || !strings.Contains(err.Error(), fmt.Sprintf("the log has format %d", knownFormat+1)) {
			t.Errorf("%v", err)
		}
		if err := store.StoreLog(&raft.Log{Index: 2, Term: 1, Type: raft.LogConfiguration, Data: []byte{byte(knownFormat) + 1}}); err != nil {
			t.Fatal(err)
		}
		if err := l.check(); err != nil {
			t.Errorf("a configuration has the format of Raft: %v", err)
		}
	})
	t.Run("from the leader", func(t *testing.T) {
		var stopped error
		m := openMachine(t, t.TempDir(), raft.NewInmemStore(), func(_ string, err error) { stopped = err }, func() bool { return stopped != nil })
		defer m.close()
		m.Apply(&raft.Log{Index: 1, Term: 1, Type: raft.LogCommand, Data: []byte{byte(knownFormat) + 1, 0}})
		var format *FormatError
		if !errors.As(stopped, &format) || m.applied() != 0 {
			t.Errorf("%v, applied %d", stopped, m.applied())
		}
	})
}

func TestReceivedDatabaseOfANewerFormatStopsTheNode(t *testing.T) {
	_, file := used(t)
	edit(t, file, "PRAGMA wal_checkpoint(TRUNCATE)", setFormat(knownFormat+1), "PRAGMA wal_checkpoint(TRUNCATE)")
	var stopped error
	m := openMachine(t, t.TempDir(), raft.NewInmemStore(), func(_ string, err error) { stopped = err }, func() bool { return stopped != nil })
	defer m.close()
	sink, err := m.Create(raft.SnapshotVersionMax, 2, 1, raft.Configuration{}, 1, nil)
	if err != nil {
		t.Fatal(err)
	}
	copyFile(t, sink, file)
	var format *FormatError
	if err := sink.Close(); !errors.As(err, &format) || !errors.As(stopped, &format) {
		t.Errorf("%v, stopped by %v", err, stopped)
	}
}

func copyFile(t *testing.T, w io.Writer, path string) {
	t.Helper()
	p, err := os.ReadFile(path)
	if err == nil {
		_, err = w.Write(p)
	}
	if err != nil {
		t.Fatal(err)
	}
}
