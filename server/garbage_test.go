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
