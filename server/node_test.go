package main

import (
	"strings"
	"testing"

	"trivium/server/cluster"
)

// A directory belongs to one cluster: a token of another one is refused instead of being ignored.
func TestTokenOfAnotherClusterIsRefused(t *testing.T) {
	other, here := startServer(t, t.TempDir()), startServer(t, t.TempDir())
	there, err := cluster.Load(other.data)
	if err != nil {
		t.Fatal(err)
	}
	token := func(s *server) string { return strings.TrimSpace(must(t, "join-token", "--data", s.data)) }
	own, foreign := token(here), token(other)
	here.stop(t)
	_, errs, err := trivium(t, "serve", "--data", here.data, "--http", "127.0.0.1:0", "--cluster", "127.0.0.1:0", "--join", there.Address(), "--token", foreign)
	if err == nil || !strings.Contains(errs, "--join: this directory belongs to another cluster") {
		t.Errorf("with a token of another cluster: %v, %q", err, errs)
	}
	startServer(t, here.data, "--join", there.Address(), "--token", own) // its own cluster's: the node need not ask anybody
}
