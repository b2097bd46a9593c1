package consensus

import (
	"time"

	"github.com/hashicorp/raft"
)

// admit holds a message of another node back, or answers it, before Raft sees it.
func (l *link) admit(command any) (answer any, err error) {
	switch r := command.(type) {
	case *raft.RequestVoteRequest:
		if !l.wait(func() time.Time { return l.lease.mayVote(string(r.ID), r.Term, r.LeadershipTransfer) }) {
			l.events.voted(r.ID, r.Term, false)
			return &raft.RequestVoteResponse{RPCHeader: r.RPCHeader, Term: l.term()}, nil
		}
	case *raft.RequestPreVoteRequest:
		if !l.wait(func() time.Time { return l.lease.mayVote(string(r.ID), r.Term, false) }) {
			return &raft.RequestPreVoteResponse{RPCHeader: r.RPCHeader, Term: l.term()}, nil
		}
	case *raft.TimeoutNowRequest:
		return nil, l.lease.take(r, l.term())
	}
	return nil, nil
}

// wait waits for the end of a promise: a voter that has just been restarted, or whose leader has just died, is about to be
// free, and a refusal would cost the candidate a whole election. It returns false when the promise was renewed meanwhile.
func (l *link) wait(until func() time.Time) bool {
	end := until()
	if end.IsZero() {
		return true
	}
	timer := time.NewTimer(end.Sub(l.lease.now()) + time.Millisecond)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-l.end:
		return false
	}
	return until().IsZero()
}

// settle looks at Raft's answer before it leaves.
func (l *link) settle(command, answer any, arrived time.Time) {
	switch r := command.(type) {
	case *raft.AppendEntriesRequest:
		if resp, ok := answer.(*raft.AppendEntriesResponse); ok {
			l.lease.accepted(r, resp, arrived)
			if resp.Success {
				l.fresh.accepted(r, arrived)
			}
			l.events.received(r, resp.Success)
		}
	case *raft.RequestVoteRequest:
		if resp, ok := answer.(*raft.RequestVoteResponse); ok {
			resp.Granted = resp.Granted && l.lease.vote(string(r.ID), r.Term, r.LeadershipTransfer)
			l.events.voted(r.ID, r.Term, resp.Granted)
		}
	}
}

// mayStand waits until no promise of this node stands against its own candidacy.
func (l *link) mayStand(args *raft.RequestVoteRequest) (*raft.RequestVoteRequest, error) {
	req := *args
	req.LeadershipTransfer = args.LeadershipTransfer && l.lease.privileged(args.Term)
	self := string(req.ID)
	until := func() time.Time { return l.lease.mayVote(self, req.Term, req.LeadershipTransfer) }
	if !until().IsZero() {
		l.events.waitsForLease()
		if !l.wait(until) {
			return nil, errPromised
		}
	}
	if l.term() != args.Term || !l.lease.vote(self, req.Term, req.LeadershipTransfer) {
		return nil, errPromised
	}
	return &req, nil
}
