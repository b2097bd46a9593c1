package files

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trivium/app/lms"
)

// freeze puts a listener at the node's address that accepts and never answers, like a machine whose disk or process stands still.
func (c *cluster) freeze(i int) (thaw func()) {
	c.t.Helper()
	c.stop(i)
	ln, err := net.Listen("tcp", c.nodes[i].addr)
	must(c.t, err)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var conns []net.Conn
	wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			conns = append(conns, conn)
			mu.Unlock()
		}
	})
	return func() {
		ln.Close()
		wg.Wait()
		for _, conn := range conns {
			conn.Close()
		}
	}
}

func TestAFrozenPeerHoldsNobodyUp(t *testing.T) {
	c := newCluster(t, 3, quiet)
	thaw := c.freeze(2)
	defer thaw()
	data := randomBytes(40 * mib)
	f := fileOf(data)
	c.row(f)
	started := time.Now()
	var wg sync.WaitGroup
	for n := range f.Chunks { // more at a time than may be on their way to one peer
		wg.Go(func() {
			if err := c.nodes[n%2].PutChunk(ctx(t), f, n, bytes.NewReader(part(data, n))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	replicas, nodes, err := c.nodes[0].Verify(ctx(t), f)
	if err != nil || replicas != 2 || nodes != 3 {
		t.Fatalf("%d of %d, %v", replicas, nodes, err)
	}
	if d := time.Since(started); d > 8*time.Second {
		t.Errorf("took %v", d)
	}
	must(t, closeWithin(c, 0, 5*time.Second))
}

// closeWithin closes a node that has pushes to a frozen peer under way.
func closeWithin(c *cluster, i int, d time.Duration) error {
	started := time.Now()
	c.stop(i)
	if took := time.Since(started); took > d {
		return errors.New("close took " + took.String())
	}
	return nil
}

func TestReadingPassesAFrozenPeerOver(t *testing.T) {
	c := newCluster(t, 3, quiet)
	data := randomBytes(6 * mib)
	f := c.upload(0, data)
	c.eventually("everywhere", func() bool { return c.wholeOnDisk(1, f) && c.wholeOnDisk(2, f) })
	c.stop(1)
	c.nodes[1].dir = t.TempDir()
	c.mu.Lock()
	delete(c.rows, f.ID) // nothing but reading brings it
	c.mu.Unlock()
	thaw := c.freeze(2)
	defer thaw()
	c.start(1)
	started := time.Now()
	c.wantContent(1, f, data)
	if d := time.Since(started); d > 8*time.Second {
		t.Errorf("took %v", d)
	}
}

func TestNonVotersDoNotCount(t *testing.T) {
	c := newCluster(t, 3, func(cfg *Config) { cfg.HoldTimeout = time.Second; cfg.SyncEvery = 300 * time.Millisecond })
	c.mu.Lock()
	c.members[2].Voter = false
	c.mu.Unlock()
	for i := range 2 { // the list of members is kept for a moment
		c.stop(i)
		c.start(i)
	}
	c.stop(1)
	data := randomBytes(10)
	f := fileOf(data)
	if err := c.nodes[0].PutChunk(ctx(t), f, 0, bytes.NewReader(data)); !errors.Is(err, lms.ErrUnavailable) {
		t.Fatalf("one of two voters: %v", err)
	}
	c.start(1)
	c.eventually("both voters", func() bool { return c.nodes[0].PutChunk(ctx(t), f, 0, bytes.NewReader(data)) == nil })
	if _, nodes, err := c.nodes[0].Verify(ctx(t), f); err != nil || nodes != 2 {
		t.Fatalf("%d nodes, %v", nodes, err)
	}
	c.complete(f)
	c.eventually("the replica follows", func() bool { return c.wholeOnDisk(2, f) })
	g := fileOf([]byte("through the replica"))
	c.put(2, g, []byte("through the replica"))
	if !c.hasOnDisk(0, g, 0) || !c.hasOnDisk(1, g, 0) || !c.hasOnDisk(2, g, 0) {
		t.Error("acknowledged without a majority of the voters and this node")
	}
}

func TestMembersAreNotKnown(t *testing.T) {
	var broken atomic.Bool
	broken.Store(true)
	c := newCluster(t, 1, func(cfg *Config) {
		members := cfg.Members
		cfg.HoldTimeout = 200 * time.Millisecond
		cfg.Members = func(ctx context.Context) ([]Member, error) {
			if broken.Load() {
				return nil, errors.New("no configuration yet")
			}
			return members(ctx)
		}
	})
	f := fileOf([]byte("x"))
	c.row(f)
	if err := c.nodes[0].PutChunk(ctx(t), f, 0, strings.NewReader("x")); !errors.Is(err, lms.ErrUnavailable) {
		t.Errorf("put: %v", err)
	}
	if missing, err := c.nodes[0].Missing(ctx(t), f); err != nil || len(missing) != 0 {
		t.Errorf("what arrived is not kept: %v, %v", missing, err)
	}
	if _, _, err := c.nodes[0].Verify(ctx(t), f); !errors.Is(err, lms.ErrUnavailable) {
		t.Errorf("verify: %v", err)
	}
	broken.Store(false)
	if _, _, err := c.nodes[0].Verify(ctx(t), f); err != nil {
		t.Error(err)
	}
}

func TestCloseDoesNotWaitForASlowSender(t *testing.T) {
	c := newCluster(t, 1, nil)
	r, w := io.Pipe()
	fs, done := c.nodes[0].Files, make(chan error, 1)
	f := fileOf([]byte("slowly"))
	go func() { done <- fs.PutChunk(ctx(t), f, 0, r) }()
	_, err := w.Write([]byte("slo"))
	must(t, err)
	must(t, closeWithin(c, 0, 5*time.Second))
	_, err = w.Write([]byte("wly"))
	must(t, errors.Join(err, w.Close()))
	if err := <-done; !errors.Is(err, lms.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	wantFiles(t, c.nodes[0].dir, 0)
}

func TestABrowserThatGoesAwayLeavesWhatArrived(t *testing.T) {
	c := newCluster(t, 3, nil)
	c.stop(1)
	c.stop(2)
	gone, cancel := context.WithCancel(ctx(t))
	f := fileOf([]byte("x"))
	done := make(chan error, 1)
	go func() { done <- c.nodes[0].PutChunk(gone, f, 0, strings.NewReader("x")) }()
	c.eventually("it is on the disk", func() bool { return c.hasOnDisk(0, f, 0) })
	cancel()
	if err := <-done; err == nil {
		t.Error("acknowledged without a majority")
	}
	if missing, _ := c.nodes[0].Missing(ctx(t), f); len(missing) != 0 {
		t.Errorf("missing %v", missing)
	}
}

func TestAPeerThatSendsOtherBytes(t *testing.T) {
	c := newCluster(t, 3, quiet)
	data := randomBytes(mib + 1)
	f := c.upload(0, data)
	c.eventually("everywhere", func() bool { return c.wholeOnDisk(2, f) })
	c.stop(1)
	defer c.lie(1)()
	for range 6 { // whichever peer is asked first
		c.stop(0)
		c.nodes[0].dir = t.TempDir()
		c.start(0)
		c.wantContent(0, f, data)
	}
}

// lie puts a node at the address of a stopped one that sends other bytes.
func (c *cluster) lie(i int) (stop func()) {
	c.t.Helper()
	liar := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(nodeHeader, c.nodes[i].id)
		w.Write(bytes.Repeat([]byte("lies"), mib/4))
	})}
	ln, err := net.Listen("tcp", c.nodes[i].addr)
	must(c.t, err)
	go liar.Serve(dropFirstByte{ln})
	return func() { liar.Close() }
}

// dropFirstByte takes the byte that names the service off each connection.
type dropFirstByte struct{ net.Listener }

func (l dropFirstByte) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		_, err = conn.Read(make([]byte, 1))
	}
	return conn, err
}

func TestCompleteFilesHaveNothingMissing(t *testing.T) {
	c := newCluster(t, 1, quiet)
	f := fileOf([]byte("x"))
	if missing, err := c.nodes[0].Missing(ctx(t), f); err != nil || !slices.Equal(missing, []int{0}) {
		t.Errorf("%v, %v", missing, err)
	}
	f.CompleteAt = time.Now()
	if missing, err := c.nodes[0].Missing(ctx(t), f); err != nil || len(missing) != 0 {
		t.Errorf("%v, %v", missing, err)
	}
	rec := httptest.NewRecorder()
	content, err := c.nodes[0].Files.Open(ctx(t), f)
	must(t, err)
	defer content.Close()
	http.ServeContent(rec, httptest.NewRequest("GET", "/", nil), "x", time.Time{}, content)
	if rec.Body.String() == "x" {
		t.Error("a byte that is nowhere was served")
	}
}
