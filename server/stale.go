package main

import (
	"time"

	"trivium/server/store"
)

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
	n.log.Warn("people can read from this node what it had; saving waits for a majority", "as_of", n.db.Status().Stamp.Format(time.RFC3339))
	return nil
}
