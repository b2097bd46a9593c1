package web

import (
	"strconv"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/consensus"
)

// redirect tells a client that wants no forwarding where the leader is.
type redirect struct {
	location string // empty: no leader is known, or not where people reach it
}

func (*redirect) Error() string { return errElsewhere.Error() }

// Unwrap makes it a refusal.
func (*redirect) Unwrap() error { return errElsewhere }

var errElsewhere = &lms.Error{Kind: lms.KindUnavailable, RetryIn: 1, Message: "This node does not lead, and the request says not to forward it. Send it to the leader."}

// mayForward refuses a request to a node that does not lead if the client has said so, by header or in the query.
func (s *Server) mayForward(q *request) error {
	say := q.r.Header.Get(api.HeaderForward)
	if say == "" && q.r.URL.RawQuery != "" {
		say = q.r.URL.Query().Get("forward")
	}
	if say == "" {
		return nil
	}
	forward, err := strconv.ParseBool(say)
	if err != nil {
		return lms.FieldErrorf(lms.KindInvalid, "forward", "%q is neither true nor false.", say)
	}
	if forward || s.db.IsLeader() {
		return nil
	}
	s.db.CountRedirect()
	leader := s.db.Standing().Leader
	if leader == "" || leader == s.c.NodeID {
		return &redirect{}
	}
	origins, err := s.store.NodeOrigins(consensus.AllowStale(q.ctx))
	if err != nil || !validOrigin(origins[leader]) {
		return &redirect{}
	}
	return &redirect{location: origins[leader] + q.r.URL.RequestURI()}
}
