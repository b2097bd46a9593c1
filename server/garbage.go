package main

import (
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"sync"
)

// How much memory may lie about before it is collected: so many bytes, but within these percents of what is in use. A node
// uses some 30 MB and makes 10 kB a request: at Go's 100 percent it would collect a hundred times a second under load. While
// passwords are checked it uses 46 MiB more for each, and in percent of that it would grow to a multiple of what it needs.
const (
	garbageBytes = 64 << 20
	garbageLeast = 50
	garbageMost  = 300
	// Memory that is free again goes back to the machine when the process has more than this, or than three times what is in use.
	keepBytes = 192 << 20
)

// garbagePercent is what to give to debug.SetGCPercent when so many bytes are in use.
func garbagePercent(used uint64) int {
	return int(min(max(garbageBytes*100/max(used, 1), garbageLeast), garbageMost))
}

// keepAtMost is what to give to debug.SetMemoryLimit when so many bytes are in use: far enough from them that keeping to it
// costs little.
func keepAtMost(used uint64) int64 { return int64(max(keepBytes, 3*used)) }

// boundGarbage sets how often this process collects garbage, anew after each collection, unless the environment does.
var boundGarbage = sync.OnceFunc(func() {
	if os.Getenv("GOGC") != "" || os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	debug.SetGCPercent(garbageMost)
	used := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	afterEachCollection(func() {
		metrics.Read(used)
		live := used[0].Value.Uint64()
		debug.SetGCPercent(garbagePercent(live))
		debug.SetMemoryLimit(keepAtMost(live))
	})
})

// afterEachCollection calls f, never twice at a time: an object that nothing refers to is found by each collection.
func afterEachCollection(f func()) {
	type sentinel struct{ _ *byte } // without a pointer it could lie beside others
	var arm func(struct{})
	arm = func(struct{}) {
		f()
		s := new(sentinel)
		runtime.AddCleanup(s, arm, struct{}{})
	}
	s := new(sentinel)
	runtime.AddCleanup(s, arm, struct{}{})
}
