package consensus_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trivium/consensus"
	"trivium/consensus/consensustest"
)

// load writes numbered rows through all nodes until stop, each once, and keeps what was acknowledged.
type load struct {
	mu     sync.Mutex
	acked  []string
	failed []error
	wg     sync.WaitGroup
	stop   atomic.Bool
}

func startLoad(c *consensustest.Set, clients int) *load {
	l, nodes := &load{}, len(c.Nodes)
	for i := range clients {
		l.wg.Go(func() {
			for n := 0; !l.stop.Load(); n++ {
				l.write(c.DB((i+n)%nodes), fmt.Sprintf("c%d-%d", i, n))
			}
		})
	}
	return l
}

func (l *load) write(db *consensus.DB, id string) {
	if db == nil {
		time.Sleep(time.Millisecond)
		return
	}
	var b consensus.Batch
	b.Key = id
	b.Exec(`INSERT INTO writes VALUES (?)`, id)
	ctx, cancel := context.WithTimeout(context.Background(), 15*time.Second)
	defer cancel()
	_, err := db.Apply(ctx, &b)
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case err == nil:
		l.acked = append(l.acked, id)
	case errors.Is(err, consensus.ErrUnavailable), errors.Is(err, consensus.ErrUnknown):
	default: // a second effect would be a constraint error
		l.failed = append(l.failed, err)
	}
}

func (l *load) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.acked)
}

// waitFor waits until n more writes were acknowledged.
func (l *load) waitFor(t *testing.T, n int) {
	t.Helper()
	goal := l.count() + n
	for end := time.Now().Add(30 * time.Second); l.count() < goal; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("writes stand still at %d, goal %d", l.count(), goal)
		}
	}
}

// check ends the load: everything acknowledged is there, and nothing failed.
func (l *load) check(t *testing.T, db *consensus.DB) {
	t.Helper()
	l.stop.Store(true)
	l.wg.Wait()
	for _, err := range l.failed {
		t.Errorf("write: %v", err)
	}
	rows, err := db.Query(context.Background(), consensus.Linearizable, `SELECT id FROM writes`)
	if err != nil {
		t.Fatal(err)
	}
	there := map[string]bool{}
	for _, r := range rows.Values {
		there[r[0].(string)] = true
	}
	for _, id := range l.acked {
		if !there[id] {
			t.Errorf("acknowledged and lost: %s", id)
		}
	}
	t.Logf("%d writes acknowledged, %d rows", len(l.acked), len(there))
}

const writesTable = `CREATE TABLE writes (id TEXT PRIMARY KEY) STRICT`

func TestAcknowledgedWritesSurviveLeaderStops(t *testing.T) {
	c := consensustest.Cluster(t, 3)
	exec(t, c.Nodes[0].DB, writesTable)
	l := startLoad(c, 8)
	for range 3 {
		l.waitFor(t, 50)
		i := c.Index(c.Leader())
		c.Stop(i)
		l.waitFor(t, 50)
		c.Restart(i)
		c.WaitReady(i)
	}
	l.check(t, c.Leader().DB)
	c.WaitEqual()
}

func TestRetryAfterLeaderChangeReturnsTheFirstResult(t *testing.T) {
	c := consensustest.Cluster(t, 3)
	exec(t, c.Nodes[0].DB, `CREATE TABLE t (a INTEGER) STRICT`)
	keyed := func(digest string) *consensus.Batch {
		var b consensus.Batch
		b.Key, b.Digest = "request-1", []byte(digest)
		b.Exec(`INSERT INTO t VALUES (1)`)
		b.Return(`SELECT count(*) FROM t`)
		return &b
	}
	first, err := c.Leader().DB.Apply(context.Background(), keyed("content"))
	if err != nil || first.Replayed {
		t.Fatalf("%+v %v", first, err)
	}
	c.Stop(c.Index(c.Leader()))
	for _, n := range c.Nodes {
		if n.DB == nil {
			continue
		}
		again, err := n.DB.Apply(context.Background(), keyed("content"))
		if err != nil || !again.Replayed || again.Index != first.Index || again.Rows.Values[0][0] != int64(1) {
			t.Errorf("%s: %+v %v", n.ID, again, err)
		}
		if _, err := n.DB.Apply(context.Background(), keyed("other")); !errors.Is(err, consensus.ErrKeyConflict) {
			t.Errorf("%s: other content: %v", n.ID, err)
		}
	}
	if n := number(t, c.Leader().DB, consensus.Linearizable, `SELECT count(*) FROM t`); n != 1 {
		t.Errorf("%d rows", n)
	}
}

func TestErrorsTravelFromTheLeader(t *testing.T) {
	c := consensustest.Cluster(t, 3)
	exec(t, c.Nodes[0].DB, `CREATE TABLE t (a INTEGER PRIMARY KEY) STRICT`)
	mine := errors.New("my refusal")
	for _, n := range c.Nodes {
		var guarded, constraint, broken consensus.Batch
		guarded.Require(errors.New("not this one"), `1`)
		guarded.Require(mine, `EXISTS (SELECT 1 FROM t WHERE a = ?)`, 99)
		guarded.Exec(`INSERT INTO t VALUES (1)`)
		constraint.Exec(`INSERT INTO t VALUES (1), (1)`)
		broken.Exec(`INSERT INTO nowhere VALUES (1)`)
		if _, err := n.DB.Apply(context.Background(), &guarded); err != mine {
			t.Errorf("%s: guard: %v", n.ID, err)
		}
		if _, err := n.DB.Apply(context.Background(), &constraint); !errors.Is(err, consensus.ErrConstraint) {
			t.Errorf("%s: constraint: %v", n.ID, err)
		}
		if _, err := n.DB.Apply(context.Background(), &broken); err == nil || errors.Is(err, consensus.ErrUnknown) || errors.Is(err, consensus.ErrUnavailable) {
			t.Errorf("%s: broken SQL: %v", n.ID, err)
		}
	}
}

func TestRequestsAreHeldDuringAnElection(t *testing.T) {
	c := consensustest.Cluster(t, 3)
	exec(t, c.Nodes[0].DB, writesTable)
	follower := c.Follower()
	c.Stop(c.Index(c.Leader()))
	// The follower does not know yet: the request is forwarded in vain, then held, then proposed.
	exec(t, follower.DB, `INSERT INTO writes VALUES ('held')`)
	if n := number(t, follower.DB, consensus.Linearizable, `SELECT count(*) FROM writes`); n != 1 {
		t.Errorf("%d rows", n)
	}
}

func TestWithoutMajorityNothingIsChangedAndHeldIsBounded(t *testing.T) {
	c := consensustest.Cluster(t, 3, func(c *consensus.Config) { c.HoldTimeout, c.MaxHeld = time.Second, 4 })
	exec(t, c.Nodes[0].DB, writesTable)
	c.Stop(1)
	c.Stop(2)
	db := c.Nodes[0].DB
	waitState(t, db, func(s consensus.Status) bool { return s.State != "leader" && s.Leader == "" })
	var wg sync.WaitGroup
	var busy, unavailable atomic.Int32
	for i := range 20 {
		wg.Go(func() {
			var b consensus.Batch
			b.Exec(`INSERT INTO writes VALUES (?)`, fmt.Sprint(i))
			switch _, err := db.Apply(context.Background(), &b); {
			case errors.Is(err, consensus.ErrBusy):
				busy.Add(1)
			case errors.Is(err, consensus.ErrUnavailable):
				unavailable.Add(1)
			default:
				t.Errorf("got %v", err)
			}
		})
	}
	wg.Wait()
	if busy.Load() == 0 || unavailable.Load() == 0 {
		t.Errorf("%d busy, %d unavailable", busy.Load(), unavailable.Load())
	}
	if _, err := db.Query(context.Background(), consensus.Linearizable, `SELECT 1`); !errors.Is(err, consensus.ErrUnavailable) {
		t.Errorf("a linearizable read without a majority: %v", err)
	}
	if n := number(t, db, consensus.Local, `SELECT count(*) FROM writes`); n != 0 {
		t.Errorf("%d rows", n)
	}
	if err := db.WaitIndex(context.Background(), 1<<40); !errors.Is(err, consensus.ErrUnavailable) {
		t.Errorf("WaitIndex: %v", err)
	}
}

func waitState(t *testing.T, db *consensus.DB, ok func(consensus.Status) bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(db.Status()); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("still %+v", db.Status())
		}
	}
}

func TestContextEndsAWrite(t *testing.T) {
	c := consensustest.Cluster(t, 2)
	exec(t, c.Nodes[0].DB, writesTable)
	db := c.Follower().DB
	c.Stop(c.Index(c.Leader()))
	ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
	defer cancel()
	var b consensus.Batch
	b.Exec(`INSERT INTO writes VALUES ('x')`)
	_, err := db.Apply(ctx, &b)
	if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, consensus.ErrUnavailable) && !errors.Is(err, consensus.ErrUnknown) {
		t.Fatalf("got %v", err)
	}
}

func TestRestartOfAllNodes(t *testing.T) {
	c := consensustest.Cluster(t, 3)
	exec(t, c.Nodes[0].DB, writesTable)
	exec(t, c.Nodes[0].DB, `CREATE VIRTUAL TABLE f USING fts5(a)`)
	for i := range 30 {
		exec(t, c.Nodes[i%3].DB, `INSERT INTO writes VALUES (?)`, fmt.Sprint(i))
		exec(t, c.Nodes[i%3].DB, `INSERT INTO f VALUES (?)`, fmt.Sprint("word ", i))
	}
	for i := range c.Nodes {
		c.Stop(i)
	}
	for i := range c.Nodes {
		c.Restart(i)
	}
	for i := range c.Nodes {
		c.WaitReady(i)
		if n := number(t, c.Nodes[i].DB, consensus.Local, `SELECT count(*) FROM writes`); n != 30 {
			t.Errorf("%s is ready with %d rows", c.Nodes[i].ID, n)
		}
	}
	exec(t, c.Nodes[0].DB, `INSERT INTO f VALUES ('more words')`)
	c.WaitEqual()
}

func TestRestartedNodeIsReadyOnlyWhenItHasCaughtUp(t *testing.T) {
	c := consensustest.Cluster(t, 3)
	exec(t, c.Nodes[0].DB, writesTable)
	i := c.Index(c.Follower())
	c.Stop(i)
	for n := range 200 {
		exec(t, c.Leader().DB, `INSERT INTO writes VALUES (?)`, fmt.Sprint(n))
	}
	c.Restart(i)
	// The query waits: what it finds is not the past.
	if n := number(t, c.Nodes[i].DB, consensus.Local, `SELECT count(*) FROM writes`); n != 200 {
		t.Errorf("%d rows", n)
	}
	if !c.Nodes[i].DB.Status().Ready {
		t.Error("not ready")
	}
}

// A follower learns of a commit with the next message: a NO-OP brings it at once when the queue has run empty.
func TestIsolatedWriteReachesFollowersSoon(t *testing.T) {
	c := consensustest.Cluster(t, 3)
	leader, follower := c.Leader(), c.Follower()
	exec(t, leader.DB, writesTable)
	var total time.Duration
	const n = 20
	for i := range n {
		r := exec(t, leader.DB, `INSERT INTO writes VALUES (?)`, fmt.Sprint(i))
		start := time.Now()
		if err := follower.DB.WaitIndex(context.Background(), r.Index); err != nil {
			t.Fatal(err)
		}
		total += time.Since(start)
	}
	if mean := total / n; mean > 30*time.Millisecond {
		t.Errorf("followers are %s behind", mean)
	} else {
		t.Logf("followers are %s behind", mean)
	}
}

func TestLinearizableReadsSeeWhatWasAcknowledgedAnywhere(t *testing.T) {
	c := consensustest.Cluster(t, 3)
	exec(t, c.Nodes[0].DB, writesTable)
	for i := range 30 {
		exec(t, c.Nodes[i%3].DB, `INSERT INTO writes VALUES (?)`, fmt.Sprint(i))
		if n := number(t, c.Nodes[(i+1)%3].DB, consensus.Linearizable, `SELECT count(*) FROM writes`); n != i+1 {
			t.Fatalf("%d rows after %d writes", n, i+1)
		}
	}
	if err := c.Leader().DB.Transfer(context.Background(), ""); err != nil {
		t.Fatal(err)
	}
	exec(t, c.Nodes[0].DB, `INSERT INTO writes VALUES ('after')`)
	if n := number(t, c.Follower().DB, consensus.Linearizable, `SELECT count(*) FROM writes`); n != 31 {
		t.Errorf("%d rows", n)
	}
}

func TestWatchTellsTopicsOnEveryNode(t *testing.T) {
	c := consensustest.Cluster(t, 3)
	exec(t, c.Nodes[0].DB, writesTable)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var watches []<-chan consensus.Event
	for _, n := range c.Nodes {
		watches = append(watches, n.DB.Watch(ctx))
	}
	refused := &consensus.Batch{}
	refused.Notify("never")
	refused.Exec(`INSERT INTO nowhere VALUES (1)`)
	c.Nodes[1].DB.Apply(ctx, refused)
	r := apply(t, c.Nodes[1].DB, func(b *consensus.Batch) {
		b.Exec(`INSERT INTO writes VALUES ('x')`)
		b.Notify("course/1", "home/2")
	})
	for i, w := range watches {
		select {
		case e := <-w:
			if e.Index != r.Index || fmt.Sprint(e.Topics) != "[course/1 home/2]" || e.Lost {
				t.Errorf("node %d: %+v", i, e)
			}
		case <-time.After(10 * time.Second):
			t.Fatalf("node %d was told nothing", i)
		}
	}
	cancel()
	for range watches[0] {
	}
}
