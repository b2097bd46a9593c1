package main

import (
	"strings"
	"testing"
	"time"

	"trivium/app/lms"
)

func TestNodesTellOfAWrongClock(t *testing.T) {
	var out strings.Builder
	printStatus(&out, lms.Cluster{Nodes: []lms.ClusterNode{{ID: "n1", Up: true},
		{ID: "n2", Up: true, ClockMessage: lms.ClockMessageOf("n2", 5*time.Minute)}}})
	if !strings.HasSuffix(out.String(), "\n\n"+lms.ClockMessageOf("n2", 5*time.Minute)+"\n") || strings.Contains(out.String(), "clock of n1") {
		t.Errorf("%s", &out)
	}
}
