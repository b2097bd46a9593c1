//go:build e2e

package e2e

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"trivium/app/api"
)

// smallDisk is a file system in memory of that many MiB. The log of a node takes 64 MiB at once, and as much again later.
const smallDisk = 320

// TestFullDisk fills the disk of one node while four people write through all nodes: first of a follower, then of the
// leader. The node goes on as a follower that can be read from, and serves as before when there is space (F8).
func TestFullDisk(t *testing.T) {
	dir := newDir(t)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() != 0 {
		t.Skip("NOT TESTED: a full disk. Only root may mount a small file system; run the tests as root.")
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm", smallDisk), "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("NOT TESTED: a full disk. No small file system can be mounted here: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	s := openSchool(t, startSiteIn(t, []string{newDir(t), newDir(t), dir}))
	small := s.nodes[2]
	if s.leader() == small {
		call(t, s.admin, api.TransferLeader, api.TransferInput{Node: s.nodes[0].id})
	}
	s.fullDisk("follower", small)
	call(t, s.admin, api.TransferLeader, api.TransferInput{Node: small.id})
	eventually(t, 20*time.Second, small.id+" to lead", func() error {
		if l := s.leader(); l != small {
			return fmt.Errorf("%s leads", l.id)
		}
		return nil
	})
	s.fullDisk("leader", small)
}

// fullDisk is one round: fill, see the node stay and the others go on, start it anew without space, free the space, see
// it catch up by itself.
func (s *school) fullDisk(role string, n *node) {
	t := s.t
	t.Helper()
	w := s.startWriters(role)
	defer w.end()
	w.more(t, "before the disk is full", 40)
	before := len(s.log(n))
	ballast := fill(t, n.dir)
	eventually(t, 20*time.Second, "another leader", func() error {
		if l := s.leader(); l == nil || l == n {
			return errors.New("none")
		}
		return nil
	})
	w.more(t, "while the disk is full", 100)
	if gap := w.longest(); gap > 10*time.Second {
		t.Errorf("%s: nothing could be written for %v", role, gap)
	} else {
		t.Logf("%s: longest time without a write %v", role, gap.Round(10*time.Millisecond))
	}
	eventually(t, 20*time.Second, role+" to say that its disk is full", func() error {
		if said := s.log(n)[before:]; !strings.Contains(said, "the disk is almost full") {
			return errors.New(string(tail([]byte(said), 1500)))
		}
		return nil
	})
	if s.gone(n) || strings.Contains(s.log(n), "panic") {
		t.Errorf("%s: the node ended and said: %s", role, tail([]byte(s.log(n)), 1500))
	}
	if _, err := api.Call(t.Context(), s.clientAt(n, s.token), api.CurrentSession, api.NoInput{}); err != nil {
		t.Errorf("%s: reading from the node without space: %v", role, err)
	}

	s.kill(n) // and it starts without space: what it has can be read, or it waits
	s.start(n)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	s.waitReady(n)
	t.Logf("%s: ready %v after there was space", role, time.Since(begin).Round(10*time.Millisecond))
	w.more(t, "after the node is back", 20)
	w.end()
	s.sameRows()
	w.check(t, s)
}

// fill takes all the space of the file system.
func fill(t *testing.T, dir string) string {
	t.Helper()
	path := filepath.Join(dir, "ballast")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 4 << 10} {
		block := make([]byte, size)
		for err = nil; err == nil; {
			_, err = f.Write(block)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
	return path
}

func (s *site) log(n *node) string {
	b, _ := os.ReadFile(n.dir + ".log")
	return string(b)
}

// gone reports whether the node's process has ended by itself.
func (s *site) gone(n *node) bool {
	return n.cmd.Process.Signal(syscall.Signal(0)) != nil || zombie(n.cmd.Process.Pid)
}

// zombie reports whether the process has ended and nobody has waited for it.
func zombie(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(stat), ") ")
	return err == nil && strings.HasPrefix(rest, "Z")
}

// writers write through the API, each for itself, with repetitions on any node.
type writers struct {
	stop   context.CancelFunc
	done   sync.WaitGroup
	mu     sync.Mutex
	acked  map[string]string
	last   time.Time
	gap    time.Duration
	failed int
}

func (s *school) startWriters(name string) *writers {
	ctx, stop := context.WithCancel(context.Background())
	w := &writers{stop: stop, acked: map[string]string{}, last: time.Now()}
	for i := range 4 {
		client := s.clientAt(s.nodes[i%3], s.token)
		w.done.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				key := fmt.Sprintf("%s-%d-%d", name, i, n)
				w.put(ctx, client, key, key+strings.Repeat("x", 8<<10))
			}
		})
	}
	return w
}

// put repeats one write until it is acknowledged, with the same idempotency key.
func (w *writers) put(ctx context.Context, client *api.Client, key, value string) {
	for ctx.Err() == nil {
		_, err := api.Call(api.WithKey(ctx, "put-"+key), client, api.KVPut, api.KVPutInput{Key: key, Value: &value})
		w.mu.Lock()
		if err == nil {
			now := time.Now()
			w.acked[key], w.gap, w.last = value, max(w.gap, now.Sub(w.last)), now
			w.mu.Unlock()
			return
		}
		if ctx.Err() == nil {
			w.failed++
		}
		w.mu.Unlock()
	}
}

func (w *writers) end() {
	w.stop()
	w.done.Wait()
}

func (w *writers) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.acked)
}

func (w *writers) longest() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.gap
}

// more waits for further acknowledged writes.
func (w *writers) more(t *testing.T, when string, n int) {
	t.Helper()
	from := w.count()
	eventually(t, 40*time.Second, "writes "+when, func() error {
		if got := w.count() - from; got < n {
			return fmt.Errorf("%d of %d", got, n)
		}
		return nil
	})
}

// check reads every acknowledged write from every node's own database.
func (w *writers) check(t *testing.T, s *school) {
	t.Helper()
	for _, n := range s.nodes {
		client := api.NewClient(n.origin(), api.WithBearer(s.token), api.WithHTTPClient(http.DefaultClient))
		lost := 0
		for key, value := range w.acked {
			if got := call(t, client, api.KVGet, api.KVGetInput{Key: key, Consistency: api.KVStale}); got.Data != value {
				lost++
			}
		}
		if lost > 0 {
			t.Errorf("%s has lost %d of %d acknowledged writes", n.id, lost, len(w.acked))
		}
	}
	t.Logf("%d acknowledged writes are on every node; %d calls failed", len(w.acked), w.failed)
}
