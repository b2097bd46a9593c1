package consensus

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// A group of forwarded batches as a leader receives it, whatever it is: refused, or each batch checked and answered.
func FuzzForwardedGroup(f *testing.F) {
	db := fuzzNode(f)
	var e encoder
	f.Add(bytes.Clone(e.encodeEntry(0, 0, []*command{sample()})))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, body []byte) {
		w := httptest.NewRecorder()
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		db.serveApply(w, httptest.NewRequestWithContext(ctx, "POST", "/apply", bytes.NewReader(body)))
		group, err := decodeEntry(body, 0, 0)
		if (err == nil) != (w.Code == http.StatusOK) {
			t.Fatalf("status %d, and decoding says %v", w.Code, err)
		}
		if err == nil {
			if _, err := decodeAnswers(w.Body.Bytes(), len(group.commands)); err != nil {
				t.Fatal(err)
			}
		}
		if db.failed.Load() {
			t.Fatal("the request has stopped the node")
		}
	})
}

func FuzzForwardedAnswers(f *testing.F) {
	f.Add(encodeAnswers([]answer{{outcome: outcome{message: "m", guard: 3}}, {err: ErrUnknown}, {err: errNotLeader}}), 3)
	f.Fuzz(func(t *testing.T, data []byte, n int) {
		if n < 0 || n > maxGroup {
			t.Skip()
		}
		answers, err := decodeAnswers(data, n)
		if err == nil && len(answers) != n {
			t.Fatalf("%d answers of %d", len(answers), n)
		}
	})
}

// A database that another node sends: whatever comes, it is refused or it is what was announced, and nothing that
// this node has is touched before that.
func FuzzReceivedDatabase(f *testing.F) {
	whole := func(dir string, change func(*conn)) []byte {
		path := filepath.Join(dir, "db")
		db, err := openDatabase(path, 1)
		if err != nil {
			f.Fatal(err)
		}
		change(db.ck)
		if _, err := checkpoint(db.ck); err != nil {
			f.Fatal(err)
		}
		db.release()
		data, err := os.ReadFile(path)
		if err != nil {
			f.Fatal(err)
		}
		return data
	}
	set := func(q string) func(*conn) {
		return func(c *conn) {
			if _, err := c.run(context.Background(), q); err != nil {
				f.Fatal(err)
			}
		}
	}
	good := whole(f.TempDir(), set("UPDATE raft_state SET applied_index = 9, applied_term = 2"))
	f.Add(good, uint16(0), byte(0))
	f.Add(good[:100], uint16(3), byte(7))
	f.Add(whole(f.TempDir(), set("UPDATE raft_state SET applied_index = 9, applied_term = 2, config_index = 4, config = x'ff00'")), uint16(0), byte(0))
	f.Add([]byte("SQLite format 3\x00"), uint16(0), byte(0))
	f.Fuzz(func(t *testing.T, data []byte, at uint16, flip byte) {
		if len(data) > 1<<20 {
			t.Skip()
		}
		data = bytes.Clone(data)
		if len(data) > 0 {
			data[int(at)%len(data)] ^= flip
		}
		m := &machine{dir: t.TempDir(), generation: "g1", installed: map[string]*install{}, fatal: func(string, error) {}}
		s, err := m.Create(1, 9, 2, raft.Configuration{}, 0, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Write(data); err != nil {
			t.Fatal(err)
		}
		if err := s.Close(); err != nil {
			if entries, _ := os.ReadDir(m.dir); len(entries) > 0 {
				t.Errorf("refused, and %v stays", entries)
			}
			return
		}
		meta, r, err := m.Open(s.ID())
		if err != nil {
			t.Fatal(err)
		}
		r.Close()
		if meta.Index != 9 || meta.Term != 2 {
			t.Errorf("accepted at %d/%d", meta.Index, meta.Term)
		}
	})
}

// What a stranger sends to the cluster port before and after the byte that names the service.
func FuzzClusterPort(f *testing.F) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	n := newNetwork(NetworkConfig{Listener: ln}, 200*time.Millisecond)
	f.Cleanup(func() { n.Close() })
	rpc := &http.Server{Handler: http.NotFoundHandler(), ReadTimeout: time.Second, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)}
	go rpc.Serve(n.Listen(ServiceRPC))
	f.Cleanup(func() { rpc.Close() })
	f.Add([]byte{byte(ServiceRPC)})
	f.Add(append([]byte{byte(ServiceRPC)}, "GET /status HTTP/1.1\r\nHost: x\r\n\r\n"...))
	f.Add([]byte("\x16\x03\x01\x00\x05hello"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := net.Dial("tcp", ln.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		c.Write(data) // may be cut off
		c.(*net.TCPConn).CloseWrite()
		c.SetReadDeadline(time.Now().Add(20 * time.Second))
		buf := make([]byte, 4096)
		for {
			if _, err = c.Read(buf); err != nil {
				break
			}
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Fatal("the connection is kept")
		}
	})
}

// fuzzNode is a cluster of one node.
func fuzzNode(f *testing.F) *DB {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		f.Fatal(err)
	}
	n := NewNetwork(NetworkConfig{Listener: ln})
	f.Cleanup(func() { n.Close() })
	db, err := Open(Config{ID: "n1", Dir: f.TempDir(), Network: n, Bootstrap: true, Logger: slog.New(slog.DiscardHandler),
		DiskTimeout: time.Minute, Fatal: func(error) {}})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { db.Close() })
	if err := db.WaitReady(context.Background()); err != nil {
		f.Fatal(err)
	}
	return db
}
