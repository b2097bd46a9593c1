package load

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"slices"
	"time"
)

// Cluster is nodes of one program and how to talk to them.
type Cluster struct {
	Name  string
	Nodes []*Node
	// Write, Read and Delete describe one request; Read's level is one of the program's own words, "" its default.
	Write  func(key, value string) Call
	Read   func(key, level string) Call
	Delete func(key string) Call        // nil: nobody cleans up
	Check  func(body []byte) error      // refuses an answer that reports an error with status 200
	Status Call                         // a request whose answer tells who leads
	Leader func(Answer) (string, error) // the id of the node that leads
	starts *starter                     // nil: the processes are not ours
}

// Node is one node. Only one that Start started has a process.
type Node struct {
	ID      string
	Address string   // host and port of its HTTP server
	TLS     bool     // it speaks HTTPS
	Headers []string // of every request to it
	Command Command  // how it is started
	process process
}

// Own says whether the nodes are processes of this cluster, which may be killed.
func (c *Cluster) Own() bool { return c.starts != nil }

// Stop ends the processes that the cluster has started.
func (c *Cluster) Stop() {
	if c.starts == nil {
		return
	}
	for _, n := range c.Nodes {
		n.kill()
	}
	c.starts.close()
	c.starts = nil
}

// Started makes sure that what a failed start has left is ended, and tells what the nodes said last.
func (c *Cluster) Started(err error) (*Cluster, error) {
	if err != nil {
		err = errors.Join(err, c.logs())
		c.Stop()
		return nil, fmt.Errorf("start %s: %w", c.Name, err)
	}
	return c, nil
}

func (c *Cluster) logs() error {
	var errs []error
	for _, n := range c.Nodes {
		b, err := os.ReadFile(n.Command.Log)
		if err == nil && len(b) > 0 {
			err = fmt.Errorf("%s: %s", n.Command.Log, b[max(0, len(b)-1000):])
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// Once makes one request on a connection of its own.
func (c *Cluster) Once(node int, k Call) (Answer, error) {
	cl := c.Client(node)
	defer cl.Close()
	return cl.Do(k, 2*time.Second)
}

// errStranger is a leader that is none of the nodes.
var errStranger = errors.New("the leader is none of the nodes")

// FindLeader asks the nodes until one knows the leader, and returns its number.
func (c *Cluster) FindLeader(ctx context.Context) (int, error) {
	return Poll(ctx, func() (int, error) {
		var errs []error
		for i, n := range c.Nodes {
			if !n.runs() {
				continue
			}
			lead, err := c.leaderAsSeenBy(i)
			if err == nil && c.Nodes[lead].runs() {
				return lead, nil
			}
			errs = append(errs, err)
		}
		return 0, errors.Join(append(errs, fmt.Errorf("%s: no leader", c.Name))...)
	})
}

func (c *Cluster) leaderAsSeenBy(node int) (int, error) {
	a, err := c.Once(node, c.Status)
	if err != nil {
		return 0, err
	}
	id, err := c.Leader(a)
	if err != nil {
		return 0, err
	}
	lead := slices.IndexFunc(c.Nodes, func(n *Node) bool { return n.ID == id })
	if lead < 0 && !c.Own() {
		return node, nil // it is not among those that we were told: this one forwards to it
	}
	if lead < 0 {
		return 0, fmt.Errorf("%w: %q", errStranger, id)
	}
	return lead, nil
}

// at is the number of the node at the URL; -1: none.
func (c *Cluster) at(location string) int {
	u, err := url.Parse(location)
	if err != nil {
		return -1
	}
	return slices.IndexFunc(c.Nodes, func(n *Node) bool { return n.Address == hostPort(u) && n.runs() })
}

// hostPort is the host of the URL with its port, also where that is the usual one.
func hostPort(u *url.URL) string {
	switch {
	case u.Port() != "":
		return u.Host
	case u.Scheme == "https":
		return u.Host + ":443"
	}
	return u.Host + ":80"
}

// WaitWrite waits until a write through every running node succeeds.
func (c *Cluster) WaitWrite(ctx context.Context) error {
	for i, n := range c.Nodes {
		if !n.runs() {
			continue
		}
		if _, err := Poll(ctx, func() (Answer, error) { return c.Once(i, c.Write("ready", "1")) }); err != nil {
			return err
		}
	}
	return nil
}

const pollLimit = time.Minute

// Poll repeats f until it succeeds, for at most a minute.
func Poll[T any](ctx context.Context, f func() (T, error)) (T, error) {
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
