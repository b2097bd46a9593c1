//go:build e2e

package e2e

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// programBefore is the program of the release before, when the environment names one; otherwise it builds the program so
// that it behaves as that one, as far as formats go.
func programBefore(t *testing.T) string {
	t.Helper()
	if path := os.Getenv("TRIVIUM_BEFORE"); path != "" {
		return path
	}
	path := filepath.Join(t.TempDir(), "before")
	cmd := exec.Command("go", "build", "-tags", "sqlite_fts5 osusergo netgo sqlite_omit_load_extension",
		"-ldflags", "-X trivium/consensus.formats=1", "-o", path, "trivium/server")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// TestRollingUpgrade replaces the program of three nodes one by one while people write, and takes one of them back in
// between. When all have the new one, the old one refuses the data and says why.
func TestRollingUpgrade(t *testing.T) {
	before := programBefore(t)
	s := openSchool(t, startSiteOf(t, before, []string{newDir(t), newDir(t), newDir(t)}))
	w := s.startWriters("upgrade")
	defer w.end()
	w.more(t, "with the old program", 40)
	change := func(n *node, program, what string) {
		s.stop(n)
		n.program = program
		s.start(n)
		s.waitReady(n)
		w.more(t, what, 60)
	}
	change(s.nodes[0], "", "with one new program")
	change(s.nodes[1], "", "with two new programs")
	change(s.nodes[1], before, "with one taken back")
	change(s.nodes[1], "", "with two again")
	change(s.nodes[2], "", "with the new program")
	if gap := w.longest(); gap > 10*time.Second {
		t.Errorf("nothing could be written for %v", gap)
	} else {
		t.Logf("longest time without a write %v", gap.Round(time.Millisecond))
	}

	// The formats are raised within seconds: the old program must not touch the data from then on.
	eventually(t, 30*time.Second, "the newer formats to be used", func() error {
		for _, n := range s.nodes {
			if strings.Contains(s.log(n), "every member knows a newer format") {
				return nil
			}
		}
		return errors.New("no node says so")
	})
	old := s.nodes[2]
	eventually(t, 30*time.Second, "the old program refuses the new data", func() error {
		w.more(t, "before the old program is tried", 20)
		s.stop(old)
		cmd := exec.Command(before, "serve", "--data", old.dir, "--id", old.id, "--http", old.http, "--cluster", old.cluster)
		cmd.Env, cmd.SysProcAttr = environment(), &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
		timer := time.AfterFunc(5*time.Second, func() { cmd.Process.Kill() })
		defer timer.Stop()
		out, err := cmd.CombinedOutput()
		s.start(old)
		s.waitReady(old)
		if err == nil || !strings.Contains(string(out), "written by a newer program; start that one") {
			return fmt.Errorf("it ended with %v: %s", err, out)
		}
		return nil
	})
	w.more(t, "at the end", 20)
	w.end()
	s.sameRows()
	w.check(t, s)
}

// stop ends the process with SIGTERM, as an operator does.
func (s *site) stop(n *node) {
	s.t.Helper()
	n.cmd.Process.Signal(syscall.SIGTERM)
	done := make(chan error, 1)
	go func() { done <- n.cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			s.t.Errorf("%s stopped with %v", n.id, err)
		}
	case <-time.After(30 * time.Second):
		s.t.Errorf("%s does not stop", n.id)
		n.cmd.Process.Kill()
		<-done
	}
	n.cmd = nil
}
