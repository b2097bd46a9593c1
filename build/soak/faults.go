//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"trivium/app/api"
)

// fault is one row of the table.
type fault struct {
	id, name string
	fuse     bool // needs the disk of the rig
	netns    bool // needs namespaces
	alone    bool // never together with another one
	// inject breaks, waits and mends. An error means that it could not be done (then it does not count), not that the
	// product failed: that is what violations are for.
	inject func(f *injection, ctx context.Context) error
}

// injection is one run of a fault.
type injection struct {
	*rig
	fault *fault
	rng   *rand.Rand
	other *injection // at the same time
	taken []*node
	note  string // what was done, for the report
}

// gate is what the ten-minute run must contain.
var gate = []string{"F1", "F2", "F4", "F5", "F6", "F9", "F10", "F11", "F15"}

var table = []*fault{
	{id: "F1", name: "kill -9 of the leader", inject: (*injection).killLeader},
	{id: "F2", name: "kill -9 of a follower", inject: (*injection).killFollower},
	{id: "F3", name: "kill -9 of a majority or of all", alone: true, inject: (*injection).killMany},
	{id: "F4", name: "pause of leader, follower or all", inject: (*injection).pause},
	{id: "F5", name: "partition", alone: true, inject: (*injection).partition},
	{id: "F6", name: "packets vanish in one direction", inject: (*injection).asymmetric},
	{id: "F7", name: "slow or lossy link", inject: (*injection).badLink},
	{id: "F8", name: "disk full, then freed", fuse: true, inject: (*injection).diskFull},
	{id: "F9", name: "disk frozen", fuse: true, inject: (*injection).diskFrozen},
	{id: "F10", name: "fsync fails once", fuse: true, inject: (*injection).syncFails},
	{id: "F11", name: "torn tail of the log", alone: true, inject: (*injection).tornTail},
	{id: "F12", name: "bit flip in log, database or file", alone: true, inject: (*injection).bitFlip},
	{id: "F13", name: "power cut: what was not synced is lost", fuse: true, alone: true, inject: (*injection).powerCut},
	{id: "F14", name: "kill at a failpoint", inject: (*injection).failpoint},
	{id: "F15", name: "snapshot install, disturbed", alone: true, inject: (*injection).install},
	{id: "F16", name: "member removed, another one joins", alone: true, inject: (*injection).replaceMember},
	{id: "F17", name: "rolling restart, with -mixed of two programs", alone: true, inject: (*injection).rolling},
	{id: "F18", name: "clock wrong by minutes, or drifting", alone: true, inject: (*injection).skew},
	{id: "F19", name: "log sink blocked, no descriptors, no memory", inject: (*injection).starve},
	{id: "F20", name: "login storm", inject: (*injection).loginStorm},
	{id: "F21", name: "language model broken", inject: (*injection).badModel},
	{id: "F22", name: "backup during load", inject: (*injection).backup},
}

func faultByID(id string) *fault {
	for _, f := range table {
		if f.id == id {
			return f
		}
	}
	return nil
}

// take picks the leader or a follower for this injection; the other one of a pair gets another node.
func (f *injection) take(ctx context.Context, leader bool) (*node, error) {
	lead := f.leader(ctx)
	if lead == nil {
		return nil, errors.New("no leader is known")
	}
	busy := func(n *node) bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		return slices.Contains(f.taken, n) || f.other != nil && slices.Contains(f.other.taken, n)
	}
	var free []*node
	for _, n := range f.nodes {
		if !busy(n) && n.running() && (n == lead) == leader {
			free = append(free, n)
		}
	}
	if len(free) == 0 {
		for _, n := range f.nodes {
			if !busy(n) && n.running() {
				free = append(free, n)
			}
		}
	}
	if len(free) == 0 {
		return nil, errors.New("no node is left")
	}
	n := free[f.rng.IntN(len(free))]
	f.mu.Lock()
	f.taken = append(f.taken, n)
	f.mu.Unlock()
	f.note += " " + n.id
	if n == lead {
		f.note += " (leader)"
	}
	return n, nil
}

// between is a random time.
func (f *injection) between(low, high time.Duration) time.Duration {
	return low + time.Duration(f.rng.Int64N(int64(high-low)+1))
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// mend starts the node again, whatever has become of it, and waits until it is ready.
func (f *injection) mend(ctx context.Context, n *node) error {
	if n.disk.faulty() {
		n.disk.heal()
	}
	if err := n.start(); err != nil {
		return err
	}
	if err := f.awaitNode(ctx, n, time.Minute); err != nil {
		f.violate("health", "%s after %s: %v: %s", n.id, f.fault.id, err, n.lastLines())
	}
	return nil
}

func (f *injection) killLeader(ctx context.Context) error   { return f.kill(ctx, true) }
func (f *injection) killFollower(ctx context.Context) error { return f.kill(ctx, false) }

func (f *injection) kill(ctx context.Context, leader bool) error {
	n, err := f.take(ctx, leader)
	if err != nil {
		return err
	}
	n.kill()
	sleep(ctx, f.between(500*time.Millisecond, 4*time.Second))
	return f.mend(ctx, n)
}

func (f *injection) killMany(ctx context.Context) error {
	count := len(f.nodes)/2 + 1
	if f.rng.IntN(2) == 0 {
		count = len(f.nodes)
	}
	order := f.rng.Perm(len(f.nodes))[:count]
	f.note = fmt.Sprintf(" %d nodes", count)
	for _, i := range order {
		f.nodes[i].kill()
	}
	sleep(ctx, f.between(0, 2*time.Second))
	f.rng.Shuffle(count, func(a, b int) { order[a], order[b] = order[b], order[a] })
	for _, i := range order {
		if err := f.nodes[i].start(); err != nil {
			return err
		}
		sleep(ctx, f.between(0, time.Second))
	}
	return nil
}

// settled is how long after a pause or a cut a node may still answer from before it.
const settled = 3 * time.Second

// pause stops processes and lets them go on. While a node does not run, what is sent to it waits in its sockets, and is
// answered when it wakes.
func (f *injection) pause(ctx context.Context) error {
	var who []*node
	kind := f.rng.IntN(5)
	if f.other != nil {
		kind = 1 + kind%4 // never all
	}
	switch kind {
	case 0:
		who, f.note = f.nodes, " all"
	case 1, 2:
		n, err := f.take(ctx, false)
		if err != nil {
			return err
		}
		who = []*node{n}
	default:
		n, err := f.take(ctx, true)
		if err != nil {
			return err
		}
		who = []*node{n}
	}
	long := f.between(200*time.Millisecond, 8*time.Second)
	if f.duration > time.Hour {
		long = f.between(200*time.Millisecond, 15*time.Second)
	}
	f.note += " " + long.Round(10*time.Millisecond).String()
	for _, n := range who {
		n.impair(long + settled)
		n.signal(syscall.SIGSTOP)
	}
	sleep(ctx, long)
	for _, n := range who {
		n.impair(settled)
		n.signal(syscall.SIGCONT)
	}
	return nil
}

func (f *injection) partition(ctx context.Context) error {
	lead := f.leader(ctx)
	if lead == nil {
		return errors.New("no leader is known")
	}
	cut := func(a, b int) error { return errors.Join(f.net.drop(a, b), f.net.drop(b, a)) }
	var err error
	kinds := []string{"leader alone", "leader alone", "a follower alone", "ring", "full"}
	kind := kinds[f.rng.IntN(len(kinds))]
	alone := lead.i
	if kind == "a follower alone" {
		alone = (lead.i + 1 + f.rng.IntN(len(f.nodes)-1)) % len(f.nodes)
	}
	for a := range f.nodes {
		for b := a + 1; b < len(f.nodes); b++ {
			neighbours := b == a+1 || a == 0 && b == len(f.nodes)-1 && b > 2
			switch {
			case kind == "full", kind == "ring" && (!neighbours || len(f.nodes) == 3 && b-a == 2),
				(kind == "leader alone" || kind == "a follower alone") && (a == alone || b == alone):
				err = errors.Join(err, cut(a, b))
			}
		}
	}
	long := f.between(2*time.Second, 9*time.Second)
	f.note = " " + kind + " " + long.Round(time.Second).String()
	for _, n := range f.nodes {
		n.impair(long + settled)
	}
	sleep(ctx, long)
	return errors.Join(err, f.net.heal())
}

func (f *injection) asymmetric(ctx context.Context) error {
	n, err := f.take(ctx, f.rng.IntN(2) == 0)
	if err != nil {
		return err
	}
	outward := f.rng.IntN(2) == 0
	f.note += map[bool]string{true: " cannot send", false: " cannot receive"}[outward]
	for _, m := range f.nodes {
		if m == n {
			continue
		}
		if outward {
			err = errors.Join(err, f.net.drop(n.i, m.i))
		} else {
			err = errors.Join(err, f.net.drop(m.i, n.i))
		}
	}
	long := f.between(2*time.Second, 8*time.Second)
	n.impair(long + settled)
	sleep(ctx, long)
	return errors.Join(err, f.net.heal())
}

// badLink is a slow link (1 Mbit/s, or 75 ms longer, as the network can), or one that loses half of the packets for a
// second, in bursts.
func (f *injection) badLink(ctx context.Context) error {
	n, err := f.take(ctx, f.rng.IntN(2) == 0)
	if err != nil {
		return err
	}
	n.impair(10*time.Second + settled)
	if f.rng.IntN(2) == 0 {
		f.note += " slow"
		err = f.net.slow(n.i, true)
		sleep(ctx, f.between(3*time.Second, 8*time.Second))
		return errors.Join(err, f.net.slow(n.i, false))
	}
	f.note += " loses half"
	for range 10 {
		for _, m := range f.nodes {
			if m != n {
				err = errors.Join(err, f.net.drop(n.i, m.i))
			}
		}
		sleep(ctx, 50*time.Millisecond)
		err = errors.Join(err, f.net.heal())
		sleep(ctx, 50*time.Millisecond)
	}
	return err
}

// stops waits until the node says that it stops, which it must within the limit (I10).
func (f *injection) stops(n *node, from int, limit time.Duration, why string) {
	deadline := time.Now().Add(limit)
	for time.Now().Before(deadline) {
		if said := n.logText(); strings.Contains(said[min(from, len(said)):], "stops") || !n.running() {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	said := n.logText()
	if said = said[min(from, len(said)):]; !strings.Contains(said, "cannot trust its storage and stops") {
		f.violate("I10", "%s went on although %s (it said: %s)", n.id, why, tail(said, 300))
	}
}

func tail(s string, n int) string { return s[max(0, len(s)-n):] }

// exits waits until the process is gone, with a status other than 0 (I10).
func (f *injection) exits(n *node, limit time.Duration, why string) {
	switch {
	case !n.wait(limit):
		f.violate("I10", "%s is still there %v after %s", n.id, limit, why)
	case n.exitStatus() == nil:
		f.violate("I10", "%s ended with status 0 after %s", n.id, why)
	}
}

// rolling restarts one node after the other. With two programs another node gets the older one, and it is the first: while
// one node has it, the cluster writes nothing that it does not know.
func (f *injection) rolling(ctx context.Context) error {
	order := slices.Clone(f.nodes)
	if f.before != "" {
		older := f.rng.IntN(len(order))
		f.note += " the older program moves to " + order[older].id
		order[0], order[older] = order[older], order[0]
	}
	for i, n := range order {
		if err := n.stop(30 * time.Second); err != nil {
			f.violate("I9", "%s: %v", n.id, err)
			n.kill()
		}
		if f.before != "" {
			n.binary = map[bool]string{true: f.before, false: f.binary}[i == 0]
		}
		if err := f.mend(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// loginStorm: everybody signs in at once, again and again.
func (f *injection) loginStorm(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 8*time.Second)
	defer cancel()
	results := make(chan answer, 300)
	for i := range 300 {
		go func() {
			sleep(ctx, time.Duration(i)*25*time.Millisecond)
			_, a := callOnce(ctx, f.rig, newSession("storm", ""), i%len(f.nodes), api.SignIn,
				api.SignInInput{Login: f.world.logins[i%len(f.world.logins)], Password: password, Bearer: true}, fmt.Sprintf("storm-%d-%d", time.Now().UnixNano(), i))
			results <- a
		}()
	}
	ok := 0
	for range 300 {
		if a := <-results; a.outcome == done {
			ok++
		}
	}
	f.note = fmt.Sprintf(" %d of 300 in 8 s", ok)
	return nil
}

func (f *injection) badModel(ctx context.Context) error {
	mode := modelModes[f.rng.IntN(len(modelModes))]
	f.note = " " + mode
	f.model.set(mode)
	sleep(ctx, f.between(4*time.Second, 10*time.Second))
	f.model.set("well")
	return nil
}

// backup takes a backup under load and makes a new cluster out of it: restore verifies every row and every byte against
// the hash of the index at which it was taken, before it writes anything (I11).
func (f *injection) backup(ctx context.Context) error {
	n := f.nodes[f.rng.IntN(len(f.nodes))]
	f.note = " of " + n.id
	archive, data := filepath.Join(f.dir, "archive"), filepath.Join(f.dir, "restored")
	defer os.RemoveAll(data)
	defer os.Remove(archive)
	trivium := func(args ...string) error {
		cmd := exec.CommandContext(ctx, f.binary, args...)
		cmd.Env = environment()
		out, err := cmd.CombinedOutput()
		if err != nil {
			err = fmt.Errorf("trivium %s: %w: %s", args[0], err, tail(string(out), 400))
		}
		return err
	}
	if err := trivium("backup", archive, "--data", n.data(), "--url", "http://"+n.http); err != nil {
		return err // the node may have died of another fault
	}
	if err := trivium("restore", archive, "--data", data); err != nil {
		f.violate("I11", "the backup of %s cannot be restored: %v", n.id, err)
	}
	return nil
}
