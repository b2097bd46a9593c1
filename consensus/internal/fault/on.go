//go:build faults

package fault

import (
	"os"
	"strconv"
	"strings"
	"sync/atomic"
)

var (
	name, hit = parse(os.Getenv("TRIVIUM_FAULT"))
	hits      atomic.Int64
)

// parse splits "name:3" into the name and the hit that kills; without a number it is the first.
func parse(v string) (string, int64) {
	name, number, ok := strings.Cut(v, ":")
	if !ok {
		return name, 1
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil || n < 1 {
		panic("TRIVIUM_FAULT=" + v + ": want name or name:hit")
	}
	return name, n
}

// Point kills the process, as kill -9 would, when TRIVIUM_FAULT names it and it is reached for the given time.
func Point(point string) {
	if point != name || hits.Add(1) != hit {
		return
	}
	if p, err := os.FindProcess(os.Getpid()); err == nil {
		p.Kill()
	}
	select {} // until the signal arrives
}
