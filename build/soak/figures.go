//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// figure is one measurement of section 7: it returns lines of a table.
type figure struct {
	what string
	n    int // default of -n
	run  func(m *meter, ctx context.Context) error
}

var figures = map[string]figure{
	"failover": {"longest time without a write after kill -9 of the leader, n times", 100, (*meter).failover},
	"handover": {"the same for a planned handover, n times", 50, (*meter).handover},
	"frozen":   {"the same for a frozen disk of the leader, n times", 5, (*meter).frozen},
	"full":     {"the same for a full disk of the leader, and recovery when there is space again, n times", 3, (*meter).diskFull},
	"pause":    {"the same for a leader paused for 15 s, n times", 3, (*meter).paused15},
	"restart":  {"restart of a node with n entries until it is ready", 100_000, (*meter).restart},
	"join":     {"an empty node joins n MiB of files under load", 1024, (*meter).join},
	"calm":     {"the load mix for -d without a fault: elections that nobody caused, latency, memory", 0, (*meter).calm},
}

func figureNames() []string { return slices.Sorted(maps.Keys(figures)) }

// meter measures one figure on a fresh cluster.
type meter struct {
	*rig
	n     int
	lines []string
}

func (m *meter) row(format string, args ...any) {
	line := fmt.Sprintf("  "+format, args...)
	m.lines = append(m.lines, line)
	fmt.Fprintln(m.log, line)
}

// runFigures measures what -figures names, each on a cluster of its own.
func (o *options) runFigures(ctx context.Context) int {
	names := strings.Split(o.figures, ",")
	if o.figures == "all" {
		names = figureNames()
	}
	failed := 0
	for _, name := range names {
		f, ok := figures[name]
		if !ok {
			fmt.Fprintf(o.log, "soak: there is no figure %q\n", name)
			return 2
		}
		fmt.Fprintf(o.log, "\n%s: %s\n", name, f.what)
		if err := o.measure(ctx, name, f); err != nil {
			fmt.Fprintf(o.log, "  NOT MEASURED: %v\n", err)
			failed++
		}
	}
	return min(failed, 1)
}

func (o *options) measure(ctx context.Context, name string, f figure) error {
	c := o.settings
	c.dir = o.dir + "/" + name
	if name == "restart" || name == "join" || name == "calm" {
		c.trailing, c.check = 0, 0 // as shipped
	}
	c.faults = nil
	if err := makeDir(c.dir); err != nil {
		return err
	}
	n := o.n
	if n == 0 {
		n = f.n
	}
	r, err := openRig(ctx, c)
	if err != nil {
		return err
	}
	defer r.close()
	return f.run(&meter{rig: r, n: n}, ctx)
}

// prober writes one key after the other, through another node when one does not answer, and knows when it succeeded.
type prober struct {
	mu           sync.Mutex
	last         time.Time
	gap          time.Duration
	ok           int
	first, again int // failed at the first try, and at the second
	took         []time.Duration
}

// probe writes until ctx ends. The limit of one try is short: this measures the cluster, not the patience of a client.
func (m *meter) probe(ctx context.Context) *prober {
	p := &prober{last: time.Now()}
	s := newSession("probe", operatorToken)
	go func() {
		for i := 0; ctx.Err() == nil; i++ {
			value := fmt.Sprint(i)
			q, err := prepare(api.KVPut, api.KVPutInput{Key: fmt.Sprintf("probe-%d", i%100), Value: &value}, lms.NewID())
			if err != nil {
				return
			}
			begin := time.Now()
			for try := 0; ctx.Err() == nil; try++ {
				short, cancel := context.WithTimeout(ctx, time.Second)
				a := m.once(short, s, (i+try)%len(m.nodes), q)
				cancel()
				if p.note(a, try, begin) {
					break
				}
				sleep(ctx, 5*time.Millisecond)
			}
			sleep(ctx, 2*time.Millisecond)
		}
	}()
	return p
}

func (p *prober) note(a answer, try int, begin time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a.outcome != done {
		if try == 0 {
			p.first++
		} else if try == 1 {
			p.again++
		}
		return false
	}
	p.ok++
	p.gap, p.last = max(p.gap, a.end.Sub(p.last)), a.end
	p.took = append(p.took, a.end.Sub(begin))
	return true
}

// reset begins a new measurement and returns what was measured since the last one.
func (p *prober) reset() (gap time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	gap, p.gap = p.gap, 0
	return gap
}

// settle waits until the cluster is healthy and writes have flowed for a while.
func (m *meter) settle(ctx context.Context) error {
	err := m.healthy(ctx, time.Minute)
	sleep(ctx, time.Second)
	return err
}

// gaps runs the disturbance n times and reports the percentiles of the time without a write.
func (m *meter) gaps(ctx context.Context, disturb func(lead *node) error) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	p := m.probe(ctx)
	var all []time.Duration
	for i := 0; i < m.n && ctx.Err() == nil; i++ {
		if err := m.settle(ctx); err != nil {
			return err
		}
		lead := m.leader(ctx)
		if lead == nil {
			return errors.New("no leader is known")
		}
		p.reset()
		if err := disturb(lead); err != nil {
			return err
		}
		all = append(all, p.reset())
	}
	q := percentiles(all)
	m.row("%d times: p50 %.2f s, p90 %.2f s, p99 %.2f s, longest %.2f s", len(all), q["p50"]/1000, q["p90"]/1000, q["p99"]/1000, q["max"]/1000)
	m.row("%d writes, %d failed at the first try, %d at the second", p.ok, p.first, p.again)
	return ctx.Err()
}

func (m *meter) failover(ctx context.Context) error {
	return m.gaps(ctx, func(lead *node) error {
		lead.kill()
		sleep(ctx, 3*time.Second)
		return lead.start()
	})
}

func (m *meter) handover(ctx context.Context) error {
	return m.gaps(ctx, func(lead *node) error {
		_, a := callOnce(ctx, m.rig, m.byHand, lead.i, api.TransferLeader, api.TransferInput{}, "")
		sleep(ctx, time.Second)
		return a.err
	})
}

func (m *meter) needsDisk() error {
	if !m.fuse {
		return errors.New("needs root and /dev/fuse")
	}
	return nil
}

func (m *meter) frozen(ctx context.Context) error {
	if err := m.needsDisk(); err != nil {
		return err
	}
	return m.gaps(ctx, func(lead *node) error {
		lead.allow()
		lead.disk.freeze()
		sleep(ctx, 10*time.Second)
		lead.disk.heal()
		lead.wait(5 * time.Second)
		return lead.start()
	})
}

func (m *meter) diskFull(ctx context.Context) error {
	if err := m.needsDisk(); err != nil {
		return err
	}
	var back []time.Duration
	reads, served := 0, 0
	err := m.gaps(ctx, func(lead *node) error {
		lead.allow()
		lead.disk.full.Store(true)
		for range 40 {
			reads++
			if _, a := callOnce(ctx, m.rig, newSession("", operatorToken), lead.i, api.GetCluster, api.NoInput{}, ""); a.outcome == done {
				served++
			}
			sleep(ctx, 150*time.Millisecond)
		}
		lead.disk.full.Store(false)
		begin := time.Now()
		attended := ""
		if !lead.running() {
			attended = ", started by hand"
			if err := lead.start(); err != nil {
				return err
			}
		}
		err := m.awaitNode(ctx, lead, time.Minute)
		back = append(back, time.Since(begin))
		m.row("%s ready %.1f s after there was space again%s", lead.id, time.Since(begin).Seconds(), attended)
		return err
	})
	m.row("reads on the full node: %d of %d answered", served, reads)
	return err
}

func (m *meter) paused15(ctx context.Context) error {
	return m.gaps(ctx, func(lead *node) error {
		lead.signal(syscall.SIGSTOP)
		sleep(ctx, 15*time.Second)
		lead.signal(syscall.SIGCONT)
		return nil
	})
}
