package main

import (
	"strings"
	"testing"
	"time"

	"trivium/server/load"
)

func TestRqliteTells(t *testing.T) {
	if id, err := rqliteLeader(load.Answer{Body: []byte(`{"0":{"leader":false},"1":{"leader":true}}`)}); id != "1" || err != nil {
		t.Error(id, err)
	}
	if _, err := rqliteLeader(load.Answer{Body: []byte(`{"0":{"leader":false}}`)}); err == nil {
		t.Error("no leader is a leader")
	}
	if checkRqlite([]byte(`{"results":[{"error":"no such table"}]}`)) == nil {
		t.Error("an error with status 200 is none")
	}
}

func TestReport(t *testing.T) {
	sorted := make([]time.Duration, 20)
	for i := range sorted {
		sorted[i] = time.Duration(i+1) * 100 * time.Millisecond
	}
	if p50, p99 := load.Quantile(sorted, .5), load.Quantile(sorted, .99); p50 != 1100*time.Millisecond || p99 != 2*time.Second || load.Quantile(nil, .5) != 0 {
		t.Errorf("%v %v", p50, p99)
	}
	m := median([]load.Sample{{Rate: 3, Errors: 1}, {Rate: 1}, {Rate: 2, Errors: 1}})
	if m.Rate != 2 || m.Errors != 2 {
		t.Errorf("%+v", m)
	}
	list := cells()
	for i := range list {
		list[i].ours, list[i].peer = load.Sample{Rate: 19, P50: 6}, load.Sample{Rate: 10, P50: 10}
	}
	var b strings.Builder
	(&results{cells: list, ours: sorted, seconds: 1, rounds: 1}).print(&b)
	for _, want := range []string{"| write, all nodes | 64 | 19 |", "| writes at 64 clients | >= 2.00x | 1.90x | missed |",
		"| p50 of a write at 1 client | <= 0.70x | 0.60x | met |", "| session reads at 64 clients | >= 1.00x | 1.90x | met |", "| failover p50 | <= 1.20 s | 1.10 s | met |"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is missing in\n%s", want, b.String())
		}
	}
}
