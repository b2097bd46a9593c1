package consensus_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"trivium/consensus"
	"trivium/consensus/consensustest"
)

// calm gives leases that a busy machine does not lose.
func calm(c *consensus.Config) {
	c.HeartbeatTimeout, c.ElectionTimeout, c.LeaseTimeout = time.Second, time.Second, 800*time.Millisecond
}

func messages(s consensus.Status) (n uint64) {
	for _, v := range s.Sent {
		n += v
	}
	return n
}

// leased waits until the node holds the lease.
func leased(t *testing.T, db *consensus.DB) {
	t.Helper()
	waitState(t, db, func(s consensus.Status) bool { return time.Until(s.LeaseEnd) > 0 })
}

func TestLeaseReadsSendNothing(t *testing.T) {
	c := consensustest.Cluster(t, 3, calm)
	exec(t, c.Nodes[0].DB, writesTable)
	leader := c.Leader()
	leased(t, leader.DB)
	const reads = 1000
	count := func(level consensus.Level) (sent, background uint64) {
		before, start := messages(leader.DB.Status()), time.Now()
		for range reads {
			number(t, leader.DB, level, `SELECT count(*) FROM writes`)
		}
		// Two followers get a heartbeat each 100 ms and the commit index each 50 ms, at the most.
		return messages(leader.DB.Status()) - before, 2 * (2 + uint64(time.Since(start)/(30*time.Millisecond)))
	}
	if sent, background := count(consensus.Lease); sent > background {
		t.Errorf("%d messages for %d reads, %d would have been sent anyway", sent, reads, background)
	}
	if sent, _ := count(consensus.Linearizable); sent < reads {
		t.Errorf("only %d messages for %d linearizable reads: the test would not see any", sent, reads)
	}
}

func TestFollowerAsksTheLeaderOnceForALeaseRead(t *testing.T) {
	c := consensustest.Cluster(t, 3, calm)
	exec(t, c.Nodes[0].DB, writesTable)
	leader, follower := c.Leader(), c.Follower()
	leased(t, leader.DB)
	before := follower.DB.Status()
	heartbeats := leader.DB.Status().Sent["heartbeat"]
	exec(t, leader.DB, `INSERT INTO writes VALUES ('x')`)
	start := time.Now()
	for range 20 {
		if n := number(t, follower.DB, consensus.Lease, `SELECT count(*) FROM writes`); n != 1 {
			t.Fatalf("%d rows: the read is stale", n)
		}
	}
	after := follower.DB.Status()
	if got := after.Sent["readindex"] - before.Sent["readindex"]; got != 20 {
		t.Errorf("20 reads asked the leader %d times", got)
	}
	if got := leader.DB.Status().Sent["heartbeat"] - heartbeats; got > 2*(2+uint64(time.Since(start)/(80*time.Millisecond))) {
		t.Errorf("the leader sent %d heartbeats meanwhile", got)
	}
}

// A leader that is cut off answers under its lease, then no more; and before anybody else leads.
func TestNoLeaseReadAfterTheLease(t *testing.T) {
	var mu sync.Mutex
	var told []string
	c := consensustest.Cluster(t, 3, calm, func(c *consensus.Config) {
		c.HoldTimeout = 5 * time.Second
		c.Events = func(line string) {
			mu.Lock()
			defer mu.Unlock()
			told = append(told, line)
		}
	})
	exec(t, c.Nodes[0].DB, `CREATE TABLE registers (v INTEGER NOT NULL) STRICT`)
	exec(t, c.Nodes[0].DB, `INSERT INTO registers VALUES (1)`)
	old := c.Leader()
	leased(t, old.DB)
	c.Isolate(c.Index(old))
	cut := time.Now()
	var lastRead time.Time
	var changed time.Time // when the other side had begun to write
	served := 0
	for end := time.Now().Add(patience); changed.IsZero() || time.Since(changed) < time.Second; {
		if time.Now().After(end) {
			t.Fatal("no other leader")
		}
		for _, n := range c.Nodes {
			if n != old && n.DB.IsLeader() && changed.IsZero() {
				changed = time.Now()
				exec(t, n.DB, `UPDATE registers SET v = 2`)
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
		start := time.Now()
		rows, err := old.DB.Query(ctx, consensus.Lease, `SELECT v FROM registers`)
		cancel()
		if err != nil {
			if !errors.Is(err, consensus.ErrUnavailable) && !errors.Is(err, context.DeadlineExceeded) {
				t.Fatal(err)
			}
			continue
		}
		served++
		lastRead = start
		if !changed.IsZero() && start.After(changed) {
			t.Fatalf("the old leader still reads %v when another one leads", rows.Values[0])
		}
	}
	if after := lastRead.Sub(cut); served == 0 || after > 800*time.Millisecond {
		t.Errorf("%d reads were served, the last one %s after the cut", served, after)
	}
	if s := old.DB.Status(); s.State == "leader" || !s.LeaseEnd.IsZero() {
		t.Errorf("it still leads: %+v", s)
	}
	mu.Lock()
	all := strings.Join(told, "\n") + "\n"
	mu.Unlock()
	for _, want := range []string{"Leader " + old.ID + " lease renewal failed. Stepping Down.\n", old.ID + " Stepping down\n"} {
		if !strings.Contains(all, want) {
			t.Errorf("the event log lacks %q", want)
		}
	}
	c.Heal()
	if n := number(t, old.DB, consensus.Lease, `SELECT v FROM registers`); n != 2 {
		t.Errorf("after the partition it reads %d", n)
	}
	c.WaitEqual()
}

// Whatever is stopped and cut, no node says that it has the lease while another one leads in a later term.
func TestOneLeaseAtATime(t *testing.T) {
	c := consensustest.Cluster(t, 3)
	exec(t, c.Nodes[0].DB, writesTable)
	stop := make(chan struct{})
	var wg sync.WaitGroup
	leases := 0
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			default:
			}
			var ends [3]time.Time
			var terms [3]uint64
			for i := range c.Nodes {
				if db := c.DB(i); db != nil {
					s := db.Status()
					ends[i], terms[i] = s.LeaseEnd, s.Term
				}
			}
			for i := range c.Nodes { // what was true of i at its time lasts until its end
				if ends[i].IsZero() {
					continue
				}
				leases++
				for j := i + 1; j < len(c.Nodes); j++ {
					if db := c.DB(j); db != nil {
						if s := db.Status(); s.State == "leader" && s.Term > terms[i] && time.Now().Before(ends[i]) {
							t.Errorf("%s leads in term %d, the lease of %s in term %d lasts", c.Nodes[j].ID, s.Term, c.Nodes[i].ID, terms[i])
						}
					}
				}
			}
			time.Sleep(time.Millisecond)
		}
	})
	for range 3 {
		i := c.Index(c.Leader())
		leased(t, c.Nodes[i].DB)
		c.Isolate(i)
		other := (i + 1) % 3
		waitNew := func() {
			for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
				for j := range c.Nodes {
					if j != i && c.DB(j) != nil && c.DB(j).IsLeader() {
						return
					}
				}
				if time.Now().After(end) {
					t.Fatal("no other leader")
				}
			}
		}
		c.Restart(other) // forgets its promise
		if i != other {
			c.Isolate(i)
		}
		waitNew()
		c.Heal()
		c.WaitEqual()
	}
	close(stop)
	wg.Wait()
	if leases == 0 {
		t.Error("void: no lease was seen")
	}
}
