package cluster

import (
	"context"
	"slices"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// Remove removes a node and refuses its certificate for ever. Removing this node itself is left to another one, because
// whoever is removed cannot record it any more. It may be repeated. Without force it refuses when the database or the files would be
// on too few nodes.
func (n *Cluster) Remove(ctx context.Context, id string, force bool) error {
	nodes, err := n.db.Nodes(ctx)
	if err != nil {
		return refusal(err, "The node stays: %s.")
	}
	i := slices.IndexFunc(nodes, func(m consensus.Node) bool { return m.ID == id })
	if i >= 0 && len(nodes) > 1 && !force {
		if err := n.checkFiles(ctx, nodes, nodes[i]); err != nil {
			return err
		}
	}
	switch {
	case i >= 0 && len(nodes) == 1:
		return lms.Errorf(lms.KindConflict, "%s is the only node. To end the cluster, stop it.", id)
	case i >= 0 && id == n.self.ID():
		return n.askToRemove(ctx, nodes, id, force)
	case i >= 0:
		if err := n.db.Remove(ctx, id, force); err != nil {
			return refusal(err, "The node stays: %s.")
		}
	case !n.isRemoved(id):
		// Not a member, yet not refused either: a removal that was cut short, or a name that never was.
		if rows, err := n.store.NodeOrigins(ctx); err != nil {
			return err
		} else if _, ok := rows[id]; !ok {
			return lms.Errorf(lms.KindNotFound, "There is no node %q. \"trivium nodes\" lists them.", id)
		}
	}
	if err := n.store.SetSetting(ctx, removedSetting+id, time.Now().UTC().Format(time.RFC3339)); err != nil {
		return err
	}
	if err := n.store.RemoveNodeRow(ctx, id); err != nil {
		return err
	}
	n.look(ctx)
	return nil
}

// checkFiles refuses to remove a voter while files are still being copied to one that stays, because the one that goes may have what
// that one lacks. A voter that is away counts as one that lacks something, except when the one that goes is away as well: nobody can
// get anything from it, and two that have died must not hold each other. What no node had may be back on the one that goes.
func (n *Cluster) checkFiles(ctx context.Context, nodes []consensus.Node, gone consensus.Node) error {
	if n.copies == nil || !gone.Voter {
		return nil
	}
	ask := map[string]string{}
	for _, m := range nodes {
		if m.Voter && m.Up {
			ask[m.ID] = m.Address
		}
	}
	copies := n.copies(ctx, ask)
	for _, m := range nodes {
		c, told := copies[m.ID]
		switch {
		case !m.Voter || m.ID == gone.ID:
		case told && c.Gone > 0 && gone.Up && copies[gone.ID].Gone < c.Gone:
			return lms.Errorf(lms.KindConflict, "The node stays: %s lacks parts of files, and %s does not say that it lacks them too. "+
				"Wait until they are copied, or use --force to give up what only %s has.", m.ID, gone.ID, gone.ID)
		case c.Whole:
		case told:
			return lms.Errorf(lms.KindConflict, "The node stays: files are still being copied to %s (%s), and some may be on %s alone. "+
				"The copying goes on by itself: wait until \"trivium status\" no longer says so, or use --force.", m.ID, c.Left(), gone.ID)
		case m.Up || gone.Up:
			return lms.Errorf(lms.KindConflict, "The node stays: %s does not tell whether it has all files, and some may be on %s alone. "+
				"Start %s and wait, or remove that one first if its machine is gone, or use --force.", m.ID, gone.ID, m.ID)
		}
	}
	return nil
}
