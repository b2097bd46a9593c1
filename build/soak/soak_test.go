//go:build linux

package main

import (
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestSmoke is a short run: the leader is killed and a node paused, everything is checked. The floor is low and the timeouts
// of the nodes are long, because the machine is busy with other tests.
func TestSmoke(t *testing.T) {
	if testing.Short() {
		t.Skip("a cluster of processes takes a while")
	}
	dir := t.TempDir()
	c := settings{nodes: 3, seed: 1, duration: 15 * time.Second, every: 5 * time.Second, verify: time.Minute, faults: []string{"F1", "F4"},
		clients: 6, rate: 40, floor: 1, heart: time.Second, trailing: 64, check: 200, dir: dir, binary: filepath.Join(dir, "trivium"), log: testLog{t},
		fuse: canMount(t), netns: canSeparate()}
	if err := build(t.Context(), "../..", c.binary, false); err != nil {
		t.Fatal(err)
	}
	s, err := soak(t.Context(), c, c.possible())
	if err != nil {
		t.Fatal(err)
	}
	s.print(c.log)
	if s.Verdict != "pass" {
		t.Errorf("%s: %s", s.Verdict, s.Reason)
		for i := range c.nodes {
			b, _ := os.ReadFile(filepath.Join(dir, "n"+string(rune('1'+i)), "log"))
			t.Logf("n%d said: %s", i+1, tail(string(b), 2000))
		}
	}
	if s.FaultCount["F1"]+s.FaultCount["F4"] == 0 {
		t.Error("no fault was made")
	}
}

type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	l.t.Logf("%s", p)
	return len(p), nil
}

var _ io.Writer = testLog{}

func canMount(t *testing.T) bool {
	dir := t.TempDir()
	d, err := openDisk(filepath.Join(dir, "back"), filepath.Join(dir, "mount"), false)
	if err != nil {
		return false
	}
	d.close()
	return true
}

func canSeparate() bool {
	s, err := newSpaces(1)
	if err != nil {
		return false
	}
	s.close()
	return true
}
