package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"trivium/app/lms"
)

// smallDisk mounts a file system of the size, or skips the test.
func smallDisk(t *testing.T, size string) string {
	t.Helper()
	dir := t.TempDir()
	if runtime.GOOS != "linux" || os.Getuid() != 0 {
		t.Skip("NOT TESTED HERE: a full disk needs a small tmpfs, and mounting one needs root on Linux")
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED HERE: a full disk needs a small tmpfs, which cannot be mounted: %s", out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %s", out)
		}
	})
	return dir
}

func fill(t *testing.T, dir string) (ballast string) {
	t.Helper()
	ballast = filepath.Join(dir, "ballast")
	f, err := os.Create(ballast)
	must(t, err)
	defer f.Close()
	for _, n := range []int{mib, 4096} {
		for err == nil {
			_, err = f.Write(make([]byte, n))
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
		err = nil
	}
	return ballast
}

func TestFullDisk(t *testing.T) {
	c := newCluster(t, 3, func(cfg *Config) { cfg.HoldTimeout = time.Second })
	full := smallDisk(t, "6m")
	c.stop(0)
	c.nodes[0].dir = filepath.Join(full, "files")
	c.start(0)
	defer c.stop(0) // before the disk is taken away
	data := randomBytes(3 * mib)
	f := fileOf(data)
	c.row(f)
	c.put(0, f, data, 0)
	ballast := fill(t, full)

	err := c.nodes[0].PutChunk(ctx(t), f, 1, bytes.NewReader(part(data, 1)))
	if lms.KindOf(err) != lms.KindUnavailable || !strings.Contains(err.Error(), "disk of node node1 is full") {
		t.Fatalf("got %v", err)
	}
	if c.hasOnDisk(0, f, 1) || !c.hasOnDisk(0, f, 0) {
		t.Error("a half chunk is there, or a whole one is gone")
	}
	wantFiles(t, filepath.Join(full, "files", "tmp"), 0)
	c.put(1, f, data, 1, 2) // the others go on
	replicas, nodes, err := c.nodes[1].Verify(ctx(t), f)
	if err != nil || replicas != 2 || nodes != 3 {
		t.Fatalf("%d of %d, %v", replicas, nodes, err)
	}
	c.complete(f)
	c.wantContent(0, f, data) // served although it cannot be kept

	c.stop(2)
	g := fileOf([]byte("another"))
	err = c.nodes[1].PutChunk(ctx(t), g, 0, strings.NewReader("another"))
	if lms.KindOf(err) != lms.KindUnavailable || !strings.Contains(err.Error(), "disk of node node1 is full") {
		t.Fatalf("full disk of a peer: %v", err)
	}
	must(t, os.Remove(ballast))
	c.eventually("space is back, everything is kept", func() bool { return c.wholeOnDisk(0, f) })
	c.put(1, g, []byte("another"))
	select {
	case err := <-c.nodes[0].fatal:
		t.Fatalf("a full disk stopped the node: %v", err)
	default:
	}
}

func TestAFailingDiskStopsTheNode(t *testing.T) {
	c := newCluster(t, 3, func(cfg *Config) { cfg.HoldTimeout = 300 * time.Millisecond })
	for _, dir := range []string{"tmp", "chunks"} {
		data := randomBytes(100)
		f := fileOf(data)
		path := filepath.Join(c.nodes[0].dir, dir)
		must(t, os.Rename(path, path+".gone"))
		must(t, os.WriteFile(path, nil, 0o600))
		if err := c.nodes[0].PutChunk(ctx(t), f, 0, bytes.NewReader(data)); !errors.Is(err, lms.ErrUnavailable) {
			t.Errorf("%s: %v", dir, err)
		}
		select {
		case err := <-c.nodes[0].fatal:
			t.Log(err)
		default:
			t.Errorf("%s: the node does not know that its disk failed", dir)
		}
		for len(c.nodes[0].fatal) > 0 {
			<-c.nodes[0].fatal
		}
		must(t, os.Remove(path))
		must(t, os.Rename(path+".gone", path))
	}
}

const killEnv = "TRIVIUM_FILES_TEST_KILL"

// dieBeforeRename is a process of its own that kills itself when a chunk has been written and is about to be renamed.
func dieBeforeRename() {
	d, err := openDisk(os.Getenv(killEnv), func(err error) { panic(err) })
	if err != nil {
		panic(err)
	}
	d.hook = func(string) {
		syscall.Kill(os.Getpid(), syscall.SIGKILL)
		select {}
	}
	b := []byte("half an essay")
	tmp, err := d.receive(bytes.NewReader(b), hashOf(b), len(b))
	if err != nil {
		panic(err)
	}
	panic(d.commit(tmp, hashOf(b)))
}

func TestKilledBeforeTheRename(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), killEnv+"="+dir)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("%v: %s", err, out)
	}
	wantFiles(t, filepath.Join(dir, "tmp"), 1)
	c := newCluster(t, 1, nil)
	c.stop(0)
	c.nodes[0].dir = dir
	c.start(0)
	if st := c.nodes[0].Status(); st.Chunks != 0 {
		t.Errorf("status %+v", st)
	}
	wantFiles(t, dir, 0)
	c.put(0, fileOf([]byte("half an essay")), []byte("half an essay"))
}

func TestWhatIsNotDurableDoesNotCount(t *testing.T) {
	d, err := openDisk(t.TempDir(), func(err error) { t.Error(err) })
	must(t, err)
	b := []byte("text")
	h := hashOf(b)
	name := d.chunkPath(h)
	want := func(when string, want bool) {
		t.Helper()
		if chunk, _ := d.holds("file", 0, h, len(b)); chunk != want {
			t.Errorf("%s: held is %v", when, chunk)
		}
	}
	write := func() {
		t.Helper()
		tmp, err := d.receive(bytes.NewReader(b), h, len(b))
		must(t, err)
		defer tmp.Close()
		must(t, d.store(tmp, "file", 0, h))
	}
	d.pend(name)
	must(t, os.MkdirAll(filepath.Dir(name), 0o700))
	must(t, os.WriteFile(name, b, 0o600))
	want("renamed, not synced", false)
	d.unpend(name, false)
	want("another writer failed", false)
	write()
	want("synced by another writer", true)
	d.pend(name)
	want("while it is written once more", true)
	write()
	if chunk, marker := d.holds("file", 0, h, len(b)); !chunk || !marker || len(d.pending) != 0 {
		t.Errorf("done: %v %v %v", chunk, marker, d.pending)
	}
	if chunk, _ := d.holds("file", 0, h, len(b)+1); chunk {
		t.Error("a chunk of another length counts")
	}
	gone := d.chunkPath(hashOf([]byte("gone")))
	d.pend(gone)
	d.unpend(gone, false)
	if len(d.pending) != 0 {
		t.Error("what failed is waited for")
	}
}

func TestAFullNodeChecksWhatItServes(t *testing.T) {
	c := newCluster(t, 3, func(cfg *Config) { quiet(cfg); cfg.HoldTimeout = time.Second })
	full := smallDisk(t, "4m")
	c.stop(0)
	data := randomBytes(mib)
	f := c.upload(1, data)
	c.eventually("two copies", func() bool { return c.wholeOnDisk(2, f) })
	c.stop(1)
	defer c.lie(1)()
	for range 6 { // whichever peer is asked first
		c.nodes[0].dir = filepath.Join(full, "files")
		must(t, os.RemoveAll(c.nodes[0].dir))
		must(t, os.RemoveAll(filepath.Join(full, "ballast")))
		must(t, os.MkdirAll(filepath.Join(c.nodes[0].dir, "tmp"), 0o700))
		fill(t, full)
		c.start(0)
		c.wantContent(0, f, data)
		c.stop(0)
	}
}

func TestServiceRefusesMalformedRequests(t *testing.T) {
	c := newCluster(t, 2, nil)
	client := c.nodes[1].net.Client(Service)
	defer client.CloseIdleConnections()
	base, h := "http://"+c.nodes[0].addr, hashOf([]byte("x"))
	for _, tt := range []struct {
		name, method, path string
		body               io.Reader
		want               int
	}{
		{"hash with path", "GET", "/chunk/..%2f..%2fetc", nil, 400},
		{"short hash", "GET", "/chunk/abc", nil, 400},
		{"unknown hash", "GET", "/chunk/" + h, nil, 404},
		{"id with path", "PUT", "/chunk/" + h + "?number=0&file=..%2f..%2fx", strings.NewReader("x"), 400},
		{"no id", "PUT", "/chunk/" + h + "?number=0", strings.NewReader("x"), 400},
		{"negative number", "PUT", "/chunk/" + h + "?number=-1&file=a", strings.NewReader("x"), 400},
		{"huge number", "PUT", "/chunk/" + h + "?number=99999999999&file=a", strings.NewReader("x"), 400},
		{"other bytes", "PUT", "/chunk/" + h + "?number=0&file=a", strings.NewReader("y"), 422},
		{"too large", "PUT", "/chunk/" + h + "?number=0&file=a", bytes.NewReader(make([]byte, mib+1)), 400},
		{"empty", "PUT", "/chunk/" + h + "?number=0&file=a", nil, 400},
		{"no JSON", "POST", "/which", strings.NewReader("{"), 400},
		{"huge question", "POST", "/which", io.MultiReader(strings.NewReader(`{"files":[`), io.LimitReader(spaces{}, 20<<20)), 400},
		{"bad id in question", "POST", "/which", strings.NewReader(fmt.Sprintf(`{"files":[{"id":"../a","size":1,"chunks":[%q]}]}`, h)), 400},
		{"unknown path", "GET", "/", nil, 404},
		{"unknown method", "DELETE", "/chunk/" + h, nil, 405},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req, err := http.NewRequestWithContext(ctx(t), tt.method, base+tt.path, tt.body)
			must(t, err)
			res, err := client.Do(req)
			must(t, err)
			res.Body.Close()
			if res.StatusCode != tt.want {
				t.Errorf("status %d, want %d", res.StatusCode, tt.want)
			}
		})
	}
	wantFiles(t, c.nodes[0].dir, 0)
}

type spaces struct{}

func (spaces) Read(b []byte) (int, error) {
	for i := range b {
		b[i] = ' '
	}
	return len(b), nil
}

func TestAnotherNodeAtAnAddressDoesNotCount(t *testing.T) {
	c := newCluster(t, 3, func(cfg *Config) { cfg.HoldTimeout = 300 * time.Millisecond })
	c.stop(1)
	c.stop(2)
	c.mu.Lock()
	c.members[1].Address, c.members[2].Address = c.nodes[0].addr, c.nodes[0].addr
	c.mu.Unlock()
	c.stop(0)
	c.start(0)
	f := fileOf([]byte("x"))
	if err := c.nodes[0].PutChunk(ctx(t), f, 0, strings.NewReader("x")); !errors.Is(err, lms.ErrUnavailable) {
		t.Errorf("got %v", err)
	}
	if r, n := c.nodes[0].Replicas(ctx(t), f); r != 1 || n != 3 {
		t.Errorf("%d of %d", r, n)
	}
}
