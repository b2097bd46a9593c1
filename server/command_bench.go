package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"trivium/server/load"
)

const benchHelp = `bench makes load on the key-value store and says how fast it is:

  one      one client at full speed: writes, then reads
  many     many clients at once: writes, then reads
  mixed    many clients, some of whose requests are writes
  recent   the same, and many of the reads hit the key that was written last
  kill     many clients while the leader is killed and comes back, one line a second

Without a name it does all of them. It makes a cluster of its own on this machine, in a temporary folder, and ends it afterwards.
With --url and --token it uses a cluster that exists, with keys of its own that it deletes in the end; it kills nothing there.
Give it a token of a program ("trivium kv token create bench"): every node takes that, and its keys are nobody else's.

Rates and latencies are those of successes. Errors and redirects are counted apart from them; there are redirects with --no-forward.`

// benchKinds are what bench does, in this order.
var benchKinds = []string{"one", "many", "mixed", "recent", "kill"}

// benchFlags are the settings of a run.
type benchFlags struct {
	urls, kinds                          []string
	token, dir, consistency              string
	nodes, clients, writes, recent, keys int
	value                                int
	seed                                 uint64
	each, outage                         time.Duration
	noForward, json                      bool
}

func newBench() *cobra.Command {
	var b benchFlags
	cmd := &cobra.Command{
		Use:       "bench [" + strings.Join(benchKinds, "] [") + "]",
		Short:     "Make load, on a cluster of its own or on one that exists, and measure",
		Long:      benchHelp,
		ValidArgs: benchKinds,
		Args:      cobra.OnlyValidArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			b.kinds = args
			if err := b.validate(); err != nil {
				return err
			}
			return runBench(cmd.Context(), b, cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringSliceVar(&b.urls, "url", nil, "where the nodes of a cluster that exists serve people (default: a cluster of its own)")
	f.StringVar(&b.token, "token", "", "token that these nodes take")
	f.StringVar(&b.dir, "dir", "", "where the temporary folder is made: its disk is measured")
	f.IntVar(&b.nodes, "nodes", 3, "nodes of the cluster of its own, 1 to 9")
	f.IntVar(&b.clients, "clients", 32, "how many clients are many")
	f.IntVar(&b.writes, "writes", 20, "percent of the requests that are writes, in mixed, recent and kill")
	f.IntVar(&b.recent, "recent", 50, "percent of the reads that hit the key written last, in recent")
	f.StringVar(&b.consistency, "consistency", "lease", "of reads: lease, linearizable, session or stale")
	f.IntVar(&b.keys, "keys", 1000, "number of keys")
	f.IntVar(&b.value, "value-bytes", 100, "size of a value")
	f.Uint64Var(&b.seed, "seed", 0, "which requests are made (default: others each time)")
	f.DurationVar(&b.each, "duration", 5*time.Second, "length of one measurement")
	f.DurationVar(&b.outage, "kill-duration", 16*time.Second, "length of kill: the leader dies after a quarter and comes back after five eighths of it")
	f.BoolVar(&b.noForward, "no-forward", false, "clients go to the leader themselves: other nodes redirect them")
	f.BoolVar(&b.json, "json", false, "print JSON")
	return cmd
}

func (b *benchFlags) validate() error {
	for _, r := range []struct {
		flag               string
		value, least, most int
	}{{"nodes", b.nodes, 1, 9}, {"clients", b.clients, 1, 1000}, {"writes", b.writes, 0, 100}, {"recent", b.recent, 0, 100},
		{"keys", b.keys, 1, 1_000_000}, {"value-bytes", b.value, 0, 1 << 20}} {
		if r.value < r.least || r.value > r.most {
			return fmt.Errorf("--%s %d: choose between %d and %d", r.flag, r.value, r.least, r.most)
		}
	}
	killed := b.has("kill")
	switch {
	case !slices.Contains([]string{"lease", "linearizable", "session", "stale"}, b.consistency):
		return fmt.Errorf("--consistency %q: choose lease, linearizable, session or stale", b.consistency)
	case b.each < 100*time.Millisecond || b.each > time.Hour:
		return fmt.Errorf("--duration %s: choose between 100ms and 1h", b.each)
	case b.outage < 4*time.Second || b.outage > time.Hour:
		return fmt.Errorf("--kill-duration %s: choose between 4s and 1h", b.outage)
	case len(b.urls) > 0 && b.token == "":
		return errors.New("--url needs --token: make one with \"trivium kv token create bench\" on a node of that cluster")
	case len(b.urls) > 0 && killed:
		return errors.New("kill is for a cluster of its own alone: leave out --url, or name the other measurements")
	case killed && b.nodes < 3:
		return fmt.Errorf("--nodes %d: without its leader a cluster of fewer than 3 nodes stands still", b.nodes)
	}
	if len(b.kinds) == 0 {
		b.kinds = slices.DeleteFunc(slices.Clone(benchKinds), func(k string) bool { return k == "kill" && (len(b.urls) > 0 || b.nodes < 3) })
	}
	if b.seed == 0 {
		b.seed = rand.Uint64N(1e9) + 1
	}
	return nil
}

func (b *benchFlags) has(kind string) bool { return slices.Contains(b.kinds, kind) }

func (b *benchFlags) data() load.Data { return load.Data{Seed: b.seed, Keys: b.keys, Value: b.value} }

// benchCell is one measurement to be made.
type benchCell struct {
	name    string
	clients int
	load.Workload
}

func (b *benchFlags) cells() (list []benchCell) {
	level := b.consistency
	for _, kind := range benchKinds {
		if !b.has(kind) {
			continue
		}
		switch kind {
		case "one", "many":
			clients := map[string]int{"one": 1, "many": b.clients}[kind]
			list = append(list, benchCell{kind + ": writes", clients, load.Workload{Writes: 100, Spread: kind == "many"}},
				benchCell{kind + ": reads", clients, load.Workload{Level: level, Spread: kind == "many"}})
		case "mixed":
			list = append(list, benchCell{fmt.Sprintf("mixed: %d %% writes", b.writes), b.clients, load.Workload{Writes: b.writes, Level: level, Spread: true}})
		case "recent":
			list = append(list, benchCell{fmt.Sprintf("recent: %d %% writes, %d %% of the reads of what is new", b.writes, b.recent), b.clients,
				load.Workload{Writes: b.writes, Recent: b.recent, Level: level, Spread: true}})
		}
	}
	return list
}

// runBench does what the settings, which are valid, say.
func runBench(ctx context.Context, b benchFlags, out io.Writer) (err error) {
	c, end, err := b.cluster(ctx, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, end()) }()
	if err := c.Prepare(ctx, b.data()); err != nil {
		return fmt.Errorf("write the keys: %w", err)
	}
	if !c.Own() {
		defer func() { // also after Ctrl-C
			ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			defer cancel()
			err = errors.Join(err, c.Clean(ctx, b.data()))
		}()
	}
	r := b.report(c)
	r.begin(out)
	for _, cell := range b.cells() {
		s, err := c.Measure(ctx, cell.Workload, b.data(), cell.clients, b.each)
		if err != nil {
			return interrupted(ctx, err)
		}
		r.measured(out, cell, s)
	}
	if b.has("kill") {
		w := load.Workload{Writes: b.writes, Level: b.consistency}
		o, err := c.Outage(ctx, w, b.data(), b.clients, b.outage, load.Kill{At: b.outage / 4, Back: b.outage * 5 / 8})
		if err != nil {
			return interrupted(ctx, err)
		}
		r.survived(out, o)
	}
	r.end(out)
	return nil
}

// cluster starts the cluster of its own, or reaches the one that exists. The caller calls end.
func (b *benchFlags) cluster(ctx context.Context, out io.Writer) (c *load.Cluster, end func() error, err error) {
	if len(b.urls) > 0 {
		c, err = load.Connect(b.urls, b.token, !b.noForward)
		return c, func() error { return nil }, err
	}
	program, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp(b.dir, "trivium-bench")
	if err != nil {
		return nil, nil, err
	}
	if !b.json {
		fmt.Fprintf(out, "Starting %d nodes in %s …\n", b.nodes, filepath.Clean(dir))
	}
	c, err = load.StartTrivium(ctx, program, dir, b.nodes, !b.noForward)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return c, func() error { c.Stop(); return os.RemoveAll(dir) }, nil
}
