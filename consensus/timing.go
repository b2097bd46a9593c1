package consensus

import (
	"cmp"
	"fmt"
	"time"
)

// Timing is how fast the nodes notice and decide.
//
// A follower that has not heard from the leader for Heartbeat to 2 × Heartbeat starts an election; the leader sends ten
// heartbeats in that time. A candidate waits Election to 2 × Election for votes. Lease is how long a leader leads, and
// answers lease reads, after a majority has confirmed it.
type Timing struct {
	Heartbeat, Election, Lease time.Duration
}

// Timings are the profiles by name: "fast" for use, "classroom" for watching (heartbeats about once a second, an election
// after 5 to 10 s of silence).
var Timings = map[string]Timing{
	"fast":      {Heartbeat: 500 * time.Millisecond, Election: 500 * time.Millisecond, Lease: 250 * time.Millisecond},
	"classroom": {Heartbeat: 5 * time.Second, Election: 5 * time.Second, Lease: 4 * time.Second},
}

// Complete fills what is zero from the profile, and refuses what cannot work: see Validate.
func (t Timing) Complete(profile string) (Timing, error) {
	p, ok := Timings[cmp.Or(profile, "fast")]
	if !ok {
		return t, fmt.Errorf("consensus: there is no timing profile %q: choose fast or classroom", profile)
	}
	t.Heartbeat = cmp.Or(t.Heartbeat, p.Heartbeat)
	t.Election = cmp.Or(t.Election, max(t.Heartbeat, p.Election))
	if t.Lease == 0 {
		t.Lease = min(p.Lease, t.Heartbeat/2)
		if t.Heartbeat >= p.Heartbeat {
			t.Lease = p.Lease
		}
	}
	return t, t.Validate()
}

// Validate refuses times under which two leases could overlap, or with which no leader would last.
//
// A node that confirms a leader elects no other one for a tenth longer than the lease, by its own clock (see lease). That
// must be over when it takes the leader for dead, else elections would stall; and the tenth is what clocks may differ
// in pace, five in a hundred each way.
func (t Timing) Validate() error {
	switch {
	case t.Heartbeat < 10*time.Millisecond || t.Heartbeat > time.Minute:
		return fmt.Errorf("consensus: heartbeat timeout %s: choose between 10ms and 1m", t.Heartbeat)
	case t.Election < t.Heartbeat:
		return fmt.Errorf("consensus: the election timeout %s must not be shorter than the heartbeat timeout %s", t.Election, t.Heartbeat)
	case t.Election > time.Minute:
		return fmt.Errorf("consensus: election timeout %s: choose at most 1m", t.Election)
	case t.Lease < 5*time.Millisecond:
		return fmt.Errorf("consensus: lease %s: choose at least 5ms", t.Lease)
	case promise(t.Lease) > t.Heartbeat:
		return fmt.Errorf("consensus: a lease of %s is too long for a heartbeat timeout of %s, at most %s: the leases of two leaders could overlap",
			t.Lease, t.Heartbeat, t.Heartbeat*9/10)
	}
	return nil
}

// promise is how long a node that confirms a leader's lease stays away from other leaders.
func promise(lease time.Duration) time.Duration { return lease * 10 / 9 }
