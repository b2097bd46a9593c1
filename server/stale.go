package main

import (
	"errors"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/store"
)

// openStore opens the store as soon as a majority answers; until then people read what can be read. False without an
// error: the node is being closed.
func (n *Node) openStore() (bool, error) {
	for wait := false; ; wait = true {
		s, err := store.Open(n.ctx, n.db)
		if err == nil {
			return true, n.useStore(s)
		}
		why := "no majority of the nodes answers; waiting for them"
		switch {
		case errors.Is(err, consensus.ErrNoSpace):
			why = "the database must be migrated, which is tried on a copy first; waiting for space"
		case lms.KindOf(err) == lms.KindUnavailable, errors.Is(err, consensus.ErrUnavailable), errors.Is(err, consensus.ErrUnknown):
		default:
			return false, err
		}
		if !wait {
			n.log.Warn(why, "error", err)
		}
		if err := n.showStale(); err != nil {
			return false, err
		}
		select {
		case <-n.ctx.Done():
			return false, nil
		case <-time.After(200 * time.Millisecond):
		}
	}
}

func (n *Node) useStore(s *store.Store) error {
	if newer := s.NewerSchema(); newer > 0 {
		n.log.Warn("a newer program has migrated the data; this one can work with it until it is replaced as well", "schema", newer, "known", store.SchemaVersion())
	}
	if n.store != nil {
		return nil // that of showStale
	}
	n.store = s
	return n.startCertificates()
}

// showStale lets people read from this node while no majority of the nodes answers since its start (CLUSTER-10): what
// its own database holds, marked as of the last entry in it. Writes are held and then refused. A node that was never a
// member, or whose data must be migrated first, goes on saying that it starts.
func (n *Node) showStale() error {
	if n.web != nil {
		return nil
	}
	s, err := store.OpenStale(n.ctx, n.db)
	if err != nil {
		n.log.Info("pages cannot be read from this node before it has a majority", "reason", err)
		return nil
	}
	n.store = s
	if err := n.startCertificates(); err != nil {
		return err
	}
	if err := n.openServices(); err != nil {
		return err
	}
	n.show(n.web.Handler())
	n.log.Warn("people can read from this node what it had; saving waits for a majority", "as_of", n.db.Standing().Stamp.Format(time.RFC3339))
	return nil
}
