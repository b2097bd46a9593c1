package sim

import (
	"maps"
	"slices"
)

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
