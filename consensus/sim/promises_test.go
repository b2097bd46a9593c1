package sim

import (
	"maps"
	"slices"
	"time"
)

const watchEvery = 50 * time.Millisecond

// watchLeases: at no moment do two nodes hold a lease.
func (w *world) watchLeases() {
	for !w.stop.Load() {
		time.Sleep(watchEvery)
		holder, now := -1, time.Now()
		for i := range w.nodes {
			db := w.db(i)
			if db == nil {
				continue
			}
			if s := db.Status(); s.LeaseEnd.After(now) {
				if w.leases.Add(1); holder >= 0 {
					w.checks.fail("%s and %s hold a lease at the same time", nameOf(holder), nameOf(i))
				}
				holder = i
			}
		}
	}
}

// checkStamps: stamps never go back with the index.
func checkStamps(w *world, stamps map[uint64]int64) {
	last := int64(0)
	for _, index := range slices.Sorted(maps.Keys(stamps)) {
		if stamps[index] < last {
			w.checks.fail("the stamp of entry %d is %d ms before that of an earlier one", index, last-stamps[index])
		}
		last = stamps[index]
	}
}
