package consensus_test

import (
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// faultPoints: where a node kills itself while writers are at work, how often it passes before, and whether it must be
// a follower that installs a snapshot to get there.
var faultPoints = []struct {
	point  string
	behind bool
}{
	{"apply-before-commit:60", false},
	{"apply-after-commit:60", false},
	{"persist-after-sync:3", false},
	{"install-received", true},
	{"restore-before-swap", true},
	{"restore-after-swap", true},
}

// TestFaultPoints kills a follower and then the leader at each point, in nodes that are built with the points in them.
func TestFaultPoints(t *testing.T) {
	if testing.Short() {
		t.Skip("clusters of processes take a while")
	}
	binary := buildWithFaults(t)
	for _, f := range faultPoints {
		t.Run(f.point, func(t *testing.T) {
			r := newRig(t, binary, 3, nodeConfig{Trailing: 16, Every: 32})
			r.startWriters(12)
			r.load.beforeFault()
			leader := r.waitLeader(nil)
			victims := []*process{r.follower(leader), leader}
			if f.behind {
				victims = victims[:1] // a leader installs nothing
			}
			for _, p := range victims {
				p.kill()
				if f.behind {
					r.outrun(p)
				}
				p.start(f.point)
				p.reap() // it kills itself
				p.start()
				r.load.afterFault()
				r.load.beforeFault()
			}
			if f.behind { // what was installed outlives another kill
				victims[0].kill()
				victims[0].start()
				r.load.afterFault()
			}
			r.load.check(r.running())
		})
	}
}

// buildWithFaults compiles this package's tests once more, with the fault points in them, to run as nodes.
func buildWithFaults(t *testing.T) string {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "node")
	tags := "faults sqlite_fts5 osusergo netgo sqlite_omit_load_extension"
	cmd := osexec.Command("go", "test", "-c", "-tags", tags, "-o", binary, ".")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(cmd.Args, " "), err, out)
	}
	return binary
}
