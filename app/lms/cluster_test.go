package lms_test

import (
	"strings"
	"testing"

	"trivium/app/lms"
)

// TestHealthCountsFiles: a node protects what people have handed in only when it has all of it.
func TestHealthCountsFiles(t *testing.T) {
	all, half := &lms.FileCopy{Whole: true}, &lms.FileCopy{Missing: 120, Bytes: 118 << 20}
	node := func(id string, f *lms.FileCopy) lms.ClusterNode {
		return lms.ClusterNode{ID: id, Voter: true, Up: true, Files: f}
	}
	away := lms.ClusterNode{ID: "n3", Voter: true}
	lost := &lms.FileCopy{Whole: true, Gone: 2}
	for _, tt := range []struct {
		name            string
		nodes           []lms.ClusterNode
		level           lms.HealthLevel
		summary, detail string
		survives        int
	}{
		{"all have everything", []lms.ClusterNode{node("n1", all), node("n2", all), node("n3", all)},
			lms.HealthGood, "3 of 3 healthy: any one may fail", "Everything is on every node.", 1},
		{"one has joined", []lms.ClusterNode{node("n1", all), node("n2", all), node("n3", half)},
			lms.HealthWarn, "3 of 3 up: files are still being copied to n3", "no further node may fail", 0},
		{"one does not tell", []lms.ClusterNode{node("n1", all), node("n2", all), node("n3", &lms.FileCopy{Silent: true})},
			lms.HealthWarn, "3 of 3 up: files are still being copied to n3", "no further node may fail", 0},
		{"told by a version that does not ask", []lms.ClusterNode{node("n1", nil), node("n2", nil), node("n3", nil)},
			lms.HealthGood, "3 of 3 healthy: any one may fail", "on a majority of the nodes' disks", 1},
		{"one of five", []lms.ClusterNode{node("n1", all), node("n2", all), node("n3", all), node("n4", all), node("n5", half)},
			lms.HealthWarn, "5 of 5 up: files are still being copied to n5", "1 more may fail", 1},
		{"one is away, one copies", []lms.ClusterNode{node("n1", all), node("n2", half), away},
			lms.HealthWarn, "2 of 3 up: files are still being copied to n2", "Start the missing nodes", 0},
		{"one is away", []lms.ClusterNode{node("n1", all), node("n2", all), away},
			lms.HealthWarn, "2 of 3 up: work continues, replace the missing node", "no further node may fail", 0},
		{"most are away", []lms.ClusterNode{node("n1", half), {ID: "n2", Voter: true}, away},
			lms.HealthBad, "2 of 3 nodes down: read only, nothing lost", "Start the missing nodes", 0},
		{"a replica copies", []lms.ClusterNode{node("n1", all), node("n2", all), node("n3", all), {ID: "r1", Replica: true, Up: true, Files: half}},
			lms.HealthGood, "3 of 3 healthy: any one may fail", "on a majority of the nodes' disks", 1},
		{"an even number", []lms.ClusterNode{node("n1", all), node("n2", all)},
			lms.HealthWarn, "2 of 2 healthy: none may fail", "Everything is on every node.", 0},
		{"parts are lost", []lms.ClusterNode{node("n1", lost), node("n2", lost), node("n3", &lms.FileCopy{Whole: true, Gone: 1})},
			lms.HealthBad, "2 parts of files are on no node", "Besides: 3 of 3 healthy: any one may fail. Everything else is on every node.", 1},
		{"parts are lost, and one copies", []lms.ClusterNode{node("n1", lost), node("n2", half), node("n3", lost)},
			lms.HealthBad, "2 parts of files are on no node", "Besides: 3 of 3 up: files are still being copied to n2. Everything works and nothing else is lost.", 0},
		{"a part is lost, of a single one", []lms.ClusterNode{node("n1", &lms.FileCopy{Whole: true, Gone: 1})},
			lms.HealthBad, "1 part of a file is on no node", "Besides: 1 of 1: no protection", 0},
		{"parts are lost, most are away", []lms.ClusterNode{node("n1", lost), {ID: "n2", Voter: true}, away},
			lms.HealthBad, "2 of 3 nodes down: read only, nothing lost", "Start the missing nodes", 0},
		{"parts are lost, and a node is away", []lms.ClusterNode{node("n1", lost), node("n2", lost), away},
			lms.HealthBad, "2 parts of files are on no node", "Everything works and nothing else is lost, but no further node may fail.", 0},
		{"parts are lost, and a replica is away", []lms.ClusterNode{node("n1", lost), node("n2", lost), node("n3", lost), {ID: "r1", Replica: true}},
			lms.HealthBad, "2 parts of files are on no node", "Besides: 3 of 3 healthy: any one may fail. Everything else that Trivium confirmed is", 1},
		{"a single one", []lms.ClusterNode{node("n1", all)}, lms.HealthWarn, "1 of 1: no protection", "Add two more", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			h := lms.HealthOfNodes(tt.nodes)
			if h.Level != tt.level || h.Summary != tt.summary || !strings.Contains(h.Detail, tt.detail) || h.Survives != tt.survives {
				t.Errorf("got %+v", h)
			}
		})
	}
}

func TestFilesMessageSaysHowMuchIsLeft(t *testing.T) {
	for want, f := range map[string]*lms.FileCopy{"": nil, "118.0 MiB to go": {Missing: 120, Bytes: 118 << 20}, "it still looks": {}, "it has not told": {Silent: true}} {
		got := lms.ClusterNode{ID: "n3", Files: f}.FilesMessage()
		if !strings.Contains(got, want) || (got == "") != (want == "") {
			t.Errorf("%+v: %q", f, got)
		}
	}
}
