package main

import "time"

// cutoffEvery is how soon after a cut-off the drafts are handed in that go in by themselves. The attempts carry the time of
// the cut-off, so that nothing depends on it.
const cutoffEvery = 15 * time.Second

// handInDrafts hands in drafts whose cut-off has passed. Every node runs this and only the leader acts; the stamp of the
// write decides what is due, so a change of leaders does no harm.
func (n *Node) handInDrafts() {
	tick := time.NewTicker(cutoffEvery)
	defer tick.Stop()
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-tick.C:
		}
		if !n.db.IsLeader() {
			continue
		}
		switch handed, err := n.store.HandInDrafts(n.ctx); {
		case err != nil && n.ctx.Err() == nil:
			n.log.Warn("drafts are not handed in yet", "error", err)
		case handed > 0:
			n.log.Info("drafts were handed in at their cut-off", "drafts", handed)
		}
	}
}
