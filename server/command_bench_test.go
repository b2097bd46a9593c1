package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
)

// TestBench runs everything on a cluster of its own, and what may be run on a cluster that exists.
func TestBench(t *testing.T) {
	if testing.Short() {
		t.Skip("starts clusters of processes")
	}
	tmp := t.TempDir()
	bench := func(args ...string) (r benchReport) {
		t.Helper()
		out := must(t, append([]string{"bench", "--duration", "200ms", "--clients", "4", "--keys", "20", "--seed", "7", "--json"}, args...)...)
		if err := json.Unmarshal([]byte(out), &r); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		return r
	}
	r := bench("--dir", tmp, "--kill-duration", "8s", "--no-forward", "--consistency", "session")
	if s := r.Settings; s.Seed != 7 || s.Keys != 20 || len(s.Nodes) != 3 || !s.Own || s.Forward || s.WritePercent != 20 || s.Consistency != "session" {
		t.Errorf("settings %+v", s)
	}
	if len(r.Cells) != 6 || r.Kill == nil || len(r.Kill.Seconds) != 8 {
		t.Fatalf("%+v", r)
	}
	for _, c := range r.Cells {
		if c.Successes == 0 || c.Errors > c.Successes || c.P50 <= 0 || c.P50 > c.P95 || c.P95 > c.P99 {
			t.Errorf("%+v", c)
		}
	}
	if w, m := r.Cells[0], r.Cells[2]; w.Reads != 0 || w.Clients != 1 || w.Redirects != 0 || m.Clients != 4 || m.Redirects == 0 {
		t.Errorf("one: %+v, many: %+v; many begin at nodes that redirect", w, m)
	}
	k := r.Kill
	if k.Killed == "" || k.Leader == "" || k.SilenceMs < 100 || k.Seconds[0].Successes == 0 {
		t.Errorf("%+v", k)
	}
	if left, err := os.ReadDir(tmp); len(left) > 0 || err != nil {
		t.Errorf("%v is left, %v", left, err)
	}

	s := startServer(t, t.TempDir())
	url, _ := readLine(s.data + "/" + urlFile)
	token := strings.TrimSpace(must(t, "kv", "token", "create", "bench", "--data", s.data))
	must(t, "kv", "put", "mine", "1", "--url", url, "--token", token)
	r = bench("--url", url, "--token", token)
	if len(r.Cells) != 6 || r.Kill != nil || r.Settings.Own || len(r.Settings.Nodes) != 1 {
		t.Errorf("%+v", r)
	}
	if left := must(t, "kv", "list", "--url", url, "--token", token); strings.TrimSpace(left) != "mine\t1" {
		t.Errorf("the keys afterwards: %q", left)
	}
}

func TestBenchRefuses(t *testing.T) {
	for want, args := range map[string]string{
		"--clients 0":           "--clients 0",
		"--writes 101":          "--writes 101",
		"--consistency":         "--consistency fresh",
		"--duration":            "--duration 1ms",
		"--kill-duration":       "--kill-duration 1s",
		"--url needs --token":   "--url http://127.0.0.1:1",
		"kill is for a cluster": "kill --url http://127.0.0.1:1 --token x",
		"stands still":          "kill --nodes 1",
		"invalid argument":      "sideways",
		"no address of a node":  "--url lms1 --token x",
		"connection refused":    "--url http://127.0.0.1:1 --token x",
	} {
		if _, errs, err := trivium(t, append([]string{"bench"}, strings.Fields(args)...)...); err == nil || !strings.Contains(errs, want) {
			t.Errorf("bench %s: %v %s", args, err, errs)
		}
	}
}
