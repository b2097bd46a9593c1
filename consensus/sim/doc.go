// Package sim runs a whole cluster of package consensus in virtual time (testing/synctest): the real nodes with their real
// databases, forwarding and clock comparison, over a simulated network and a log in memory. It has only tests:
//
//	go test ./consensus/sim -run TestSimulation -v -seed 7 -hours 24 -nodes 3
//
// A seed decides the faults, their times, the fate of every message and what the clients do. How the goroutines of the
// nodes interleave is up to the scheduler, so that a replay meets the same trouble, not the same instruction.
//
// Invariants: one leader a term, one NO-OP a term, the same entry at the same index and term in every log, registers are
// linearizable at both levels, no two leases at a time, sessions never go back, what was acknowledged is there exactly once, equal databases after each quiet
// moment, stamps never go back, progress within half a minute after the last fault, no goroutine left at the end.
//
// What it cannot show is what the disk does: the log lies in memory and survives each stop whole.
package sim
