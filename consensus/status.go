package consensus

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"
)

// Node is a member of the cluster as the replicated configuration has it, with what it last said of itself.
type Node struct {
	ID      string
	Address string
	Voter   bool
	Leader  bool
	Up      bool   // it answered
	Applied uint64 // 0 if it did not answer
	Commit  uint64
	Err     string // why it did not answer

	// Skew is how far its clock is ahead: of those of a majority that agrees, else of the leader's. It includes up to half
	// the round trip.
	Skew time.Duration

	Format   int   // newest format of entries and data that its program knows; 0 if it did not answer
	LowSpace bool  // its disk is almost full: it does not want to lead
	Free     int64 // bytes on its disk
}

// Standing is the part of Status that each request asks for: a few loads.
type Standing struct {
	ID          string
	Leader      string    // id; empty: none known
	CaughtUp    bool      // has been ready since its start
	Stamp       time.Time // of the last entry in its database; zero: none
	LastContact time.Time // last time this node was in touch with a majority (leader) or the leader (follower)
	Since       time.Time // start of this process's membership
}

// Status is how this node stands.
type Status struct {
	Standing
	State     string // "leader", "follower", "candidate" or "stopped"
	Term      uint64
	Commit    uint64
	Applied   uint64
	Ready     bool      // has applied what was committed when it started or last met a leader
	Clock     time.Time // this node's clock, uncorrected
	LeaseEnd  time.Time // until when this node answers reads as leader without asking; zero: it has no lease
	Suspended time.Time // until when it is suspended; zero: it is not

	Candidacies uint64 // elections that this node has started since Since
	Elections   uint64 // elections that it has won
	Renewals    uint64 // of its lease
	// Messages to and from other nodes since Since, by kind: heartbeat, append, vote, prevote, snapshot, transfer, forward,
	// readindex, member, status. Answers are not counted.
	Sent, Received map[string]uint64
	// Requests of this node's own callers.
	Writes, Reads Latency

	Format      int      // newest format of entries and data that this program knows
	InUse       int      // format of this node's database
	Quarantined []uint64 // entries of the log that were left out, on every node
	Lost        []string // nodes that recoveries of a lost majority have given up
	Checked     uint64   // the last entry at which a majority had the same rows as this node (in parts when there are many)
	LowSpace    bool     // the disk is almost full: this node does not want to lead
	Free        int64    // bytes on the disk

	ahead time.Duration // of the clock of the node that asked
}

var stateNames = map[raft.RaftState]string{raft.Leader: "leader", raft.Follower: "follower", raft.Candidate: "candidate", raft.Shutdown: "stopped"}

// Standing tells how this node stands in the cluster.
func (db *DB) Standing() Standing {
	leader, _, _ := db.leader.get()
	s := Standing{ID: db.config.ID, Leader: leader, CaughtUp: db.leader.wasReady.Load(), LastContact: db.raft.LastContact(), Since: db.since}
	if stamp := db.machine.shown.Load().stamp; stamp > 0 {
		s.Stamp = time.UnixMilli(stamp).UTC()
	}
	if db.raft.State() == raft.Leader { // it steps down when it has not heard from a majority for LeaseTimeout
		s.LastContact = time.Now()
	}
	return s
}

// Status tells how this node stands, with what it has counted.
func (db *DB) Status() Status {
	s := Status{Standing: db.Standing(), State: stateNames[db.raft.State()], Term: db.raft.CurrentTerm(), Commit: db.raft.CommitIndex(),
		Applied: db.machine.applied(), Ready: db.leader.isReady.Load(), Clock: db.clock.read().wall}
	s.Format, s.InUse = db.config.Format, int(db.machine.format.Load())
	s.Quarantined = *db.machine.leftOut.Load()
	if lost := db.machine.lost.Load(); lost != nil {
		s.Lost = slices.Sorted(maps.Keys(*lost))
	}
	s.Checked = db.checked.Load()
	s.LowSpace, s.Free = db.space.isLow.Load(), db.space.free.Load()
	s.Candidacies, s.Elections, s.Sent, s.Received = db.candidacies.Load(), db.elections.Load(), db.sent.byName(), db.received.byName()
	s.Suspended, _ = db.gate.state()
	if left := db.leaseLeft(s.Term); left > 0 {
		s.LeaseEnd = time.Now().Add(left)
	}
	s.Writes, s.Reads = db.writeTimes.summary(), db.readTimes.summary()
	s.Renewals = db.lease.renewed()
	if db.failed.Load() {
		s.State, s.Ready = "stopped", false
	}
	return s
}

// leaseLeft is how long this node may go on answering reads as the leader of the term; 0 if it may not.
func (db *DB) leaseLeft(term uint64) time.Duration {
	if !db.IsLeader() || db.raft.CurrentTerm() != term {
		return 0
	}
	return max(0, db.lease.left(term))
}

// Members are the members of the newest configuration that this node knows, without asking them: of each Node only ID,
// Address, Voter and Leader are set.
func (db *DB) Members() ([]Node, error) {
	future := db.raft.GetConfiguration()
	if err := future.Error(); err != nil {
		return nil, err
	}
	leader, _, _ := db.leader.get()
	var nodes []Node
	for _, s := range future.Configuration().Servers {
		nodes = append(nodes, Node{ID: string(s.ID), Address: string(s.Address), Voter: s.Suffrage == raft.Voter, Leader: string(s.ID) == leader})
	}
	return nodes, nil
}

const nodesTimeout = time.Second

// Nodes asks every member how it stands, for at most a second.
func (db *DB) Nodes(ctx context.Context) ([]Node, error) {
	ctx, cancel := context.WithTimeout(ctx, nodesTimeout)
	defer cancel()
	future := db.raft.GetConfiguration()
	if err := future.Error(); err != nil {
		return nil, err
	}
	servers := future.Configuration().Servers
	leader, _, _ := db.leader.get()
	nodes, clocks := make([]Node, len(servers)), make([]*time.Duration, len(servers))
	var wg sync.WaitGroup
	for i, s := range servers {
		n := &nodes[i]
		*n = Node{ID: string(s.ID), Address: string(s.Address), Voter: s.Suffrage == raft.Voter, Leader: string(s.ID) == leader}
		wg.Go(func() {
			st, err := db.statusOf(ctx, n.ID, n.Address)
			if err != nil {
				n.Err = err.Error()
				return
			}
			n.Up, n.Applied, n.Commit = st.State != "stopped", st.Applied, st.Commit
			n.Format = formatOf(st.Format)
			n.LowSpace, n.Free = st.LowSpace, st.Free
			if !st.Clock.IsZero() {
				clocks[i] = &st.ahead
			}
		})
	}
	wg.Wait()
	db.skews(nodes, clocks)
	return nodes, nil
}
