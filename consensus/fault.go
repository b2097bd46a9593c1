package consensus

import "trivium/consensus/internal/fault"

// FaultPoint lets the storage beside the database, such as that of files, have places at which a program built with the
// tag "faults" kills itself. In any other build it does nothing.
func FaultPoint(name string) { fault.Point(name) }
