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

// wrong is how wrong the clock is.
type wrong struct {
	ahead time.Duration // at since
	drift int64         // and every second so many microseconds more
	since time.Time
}

var (
	clock atomic.Pointer[wrong]
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
	now := time.Now()
	if w := clock.Load(); w != nil {
		return now.Add(w.ahead + time.Duration(w.drift*now.Sub(w.since).Microseconds())*time.Nanosecond/1000)
	}
	return now
}

// readClock leaves the clock as it is while the file is missing or being written.
func readClock(path string) {
	b, err := os.ReadFile(path)
	if err != nil {
		return
	}
	w := wrong{since: time.Now()}
	fields := strings.Fields(string(b))
	for i, to := range []*int64{(*int64)(&w.ahead), &w.drift} {
		if i < len(fields) {
			if *to, err = strconv.ParseInt(fields[i], 10, 64); err != nil {
				return
			}
		}
	}
	w.ahead *= time.Millisecond
	if old := clock.Load(); len(fields) > 0 && (old == nil || old.ahead != w.ahead || old.drift != w.drift) {
		clock.Store(&w)
	}
}
