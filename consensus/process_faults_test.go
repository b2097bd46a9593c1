package consensus_test

import (
	"context"
	"errors"
	"os"
	"sync"
	"syscall"
	"testing"
	"time"
)

// processFaults: what happens to a cluster of three processes while twelve writers are at work. Each returns the nodes
// that must be equal in the end.
var processFaults = []struct {
	name   string
	common nodeConfig
	strike func(*rig)
}{
	{"leader killed, three times", nodeConfig{}, killLeaders},
	{"key repeated after the leader changed", nodeConfig{}, repeatKey},
	{"follower far behind", nodeConfig{Trailing: 16, Every: 32}, fallBehind},
	{"all killed", nodeConfig{}, killAll},
	{"members change", nodeConfig{}, changeMembers},
	{"leader paused for longer than the watchdog allows a disk", nodeConfig{DiskTimeout: pausedDisk}, pauseLeader},
}

func TestProcessFaults(t *testing.T) {
	for _, f := range processFaults {
		t.Run(f.name, func(t *testing.T) {
			r := newRig(t, os.Args[0], 3, f.common)
			r.startWriters(12)
			r.load.beforeFault()
			f.strike(r)
			r.load.afterFault()
			r.load.check(r.running())
		})
	}
}

// running leaves out what is down: former members.
func (r *rig) running() (nodes []*process) {
	for _, p := range r.nodes {
		if p.up() {
			nodes = append(nodes, p)
		}
	}
	return nodes
}

func killLeaders(r *rig) {
	for range 3 {
		r.load.beforeFault()
		leader := r.waitLeader(nil)
		leader.kill()
		r.load.afterFault()
		leader.start()
	}
}

func repeatKey(r *rig) {
	leader := r.waitLeader(nil)
	q := writeOf("once", "once-1")
	first := r.must(leader, q)
	r.load.mu.Lock()
	r.load.acked["once-1"], r.load.tried["once-1"] = first.Index, true
	r.load.mu.Unlock()
	leader.kill()
	next := r.waitLeader(leader)
	for _, p := range []*process{next, r.follower(next)} {
		again := r.must(p, q)
		if first.Replayed || !again.Replayed || again.Index != first.Index || number64(again.Rows[0][0]) != 1 {
			r.t.Errorf("first %+v, again on %s %+v", first, p.config.ID, again)
		}
	}
	leader.start()
}

func fallBehind(r *rig) {
	behind := r.follower(r.waitLeader(nil))
	behind.kill()
	r.outrun(behind)
	behind.start()
	r.wait(func() string { return "no snapshot was received" }, func() bool {
		return r.must(behind, control{Op: "received"}).Received > 0
	})
}

// outrun waits until the log of the leader no longer reaches back to where a killed node stands, with a tiny log.
func (r *rig) outrun(behind *process) {
	r.t.Helper()
	leader := r.waitLeader(behind)
	from := r.must(leader, control{Op: "status"}).Status.Applied
	r.wait(func() string { return "the log does not grow" }, func() bool {
		return r.must(leader, control{Op: "status"}).Status.Applied > from+600
	})
}

func killAll(r *rig) {
	var wg sync.WaitGroup
	for _, p := range r.nodes {
		wg.Go(func() { p.signal(syscall.SIGKILL) })
	}
	wg.Wait()
	for _, p := range r.nodes {
		p.reap()
	}
	for _, i := range r.rng.Perm(len(r.nodes)) {
		r.nodes[i].start()
	}
}

// changeMembers: a fourth node joins, a follower is killed meanwhile, then the leader is removed.
func changeMembers(r *rig) {
	fourth := r.add(false)
	fourth.start()
	victim := r.follower(r.waitLeader(nil))
	for victim == fourth {
		victim = r.follower(r.waitLeader(nil))
	}
	asked := r.waitLeader(victim)
	joined := make(chan error, 1)
	go func() {
		a, err := r.persist(asked, control{Op: "join", ID: fourth.config.ID, Address: fourth.config.Address, Voter: true})
		if a.Kind != "" {
			err = errors.New(a.Text)
		}
		joined <- err
	}()
	r.load.more(5)
	victim.kill()
	if err := <-joined; err != nil {
		r.t.Fatalf("join: %v", err)
	}
	victim.start()
	r.load.afterFault()
	r.load.beforeFault()
	leader := r.waitLeader(nil)
	r.must(r.follower(leader), control{Op: "remove", ID: leader.config.ID})
	r.waitLeader(leader)
	leader.kill()
	r.load.more(50)
}

// pausedDisk is shorter than the pause, and longer than a disk may take that the tests of other packages use meanwhile.
const pausedDisk = 5 * time.Second

// pauseLeader: reads that were sent to the leader while it slept, after others had acknowledged more, must not show the
// past when it wakes; and it must not take its pause for a frozen disk.
func pauseLeader(r *rig) {
	leader := r.waitLeader(nil)
	before := time.Now()
	leader.signal(syscall.SIGSTOP)
	next := r.waitLeader(leader)
	acked := r.must(next, writeOf("late", "late-1"))
	r.load.mu.Lock()
	r.load.acked["late-1"], r.load.tried["late-1"] = acked.Index, true
	r.load.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var wg sync.WaitGroup
	answers := make([]reply, 16)
	for i := range answers {
		wg.Go(func() {
			answers[i], _ = r.ask(ctx, leader, control{Op: "query", Level: 1, Query: sqlText{SQL: `SELECT count(*) FROM writes WHERE id = 'late-1'`}})
		})
	}
	r.wait(func() string { return "time stands still" }, func() bool { return time.Since(before) > pausedDisk+time.Second })
	leader.signal(syscall.SIGCONT)
	wg.Wait()
	fresh := 0
	for _, a := range answers {
		if a.Kind == "" && len(a.Rows) == 1 {
			if fresh++; number64(a.Rows[0][0]) != 1 {
				r.t.Error("the node that slept served the past")
			}
		}
	}
	if fresh == 0 {
		r.t.Error("void: no read was answered")
	}
	r.load.more(100)
	if leader.dead() {
		r.t.Error("the pause ended the node")
	}
}
