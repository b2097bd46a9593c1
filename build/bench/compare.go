package main

import (
	"context"
	"fmt"
	"log"
	"slices"
	"time"

	"trivium/app/api"
	"trivium/server/load"
)

// data is what all requests of a run are about.
var data = load.Data{Seed: 1, Keys: 1000, Value: 16}

// workload is a kind of request. Levels are those of the table: none, session or linearizable.
type workload struct {
	write bool
	level string // of a read
	all   bool   // the clients are spread over all nodes; else all go to the leader's
}

func (w workload) String() string {
	name := "read " + w.level
	if w.write {
		name = "write"
	}
	if w.all {
		name += ", all nodes"
	}
	return name
}

// on is the workload in the words of a program.
func (w workload) on(levels map[string]string) load.Workload {
	l := load.Workload{Level: levels[w.level], Spread: w.all}
	if w.write {
		l.Writes = 100
	}
	return l
}

// side is one of the two programs. Its levels are named as in the table.
type side struct {
	*load.Cluster
	levels map[string]string
}

var triviumLevels = map[string]string{"none": api.KVStale, "session": api.KVSession, "linearizable": api.KVLinearizable}

// cell is one row of the table: the medians of both programs.
type cell struct {
	workload
	clients    int
	ours, peer load.Sample
}

// cells is what is measured.
func cells() []cell {
	var list []cell
	for _, k := range []workload{{write: true}, {write: true, all: true}, {level: "none"}, {level: "session"}, {level: "session", all: true}, {level: "linearizable"}} {
		for _, clients := range []int{1, 16, 64} {
			if !k.all || clients > 1 {
				list = append(list, cell{workload: k, clients: clients})
			}
		}
	}
	return list
}

// compare measures every cell in turn, ours and the peer alternating, and keeps the median round by rate.
func compare(ctx context.Context, ours, peer side, list []cell, d time.Duration, rounds int) error {
	for i := range list {
		cl := &list[i]
		var a, b []load.Sample
		for range rounds {
			for _, one := range []struct {
				side
				into *[]load.Sample
			}{{ours, &a}, {peer, &b}} {
				s, err := one.Measure(ctx, cl.on(one.levels), data, cl.clients, d)
				if err != nil {
					return fmt.Errorf("%s, %d clients: %w", cl.workload, cl.clients, err)
				}
				if s.Errors > 0 {
					log.Printf("%s, %d clients, first error: %s", cl.workload, cl.clients, s.First)
				}
				*one.into = append(*one.into, s)
			}
		}
		cl.ours, cl.peer = median(a), median(b)
		log.Printf("%-24s %2d clients: %8.0f/s against %8.0f/s, %.2f", cl.workload, cl.clients, cl.ours.Rate, cl.peer.Rate, cl.ours.Rate/cl.peer.Rate)
	}
	return nil
}

// median is the median round by rate, with the errors of all.
func median(s []load.Sample) load.Sample {
	var failed int64
	for _, r := range s {
		failed += r.Errors
	}
	slices.SortFunc(s, func(a, b load.Sample) int { return int(a.Rate - b.Rate) })
	m := s[len(s)/2]
	m.Errors = failed
	return m
}
