// Command bench measures Trivium beside rqlited, three processes each on the same disk, in turn in one run, and prints a
// table of ratios. Absolute figures depend on the machine; ratios of one run hold.
//
//	bench -retrieval [-passages 50000]
//	bench -trivium build/bin/trivium -rqlited build/bin/rqlited [-quick] [-seconds 4] [-rounds 3] [-kills 20] [-dir DIR]
//
// The nodes end with it, however it ends; only SIGKILL leaves their data behind.
package main

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"syscall"
	"time"

	"trivium/server/load"
)

func main() {
	log.SetFlags(log.Ltime)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	o := flags()
	measure := run
	if o.retrieval {
		measure = runRetrieval
	}
	if err := measure(ctx, o); err != nil {
		log.Fatal(err)
	}
}

type options struct {
	trivium, rqlited, dir, report string
	seconds, rounds               int
	kills, peerKills              int
	only                          string
	retrieval, verbose            bool
	passages                      int
}

func flags() options {
	var o options
	var quick bool
	flag.StringVar(&o.trivium, "trivium", "build/bin/trivium", "the program under test")
	flag.StringVar(&o.rqlited, "rqlited", "build/bin/rqlited", "the peer")
	flag.StringVar(&o.dir, "dir", "", "where the data directories are made (default: the directory of temporary files)")
	flag.StringVar(&o.report, "report", "build/bin/bench.md", "where the tables are also written; empty: nowhere")
	flag.IntVar(&o.seconds, "seconds", 4, "length of one measurement")
	flag.IntVar(&o.rounds, "rounds", 3, "measurements of each cell, in turn; the median is reported")
	flag.IntVar(&o.kills, "kills", 20, "leader kills of Trivium")
	flag.IntVar(&o.peerKills, "peer-kills", 5, "leader kills of the peer")
	flag.StringVar(&o.only, "only", "", "measure only the rows whose \"request clients\" matches, such as '^write 64$'")
	flag.BoolVar(&o.retrieval, "retrieval", false, "measure the retrieval of the tutor instead: its quality beside plain BM25, and its time")
	flag.IntVar(&o.passages, "passages", 50_000, "passages of the site when the time of retrieval is measured; 0: it is not")
	flag.BoolVar(&o.verbose, "v", false, "also print the questions whose first passage does not answer")
	flag.BoolVar(&quick, "quick", false, "a smoke test: 1 round of 1 s, 3 kills")
	flag.Parse()
	if quick {
		o.seconds, o.rounds, o.kills, o.peerKills = 1, 1, 3, 1
	}
	return o
}

// Estimates for what is told beforehand.
const (
	startTime = 15 * time.Second // of both clusters
	killTime  = 4 * time.Second  // with the restart of the node
)

func run(ctx context.Context, o options) error {
	only, err := regexp.Compile(o.only)
	if err != nil {
		return err
	}
	list := slices.DeleteFunc(cells(), func(c cell) bool { return !only.MatchString(fmt.Sprint(c.workload, " ", c.clients)) })
	expected := startTime + time.Duration(2*len(list)*o.rounds*o.seconds)*time.Second + time.Duration(o.kills+o.peerKills)*killTime
	limit := 2*expected + 2*time.Minute
	log.Printf("this takes about %v, at most %v", expected.Round(time.Second), limit.Round(time.Second))
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()

	dir, err := os.MkdirTemp(o.dir, "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	trivium, err := load.StartTrivium(ctx, o.trivium, filepath.Join(dir, "trivium"), 3, true)
	if err != nil {
		return err
	}
	defer trivium.Stop()
	rqlited, err := startRqlite(ctx, o.rqlited, filepath.Join(dir, "rqlite"))
	if err != nil {
		return err
	}
	defer rqlited.Stop()
	for _, c := range []*load.Cluster{trivium, rqlited} {
		if err := c.Prepare(ctx, data); err != nil {
			return err
		}
	}

	r := results{cells: list, seconds: o.seconds, rounds: o.rounds}
	if err := compare(ctx, side{trivium, triviumLevels}, side{rqlited, rqliteLevels}, list, time.Duration(o.seconds)*time.Second, o.rounds); err != nil {
		return err
	}
	if r.ours, err = failover(ctx, trivium, o.kills); err != nil {
		return err
	}
	if r.peer, err = failover(ctx, rqlited, o.peerKills); err != nil {
		return err
	}
	return r.write(o.report)
}

func failover(ctx context.Context, c *load.Cluster, kills int) ([]time.Duration, error) {
	gaps, err := c.Failover(ctx, data, kills, func(k int, gap time.Duration) {
		log.Printf("%s: kill %d of %d, silent for %s ms", c.Name, k, kills, ms(gap))
	})
	if err != nil {
		err = fmt.Errorf("failover of %s: %w", c.Name, err)
	}
	return gaps, err
}

// write prints the tables and keeps them in the file.
func (r *results) write(path string) error {
	var b bytes.Buffer
	r.print(&b)
	if _, err := os.Stdout.Write(b.Bytes()); err != nil || path == "" {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, b.Bytes(), 0o644)
}
