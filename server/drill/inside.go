package drill

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"trivium/consensus"
	"trivium/consensus/simnet"
)

// inside is a cluster in this process on a simulated network. Its logs lie in memory and survive the ends of their nodes.
type inside struct {
	net    *simnet.Net
	dir    string
	timing consensus.Timing
	hold   time.Duration

	mu      sync.Mutex
	nodes   []*insideNode
	leaders map[uint64]string // by term
	doubled []string
	fatal   []error
}

type insideNode struct {
	store   *raft.InmemStore
	db      *consensus.DB
	network *consensus.Network
}

func startInside(ctx context.Context, dir string, n int, seed uint64, timing consensus.Timing, hold time.Duration) (*inside, error) {
	c := &inside{net: simnet.New(seed), dir: dir, timing: timing, hold: hold, leaders: map[uint64]string{}}
	c.net.OnAppend = c.leads
	for i := range n {
		c.nodes = append(c.nodes, &insideNode{store: raft.NewInmemStore()})
		err := c.Start(i)
		if err == nil {
			first := local{c.nodes[0].db}
			if i == 0 {
				err = first.prepare(ctx)
			} else {
				err = first.Join(ctx, simnet.Name(i), simnet.Name(i))
			}
		}
		if err != nil {
			c.Close()
			return nil, err
		}
	}
	return c, nil
}

// leads notes who acts as the leader of a term: there is one.
func (c *inside) leads(term uint64, leader string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if other, ok := c.leaders[term]; ok && other != leader {
		c.doubled = append(c.doubled, fmt.Sprintf("term %d has two leaders, %s and %s", term, other, leader))
	}
	c.leaders[term] = leader
}

// faults are what must not happen at any time.
func (c *inside) faults() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	errs := append([]error(nil), c.fatal...)
	for _, s := range c.doubled {
		errs = append(errs, errors.New(s))
	}
	return errors.Join(errs...)
}

func (c *inside) Size() int { return len(c.nodes) }

func (c *inside) Node(i int) Node {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.nodes[i].db == nil {
		return nil
	}
	return local{c.nodes[i].db}
}

func (c *inside) Start(i int) error {
	n, end := c.nodes[i], c.net.Start(i)
	n.network = consensus.NewNetwork(consensus.NetworkConfig{Listener: end.Listener(), Dial: end.Dial})
	db, err := consensus.Open(consensus.Config{ID: simnet.Name(i), Dir: filepath.Join(c.dir, fmt.Sprintf("n%d", i)), Network: n.network,
		Transport: end.Transport(), LogStore: n.store, Bootstrap: i == 0,
		HeartbeatTimeout: c.timing.Heartbeat, ElectionTimeout: c.timing.Election, LeaseTimeout: c.timing.Lease, HoldTimeout: c.hold,
		Logger: slog.New(slog.DiscardHandler), Fatal: func(err error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.fatal = append(c.fatal, fmt.Errorf("%s stopped: %w", simnet.Name(i), err))
		}})
	if err != nil {
		n.network.Close()
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	n.db = db
	return nil
}

// Kill takes the node off the network in mid-sentence and ends it.
func (c *inside) Kill(i int) {
	c.mu.Lock()
	db, network := c.nodes[i].db, c.nodes[i].network
	c.nodes[i].db = nil
	c.mu.Unlock()
	if db == nil {
		return
	}
	c.net.Stop(i)
	if err := errors.Join(network.Close(), db.Close()); err != nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.fatal = append(c.fatal, err)
	}
}

func (c *inside) Close() {
	var wg sync.WaitGroup
	for i := range c.nodes {
		wg.Go(func() { c.Kill(i) })
	}
	wg.Wait()
}
