package files

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net"
	"os"
	"slices"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"trivium/app/lms"
	"trivium/consensus"
)

func TestMain(m *testing.M) {
	if os.Getenv(killEnv) != "" {
		dieBeforeRename()
	}
	goleak.VerifyTestMain(m)
}

// cluster is nodes in this process with real networks and folders, and the rows that they all see.
type cluster struct {
	t     *testing.T
	tune  func(*Config)
	nodes []*node

	mu      sync.Mutex
	rows    map[string]lms.File
	members []Member
}

type node struct {
	*Files
	id, dir, addr string
	net           *consensus.Network
	fatal         chan error
}

func newCluster(t *testing.T, n int, tune func(*Config)) *cluster {
	t.Helper()
	c := &cluster{t: t, tune: tune, rows: map[string]lms.File{}}
	var lns []net.Listener
	for i := range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		lns = append(lns, ln)
		nd := &node{id: "node" + string(rune('1'+i)), dir: t.TempDir(), addr: ln.Addr().String(), fatal: make(chan error, 100)}
		c.nodes = append(c.nodes, nd)
		c.members = append(c.members, Member{ID: nd.id, Address: nd.addr, Voter: true})
	}
	for i := range n {
		c.open(i, lns[i])
	}
	t.Cleanup(func() {
		for i := range c.nodes {
			c.stop(i)
		}
		for _, nd := range c.nodes {
			select {
			case err := <-nd.fatal:
				t.Errorf("node %s stopped itself: %v", nd.id, err)
			default:
			}
		}
	})
	return c
}

func (c *cluster) open(i int, ln net.Listener) {
	c.t.Helper()
	nd := c.nodes[i]
	nd.net = consensus.NewNetwork(consensus.NetworkConfig{Listener: ln})
	cfg := Config{Dir: nd.dir, Network: nd.net, Self: nd.id, List: c.list, HoldTimeout: 10 * time.Second, SyncEvery: 300 * time.Millisecond,
		Logger: slog.New(slog.NewTextHandler(testWriter{c.t}, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Fatal:  func(err error) { nd.fatal <- err },
		Members: func(context.Context) ([]Member, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			return slices.Clone(c.members), nil
		}}
	if c.tune != nil {
		c.tune(&cfg)
	}
	var err error
	if nd.Files, err = Open(cfg); err != nil {
		c.t.Fatal(err)
	}
}

// stop takes a node away, as if its machine were off.
func (c *cluster) stop(i int) {
	nd := c.nodes[i]
	if nd.Files == nil {
		return
	}
	if err := nd.net.Close(); err != nil {
		c.t.Error(err)
	}
	if err := nd.Files.Close(); err != nil {
		c.t.Error(err)
	}
	nd.Files = nil
}

// start brings a stopped node back at its address.
func (c *cluster) start(i int) {
	c.t.Helper()
	ln, err := net.Listen("tcp", c.nodes[i].addr)
	if err != nil {
		c.t.Fatal(err)
	}
	c.open(i, ln)
}

func (c *cluster) list(_ context.Context, after string, limit int) ([]lms.File, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var page []lms.File
	for _, id := range slices.Sorted(maps.Keys(c.rows)) {
		if id > after && len(page) < limit {
			page = append(page, c.rows[id])
		}
	}
	return page, nil
}

// row adds or changes the row of a file.
func (c *cluster) row(f lms.File) {
	c.mu.Lock()
	c.rows[f.ID] = f
	c.mu.Unlock()
	for _, nd := range c.nodes {
		if nd.Files != nil {
			nd.Kick()
		}
	}
}

func (c *cluster) complete(f lms.File) {
	f.CompleteAt = time.Now()
	c.row(f)
}

// put sends chunks of a file through a node; all of them when no numbers are given.
func (c *cluster) put(i int, f lms.File, data []byte, numbers ...int) {
	c.t.Helper()
	if numbers == nil {
		for n := range f.Chunks {
			numbers = append(numbers, n)
		}
	}
	for _, n := range numbers {
		if err := c.nodes[i].PutChunk(ctx(c.t), f, n, bytes.NewReader(part(data, n))); err != nil {
			c.t.Fatalf("chunk %d: %v", n, err)
		}
	}
}

// upload sends a whole file through a node and completes it.
func (c *cluster) upload(i int, data []byte) lms.File {
	c.t.Helper()
	f := fileOf(data)
	c.row(f)
	c.put(i, f, data)
	if _, _, err := c.nodes[i].Verify(ctx(c.t), f); err != nil {
		c.t.Fatal(err)
	}
	c.complete(f)
	return f
}

func (c *cluster) wantContent(i int, f lms.File, want []byte) {
	c.t.Helper()
	r, err := c.nodes[i].Files.Open(ctx(c.t), f)
	if err != nil {
		c.t.Fatal(err)
	}
	defer r.Close()
	got, err := io.ReadAll(r)
	if err != nil {
		c.t.Fatalf("node %d: %v", i+1, err)
	}
	if !bytes.Equal(got, want) {
		c.t.Fatalf("node %d: %d other bytes, want %d", i+1, len(got), len(want))
	}
}

// onDisk counts the folders that hold the chunk, byte for byte, with its marker.
func (c *cluster) onDisk(f lms.File, number int) (n int) {
	for i := range c.nodes {
		if c.hasOnDisk(i, f, number) {
			n++
		}
	}
	return n
}

func (c *cluster) hasOnDisk(i int, f lms.File, number int) bool {
	d := &disk{root: c.nodes[i].dir}
	b, err := os.ReadFile(d.chunkPath(f.Chunks[number]))
	_, markErr := os.Lstat(d.markerPath(f.ID, number, f.Chunks[number]))
	return err == nil && markErr == nil && hashOf(b) == f.Chunks[number]
}

func (c *cluster) wholeOnDisk(i int, f lms.File) bool {
	for n := range f.Chunks {
		if !c.hasOnDisk(i, f, n) {
			return false
		}
	}
	return true
}

func (c *cluster) eventually(what string, ok func() bool) {
	c.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !ok(); {
		if time.Now().After(deadline) {
			c.t.Fatalf("not within 20 s: %s", what)
		}
		sleep(c.t.Context(), 5*time.Millisecond)
	}
}

func (c *cluster) flip(i int, hash string) {
	c.t.Helper()
	name := (&disk{root: c.nodes[i].dir}).chunkPath(hash)
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		c.t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], 7); err != nil {
		c.t.Fatal(err)
	}
	b[0] ^= 0x10
	if _, err := f.WriteAt(b[:], 7); err != nil {
		c.t.Fatal(err)
	}
}

func ctx(t *testing.T) context.Context { return t.Context() }

func randomBytes(n int) []byte {
	b := make([]byte, n)
	var key [32]byte
	for i := range key {
		key[i] = byte(rand.Uint32())
	}
	rand.NewChaCha8(key).Read(b)
	return b
}

// fileOf describes data as a client does.
func fileOf(data []byte) lms.File {
	sum := sha256.Sum256(data)
	f := lms.File{ID: lms.NewID(), Name: "essay “final” 1.pdf", Size: int64(len(data)), SHA256: hex.EncodeToString(sum[:])}
	for n := range lms.ChunkCount(f.Size) {
		f.Chunks = append(f.Chunks, hashOf(part(data, n)))
	}
	return f
}

func part(data []byte, n int) []byte {
	return data[n*lms.ChunkSize : n*lms.ChunkSize+lms.ChunkLen(int64(len(data)), n)]
}

type testWriter struct{ t *testing.T }

func (w testWriter) Write(b []byte) (int, error) {
	w.t.Log(string(bytes.TrimSpace(b)))
	return len(b), nil
}
