package main

import (
	"fmt"
	"strings"
	"testing"

	"trivium/server/cluster"
)

// A node is suspended through another one; the cluster goes on without it and it comes back. Only with --drills, and what
// ends the majority only when it is confirmed.
func TestSuspendDrill(t *testing.T) {
	first := startServer(t, t.TempDir(), "--id", "one", "--drills")
	self, err := cluster.Load(first.data)
	if err != nil {
		t.Fatal(err)
	}
	join := func(id string, args ...string) *server {
		token := strings.TrimSpace(must(t, "join-token", "--data", first.data))
		return startServer(t, t.TempDir(), append([]string{"--id", id, "--join", self.Address(), "--token", token}, args...)...)
	}
	join("two", "--drills")
	third := join("three")
	nodes := func() string { return must(t, "nodes", "--data", first.data) }
	eventually(t, "three healthy nodes", func() bool {
		return strings.Contains(must(t, "status", "--data", first.data), "3 of 3 healthy")
	})

	for _, tt := range []struct{ node, seconds, says string }{
		{"three", "2", "started with --drills"},
		{"nobody", "2", "not"},
		{"two", "601", "1 to 600"},
	} {
		if _, errs, err := trivium(t, "drill", "suspend", "--node", tt.node, "--seconds", tt.seconds, "--data", first.data); err == nil || !strings.Contains(errs, tt.says) {
			t.Errorf("suspend %s for %s s: %v, %q", tt.node, tt.seconds, err, errs)
		}
	}
	if out := nodes(); strings.Contains(out, "down") {
		t.Fatalf("after refusals:\n%s", out)
	}

	if out := must(t, "drill", "suspend", "--node", "two", "--seconds", "5", "--data", first.data); !strings.Contains(out, "silent for 5 seconds") {
		t.Errorf("%q", out)
	}
	eventually(t, "two is silent", func() bool { return strings.Contains(nodes(), "down") })
	for i := range 3 {
		must(t, "kv", "put", fmt.Sprint("k", i), "while two is silent", "--data", first.data)
	}
	// One more would end the majority.
	_, errs, err := trivium(t, "drill", "suspend", "--node", "one", "--seconds", "1", "--data", first.data)
	if err == nil || !strings.Contains(errs, "nothing was done") {
		t.Errorf("without confirmation: %v, %q", err, errs)
	}
	eventually(t, "two is back", func() bool {
		out := nodes()
		return !strings.Contains(out, "down") && strings.Contains(must(t, "status", "--data", third.data), "3 of 3 healthy")
	})
}
