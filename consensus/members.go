package consensus

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/hashicorp/raft"

	"trivium/consensus/internal/fault"
)

// memberChange is a request to the leader.
type memberChange struct {
	Op      string // "join", "remove" or "transfer"
	ID      string
	Address string
	Voter   bool
	Force   bool
	Again   bool // an earlier try may have taken effect
}

// Join adds a member, or changes its address. Any node may be asked. ErrMembership when another change is under way. The
// new node must be open and answer at its address: as a voter that is not there it would only endanger the majority.
func (db *DB) Join(ctx context.Context, id, address string, voter bool) error {
	if id == "" || address == "" {
		return fmt.Errorf("%w: a member needs an id and an address", ErrMembership)
	}
	return db.member(ctx, memberChange{Op: "join", ID: id, Address: address, Voter: voter})
}

// Remove removes a member, the leader too. Without force it refuses when the members that answer would be no majority
// of what remains.
func (db *DB) Remove(ctx context.Context, id string, force bool) error {
	return db.member(ctx, memberChange{Op: "remove", ID: id, Force: force})
}

// Transfer hands leadership to the member, or to the most advanced one when id is empty. ErrMembership when it is down or
// behind: then the leader stays.
func (db *DB) Transfer(ctx context.Context, id string) error {
	return db.member(ctx, memberChange{Op: "transfer", ID: id})
}

// member brings the change to the leader, again and again until HoldTimeout: each change may be repeated.
func (db *DB) member(ctx context.Context, c memberChange) error {
	ctx, cancel := context.WithTimeout(ctx, memberTimeout)
	defer cancel()
	for {
		err := db.memberOnce(ctx, c)
		if err == nil || errors.Is(err, ErrMembership) {
			return err
		}
		c.Again = true
		if ctx.Err() == nil {
			wait, cancel := db.hold(ctx)
			err := db.waitLeader(wait, true)
			cancel()
			if err != nil || db.life.Err() != nil {
				return errors.Join(ErrUnavailable, err)
			}
		}
		if ctx.Err() != nil {
			return fmt.Errorf("%w: %s %s: %w", ErrUnavailable, c.Op, c.ID, err)
		}
	}
}

const (
	memberTimeout = 60 * time.Second
	changeTimeout = 5 * time.Second
	catchUpPause  = 50 * time.Millisecond
)

func (db *DB) memberOnce(ctx context.Context, c memberChange) error {
	if db.raft.State() == raft.Leader {
		return db.change(ctx, c)
	}
	id, address, _ := db.leader.get()
	if id == "" || id == db.config.ID || db.client == nil {
		return errNotLeader
	}
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	status, answer, err := db.call(ctx, http.MethodPost, address, "/member", body)
	switch {
	case err != nil:
		return err
	case status == http.StatusOK:
		return nil
	case status == statusRefused:
		return fmt.Errorf("%w: %s", ErrMembership, strings.TrimSpace(string(answer)))
	}
	return errNotLeader
}

func (db *DB) serveMember(w http.ResponseWriter, r *http.Request) {
	var c memberChange
	if err := json.NewDecoder(io.LimitReader(r.Body, maxJSON)).Decode(&c); err != nil {
		http.Error(w, err.Error(), statusRefused)
		return
	}
	err := errNotLeader
	if db.raft.State() == raft.Leader {
		err = db.change(r.Context(), c)
	}
	switch {
	case err == nil:
	case errors.Is(err, ErrMembership):
		http.Error(w, strings.TrimPrefix(err.Error(), ErrMembership.Error()+": "), statusRefused)
	default:
		http.Error(w, err.Error(), statusNotLeader)
	}
}

// change runs on the leader, one at a time.
func (db *DB) change(ctx context.Context, c memberChange) error {
	if !db.memberMu.TryLock() {
		return fmt.Errorf("%w: another change is under way", ErrMembership)
	}
	defer db.memberMu.Unlock()
	future := db.raft.GetConfiguration()
	if err := future.Error(); err != nil {
		return err
	}
	servers := future.Configuration().Servers
	at := slices.IndexFunc(servers, func(s raft.Server) bool { return string(s.ID) == c.ID })
	switch c.Op {
	case "join":
		return db.join(ctx, servers, at, c)
	case "remove":
		return db.remove(ctx, servers, at, c)
	case "transfer":
		return db.transfer(ctx, servers, at, c)
	}
	return fmt.Errorf("%w: unknown change %q", ErrMembership, c.Op)
}

func (db *DB) join(ctx context.Context, servers []raft.Server, at int, c memberChange) error {
	if db.isLost(c.ID) {
		return fmt.Errorf("%w: node %s: %w", ErrMembership, c.ID, errLost)
	}
	id, address := raft.ServerID(c.ID), raft.ServerAddress(c.Address)
	if i := slices.IndexFunc(servers, func(s raft.Server) bool { return s.Address == address && s.ID != id }); i >= 0 {
		return fmt.Errorf("%w: node %s has the address %s", ErrMembership, servers[i].ID, address)
	}
	isVoter := at >= 0 && servers[at].Suffrage == raft.Voter
	if at >= 0 && servers[at].Address == address && isVoter == c.Voter {
		return nil
	}
	if c.ID != db.config.ID && db.client != nil {
		if err := db.answers(ctx, c.ID, c.Address); err != nil {
			return fmt.Errorf("%w: node %s does not answer at %s: %w", ErrMembership, c.ID, c.Address, err)
		}
		if st, err := db.statusOf(ctx, c.ID, c.Address); err == nil && formatOf(st.Format) < int(db.format()) {
			return fmt.Errorf("%w: node %s runs a program that does not know format %d, which the cluster uses: start a newer one there",
				ErrMembership, c.ID, db.format())
		}
	}
	if !c.Voter && isVoter {
		return db.changed(ctx, db.raft.DemoteVoter(id, 0, changeTimeout))
	}
	if !isVoter { // it receives the log before it counts for the majority
		if err := db.changed(ctx, db.raft.AddNonvoter(id, address, 0, changeTimeout)); err != nil {
			return err
		}
		if !c.Voter {
			return nil
		}
		fault.Point("join-added")
		if err := db.catchUp(ctx, c); err != nil {
			return err
		}
		fault.Point("join-before-vote")
	}
	return db.changed(ctx, db.raft.AddVoter(id, address, 0, changeTimeout))
}

// answers waits up to HoldTimeout for a node that may be just starting.
func (db *DB) answers(ctx context.Context, id, address string) error {
	ctx, cancel := db.hold(ctx)
	defer cancel()
	for {
		_, err := db.statusOf(ctx, id, address)
		if err == nil {
			return nil
		}
		select {
		case <-time.After(catchUpPause):
		case <-ctx.Done():
			return err
		}
	}
}

// catchUp waits until the new node has what was committed when it was asked.
func (db *DB) catchUp(ctx context.Context, c memberChange) error {
	target := db.machine.applied()
	for {
		if db.hasUpTo(ctx, c, target) {
			return nil
		}
		if db.raft.State() != raft.Leader {
			return errNotLeader
		}
		select {
		case <-time.After(catchUpPause):
		case <-ctx.Done():
			return fmt.Errorf("%w: node %s has not caught up; it stays without a vote, repeat the call: %w", ErrMembership, c.ID, ctx.Err())
		case <-db.stop:
			return errNotLeader
		}
	}
}

// hasUpTo reports whether the node has applied the entry; without a network to ask over, whether it has it in its log.
func (db *DB) hasUpTo(ctx context.Context, c memberChange, index uint64) bool {
	if db.client == nil {
		match, _, ok := db.lease.contact(raft.ServerID(c.ID), db.raft.CurrentTerm())
		return ok && match >= index
	}
	st, err := db.statusOf(ctx, c.ID, c.Address)
	return err == nil && st.Applied >= index
}

func (db *DB) remove(ctx context.Context, servers []raft.Server, at int, c memberChange) error {
	if at < 0 && c.Again {
		return nil
	}
	if at < 0 {
		return fmt.Errorf("%w: no member %q", ErrMembership, c.ID)
	}
	if len(servers) == 1 {
		return fmt.Errorf("%w: %s is the last member", ErrMembership, c.ID)
	}
	if !c.Force {
		nodes, err := db.Nodes(ctx)
		if err != nil {
			return err
		}
		voters, up := 0, 0
		for _, n := range nodes {
			if n.Voter && n.ID != c.ID {
				voters++
				if n.Up {
					up++
				}
			}
		}
		if up < voters/2+1 {
			return fmt.Errorf("%w: without %s only %d of %d voters answer", ErrMembership, c.ID, up, voters)
		}
	}
	if c.ID == db.config.ID { // the next leader removes this one
		if err := db.transfer(ctx, servers, -1, memberChange{}); err != nil {
			return err
		}
		return errNotLeader
	}
	fault.Point("remove-before")
	return db.changed(ctx, db.raft.RemoveServer(raft.ServerID(c.ID), 0, changeTimeout))
}

// changed waits for the change and follows it with a NO-OP, so that the others learn of it at once.
func (db *DB) changed(ctx context.Context, f raft.IndexFuture) error {
	err := f.Error()
	fault.Point("config-changed")
	switch {
	case err == nil:
	case errors.Is(err, raft.ErrEnqueueTimeout):
		return fmt.Errorf("%w: another change is under way", ErrMembership)
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipLost), errors.Is(err, raft.ErrRaftShutdown),
		errors.Is(err, raft.ErrLeadershipTransferInProgress):
		return errNotLeader // asked again, of the next leader
	default:
		return fmt.Errorf("%w: %w", ErrMembership, err)
	}
	if err := db.noop(ctx); err != nil {
		db.config.Logger.Debug("no entry after the change of membership", "error", err)
	}
	return nil
}

func (db *DB) transfer(ctx context.Context, servers []raft.Server, at int, c memberChange) error {
	switch {
	case c.ID == db.config.ID:
		return nil
	case c.ID == "":
	case at < 0:
		return fmt.Errorf("%w: no member %q", ErrMembership, c.ID)
	case servers[at].Suffrage != raft.Voter:
		return fmt.Errorf("%w: %s has no vote", ErrMembership, c.ID)
	default:
		servers = servers[at : at+1]
	}
	heir, err := db.heir(ctx, servers)
	if err != nil {
		return err
	}
	if err := db.raft.LeadershipTransferToServer(heir.ID, heir.Address).Error(); err != nil {
		return fmt.Errorf("%w: %w", ErrMembership, err)
	}
	return nil
}

// heir waits a moment for one of the voters that could take over at once: Raft would stop the writes for an election
// timeout to find out, and the lease would be gone.
func (db *DB) heir(ctx context.Context, servers []raft.Server) (raft.Server, error) {
	ctx, cancel := context.WithTimeout(ctx, db.config.ElectionTimeout)
	defer cancel()
	term, goal := db.raft.CurrentTerm(), db.raft.CommitIndex()
	for {
		var best raft.Server
		var most uint64
		why := "no other voter is there"
		for _, s := range servers {
			if s.Suffrage != raft.Voter || string(s.ID) == db.config.ID {
				continue
			}
			match, ago, ok := db.lease.contact(s.ID, term)
			switch {
			case !ok || ago > db.config.HeartbeatTimeout:
				why = fmt.Sprintf("%s does not answer", s.ID)
			case match < goal:
				why = fmt.Sprintf("%s is %d entries behind", s.ID, goal-match)
			case match >= most:
				best, most = s, match
			}
		}
		if most >= goal && best.ID != "" {
			return best, nil
		}
		if db.raft.State() != raft.Leader {
			return best, errNotLeader
		}
		select {
		case <-time.After(catchUpPause):
		case <-ctx.Done():
			return best, fmt.Errorf("%w: %s; this node goes on leading", ErrMembership, why)
		}
	}
}
