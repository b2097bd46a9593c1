// Package interop reads and writes what leaves Trivium and comes back: the archive of a course, which any other site takes
// in. It knows formats and their limits, and neither HTTP nor the database.
//
// What comes in is somebody's file: names are compared with what may be there and never used as paths, sizes are bounded
// before anything is unpacked, and what a member says of itself is checked against its bytes.
package interop
