package load

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
)

// Command is how a node is started.
type Command struct {
	Program string
	Args    []string
	Env     []string // beside what this process has, less the settings of Trivium
	Log     string   // file for what it says
}

// process is a node's process while it runs.
type process struct {
	mu   sync.Mutex
	cmd  *exec.Cmd
	ours bool // also while it does not run
}

// runs says whether the node can be expected to answer: it runs, or is not ours to judge.
func (n *Node) runs() bool {
	n.process.mu.Lock()
	defer n.process.mu.Unlock()
	return n.process.cmd != nil || !n.process.ours
}

// pid is 0 when there is no process of ours.
func (n *Node) pid() int {
	n.process.mu.Lock()
	defer n.process.mu.Unlock()
	if n.process.cmd == nil {
		return 0
	}
	return n.process.cmd.Process.Pid
}

// starter runs functions on the one thread that starts processes: the kernel ends them when that thread ends, which it does
// with this process, however that ends, or when the starter is closed.
type starter struct{ calls chan func() }

func newStarter() *starter {
	s := &starter{make(chan func())}
	go func() {
		runtime.LockOSThread()
		for f := range s.calls {
			f()
		}
	}()
	return s
}

func (s *starter) close() { close(s.calls) }

// Add starts another node.
func (c *Cluster) Add(n *Node) error {
	if c.starts == nil {
		c.starts = newStarter()
	}
	n.process.ours = true
	c.Nodes = append(c.Nodes, n)
	return c.start(n)
}

// start starts the node's process, which does not run.
func (c *Cluster) start(n *Node) error {
	out, err := os.OpenFile(n.Command.Log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close() // the child has its own
	cmd := exec.Command(n.Command.Program, n.Command.Args...)
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(environment(), n.Command.Env...)
	dieWithParent(cmd)
	started := make(chan error)
	c.starts.calls <- func() { started <- cmd.Start() }
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", n.ID, err)
	}
	n.process.mu.Lock()
	defer n.process.mu.Unlock()
	n.process.cmd = cmd
	return nil
}

// environment leaves out the settings of a site that may be in this process's environment.
func environment() (env []string) {
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "TRIVIUM_") || strings.HasPrefix(v, "TRIVIUM_FAULT") {
			env = append(env, v)
		}
	}
	return env
}

// kill ends the process at once, as a power cut of the program would.
func (n *Node) kill() {
	n.process.mu.Lock()
	defer n.process.mu.Unlock()
	if n.process.cmd != nil {
		n.process.cmd.Process.Kill()
		n.process.cmd.Wait()
		n.process.cmd = nil
	}
}

// FreeAddresses finds addresses on the loopback that outgoing connections do not use while a node is away.
func FreeAddresses(n int) (list []string, err error) {
	for range 200 * n {
		var l net.Listener
		if l, err = net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000))); err != nil {
			continue
		}
		defer l.Close() // only now, so that none is given twice
		if list = append(list, l.Addr().String()); len(list) == n {
			return list, nil
		}
	}
	return nil, fmt.Errorf("no free port between 20000 and 32000: %w", err)
}
