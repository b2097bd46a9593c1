package tutor

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// The limit of calls is the endpoint's: three nodes together keep to it (TUTOR-25).
func TestCallsAreLimitedOverTheCluster(t *testing.T) {
	s := newStore()
	remote := func(c *Config) { c.Calls = 4 }
	var nodes []*Tutor
	for _, id := range []string{"n1", "n2", "n3"} {
		nodes = append(nodes, newTutor(t, s, id, "https://llm.example.edu/v1", remote).now())
	}
	var wg sync.WaitGroup
	var running, most, waited atomic.Int64
	for i := range 12 {
		wg.Go(func() {
			back, err := nodes[i%3].place(t.Context(), string(rune('a'+i)), func(string) { waited.Add(1) })
			if err != nil {
				t.Error(err)
				return
			}
			for n := running.Add(1); ; {
				if old := most.Load(); n <= old || most.CompareAndSwap(old, n) {
					break
				}
			}
			<-time.After(30 * time.Millisecond) // the call itself
			running.Add(-1)
			back()
		})
	}
	wg.Wait()
	if most.Load() != 4 || waited.Load() == 0 {
		t.Errorf("%d calls at a time, want 4; %d times somebody was told to wait", most.Load(), waited.Load())
	}
}

func TestWaitingForTheClusterEnds(t *testing.T) {
	s := newStore()
	tu := newTutor(t, s, "n1", "https://llm.example.edu/v1", func(c *Config) { c.Calls, c.Limits.Queue = 1, 50*time.Millisecond }).now()
	back, err := tu.place(t.Context(), "first", func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tu.place(t.Context(), "second", func(string) {}); !errors.Is(err, errQueueLong) {
		t.Errorf("got %v", err)
	}
	again, err := tu.place(t.Context(), "first", func(string) {})
	if err != nil {
		t.Errorf("who takes the same answer up again waits for itself: %v", err)
	}
	again()
	back()
	if s.places["first"] {
		t.Error("the place is not given back")
	}
}

func TestEndpointOfThisMachineNeedsNoPlace(t *testing.T) {
	s := newStore()
	tu := newTutor(t, s, "n1", "http://127.0.0.1:1/v1").now()
	back, err := tu.place(t.Context(), "first", func(string) {})
	if err != nil || len(s.places) != 0 {
		t.Errorf("%v, places %v", err, s.places)
	}
	back()
}
