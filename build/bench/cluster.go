package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strings"
	"time"
)

// cluster is three processes of one program and how to talk to them.
type cluster struct {
	name  string
	nodes []*process
	// write and read describe one request; read's level is none, session or linearizable.
	write  func(key, value string) call
	read   func(key, level string) call
	check  func(body []byte) error        // refuses an answer that reports an error with status 200
	leader func(body []byte) (int, error) // reads the leader's number from the answer to status
	status call
}

// process is one node.
type process struct {
	name    string
	args    []string
	log     string
	address string   // of its HTTP server
	headers []string // of every request to it
	cmd     *exec.Cmd
}

// start must be called from the main goroutine: see dieWithParent.
func (p *process) start() error {
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := exec.Command(p.name, p.args...)
	cmd.Stdout, cmd.Stderr = out, out
	dieWithParent(cmd)
	if err := cmd.Start(); err != nil {
		return err
	}
	p.cmd = cmd
	return nil
}

// kill ends the process at once, as a power cut of the program would.
func (p *process) kill() {
	if p.cmd != nil {
		p.cmd.Process.Kill()
		p.cmd.Wait()
		p.cmd = nil
	}
}

func (c *cluster) stop() {
	for _, p := range c.nodes {
		p.kill()
	}
}

// started makes sure that what a failed start has left is ended.
func (c *cluster) started(err error) (*cluster, error) {
	if err != nil {
		err = errors.Join(err, c.logs())
		c.stop()
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	return c, nil
}

// logs is the end of what the nodes said.
func (c *cluster) logs() error {
	var errs []error
	for _, p := range c.nodes {
		b, err := os.ReadFile(p.log)
		if err == nil && len(b) > 0 {
			err = fmt.Errorf("%s: %s", p.log, b[max(0, len(b)-1000):])
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// once makes one request on a connection of its own.
func (c *cluster) once(node int, k call) (answer, error) {
	cl := c.client(node)
	defer cl.close()
	return cl.do(k, 2*time.Second)
}

// findLeader asks the nodes until one knows the leader.
func (c *cluster) findLeader(ctx context.Context) (int, error) {
	return poll(ctx, func() (int, error) {
		var errs []error
		for i, p := range c.nodes {
			if p.cmd == nil {
				continue
			}
			a, err := c.once(i, c.status)
			if err == nil {
				var lead int
				if lead, err = c.leader(a.body); err == nil && c.nodes[lead].cmd != nil {
					return lead, nil
				}
			}
			errs = append(errs, err)
		}
		return 0, errors.Join(append(errs, fmt.Errorf("%s: no leader", c.name))...)
	})
}

// waitWrite waits until a write through every running node succeeds.
func (c *cluster) waitWrite(ctx context.Context) error {
	for i, p := range c.nodes {
		if p.cmd == nil {
			continue
		}
		if _, err := poll(ctx, func() (answer, error) { return c.once(i, c.write("ready", "1")) }); err != nil {
			return err
		}
	}
	return nil
}

const pollLimit = time.Minute

// poll repeats f until it succeeds.
func poll[T any](ctx context.Context, f func() (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, pollLimit)
	defer cancel()
	for {
		v, err := f()
		if err == nil {
			return v, nil
		}
		select {
		case <-ctx.Done():
			return v, errors.Join(ctx.Err(), err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func freePorts(n int) ([]string, error) {
	var addrs []string
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close()
		addrs = append(addrs, l.Addr().String())
	}
	return addrs, nil
}

// output runs a command to its end and returns what it printed.
func output(ctx context.Context, name string, args ...string) ([]byte, error) {
	b, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, b)
	}
	return b, nil
}
