//go:build !faults

package fault

import "time"

// Point does nothing in a build without the tag "faults".
func Point(string) {}

// Number is the default.
func Number(_ string, value uint64) uint64 { return value }

// Now is the time.
func Now() time.Time { return time.Now() }
