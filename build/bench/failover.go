package main

import (
	"context"
	"fmt"
	"log"
	"slices"
	"time"
)

// failover kills the leader again and again while one client writes through any node, and returns the gaps between the
// last success before a kill and the first one after it.
func failover(ctx context.Context, c *cluster, kills int) ([]time.Duration, error) {
	var gaps []time.Duration
	for k := range kills {
		lead, err := c.findLeader(ctx)
		if err != nil {
			return gaps, err
		}
		gap, err := gapOf(ctx, c, lead, k)
		if err != nil {
			return gaps, err
		}
		gaps = append(gaps, gap)
		if err := c.nodes[lead].start(); err != nil {
			return gaps, err
		}
		if err := c.waitWrite(ctx); err != nil {
			return gaps, err
		}
		log.Printf("%s: kill %d of %d, silent for %s ms", c.name, k+1, kills, ms(gap))
	}
	slices.Sort(gaps)
	return gaps, nil
}

const (
	beforeKill   = 500 * time.Millisecond
	failoverTry  = time.Second // a client that waits longer for one node asks another
	failoverWait = time.Minute
)

// gapOf writes without pause, kills the leader after half a second, and measures the silence.
func gapOf(ctx context.Context, c *cluster, lead, k int) (time.Duration, error) {
	begin, killed := time.Now(), false
	last, cl := begin, c.client(lead)
	defer func() { cl.close() }()
	for n := 0; time.Since(begin) < failoverWait; n++ {
		if !killed && time.Since(begin) > beforeKill {
			c.nodes[lead].kill()
			killed = true
		}
		_, err := cl.do(c.write(keyOf(k, n), "x"), failoverTry)
		if err == nil {
			if killed {
				return time.Since(last), nil
			}
			last = time.Now()
			continue
		}
		if ctx.Err() != nil {
			return 0, ctx.Err()
		}
		cl.close()
		next := (cl.node + 1) % len(c.nodes)
		if c.nodes[next].cmd == nil {
			next = (next + 1) % len(c.nodes)
		}
		cl = c.client(next)
		time.Sleep(5 * time.Millisecond)
	}
	return 0, fmt.Errorf("no write within %v of kill %d", failoverWait, k)
}
