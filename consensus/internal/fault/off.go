//go:build !faults

package fault

// Point does nothing in a build without the tag "faults".
func Point(string) {}
