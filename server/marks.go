package main

import (
	"strconv"
	"time"

	"trivium/app/lms"
	"trivium/server/store"
)

// recordMarks writes into the audit log what an operator has done while no node ran, and the database itself remembers:
// nodes given up by a recovery, and entries of the log left out. Nobody could record it then.
func (n *Node) recordMarks() {
	status := n.db.Status()
	var events []store.AuditEvent
	add := func(action lms.AuditAction, object string) {
		events = append(events, store.AuditEvent{Action: action, Object: object, Details: []string{"recordedBy", n.self.ID()}})
	}
	for _, id := range status.Lost {
		add(lms.AuditRecover, "node/"+id)
	}
	for _, index := range status.Quarantined {
		add(lms.AuditQuarantine, "entry/"+strconv.FormatUint(index, 10))
	}
	for len(events) > 0 {
		err := n.store.AuditOnce(n.ctx, events...)
		if err == nil || n.ctx.Err() != nil {
			return
		}
		n.log.Warn("a recovery or a quarantine is not in the audit log yet", "error", err)
		select {
		case <-n.ctx.Done():
			return
		case <-time.After(10 * time.Second):
		}
	}
}
