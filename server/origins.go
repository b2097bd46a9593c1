package main

import (
	"os"
	"slices"
	"strings"

	"trivium/consensus"
	"trivium/server/store"
)

// originsFile holds where people reach the nodes, a line each, as this node last knew it. While the node starts it cannot
// ask its database, and pages of the other nodes call it already.
const originsFile = "origins"

// readOrigins is what the file holds; nothing if there is none: then no page of another node can know this one.
func readOrigins(path string) []string {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil
	}
	return strings.Fields(string(data))
}

// followOrigins keeps the file up to date. Errors leave the one before, which is right for most nodes.
func (n *Node) followOrigins() {
	known := readOrigins(n.path(originsFile))
	keep := func() {
		rows, err := n.store.NodeOrigins(consensus.AllowStale(n.ctx))
		if err != nil {
			return // asked again at the next change
		}
		now := make([]string, 0, len(rows))
		for _, origin := range rows {
			now = append(now, origin)
		}
		slices.Sort(now)
		if now = slices.Compact(now); slices.Equal(now, known) {
			return
		}
		if err := ownerFile(n.path(originsFile), strings.Join(now, "\n")+"\n"); err != nil {
			n.log.Warn("the origins of the nodes are not kept for the next start", "error", err)
			return
		}
		known = now
	}
	events := n.db.Watch(n.ctx) // before the first look: nothing falls between
	keep()
	for e := range events {
		if e.Lost || slices.Contains(e.Topics, store.TopicCluster) {
			keep()
		}
	}
}
