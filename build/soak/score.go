//go:build linux

package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"
)

// score is what a run found.
type score struct {
	Verdict    string                    `json:"verdict"` // pass, fail or void
	Reason     string                    `json:"reason,omitempty"`
	Seed       uint64                    `json:"seed"`
	Nodes      int                       `json:"nodes"`
	Seconds    float64                   `json:"seconds"`
	Disk       string                    `json:"disk"`
	Network    string                    `json:"network"`
	Operations int                       `json:"operations"`
	Answered   int                       `json:"answered"`
	ByKind     map[string]map[string]int `json:"byKind"`
	Requests   map[string]int64          `json:"requests"`
	Internal   map[string]int            `json:"answers500,omitempty"`
	WriteMs    map[string]float64        `json:"writeMs"`
	FaultCount map[string]int            `json:"faultCount"`
	NotRun     []string                  `json:"notRun,omitempty"` // faults and invariants, with the reason
	Faults     []injected                `json:"faults"`
	Violations []violation               `json:"violations"`
	Dir        string                    `json:"dir,omitempty"` // of history and logs
}

func (r *rig) score(list []injected, err error, notRun []string) *score {
	h := r.history
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &score{Verdict: "pass", Seed: r.seed, Nodes: len(r.nodes), Seconds: time.Since(r.start).Seconds(), Disk: "folder", Network: "proxy",
		Operations: h.total, Answered: h.ok, ByKind: h.ops, Requests: map[string]int64{}, Internal: r.internals, WriteMs: percentiles(h.writes),
		FaultCount: map[string]int{}, NotRun: notRun, Faults: list, Violations: r.violations, Dir: r.dir}
	if r.fuse {
		s.Disk = "fuse"
	}
	if r.netns {
		s.Network = "namespaces"
	}
	for i, name := range []string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"} {
		if n := r.requests[i].Load(); n > 0 {
			s.Requests[name] = n
		}
	}
	for _, i := range list {
		if i.Error == "" {
			s.FaultCount[i.Fault]++
		}
	}
	switch {
	case len(r.violations) > 0:
		s.Verdict, s.Reason = "fail", r.violations[0].Invariant+": "+r.violations[0].What
	case errors.Is(err, errVoid):
		s.Verdict, s.Reason = "void", err.Error()
	case err != nil:
		s.Verdict, s.Reason = "fail", err.Error()
	}
	return s
}

// percentiles in milliseconds.
func percentiles(all []time.Duration) map[string]float64 {
	if len(all) == 0 {
		return nil
	}
	all = slices.Sorted(slices.Values(all))
	at := func(p float64) float64 { return float64(all[int(p*float64(len(all)-1))].Microseconds()) / 1000 }
	return map[string]float64{"p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": at(1)}
}

func (s *score) write(path string) error {
	b, err := json.MarshalIndent(s, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(path, append(b, '\n'), 0o644)
}

// print is the summary for people.
func (s *score) print(w io.Writer) {
	fmt.Fprintf(w, "\n%s  seed %d, %d nodes, %.0f s, disk %s, network %s\n", strings.ToUpper(s.Verdict), s.Seed, s.Nodes, s.Seconds, s.Disk, s.Network)
	if s.Reason != "" {
		fmt.Fprintf(w, "  %s\n", s.Reason)
	}
	total := int64(0)
	for _, n := range s.Requests {
		total += n
	}
	fmt.Fprintf(w, "  %d operations, %d answered (%.2f %%); %d requests, %v\n", s.Operations, s.Answered, 100*float64(s.Answered)/float64(max(s.Operations, 1)), total, s.Requests)
	fmt.Fprintf(w, "  writes: p50 %.1f ms, p90 %.1f, p99 %.1f, longest %.0f\n", s.WriteMs["p50"], s.WriteMs["p90"], s.WriteMs["p99"], s.WriteMs["max"])
	gaps := map[string][]time.Duration{}
	for _, f := range s.Faults {
		if f.Error == "" && f.Pair == "" {
			gaps[f.Fault] = append(gaps[f.Fault], time.Duration(f.Gap*float64(time.Second)))
		}
	}
	for _, id := range slices.SortedFunc(maps.Keys(s.FaultCount), func(a, b string) int { return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b)) }) {
		p := percentiles(gaps[id])
		fmt.Fprintf(w, "  %-4s %3d x  %-40s", id, s.FaultCount[id], faultByID(id).name)
		if p != nil {
			fmt.Fprintf(w, "  gap alone: p50 %.2f s, longest %.2f s", p["p50"]/1000, p["max"]/1000)
		}
		fmt.Fprintln(w)
	}
	for _, f := range s.Faults {
		if f.Error != "" {
			fmt.Fprintf(w, "  not done: %s %s: %s\n", f.Fault, f.What, f.Error)
		}
	}
	for _, n := range s.NotRun {
		fmt.Fprintf(w, "  not run: %s\n", n)
	}
	for _, k := range slices.Sorted(maps.Keys(s.Internal)) {
		fmt.Fprintf(w, "  answer 500, %d x: %.160s\n", s.Internal[k], k)
	}
	byInvariant := map[string]int{}
	for _, v := range s.Violations {
		byInvariant[v.Invariant]++
	}
	for _, k := range slices.Sorted(maps.Keys(byInvariant)) {
		fmt.Fprintf(w, "  VIOLATED %s, %d x\n", k, byInvariant[k])
	}
	if len(s.Violations) == 0 {
		fmt.Fprintln(w, "  violations: 0")
	}
}
