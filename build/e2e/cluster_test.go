//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// node is one process of the program with a data directory of its own.
type node struct {
	id, dir, http, cluster string
	args                   []string // besides those of every node
	program                string   // empty: the one that is tested
	cmd                    *exec.Cmd
}

func (n *node) origin() string { return "http://" + n.http }

// site is a cluster of node processes on this machine.
type site struct {
	t     *testing.T
	nodes []*node
}

func binary(t *testing.T) string {
	t.Helper()
	path := os.Getenv("TRIVIUM_BINARY")
	if path == "" {
		path = filepath.Join("..", "bin", "trivium")
	}
	abs, err := filepath.Abs(path)
	if err == nil {
		_, err = os.Stat(abs)
	}
	if err != nil {
		t.Fatalf("the program is not built (make build): %v", err)
	}
	return abs
}

// environment is that of the tests without their own settings, which the program would refuse.
func environment() []string {
	return slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "TRIVIUM_") })
}

// port returns a free loopback address.
func port(t *testing.T) string { return fmt.Sprintf("127.0.0.1:%d", freePort(t, 0)) }

// freePort finds a port that is free, and whose neighbours at the offsets are, below the range of outgoing connections: a
// node that comes back must find its port again.
func freePort(t *testing.T, offsets ...int) int {
	t.Helper()
search:
	for range 200 {
		base := 10_000 + rand.IntN(22_000)
		for _, o := range offsets {
			l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", base+o))
			if err != nil {
				continue search
			}
			l.Close()
		}
		return base
	}
	t.Fatal("no free port")
	return 0
}

// startSite forms a cluster of three nodes with real join tokens. extra flags go to every node.
func startSite(t *testing.T, extra ...string) *site {
	t.Helper()
	return startSiteIn(t, []string{newDir(t), newDir(t), newDir(t)}, extra...)
}

func newDir(t *testing.T) string { return filepath.Join(t.TempDir(), "data") }

// startSiteIn does so in the three data directories.
func startSiteIn(t *testing.T, dirs []string, extra ...string) *site {
	t.Helper()
	return startSiteOf(t, "", dirs, extra...)
}

// startSiteOf does so with another program.
func startSiteOf(t *testing.T, program string, dirs []string, extra ...string) *site {
	t.Helper()
	s := &site{t: t}
	for i, dir := range dirs {
		n := &node{id: fmt.Sprintf("n%d", i+1), dir: dir, http: port(t), cluster: port(t), args: extra, program: program}
		if i > 0 {
			var token api.JoinToken
			s.command(&token, s.nodes[0], "join-token")
			n.args = append([]string{"--join", s.nodes[0].cluster, "--token", token.Token}, extra...)
		}
		s.nodes = append(s.nodes, n)
		s.start(n)
		s.waitReady(n)
	}
	t.Cleanup(func() {
		for _, n := range s.nodes {
			s.kill(n)
			if t.Failed() {
				b, _ := os.ReadFile(n.dir + ".log")
				t.Logf("%s said:\n%s", n.id, tail(withoutRequests(b), 2500))
			}
		}
	})
	return s
}

// withoutRequests drops the lines of answered requests, which would hide the others.
func withoutRequests(b []byte) []byte {
	lines := slices.DeleteFunc(bytes.Split(b, []byte("\n")), func(l []byte) bool { return bytes.Contains(l, []byte("level=INFO msg=request")) })
	return bytes.Join(lines, []byte("\n"))
}

func tail(b []byte, n int) []byte { return b[max(0, len(b)-n):] }

func (s *site) start(n *node) {
	s.t.Helper()
	out, err := os.OpenFile(n.dir+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		s.t.Fatal(err)
	}
	defer out.Close()
	program := n.program
	if program == "" {
		program = binary(s.t)
	}
	n.cmd = exec.Command(program, append([]string{"serve", "--data", n.dir, "--id", n.id, "--http", n.http, "--cluster", n.cluster}, n.args...)...)
	n.cmd.Stdout, n.cmd.Stderr, n.cmd.Env = out, out, environment()
	n.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := n.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
}

// kill ends the process with SIGKILL.
func (s *site) kill(n *node) {
	if n.cmd != nil {
		n.cmd.Process.Kill()
		n.cmd.Wait()
		n.cmd = nil
	}
}

func (s *site) waitReady(n *node) {
	s.t.Helper()
	eventually(s.t, 60*time.Second, n.id+" is ready", func() error {
		res, err := http.Get(n.origin() + "/readyz")
		if err != nil {
			return err
		}
		defer res.Body.Close()
		b, _ := io.ReadAll(res.Body)
		if res.StatusCode != 200 {
			return fmt.Errorf("%d %s", res.StatusCode, b)
		}
		return nil
	})
}

// eventually polls until f succeeds.
func eventually(t *testing.T, limit time.Duration, what string, f func() error) {
	t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(limit)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: not within %v: %v", what, limit, err)
		}
		<-tick.C
	}
}

// operator is a client that acts as the administrator of a node's own machine.
func (s *site) operator(n *node) *api.Client {
	s.t.Helper()
	b, err := os.ReadFile(filepath.Join(n.dir, "operator-token"))
	if err != nil {
		s.t.Fatal(err)
	}
	return api.NewClient(n.origin(), api.WithBearer(strings.TrimSpace(string(b))))
}

// command runs an operator command with --json on the node's machine and decodes what it prints.
func (s *site) command(out any, n *node, args ...string) {
	s.t.Helper()
	cmd := exec.Command(binary(s.t), append(args, "--data", n.dir, "--json")...)
	var stderr bytes.Buffer
	cmd.Stderr, cmd.Env = &stderr, environment()
	b, err := cmd.Output()
	if err != nil {
		s.t.Fatalf("trivium %v: %v: %s", args, err, stderr.Bytes())
	}
	decode(s.t, b, out)
}

// setupLink is the link that the first node printed.
func (s *site) setupLink() string {
	s.t.Helper()
	var b []byte
	eventually(s.t, 20*time.Second, "the setup link", func() (err error) { // a node is ready before it has written the link
		b, err = os.ReadFile(filepath.Join(s.nodes[0].dir, "setup-link"))
		return err
	})
	return strings.TrimSpace(string(b))
}

// up lists the running nodes.
func (s *site) up() []*node {
	var out []*node
	for _, n := range s.nodes {
		if n.cmd != nil {
			out = append(out, n)
		}
	}
	return out
}

// leader waits until a running node leads.
func (s *site) leader() *node {
	s.t.Helper()
	var found *node
	eventually(s.t, 30*time.Second, "a leader", func() error {
		for _, asked := range s.up() {
			ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
			cl, err := api.Call(ctx, s.operator(asked), api.GetCluster, api.NoInput{})
			cancel()
			if err != nil {
				return err
			}
			for _, n := range s.up() {
				if n.id == cl.Leader {
					found = n
					return nil
				}
			}
		}
		return fmt.Errorf("none of %d nodes", len(s.up()))
	})
	return found
}

// sameRows waits until every node holds the same rows at the same index.
func (s *site) sameRows() {
	s.t.Helper()
	eventually(s.t, 60*time.Second, "equal rows on every node", func() error {
		var first lms.NodeHash
		for i, n := range s.nodes {
			h, err := api.Call(context.Background(), s.operator(n), api.GetNodeHash, api.NoInput{})
			if err != nil {
				return err
			}
			if i == 0 {
				first = h
			} else if h.Index != first.Index {
				return fmt.Errorf("%s stands at %d, %s at %d", n.id, h.Index, s.nodes[0].id, first.Index)
			} else if h.Hash != first.Hash {
				s.t.Fatalf("%s and %s differ at index %d", n.id, s.nodes[0].id, h.Index)
			}
		}
		return nil
	})
}
