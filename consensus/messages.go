package consensus

import (
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// messageKind is a kind of message between nodes. Questions are counted, not their answers.
type messageKind int

const (
	msgHeartbeat messageKind = iota
	msgAppend
	msgVote
	msgPreVote
	msgSnapshot
	msgTransfer
	msgForward
	msgReadIndex
	msgMember
	msgStatus
	messageKinds
)

var messageNames = [messageKinds]string{"heartbeat", "append", "vote", "prevote", "snapshot", "transfer", "forward", "readindex", "member", "status"}

// tally counts messages by kind.
type tally [messageKinds]atomic.Uint64

func (t *tally) count(k messageKind) { t[k].Add(1) }

// byName returns the counts, zeroes included.
func (t *tally) byName() map[string]uint64 {
	m := make(map[string]uint64, messageKinds)
	for k := range t {
		m[messageNames[k]] = t[k].Load()
	}
	return m
}

func kindOf(command any) (messageKind, bool) {
	switch c := command.(type) {
	case *raft.AppendEntriesRequest:
		if isHeartbeat(c) {
			return msgHeartbeat, true
		}
		return msgAppend, true
	case *raft.RequestVoteRequest:
		return msgVote, true
	case *raft.RequestPreVoteRequest:
		return msgPreVote, true
	case *raft.InstallSnapshotRequest:
		return msgSnapshot, true
	case *raft.TimeoutNowRequest:
		return msgTransfer, true
	}
	return 0, false
}

// isHeartbeat: Raft's heartbeats say nothing of the log.
func isHeartbeat(r *raft.AppendEntriesRequest) bool {
	return r.PrevLogEntry == 0 && len(r.Entries) == 0 && r.LeaderCommitIndex == 0
}

var rpcKinds = map[string]messageKind{"/apply": msgForward, "/readindex": msgReadIndex, "/member": msgMember, "/status": msgStatus}
