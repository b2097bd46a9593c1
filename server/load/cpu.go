package load

import (
	"bytes"
	"fmt"
	"os"
	"strconv"
	"time"
)

// tick is the unit of the kernel's accounts of processor time.
const tick = 10 * time.Millisecond

// cpu is the processor time that the cluster's processes have used: it says what a request costs even where other work
// disturbs the rates. 0 where there is no /proc, and for nodes that are not ours.
func (c *Cluster) cpu() time.Duration {
	var sum time.Duration
	for _, n := range c.Nodes {
		pid := n.pid()
		if pid == 0 {
			continue
		}
		b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			continue
		}
		fields := bytes.Fields(b[bytes.LastIndexByte(b, ')')+1:]) // the name may hold spaces
		for _, i := range []int{11, 12} {                         // utime, stime
			if len(fields) > i {
				n, _ := strconv.ParseInt(string(fields[i]), 10, 64)
				sum += time.Duration(n) * tick
			}
		}
	}
	return sum
}
