package main

import (
	"fmt"
	"io"
	"slices"
	"time"
)

func ms(d time.Duration) string { return fmt.Sprintf("%.2f", float64(d)/float64(time.Millisecond)) }

func printCells(w io.Writer, cells []cell) {
	fmt.Fprintln(w, "\nThree processes each, same disk, in turn. Latencies in milliseconds; ratio = Trivium / rqlited.")
	fmt.Fprintln(w, "\n| request | clients | Trivium /s | p50 | p99 | rqlited /s | p50 | p99 | rate ratio | p50 ratio | errors |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|---|---|")
	for _, c := range cells {
		fmt.Fprintf(w, "| %s | %d | %.0f | %s | %s | %.0f | %s | %s | %.2f | %.2f | %d / %d |\n", c.what, c.clients,
			c.ours.rate, ms(c.ours.p50), ms(c.ours.p99), c.peer.rate, ms(c.peer.p50), ms(c.peer.p99),
			c.ours.rate/c.peer.rate, float64(c.ours.p50)/float64(c.peer.p50), c.ours.errors, c.peer.errors)
	}
	fmt.Fprintln(w, "\nrqlited has no session level: its `none` stands beside ours.")
}

func printGaps(w io.Writer, name string, gaps []time.Duration) {
	slices.Sort(gaps)
	if len(gaps) == 0 {
		return
	}
	fmt.Fprintf(w, "\nFailover of %s after kill -9 of the leader, %d kills, last success to next success at a client: p50 %s ms, p99 %s ms, max %s ms\n",
		name, len(gaps), ms(quantile(gaps, .5)), ms(quantile(gaps, .99)), ms(gaps[len(gaps)-1]))
}
