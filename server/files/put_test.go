package files

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"time"

	"trivium/app/lms"
)

const mib = lms.ChunkSize

func TestUploadIsReadByteIdenticalOnEveryNode(t *testing.T) {
	c := newCluster(t, 3, nil)
	for _, tt := range []struct {
		name string
		size int
	}{{"0 bytes", 0}, {"1 byte", 1}, {"a block", blockSize}, {"exactly 1 MiB", mib}, {"1 MiB and 1 byte", mib + 1}, {"5 MiB and a bit", 5*mib + 4711}} {
		t.Run(tt.name, func(t *testing.T) {
			data := randomBytes(tt.size)
			f := fileOf(data)
			c.row(f)
			if missing, err := c.nodes[1].Missing(ctx(t), f); err != nil || len(missing) != len(f.Chunks) {
				t.Fatalf("missing before: %v, %v", missing, err)
			}
			for n := range f.Chunks {
				c.put(n%3, f, data, n)
				if got := c.onDisk(f, n); got < 2 {
					t.Fatalf("chunk %d acknowledged with %d copies", n, got)
				}
			}
			if missing, err := c.nodes[2].Missing(ctx(t), f); err != nil || missing == nil || len(missing) != 0 {
				t.Fatalf("missing after: %v, %v", missing, err)
			}
			replicas, nodes, err := c.nodes[0].Verify(ctx(t), f)
			if err != nil || replicas < 2 || nodes != 3 {
				t.Fatalf("verify: %d of %d, %v", replicas, nodes, err)
			}
			c.complete(f)
			for i := range c.nodes {
				c.wantContent(i, f, data)
			}
			c.eventually("all nodes hold it", func() bool { r, n := c.nodes[1].Replicas(ctx(t), f); return r == 3 && n == 3 })
		})
	}
}

func TestPutChunkRefusesWhatIsNotTheChunk(t *testing.T) {
	c := newCluster(t, 3, nil)
	data := randomBytes(mib + 100)
	f := fileOf(data)
	flipped := slices.Clone(part(data, 0))
	flipped[500] ^= 1
	for _, tt := range []struct {
		name   string
		number int
		body   io.Reader
		want   string
	}{
		{"flipped bit", 0, bytes.NewReader(flipped), "arrived damaged. Send this part again"},
		{"too short", 0, bytes.NewReader(part(data, 0)[1:]), "arrived incomplete. Send this part again"},
		{"too long", 1, bytes.NewReader(append(slices.Clone(part(data, 1)), 0)), "arrived damaged"},
		{"endless", 1, endless{}, "arrived damaged"},
		{"empty", 1, strings.NewReader(""), "arrived incomplete"},
		{"breaks off", 1, io.MultiReader(bytes.NewReader(part(data, 1)[:10]), iotest.ErrReader(io.ErrUnexpectedEOF)), "arrived incomplete"},
		{"another chunk", 1, bytes.NewReader(part(data, 0)[:100]), "arrived damaged"},
		{"no such number", 2, bytes.NewReader(part(data, 1)), "there is no part 3"},
		{"negative number", -1, bytes.NewReader(part(data, 1)), "there is no part"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := c.nodes[0].PutChunk(ctx(t), f, tt.number, tt.body)
			if lms.KindOf(err) != lms.KindInvalid || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("got %v, want %q", err, tt.want)
			}
		})
	}
	if missing, _ := c.nodes[0].Missing(ctx(t), f); len(missing) != 2 {
		t.Fatalf("missing %v", missing)
	}
	for i := range c.nodes {
		wantFiles(t, c.nodes[i].dir, 0)
	}
}

type endless struct{}

func (endless) Read(b []byte) (int, error) { return len(b), nil }

// wantFiles checks how many files there are below a folder.
func wantFiles(t *testing.T, dir string, want int) {
	t.Helper()
	var names []string
	filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			names = append(names, path)
		}
		return nil
	})
	if len(names) != want {
		t.Fatalf("%d files, want %d: %v", len(names), want, names)
	}
}

func TestIdsAndHashesThatWouldLeaveTheFolder(t *testing.T) {
	c := newCluster(t, 1, nil)
	data := randomBytes(10)
	for _, tt := range []struct {
		name   string
		change func(*lms.File)
	}{
		{"id with path", func(f *lms.File) { f.ID = "../../etc/passwd" }},
		{"id with dots", func(f *lms.File) { f.ID = ".." }},
		{"empty id", func(f *lms.File) { f.ID = "" }},
		{"id with zero byte", func(f *lms.File) { f.ID = "a\x00b" }},
		{"hash with path", func(f *lms.File) { f.Chunks[0] = "../" + f.Chunks[0][3:] }},
		{"short hash", func(f *lms.File) { f.Chunks[0] = "ab" }},
		{"upper case hash", func(f *lms.File) { f.Chunks[0] = strings.Repeat("A", 64) }},
		{"chunks that do not fit the size", func(f *lms.File) { f.Size = 5 * mib }},
		{"negative size", func(f *lms.File) { f.Size = -1 }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			f := fileOf(data)
			tt.change(&f)
			fs := c.nodes[0]
			_, missingErr := fs.Missing(ctx(t), f)
			_, _, verifyErr := fs.Verify(ctx(t), f)
			_, openErr := fs.Files.Open(ctx(t), f)
			for _, err := range []error{fs.PutChunk(ctx(t), f, 0, bytes.NewReader(data)), missingErr, verifyErr, openErr} {
				if lms.KindOf(err) != lms.KindInvalid {
					t.Errorf("got %v", err)
				}
			}
			if r, _ := fs.Replicas(ctx(t), f); r != 0 {
				t.Errorf("%d replicas", r)
			}
		})
	}
	wantFiles(t, c.nodes[0].dir, 0)
}

func TestOneNodeDown(t *testing.T) {
	c := newCluster(t, 3, nil)
	c.stop(2)
	data := randomBytes(3*mib + 5)
	f := fileOf(data)
	c.row(f)
	c.put(0, f, data)
	replicas, nodes, err := c.nodes[1].Verify(ctx(t), f)
	if err != nil || replicas != 2 || nodes != 3 {
		t.Fatalf("verify: %d of %d, %v", replicas, nodes, err)
	}
	c.complete(f)
	c.start(2)
	c.eventually("the node that was down has the file", func() bool { return c.wholeOnDisk(2, f) })
	c.eventually("it says so", func() bool { return c.nodes[2].Status().Missing == 0 && c.nodes[2].Status().Fetched >= 4 })
	c.wantContent(2, f, data)
}

func TestTwoNodesDownThenResume(t *testing.T) {
	c := newCluster(t, 3, func(cfg *Config) { cfg.HoldTimeout = 400 * time.Millisecond })
	data := randomBytes(2*mib + 5)
	f := fileOf(data)
	c.row(f)
	c.put(0, f, data, 0)
	c.stop(1)
	c.stop(2)
	started := time.Now()
	err := c.nodes[0].PutChunk(ctx(t), f, 1, bytes.NewReader(part(data, 1)))
	if !errors.Is(err, lms.ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	if d := time.Since(started); d > 5*time.Second {
		t.Errorf("refused after %v", d)
	}
	if _, _, err := c.nodes[0].Verify(ctx(t), f); lms.KindOf(err) != lms.KindUnavailable { // the others may hold the rest
		t.Errorf("verify of an incomplete file, alone: %v", err)
	}
	if missing, _ := c.nodes[0].Missing(ctx(t), f); !slices.Equal(missing, []int{2}) {
		t.Fatalf("what arrived is not kept: missing %v", missing)
	}
	c.start(1)
	c.put(0, f, data, 2)
	c.eventually("verified", func() bool {
		replicas, nodes, err := c.nodes[0].Verify(ctx(t), f)
		return err == nil && replicas == 2 && nodes == 3
	})
	if !c.wholeOnDisk(1, f) {
		t.Error("verified without a majority that holds every byte")
	}
}

func TestWholeButWithoutMajority(t *testing.T) {
	c := newCluster(t, 3, func(cfg *Config) { cfg.HoldTimeout = 300 * time.Millisecond })
	data := randomBytes(100)
	f := fileOf(data)
	c.stop(1)
	c.stop(2)
	if err := c.nodes[0].PutChunk(ctx(t), f, 0, bytes.NewReader(data)); !errors.Is(err, lms.ErrUnavailable) {
		t.Fatalf("put: %v", err)
	}
	if replicas, nodes, err := c.nodes[0].Verify(ctx(t), f); !errors.Is(err, lms.ErrUnavailable) || replicas != 1 || nodes != 3 {
		t.Fatalf("verify: %d of %d, %v", replicas, nodes, err)
	}
	if _, _, err := c.nodes[0].Verify(ctx(t), fileOf(nil)); !errors.Is(err, lms.ErrUnavailable) {
		t.Fatalf("verify of an empty file: %v", err)
	}
}

func TestHeldUntilAPeerIsBack(t *testing.T) {
	c := newCluster(t, 3, nil)
	c.stop(1)
	c.stop(2)
	data := randomBytes(100)
	f := fileOf(data)
	done := make(chan error, 1)
	go func() { done <- c.nodes[0].PutChunk(ctx(t), f, 0, bytes.NewReader(data)) }()
	c.eventually("the chunk is here", func() bool { return c.hasOnDisk(0, f, 0) })
	c.start(2)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if !c.hasOnDisk(2, f, 0) {
		t.Error("acknowledged without a majority")
	}
}

func TestResumeOnAnotherNode(t *testing.T) {
	c := newCluster(t, 3, nil)
	data := randomBytes(8*mib + 1)
	f := fileOf(data)
	c.row(f)
	c.put(0, f, data, 0, 1, 2, 3)
	c.stop(0)
	missing, err := c.nodes[1].Missing(ctx(t), f)
	if err != nil || !slices.Equal(missing, []int{4, 5, 6, 7, 8}) {
		t.Fatalf("missing %v, %v", missing, err)
	}
	c.put(1, f, data, missing...)
	replicas, nodes, err := c.nodes[2].Verify(ctx(t), f)
	if err != nil || replicas != 2 || nodes != 3 {
		t.Fatalf("verify: %d of %d, %v", replicas, nodes, err)
	}
	c.complete(f)
	c.wantContent(1, f, data)
	c.wantContent(2, f, data)
	c.start(0)
	c.eventually("the node that died has the file", func() bool { return c.wholeOnDisk(0, f) })
}

func TestConcurrentPutsOfOneChunk(t *testing.T) {
	c := newCluster(t, 3, nil)
	data := randomBytes(mib)
	f := fileOf(data)
	var wg sync.WaitGroup
	for i := range 12 {
		wg.Go(func() {
			if err := c.nodes[i%3].PutChunk(ctx(t), f, 0, bytes.NewReader(data)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	c.row(f)
	if _, _, err := c.nodes[0].Verify(ctx(t), f); err != nil {
		t.Fatal(err)
	}
	c.complete(f)
	for i := range c.nodes {
		c.wantContent(i, f, data)
		c.eventually("one chunk, nothing unfinished", func() bool {
			left, _ := os.ReadDir(filepath.Join(c.nodes[i].dir, "tmp"))
			return c.nodes[i].Status().Chunks == 1 && c.nodes[i].Status().Bytes == mib && len(left) == 0
		})
	}
}

func TestAHashAloneBringsNobodysBytes(t *testing.T) {
	c := newCluster(t, 3, nil)
	data := randomBytes(mib + 10)
	c.upload(0, data)
	thief := fileOf(data)
	c.row(thief)
	for i := range c.nodes {
		missing, err := c.nodes[i].Missing(ctx(t), thief)
		if err != nil || !slices.Equal(missing, []int{0, 1}) {
			t.Fatalf("node %d: missing %v, %v", i+1, missing, err)
		}
	}
	if _, _, err := c.nodes[0].Verify(ctx(t), thief); lms.KindOf(err) != lms.KindRule {
		t.Fatalf("verify: %v", err)
	}
	// A number of the file does not stand for another one with the same content.
	twin := append(bytes.Repeat([]byte{'a'}, mib), bytes.Repeat([]byte{'a'}, mib)...)
	f := fileOf(twin)
	c.put(0, f, twin, 0)
	if missing, _ := c.nodes[1].Missing(ctx(t), f); !slices.Equal(missing, []int{1}) {
		t.Fatalf("missing %v", missing)
	}
	c.put(1, f, twin, 1)
	if _, _, err := c.nodes[2].Verify(ctx(t), f); err != nil {
		t.Fatal(err)
	}
}

func TestWholeFileIsComparedWithItsHash(t *testing.T) {
	c := newCluster(t, 3, nil)
	data := randomBytes(mib + 10)
	f := fileOf(data)
	f.SHA256 = hashOf([]byte("something else"))
	c.put(0, f, data)
	for range 2 {
		_, _, err := c.nodes[1].Verify(ctx(t), f)
		if lms.KindOf(err) != lms.KindRule || !strings.Contains(err.Error(), "Choose the file again") || !strings.Contains(err.Error(), f.Name) {
			t.Fatalf("got %v", err)
		}
	}
}

func TestClosed(t *testing.T) {
	c := newCluster(t, 1, nil)
	fs, f := c.nodes[0].Files, fileOf([]byte("x"))
	c.stop(0)
	_, missingErr := fs.Missing(ctx(t), f)
	_, _, verifyErr := fs.Verify(ctx(t), f)
	for _, err := range []error{fs.PutChunk(ctx(t), f, 0, strings.NewReader("x")), missingErr, verifyErr, fs.Close()} {
		if err != nil && !errors.Is(err, lms.ErrUnavailable) {
			t.Error(err)
		}
	}
	fs.Kick()
}
