// Package lms holds the words and the rules of the learning management system: the domain types, their
// validation, and every decision that can be made without a database (who may do what, when work is late, what a
// number of points is).
//
// The package is shared by the node and the browser, so both always reach the same verdict. It imports the
// standard library only, never net/http, and does no input or output.
//
// Times are time.Time in UTC with a resolution of one millisecond; the zero value means "not set". Points are exact
// decimals (see Points). Ids are made by NewID before a write is built, so that a retry carries the same id.
package lms
