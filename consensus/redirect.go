package consensus

import (
	"context"
	"fmt"

	"github.com/hashicorp/raft"
)

// NotLeaderError is what a request under WithoutForwarding gets from a node that does not lead. Nothing was changed.
type NotLeaderError struct {
	ID, Address string // of the leader; empty: none is known
}

func (e *NotLeaderError) Error() string {
	if e.ID == "" {
		return "consensus: this node does not lead, and knows no leader"
	}
	return fmt.Sprintf("consensus: this node does not lead; %s at %s does", e.ID, e.Address)
}

// Is makes a missing leader an ErrUnavailable.
func (e *NotLeaderError) Is(target error) bool { return target == ErrUnavailable && e.ID == "" }

type directContext struct{}

// WithoutForwarding makes Apply, and Query at the levels Linearizable and Lease, answer *NotLeaderError at once on a node
// that does not lead, instead of asking the leader or waiting for one.
func WithoutForwarding(ctx context.Context) context.Context {
	return context.WithValue(ctx, directContext{}, true)
}

// direct refuses a request that does not want to be forwarded, on a node that would have to.
func (db *DB) direct(ctx context.Context) error {
	if ctx.Value(directContext{}) == nil || db.raft.State() == raft.Leader && !db.gate.shut.Load() {
		return nil
	}
	id, address, _ := db.leader.get()
	if id == db.config.ID {
		id, address = "", "" // it has just lost the leadership
	}
	db.metrics.redirected.Inc()
	return &NotLeaderError{ID: id, Address: address}
}

// CountRedirect counts a request that a caller has sent away itself, before it asked anything of this node's database.
func (db *DB) CountRedirect() { db.metrics.redirected.Inc() }

// cannotForward names the leader when this node has no Config.Network to bring requests there.
func (db *DB) cannotForward() error {
	if db.client != nil || db.raft.State() == raft.Leader {
		return nil
	}
	id, address, _ := db.leader.get()
	if id == "" || id == db.config.ID {
		return nil // wait for one: it may become this node
	}
	db.metrics.redirected.Inc()
	return &NotLeaderError{ID: id, Address: address}
}
