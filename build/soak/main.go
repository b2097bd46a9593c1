//go:build linux

package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

const tags = "faults sqlite_fts5 osusergo netgo sqlite_omit_load_extension"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	os.Exit(command(ctx, os.Args[1:], os.Stdout))
}

// options are the flags.
type options struct {
	settings
	faultList string
	score     string
	keep      bool
	race      bool
	trivium   string
	mixed     bool
	planted   string
	figures   string
	n         int
}

func parse(args []string) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("soak", flag.ContinueOnError)
	f.DurationVar(&o.duration, "d", 10*time.Minute, "how long")
	f.Uint64Var(&o.seed, "seed", 0, "of faults and load; 0: a new one, which is printed")
	f.IntVar(&o.nodes, "nodes", 3, "nodes of the cluster: 3 or 5")
	f.StringVar(&o.faultList, "faults", "gate", "comma separated ids such as F1,F9; gate: those of every merge; all")
	f.IntVar(&o.atLeast, "each", 3, "times each fault must have been run; 0: any number")
	f.DurationVar(&o.every, "every", 20*time.Second, "about how often a fault comes")
	f.DurationVar(&o.verify, "verify", 2*time.Minute, "how often the load pauses and all rows are compared")
	f.IntVar(&o.clients, "clients", 32, "people at work at a time")
	f.Float64Var(&o.rate, "rate", 160, "operations a second they aim at together")
	f.Float64Var(&o.floor, "floor", 100, "operations a second that must be answered before each fault, or the run is void")
	f.DurationVar(&o.heart, "heartbeat", 500*time.Millisecond, "heartbeat and election timeout of the nodes")
	f.IntVar(&o.trailing, "trailing", 48, "log entries that the nodes keep behind a snapshot")
	f.IntVar(&o.check, "check", 1000, "log entries after which the nodes compare their rows")
	f.BoolVar(&o.fuse, "fuse", os.Geteuid() == 0, "data on the rig's own disk")
	f.BoolVar(&o.netns, "netns", os.Geteuid() == 0, "each node in a network namespace")
	f.BoolVar(&o.race, "race", false, "build the nodes with the race detector")
	f.BoolVar(&o.mixed, "mixed", false, "one node always has a program that knows the formats of the release before only")
	f.StringVar(&o.before, "before", "", "the program of the release before, built with the tag faults, instead of one that behaves like it; implies -mixed")
	f.StringVar(&o.trivium, "trivium", "", "program to run instead of building one; it must be built with the tag faults")
	f.StringVar(&o.dir, "dir", "", "folder for data, logs and history (default: a temporary one)")
	f.StringVar(&o.score, "score", "scorecard.json", "where the result goes")
	f.BoolVar(&o.keep, "keep", false, "keep data and logs; after a failed run they are always kept")
	f.StringVar(&o.planted, "planted", "", "name of a planted bug, or all: build the program with it and require that the gate fails for the stated reason")
	f.StringVar(&o.figures, "figures", "", "measure instead: "+strings.Join(figureNames(), ", ")+", or all")
	f.IntVar(&o.n, "n", 0, "how many times, or how much, for -figures (0: its default)")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if o.nodes != 3 && o.nodes != 5 && o.figures == "" {
		return nil, errors.New("-nodes: 3 or 5")
	}
	for o.seed == 0 {
		o.seed = rand.Uint64() >> 1
	}
	return o, o.chooseFaults()
}

func (o *options) chooseFaults() error {
	switch o.faultList {
	case "gate":
		o.faults = gate
	case "all":
		for _, f := range table {
			o.faults = append(o.faults, f.id)
		}
	default:
		o.faults = strings.Split(o.faultList, ",")
	}
	for _, id := range o.faults {
		if faultByID(id) == nil {
			return fmt.Errorf("-faults: there is no fault %q", id)
		}
	}
	return nil
}

// possible drops the faults that cannot be made here and says why.
func (c *settings) possible() (notRun []string) {
	var keep []string
	for _, id := range c.faults {
		switch f := faultByID(id); {
		case f.fuse && !c.fuse:
			notRun = append(notRun, id+" "+f.name+": needs root and /dev/fuse")
		case f.netns && !c.netns:
			notRun = append(notRun, id+" "+f.name+": needs root and network namespaces")
		default:
			keep = append(keep, id)
		}
	}
	c.faults = keep
	if !slices.Contains(c.faults, "F22") {
		notRun = append(notRun, "I11 (a backup restores to its hash): needs F22")
	}
	return notRun
}

func command(ctx context.Context, args []string, out io.Writer) int {
	o, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err == nil {
		o.log = out
		err = o.prepare(ctx)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		return 2
	}
	switch {
	case o.planted != "":
		return o.runPlanted(ctx)
	case o.figures != "":
		return o.runFigures(ctx)
	}
	s, err := o.once(ctx)
	if err != nil {
		fmt.Fprintln(os.Stderr, "soak:", err)
		return 2
	}
	return map[string]int{"pass": 0, "fail": 1, "void": 2}[s.Verdict]
}

// prepare makes the folder and the program.
func (o *options) prepare(ctx context.Context) error {
	if o.dir == "" {
		dir, err := os.MkdirTemp("", "trivium-soak-")
		if err != nil {
			return err
		}
		o.dir = dir
	} else if err := os.MkdirAll(o.dir, 0o700); err != nil {
		return err
	}
	o.binary = o.trivium
	if o.mixed && o.before == "" {
		o.before = filepath.Join(o.dir, "before")
		if err := build(ctx, ".", o.before, o.race, "-ldflags", "-X trivium/consensus.formats=2"); err != nil {
			return err
		}
	}
	if o.binary != "" || o.planted != "" {
		return nil
	}
	o.binary = filepath.Join(o.dir, "trivium")
	return build(ctx, ".", o.binary, o.race)
}

// build makes the program with failpoints, from the tree at dir.
func build(ctx context.Context, dir, binary string, race bool, more ...string) error {
	args := append([]string{"build", "-tags", tags, "-o", binary}, more...)
	if race {
		args = append(args, "-race")
	}
	cmd := exec.CommandContext(ctx, "go", append(args, "trivium/server")...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	return nil
}

// once is one run with its report.
func (o *options) once(ctx context.Context) (*score, error) {
	notRun := o.possible()
	if len(o.faults) == 0 {
		return nil, errors.New("none of the faults can be made here")
	}
	fmt.Fprintf(o.log, "soak: seed %d, %v, faults %s, data in %s\n", o.seed, o.duration, strings.Join(o.faults, " "), o.dir)
	s, err := soak(ctx, o.settings, notRun)
	if err != nil {
		return nil, err
	}
	s.print(o.log)
	if o.score != "" {
		if err := s.write(o.score); err != nil {
			return nil, err
		}
	}
	if s.Verdict == "pass" && !o.keep {
		return s, os.RemoveAll(o.dir)
	}
	fmt.Fprintf(o.log, "  logs and history: %s\n", o.dir)
	return s, nil
}

// soak opens a rig, runs it and closes it, whatever happens.
func soak(ctx context.Context, c settings, notRun []string) (*score, error) {
	r, err := openRig(ctx, c)
	if err != nil {
		return nil, err
	}
	defer r.close()
	list, err := r.soak(ctx)
	return r.score(list, err, notRun), nil
}
