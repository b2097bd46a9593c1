// Package interop reads and writes what leaves Trivium and comes back: rosters as other programs write them, and the archive
// of a course, which any other site takes in. It knows the words of the LMS, the formats and their limits; no database, no
// HTTP.
//
// What comes in is somebody's file: names are compared with what may be there and never used as paths, sizes are bounded
// before anything is unpacked, what a member says of itself is checked against its bytes, and a refusal names the place.
package interop
