package consensustest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"trivium/consensus"
)

// Timeouts short enough for tests and long enough for two busy cores.
const (
	heartbeat = 200 * time.Millisecond
	patience  = 20 * time.Second
)

// Option changes the configuration of the nodes.
type Option func(*consensus.Config)

// Open starts a cluster of one node and returns it when it is ready.
func Open(t testing.TB, opts ...Option) *consensus.DB {
	t.Helper()
	return Cluster(t, 1, opts...).Nodes[0].DB
}

// Node is one member of a Set. DB is nil while it is stopped.
type Node struct {
	ID, Dir, Address string
	DB               *consensus.DB
	Network          *consensus.Network
}

// Set is a cluster in this process.
type Set struct {
	Nodes []*Node

	t    testing.TB
	opts []Option
	mu   sync.Mutex
	net  links
}

// Cluster starts a cluster of n nodes, all voters, and returns it when all are ready.
func Cluster(t testing.TB, n int, opts ...Option) *Set {
	t.Helper()
	c := &Set{t: t, opts: opts}
	t.Cleanup(c.close)
	for i := range n {
		c.Add(i == 0)
		if i == 0 {
			c.WaitReady(0)
			continue
		}
		c.Join(i, true)
	}
	for i := range n {
		c.WaitReady(i)
	}
	return c
}

// Add starts one more node and returns its number. It is no member yet unless it bootstraps a cluster.
func (c *Set) Add(bootstrap bool) int {
	c.t.Helper()
	i := len(c.Nodes)
	n := &Node{ID: fmt.Sprintf("n%d", i+1), Dir: filepath.Join(c.t.TempDir(), fmt.Sprintf("n%d", i+1))}
	c.mu.Lock()
	c.Nodes = append(c.Nodes, n)
	c.mu.Unlock()
	c.start(n, bootstrap)
	return i
}

// Join makes node i a member.
func (c *Set) Join(i int, voter bool) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := c.Leader().DB.Join(ctx, c.Nodes[i].ID, c.Nodes[i].Address, voter); err != nil {
		c.t.Fatalf("join %s: %v", c.Nodes[i].ID, err)
	}
}

func (c *Set) start(n *Node, bootstrap bool) {
	c.t.Helper()
	ln, err := listen(n.Address)
	if err != nil {
		c.t.Fatal(err)
	}
	n.Address = ln.Addr().String()
	n.Network = consensus.NewNetwork(consensus.NetworkConfig{Listener: ln, Dial: c.net.dialer(n.Address)})
	config := consensus.Config{
		ID: n.ID, Dir: n.Dir, Network: n.Network, Bootstrap: bootstrap,
		HeartbeatTimeout: heartbeat, ElectionTimeout: heartbeat, LeaseTimeout: heartbeat / 2,
		DiskTimeout: 30 * time.Second, // shared disks stall
		CheckEvery:  50,               // every test compares the nodes
		Logger:      slog.New(slog.DiscardHandler),
		Fatal:       func(err error) { c.t.Errorf("node %s stopped: %v", n.ID, err) },
	}
	for _, o := range c.opts {
		o(&config)
	}
	db, err := consensus.Open(config)
	if err != nil {
		n.Network.Close()
		c.t.Fatal(err)
	}
	c.mu.Lock()
	n.DB = db
	c.mu.Unlock()
}

// listen takes a free port, or the one that the node had before.
func listen(address string) (ln net.Listener, err error) {
	if address == "" {
		return net.Listen("tcp", "127.0.0.1:0")
	}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if ln, err = net.Listen("tcp", address); err == nil {
			return ln, nil
		}
	}
	return nil, err
}

// Leader returns the node that leads, waiting for one.
func (c *Set) Leader() *Node {
	c.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		for _, n := range c.Nodes {
			if n.DB != nil && n.DB.IsLeader() {
				return n
			}
		}
	}
	c.t.Fatal("no leader")
	return nil
}

// Follower returns a running node that does not lead.
func (c *Set) Follower() *Node {
	c.t.Helper()
	leader := c.Leader()
	for _, n := range c.Nodes {
		if n.DB != nil && n != leader {
			return n
		}
	}
	c.t.Fatal("no follower")
	return nil
}

// DB returns the database of node i, nil while it is stopped. Unlike Nodes[i].DB it may be called while nodes start and stop.
func (c *Set) DB(i int) *consensus.DB {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Nodes[i].DB
}

// Index returns the number of the node.
func (c *Set) Index(n *Node) int {
	for i := range c.Nodes {
		if c.Nodes[i] == n {
			return i
		}
	}
	return -1
}

// Stop takes node i off the network at once, without handing anything over, and closes it.
func (c *Set) Stop(i int) {
	c.t.Helper()
	n := c.Nodes[i]
	n.Network.Close()
	if err := n.DB.Close(); err != nil {
		c.t.Errorf("close %s: %v", n.ID, err)
	}
	c.mu.Lock()
	n.DB = nil
	c.mu.Unlock()
}

// Restart starts node i again on its old address and folder.
func (c *Set) Restart(i int) {
	c.t.Helper()
	if c.Nodes[i].DB != nil {
		c.Stop(i)
	}
	c.start(c.Nodes[i], false)
}

// WaitReady waits until node i has caught up.
func (c *Set) WaitReady(i int) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		err := c.Nodes[i].DB.WaitReady(ctx)
		if err == nil {
			return
		}
		if ctx.Err() != nil {
			c.t.Fatalf("%s: %v", c.Nodes[i].ID, err)
		}
	}
}

// WaitEqual waits until all running nodes stand at the same index with the same content.
func (c *Set) WaitEqual() {
	c.t.Helper()
	var seen map[string]string
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		seen = map[string]string{}
		values := map[string]bool{}
		for _, n := range c.Nodes {
			if n.DB == nil {
				continue
			}
			sum, index, err := n.DB.Hash(context.Background())
			if err != nil {
				c.t.Fatal(err)
			}
			seen[n.ID] = fmt.Sprintf("%d:%s", index, sum)
			values[seen[n.ID]] = true
		}
		if len(values) == 1 {
			return
		}
	}
	c.t.Fatalf("the nodes differ: %v", seen)
}

func (c *Set) close() {
	var wg sync.WaitGroup
	for _, n := range c.Nodes {
		if n.DB == nil {
			continue
		}
		wg.Go(func() {
			if err := errors.Join(n.Network.Close(), n.DB.Close()); err != nil {
				c.t.Errorf("close %s: %v", n.ID, err)
			}
		})
	}
	wg.Wait()
}
