package main

import (
	"fmt"
	"io"
	"time"

	"trivium/server/load"
)

// benchReport is what bench has found, as --json prints it. Latencies are in milliseconds.
type benchReport struct {
	Settings benchSettings `json:"settings"`
	Cells    []benchResult `json:"cells"`
	Kill     *benchKill    `json:"kill,omitempty"`

	text bool
}

type benchSettings struct {
	Version      string   `json:"version"`
	Own          bool     `json:"own"` // a cluster that was made for this
	Nodes        []string `json:"nodes"`
	Seed         uint64   `json:"seed"`
	Keys         int      `json:"keys"`
	ValueBytes   int      `json:"valueBytes"`
	Clients      int      `json:"clients"`
	WritePercent int      `json:"writePercent"`
	Recent       int      `json:"recentPercent"`
	Consistency  string   `json:"consistency"`
	Forward      bool     `json:"forward"`
	Duration     float64  `json:"durationSeconds"`
}

type benchResult struct {
	Name      string  `json:"name"`
	Clients   int     `json:"clients"`
	Rate      float64 `json:"perSecond"`
	Successes int64   `json:"successes"`
	Reads     int64   `json:"reads"`
	Writes    int64   `json:"writes"`
	P50       float64 `json:"p50Ms"`
	P95       float64 `json:"p95Ms"`
	P99       float64 `json:"p99Ms"`
	ReadsP99  float64 `json:"readsP99Ms"`
	WritesP99 float64 `json:"writesP99Ms"`
	Errors    int64   `json:"errors"`
	Redirects int64   `json:"redirects"`
	First     string  `json:"firstError,omitempty"`
}

type benchKill struct {
	Clients   int           `json:"clients"`
	Killed    string        `json:"killed"` // the leader
	KilledAt  float64       `json:"killedAtSeconds"`
	BackAt    float64       `json:"backAtSeconds"`
	Leader    string        `json:"leader"` // at the end
	SilenceMs float64       `json:"silenceMs"`
	Seconds   []benchSecond `json:"seconds"`
	First     string        `json:"firstError,omitempty"`
}

type benchSecond struct {
	Second    int     `json:"second"`
	Successes int64   `json:"successes"`
	Errors    int64   `json:"errors"`
	Redirects int64   `json:"redirects"`
	P99       float64 `json:"p99Ms"`
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

func (b *benchFlags) report(c *load.Cluster) *benchReport {
	r := &benchReport{Cells: []benchResult{}, text: !b.json, Settings: benchSettings{Version: version(), Own: c.Own(), Seed: b.seed, Keys: b.keys, ValueBytes: b.value,
		Clients: b.clients, WritePercent: b.writes, Recent: b.recent, Consistency: b.consistency, Forward: !b.noForward, Duration: b.each.Seconds()}}
	for _, n := range c.Nodes {
		r.Settings.Nodes = append(r.Settings.Nodes, n.ID+" "+n.Address)
	}
	if len(b.kinds) == 1 && b.kinds[0] == "kill" {
		r.Settings.Duration = 0
	}
	if b.has("kill") {
		r.Kill = &benchKill{Clients: b.clients, KilledAt: (b.outage / 4).Seconds(), BackAt: (b.outage * 5 / 8).Seconds()}
	}
	return r
}

// begin prints the settings and the head of the table.
func (r *benchReport) begin(out io.Writer) {
	if !r.text {
		return
	}
	s, where := r.Settings, "a cluster of its own"
	if !s.Own {
		where = "a cluster that exists"
	}
	forward := "nodes forward to the leader"
	if !s.Forward {
		forward = "nodes redirect to the leader"
	}
	fmt.Fprintf(out, "Trivium %s, %s, %d nodes. Seed %d, %d keys of %d bytes, reads %s, %s, %g s a line.\n", s.Version, where, len(s.Nodes),
		s.Seed, s.Keys, s.ValueBytes, s.Consistency, forward, s.Duration)
	if r.Settings.Duration > 0 {
		fmt.Fprintf(out, "\n%-62s %7s %11s %9s %9s %9s %7s %9s\n", "", "clients", "successes/s", "p50 ms", "p95 ms", "p99 ms", "errors", "redirects")
	}
}

// measured adds a cell.
func (r *benchReport) measured(out io.Writer, cell benchCell, s load.Sample) {
	c := benchResult{Name: cell.name, Clients: cell.clients, Rate: s.Rate, Successes: s.Successes, Reads: s.Reads, Writes: s.Writes,
		P50: milliseconds(s.P50), P95: milliseconds(s.P95), P99: milliseconds(s.P99), ReadsP99: milliseconds(s.ReadsP99), WritesP99: milliseconds(s.WritesP99),
		Errors: s.Errors, Redirects: s.Redirects, First: s.First}
	r.Cells = append(r.Cells, c)
	if r.text {
		fmt.Fprintf(out, "%-62s %7d %11.0f %9.2f %9.2f %9.2f %7d %9d\n", c.Name, c.Clients, c.Rate, c.P50, c.P95, c.P99, c.Errors, c.Redirects)
		firstError(out, c.First)
	}
}

// survived adds what the kill was for the clients.
func (r *benchReport) survived(out io.Writer, o load.Outage) {
	k := r.Kill
	k.Killed, k.Leader, k.SilenceMs, k.First = o.Killed, o.Leader, milliseconds(o.Silence), o.First
	for i, s := range o.Seconds {
		k.Seconds = append(k.Seconds, benchSecond{i + 1, s.Successes, s.Errors, s.Redirects, milliseconds(s.P99)})
	}
	if !r.text {
		return
	}
	fmt.Fprintf(out, "\n%d clients, %d %% writes, through all nodes; the leader %s is killed after %g s and started again after %g s.\n\n", k.Clients, r.Settings.WritePercent,
		k.Killed, k.KilledAt, k.BackAt)
	fmt.Fprintf(out, "%6s %11s %9s %7s %9s\n", "second", "successes/s", "p99 ms", "errors", "redirects")
	for _, s := range k.Seconds {
		fmt.Fprintf(out, "%6d %11d %9.2f %7d %9d\n", s.Second, s.Successes, s.P99, s.Errors, s.Redirects)
	}
	fmt.Fprintf(out, "\nThe longest time without a success of any client was %.0f ms; %s leads now.\n", k.SilenceMs, k.Leader)
	firstError(out, k.First)
}

func firstError(out io.Writer, text string) {
	if text != "" {
		fmt.Fprintf(out, "    first error: %s\n", text)
	}
}

// end prints everything, if that is wanted as JSON.
func (r *benchReport) end(out io.Writer) {
	if !r.text {
		writeJSON(out, r)
	}
}
