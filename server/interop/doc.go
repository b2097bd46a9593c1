// Package interop reads and writes the formats of other programs. It knows the words of the LMS and nothing else: no
// database, no HTTP. What it cannot read it refuses with the place, so that a person can find it in the file.
package interop
