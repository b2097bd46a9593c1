//go:build !race

package tutortest

// Raced reports whether the race detector watches, which makes everything many times slower and larger: tests of sheer numbers do
// with fewer.
const Raced = false
