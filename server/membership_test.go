package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/cluster"
)

// process is a node in a process of its own.
type process struct {
	t       *testing.T
	id      string
	data    string
	out     *buffer
	cmd     *exec.Cmd
	exited  chan struct{}
	origin  string
	address string // of the cluster port
}

// startProcess starts a node that founds a cluster, or joins the peer's.
func startProcess(t *testing.T, id string, peer *process, args ...string) *process {
	t.Helper()
	p := &process{t: t, id: id, data: t.TempDir(), out: &buffer{}, exited: make(chan struct{})}
	args = append([]string{"serve", "--data", p.data, "--id", id, "--http", "127.0.0.1:0", "--cluster", "127.0.0.1:0", "--log-level", "warn",
		"--heartbeat-timeout", "1s", "--election-timeout", "1s", "--lease-timeout", "500ms"}, args...)
	if peer != nil {
		args = append(args, "--join", peer.address, "--token", strings.TrimSpace(must(t, "join-token", "--data", peer.data)))
	}
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p.cmd = exec.Command(program, args...)
	p.cmd.Stdout, p.cmd.Stderr = p.out, p.out
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(p.exited)
		p.cmd.Wait()
	}()
	t.Cleanup(p.kill)
	eventually(t, id+" serves", func() bool {
		select {
		case <-p.exited:
			t.Fatalf("%s has ended:\n%s", id, p.out)
		default:
		}
		return strings.Contains(p.out.String(), "Open http")
	})
	p.origin, _ = readLine(filepath.Join(p.data, urlFile))
	self, err := cluster.Load(p.data)
	if err != nil {
		t.Fatal(err)
	}
	p.address = self.Address()
	return p
}

func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.exited
}

// gone waits until the process has ended by itself.
func (p *process) gone() {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(60 * time.Second):
		p.t.Errorf("%s goes on:\n%s", p.id, p.out)
	}
}

func (p *process) status() lms.Cluster {
	p.t.Helper()
	var c lms.Cluster
	out, errs, err := trivium(p.t, "nodes", "--json", "--data", p.data)
	if err == nil {
		err = json.Unmarshal([]byte(out), &c)
	}
	if err != nil {
		p.t.Logf("nodes on %s: %v %s", p.id, err, errs)
	}
	return c
}

// people are at work: questions and files, through every node. What was acknowledged is written down.
type people struct {
	t     *testing.T
	site  *demoSite
	admin *api.Client
	stop  chan struct{}
	wg    sync.WaitGroup

	mu        sync.Mutex
	questions []string
	chunks    map[string]bool // SHA-256 of every chunk of the files
}

const loadCourse = "load"

func startLoad(t *testing.T, first *process) *people {
	t.Helper()
	l := &people{t: t, stop: make(chan struct{}), chunks: map[string]bool{},
		site: &demoSite{origins: []string{first.origin}, password: "correct horse battery", clients: map[string]*api.Client{}}}
	var link string
	eventually(t, "there is a setup link", func() bool {
		var err error
		link, err = readLine(filepath.Join(first.data, setupFile))
		return err == nil
	})
	var err error
	if err := l.site.claim(t.Context(), link); err != nil {
		t.Fatal(err)
	}
	if l.admin, err = l.site.as(t.Context(), demoAdmin); err != nil {
		t.Fatal(err)
	}
	in := api.CourseInput{ID: loadCourse, Code: "L1", Title: "Load", Zone: "UTC", State: lms.CoursePublished}
	if _, err := api.Call(t.Context(), l.admin, api.CreateCourse, in); err != nil {
		t.Fatal(err)
	}
	for i := range 4 {
		l.wg.Go(func() { l.work(i) })
	}
	t.Cleanup(func() {
		select {
		case <-l.stop:
		default:
			close(l.stop)
		}
		l.wg.Wait()
	})
	return l
}

// through makes the load go through these nodes from now on.
func (l *people) through(nodes ...*process) {
	var origins []string
	for _, n := range nodes {
		origins = append(origins, n.origin)
	}
	l.admin.SetNodes(origins)
}

func (l *people) work(worker int) {
	for n := 0; ; n++ {
		select {
		case <-l.stop:
			return
		default:
		}
		ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
		if worker > 0 {
			l.ask(ctx, fmt.Sprintf("q-%d-%d", worker, n))
		} else {
			l.upload(ctx, fmt.Sprintf("f%d.txt", n))
		}
		cancel()
	}
}

func (l *people) ask(ctx context.Context, id string) {
	in := api.QuestionInput{Course: loadCourse, ID: id, To: lms.ToStaff, Title: "About " + id, Visibility: lms.VisibleCourse}
	if _, err := api.Call(ctx, l.admin, api.AskQuestion, in); err != nil {
		l.t.Errorf("question %s: %v", id, err)
		return
	}
	l.mu.Lock()
	l.questions = append(l.questions, id)
	l.mu.Unlock()
}

func (l *people) upload(ctx context.Context, name string) {
	data := make([]byte, 1+rand.IntN(lms.ChunkSize+lms.ChunkSize/4))
	for i := range data {
		data[i] = byte(rand.Uint32())
	}
	if _, err := api.Upload(ctx, l.admin, loadCourse, memoryFile{name, data}, nil); err != nil {
		l.t.Errorf("file %s: %v", name, err)
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for chunk := range slices.Chunk(data, lms.ChunkSize) {
		l.chunks[fmt.Sprintf("%x", sha256.Sum256(chunk))] = true
	}
}

// more waits until work has gone on for a while.
func (l *people) more() {
	l.t.Helper()
	count := func() (int, int) {
		l.mu.Lock()
		defer l.mu.Unlock()
		return len(l.questions), len(l.chunks)
	}
	questions, files := count()
	eventually(l.t, "people work", func() bool {
		q, f := count()
		return q >= questions+10 && f > files
	})
}

// check stops the load and compares every node with what was acknowledged.
func (l *people) check(nodes ...*process) {
	l.t.Helper()
	close(l.stop)
	l.wg.Wait()
	l.t.Logf("%d questions and %d chunks of files were acknowledged", len(l.questions), len(l.chunks))
	hashes := map[uint64]string{}
	for _, n := range nodes {
		site := &demoSite{origins: []string{n.origin}, password: l.site.password, clients: map[string]*api.Client{}}
		client, err := site.as(l.t.Context(), demoAdmin)
		if err != nil {
			l.t.Fatal(err)
		}
		for _, id := range l.questions {
			if _, err := api.Call(l.t.Context(), client, api.GetQuestion, api.QuestionPath{Course: loadCourse, Question: id}); err != nil {
				l.t.Errorf("%s has lost question %s: %v", n.id, id, err)
			}
		}
		eventually(l.t, "every file is on the disk of "+n.id, func() bool { return n.holds(l.chunks) })
	}
	eventually(l.t, "every node has the same rows at the same entry", func() bool {
		clear(hashes)
		for _, n := range nodes {
			h, err := api.Call(l.t.Context(), operatorOf(l.t, n), api.GetNodeHash, api.NoInput{})
			if err != nil {
				return false
			}
			hashes[h.Index] += h.Hash + "\n"
		}
		for _, all := range hashes {
			lines := strings.Fields(all)
			for _, h := range lines {
				if h != lines[0] {
					l.t.Fatalf("two nodes differ at the same entry: %q", lines)
				}
			}
			if len(lines) == len(nodes) {
				return true
			}
		}
		return false
	})
}

// holds reports whether the node's own disk has every chunk, whole.
func (p *process) holds(chunks map[string]bool) bool {
	for hash := range chunks {
		data, err := os.ReadFile(filepath.Join(p.data, "files", "chunks", hash[:2], hash[2:3], hash))
		if err != nil {
			return false
		}
		if got := fmt.Sprintf("%x", sha256.Sum256(data)); got != hash {
			p.t.Fatalf("%s has other bytes under %s", p.id, hash)
		}
	}
	return true
}

func operatorOf(t *testing.T, n *process) *api.Client {
	t.Helper()
	flags := clientFlags{data: n.data}
	client, err := flags.client()
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// The cluster grows from three nodes to five and shrinks to three, loses a disk and gets a new machine for it, has a read
// replica, and loses its leader, while people work. Nothing that was acknowledged is missing on any node.
func TestMembersComeAndGoUnderLoad(t *testing.T) {
	if testing.Short() {
		t.Skip("starts eight processes")
	}
	n1 := startProcess(t, "n1", nil)
	l := startLoad(t, n1)
	n2 := startProcess(t, "n2", n1)
	n3 := startProcess(t, "n3", n2)
	l.through(n1, n2, n3)
	l.more()
	n4 := startProcess(t, "n4", n3)
	n5 := startProcess(t, "n5", n1)
	l.through(n1, n2, n3, n4, n5)
	l.more()
	eventually(t, "five nodes have everything", func() bool {
		return strings.Contains(must(t, "status", "--data", n4.data), "5 of 5 healthy: any 2 may fail")
	})

	// The leader is removed, with the command run on its own machine; then a follower, from another machine.
	removed := map[string]bool{}
	nodes := map[string]*process{"n1": n1, "n2": n2, "n3": n3, "n4": n4, "n5": n5}
	remove := func(id, from string) {
		t.Helper()
		must(t, "remove", id, "--data", nodes[from].data)
		removed[id] = true
		var left []*process
		for id, n := range nodes {
			if !removed[id] {
				left = append(left, n)
			}
		}
		l.through(left...)
		nodes[id].gone()
		if out := nodes[id].out.String(); !strings.Contains(out, "was removed from this cluster") {
			t.Errorf("the removed node says:\n%s", out)
		}
	}
	remaining := func() (all []*process) {
		for _, id := range []string{"n1", "n2", "n3", "n4", "n5", "n6", "r1"} {
			if n := nodes[id]; n != nil && !removed[id] {
				all = append(all, n)
			}
		}
		return all
	}
	leader := n4.status().Leader
	remove(leader, leader)
	follower := remaining()[0]
	if follower.id == remaining()[1].status().Leader {
		follower = remaining()[1]
	}
	remove(follower.id, remaining()[2].id)
	l.more()
	for _, n := range remaining() {
		eventually(t, "three voters on "+n.id, func() bool {
			c := n.status()
			return len(c.Nodes) == 3 && c.Health.Voters == 3 && c.Health.Up == 3
		})
	}

	// A machine burns down. Its replacement has an empty disk and a new name.
	dead := remaining()[2]
	if dead.id == remaining()[0].status().Leader {
		dead = remaining()[1]
	}
	dead.kill()
	other := remaining()[0]
	must(t, "remove", dead.id, "--data", other.data)
	removed[dead.id] = true
	l.through(remaining()...)
	nodes["n6"] = startProcess(t, "n6", other)
	l.through(remaining()...)
	l.more()

	// A replica serves people and takes their writes to the leader, but protects nothing.
	nodes["r1"] = startProcess(t, "r1", nodes["n6"], "--replica")
	l.through(remaining()...)
	l.more()
	if out := must(t, "nodes", "--data", nodes["r1"].data); !strings.Contains(out, "r1    replica") {
		t.Errorf("nodes: %s", out)
	}
	eventually(t, "three nodes and a replica have everything", func() bool {
		return strings.Contains(must(t, "status", "--data", nodes["r1"].data), "3 of 3 healthy: any one may fail")
	})
	if _, errs, err := trivium(t, "transfer", "r1", "--data", other.data); err == nil || !strings.Contains(errs, "has no vote") {
		t.Errorf("leadership for a replica: %v, %s", err, errs)
	}
	l.check(remaining()...)
}

// A removal that would end the majority is refused, and a node that is down does not become the leader.
func TestRefusedChanges(t *testing.T) {
	n1 := startProcess(t, "n1", nil)
	n2 := startProcess(t, "n2", n1)
	n3 := startProcess(t, "n3", n1)
	replica := startProcess(t, "r1", n1, "--replica")
	eventually(t, "n1 leads", func() bool {
		c := n1.status()
		if c.Leader != "n1" {
			trivium(t, "transfer", "n1", "--data", n1.data)
		}
		return c.Leader == "n1" && c.Health.Up == 3
	})
	n3.kill()
	if _, errs, err := trivium(t, "transfer", "n3", "--data", n2.data); err == nil || !strings.Contains(errs, "The leader stays") {
		t.Errorf("transfer to a node that is down: %v, %s", err, errs)
	}
	if _, errs, err := trivium(t, "remove", "n2", "--data", n1.data); err == nil || !strings.Contains(errs, "The node stays: n3 does not tell") {
		t.Errorf("a removal that ends the majority: %v, %s", err, errs)
	}
	var refusal api.RemoveNodeInput
	refusal.Node = "n2"
	if _, err := api.Call(t.Context(), operatorOf(t, n1), api.RemoveNode, refusal); lms.KindOf(err) != lms.KindConflict {
		t.Errorf("kind of the refusal: %v", err)
	}
	if c := n2.status(); c.Leader != "n1" || len(c.Nodes) != 4 {
		t.Errorf("after the refusals: %+v", c)
	}
	if c := replica.status(); len(c.Warnings) != 0 {
		t.Errorf("warnings of a node on loopback: %q", c.Warnings)
	}
	// The commands answer programs as well, on the machine of any node.
	var token api.JoinToken
	if err := json.Unmarshal([]byte(must(t, "join-token", "--json", "--data", replica.data)), &token); err != nil || !strings.Contains(token.Command, token.Token) || cluster.CheckToken(token.Token) != nil {
		t.Errorf("join-token --json: %+v, %v", token, err)
	}
	var moved lms.Cluster
	if err := json.Unmarshal([]byte(must(t, "transfer", "n2", "--json", "--data", replica.data)), &moved); err != nil || len(moved.Nodes) != 4 {
		t.Errorf("transfer --json: %+v, %v", moved, err)
	}
	eventually(t, "n2 leads", func() bool { return n1.status().Leader == "n2" })
	secret, err := readLine(filepath.Join(n2.data, operatorFile))
	if err != nil {
		t.Fatal(err)
	}
	var gone lms.Cluster // from a machine without a node: by address and token
	if err := json.Unmarshal([]byte(must(t, "nodes", "--json", "--url", n2.origin, "--token", secret)), &gone); err != nil || gone.Node != "n2" {
		t.Errorf("nodes --json: %+v, %v", gone, err)
	}
	if _, _, err := trivium(t, "join-token", "--url", n2.origin, "--token", "wrong"); err == nil {
		t.Error("a wrong operator token makes a join token")
	}
	// A replica may go at any time, and its going changes no majority.
	must(t, "remove", "r1", "--data", n2.data)
	replica.gone()
	must(t, "remove", "n3", "--data", n2.data)
	if out := must(t, "status", "--data", n2.data); !strings.Contains(out, "2 of 2 healthy: none may fail") {
		t.Errorf("status: %s", out)
	}
}
