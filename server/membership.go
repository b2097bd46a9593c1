package main

import (
	"context"
	"fmt"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/consensus"
)

// membership is the cluster in the words of the API. It can be looked at at any time, and changed when the node has been
// in touch with a majority.
type membership struct{ node *Node }

// Nodes tells how every member stands.
func (m membership) Nodes(ctx context.Context) ([]consensus.Node, error) { return m.node.db.Nodes(ctx) }

func (m membership) attached() error {
	if !m.node.attached.Load() {
		return lms.ErrUnavailable
	}
	return nil
}

// JoinToken makes a join token, with the command that uses it.
func (m membership) JoinToken(ctx context.Context) (api.JoinToken, error) {
	if err := m.attached(); err != nil {
		return api.JoinToken{}, err
	}
	c := m.node.cluster
	t, expires, err := c.Token(ctx)
	if err != nil {
		return api.JoinToken{}, err
	}
	command := fmt.Sprintf("trivium serve --cluster <address of the new machine>:4100 --join %s --token %s", c.Address(c.ID()), t)
	return api.JoinToken{Token: t, ExpiresAt: expires.UTC().Truncate(time.Second), Command: command}, nil
}

// Remove removes a node and refuses its certificate for ever.
func (m membership) Remove(ctx context.Context, id string, force bool) error {
	if err := m.attached(); err != nil {
		return err
	}
	return m.node.cluster.Remove(ctx, id, force)
}

// Transfer hands leadership to the node, or to the best one when id is empty.
func (m membership) Transfer(ctx context.Context, id string) error {
	if err := m.attached(); err != nil {
		return err
	}
	return m.node.cluster.Transfer(ctx, id)
}
