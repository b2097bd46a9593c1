//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"
)

// errVoid: the run proves nothing.
var errVoid = errors.New("void")

// injected is one fault as it was run.
type injected struct {
	Fault string  `json:"fault"`
	What  string  `json:"what"`
	At    float64 `json:"at"`
	Took  float64 `json:"took"`
	Gap   float64 `json:"writeGap"` // longest time without a successful write, s
	Rate  float64 `json:"rate"`     // operations a second before it
	Pair  string  `json:"pair,omitempty"`
	Error string  `json:"error,omitempty"` // why it could not be done
}

// soak is a whole run: traffic, faults, checks. The error is errVoid, or why the run could not go on.
func (r *rig) soak(ctx context.Context) (list []injected, err error) {
	if err := r.populate(ctx); err != nil {
		return nil, fmt.Errorf("populate: %w", err)
	}
	baseline := map[*node]resources{}
	for _, n := range r.nodes {
		if baseline[n], err = r.resources(ctx, n); err != nil {
			return nil, err
		}
	}
	loadCtx, stop := context.WithCancel(ctx)
	defer stop()
	load := r.load(loadCtx)
	list, err = r.chaos(ctx)
	stop()
	load.Wait()
	if ctx.Err() != nil {
		return list, errors.Join(errVoid, ctx.Err())
	}
	if r.caught.Load() {
		return list, nil
	}
	if r.final(ctx); r.caught.Load() || !r.allUp() {
		return list, nil
	}
	r.say("nothing is asked any more: the nodes come to rest")
	r.drained(ctx, baseline)
	r.checkDisks(ctx)
	return list, err
}

// chaos runs the faults until the time is over.
func (r *rig) chaos(ctx context.Context) (list []injected, err error) {
	rng := rand.New(rand.NewPCG(r.seed, 0))
	queue := r.schedule(rng)
	end := time.Now().Add(r.duration)
	verify := time.Now().Add(r.verify)
	r.warmUp(ctx)
	for time.Now().Before(end) && ctx.Err() == nil && !r.caught.Load() {
		if err := r.newSeats(ctx); err != nil {
			return list, fmt.Errorf("seats: %w", err)
		}
		sleep(ctx, r.every/4+time.Duration(rng.Int64N(int64(r.every/4)+1)))
		rate := r.history.rate(min(5*time.Second, r.every/4))
		if rate < r.floor && ctx.Err() == nil {
			return list, fmt.Errorf("%w: %.0f operations a second before a fault, the floor is %.0f", errVoid, rate, r.floor)
		}
		var now []*fault
		now, queue = r.next(rng, queue)
		list = append(list, r.inject(ctx, rng, now, rate)...)
		if err := r.healthy(ctx, time.Minute); err != nil && ctx.Err() == nil {
			r.violate("health", "after %s: %v", names(now), err)
			r.checkLogs()
			return list, nil
		}
		if time.Now().After(verify) {
			r.quiet(ctx)
			verify = time.Now().Add(r.verify)
		}
	}
	if left := len(queue); left > 0 && !r.caught.Load() && r.atLeast > 0 && ctx.Err() == nil {
		if missing := r.missing(list); missing != "" {
			err = fmt.Errorf("%w: too few faults in the time: %s", errVoid, missing)
		}
	}
	return list, err
}

// warmUp waits until the load flows.
func (r *rig) warmUp(ctx context.Context) {
	eventually(ctx, 20*time.Second, func() error {
		if r.history.rate(time.Second) < r.floor {
			return errors.New("not yet")
		}
		return nil
	})
}

// schedule puts every fault atLeast times into a random order.
func (r *rig) schedule(rng *rand.Rand) (queue []*fault) {
	for range max(r.atLeast, 1) {
		for _, id := range r.faults {
			queue = append(queue, faultByID(id))
		}
	}
	rng.Shuffle(len(queue), func(a, b int) { queue[a], queue[b] = queue[b], queue[a] })
	return queue
}

// next takes a fault off the queue, three times in ten a second one of another kind. When the queue is empty, any come.
func (r *rig) next(rng *rand.Rand, queue []*fault) (now, rest []*fault) {
	if len(queue) == 0 {
		queue = []*fault{faultByID(r.faults[rng.IntN(len(r.faults))])}
	}
	now, rest = queue[:1:1], queue[1:]
	if now[0].alone || rng.IntN(10) >= 3 {
		return now, rest
	}
	i := slices.IndexFunc(rest, func(f *fault) bool { return !f.alone && f != now[0] })
	if i < 0 {
		return now, rest
	}
	return append(now, rest[i]), slices.Delete(slices.Clone(rest), i, i+1)
}

func names(fs []*fault) string {
	var out []string
	for _, f := range fs {
		out = append(out, f.id)
	}
	return strings.Join(out, "+")
}

// inject runs one fault, or two at once.
func (r *rig) inject(ctx context.Context, rng *rand.Rand, now []*fault, rate float64) []injected {
	all := make([]*injection, len(now))
	for i, f := range now {
		all[i] = &injection{rig: r, fault: f, rng: rand.New(rand.NewPCG(rng.Uint64(), 1))}
	}
	if len(all) == 2 {
		all[0].other, all[1].other = all[1], all[0]
	}
	r.history.measureGap()
	list := make([]injected, len(all))
	begin := time.Now()
	var wg sync.WaitGroup
	for i, f := range all {
		wg.Go(func() {
			err := f.fault.inject(f, ctx)
			list[i] = injected{Fault: f.fault.id, What: f.fault.name + ":" + f.note, At: begin.Sub(r.start).Seconds(), Took: time.Since(begin).Seconds(), Rate: rate, Error: errorText(err)}
		})
	}
	wg.Wait()
	r.healAll(ctx)
	sleep(ctx, 1500*time.Millisecond) // the first writes after it belong to its gap
	gap := r.history.longestGap().Seconds()
	for i := range list {
		list[i].Gap = gap
		if len(list) == 2 {
			list[i].Pair = list[1-i].Fault
		}
		r.say("%-4s %s  (%.1f s, gap %.2f s, before %.0f ops/s)%s", list[i].Fault, list[i].What, list[i].Took, gap, rate, list[i].Error)
	}
	return list
}

// healAll ends what a fault may have left and starts who is down.
func (r *rig) healAll(ctx context.Context) {
	if err := r.net.heal(); err != nil {
		r.say("heal the network: %v", err)
	}
	for _, n := range r.nodes {
		if n.disk.faulty() {
			n.disk.heal()
		}
		n.signal(18) // SIGCONT
		if ctx.Err() == nil {
			if err := n.start(); err != nil {
				r.say("start %s: %v", n.id, err)
			}
		}
	}
	sleep(ctx, 300*time.Millisecond)
	for _, n := range r.nodes {
		n.mu.Lock()
		n.expected = n.cmd == nil || !r.up(n)
		n.mu.Unlock()
	}
}

func (r *rig) allUp() bool {
	return !slices.ContainsFunc(r.nodes, func(n *node) bool { return !n.running() })
}

// up: n.mu is held.
func (r *rig) up(n *node) bool {
	select {
	case <-n.exited:
		return false
	default:
		return true
	}
}

// missing lists the faults that were run too seldom.
func (r *rig) missing(list []injected) string {
	count := map[string]int{}
	for _, i := range list {
		if i.Error == "" {
			count[i.Fault]++
		}
	}
	var out []string
	for _, id := range r.faults {
		if count[id] < r.atLeast {
			out = append(out, fmt.Sprintf("%s %d of %d", id, count[id], r.atLeast))
		}
	}
	return strings.Join(out, ", ")
}

// leakTolerance is how many goroutines and descriptors more than at the beginning a node may hold when nothing goes on.
const leakTolerance = 10

// drained waits until the nodes hold no more than before the load (I9).
func (r *rig) drained(ctx context.Context, baseline map[*node]resources) {
	r.http.CloseIdleConnections()
	for _, n := range r.nodes {
		var now resources
		err := eventually(ctx, 60*time.Second, func() (err error) {
			if now, err = r.resources(ctx, n); err != nil {
				return err
			}
			r.http.CloseIdleConnections()
			if b := baseline[n]; now.Goroutines > b.Goroutines+leakTolerance || now.Files > b.Files+leakTolerance {
				return fmt.Errorf("%d goroutines and %d files, at the beginning %d and %d", now.Goroutines, now.Files, b.Goroutines, b.Files)
			}
			return nil
		})
		if err != nil {
			r.violate("I9", "%s does not come to rest: %v", n.id, err)
		}
	}
}
