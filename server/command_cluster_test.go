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

func TestBackupLine(t *testing.T) {
	now := time.Now()
	for _, x := range []struct {
		name string
		s    lms.BackupStatus
		want string
	}{
		{"no schedule", lms.BackupStatus{}, "none are made by themselves"},
		{"nothing yet", lms.BackupStatus{Every: 3600, To: "/b"}, "every 1h0m0s to /b; none has been made yet."},
		{"in time", lms.BackupStatus{Every: 3600, To: "/b", LastGood: now.Add(-10 * time.Minute)}, ", 10m0s ago, to /b."},
		{"late, after a failure", lms.BackupStatus{Every: 3600, To: "/b", LastGood: now.Add(-5 * time.Hour), Last: &lms.Backup{State: lms.BackupFailed, Error: "no space"}},
			"the next one is overdue; the newest attempt has failed: no space."},
	} {
		if got := backupLine(x.s, now); !strings.HasSuffix(got, x.want) && !strings.Contains(got, "none are made") {
			t.Errorf("%s: %q; want … %q", x.name, got, x.want)
		}
	}
}
