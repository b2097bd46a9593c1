package inspect

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/consensus/consensustest"
)

// open makes an inspector on every node.
func open(t *testing.T, set *consensustest.Set) map[string]*Inspector {
	t.Helper()
	addresses := map[string]string{}
	for _, n := range set.Nodes {
		addresses[n.ID] = n.Network.Addr().String()
	}
	all := map[string]*Inspector{}
	for _, n := range set.Nodes {
		r := prometheus.NewRegistry()
		r.MustRegister(n.DB.Collectors()...)
		dump := filepath.Join(t.TempDir(), "dump.txt")
		if err := os.WriteFile(dump, []byte("one\ntwo\nNode "+n.ID+" spoke last\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		i := Open(Config{Node: n.ID, Version: "test", DB: n.DB, Network: n.Network, Address: func(id string) string { return addresses[id] },
			Metrics: r, Dump: []string{dump + ".missing", dump}})
		t.Cleanup(func() { i.Close() })
		all[n.ID] = i
	}
	return all
}

func read(t *testing.T, i *Inspector, node, name string, tail int) string {
	t.Helper()
	r, err := i.Text(t.Context(), node, name, tail)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestEveryNodeAnswersForEveryOther asks each of three nodes for each.
func TestEveryNodeAnswersForEveryOther(t *testing.T) {
	set := consensustest.Cluster(t, 3)
	leader := set.Leader()
	for i := range 5 {
		var b consensus.Batch
		b.Exec(fmt.Sprintf("CREATE TABLE t%d (x INTEGER) STRICT", i))
		if _, err := leader.DB.Apply(t.Context(), &b); err != nil {
			t.Fatal(err)
		}
	}
	set.WaitEqual()
	all := open(t, set)
	for from, i := range all {
		for node := range all {
			r, err := i.Report(t.Context(), node)
			if err != nil {
				t.Fatalf("%s of %s: %v", from, node, err)
			}
			if r.Node != node || r.Term == 0 || r.Applied == 0 || (r.State == "leader") != (node == leader.ID) || r.MemoryBytes <= 0 || r.Figures["entries"] < 5 {
				t.Errorf("%s of %s: %+v", from, node, r)
			}
			if (node == leader.ID) != (r.Sent["append"] > 0) {
				t.Errorf("%s has sent %v", node, r.Sent)
			}
			log := read(t, i, node, "logs.txt", 0)
			if !strings.HasPrefix(log, "CMD configuration 1\n") && !strings.Contains(log, "NO-OP ") || strings.Count(log, "CMD create-t") != 5 {
				t.Errorf("logs.txt of %s:\n%s", node, log)
			}
			if tail := read(t, i, node, "logs.txt", 2); strings.Count(tail, "\n") != 2 || !strings.HasSuffix(log, tail) {
				t.Errorf("the last 2 lines of %s: %q", node, tail)
			}
			if m := read(t, i, node, "metadata.txt", 0); !strings.Contains(m, "commitLength ") || !strings.Contains(m, "Term ") || !strings.Contains(m, "votedFor ") {
				t.Errorf("metadata.txt of %s: %q", node, m)
			}
			if d := read(t, i, node, "dump.txt", 1); d != "Node "+node+" spoke last\n" {
				t.Errorf("dump.txt of %s: %q", node, d)
			}
		}
	}
}

func TestUnknownAndAway(t *testing.T) {
	set := consensustest.Cluster(t, 1)
	i := open(t, set)[set.Nodes[0].ID]
	if _, err := i.Report(t.Context(), "nobody"); lms.KindOf(err) != lms.KindNotFound {
		t.Errorf("unknown node: %v", err)
	}
	if _, err := i.Text(t.Context(), set.Nodes[0].ID, "../secret", 0); lms.KindOf(err) != lms.KindNotFound {
		t.Errorf("unknown text: %v", err)
	}
	i.c.Address = func(string) string { return "127.0.0.1:1" }
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, err := i.Report(ctx, "away"); lms.KindOf(err) != lms.KindUnavailable || !strings.Contains(err.Error(), "away does not answer") {
		t.Errorf("node away: %v", err)
	}
}

func TestQuantile(t *testing.T) {
	h := histogram{bounds: []float64{0.001, 0.002, 0.004}, counts: []uint64{50, 90, 100}, total: 100}
	for _, tt := range []struct{ q, want float64 }{{0.5, 1}, {0.25, 0.5}, {0.9, 2}, {0.95, 3}, {1, 4}} {
		if got := h.quantile(tt.q); got != tt.want {
			t.Errorf("%v: %v ms, want %v", tt.q, got, tt.want)
		}
	}
	h.total = 200 // half of them are slower than every bound
	if got := h.quantile(0.99); got != 4 {
		t.Errorf("beyond the last bound: %v", got)
	}
	if got := (histogram{}).quantile(0.5); got != 0 {
		t.Errorf("nothing observed: %v", got)
	}
	if d := (histogram{bounds: h.bounds, counts: []uint64{60, 100, 110}, total: 210}).minus(h); d.total != 10 || d.counts[0] != 10 {
		t.Errorf("difference %+v", d)
	}
}

func TestLastLines(t *testing.T) {
	for _, tt := range []struct {
		text string
		n    int
		want string
	}{{"a\nb\nc\n", 2, "b\nc\n"}, {"a\nb\nc", 1, "c"}, {"a\n", 5, "a\n"}, {"", 3, ""}, {"\n\n\n", 2, "\n\n"}} {
		if got := string(lastLines([]byte(tt.text), tt.n)); got != tt.want {
			t.Errorf("%d of %q: %q, want %q", tt.n, tt.text, got, tt.want)
		}
	}
}

func TestSamplesAreBounded(t *testing.T) {
	s := newSampler(prometheus.NewRegistry())
	for i := range 2 * sampleCount {
		now := s.last
		now.at = now.at.Add(time.Second)
		now.figures = map[string]float64{"entries": float64(10 * (i + 1))}
		s.take(now)
	}
	samples, _, _, _ := s.read()
	if len(samples) != sampleCount || samples[len(samples)-1].Entries != 10 {
		t.Errorf("%d samples, the last %+v", len(samples), samples[len(samples)-1])
	}
}
