//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// settings of a run.
type settings struct {
	nodes    int
	seed     uint64
	duration time.Duration
	every    time.Duration // between faults
	verify   time.Duration // between quiet checks
	faults   []string
	atLeast  int // times each fault is run, if the time allows
	clients  int
	rate     float64 // operations a second that the clients aim at
	floor    float64
	fuse     bool
	netns    bool
	binary   string
	before   string // the program of the release before, which one node of the cluster has; "": all have the same
	dir      string
	heart    time.Duration        // heartbeat and election timeout of the nodes
	trailing int                  // log entries kept behind a snapshot
	check    int                  // log entries between comparisons of the rows by the nodes themselves
	enough   func(violation) bool // nil: the run goes on whatever is found
	log      io.Writer
}

// rig is one cluster under test.
type rig struct {
	settings
	net    network
	nodes  []*node
	http   *http.Client
	model  *model
	world  *world
	start  time.Time
	byHand *session // the operator of whichever node is asked

	history *history
	paused  sync.RWMutex // held by each operation of the load; the quiet check takes it whole

	mu         sync.Mutex
	violations []violation
	internals  map[string]int
	over       atomic.Bool     // the run was stopped from outside
	caught     atomic.Bool     // what enough waited for has been found
	requests   [6]atomic.Int64 // by first digit of the status, 0: no answer
}

type violation struct {
	Invariant string  `json:"invariant"`
	At        float64 `json:"at"` // seconds since the start
	What      string  `json:"what"`
}

const maxViolations = 200

// violate records that an invariant does not hold.
func (r *rig) violate(invariant, format string, args ...any) {
	if r.over.Load() {
		return // the rig itself is being stopped
	}
	v := violation{invariant, time.Since(r.start).Seconds(), fmt.Sprintf(format, args...)}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.violations) < maxViolations {
		r.violations = append(r.violations, v)
	}
	if r.enough != nil && r.enough(v) {
		r.caught.Store(true)
	}
	if len(r.violations) < 20 {
		fmt.Fprintf(r.log, "%7.1fs  VIOLATION %s: %s\n", v.At, invariant, v.What)
	}
}

func (r *rig) say(format string, args ...any) {
	fmt.Fprintf(r.log, "%7.1fs  %s\n", time.Since(r.start).Seconds(), fmt.Sprintf(format, args...))
}

func (r *rig) count(status int, err error) {
	if err != nil {
		status = 0
	}
	r.requests[min(status/100, 5)].Add(1)
}

// internal notes an answer 500, which no fault excuses but that of the node's own storage.
func (r *rig) internal(q raw, n int, e *lms.Error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.internals[fmt.Sprintf("%s %.60s: %s", q.method, q.path, e.Message)]++
}

// openRig builds network, disks and nodes and forms the cluster.
func openRig(ctx context.Context, c settings) (_ *rig, err error) {
	r := &rig{settings: c, start: time.Now(), internals: map[string]int{}, byHand: newSession("operator", operatorToken)}
	r.http = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64, IdleConnTimeout: 5 * time.Second,
		DialContext: (&net.Dialer{Timeout: time.Second}).DialContext}}
	context.AfterFunc(ctx, func() { r.over.Store(true) })
	log.SetOutput(io.Discard) // go-fuse reports killed processes there
	defer func() {
		if err != nil {
			r.close()
		}
	}()
	if r.history, err = newHistory(filepath.Join(c.dir, "history.jsonl")); err != nil {
		return nil, err
	}
	if r.net, err = openNetwork(c); err != nil {
		return nil, err
	}
	if r.model, err = startModel(r.net.host()); err != nil {
		return nil, err
	}
	for i := range c.nodes {
		if err := r.addNode(i); err != nil {
			return nil, err
		}
	}
	return r, r.form(ctx)
}

func openNetwork(c settings) (network, error) {
	if c.netns {
		s, err := newSpaces(c.nodes)
		if err != nil {
			return nil, err
		}
		return s, nil
	}
	p, err := newProxies(c.nodes)
	if err != nil {
		return nil, err
	}
	return p, nil
}

func (r *rig) addNode(i int) error {
	n := &node{i: i, id: fmt.Sprintf("n%d", i+1), dir: filepath.Join(r.dir, fmt.Sprintf("n%d", i+1)), binary: r.binary, space: r.net.namespace(i)}
	if i == 0 && r.before != "" {
		n.binary = r.before
	}
	if err := os.MkdirAll(n.dir, 0o700); err != nil {
		return err
	}
	var err error
	if r.fuse {
		n.disk, err = openDisk(filepath.Join(n.dir, "back"), filepath.Join(n.dir, "mount"), r.wants("F13"))
	} else {
		n.disk, err = plainDisk(filepath.Join(n.dir, "back"))
	}
	if err != nil {
		return err
	}
	port := httpPort
	if !r.netns {
		if port, err = freePort(); err != nil {
			return err
		}
	}
	n.http = fmt.Sprintf("%s:%d", r.net.address(i), port)
	n.args = []string{"serve", "--data", filepath.Join(n.disk.mount, "data"), "--id", n.id, "--http", n.http, "--insecure-http", "--session-access", "720h",
		"--cluster", r.net.listen(i, clusterPort), "--advertise", r.net.advertise(i), "--public-origin", "http://" + n.http,
		"--trusted-proxies", r.net.host(), "--tutor-endpoint", r.model.url, "--tutor-model", "fake", "--tutor-private", "--log-level", "warn",
		"--heartbeat-timeout", r.heart.String(), "--election-timeout", r.heart.String(), "--lease-timeout", (r.heart / 2).String()}
	n.env = []string{"TRIVIUM_FAULT_CLOCK=" + filepath.Join(n.dir, "clock")}
	if r.trailing > 0 {
		n.env = append(n.env, fmt.Sprintf("TRIVIUM_FAULT_TRAILING=%d", r.trailing), fmt.Sprintf("TRIVIUM_FAULT_SNAPSHOT=%d", r.trailing), "TRIVIUM_FAULT_SNAPSHOT_MS=500")
	}
	if r.check > 0 {
		n.env = append(n.env, fmt.Sprintf("TRIVIUM_FAULT_CHECK=%d", r.check))
	}
	r.nodes = append(r.nodes, n)
	return nil
}

func (r *rig) wants(fault string) bool {
	for _, f := range r.faults {
		if f == fault {
			return true
		}
	}
	return false
}

// form starts the first node, lets the others join, and checks that each answers.
func (r *rig) form(ctx context.Context) error {
	for i, n := range r.nodes {
		args := n.args
		if i > 0 {
			token, a := call(ctx, r, r.byHand, 0, api.CreateJoinToken, api.NoInput{}, lms.NewID())
			if a.outcome != done {
				return fmt.Errorf("a join token: %w", a.err)
			}
			n.args = append(append([]string{}, args...), "--join", r.net.advertise(0), "--token", token.Token)
		}
		err := n.start()
		n.args = args
		if err == nil {
			err = r.awaitNode(ctx, n, time.Minute)
		}
		if err != nil {
			return fmt.Errorf("form the cluster: %w: %s", err, n.lastLines())
		}
	}
	return nil
}

// awaitNode waits until the node is ready for people.
func (r *rig) awaitNode(ctx context.Context, n *node, limit time.Duration) error {
	return eventually(ctx, limit, func() error {
		if !n.running() {
			return fmt.Errorf("%s does not run (%v)", n.id, n.exitStatus())
		}
		if n.token() == "" {
			return errors.New(n.id + " has no operator token yet")
		}
		status, _, body, err := r.send(ctx, newSession("", ""), n.i, raw{method: "GET", path: "/readyz"})
		if err != nil {
			return err
		}
		if status != http.StatusOK {
			return fmt.Errorf("%s is not ready: %d %.200s", n.id, status, body)
		}
		return nil
	})
}

// eventually tries until f succeeds.
func eventually(ctx context.Context, limit time.Duration, f func() error) error {
	deadline := time.Now().Add(limit)
	for {
		err := f()
		if err == nil {
			return nil
		}
		if ctx.Err() != nil || time.Now().After(deadline) {
			return errors.Join(err, ctx.Err())
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// leader asks the running nodes who leads; nil when none knows.
func (r *rig) leader(ctx context.Context) *node {
	for range 100 {
		for _, asked := range r.nodes {
			if !asked.running() {
				continue
			}
			cl, a := callOnce(ctx, r, r.byHand, asked.i, api.GetCluster, api.NoInput{}, "")
			if a.outcome != done || a.stale {
				continue
			}
			for _, n := range r.nodes {
				if n.id == cl.Leader && n.running() {
					return n
				}
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// healthy waits until every node is ready and writes go through each of them.
func (r *rig) healthy(ctx context.Context, limit time.Duration) error {
	for _, n := range r.nodes {
		if err := r.awaitNode(ctx, n, limit); err != nil {
			return fmt.Errorf("%s does not come back: %w", n.id, err)
		}
		err := eventually(ctx, limit, func() error {
			_, a := callOnce(ctx, r, newSession("health", operatorToken), n.i, api.KVPut, api.KVPutInput{Key: "health", Value: &n.id}, lms.NewID())
			if a.outcome != done {
				return fmt.Errorf("a write through %s: %w", n.id, a.err)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// close leaves nothing behind: no process, no mount, no namespace.
func (r *rig) close() {
	if r.net != nil {
		r.net.heal()
	}
	for _, n := range r.nodes {
		n.signal(9)
		if n.disk != nil {
			n.disk.heal()
		}
	}
	for _, n := range r.nodes {
		n.allow()
		n.wait(20 * time.Second)
		if n.disk != nil {
			n.disk.close()
		}
	}
	if r.model != nil {
		r.model.close()
	}
	if r.net != nil {
		r.net.close()
	}
	if r.history != nil {
		r.history.close()
	}
	r.http.CloseIdleConnections()
}
