package main

import (
	"runtime"
	"sync/atomic"
	"testing"
	"time"
)

func TestGarbagePercent(t *testing.T) {
	for _, c := range []struct {
		used uint64
		want int
	}{
		{0, 300}, {20 << 20, 300}, {32 << 20, 200}, {80 << 20, 80}, {128 << 20, 50}, {4 << 30, 50},
	} {
		if got := garbagePercent(c.used); got != c.want {
			t.Errorf("%d MiB in use: %d percent, want %d", c.used>>20, got, c.want)
		}
	}
}

func TestMemoryIsGivenBack(t *testing.T) {
	for used, want := range map[uint64]int64{0: 192 << 20, 30 << 20: 192 << 20, 100 << 20: 300 << 20} {
		if got := keepAtMost(used); got != want {
			t.Errorf("%d MiB in use: at most %d MiB, want %d", used>>20, got>>20, want>>20)
		}
	}
}

func TestAfterEachCollection(t *testing.T) {
	var n atomic.Int32
	afterEachCollection(func() { n.Add(1) })
	for deadline := time.Now().Add(10 * time.Second); n.Load() < 3; {
		if time.Now().After(deadline) {
			t.Fatalf("called %d times", n.Load())
		}
		runtime.GC()
	}
}
