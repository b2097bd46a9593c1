package main

import "time"

const (
	retentionEvery = time.Hour
	retentionFirst = time.Minute // after the start
)

// eraseOld takes the text of conversations with the tutor away when they are older than the site keeps them, and forgets what
// became of old mails. Every node runs this and only
// the leader acts; a change of leaders in the middle does no harm, because the stamp of the write decides what is old.
func (n *Node) eraseOld() {
	wait := time.NewTimer(retentionFirst)
	defer wait.Stop()
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-wait.C:
		}
		next := retentionEvery
		if n.db.IsLeader() {
			switch erased, err := n.store.EraseOldConversations(n.ctx); {
			case err != nil && n.ctx.Err() == nil:
				n.log.Warn("old conversations with the tutor are not erased yet", "error", err)
				next = retentionFirst
			case erased > 0:
				n.log.Info("the text of old conversations with the tutor is erased", "conversations", erased)
				next = time.Second // there may be more
			}
			if _, err := n.store.EraseOldMail(n.ctx); err != nil && n.ctx.Err() == nil {
				n.log.Warn("old mails are not forgotten yet", "error", err)
			}
		}
		wait.Reset(next)
	}
}
