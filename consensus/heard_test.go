package consensus

import (
	"testing"
	"time"

	"github.com/hashicorp/raft"
)

// Whom a linearizable read counts: voters that have accepted a message of this term which was sent after the read began.
func TestHeard(t *testing.T) {
	const term = 7
	start := time.Unix(1e9, 0)
	voters := func(ids ...raft.ServerID) (list []raft.Server) {
		for _, id := range ids {
			list = append(list, raft.Server{ID: id})
		}
		return list
	}
	three := append(voters("self", "a", "b"), raft.Server{ID: "replica", Suffrage: raft.Nonvoter})
	type answer struct {
		from    raft.ServerID
		term    uint64
		sent    time.Duration // after the read began
		refused bool
	}
	for name, c := range map[string]struct {
		servers []raft.Server
		answers []answer
		want    bool
	}{
		"a lone voter needs nobody":             {voters("self"), nil, true},
		"nobody has answered":                   {three, nil, false},
		"one of two others":                     {three, []answer{{from: "a", term: term, sent: 1}}, true},
		"sent as the read began":                {three, []answer{{from: "a", term: term}}, true},
		"sent before the read":                  {three, []answer{{from: "a", term: term, sent: -1}, {from: "b", term: term, sent: -2}}, false},
		"a replica has no vote":                 {three, []answer{{from: "replica", term: term, sent: 1}}, false},
		"who is no member":                      {three, []answer{{from: "gone", term: term, sent: 1}}, false},
		"an earlier term":                       {three, []answer{{from: "a", term: term - 1, sent: 1}}, false},
		"a later term":                          {three, []answer{{from: "a", term: term + 1, sent: 1}}, false},
		"a refusal":                             {three, []answer{{from: "a", term: term, sent: 1, refused: true}}, false},
		"one of four others":                    {voters("self", "a", "b", "c", "d"), []answer{{from: "a", term: term, sent: 1}}, false},
		"two of four others":                    {voters("self", "a", "b", "c", "d"), []answer{{from: "a", term: term, sent: 1}, {from: "d", term: term, sent: 2}}, true},
		"two of four others, one of them early": {voters("self", "a", "b", "c", "d"), []answer{{from: "a", term: term, sent: 1}, {from: "d", term: term, sent: -1}}, false},
		"two of two others, self has no vote":   {voters("a", "b"), []answer{{from: "a", term: term, sent: 1}, {from: "b", term: term, sent: 1}}, true},
		"one of two others, self has no vote":   {voters("a", "b"), []answer{{from: "a", term: term, sent: 1}}, false},
		"no voter at all":                       {nil, nil, false},
	} {
		t.Run(name, func(t *testing.T) {
			now := func() time.Time { return start.Add(time.Second) }
			l := &lease{length: time.Second, self: "self", voters: func() []raft.Server { return c.servers }, now: now, wall: now,
				peers: map[raft.ServerID]*peerContact{}}
			for _, a := range c.answers {
				at := start.Add(a.sent)
				l.answered(a.from, &raft.AppendEntriesRequest{Term: a.term}, &raft.AppendEntriesResponse{Term: a.term, Success: !a.refused}, mark{at, at})
			}
			if got := l.heard(term, start); got != c.want {
				t.Errorf("heard: %v", got)
			}
		})
	}
}
