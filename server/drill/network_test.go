package drill

import (
	"fmt"
	"io"
	"math/rand/v2"
	"testing"
	"time"
)

// TestEverythingAtOnce: in the last phase messages are lost and repeated while a node is dead and a living one is cut off, and the
// others go on.
func TestEverythingAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds for each strike")
	}
	c, err := startInside(t.Context(), t.TempDir(), 5, 1, fast, hold)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	s := &networkRun{run: &run{Cluster: c, ctx: t.Context(), out: io.Discard, acked: map[string]string{}}, c: c, rng: rand.New(rand.NewPCG(1, 3)), phase: time.Second}
	all := s.phases()
	last := all[len(all)-1]
	for k := range last.times {
		if err := last.strike(k); err != nil {
			t.Fatal(err)
		}
		before := c.net.Counts()
		if err := s.eventually(func() error {
			silent, now := 0, c.net.Counts()
			for _, i := range s.alive() {
				if _, err := s.Node(i).Get(t.Context(), "k"); err != nil {
					silent++
				}
			}
			if len(s.alive()) != 4 || silent != 1 || now.Twice == before.Twice || now.Lost == before.Lost {
				return fmt.Errorf("strike %d: %d nodes alive, %d of them cut off, %d messages lost and %d repeated", k, len(s.alive()), silent,
					now.Lost-before.Lost, now.Twice-before.Twice)
			}
			return nil
		}); err != nil {
			t.Error(err)
		}
		if err := s.heal(); err != nil {
			t.Fatal(err)
		}
	}
	if err := c.faults(); err != nil {
		t.Error(err)
	}
}
