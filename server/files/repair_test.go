package files

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"trivium/app/lms"
)

// quiet keeps passes from repairing before the test looks.
func quiet(cfg *Config) { cfg.SyncEvery, cfg.ScrubEvery = time.Hour, time.Hour }

func TestReadRepairs(t *testing.T) {
	for _, tt := range []struct {
		name   string
		break_ func(t *testing.T, c *cluster, name string)
	}{
		{"missing", func(t *testing.T, _ *cluster, name string) { must(t, os.Remove(name)) }},
		{"flipped bit", func(_ *testing.T, c *cluster, name string) { c.flip(0, filepath.Base(name)) }},
		{"cut off", func(t *testing.T, _ *cluster, name string) { must(t, os.Truncate(name, 1000)) }},
		{"emptied", func(t *testing.T, _ *cluster, name string) { must(t, os.Truncate(name, 0)) }},
		{"grown", func(t *testing.T, _ *cluster, name string) { must(t, os.Truncate(name, mib+77)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := newCluster(t, 3, quiet)
			data := randomBytes(3*mib + 9)
			f := c.upload(0, data)
			c.eventually("everywhere", func() bool { return c.onDisk(f, 1) == 3 })
			tt.break_(t, c, c.nodes[0].disk.chunkPath(f.Chunks[1]))
			c.wantContent(0, f, data)
			c.eventually("repaired on disk", func() bool { return c.hasOnDisk(0, f, 1) })
			st := c.nodes[0].Status()
			if st.Fetched < 1 || tt.name != "missing" && (st.Damaged != 1 || st.Repaired != 1) {
				t.Errorf("status %+v", st)
			}
			if st.Chunks != 4 || tt.name == "missing" {
				return
			}
			wantFiles(t, filepath.Join(c.nodes[0].dir, "damaged"), 1)
		})
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func TestDamageIsNeverServed(t *testing.T) {
	c := newCluster(t, 3, quiet)
	data := randomBytes(2 * mib)
	f := c.upload(0, data)
	c.eventually("everywhere", func() bool { return c.onDisk(f, 1) == 3 })
	for i := range c.nodes {
		c.flip(i, f.Chunks[1])
	}
	for i := range c.nodes {
		r, err := c.nodes[i].Files.Open(ctx(t), f)
		must(t, err)
		got, err := io.ReadAll(r)
		r.Close()
		if lms.KindOf(err) != lms.KindUnavailable || !bytes.Equal(got, data[:mib]) {
			t.Errorf("node %d served %d bytes, %v", i+1, len(got), err)
		}
	}
	// The one copy that comes back heals all.
	c.put(0, f, data, 1)
	c.eventually("healed", func() bool { return c.onDisk(f, 1) == 3 })
	c.wantContent(2, f, data)
}

func TestDamageAfterTheChunkWasOpened(t *testing.T) {
	c := newCluster(t, 3, quiet)
	data := randomBytes(mib)
	f := c.upload(0, data)
	c.eventually("everywhere", func() bool { return c.onDisk(f, 0) == 3 })
	r, err := c.nodes[0].Files.Open(ctx(t), f)
	must(t, err)
	defer r.Close()
	got := make([]byte, 10)
	_, err = io.ReadFull(r, got)
	must(t, err)
	name := c.nodes[0].disk.chunkPath(f.Chunks[0])
	w, err := os.OpenFile(name, os.O_WRONLY, 0)
	must(t, err)
	_, err = w.WriteAt([]byte("this is not what was handed in"), 5*blockSize)
	must(t, errors.Join(err, w.Close()))
	rest, err := io.ReadAll(r)
	must(t, err)
	if !bytes.Equal(append(got, rest...), data) {
		t.Error("other bytes were served")
	}
	if st := c.nodes[0].Status(); st.Damaged != 1 || st.Repaired != 1 {
		t.Errorf("status %+v", st)
	}
}

func TestScrubFindsAndRepairsDamage(t *testing.T) {
	c := newCluster(t, 3, func(cfg *Config) { cfg.SyncEvery, cfg.ScrubEvery = time.Hour, 10*time.Millisecond })
	data := randomBytes(2*mib + 3)
	f := c.upload(0, data)
	c.eventually("everywhere", func() bool { return c.wholeOnDisk(2, f) })
	c.flip(2, f.Chunks[1])
	c.eventually("repaired", func() bool { st := c.nodes[2].Status(); return st.Damaged == 1 && st.Repaired == 1 })
	if !c.wholeOnDisk(2, f) {
		t.Error("not repaired on the disk")
	}
}

func TestAWipedNodeGetsAll(t *testing.T) {
	c := newCluster(t, 3, nil)
	var all []lms.File
	var contents [][]byte
	for i := range 7 {
		data := randomBytes(i * mib / 2)
		contents, all = append(contents, data), append(all, c.upload(i%3, data))
	}
	c.stop(1)
	c.nodes[1].dir = t.TempDir()
	c.start(1)
	for i, f := range all {
		c.eventually("whole", func() bool { return c.wholeOnDisk(1, f) })
		c.wantContent(1, f, contents[i])
	}
}

func TestRowsOfIncompleteFilesBringWhatWasSentForThem(t *testing.T) {
	c := newCluster(t, 3, nil)
	data := randomBytes(2 * mib)
	c.stop(2)
	f := fileOf(data)
	c.row(f)
	c.put(0, f, data, 1)
	c.start(2)
	c.eventually("the chunk that was sent", func() bool { return c.hasOnDisk(2, f, 1) })
	if missing, _ := c.nodes[2].Missing(ctx(t), f); !slices.Equal(missing, []int{0}) {
		t.Errorf("missing %v", missing)
	}
	if n := c.nodes[2].Status().Missing; n != 0 {
		t.Errorf("%d chunks that nobody sent count as missing", n)
	}
}

func TestVerifyCompletesAMajorityOfWholeCopies(t *testing.T) {
	c := newCluster(t, 3, quiet)
	data := randomBytes(4 * mib)
	f := fileOf(data)
	c.stop(2)
	c.put(0, f, data, 0, 1)
	c.start(2)
	c.stop(0)
	c.put(1, f, data, 2, 3)
	c.eventually("the second half on two nodes", func() bool { return c.onDisk(f, 2) == 2 && c.onDisk(f, 3) == 2 })
	if c.wholeOnDisk(2, f) {
		t.Fatal("nothing to complete")
	}
	replicas, nodes, err := c.nodes[2].Verify(ctx(t), f) // the node that lacks the first half
	if err != nil || replicas != 2 || nodes != 3 || !c.wholeOnDisk(1, f) || !c.wholeOnDisk(2, f) {
		t.Fatalf("%d of %d, %v", replicas, nodes, err)
	}
}

func TestOrphansAreRemoved(t *testing.T) {
	c := newCluster(t, 1, func(cfg *Config) { cfg.OrphanAge = 500 * time.Millisecond })
	kept := c.upload(0, randomBytes(mib+1))
	data := randomBytes(mib + 2)
	copy(data, make([]byte, 10))
	gone := fileOf(data)
	c.put(0, gone, data)
	c.eventually("orphans removed", func() bool { return c.nodes[0].Status().Removed == 4 })
	if c.onDisk(gone, 0)+c.onDisk(gone, 1) != 0 || !c.wholeOnDisk(0, kept) {
		t.Error("removed the wrong ones")
	}
	if st := c.nodes[0].Status(); st.Chunks != 2 || st.Bytes != mib+1 {
		t.Errorf("status %+v", st)
	}
	if missing, _ := c.nodes[0].Missing(ctx(t), gone); len(missing) != 2 {
		t.Errorf("missing %v", missing)
	}
}

func TestNothingIsRemovedWithoutRowsOrWhenTheyCannotBeListed(t *testing.T) {
	var broken bool
	looks := make(chan struct{}, 1000)
	c := newCluster(t, 1, func(cfg *Config) {
		list := cfg.List
		cfg.OrphanAge, cfg.SyncEvery = 10*time.Millisecond, time.Hour
		cfg.List = func(ctx context.Context, after string, limit int) ([]lms.File, error) {
			if after == "" {
				looks <- struct{}{}
			}
			if broken && after != "" {
				return nil, errors.New("database is closed")
			}
			return list(ctx, after, limit)
		}
	})
	f := fileOf([]byte("data"))
	c.put(0, f, []byte("data"))
	for range 5 {
		<-looks
	}
	if !c.hasOnDisk(0, f, 0) {
		t.Fatal("removed although there are no rows")
	}
	c.stop(0)
	broken = true
	c.start(0)
	c.row(fileOf(nil))
	for len(looks) > 0 {
		<-looks
	}
	for range 5 {
		<-looks
	}
	if !c.hasOnDisk(0, f, 0) {
		t.Fatal("removed although the rows could not be listed")
	}
}

func TestRangesOverHTTP(t *testing.T) {
	c := newCluster(t, 3, nil)
	data := randomBytes(2*mib + 100)
	f := c.upload(0, data)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, err := c.nodes[1].Files.Open(r.Context(), f)
		if err != nil {
			t.Error(err)
			return
		}
		defer content.Close()
		http.ServeContent(w, r, "x.bin", time.Time{}, content)
	}))
	defer srv.Close()
	client := srv.Client()
	defer client.CloseIdleConnections()
	for _, tt := range []struct {
		name, ranges string
		want         []byte
		status       int
	}{
		{"all", "", data, 200},
		{"first byte", "bytes=0-0", data[:1], 206},
		{"across chunks", "bytes=1048570-2097160", data[1048570:2097161], 206},
		{"tail", "bytes=-5", data[len(data)-5:], 206},
		{"from the middle of a block", "bytes=1100000-", data[1100000:], 206},
		{"beyond", "bytes=9999999-", nil, 416},
	} {
		t.Run(tt.name, func(t *testing.T) {
			req, _ := http.NewRequestWithContext(ctx(t), "GET", srv.URL, nil)
			if tt.ranges != "" {
				req.Header.Set("Range", tt.ranges)
			}
			res, err := client.Do(req)
			must(t, err)
			defer res.Body.Close()
			got, err := io.ReadAll(res.Body)
			must(t, err)
			if res.StatusCode != tt.status || tt.want != nil && !bytes.Equal(got, tt.want) {
				t.Errorf("status %d, %d bytes", res.StatusCode, len(got))
			}
		})
	}
}

func TestReaderLimits(t *testing.T) {
	c := newCluster(t, 1, nil)
	f := c.upload(0, []byte("hello"))
	r, err := c.nodes[0].Files.Open(ctx(t), f)
	must(t, err)
	if _, err := r.Seek(-1, io.SeekStart); err == nil {
		t.Error("sought before the start")
	}
	if _, err := r.Seek(0, 7); err == nil {
		t.Error("unknown whence")
	}
	if pos, err := r.Seek(-2, io.SeekEnd); pos != 3 || err != nil {
		t.Errorf("at %d, %v", pos, err)
	}
	if b, err := io.ReadAll(r); string(b) != "lo" || err != nil {
		t.Errorf("%q, %v", b, err)
	}
	if pos, err := r.Seek(100, io.SeekCurrent); pos != 105 || err != nil {
		t.Errorf("at %d, %v", pos, err)
	}
	if n, err := r.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("%d, %v", n, err)
	}
	must(t, r.Close())
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, fs.ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
}

func TestMetrics(t *testing.T) {
	c := newCluster(t, 1, nil)
	c.upload(0, randomBytes(mib+1))
	reg := prometheus.NewPedanticRegistry()
	must(t, reg.Register(c.nodes[0]))
	families, err := reg.Gather()
	must(t, err)
	got := map[string]float64{}
	for _, f := range families {
		m := f.GetMetric()[0]
		got[f.GetName()] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
	}
	if got["trivium_files_chunks"] != 2 || got["trivium_files_bytes"] != mib+1 || len(got) != len(metrics) {
		t.Errorf("%v", got)
	}
}
