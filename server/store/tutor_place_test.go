package store_test

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"trivium/server/store/storetest"
)

// However many ask at once, no more have a place than there are (TUTOR-25).
func TestPlacesAreExact(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	take := func(holder string, atMost time.Duration) bool {
		t.Helper()
		taken, err := s.TakePlace(ctx, "https://llm.example.edu", holder, 4, atMost)
		if err != nil {
			t.Error(err)
		}
		return taken
	}
	var wg sync.WaitGroup
	var have atomic.Int64
	for i := range 20 {
		wg.Go(func() {
			if take(fmt.Sprint("r", i), time.Minute) {
				have.Add(1)
			}
		})
	}
	wg.Wait()
	if have.Load() != 4 {
		t.Fatalf("%d of 20 have one of 4 places", have.Load())
	}
	if taken, err := s.TakePlace(ctx, "https://other.example.edu", "x", 4, time.Minute); err != nil || !taken {
		t.Errorf("another endpoint: %v %v", taken, err)
	}
	for i := range 20 { // one comes back: one gets it
		want(t, s.GivePlace(ctx, "https://llm.example.edu", fmt.Sprint("r", i)), nil)
	}
	for i := range 4 {
		if !take(fmt.Sprint("s", i), time.Millisecond) {
			t.Errorf("place %d was given back and is not free", i)
		}
	}
	if !take("s0", time.Minute) {
		t.Error("who takes an answer up again does not take its place")
	}
	eventuallyTrue(t, "the places of a node that died", func() bool { return take("late", time.Minute) })
}

func eventuallyTrue(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(10 * time.Second); !ok(); {
		if time.Now().After(end) {
			t.Fatal("not within ten seconds: " + what)
		}
		<-time.After(5 * time.Millisecond)
	}
}
