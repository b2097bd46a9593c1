package consensus_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	osexec "os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience bounds every wait for something that must happen.
const patience = 30 * time.Second

// process is one node of a rig. Its fields but cmd stay as they are.
type process struct {
	rig    *rig
	config nodeConfig

	mu     sync.Mutex
	cmd    *osexec.Cmd // nil while it is down
	stdin  io.Closer
	exited chan struct{}
}

// rig is a cluster of real processes, each with its own folder and ports.
type rig struct {
	t      *testing.T
	binary string
	seed   uint64
	rng    *rand.Rand // of the test's goroutine
	client *http.Client
	config nodeConfig // what all nodes have in common
	nodes  []*process
	load   *writers
}

// newRig starts n nodes that are all voters, with the tables of the writers.
func newRig(t *testing.T, binary string, n int, common nodeConfig) *rig {
	t.Helper()
	if testing.Short() {
		t.Skip("clusters of processes take a while")
	}
	r := &rig{t: t, binary: binary, seed: testSeed(t), config: common,
		client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	r.rng = rand.New(rand.NewPCG(r.seed, 0))
	t.TempDir() // made first, so that it goes last: close reads what the nodes have logged
	t.Cleanup(r.close)
	for i := range n {
		p := r.add(i == 0)
		p.start()
		if i == 0 {
			r.waitLeader(nil)
		} else {
			r.must(r.nodes[0], control{Op: "join", ID: p.config.ID, Address: p.config.Address, Voter: true})
		}
	}
	for _, q := range writersTables {
		r.must(r.nodes[0], control{Op: "apply", Exec: []sqlText{{SQL: q}}})
	}
	return r
}

// testSeed prints the seed; TRIVIUM_SEED repeats a run.
func testSeed(t *testing.T) uint64 {
	seed := rand.Uint64() % 1e9
	if s := os.Getenv("TRIVIUM_SEED"); s != "" {
		var err error
		if seed, err = strconv.ParseUint(s, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("TRIVIUM_SEED=%d", seed)
	return seed
}

func (r *rig) add(bootstrap bool) *process {
	c := r.config
	c.ID = fmt.Sprintf("n%d", len(r.nodes)+1)
	c.Dir = filepath.Join(r.t.TempDir(), c.ID)
	c.Address, c.Control, c.Bootstrap = r.freeAddress(), r.freeAddress(), bootstrap
	p := &process{rig: r, config: c}
	r.nodes = append(r.nodes, p)
	return p
}

// freeAddress finds a port below those that outgoing connections get: a killed node must find its own again.
func (r *rig) freeAddress() string {
	for range 1000 {
		address := fmt.Sprintf("127.0.0.1:%d", 12000+rand.IntN(20000))
		if ln, err := net.Listen("tcp", address); err == nil {
			ln.Close()
			return address
		}
	}
	r.t.Fatal("no free port")
	return ""
}

// start runs the node. With point it kills itself at that fault point.
func (p *process) start(point ...string) {
	t := p.rig.t
	t.Helper()
	text, err := json.Marshal(p.config)
	if err != nil {
		t.Fatal(err)
	}
	log, err := os.OpenFile(p.config.Dir+".log", os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	cmd := osexec.Command(p.rig.binary)
	cmd.Env = append(os.Environ(), nodeEnv+"="+string(text), "TRIVIUM_FAULT=")
	if len(point) > 0 {
		cmd.Env = append(cmd.Env, "TRIVIUM_FAULT="+point[0])
	}
	cmd.Stdout, cmd.Stderr = log, log
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	exited := make(chan struct{})
	go func() {
		cmd.Wait()
		close(exited)
	}()
	p.mu.Lock()
	p.cmd, p.stdin, p.exited = cmd, stdin, exited
	p.mu.Unlock()
}

func (p *process) signal(s syscall.Signal) {
	p.rig.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		p.rig.t.Errorf("signal %s: %v", p.config.ID, err)
	}
}

// kill is kill -9.
func (p *process) kill() {
	p.rig.t.Helper()
	p.signal(syscall.SIGKILL)
	p.reap()
}

// reap waits until the process is gone, for whatever reason.
func (p *process) reap() {
	p.rig.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.rig.t.Fatalf("%s does not end", p.config.ID)
	}
	p.stdin.Close()
	p.mu.Lock()
	p.cmd = nil
	p.mu.Unlock()
}

func (p *process) up() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cmd != nil
}

func (p *process) dead() bool {
	p.mu.Lock()
	exited := p.exited
	p.mu.Unlock()
	select {
	case <-exited:
		return true
	default:
		return false
	}
}

var errSilent = errors.New("the node did not answer")

// ask makes one request. errSilent: it may or may not have taken effect.
func (r *rig) ask(ctx context.Context, p *process, q control) (a reply, err error) {
	body, err := json.Marshal(q)
	if err != nil {
		return a, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+p.config.Control+"/", bytes.NewReader(body))
	if err != nil {
		return a, err
	}
	res, err := r.client.Do(req)
	if err != nil {
		return a, fmt.Errorf("%w: %w", errSilent, err)
	}
	defer res.Body.Close()
	d := json.NewDecoder(res.Body)
	d.UseNumber()
	if err := d.Decode(&a); err != nil {
		return a, fmt.Errorf("%w: %w", errSilent, err)
	}
	return a, nil
}

// must repeats the request on the node until it succeeds.
func (r *rig) must(p *process, q control) (a reply) {
	r.t.Helper()
	a, err := r.persist(p, q)
	if err != nil || a.Kind != "" {
		r.t.Fatalf("%s on %s: %+v %v", q.Op, p.config.ID, a, err)
	}
	return a
}

// persist is must for goroutines: it returns the last failure.
func (r *rig) persist(p *process, q control) (a reply, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	for {
		if a, err = r.ask(ctx, p, q); err == nil && a.Kind == "" {
			return a, nil
		}
		if ctx.Err() != nil {
			if err != nil && p.dead() {
				err = fmt.Errorf("%w: its process has ended", err)
			}
			return a, err
		}
		pause(ctx)
	}
}

// wait polls until ok.
func (r *rig) wait(what func() string, ok func() bool) {
	r.t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("waited in vain: %s", what())
		}
	}
}

// waitLeader returns the node that leads and is not the one named.
func (r *rig) waitLeader(other *process) (leader *process) {
	r.t.Helper()
	r.wait(func() string { return "no leader" }, func() bool {
		for _, p := range r.nodes {
			if p == other || !p.up() {
				continue
			}
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			a, err := r.ask(ctx, p, control{Op: "status"})
			cancel()
			if err == nil && a.Status.State == "leader" {
				leader = p
				return true
			}
		}
		return false
	})
	return leader
}

// follower returns a running node that does not lead, by the seed.
func (r *rig) follower(leader *process) *process {
	r.t.Helper()
	for _, i := range r.rng.Perm(len(r.nodes)) {
		if p := r.nodes[i]; p != leader && p.up() {
			return p
		}
	}
	r.t.Fatal("no follower")
	return nil
}

// waitEqual waits until the running nodes stand at the same index, and compares their rows.
func (r *rig) waitEqual(nodes []*process) {
	r.t.Helper()
	var seen []reply
	r.wait(func() string { return fmt.Sprintf("the nodes stand at %+v", seen) }, func() bool {
		seen = seen[:0]
		for _, p := range nodes {
			seen = append(seen, r.must(p, control{Op: "hash"}))
		}
		for _, s := range seen {
			for _, o := range seen {
				if s.Index == o.Index && s.Hash != o.Hash {
					r.t.Fatalf("two hashes at index %d: %s and %s", s.Index, s.Hash, o.Hash)
				}
			}
		}
		return !slices.ContainsFunc(seen, func(a reply) bool { return a.Index != seen[0].Index })
	})
}

func (r *rig) close() {
	if r.load != nil {
		r.load.end()
	}
	for _, p := range r.nodes {
		if p.cmd != nil {
			p.cmd.Process.Kill() // ends a stopped process, too
			<-p.exited
			p.stdin.Close()
		}
		if text, err := os.ReadFile(p.config.Dir + ".log"); err == nil && r.t.Failed() {
			r.t.Logf("the last words of %s:\n%s", p.config.ID, text[max(0, len(text)-3000):])
		}
	}
	r.client.CloseIdleConnections()
}
