package drill

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"trivium/consensus"
)

// Processes is how to start nodes as child processes.
type Processes struct {
	Dir     string   // of the nodes' data; made and removed by the caller
	Command []string // runs Child
	Timing  consensus.Timing
	Hold    time.Duration // how long a request waits for a leader
	// Compact keeps logs short, so that a node that was away needs the whole database.
	Compact bool
}

// processes is a cluster of child processes.
type processes struct {
	Processes
	secret string
	nodes  []*process
}

type process struct {
	config childConfig
	cmd    *exec.Cmd
	in     io.WriteCloser
	remote *remote
}

// startProcesses starts n nodes and joins them.
func startProcesses(ctx context.Context, p Processes, n int) (_ *processes, err error) {
	c := &processes{Processes: p, secret: rand.Text()}
	defer func() {
		if err != nil {
			c.Close()
		}
	}()
	for i := range n {
		address, err := freeAddress()
		if err != nil {
			return nil, err
		}
		id := fmt.Sprintf("node%d", i+1)
		config := childConfig{ID: id, Dir: filepath.Join(p.Dir, id), Address: address, Secret: c.secret, Bootstrap: i == 0, Timing: p.Timing, Hold: p.Hold}
		if p.Compact {
			config.Trailing, config.Every = 16, 32
		}
		c.nodes = append(c.nodes, &process{config: config})
		if err := c.Start(i); err != nil {
			return nil, err
		}
		do := command{Do: "prepare"}
		if i > 0 {
			do = command{Do: "join", ID: id, Text: address}
		}
		if err := c.insist(ctx, do); err != nil {
			return nil, fmt.Errorf("%s %s: %w", do.Do, id, err)
		}
	}
	return c, nil
}

// insist repeats what the first node refuses: it may not lead yet.
func (c *processes) insist(ctx context.Context, do command) error {
	ctx, cancel := context.WithTimeout(ctx, settle)
	defer cancel()
	for {
		_, err := c.nodes[0].remote.ask(ctx, do)
		if !refused(err) || ctx.Err() != nil {
			return err
		}
	}
}

// freeAddress is one that outgoing connections do not use while the node is away.
func freeAddress() (string, error) {
	var err error
	for range 200 {
		address := fmt.Sprintf("127.0.0.1:%d", 20_000+mathrand.IntN(12_000))
		var ln net.Listener
		if ln, err = net.Listen("tcp", address); err == nil {
			return address, ln.Close()
		}
	}
	return "", err
}

func (c *processes) Size() int { return len(c.nodes) }

func (c *processes) Node(i int) Node {
	if c.nodes[i].remote == nil {
		return nil
	}
	return c.nodes[i].remote
}

// Kill ends the process as a power cut of the program would.
func (c *processes) Kill(i int) {
	p := c.nodes[i]
	if p.cmd != nil {
		p.cmd.Process.Kill()
		p.cmd.Wait()
		p.in.Close()
		p.cmd, p.remote = nil, nil
	}
}

// Start starts the process, and returns when it can be talked to.
func (c *processes) Start(i int) (err error) {
	p := c.nodes[i]
	if err := os.MkdirAll(p.config.Dir, 0o700); err != nil {
		return err
	}
	log, err := os.OpenFile(filepath.Join(c.Dir, p.config.ID+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own
	cmd := exec.Command(c.Command[0], c.Command[1:]...)
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if p.in, err = cmd.StdinPipe(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", p.config.ID, err)
	}
	p.cmd = cmd
	var ready childReady
	if err = json.NewEncoder(p.in).Encode(p.config); err == nil {
		var line []byte
		if line, err = bufio.NewReader(out).ReadBytes('\n'); err == nil {
			err = json.Unmarshal(line, &ready)
		}
	}
	if err != nil {
		c.Kill(i)
		return fmt.Errorf("%s did not start: %w; see %s", p.config.ID, err, log.Name())
	}
	p.remote = &remote{url: "http://" + ready.Control, secret: c.secret}
	return nil
}

func (c *processes) Close() {
	for i := range c.nodes {
		c.Kill(i)
	}
}

// remote is a node in a child process.
type remote struct{ url, secret string }

func (n *remote) ask(ctx context.Context, c command) (a reply, err error) {
	body, err := json.Marshal(c)
	if err != nil {
		return a, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, n.url, bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	r.Header.Set("Authorization", n.secret)
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return a, fmt.Errorf("%w: %w", errUnknown, err)
	}
	defer res.Body.Close()
	if err := json.NewDecoder(res.Body).Decode(&a); err != nil {
		return a, fmt.Errorf("%w: %w", errUnknown, err)
	}
	switch {
	case a.Kind == "refused":
		return a, fmt.Errorf("%w (%s)", errRefused, a.Error)
	case a.Kind == "unknown":
		return a, fmt.Errorf("%w (%s)", errUnknown, a.Error)
	case a.Error != "":
		return a, errors.New(a.Error)
	}
	return a, nil
}

func (n *remote) Set(ctx context.Context, id, key, value string) error {
	_, err := n.ask(ctx, command{Do: "set", ID: id, Key: key, Text: value})
	return err
}

func (n *remote) Get(ctx context.Context, key string) (Value, error) {
	a, err := n.ask(ctx, command{Do: "get", Key: key})
	return a.Value, err
}

func (n *remote) Status(ctx context.Context) (consensus.Status, error) {
	a, err := n.ask(ctx, command{Do: "status"})
	if err != nil || a.Status == nil {
		return consensus.Status{}, errors.Join(err, errUnknown)
	}
	return *a.Status, nil
}

func (n *remote) Log(ctx context.Context) ([]string, error) {
	a, err := n.ask(ctx, command{Do: "log"})
	return a.Lines, err
}

func (n *remote) Join(ctx context.Context, id, address string) error {
	_, err := n.ask(ctx, command{Do: "join", ID: id, Text: address})
	return err
}
