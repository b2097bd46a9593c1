//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"trivium/app/api"
	"trivium/app/lms"
)

// point is a failpoint of the program, and what brings a node there.
type point struct{ name, by string }

// points lists the places at which a node is killed (F14).
var points = []point{
	{"log-before-append", "load"}, {"log-after-append", "load"}, {"apply-before-commit", "load"}, {"apply-after-commit", "load"},
	{"log-before-cut", "load"}, {"log-after-cut", "load"}, {"snapshot-create", "load"}, {"persist-before-sync", "load"}, {"persist-after-sync", "load"},
	{"checkpoint-before", "load"}, {"checkpoint-after", "load"}, {"blob-before-rename", "load"}, {"blob-after-rename", "load"},
	{"propose-before-log", "lead"}, {"propose-before-answer", "lead"}, {"term-before-store", "lead"}, {"term-after-store", "lead"},
	{"vote-before-store", "lead"}, {"vote-after-store", "lead"}, {"snapshot-send", "send"},
	{"install-begin", "install"}, {"install-received", "install"}, {"install-verified", "install"}, {"restore-before-swap", "install"},
	{"current-before-rename", "install"}, {"current-after-rename", "install"}, {"restore-after-swap", "install"}, {"restore-adopted", "install"},
	{"config-before-store", "member"}, {"config-after-store", "member"}, {"join-added", "member"}, {"join-before-vote", "member"},
	{"config-changed", "member"}, {"remove-before", "member"},
}

// failpoint kills a node at one of the points.
func (f *injection) failpoint(ctx context.Context) error {
	p := points[f.rng.IntN(len(points))]
	n, err := f.take(ctx, false)
	if err != nil {
		return err
	}
	f.note += " " + p.name
	n.kill()
	if p.by == "install" {
		if err := f.outrun(ctx); err != nil {
			return errors.Join(err, f.mend(ctx, n))
		}
	}
	hit := 1
	if p.by == "load" {
		hit += f.rng.IntN(3)
	}
	if err := n.start(fmt.Sprintf("TRIVIUM_FAULT=%s:%d", p.name, hit)); err != nil {
		return err
	}
	if err := f.provoke(ctx, n, p); err != nil {
		f.note += " (" + err.Error() + ")"
	}
	if !n.wait(10 * time.Second) {
		f.note += ", not reached"
		n.kill()
	}
	return f.mend(ctx, n)
}

// provoke makes the node do what leads to the point.
func (f *injection) provoke(ctx context.Context, n *node, p point) error {
	if p.by != "lead" && p.by != "member" && p.by != "send" {
		return nil
	}
	if f.awaitNode(ctx, n, 20*time.Second) != nil {
		return nil // it has got there already
	}
	_, a := callOnce(ctx, f.rig, f.byHand, n.i, api.TransferLeader, api.TransferInput{Node: n.id}, "")
	if p.by == "lead" || a.outcome == refused {
		return a.err
	}
	other := f.nodes[(n.i+1)%len(f.nodes)]
	if p.by == "send" {
		other.kill()
		return errors.Join(f.outrun(ctx), other.start())
	}
	return f.replace(ctx, other)
}

// outrun waits until the others have written more than the log keeps, so that who is away needs a snapshot.
func (f *injection) outrun(ctx context.Context) error {
	need := uint64(3*max(f.trailing, 100)) + 50
	lead := f.leader(ctx)
	if lead == nil {
		return errors.New("no leader is known")
	}
	var first uint64
	return eventually(ctx, 30*time.Second, func() error {
		h, a := callOnce(ctx, f.rig, f.byHand, lead.i, api.GetCluster, api.NoInput{}, "")
		if a.outcome != done {
			return a.err
		}
		for _, n := range h.Nodes {
			if n.ID == lead.id && first == 0 {
				first = n.Applied
			}
			if n.ID == lead.id && n.Applied > first+need {
				return nil
			}
		}
		return fmt.Errorf("fewer than %d entries since %d", need, first)
	})
}

// install lets a follower fall behind so far that it needs a snapshot, and disturbs that.
func (f *injection) install(ctx context.Context) error {
	n, err := f.take(ctx, false)
	if err != nil {
		return err
	}
	n.kill()
	if err := f.outrun(ctx); err != nil {
		return errors.Join(err, f.mend(ctx, n))
	}
	kinds := []string{"undisturbed", "install-begin", "install-received", "install-verified", "restore-before-swap", "restore-after-swap", "restore-adopted", "EIO", "paused"}
	if !f.fuse {
		kinds = kinds[:7]
	}
	kind := kinds[f.rng.IntN(len(kinds))]
	f.note += " " + kind
	var env []string
	switch kind {
	case "undisturbed", "paused":
	case "EIO":
		n.disk.failIn.Store(3 + f.rng.Int64N(12))
	default:
		env = []string{"TRIVIUM_FAULT=" + kind}
	}
	if err := n.start(env...); err != nil {
		return err
	}
	n.allow()
	switch kind {
	case "undisturbed":
	case "paused": // a second snapshot comes meanwhile
		sleep(ctx, f.between(100*time.Millisecond, 600*time.Millisecond))
		n.impair(6*time.Second + settled)
		n.signal(unix.SIGSTOP)
		err := f.outrun(ctx)
		n.impair(settled)
		n.signal(unix.SIGCONT)
		if err != nil {
			f.note += ": " + err.Error()
		}
	default:
		if !n.wait(15 * time.Second) {
			f.note += ", not reached"
			n.kill()
		}
	}
	if err := f.mend(ctx, n); err != nil {
		return err
	}
	if kind == "undisturbed" {
		return f.installed(ctx, n)
	}
	return nil
}

// installed makes sure that the fault was one: the node has really received a database.
func (f *injection) installed(ctx context.Context, n *node) error {
	status, _, body, err := f.send(ctx, f.byHand, n.i, raw{method: "GET", path: "/metrics"})
	if err == nil && status == 200 && metric(string(body), "trivium_consensus_snapshots_received_total") == 0 {
		return errors.New("no snapshot was needed")
	}
	return err
}

// replaceMember removes a node, the leader too, and lets another one with an empty disk join, under load.
func (f *injection) replaceMember(ctx context.Context) error {
	n, err := f.take(ctx, f.rng.IntN(3) == 0)
	if err != nil {
		return err
	}
	return f.replace(ctx, n)
}

func (f *injection) replace(ctx context.Context, n *node) error {
	asked := f.nodes[(n.i+1)%len(f.nodes)]
	err := eventually(ctx, 3*time.Minute, func() error {
		_, a := callOnce(ctx, f.rig, f.byHand, asked.i, api.RemoveNode, api.RemoveNodeInput{Node: n.id}, lms.NewID())
		if a.outcome == done || a.kind == lms.KindNotFound {
			return nil
		}
		return a.err
	})
	if err != nil {
		f.violate("member", "%s cannot be removed: %v", n.id, err)
		return err
	}
	n.kill()
	if err := os.RemoveAll(n.data()); err != nil {
		return err
	}
	token, a := call(ctx, f.rig, f.byHand, asked.i, api.CreateJoinToken, api.NoInput{}, lms.NewID())
	if a.outcome != done {
		return a.err
	}
	args := append([]string{}, n.args...)
	for i := range args {
		if args[i] == "--id" {
			n.id += "x"
			args[i+1] = n.id
		}
	}
	n.operator.Store(nil)
	n.args = append(append([]string{}, args...), "--join", f.net.advertise(asked.i), "--token", token.Token)
	err = n.start()
	n.args = args
	if err == nil {
		err = f.awaitNode(ctx, n, time.Minute)
	}
	if err != nil {
		f.violate("member", "%s cannot join: %v: %s", n.id, err, n.lastLines())
	}
	return nil
}

// skew sets a node's clock wrong by five minutes in one step, or lets it run one percent too fast or too slow. Half of the
// time the leader changes meanwhile: stamps must neither jump nor go back.
func (f *injection) skew(ctx context.Context) error {
	n, err := f.take(ctx, f.rng.IntN(2) == 0)
	if err != nil {
		return err
	}
	sign := 1 - 2*f.rng.IntN(2)
	wrong := fmt.Sprint(300_000 * sign)
	f.note += fmt.Sprintf(" %+d s", 300*sign)
	if f.rng.IntN(2) == 0 {
		wrong = fmt.Sprint("0 ", 10_000*sign)
		f.note = fmt.Sprintf(" drifts by %+d %%", sign)
	}
	clock := filepath.Join(n.dir, "clock")
	if err := os.WriteFile(clock, []byte(wrong), 0o600); err != nil {
		return err
	}
	sleep(ctx, f.between(4*time.Second, 10*time.Second))
	if f.rng.IntN(2) == 0 {
		f.note += ", the leader changes"
		callOnce(ctx, f.rig, f.byHand, f.rng.IntN(len(f.nodes)), api.TransferLeader, api.TransferInput{}, "")
		sleep(ctx, f.between(time.Second, 3*time.Second))
	}
	return os.WriteFile(clock, []byte("0"), 0o600)
}

// starve is a node whose log goes into a pipe that nobody reads, that may open no more files, or that gets no more memory.
func (f *injection) starve(ctx context.Context) error {
	n, err := f.take(ctx, f.rng.IntN(2) == 0)
	if err != nil {
		return err
	}
	switch kinds := 2 + map[bool]int{true: 1}[canLimitMemory()]; f.rng.IntN(kinds) {
	case 0:
		return f.blockedLog(ctx, n)
	case 1:
		return f.fewFiles(ctx, n)
	}
	return f.littleMemory(ctx, n)
}

func (f *injection) fewFiles(ctx context.Context, n *node) error {
	f.note += " no more descriptors"
	n.allow()
	var old unix.Rlimit
	if err := unix.Prlimit(n.pid(), unix.RLIMIT_NOFILE, nil, &old); err != nil {
		return err
	}
	few := unix.Rlimit{Cur: uint64(n.files()), Max: old.Max}
	err := unix.Prlimit(n.pid(), unix.RLIMIT_NOFILE, &few, nil)
	sleep(ctx, f.between(3*time.Second, 8*time.Second))
	if n.running() {
		err = errors.Join(err, unix.Prlimit(n.pid(), unix.RLIMIT_NOFILE, &old, nil))
	}
	return errors.Join(err, f.mend(ctx, n))
}

func (f *injection) blockedLog(ctx context.Context, n *node) error {
	f.note += " log blocked"
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	defer write.Close()
	unix.FcntlInt(write.Fd(), unix.F_SETPIPE_SZ, 4096)
	n.kill()
	n.sink = write
	args := n.args
	n.args = append(append([]string{}, args...), "--log-level", "debug")
	err = n.start()
	n.sink, n.args = nil, args
	if err != nil {
		return err
	}
	if err := f.awaitNode(ctx, n, 30*time.Second); err != nil {
		f.violate("health", "%s with a blocked log: %v", n.id, err)
	}
	sleep(ctx, 5*time.Second)
	value := "blocked"
	_, a := callOnce(ctx, f.rig, newSession("", operatorToken), n.i, api.KVPut, api.KVPutInput{Key: "health", Value: &value}, lms.NewID())
	if a.outcome != done {
		f.violate("health", "%s takes no write while its log is blocked: %v", n.id, a.err)
	}
	n.kill()
	return f.mend(ctx, n)
}
