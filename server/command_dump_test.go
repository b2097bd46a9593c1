package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"trivium/app/lms"
)

// TestDump checks every line of the texts against the forms of CLUSTER-21 and CLUSTER-22.
func TestDump(t *testing.T) {
	data, out := t.TempDir(), t.TempDir()
	startServer(t, data)
	must(t, "kv", "put", "greeting", "hello world", "--data", data)
	printed := must(t, "dump", "--data", data, "--out", out)
	dir := strings.TrimSpace(printed)
	if filepath.Dir(dir) != out {
		t.Fatalf("printed %q", printed)
	}
	forms := map[string]*regexp.Regexp{
		"logs.txt":     regexp.MustCompile(`^(NO-OP|SET \S+ .+|CMD \S+) \d+$`),
		"metadata.txt": regexp.MustCompile(`^(commitLength \d+|Term \d+|votedFor \S+)$`),
		"dump.txt": regexp.MustCompile(`^(Leader \S+ sending heartbeat & Renewing Lease|Leader \S+ lease renewal failed\. Stepping Down\.|` +
			`New Leader waiting for Old Leader Lease to timeout\.|Node \S+ election timer timed out, Starting election\.|Node \S+ became the leader for term \d+\.|` +
			`Error occurred while sending RPC to Node \S+\.|Node \S+ \((leader|follower)\) committed the entry .+ to the state machine\.|` +
			`Node \S+ \(leader\) received an .+ request\.|Node \S+ (accepted|rejected) AppendEntries RPC from \S+\.|Vote (granted|denied) for Node \S+ in term \d+\.|\S+ Stepping down)$`),
	}
	for name, form := range forms {
		path := filepath.Join(dir, name)
		text, err := os.ReadFile(path)
		if err != nil || len(text) == 0 {
			t.Fatalf("%s: %d bytes, %v", name, len(text), err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v; want a file of the owner alone", name, info.Mode(), err)
		}
		for line := range strings.Lines(string(text)) {
			if !form.MatchString(strings.TrimSuffix(line, "\n")) {
				t.Errorf("%s has the line %q", name, line)
			}
		}
	}
	text, err := os.ReadFile(filepath.Join(dir, "logs.txt"))
	if err != nil || !strings.Contains(string(text), "SET greeting hello world ") && !strings.Contains(string(text), "CMD ") {
		t.Errorf("logs.txt: %s %v", text, err)
	}
	var report lms.NodeReport
	if j, err := os.ReadFile(filepath.Join(dir, "report.json")); err != nil || json.Unmarshal(j, &report) != nil || report.State != "leader" || report.TotalBytes <= 0 {
		t.Errorf("report.json: %+v %v", report, err)
	}
	if _, errs, err := trivium(t, "dump", "--data", data, "--out", out, "--node", "nobody"); err == nil || !strings.Contains(errs, "nobody") {
		t.Errorf("an unknown node: %v %q", err, errs)
	}
}

func TestRecentEvents(t *testing.T) {
	var b strings.Builder
	log, err := newLogger(&b, "info", "text")
	if err != nil {
		t.Fatal(err)
	}
	for range 2 * recentEvents {
		log.Info("calm")
		log.Warn("request", "status", 500)
		log.With("part", "raft").Warn("trouble", "error", "it burns", "stack", "long")
	}
	log.Error("the last", "secret", "no")
	got := log.Handler().(*recentHandler).recent.list()
	if len(got) != recentEvents || got[0].Message != "the last, secret: no" || got[0].Level != "ERROR" || got[1].Message != "trouble, part: raft, error: it burns" {
		t.Errorf("%d events, the newest %+v", len(got), got[:2])
	}
	if !strings.Contains(b.String(), "msg=trouble") || strings.Count(b.String(), "calm") != 2*recentEvents {
		t.Error("the log itself lacks lines")
	}
}
