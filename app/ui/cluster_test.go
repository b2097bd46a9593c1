package ui

import (
	"strings"
	"testing"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/lms"
)

func TestANodeThatLacksFilesDoesNotSayThatItHasAll(t *testing.T) {
	n := lms.ClusterNode{ID: "n3", Up: true, Voter: true, Files: &lms.FileCopy{Whole: true}}
	card := func() string { return app.HTMLString((&ClusterPage{}).node(lms.Cluster{Node: "n1"}, n)) }
	contains(t, card(), "follows", "Has a full copy")
	n.Files = &lms.FileCopy{Missing: 3, Bytes: 5 << 20}
	contains(t, card(), "copying files", "5.0 MiB to go")
	if strings.Contains(card(), "full copy") {
		t.Errorf("it has a full copy: %s", card())
	}
	n.Leader = true
	contains(t, card(), "leads", "5.0 MiB to go")
	n.Leader, n.Voter, n.Replica = false, false, true
	contains(t, card(), "copying files", "5.0 MiB to go")
}

func TestClusterMapEscapesAndShowsEveryNode(t *testing.T) {
	c := lms.Cluster{Nodes: []lms.ClusterNode{{ID: `n1"><script>`, Up: true, Voter: true, Leader: true}, {ID: "n2", Up: true, Voter: true}, {ID: "n3", Voter: true}}}
	got := clusterMap(c)
	if strings.Contains(got, "<script") {
		t.Errorf("a name is taken for markup: %s", got)
	}
	for want, n := range map[string]int{"<circle": 3, "map-leader": 1, "map-down": 1, "map-cut": 1, `class="map-link"`: 1} {
		if strings.Count(got, want) != n {
			t.Errorf("%d times %s, want %d: %s", strings.Count(got, want), want, n, got)
		}
	}
	if !strings.Contains(got, "n2 follows") || !strings.Contains(got, "n3 is away") {
		t.Error("the picture is not told in words")
	}
	if one := clusterMap(lms.Cluster{Nodes: c.Nodes[:1]}); strings.Contains(one, "<line") {
		t.Errorf("one node with lines: %s", one)
	}
}

func TestPolyline(t *testing.T) {
	if got := polyline([]float64{0, 10}, 10); got != "178.0,42.0 180.0,2.0" {
		t.Errorf("two points: %s", got)
	}
	if got := polyline([]float64{0, 0}, 0); got != "178.0,42.0 180.0,42.0" {
		t.Errorf("nothing happens: %s", got)
	}
	if got := polyline(make([]float64, 500), 1); strings.Count(got, ",") != 90 {
		t.Errorf("%d points are drawn", strings.Count(got, ","))
	}
	if polyline([]float64{1}, 1) != "" {
		t.Error("one point is a line")
	}
}

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.256: "0.26", 3.14159: "3.1", 250.7: "251", 12: "12"} {
		if got := shortNumber(v); got != want {
			t.Errorf("%v: %s, want %s", v, got, want)
		}
	}
}
