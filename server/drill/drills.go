package drill

import (
	"context"
	"fmt"
	"io"
	"os"
	"time"

	"trivium/consensus"
)

// Options of a drill. The zero value of each field is its default.
type Options struct {
	Command []string  // starts a child process that runs Child
	Out     io.Writer // told step by step
	Dir     string    // where folders are made; default: that of temporary files
	Seed    uint64    // of the network set
	Nodes   int       // of the network set; default 5
	Phase   time.Duration
	Keep    bool // the folder stays, with the nodes' logs
}

// Drill is one exercise.
type Drill struct {
	Name, About string

	nodes   int
	timing  consensus.Timing
	compact bool
	network bool // on the simulated network
	body    func(*run)
}

// quick elections, and a lease that is long enough for a read after a kill.
var (
	fast = consensus.Timing{Heartbeat: 500 * time.Millisecond, Election: 500 * time.Millisecond, Lease: 250 * time.Millisecond}
	slow = consensus.Timing{Heartbeat: 2 * time.Second, Election: 2 * time.Second, Lease: 1750 * time.Millisecond}
)

// Drills lists them all.
func Drills() []Drill {
	return []Drill{
		{"lease", "lease set, 5 nodes: reads that ask nobody, kills of followers and leader, the end of the lease", 5, slow, false, false, leaseSet},
		{"store", "store set, 3 nodes: kills one after the other and all at once, a conflicting log, concurrent requests", 3, fast, false, false, storeSet},
		{"basic-election", "3 nodes agree on one leader, with one NO-OP in all logs", 3, fast, false, false, basicElection},
		{"leader-failure", "the leader is killed, another one takes over and nothing is lost", 3, fast, false, false, leaderFailure},
		{"split-brain", "5 nodes fall apart: the smaller side acknowledges nothing and gives in", 5, fast, false, true, splitBrain},
		{"rapid-failures", "5 nodes, three leaders killed one after the other", 5, fast, false, false, rapidFailures},
		{"rejoin", "a node comes back after so many writes that it needs the whole database", 3, fast, true, false, rejoin},
		{"network", "3 to 21 nodes: lost and repeated messages, kills, partitions, all at once; messages per request", 0, fast, false, true, nil},
	}
}

// hold is how long a request waits for a leader before it is refused.
const hold = 2 * time.Second

// Run runs a drill. The error is nil when it has passed.
func Run(ctx context.Context, d Drill, o Options) error {
	dir, err := os.MkdirTemp(o.Dir, "trivium-drill")
	if err != nil {
		return err
	}
	if o.Keep {
		fmt.Fprintf(o.Out, "The nodes' folders are in %s\n", dir)
	} else {
		defer os.RemoveAll(dir)
	}
	if d.body == nil {
		return networkSet(ctx, o, dir)
	}
	var c Cluster
	if d.network {
		c, err = startInside(ctx, dir, d.nodes, o.Seed, d.timing, hold)
	} else {
		c, err = startProcesses(ctx, Processes{Dir: dir, Command: o.Command, Timing: d.timing, Hold: hold, Compact: d.compact}, d.nodes)
	}
	if err != nil {
		return fmt.Errorf("start %d nodes: %w", d.nodes, err)
	}
	defer c.Close()
	r := &run{Cluster: c, ctx: ctx, out: o.Out, acked: map[string]string{}}
	d.body(r)
	return r.result()
}
