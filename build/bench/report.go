package main

import (
	"fmt"
	"io"
	"time"

	"trivium/server/load"
)

func ms(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond)) }

// results is everything that one run has found.
type results struct {
	cells           []cell
	ours, peer      []time.Duration // gaps of failovers, sorted
	seconds, rounds int
}

func (r *results) print(w io.Writer) {
	fmt.Fprintf(w, "Trivium beside rqlited v8.43.4: three processes each, same disk, in turn, %d x %d s a cell, median round.\n", r.rounds, r.seconds)
	fmt.Fprintln(w, "Latencies in milliseconds, processor time of all three nodes in microseconds a request; ratio = Trivium / rqlited. Clients go to the leader's node unless the row says otherwise.")
	fmt.Fprintln(w, "rqlited has no session level: its `none` stands beside ours.")
	fmt.Fprintln(w, "\n| request | clients | Trivium /s | p50 | p99 | CPU | rqlited /s | p50 | p99 | CPU | rate ratio | p50 ratio | errors |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	for _, c := range r.cells {
		fmt.Fprintf(w, "| %s | %d | %.0f | %s | %s | %d | %.0f | %s | %s | %d | %.2f | %.2f | %d / %d |\n", c.workload, c.clients,
			c.ours.Rate, ms(c.ours.P50), ms(c.ours.P99), c.ours.CPU.Microseconds(), c.peer.Rate, ms(c.peer.P50), ms(c.peer.P99), c.peer.CPU.Microseconds(),
			c.rate(), c.p50(), c.ours.Errors, c.peer.Errors)
	}
	fmt.Fprintln(w, "\nFailover: kill -9 of the leader, last success to next success at a client that writes without pause.")
	fmt.Fprintln(w, "\n| program | kills | p50 ms | p99 ms | max ms |")
	fmt.Fprintln(w, "|---|---|---|---|---|")
	printGaps(w, "Trivium", r.ours)
	printGaps(w, "rqlited", r.peer)
	fmt.Fprintln(w, "\n| target | wanted | found | |")
	fmt.Fprintln(w, "|---|---|---|---|")
	for _, c := range r.cells {
		switch {
		case c.write && !c.all && c.clients == 64:
			printTarget(w, "writes at 64 clients", ">= 2.00x", c.rate(), "x", c.rate() >= 2)
		case c.write && !c.all && c.clients == 1:
			printTarget(w, "p50 of a write at 1 client", "<= 0.70x", c.p50(), "x", c.p50() <= .7)
		case c.level == "session" && !c.all:
			printTarget(w, fmt.Sprintf("session reads at %d clients", c.clients), ">= 1.00x", c.rate(), "x", c.rate() >= 1)
		}
	}
	if len(r.ours) > 0 {
		p50, p99 := load.Quantile(r.ours, .5), load.Quantile(r.ours, .99)
		printTarget(w, "failover p50", "<= 1.20 s", p50.Seconds(), " s", p50 <= 1200*time.Millisecond)
		printTarget(w, "failover p99", "<= 2.50 s", p99.Seconds(), " s", p99 <= 2500*time.Millisecond)
	}
}

func (c cell) rate() float64 { return c.ours.Rate / c.peer.Rate }

func (c cell) p50() float64 { return float64(c.ours.P50) / float64(c.peer.P50) }

func printGaps(w io.Writer, name string, gaps []time.Duration) {
	if len(gaps) > 0 {
		fmt.Fprintf(w, "| %s | %d | %s | %s | %s |\n", name, len(gaps), ms(load.Quantile(gaps, .5)), ms(load.Quantile(gaps, .99)), ms(gaps[len(gaps)-1]))
	}
}

func printTarget(w io.Writer, name, wanted string, found float64, unit string, met bool) {
	verdict := "missed"
	if met {
		verdict = "met"
	}
	fmt.Fprintf(w, "| %s | %s | %.2f%s | %s |\n", name, wanted, found, unit, verdict)
}
