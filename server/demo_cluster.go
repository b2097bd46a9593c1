package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"trivium/app/api"
	"trivium/server/cluster"
)

// demoCluster is a cluster of child processes on this machine.
type demoCluster struct {
	dir     string
	state   demoState
	restart time.Duration
	out     io.Writer
	nodes   []*demoNode
	spawn   chan func() // runs on the one thread whose death ends the children
}

type demoNode struct {
	name, dir     string
	http, cluster string
	cmd           *exec.Cmd
	exited        chan struct{} // closed when cmd has ended
}

func newDemoCluster(dir string, state demoState, restart time.Duration, out io.Writer) *demoCluster {
	c := &demoCluster{dir: dir, state: state, restart: restart, out: out, spawn: make(chan func())}
	for i := range state.Nodes {
		name := "node" + strconv.Itoa(i+1)
		c.nodes = append(c.nodes, &demoNode{
			name: name, dir: filepath.Join(dir, name),
			http:    "127.0.0.1:" + strconv.Itoa(state.BasePort+i),
			cluster: "127.0.0.1:" + strconv.Itoa(state.BasePort+100+i),
		})
	}
	go func() {
		// A child gets its signal when the thread that started it ends, so that thread has to live as long as the process.
		runtime.LockOSThread()
		for f := range c.spawn {
			f()
		}
	}()
	return c
}

func (n *demoNode) url() string { return "http://" + n.http }

// start brings every node up: the first one founds the cluster, the others join with a token each. Nodes that were
// members before need no order.
func (c *demoCluster) start(ctx context.Context) error {
	var fresh []*demoNode
	for i, n := range c.nodes {
		if _, err := cluster.Load(n.dir); err != nil && i > 0 {
			fresh = append(fresh, n)
			continue
		}
		if err := c.run(n, ""); err != nil {
			return err
		}
	}
	if err := c.waitReady(ctx, c.nodes[0]); err != nil {
		return err
	}
	for _, n := range fresh {
		client, err := c.operator()
		if err != nil {
			return err
		}
		t, err := api.Call(ctx, client, api.CreateJoinToken, api.NoInput{})
		if err != nil {
			return fmt.Errorf("join token for %s: %w", n.name, err)
		}
		if err := c.run(n, t.Token); err != nil {
			return err
		}
		if err := c.waitReady(ctx, n); err != nil {
			return err
		}
	}
	for _, n := range c.nodes {
		if err := c.waitReady(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// operator is a client with the operator token of the first node.
func (c *demoCluster) operator() (*api.Client, error) {
	flags := clientFlags{url: c.nodes[0].url(), data: c.nodes[0].dir}
	return flags.client()
}

// run starts the node's process. The token travels in the environment: a command line can be seen by everybody.
func (c *demoCluster) run(n *demoNode, token string) error {
	program, err := os.Executable()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return err
	}
	log, err := os.OpenFile(n.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own
	args := []string{"serve", "--data", n.dir, "--id", n.name, "--http", n.http, "--cluster", n.cluster}
	n.cmd = exec.Command(program, args...)
	n.cmd.Env = append(os.Environ(), "TRIVIUM_TOKEN=", "TRIVIUM_JOIN=")
	if token != "" {
		n.cmd.Env = append(n.cmd.Env, "TRIVIUM_TOKEN="+token, "TRIVIUM_JOIN="+c.nodes[0].cluster)
	}
	n.cmd.Stdout, n.cmd.Stderr = log, log
	n.cmd.SysProcAttr = childAttributes()
	started := make(chan error)
	c.spawn <- func() { started <- n.cmd.Start() }
	if err := <-started; err != nil {
		return fmt.Errorf("start %s: %w", n.name, err)
	}
	cmd, exited := n.cmd, make(chan struct{})
	n.exited = exited
	go func() {
		cmd.Wait()
		close(exited)
	}()
	return nil
}

func (n *demoNode) logPath() string { return filepath.Join(n.dir, "log") }

func (c *demoCluster) waitReady(ctx context.Context, n *demoNode) error {
	ctx, cancel := context.WithTimeout(ctx, 90*time.Second)
	defer cancel()
	for {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, n.url()+"/readyz", nil)
		if err != nil {
			return err
		}
		resp, err := http.DefaultClient.Do(r)
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return nil
			}
		}
		select {
		case <-n.exited:
			return fmt.Errorf("%s has ended: %s", n.name, lastLine(n.logPath()))
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready after 90 s; see %s", n.name, n.logPath())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// lastLine is what a program that has ended said last.
func lastLine(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	end := len(data)
	for end > 0 && data[end-1] == '\n' {
		end--
	}
	begin := end
	for begin > 0 && data[begin-1] != '\n' {
		begin--
	}
	return string(data[begin:end])
}

// supervise starts nodes again that were killed, until ctx ends.
func (c *demoCluster) supervise(ctx context.Context) {
	type exit struct {
		n   *demoNode
		cmd *exec.Cmd
	}
	exits := make(chan exit)
	watch := func(n *demoNode) {
		cmd, exited := n.cmd, n.exited
		go func() {
			select {
			case <-exited:
			case <-ctx.Done():
				return
			}
			select {
			case exits <- exit{n, cmd}:
			case <-ctx.Done():
			}
		}()
	}
	for _, n := range c.nodes {
		watch(n)
	}
	revive := make(chan *demoNode)
	for {
		select {
		case <-ctx.Done():
			return
		case e := <-exits:
			fmt.Fprintf(c.out, "%s  %s (pid %d) has ended: %s\n", time.Now().Format(time.TimeOnly), e.n.name, e.cmd.Process.Pid, e.cmd.ProcessState)
			if c.restart <= 0 {
				fmt.Fprintf(c.out, "          It stays dead until the demo is started again.\n")
				continue
			}
			fmt.Fprintf(c.out, "          It comes back in %s.\n", c.restart)
			go func() {
				if wait(ctx, c.restart) {
					select {
					case revive <- e.n:
					case <-ctx.Done():
					}
				}
			}()
		case n := <-revive:
			if err := c.run(n, ""); err != nil {
				fmt.Fprintf(c.out, "%s  %s does not start: %v\n", time.Now().Format(time.TimeOnly), n.name, err)
				continue
			}
			watch(n)
			fmt.Fprintf(c.out, "%s  %s is back, pid %d; it catches up by itself.\n", time.Now().Format(time.TimeOnly), n.name, n.cmd.Process.Pid)
		}
	}
}

// stop ends every node gracefully, and after a while in any case.
func (c *demoCluster) stop() {
	for _, n := range c.nodes {
		if n.cmd != nil && n.cmd.Process != nil {
			n.cmd.Process.Signal(syscall.SIGTERM)
		}
	}
	deadline := time.After(15 * time.Second)
	for _, n := range c.nodes {
		if n.exited == nil {
			continue
		}
		select {
		case <-n.exited:
		case <-deadline:
			if err := n.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
				fmt.Fprintf(c.out, "%s does not end: %v\n", n.name, err)
			}
			<-n.exited
			deadline = time.After(0)
		}
	}
}

// describe prints where to go, who one can be, and how to break it.
func (c *demoCluster) describe(ctx context.Context) error {
	client, err := c.operator()
	if err != nil {
		return err
	}
	state, err := api.Call(ctx, client, api.GetCluster, api.NoInput{})
	if err != nil {
		return err
	}
	leader := c.nodes[0]
	fmt.Fprintf(c.out, "\n%s. Open any of them:\n\n", state.Health.Summary)
	for _, n := range c.nodes {
		mark := ""
		if n.name == state.Leader {
			leader, mark = n, "   (leader)"
		}
		fmt.Fprintf(c.out, "  %s  %s   pid %d%s\n", n.name, n.url(), n.cmd.Process.Pid, mark)
	}
	fmt.Fprintf(c.out, "\nSign in, always with the password %s:\n\n", c.state.Password)
	for _, u := range demoUsers {
		fmt.Fprintf(c.out, "  %-8s %s\n", u.login, u.says)
	}
	other := c.nodes[0]
	if other == leader {
		other = c.nodes[1]
	}
	program := os.Args[0]
	comeback := "It stays dead until the demo is started again."
	if c.restart > 0 {
		comeback = fmt.Sprintf("It comes back by itself after %s.", c.restart)
	}
	fmt.Fprintf(c.out, `
Kill a node, even in the middle of an upload, and watch in a second terminal:

  %s status --watch --data %s
  kill -9 %d

The page that is open goes on with another node. %s What the nodes say is in %s.
Ctrl-C stops everything; the next "demo" continues; "%s demo clean" erases it.

`, program, other.dir, leader.cmd.Process.Pid, comeback, filepath.Join(c.dir, "node*", "log"), program)
	return nil
}
