package main

import (
	"io"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"trivium/server/cluster"
)

// TestRecoverCommand loses two of three nodes for ever, and meets one of them again.
func TestRecoverCommand(t *testing.T) {
	dir, addresses := t.TempDir(), freeAddresses(t, 3)
	data := func(i int) string { return filepath.Join(dir, strconv.Itoa(i)) }
	nodes := make([]*server, 3)
	for i := range nodes {
		args := []string{"--cluster", addresses[i]}
		if i > 0 {
			args = append(args, "--join", addresses[0], "--token", strings.TrimSpace(must(t, "join-token", "--data", data(0))))
		}
		nodes[i] = launch(t, data(i), args...)
		eventually(t, "the node is ready", nodes[i].ready)
	}
	must(t, "kv", "put", "colour", "green", "--data", data(1))
	if _, errs, err := trivium(t, "recover", "--yes", "--data", data(1)); err == nil || !strings.Contains(errs, "stop the node first") {
		t.Errorf("while the node runs: %v %s", err, errs)
	}
	for _, n := range nodes {
		n.stop(t)
	}
	self, err := cluster.Load(data(1))
	if err != nil {
		t.Fatal(err)
	}
	lost, err := cluster.Load(data(0))
	if err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	if err := recoverNode(t.Context(), data(1), false, strings.NewReader("yes\n"), &out, io.Discard); err == nil {
		t.Error("it goes on without the name of the node")
	}
	if !strings.Contains(out.String(), lost.ID()) || !strings.Contains(out.String(), "is lost, without a trace") {
		t.Errorf("the warning: %s", &out)
	}
	if err := recoverNode(t.Context(), data(1), false, strings.NewReader(self.ID()+"\n"), &out, io.Discard); err != nil {
		t.Fatal(err)
	}
	alone := launch(t, data(1), "--cluster", addresses[1])
	eventually(t, "the survivor serves alone", alone.ready)
	if got := must(t, "kv", "get", "colour", "--data", data(1)); !strings.Contains(got, "green") {
		t.Errorf("kv get: %s", got)
	}
	must(t, "kv", "put", "colour", "blue", "--data", data(1))
	operator, _ := readLine(filepath.Join(data(1), operatorFile))
	recorded := func() string {
		return alone.send(t, "GET", "/api/v1/audit?action=cluster.recover", operator, "").body
	}
	eventually(t, "the recovery is in the audit log", func() bool {
		return strings.Count(recorded(), `"action":"cluster.recover"`) == 2 && strings.Contains(recorded(), "node/"+lost.ID())
	})
	alone.stop(t)
	alone = launch(t, data(1), "--cluster", addresses[1])
	eventually(t, "the survivor serves again", alone.ready)
	if strings.Count(recorded(), `"action":"cluster.recover"`) != 2 {
		t.Errorf("recorded at each start: %s", recorded())
	}
	must(t, "remove", lost.ID(), "--data", data(1))
	if _, _, err := trivium(t, "recover", "--yes", "--data", filepath.Join(dir, "nothing")); err == nil {
		t.Error("a directory without a node is recovered")
	}
}
