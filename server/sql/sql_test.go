package sql_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rqlite/gorqlite"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/consensus/consensustest"
	"trivium/server/sql"
)

// cluster is three nodes that serve SQL to "root" with the password "right".
type cluster struct {
	*consensustest.Set
	urls map[*consensustest.Node]string

	mu      sync.Mutex
	records []string
}

func newCluster(t *testing.T, write bool) *cluster {
	t.Helper()
	c := &cluster{Set: consensustest.Cluster(t, 3), urls: map[*consensustest.Node]string{}}
	for _, n := range c.Nodes {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		c.urls[n] = "http://" + ln.Addr().String()
		s, err := sql.New(sql.Config{
			DB: n.DB, Network: n.Network, Address: n.Address, URL: c.urls[n], Version: "v1", Write: write, Dir: n.Dir,
			Authenticate: authenticate, Audit: c.audit, Logger: slog.New(slog.DiscardHandler),
		}, ln)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return c
}

func authenticate(_ context.Context, login, password, _ string) (lms.Actor, error) {
	if login != "root" || password != "right" {
		return lms.Actor{}, lms.Errorf(lms.KindSignIn, "This user name and password do not belong together.")
	}
	return lms.Actor{UserID: "u1", Login: login, Admin: true}, nil
}

func (c *cluster) audit(_ context.Context, a lms.Actor, _ string, action lms.AuditAction, object string, details ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.records = append(c.records, fmt.Sprint(a.Login, action, object, details))
	return nil
}

func (c *cluster) recorded() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.records)
}

// connect opens gorqlite on one node, not knowing of the others.
func (c *cluster) connect(t *testing.T, n *consensustest.Node, options string) *gorqlite.Connection {
	t.Helper()
	conn, err := gorqlite.Open(strings.Replace(c.urls[n], "http://", "http://root:right@", 1) + "/?" + options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

// ask makes one request with the administrator's password and returns status and body.
func ask(t *testing.T, method, url, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.SetBasicAuth("root", "right")
	return do(t, r)
}

func do(t *testing.T, r *http.Request) (int, string) {
	t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(text)
}

func until(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !cond(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within half a minute: %s", what)
		}
	}
}

// newFormat waits until the nodes have told each other that all know it.
func (c *cluster) newFormat(t *testing.T) {
	t.Helper()
	until(t, "the new format is in use", func() bool {
		var b consensus.Batch
		b.Exec(`CREATE TABLE IF NOT EXISTS warm (a)`)
		if _, err := c.Leader().DB.Apply(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
		return c.Leader().DB.Status().InUse >= 3
	})
}

// TestGorqlite goes through what rqlite's own client for Go does, on the leader and on a follower.
func TestGorqlite(t *testing.T) {
	c := newCluster(t, true)
	c.newFormat(t)
	for name, n := range map[string]*consensustest.Node{"leader": c.Leader(), "follower": c.Follower()} {
		t.Run(name, func(t *testing.T) {
			conn := c.connect(t, n, "disableClusterDiscovery=true")
			table := "t_" + name
			write := func(q string, args ...any) gorqlite.WriteResult {
				t.Helper()
				r, err := conn.WriteOneParameterized(gorqlite.ParameterizedStatement{Query: q, Arguments: args})
				if err != nil {
					t.Fatalf("%s: %v %v", q, err, r.Err)
				}
				return r
			}
			write(`CREATE TABLE ` + table + ` (id INTEGER PRIMARY KEY, name TEXT UNIQUE, n REAL, b BLOB)`)
			if r := write(`INSERT INTO `+table+` (name, n) VALUES (?, ?), (?, NULL)`, "a", 1.5, "b"); r.RowsAffected != 2 || r.LastInsertID != 2 {
				t.Errorf("insert: %+v", r)
			}
			if r := write(`UPDATE ` + table + ` SET n = 2`); r.RowsAffected != 2 || r.LastInsertID != 0 {
				t.Errorf("update: %+v", r)
			}
			r, err := conn.WriteOneParameterized(gorqlite.ParameterizedStatement{Query: `INSERT INTO ` + table + ` (name) VALUES (?)`, Arguments: []any{"a"}})
			if err == nil || r.Err == nil || !strings.Contains(r.Err.Error(), "UNIQUE constraint failed") {
				t.Errorf("a duplicate: %v %+v", err, r)
			}
			for _, level := range []string{"none", "weak", "linearizable", "strong"} {
				reader := c.connect(t, n, "disableClusterDiscovery=true&level="+level)
				q, err := reader.QueryOneParameterized(gorqlite.ParameterizedStatement{Query: `SELECT id, name, n FROM ` + table + ` WHERE name > ?`, Arguments: []any{"a"}})
				if err != nil || !q.Next() {
					t.Fatalf("%s: %v %v", level, err, q.Err)
				}
				var id int64
				var s string
				var f float64
				if err := q.Scan(&id, &s, &f); err != nil || id != 2 || s != "b" || f != 2 || fmt.Sprint(q.Types()) != "[integer text real]" {
					t.Errorf("%s: %d %q %g %v %v", level, id, s, f, q.Types(), err)
				}
			}
			testReturning(t, conn, table)
			testTransaction(t, conn, table)
			testQueue(t, conn, table)
		})
	}
	c.WaitEqual()
	if all := c.recorded(); len(all) == 0 || all[0] != "rootsql.writedatabase[statements 1 writing 1]" {
		t.Errorf("the audit log: %q", all)
	}
}

func testReturning(t *testing.T, conn *gorqlite.Connection, table string) {
	t.Helper()
	all, err := conn.RequestParameterized([]gorqlite.ParameterizedStatement{
		{Query: `INSERT INTO ` + table + ` (name) VALUES (?) RETURNING id, name`, Arguments: []any{"c"}},
		{Query: `SELECT count(*) FROM ` + table},
		{Query: `DELETE FROM ` + table + ` WHERE name = 'c'`},
	})
	if err != nil || len(all) != 3 || all[0].Query == nil || !all[0].Query.Next() {
		t.Fatalf("RETURNING: %v %+v", err, all)
	}
	if m, err := all[0].Query.Map(); err != nil || fmt.Sprint(m) != "map[id:3 name:c]" {
		t.Errorf("RETURNING: %v %v", m, err)
	}
	if all[1].Query == nil || !all[1].Query.Next() || all[2].Write == nil || all[2].Write.RowsAffected != 1 {
		t.Errorf("the rest: %+v", all)
	}
}

func testTransaction(t *testing.T, conn *gorqlite.Connection, table string) {
	t.Helper()
	count := func() (n int) {
		q, err := conn.QueryOne(`SELECT count(*) FROM ` + table)
		if err != nil || !q.Next() || q.Scan(&n) != nil {
			t.Fatalf("count: %v", err)
		}
		return n
	}
	before := count()
	if err := conn.SetExecutionWithTransaction(true); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]string{`INSERT INTO ` + table + ` (name) VALUES ('x')`, `INSERT INTO ` + table + ` (name) VALUES ('a')`}); err == nil {
		t.Error("a transaction with a duplicate has succeeded")
	}
	if n := count(); n != before {
		t.Errorf("a failed transaction has left %d rows", n-before)
	}
	r, err := conn.Write([]string{`INSERT INTO ` + table + ` (id, name) VALUES (10, 'x')`, `INSERT INTO ` + table + ` (name) VALUES ('y')`})
	if err != nil || len(r) != 2 || r[0].LastInsertID != 10 || r[1].LastInsertID != 11 {
		t.Errorf("transaction: %v %+v", err, r)
	}
	if err := conn.SetExecutionWithTransaction(false); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write([]string{`INSERT INTO ` + table + ` (name) VALUES ('z')`, `INSERT INTO ` + table + ` (name) VALUES ('a')`}); err == nil {
		t.Error("a duplicate is no error")
	}
	if n := count(); n != before+3 {
		t.Errorf("%d rows; want what stood before the duplicate", n)
	}
}

func testQueue(t *testing.T, conn *gorqlite.Connection, table string) {
	t.Helper()
	for i := range 5 {
		if seq, err := conn.QueueOneParameterized(gorqlite.ParameterizedStatement{Query: `INSERT INTO ` + table + ` (name) VALUES (?)`, Arguments: []any{fmt.Sprint("q", i)}}); err != nil || seq == 0 {
			t.Fatalf("queue: %d %v", seq, err)
		}
	}
	until(t, "the queue is written", func() bool {
		q, err := conn.QueryOne(`SELECT count(*) FROM ` + table + ` WHERE name LIKE 'q%'`)
		var n int
		return err == nil && q.Next() && q.Scan(&n) == nil && n == 5
	})
}
