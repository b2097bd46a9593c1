package consensus

import "errors"

// Errors of Apply and Query. Test with errors.Is.
var (
	// ErrUnavailable: no leader, or no majority, within the hold time. Nothing was changed.
	ErrUnavailable = errors.New("consensus: no majority")
	// ErrUnknown: the write was proposed but its outcome could not be learned. A repeat with the same key settles it.
	ErrUnknown = errors.New("consensus: outcome unknown")
	// ErrKeyConflict: the key was used before with other content.
	ErrKeyConflict = errors.New("consensus: key reused with other content")
	// ErrConstraint: a statement violated a constraint of the schema. Nothing was changed.
	ErrConstraint = errors.New("consensus: constraint violated")
	// ErrBusy: too many requests are held on this node. Nothing was changed.
	ErrBusy = errors.New("consensus: too many requests are waiting")
	// ErrNoSpace: the disks of too many nodes are almost full for a write that is not Urgent. Nothing was changed.
	ErrNoSpace = errors.New("consensus: the disks are almost full")
	// ErrMembership: the change of membership is refused (would lose the majority, one is under way, unknown node …).
	ErrMembership = errors.New("consensus: membership change refused")
)

// Errors that never leave the package.
var (
	errNotLeader = errors.New("this node does not lead") // the request surely had no effect
	errClosed    = errors.New("the node is closed")
	errFailed    = errors.New("the node stopped after a storage error")
	errEntry     = errors.New("consensus: damaged entry")
	errSeveral   = errors.New("several statements in one text take no parameters")
)
