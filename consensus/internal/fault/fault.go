// Package fault makes a program fail where that is most instructive. It does nothing, and costs nothing, in a build
// without the tag "faults". With it:
//
//	TRIVIUM_FAULT=point:n      the process kills itself when it reaches the point for the nth time
//	TRIVIUM_FAULT_NAME=number  replaces the default of a setting that no flag has (Number)
//	TRIVIUM_FAULT_CLOCK=file   the file holds how many milliseconds the clock is ahead and, if it drifts, how many
//	                           microseconds a second more from now on; it is read ten times a second
package fault
