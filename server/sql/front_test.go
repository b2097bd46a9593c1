package sql_test

import (
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"trivium/consensus/consensustest"
)

// TestForms holds answers to the bytes of rqlite's.
func TestForms(t *testing.T) {
	c := newCluster(t, true)
	c.newFormat(t)
	at := c.urls[c.Follower()]
	for _, x := range []struct{ name, method, path, body, want string }{
		{"create", "POST", "/db/execute", `["CREATE TABLE f (id INTEGER PRIMARY KEY, a TEXT, b BLOB, d DATETIME)"]`, `{"results":[{}]}`},
		{"positions", "POST", "/db/execute", `[["INSERT INTO f(a) VALUES(?)", "it's"]]`, `{"results":[{"last_insert_id":1,"rows_affected":1}]}`},
		{"names", "POST", "/db/execute", `[["INSERT INTO f(a, d) VALUES(:a, $when), (@b, NULL)", {"a": "x", "b": 5, "when": "2026-01-02"}]]`, `{"results":[{"last_insert_id":3,"rows_affected":2}]}`},
		{"a name too few", "POST", "/db/execute", `[["INSERT INTO f(a) VALUES(:a)", {"b": 1}]]`, `{"results":[{"error":"there is no parameter for placeholder 1 (a)"}]}`},
		{"a position too few", "POST", "/db/execute", `[["INSERT INTO f(a, d) VALUES(?, ?)", 1]]`, `{"results":[{"error":"1 parameters for 2 placeholders"}]}`},
		{"RETURNING", "POST", "/db/execute", `["UPDATE f SET b = x'00ff' WHERE id = 1 RETURNING id, b"]`, `{"results":[{"columns":["id","b"],"types":["integer","blob"],"values":[[1,"AP8="]]}]}`},
		{"query", "GET", "/db/query?q=" + url.QueryEscape("SELECT id, a, d, id+1 AS n FROM f WHERE id > 1"), "",
			`{"results":[{"columns":["id","a","d","n"],"types":["integer","text","datetime","integer"],"values":[[2,"x","2026-01-02T00:00:00Z",3],[3,"5",null,4]]}]}`},
		{"associative", "POST", "/db/query?associative", `["SELECT a FROM f WHERE id = 2"]`, `{"results":[{"types":{"a":"text"},"rows":[{"a":"x"}]}]}`},
		{"no rows", "POST", "/db/query?level=auto", `["SELECT a FROM f WHERE id = 0"]`, `{"results":[{"columns":["a"],"types":["text"]}]}`},
		{"several queries of one state", "POST", "/db/query?transaction&level=strong", `["SELECT 1", "SELECT 'b'"]`,
			`{"results":[{"columns":["1"],"types":["integer"],"values":[[1]]},{"columns":["'b'"],"types":["text"],"values":[["b"]]}]}`},
		{"a mistake", "POST", "/db/query", `["SELECT nosuch"]`, `{"results":[{"error":"no such column: nosuch"}]}`},
		{"no writing query", "POST", "/db/query", `["DELETE FROM f"]`, `{"results":[{"error":"attempt to change database via query operation"}]}`},
		{"no other files", "POST", "/db/query", `["ATTACH '/tmp/x' AS y"]`, `{"results":[{"error":"attempt to change database via query operation"}]}`},
		{"no second statement", "POST", "/db/query", `["SELECT 1; SELECT 2"]`, `{"results":[{"error":"attempt to change database via query operation"}]}`},
		{"mixed", "POST", "/db/request?transaction", `["INSERT INTO f(id) VALUES(9)", "SELECT count(*) AS n FROM f", "DELETE FROM f WHERE id = 9"]`,
			`{"results":[{"last_insert_id":9,"rows_affected":1},{"columns":["n"],"types":["integer"],"values":[[4]]},{"rows_affected":1}]}`},
		{"random", "POST", "/db/execute", `["INSERT INTO f(a) VALUES(random())"]`, `{"results":[{"error":"not authorized to use function: random"}]}`},
		{"now", "POST", "/db/request", `["INSERT INTO f(a) VALUES(datetime('now'))"]`, `{"results":[{"error":"not authorized to use function: datetime"}]}`},
		{"transaction control", "POST", "/db/execute", `["BEGIN"]`, `{"results":[{"error":"not authorized"}]}`},
		{"a failed transaction", "POST", "/db/execute?transaction", `["INSERT INTO f(id) VALUES(20)", "INSERT INTO f(id) VALUES(1)"]`, `{"results":[{"error":"UNIQUE constraint failed: f.id"}]}`},
		{"it left nothing", "POST", "/db/query?level=linearizable", `["SELECT count(*) FROM f"]`, `{"results":[{"columns":["count(*)"],"types":["integer"],"values":[[3]]}]}`},
	} {
		t.Run(x.name, func(t *testing.T) {
			if status, got := ask(t, x.method, at+x.path, x.body); status != http.StatusOK || got != x.want {
				t.Errorf("%d %s\nwant %s", status, got, x.want)
			}
		})
	}
	if status, text := ask(t, "POST", at+"/db/execute?queue&wait", `["INSERT INTO f(a) VALUES('queued')"]`); status != http.StatusOK || !strings.Contains(text, "sequence_number") {
		t.Errorf("queue and wait: %d %s", status, text)
	}
	if _, text := ask(t, "POST", at+"/db/query?level=none", `["SELECT count(*) FROM f WHERE a = 'queued'"]`); !strings.Contains(text, "[[1]]") {
		t.Errorf("what was waited for is not here: %s", text)
	}
	c.WaitEqual()
}

// TestOperations asks the leader and a follower for all but statements.
func TestOperations(t *testing.T) {
	c := newCluster(t, true)
	leader, follower := c.Leader(), c.Follower()
	for name, n := range map[string]*consensustest.Node{"leader": leader, "follower": follower} {
		t.Run(name, func(t *testing.T) {
			at := c.urls[n]
			for path, want := range map[string][]string{
				"/status":           {`"version":"v1"`, `"leader":{"addr":"` + leader.Address + `","node_id":"` + leader.ID + `"}`, `"auth":"enabled"`},
				"/nodes":            {`"` + follower.ID + `":{"id":"` + follower.ID + `","api_addr":"` + c.urls[follower] + `"`, `"reachable":true,"leader":true`},
				"/nodes?ver=2":      {`{"nodes":[{"id":"n1"`},
				"/leader":           {`"api_addr":"` + c.urls[leader] + `"`},
				"/readyz":           {"[+]node ok\n[+]leader ok\n[+]store ok"},
				"/readyz?sync":      {"[+]sync ok"},
				"/db/backup":        {"SQLite format 3"},
				"/debug/vars":       {`"http"`},
				"/db/query?q=x":     {`"error"`},
				"/db/backup?vacuum": {"SQLite format 3"},
			} {
				status, text := ask(t, "GET", at+path, "")
				for _, w := range want {
					if status != http.StatusOK || !strings.Contains(text, w) {
						t.Errorf("%s: %d without %s:\n%.2000s", path, status, w, text)
					}
				}
			}
			if status, text := ask(t, "GET", at+"/db/backup?fmt=sql", ""); status != http.StatusOK || !strings.Contains(text, "BEGIN TRANSACTION") || !strings.Contains(text, "raft_state") {
				t.Errorf("as SQL: %d %.300s", status, text)
			}
			if left, err := filepath.Glob(filepath.Join(n.Dir, "sql-backup-*")); err != nil || len(left) > 0 {
				t.Errorf("copies are left behind: %v %v", left, err)
			}
			for _, path := range []string{"/db/load", "/boot"} {
				if status, text := ask(t, "POST", at+path, "SQLite format 3\x00 and so on"); status != http.StatusForbidden || !strings.Contains(text, "trivium restore") {
					t.Errorf("%s: %d %s", path, status, text)
				}
			}
			if status, text := ask(t, "POST", at+"/snapshot", ""); status == http.StatusOK || !strings.Contains(text, "by the node itself") {
				t.Errorf("snapshot: %d %s", status, text)
			}
		})
	}
	if status, text := ask(t, "DELETE", c.urls[follower]+"/remove", `{"id":"nobody"}`); status == http.StatusOK || !strings.Contains(text, "nobody") {
		t.Errorf("remove nobody: %d %s", status, text)
	}
	if status, text := ask(t, "POST", c.urls[follower]+"/leader", `{"id":"`+follower.ID+`"}`); status != http.StatusOK {
		t.Errorf("stepdown: %d %s", status, text)
	}
	until(t, "the follower leads", func() bool { return follower.DB.IsLeader() })
	if status, text := ask(t, "DELETE", c.urls[follower]+"/remove", `{"id":"`+leader.ID+`"}`); status != http.StatusOK {
		t.Errorf("remove: %d %s", status, text)
	}
	until(t, "it is removed", func() bool {
		nodes, err := follower.DB.Nodes(t.Context())
		return err == nil && len(nodes) == 2
	})
}

// TestRefused: nobody is heard without a password, from another site, or when writing is off.
func TestRefused(t *testing.T) {
	c := newCluster(t, false)
	at := c.urls[c.Leader()]
	for _, x := range []struct {
		name, method, path, login, password, origin string
		want                                        int
		text                                        string
	}{
		{"no password", "GET", "/status", "", "", "", 401, "administrator"},
		{"wrong password", "GET", "/status", "root", "wrong", "", 401, "do not belong"},
		{"wrong password for a write", "POST", "/db/execute", "root", "wrong", "", 401, "do not belong"},
		{"not even preflights", "OPTIONS", "/db/execute", "", "", "", 401, ""},
		{"another site", "POST", "/db/query", "root", "right", "https://evil.example", 403, "other sites"},
		{"a write", "POST", "/db/execute", "root", "right", "", 403, "--sql-write"},
		{"a queued write", "POST", "/db/execute?queue", "root", "right", "", 403, "--sql-write"},
		{"a write by request", "POST", "/db/request", "root", "right", "", 200, "--sql-write"},
		{"a removal", "DELETE", "/remove", "root", "right", "", 403, "--sql-write"},
		{"a profile", "GET", "/debug/pprof/profile", "root", "right", "", 403, "site's own"},
		{"a read", "POST", "/db/query", "root", "right", "", 200, "attempt to change"},
	} {
		t.Run(x.name, func(t *testing.T) {
			r, err := http.NewRequestWithContext(t.Context(), x.method, at+x.path, strings.NewReader(`["CREATE TABLE evil (a)"]`))
			if err != nil {
				t.Fatal(err)
			}
			if x.login != "" {
				r.SetBasicAuth(x.login, x.password)
			}
			if x.origin != "" {
				r.Header.Set("Origin", x.origin)
			}
			status, text := do(t, r)
			if status != x.want || !strings.Contains(text, x.text) {
				t.Errorf("%d %s; want %d with %q", status, text, x.want, x.text)
			}
		})
	}
	if _, text := ask(t, "GET", at+"/db/query?q=SELECT+count(*)+FROM+sqlite_schema+WHERE+name='evil'", ""); !strings.Contains(text, "[[0]]") {
		t.Errorf("a refused write was done: %s", text)
	}
}

// TestReadsAreRecorded: what only reads changes nothing, but it shows everybody's work.
func TestReadsAreRecorded(t *testing.T) {
	c := newCluster(t, false)
	want := []string{"rootsql.readdatabase[statements 1]", "rootsql.readdatabase[statements 2]"}
	if status, text := ask(t, "GET", c.urls[c.Leader()]+"/db/query?q=SELECT+1", ""); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	until(t, "the query is recorded", func() bool { return slices.Equal(c.recorded(), want[:1]) })
	at := c.urls[c.Follower()] // each node records by itself
	if status, text := ask(t, "POST", at+"/db/request", `["SELECT 1", "SELECT 2"]`); status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	until(t, "the request is recorded", func() bool { return slices.Equal(c.recorded(), want) })
	if status, text := ask(t, "POST", at+"/db/request", `["DELETE FROM t"]`); status != http.StatusOK || !strings.Contains(text, "--sql-write") {
		t.Fatalf("%d %s", status, text)
	}
	if all := c.recorded(); !slices.Equal(all, want) {
		t.Errorf("what is refused as a whole is recorded: %q", all)
	}
}
