// Command bench measures Trivium beside rqlited, three processes each on the same disk, in turn in one run, and prints a
// table of ratios. Absolute figures depend on the machine; ratios of one run hold.
//
//	bench -trivium build/bin/trivium -rqlited build/bin/rqlited [-seconds 5] [-kills 20] [-dir DIR]
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"time"
)

func main() {
	log.SetFlags(log.Ltime)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

type options struct {
	trivium, rqlited, dir string
	seconds, rounds       int
	kills, peerKills      int
}

func run(ctx context.Context) error {
	var o options
	flag.StringVar(&o.trivium, "trivium", "build/bin/trivium", "the program under test")
	flag.StringVar(&o.rqlited, "rqlited", "build/bin/rqlited", "the peer")
	flag.StringVar(&o.dir, "dir", "", "where the data directories lie (default: a temporary directory)")
	flag.IntVar(&o.seconds, "seconds", 4, "length of one measurement")
	flag.IntVar(&o.rounds, "rounds", 3, "measurements of each cell, in turn; the median is reported")
	flag.IntVar(&o.kills, "kills", 20, "leader kills of Trivium")
	flag.IntVar(&o.peerKills, "peer-kills", 5, "leader kills of the peer")
	flag.Parse()
	if o.dir == "" {
		dir, err := os.MkdirTemp("", "bench")
		if err != nil {
			return err
		}
		defer os.RemoveAll(dir)
		o.dir = dir
	}
	ours, err := startTrivium(ctx, o.trivium, o.dir+"/trivium")
	if err != nil {
		return fmt.Errorf("start trivium: %w", err)
	}
	defer ours.stop()
	peer, err := startRqlite(ctx, o.rqlited, o.dir+"/rqlite")
	if err != nil {
		return fmt.Errorf("start rqlited: %w", err)
	}
	defer peer.stop()

	cells, err := compare(ctx, ours, peer, time.Duration(o.seconds)*time.Second, o.rounds)
	if err != nil {
		return err
	}
	printCells(os.Stdout, cells)
	for _, f := range []struct {
		s     *cluster
		kills int
	}{{ours, o.kills}, {peer, o.peerKills}} {
		gaps, err := failover(ctx, f.s, f.kills)
		if err != nil {
			return fmt.Errorf("failover of %s: %w", f.s.name, err)
		}
		printGaps(os.Stdout, f.s.name, gaps)
	}
	return nil
}
