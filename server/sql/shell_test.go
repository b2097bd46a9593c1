package sql_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"trivium/consensus/consensustest"
)

// TestShell builds rqlite's own shell and types into it.
func TestShell(t *testing.T) {
	shell := filepath.Join(t.TempDir(), "rqlite")
	build := exec.Command("go", "build", "-o", shell, "github.com/rqlite/rqlite/v8/cmd/rqlite")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	c := newCluster(t, true)
	for name, n := range map[string]*consensustest.Node{"leader": c.Leader(), "follower": c.Follower()} {
		t.Run(name, func(t *testing.T) {
			table := "s_" + name
			out := typed(t, shell, c.urls[n], "root:right",
				`CREATE TABLE `+table+` (id INTEGER PRIMARY KEY, name TEXT)`,
				`INSERT INTO `+table+` (name) VALUES ("fiona")`,
				`INSERT INTO `+table+` (name) VALUES ('declan')`,
				`SELECT * FROM `+table,
				`.tables`, `.schema`, `.nodes`, `.status`, `.ready`, `.consistency strong`,
				`SELECT upper(name) FROM `+table+` WHERE id = 2`)
			for _, want := range []string{"1 row affected", "| declan |", table, "CREATE TABLE " + table, c.urls[c.Leader()], c.Leader().ID, "node_id", "DECLAN", "> ready", "v1"} {
				if !strings.Contains(out, want) {
					t.Errorf("the shell does not show %q:\n%.6000s", want, out)
				}
			}
			if out := typed(t, shell, c.urls[n], "root:wrong", `SELECT 1`); strings.Contains(out, "| 1") || !strings.Contains(strings.ToLower(out), "unauthorized") {
				t.Errorf("with a wrong password: %s", out)
			}
		})
	}
}

// typed gives the lines to the shell and returns what it prints.
func typed(t *testing.T, shell, url, credentials string, lines ...string) string {
	t.Helper()
	host, port, _ := strings.Cut(strings.TrimPrefix(url, "http://"), ":")
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, shell, "-H", host, "-p", port, "-u", credentials)
	cmd.Env = append(os.Environ(), "HOME="+t.TempDir(), "TERM=dumb") // it keeps its history there
	cmd.Stdin = strings.NewReader(strings.Join(append(lines, ".exit"), "\n") + "\n")
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Logf("the shell ended with %v", err)
	}
	return string(out)
}
