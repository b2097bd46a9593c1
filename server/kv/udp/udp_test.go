package udp

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// cluster is replicas on a simulated network.
type cluster struct {
	t        *testing.T
	net      *Network
	ids      []string
	dir      string
	mu       sync.Mutex
	replicas map[string]*Replica
}

func newCluster(t *testing.T, n int) *cluster {
	t.Helper()
	net, err := NewNetwork(uint64(n))
	if err != nil {
		t.Fatal(err)
	}
	c := &cluster{t: t, net: net, dir: t.TempDir(), replicas: map[string]*Replica{}}
	for i := range n {
		c.ids = append(c.ids, fmt.Sprintf("%04X", 0xA0+i))
	}
	for _, id := range c.ids {
		c.start(id)
	}
	t.Cleanup(func() {
		for id := range c.replicas {
			c.kill(id)
		}
		if err := net.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

func (c *cluster) start(id string) {
	c.t.Helper()
	var peers []string
	for _, p := range c.ids {
		if p != id {
			peers = append(peers, p)
		}
	}
	r, err := Open(Config{Port: c.net.Port(), ID: id, Peers: peers, Dir: filepath.Join(c.dir, id), Timing: 400 * time.Millisecond,
		Logger: slog.New(slog.DiscardHandler), Fatal: func(err error) { c.t.Errorf("%s: %v", id, err) }})
	if err != nil {
		c.t.Fatal(err)
	}
	c.mu.Lock()
	c.replicas[id] = r
	c.mu.Unlock()
}

func (c *cluster) kill(id string) {
	c.mu.Lock()
	r := c.replicas[id]
	delete(c.replicas, id)
	c.mu.Unlock()
	if r != nil {
		if err := r.Close(); err != nil {
			c.t.Errorf("close %s: %v", id, err)
		}
	}
}

// leader waits for a leader among the replicas that run.
func (c *cluster) leader() string {
	c.t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		c.mu.Lock()
		for id, r := range c.replicas {
			if r.db.IsLeader() {
				c.mu.Unlock()
				return id
			}
		}
		c.mu.Unlock()
	}
	c.t.Fatal("no leader")
	return ""
}

// load runs one client for each key: its puts count up, and each get must show the last acknowledged one, or a later one
// that was tried.
type load struct {
	t       *testing.T
	stop    context.CancelFunc
	wg      sync.WaitGroup
	acked   atomic.Int64
	refused atomic.Int64
	clients []*Client
}

func (c *cluster) load(n int) *load {
	ctx, stop := context.WithCancel(c.t.Context())
	l := &load{t: c.t, stop: stop}
	for i := range n {
		client, err := NewClient(c.net.Port(), fmt.Sprintf("C0%02X", i), c.ids)
		if err != nil {
			c.t.Fatal(err)
		}
		l.clients = append(l.clients, client)
		l.wg.Go(func() { l.run(ctx, client, fmt.Sprint("key", i)) })
	}
	return l
}

func (l *load) run(ctx context.Context, client *Client, key string) {
	acked, tried := 0, 0
	check := func(ctx context.Context) bool {
		got, err := client.Get(ctx, key)
		if err != nil {
			return false
		}
		n := 0
		fmt.Sscan(got, &n)
		if n < acked || n > tried {
			l.t.Errorf("%s is %q; %d was acknowledged, %d was tried", key, got, acked, tried)
		}
		return true
	}
	for ctx.Err() == nil {
		call, cancel := context.WithTimeout(ctx, 4*time.Second)
		if rand.IntN(2) == 0 {
			tried++
			if err := client.Put(call, key, fmt.Sprint(tried)); err == nil {
				acked = tried
				l.acked.Add(1)
			} else {
				l.refused.Add(1)
			}
		} else if !check(call) {
			l.refused.Add(1)
		}
		cancel()
	}
	last, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	if !check(last) {
		l.t.Errorf("%s cannot be read at the end", key)
	}
}

// more waits until n more puts are acknowledged.
func (l *load) more(n int64, when string) {
	l.t.Helper()
	from := l.acked.Load()
	for end := time.Now().Add(40 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if l.acked.Load() >= from+n {
			return
		}
	}
	l.t.Errorf("%s: only %d of %d puts were acknowledged", when, l.acked.Load()-from, n)
}

// end stops the clients, who read their keys once more.
func (l *load) end(c *cluster) {
	l.t.Helper()
	c.net.Partition()
	c.net.Set(Conditions{})
	l.stop()
	l.wg.Wait()
	var repeated int64
	for _, client := range l.clients {
		_, _, _, r := client.Counts()
		repeated += r
		client.Close()
	}
	carried, lost := c.net.Counts()
	l.t.Logf("%d puts acknowledged, %d requests not confirmed in time, %d late or repeated answers; %d datagrams, %d lost", l.acked.Load(), l.refused.Load(), repeated, carried, lost)
}

func TestCalmNetwork(t *testing.T) {
	c := newCluster(t, 3)
	client, err := NewClient(c.net.Port(), "C001", c.ids)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if v, err := client.Get(ctx, "nothing"); v != "" || err != nil {
		t.Errorf("an unknown key: %q, %v", v, err)
	}
	for i := range 20 {
		if err := client.Put(ctx, "k", fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
		if v, err := client.Get(ctx, "k"); v != fmt.Sprint(i) || err != nil {
			t.Errorf("%q, %v, want %d", v, err, i)
		}
	}
	if _, _, _, repeated := client.Counts(); repeated > 0 {
		t.Errorf("%d answers came twice", repeated)
	}
}

func TestLoss(t *testing.T) {
	for _, loss := range []float64{0.05, 0.3} {
		t.Run(fmt.Sprint(loss), func(t *testing.T) {
			c := newCluster(t, 5)
			l := c.load(4)
			l.more(5, "on a calm network")
			c.net.Set(Conditions{Loss: loss, Duplicate: 0.1, Delay: 20 * time.Millisecond})
			l.more(30, "under loss")
			l.end(c)
		})
	}
}

// Partitions with the leader on the smaller side, killed leaders and restarted replicas, on a network that loses a tenth.
func TestPartitionsAndKills(t *testing.T) {
	c := newCluster(t, 5)
	l := c.load(4)
	l.more(5, "on a calm network")
	c.net.Set(Conditions{Loss: 0.1, Duplicate: 0.1, Delay: 10 * time.Millisecond})
	for round := range 2 {
		leader := c.leader()
		var few, many []string
		for _, id := range c.ids {
			if id == leader || len(few) == 0 && id != leader && id > leader {
				few = append(few, id)
			} else {
				many = append(many, id)
			}
		}
		c.net.Partition(few, many)
		l.more(10, fmt.Sprintf("round %d: without the leader's side", round))
		c.net.Partition()
		l.more(10, fmt.Sprintf("round %d: whole again", round))
		dead := c.leader()
		c.kill(dead)
		l.more(10, fmt.Sprintf("round %d: after the leader's death", round))
		c.start(dead)
		l.more(10, fmt.Sprintf("round %d: it is back", round))
	}
	l.end(c)
}

// What a majority does not hold is not confirmed.
func TestNoMajority(t *testing.T) {
	c := newCluster(t, 3)
	l := c.load(1)
	l.more(3, "at first")
	l.end(c)
	c.kill(c.ids[0])
	c.kill(c.ids[1])
	client, err := NewClient(c.net.Port(), "C0FF", c.ids)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if err := client.Put(ctx, "k", "v"); err == nil {
		t.Error("a put is acknowledged by one of three")
	}
	if _, err := client.Get(ctx, "key0"); err == nil {
		t.Error("a get is answered without a majority")
	}
	c.start(c.ids[0])
	ctx, cancel = context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := client.Put(ctx, "k", "w"); err != nil {
		t.Errorf("with a majority again: %v", err)
	}
}

// A put that comes again under its MID is done once, also long after and at another leader.
func TestSameMIDIsDoneOnce(t *testing.T) {
	c := newCluster(t, 3)
	client, err := NewClient(c.net.Port(), "C001", c.ids)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	for _, v := range []string{"old", "new"} {
		if err := client.Put(ctx, "k", v); err != nil {
			t.Fatal(err)
		}
	}
	c.kill(c.leader())
	client.next.Store(0)
	if err := client.Put(ctx, "k", "old"); err != nil {
		t.Fatal(err)
	}
	client.next.Store(100)
	if v, err := client.Get(ctx, "k"); v != "new" || err != nil {
		t.Errorf("%q, %v: the repeated put was done again", v, err)
	}
}

func TestMalformedDatagrams(t *testing.T) {
	good := Message{Src: "00A1", Dst: "00A0", Type: typePut, MID: "M", Key: "k", Value: "v"}
	part := Message{Src: "00A1", Dst: "00A0", Type: typeRaft, Part: &Part{Of: 1}}
	change := func(m Message, f func(*Message)) []byte {
		if m.Part != nil {
			p := *m.Part
			m.Part = &p
		}
		f(&m)
		b, _ := json.Marshal(m)
		return b
	}
	for name, data := range map[string][]byte{
		"empty": nil, "no JSON": []byte("hello"), "an array": []byte("[]"), "null": []byte("null"), "another type": []byte(`{"src":1}`),
		"no src":       change(good, func(m *Message) { m.Src = "" }),
		"broadcast":    change(good, func(m *Message) { m.Src = Broadcast }),
		"short id":     change(good, func(m *Message) { m.Src = "A1" }),
		"no hex":       change(good, func(m *Message) { m.Src = "00G1" }),
		"for another":  change(good, func(m *Message) { m.Dst = "00A2" }),
		"leader":       change(good, func(m *Message) { m.Leader = "me" }),
		"unknown type": change(good, func(m *Message) { m.Type = "steal" }),
		"no MID":       change(good, func(m *Message) { m.MID = "" }),
		"no key":       change(good, func(m *Message) { m.Key = "" }),
		"huge key":     change(good, func(m *Message) { m.Key = string(make([]byte, maxKey+1)) }),
		"huge value":   change(good, func(m *Message) { m.Value = string(make([]byte, maxValue+1)) }),
		"no part":      change(part, func(m *Message) { m.Part = nil }),
		"part -1":      change(part, func(m *Message) { m.Part.Number = -1 }),
		"part 1 of 1":  change(part, func(m *Message) { m.Part.Number = 1 }),
		"too many":     change(part, func(m *Message) { m.Part.Of = maxParts + 1 }),
	} {
		if _, err := parse(data, "00A0"); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
	for name, m := range map[string]Message{"put": good, "part": part} {
		if _, err := parse(change(m, func(*Message) {}), "00A0"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	c := newCluster(t, 1)
	r := c.replicas[c.ids[0]]
	conn, err := Dial(c.net.Port(), "C001")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for i := range uint64(20) {
		conn.Send(Message{Dst: c.ids[0], Type: "steal"})
		conn.Send(Message{Dst: c.ids[0], Type: typeRaft, Part: &Part{Call: i, Of: 1, Data: []byte("{}")}})
	}
	for end := time.Now().Add(20 * time.Second); r.Stats().Malformed < 40; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d of 40 counted", r.Stats().Malformed)
		}
	}
	if c.leader() != c.ids[0] {
		t.Error("the replica is gone")
	}
}

// Fragments that never become whole and calls that nobody awaits are forgotten.
func TestBoundedMemory(t *testing.T) {
	conn, err := Dial(9, "00A0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	tr := newTransport(conn)
	for i := range 10 * maxAssembled {
		tr.receive("00A1", &Part{Boot: 1, Call: uint64(i), Of: 2, Data: []byte("half")})
		tr.receive("00A1", &Part{Boot: tr.boot, Call: uint64(i), Answer: true, Of: 2, Data: []byte("half")})
	}
	if n := len(tr.peers["00A1"]); n > maxAssembled {
		t.Errorf("%d half messages are kept", n)
	}
	if len(tr.answers) != 0 {
		t.Errorf("%d answers that nobody awaits are kept", len(tr.answers))
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, c := range []Config{{ID: "1", Peers: []string{"00A1"}}, {ID: Broadcast}, {ID: "00A0", Peers: []string{"00A0"}}, {ID: "00A0", Peers: []string{"x"}}} {
		if r, err := Open(c); err == nil {
			r.Close()
			t.Errorf("%+v: accepted", c)
		}
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if r, err := Open(Config{ID: "00A0", Port: 9, Dir: file}); err == nil {
		r.Close()
		t.Error("a file as the directory: accepted")
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{`{}`, `{"src":"00A1","dst":"FFFF","leader":"FFFF","type":"hello"}`, `{"src":"00A1","dst":"00A0","type":"put","MID":"1","key":"k","value":"v"}`,
		`{"src":"00A1","dst":"00A0","type":"raft","raft":{"boot":1,"call":1,"number":0,"of":1,"data":"e30="}}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := parse(data, "00A0")
		if err == nil && m.Type == typeRaft {
			newAssembly(m.Part.Of).add(m.Part)
		}
	})
}
