package consensus_test

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"trivium/consensus"
	"trivium/consensus/consensustest"
)

func logOf(t *testing.T, db *consensus.DB) []consensus.LogLine {
	t.Helper()
	lines, err := db.Log(context.Background(), 0, 0)
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

// Each election adds exactly one NO-OP, at the same place of all logs.
func TestOneNoopPerTermOnAllNodes(t *testing.T) {
	c := consensustest.Cluster(t, 3)
	exec(t, c.Nodes[0].DB, writesTable)
	terms := map[uint64]bool{c.Leader().DB.Status().Term: true}
	for i := range 4 {
		leader := c.Leader()
		term := leader.DB.Status().Term
		switch {
		case i%2 == 0:
			j := c.Index(leader)
			c.Stop(j)
			c.Leader()
			c.Restart(j)
		default:
			if err := leader.DB.Transfer(context.Background(), ""); err != nil {
				t.Fatal(err)
			}
		}
		for end := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			if now := c.Leader().DB.Status(); now.Term > term {
				terms[now.Term] = true
				break
			}
			if time.Now().After(end) {
				t.Fatal("no new term")
			}
		}
		exec(t, c.Nodes[i%3].DB, `INSERT INTO writes VALUES (?)`, fmt.Sprint(i))
	}
	c.WaitEqual()
	var want []consensus.LogLine
	for _, n := range c.Nodes {
		got := slices.DeleteFunc(logOf(t, n.DB), func(l consensus.LogLine) bool { return !strings.HasPrefix(l.Text, "NO-OP") })
		seen := map[uint64]int{}
		for _, l := range got {
			if seen[l.Term]++; l.Text != fmt.Sprintf("NO-OP %d", l.Term) {
				t.Errorf("%s: %q in term %d", n.ID, l.Text, l.Term)
			}
		}
		for term, times := range seen {
			if times != 1 {
				t.Errorf("%s: %d NO-OPs in term %d", n.ID, times, term)
			}
		}
		for term := range terms {
			if seen[term] != 1 {
				t.Errorf("%s: no NO-OP of term %d, which had a leader", n.ID, term)
			}
		}
		if want == nil {
			want = got
		} else if !slices.Equal(got, want) {
			t.Errorf("%s has %v, the first node %v", n.ID, got, want)
		}
	}
}

func TestLogShowsCommandsWithoutPersonalData(t *testing.T) {
	db := consensustest.Open(t)
	exec(t, db, `CREATE TABLE kv (k TEXT PRIMARY KEY, v ANY) STRICT`)
	put := func(args ...any) {
		var b consensus.Batch
		b.Label = consensus.LabelSet
		for i := 0; i < len(args); i += 2 {
			b.Exec(`INSERT INTO kv (k, v) VALUES (?1, ?2) ON CONFLICT (k) DO UPDATE SET v = ?2`, args[i], args[i+1])
		}
		b.Exec(`DELETE FROM kv WHERE k = ? AND v = ?`, "another", "statement")
		if _, err := db.Apply(context.Background(), &b); err != nil {
			t.Fatal(err)
		}
	}
	put("x", "5")
	put("a", "1", "b", []byte("two words"))
	put("line", "one\ntwo", "number", 7)
	put("long", strings.Repeat("ä", 500))
	apply(t, db, func(b *consensus.Batch) {
		b.Exec(`INSERT OR IGNORE INTO kv VALUES (?, ?)`, "secret@example.edu", "Jo Secret")
	})
	apply(t, db, func(b *consensus.Batch) {
		b.Label = "enrol in\na course"
		b.Exec(`INSERT INTO kv VALUES ('secret', 'x')`)
	})
	exec(t, db, `-- secret
		/* secret */ UPDATE kv SET v = 'secret' WHERE k = 'secret'`)
	term := db.Status().Term
	var got []string
	for _, l := range logOf(t, db) {
		if strings.HasPrefix(l.Text, "CMD configuration") { // of the foundation
			continue
		}
		if l.Term != term || !strings.HasSuffix(l.Text, fmt.Sprintf(" %d", term)) {
			t.Errorf("%+v, the term is %d", l, term)
		}
		got = append(got, strings.TrimSuffix(l.Text, fmt.Sprintf(" %d", term)))
	}
	for _, want := range []string{"NO-OP", "SET x 5", "SET a 1", "SET b two words", `SET line one\ntwo`, "SET number 7",
		"CMD create-kv", "CMD insert-kv", "CMD enrol-in-a-course", "CMD update-kv"} {
		if !slices.Contains(got, want) {
			t.Errorf("no %q in %q", want, got)
		}
	}
	all := strings.Join(got, "\n")
	if strings.Contains(strings.ToLower(all), "secret") || strings.Contains(all, strings.Repeat("ä", 101)) {
		t.Errorf("the log shows %s", all)
	}
	if lines, err := db.Log(context.Background(), db.Applied(), db.Applied()); err != nil || len(lines) != 1 {
		t.Errorf("one entry: %v %v", lines, err)
	}
	m, err := db.Metadata()
	want := fmt.Sprintf("commitLength %d\nTerm %d\nvotedFor %s\n", db.Status().Commit, term, db.Status().ID)
	if err != nil || m.String() != want {
		t.Errorf("metadata %q, %v; want %q", m, err, want)
	}
}

// recorder keeps the event log of all nodes.
type recorder struct {
	mu    sync.Mutex
	lines []string
}

func (r *recorder) config(c *consensus.Config) {
	c.Events = func(line string) {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.lines = append(r.lines, line)
	}
}

func (r *recorder) wait(t *testing.T, line string) {
	t.Helper()
	want := regexp.MustCompile("^" + line + "$")
	for end := time.Now().Add(patience); ; time.Sleep(5 * time.Millisecond) {
		r.mu.Lock()
		found := slices.ContainsFunc(r.lines, want.MatchString)
		r.mu.Unlock()
		if found {
			return
		}
		if time.Now().After(end) {
			t.Errorf("the event log has no line %q", line)
			return
		}
	}
}

func TestEventLog(t *testing.T) {
	var r recorder
	c := consensustest.Cluster(t, 3, r.config)
	exec(t, c.Nodes[0].DB, `CREATE TABLE kv (k TEXT PRIMARY KEY, v TEXT) STRICT`)
	leader := c.Leader()
	apply(t, leader.DB, func(b *consensus.Batch) {
		b.Label = consensus.LabelSet
		b.Exec(`INSERT INTO kv VALUES (?, ?)`, "x", "5")
	})
	r.wait(t, "Leader "+leader.ID+" sending heartbeat & Renewing Lease")
	r.wait(t, "Node "+leader.ID+` \(leader\) received an SET x 5 request\.`)
	r.wait(t, "Node "+leader.ID+` \(leader\) committed the entry SET x 5 to the state machine\.`)
	for _, n := range c.Nodes {
		if n != leader {
			r.wait(t, "Node "+n.ID+` \(follower\) committed the entry SET x 5 to the state machine\.`)
			r.wait(t, "Node "+n.ID+" accepted AppendEntries RPC from "+leader.ID+`\.`)
		}
	}
	c.Isolate(c.Index(leader)) // a node that is stopped would hand over
	next := leader
	for end := time.Now().Add(patience); next == leader; time.Sleep(time.Millisecond) {
		if next = c.Leader(); time.Now().After(end) {
			t.Fatal("no other leader")
		}
	}
	term := next.DB.Status().Term
	c.Stop(c.Index(leader))
	c.Heal()
	r.wait(t, fmt.Sprintf(`Node %s election timer timed out, Starting election\.`, next.ID))
	r.wait(t, fmt.Sprintf(`Vote granted for Node %s in term %d\.`, next.ID, term))
	r.wait(t, fmt.Sprintf(`Node %s became the leader for term %d\.`, next.ID, term))
	r.wait(t, `Error occurred while sending RPC to Node `+leader.ID+`\.`)
	c.Restart(c.Index(leader))
	for end := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		err := c.Leader().DB.Transfer(context.Background(), leader.ID)
		if err == nil {
			break
		}
		if !errors.Is(err, consensus.ErrMembership) || time.Now().After(end) { // else it has not caught up
			t.Fatal(err)
		}
	}
	r.wait(t, next.ID+" Stepping down")
}

// A slow reader of the event log holds nothing up.
func TestEventLogIsNeverWaitedFor(t *testing.T) {
	release := make(chan struct{})
	db := consensustest.Open(t, func(c *consensus.Config) { c.Events = func(string) { <-release } })
	defer close(release)
	exec(t, db, writesTable)
	for i := range 3000 { // more than fit into the queue
		exec(t, db, `INSERT INTO writes VALUES (?)`, fmt.Sprint(i))
	}
}
