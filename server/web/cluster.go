package web

import (
	"context"
	"errors"
	"strconv"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/consensus"
)

func (s *Server) getCluster(ctx context.Context, _ lms.Actor, _ api.NoInput) (lms.Cluster, error) {
	members, err := s.c.Cluster.Nodes(ctx)
	if err != nil {
		return lms.Cluster{}, err
	}
	origins, err := s.store.NodeOrigins(ctx)
	if err != nil {
		return lms.Cluster{}, err
	}
	status := s.db.Status()
	out := lms.Cluster{Node: s.c.NodeID, Leader: status.Leader, State: status.State, Term: status.Term, Commit: status.Commit, Applied: status.Applied,
		LeaseMs: max(0, time.Until(status.LeaseEnd).Milliseconds()), Nodes: []lms.ClusterNode{},
		Version: s.c.Version, AppVersion: s.c.AppVersion}
	if s.c.Warnings != nil {
		out.Warnings = s.c.Warnings()
	}
	var commit uint64
	running := map[string]string{}
	for _, n := range members {
		commit = max(commit, n.Commit)
		if n.Up {
			running[n.ID] = n.Address
		}
	}
	copies := s.files.Copies(ctx, running)
	for _, n := range members {
		node := lms.ClusterNode{ID: n.ID, Address: n.Address, Origin: origins[n.ID], Voter: n.Voter, Leader: n.Leader, Up: n.Up,
			Applied: n.Applied, Commit: n.Commit, Error: n.Err}
		node.Replica = !n.Voter && node.Origin != "" // it tells where it serves when it has entered for good
		if n.Up && n.Applied < commit {
			node.Lag = commit - n.Applied
		}
		node.ClockSkewMs, node.ClockMessage = n.Skew.Milliseconds(), lms.ClockMessageOf(n.ID, n.Skew)
		node.LowSpace, node.SpaceMessage = n.LowSpace, lms.SpaceMessageOf(n.ID, n.LowSpace, n.Free)
		if n.Up {
			c, told := copies[n.ID]
			c.Silent = !told
			node.Files = &c
		}
		out.Nodes = append(out.Nodes, node)
	}
	out.Health = lms.HealthOfNodes(out.Nodes)
	return out, nil
}

// getNodeHash reads the whole database: it is for an operator who compares nodes, not for a page that is polled.
func (s *Server) getNodeHash(ctx context.Context, _ lms.Actor, _ api.NoInput) (lms.NodeHash, error) {
	sum, index, err := s.db.Hash(ctx)
	return lms.NodeHash{Node: s.c.NodeID, Index: index, Hash: sum}, err
}

func (s *Server) createJoinToken(ctx context.Context, _ lms.Actor, _ api.NoInput) (api.JoinToken, error) {
	return s.c.Cluster.JoinToken(ctx)
}

func (s *Server) removeNode(ctx context.Context, actor lms.Actor, in api.RemoveNodeInput) (lms.Cluster, error) {
	force := ""
	if in.Force {
		force = "true"
	}
	if err := s.audit(ctx, lms.AuditNodeRemove, "node/"+in.Node, "force", force); err != nil {
		return lms.Cluster{}, err
	}
	if err := s.c.Cluster.Remove(ctx, in.Node, in.Force); err != nil {
		return lms.Cluster{}, membershipError(err)
	}
	return s.getCluster(ctx, actor, api.NoInput{})
}

func (s *Server) transferLeader(ctx context.Context, actor lms.Actor, in api.TransferInput) (lms.Cluster, error) {
	if err := s.audit(ctx, lms.AuditTransfer, "node/"+in.Node); err != nil {
		return lms.Cluster{}, err
	}
	if err := s.c.Cluster.Transfer(ctx, in.Node); err != nil {
		return lms.Cluster{}, membershipError(err)
	}
	return s.getCluster(ctx, actor, api.NoInput{})
}

// suspendNode makes a node silent for a while, as a drill. What ends the majority needs Force.
func (s *Server) suspendNode(ctx context.Context, _ lms.Actor, in api.SuspendNodeInput) (api.Empty, error) {
	members, err := s.c.Cluster.Nodes(ctx)
	if err != nil {
		return api.Empty{}, err
	}
	voters, left, found := 0, 0, false
	for _, n := range members {
		found = found || n.ID == in.Node
		if n.Voter {
			voters++
			if n.Up && n.ID != in.Node {
				left++
			}
		}
	}
	switch {
	case !found:
		return api.Empty{}, lms.ErrNotFound
	case left <= voters/2 && !in.Force:
		return api.Empty{}, lms.Errorf(lms.KindConflict, "Without %s only %d of %d nodes answer: nothing can be saved for %d seconds. Confirm that this is meant.",
			in.Node, left, voters, in.Seconds)
	}
	force := ""
	if in.Force {
		force = "true"
	}
	if err := s.audit(ctx, lms.AuditDrill, "node/"+in.Node, "seconds", strconv.Itoa(in.Seconds), "force", force); err != nil {
		return api.Empty{}, err
	}
	err = s.c.Cluster.Suspend(ctx, in.Node, time.Duration(in.Seconds)*time.Second)
	return api.Empty{}, membershipError(err)
}

// membershipError makes a refused change of membership a conflict that an operator can read.
func membershipError(err error) error {
	if errors.Is(err, consensus.ErrMembership) {
		return lms.Errorf(lms.KindConflict, "The cluster refused this change: %s. Nothing was changed; look at the nodes and try again.", err)
	}
	return err
}
