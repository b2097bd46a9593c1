package main

import (
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// askSQL makes a request of the port for SQL.
func askSQL(t *testing.T, url, login, password, body string) (int, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.SetBasicAuth(login, password)
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

// TestSQLPort: administrators of the site reach the database, and nobody else does.
func TestSQLPort(t *testing.T) {
	s := startServer(t, t.TempDir(), "--sql", "127.0.0.1:0", "--sql-write", "--log-level", "info")
	var at []string
	eventually(t, "the log says where SQL is served", func() bool {
		at = regexp.MustCompile(`SQL is served to administrators".* url=(\S+)`).FindStringSubmatch(s.log.String())
		return at != nil
	})
	password := func(args ...string) string {
		out := must(t, append([]string{"user", "create", "--data", s.data}, args...)...)
		_, p, _ := strings.Cut(out, "Password: ")
		return strings.TrimSpace(p)
	}
	root, guest := password("root", "--name", "Root", "--admin"), password("ines", "--name", "Ines Falk")
	for _, x := range []struct {
		name, path, login, password, body string
		status                            int
		want                              string
	}{
		{"an administrator writes", "/db/execute", "root", root, `["UPDATE users SET name = 'Ines F.' WHERE login = 'ines'"]`, 200, `"rows_affected":1`},
		{"and reads", "/db/query", "root", root, `["SELECT name FROM users WHERE login = 'ines'"]`, 200, "Ines F."},
		{"a wrong password", "/db/query", "root", root + "x", `["SELECT 1"]`, 401, "do not belong"},
		{"nobody", "/db/query", "nobody", "x", `["SELECT 1"]`, 401, "do not belong"},
		{"somebody else", "/db/query", "ines", guest, `["SELECT 1"]`, 403, "administrators"},
		{"the audit log", "/db/query", "root", root, `["SELECT actor, object, details FROM audit_log WHERE action = 'sql.write'"]`, 200, `["root","database","{\"statements\":\"1\",\"writing\":\"1\"}"]`},
	} {
		t.Run(x.name, func(t *testing.T) {
			if status, text := askSQL(t, at[1]+x.path, x.login, x.password, x.body); status != x.status || !strings.Contains(text, x.want) {
				t.Errorf("%d %s; want %d with %s", status, text, x.status, x.want)
			}
		})
	}
	again := strings.TrimSpace(must(t, "user", "set-password", "root", "--data", s.data))
	if status, text := askSQL(t, at[1]+"/db/query", "root", root, `["SELECT 1"]`); status != 401 {
		t.Errorf("the old password still counts: %d %s (%s)", status, text, again)
	}
	s.stop(t)
	s = startServer(t, s.data, "--log-level", "info")
	eventually(t, "the log says that the node is ready", func() bool { return strings.Contains(s.log.String(), "msg=ready") })
	if strings.Contains(s.log.String(), "SQL is served") {
		t.Error("SQL is served though nobody asked for it")
	}
}

func TestSQLPortIsRefused(t *testing.T) {
	for _, x := range []struct{ args, want string }{
		{"--sql-write", "--sql"},
		{"--sql 4001", "host:port"},
		{"--sql 0.0.0.0:0", "encryption"},
		{"--sql 192.0.2.1:4001", "encryption"},
	} {
		args := append([]string{"serve", "--data", t.TempDir(), "--http", "127.0.0.1:0", "--cluster", "127.0.0.1:0"}, strings.Fields(x.args)...)
		if _, errs, err := trivium(t, args...); err == nil || !strings.Contains(errs, x.want) {
			t.Errorf("%s: %v %q", x.args, err, errs)
		}
	}
}
