package main

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	_ "github.com/mattn/go-sqlite3"
)

// TestStorageFailureEndsTheProcess runs a node as a process of its own and takes its database away from under it: a
// foreign program holds the lock that every write needs. The node must end, with status 1, and the reason must be on
// stderr although the process does not return from main.
func TestStorageFailureEndsTheProcess(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for SQLite to give up on the lock")
	}
	data := t.TempDir()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out, errs buffer
	p := exec.Command(program, "serve", "--data", data, "--http", "127.0.0.1:0", "--cluster", "127.0.0.1:0")
	p.Stdout, p.Stderr = &out, &errs
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- p.Wait() }()
	t.Cleanup(func() { p.Process.Kill() })
	eventually(t, "the node is ready", func() bool { return strings.Contains(out.String(), "Open http") })

	db, err := sql.Open("sqlite3", "file:"+filepath.Join(data, "db", "state", "g1", "db")+"?_busy_timeout=5000")
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil { // the pool keeps the connection, and the lock
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	put := make(chan error, 1)
	go func() { put <- run(ctx, []string{"kv", "put", "a", "b", "--data", data}, io.Discard, io.Discard) }()
	select {
	case err := <-ended:
		var exit *exec.ExitError
		if !errors.As(err, &exit) || exit.ExitCode() != 1 {
			t.Errorf("ended with %v, want status 1", err)
		}
	case <-time.After(60 * time.Second):
		t.Fatalf("the node goes on\n%s", &errs)
	}
	cancel() // it would look for the node for a while
	if <-put == nil {
		t.Error("a write is acknowledged that the node could not apply")
	}
	for _, want := range []string{"this node cannot trust its storage and stops", "database is locked"} {
		if !strings.Contains(errs.String(), want) {
			t.Errorf("stderr does not say %q:\n%s", want, &errs)
		}
	}
}
