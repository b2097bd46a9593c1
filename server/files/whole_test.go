package files

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"trivium/app/lms"
	"trivium/consensus"
)

// ask is what a node tells to node 0; told is false when it does not answer.
func (c *cluster) ask(i int) (got lms.FileCopy, told bool) {
	nodes := map[string]string{}
	for _, m := range c.members {
		nodes[m.ID] = m.Address
	}
	got, told = c.nodes[0].Copies(ctx(c.t), nodes)[c.nodes[i].id]
	return got, told
}

func TestANodeTellsWhatItLacks(t *testing.T) {
	c := newCluster(t, 3, nil)
	f := c.upload(0, randomBytes(2*mib+9))
	c.eventually("all are whole", func() bool {
		for i := range c.nodes {
			if got, _ := c.ask(i); !got.Whole || !c.wholeOnDisk(i, f) {
				return false
			}
		}
		return true
	})
	c.stop(2)
	if got, told := c.ask(2); told {
		t.Errorf("a node that is off has told %+v", got)
	}
	c.stop(1) // it has the chunk
	must(t, os.Remove(c.nodes[0].disk.chunkPath(f.Chunks[1])))
	c.nodes[2].dir = t.TempDir()
	c.start(2)
	c.eventually("it lacks one chunk", func() bool {
		got, told := c.ask(2)
		return told && !got.Whole && got.Missing == 1 && got.Bytes == mib && got.Gone == 0
	})
	c.start(1)
	c.eventually("it is whole", func() bool {
		got, _ := c.ask(2)
		return got.Whole && got.Missing == 0
	})
	if !c.wholeOnDisk(2, f) {
		t.Error("it says so and is not")
	}
}

// What was lost everywhere is told as lost: no copying brings it back, and it must not keep nodes from being replaced. A chunk that
// an operator has found again is taken from the folder that it was put into.
func TestWhatNoNodeHasIsGone(t *testing.T) {
	var looks atomic.Int64 // of node 1 at all rows
	c := newCluster(t, 3, func(cfg *Config) {
		if list := cfg.List; cfg.Self == "node1" {
			cfg.List = func(ctx context.Context, after string, limit int) ([]lms.File, error) {
				if after == "" {
					looks.Add(1)
				}
				return list(ctx, after, limit)
			}
		}
	})
	data := randomBytes(2*mib + 9)
	f := c.upload(0, data)
	c.eventually("everywhere", func() bool { return c.onDisk(f, 1) == 3 })
	kept := filepath.Join(t.TempDir(), "chunk")
	must(t, os.Rename(c.nodes[0].disk.chunkPath(f.Chunks[1]), kept))
	must(t, os.Remove(c.nodes[1].disk.chunkPath(f.Chunks[1])))
	c.stop(2)
	c.eventually("node 3 may have it", func() bool {
		got, _ := c.ask(0)
		return got.Missing == 1 && got.Gone == 0
	})
	c.nodes[2].dir = t.TempDir()
	c.start(2)
	c.eventually("it is gone, and all have the rest", func() bool {
		for i := range c.nodes {
			if got, told := c.ask(i); !told || got != (lms.FileCopy{Whole: true, Gone: 1}) || !c.nodes[i].Gone(f.Chunks[1]) || c.nodes[i].Gone(f.Chunks[0]) {
				return false
			}
		}
		return c.onDisk(f, 0) == 3 && c.onDisk(f, 2) == 3
	})
	r, err := c.nodes[2].Files.Open(ctx(t), f)
	must(t, err)
	defer r.Close()
	if _, err := io.ReadAll(r); lms.KindOf(err) != lms.KindUnavailable || !strings.Contains(err.Error(), "was lost") {
		t.Errorf("who opens it is told %v", err)
	}
	c.stop(1)
	before := looks.Load()
	c.eventually("two passes", func() bool { c.nodes[0].Kick(); return looks.Load() > before+4 })
	if got, _ := c.ask(0); got != (lms.FileCopy{Whole: true, Gone: 1}) {
		t.Errorf("a member that has said that it lacks it, and is away now: %+v", got)
	}
	c.start(1)
	must(t, os.Rename(kept, c.nodes[1].disk.chunkPath(f.Chunks[1])))
	c.eventually("it is everywhere again", func() bool {
		got, _ := c.ask(0)
		return c.onDisk(f, 1) == 3 && got == (lms.FileCopy{Whole: true})
	})
	c.wantContent(2, f, data)
}

func TestANodeIsNotWholeBeforeItHasLooked(t *testing.T) {
	var readable atomic.Bool
	c := newCluster(t, 1, func(cfg *Config) {
		list := cfg.List
		cfg.List = func(ctx context.Context, after string, limit int) ([]lms.File, error) {
			if !readable.Load() {
				return nil, errors.New("the database has not caught up")
			}
			return list(ctx, after, limit)
		}
	})
	if got, told := c.ask(0); !told || got.Whole || c.nodes[0].Status().Whole {
		t.Errorf("%+v, %t", got, told)
	}
	readable.Store(true)
	c.nodes[0].Kick()
	c.eventually("it is whole", func() bool { return c.nodes[0].Status().Whole })
}

// A node that is upgraded asks one that is not: that one counts as it did before.
func TestANodeThatCannotTellCountsAsWhole(t *testing.T) {
	c := newCluster(t, 2, nil)
	c.stop(1)
	ln, err := net.Listen("tcp", c.nodes[1].addr)
	must(t, err)
	network := consensus.NewNetwork(consensus.NetworkConfig{Listener: ln})
	defer network.Close()
	before := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(nodeHeader, c.nodes[1].id)
		http.NotFound(w, r)
	})}
	defer before.Close()
	service := network.Listen(Service)
	go before.Serve(service)
	if got, told := c.ask(1); !told || !got.Whole {
		t.Errorf("%+v, %t", got, told)
	}
}

// What an operator has put back on one node is copied before the others count as whole: until then that node must stay.
func TestWhatIsBackIsLackedUntilItIsCopied(t *testing.T) {
	var p progress
	f := lms.File{Size: 5, Chunks: []string{"h1"}}
	p.found(lack{}, true)
	if news := p.lost(map[string]owner{"h1": {file: "f"}}); len(news) != 1 {
		t.Errorf("news %v", news)
	}
	p.found(lack{}, false)
	if news := p.lost(map[string]owner{"h1": {file: "f"}}); len(news) != 0 {
		t.Errorf("told twice: %v", news)
	}
	if got := p.copy(); got != (lms.FileCopy{Whole: true, Gone: 1}) {
		t.Errorf("%+v", got)
	}
	p.back(job{file: f})
	p.back(job{file: f}) // of another file with the same chunk
	if got := p.copy(); got != (lms.FileCopy{Missing: 1, Bytes: 5}) {
		t.Errorf("when a member has it again: %+v", got)
	}
	p.arrived(job{file: f})
	if p.copy().Whole {
		t.Error("whole before the pass has ended")
	}
	p.found(lack{}, false)
	if got := p.copy(); got != (lms.FileCopy{Whole: true}) {
		t.Errorf("%+v", got)
	}
}

// A folder that cannot be read does not prove that a chunk is lost.
func TestANodeStopsWhenItCannotLook(t *testing.T) {
	c := newCluster(t, 1, quiet)
	f := c.upload(0, randomBytes(9))
	dir := filepath.Dir(c.nodes[0].disk.chunkPath(f.Chunks[0]))
	must(t, os.RemoveAll(dir))
	must(t, os.WriteFile(dir, nil, 0o600))
	c.nodes[0].disk.holds(f.ID, 0, f.Chunks[0], 9)
	select {
	case <-c.nodes[0].fatal:
	default:
		t.Error("it goes on")
	}
	for len(c.nodes[0].fatal) > 0 {
		<-c.nodes[0].fatal
	}
}

// What was handed in a moment ago is on its way: it does not make a node one that protects nothing.
func TestANodeThatWasWholeMayLackSomethingForAMoment(t *testing.T) {
	var p progress
	p.found(lack{2, 7}, true)
	if p.copy().Whole {
		t.Error("a node that was never whole counts as such")
	}
	p.arrived(job{file: lms.File{Size: 5}})
	if got := p.copy(); got != (lms.FileCopy{Missing: 1, Bytes: 2}) {
		t.Errorf("after one of two: %+v", got)
	}
	p.found(lack{}, false)
	p.found(lack{1, 3}, false)
	if got := p.copy(); got != (lms.FileCopy{Whole: true, Missing: 1, Bytes: 3}) {
		t.Errorf("just after it was whole: %+v", got)
	}
	p.whole = p.whole.Add(-grace)
	if p.copy().Whole {
		t.Error("it counts as whole for ever")
	}
}
