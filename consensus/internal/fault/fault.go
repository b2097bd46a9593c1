// Package fault names the places where a crash is most instructive. Without the build tag "faults" a point costs nothing;
// with it, the process kills itself at the point that the environment variable TRIVIUM_FAULT names.
package fault
