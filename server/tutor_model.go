package main

import (
	"slices"
	"time"

	"trivium/consensus"
	"trivium/server/store"
	"trivium/server/web"
)

// followTutor puts the language model's settings of the site in force on this node, whenever an administrator has changed them on any
// node. What flags of this node say wins (tutor.Use).
func (n *Node) followTutor() {
	changes := n.db.Watch(n.ctx)
	n.readTutor()
	for e := range changes {
		if e.Lost || slices.Contains(e.Topics, store.TopicTutorModel) {
			n.readTutor()
		}
	}
}

// readTutor tries until the settings are read.
func (n *Node) readTutor() {
	for {
		err := n.useTutor()
		if err == nil {
			return
		}
		n.log.Warn("tutor: the language model's settings are not read yet", "error", err)
		select {
		case <-n.ctx.Done():
			return
		case <-time.After(time.Second):
		}
	}
}

// useTutor reads the settings once. A node that is not in touch with a majority goes by what it has.
func (n *Node) useTutor() error {
	m, err := n.store.TutorModel(consensus.AllowStale(n.ctx))
	if err != nil {
		return err
	}
	keys, err := web.OpenKeys(n.self.Keys(), m.InForce())
	if err != nil {
		n.log.Error("tutor: a key of the language model cannot be opened; set it again", "error", err)
	}
	n.tutor.Use(m.ModelSettings, keys)
	return nil
}
