//go:build faults

package fault

import (
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

var (
	ahead atomic.Int64 // ms
	watch sync.Once
)

// Number is the setting that the environment has under the name, or the default.
func Number(name string, value uint64) uint64 {
	v, ok := os.LookupEnv("TRIVIUM_FAULT_" + name)
	if !ok {
		return value
	}
	n, err := strconv.ParseUint(v, 10, 64)
	if err != nil {
		panic("TRIVIUM_FAULT_" + name + "=" + v + ": want a number")
	}
	return n
}

// Now is the time, as a clock shows it that is as wrong as the file says which TRIVIUM_FAULT_CLOCK names.
func Now() time.Time {
	watch.Do(func() {
		if path := os.Getenv("TRIVIUM_FAULT_CLOCK"); path != "" {
			readClock(path)
			go func() {
				for range time.Tick(100 * time.Millisecond) {
					readClock(path)
				}
			}()
		}
	})
	return time.Now().Add(time.Duration(ahead.Load()) * time.Millisecond)
}

// readClock leaves the clock as it is while the file is missing or being written.
func readClock(path string) {
	b, err := os.ReadFile(path)
	if err != nil {
		return
	}
	if n, err := strconv.ParseInt(strings.TrimSpace(string(b)), 10, 64); err == nil {
		ahead.Store(n)
	}
}
