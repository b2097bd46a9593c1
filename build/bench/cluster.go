package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"time"
)

// cluster is three processes of one program and how to talk to them.
type cluster struct {
	name  string
	nodes []*process
	http  *http.Client
	// write and read make one request; read's level is none, session or linearizable.
	write  func(ctx context.Context, base, key, value string) (*http.Request, error)
	read   func(ctx context.Context, base, key, level string) (*http.Request, error)
	check  func(body []byte) error // refuses an answer that reports an error with status 200
	leader func(ctx context.Context, base string) (int, error)
	levels []string
}

// process is one node.
type process struct {
	name string
	args []string
	env  []string
	log  string
	base string
	cmd  *exec.Cmd
}

func (p *process) start() error {
	out, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer out.Close()
	p.cmd = exec.Command(p.name, p.args...)
	p.cmd.Stdout, p.cmd.Stderr = out, out
	p.cmd.Env = append(os.Environ(), p.env...)
	return p.cmd.Start()
}

// kill ends the process at once, as a power cut of the program would.
func (p *process) kill() {
	if p.cmd != nil && p.cmd.Process != nil {
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

// do sends one request and reads the answer whole.
func (c *cluster) do(req *http.Request) error {
	res, err := c.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(io.LimitReader(res.Body, 4<<20))
	if err != nil {
		return err
	}
	if res.StatusCode >= 300 {
		return fmt.Errorf("%s: status %d: %.200s", c.name, res.StatusCode, body)
	}
	return c.check(body)
}

// findLeader asks the nodes until one knows the leader.
func (c *cluster) findLeader(ctx context.Context) (int, error) {
	return poll(ctx, 60*time.Second, func() (int, error) {
		var errs []error
		for _, p := range c.nodes {
			if p.cmd == nil {
				continue
			}
			i, err := c.leader(ctx, p.base)
			if err == nil && c.nodes[i].cmd != nil {
				return i, nil
			}
			errs = append(errs, err)
		}
		return 0, errors.Join(append(errs, errors.New("no leader"))...)
	})
}

// waitWrite waits until a write through every running node succeeds.
func (c *cluster) waitWrite(ctx context.Context) error {
	for _, p := range c.nodes {
		if p.cmd == nil {
			continue
		}
		_, err := poll(ctx, 60*time.Second, func() (struct{}, error) {
			req, err := c.write(ctx, p.base, "ready", "1")
			if err == nil {
				err = c.do(req)
			}
			return struct{}{}, err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// poll repeats f until it succeeds or the time is over.
func poll[T any](ctx context.Context, limit time.Duration, f func() (T, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
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

func newHTTP() *http.Client {
	return &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 256}, Timeout: 15 * time.Second}
}

func jsonRequest(ctx context.Context, method, url string, body any) (*http.Request, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(b))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}

// output runs a command to its end and returns what it printed.
func output(ctx context.Context, name string, args ...string) (string, error) {
	b, err := exec.CommandContext(ctx, name, args...).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w: %s", name, strings.Join(args, " "), err, b)
	}
	return strings.TrimSpace(string(b)), nil
}
