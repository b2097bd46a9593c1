package fast

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"trivium/consensus"
	"trivium/server/store"
)

// How often a leader looks, and how long others may take.
const (
	watchEvery = 10 * time.Millisecond  // whether it leads: reads of keys wait for that after a change
	checkEvery = 500 * time.Millisecond // whether the members can still do it
	askFor     = 2 * time.Second        // of one question to the others
)

// lead is one term of this node as leader. It serves in these steps:
//
//  1. If the store's row says that an earlier leader may have acknowledged fast writes, it collects what f+1 of that
//     leader's group keep; they refuse that leader from then on. It brings it into the order of Recover and into the log.
//  2. It removes the row: nothing is pending any more. ready is closed; settling, and with it reads, may go on.
//  3. When all voters are enabled and every member answers, it writes a row of its own and has every member confirm that it
//     has applied it. From then on it acknowledges fast writes.
//  4. When that is no longer so, it stops, waits for what is pending, and removes the row.
type lead struct {
	term  uint64
	ready chan struct{}

	ctx    context.Context // ends with it
	cancel context.CancelFunc

	mu      sync.Mutex
	mode    string // of the store, as this leader has written it
	open    bool
	group   []consensus.Node // of the mode: the voters
	pending map[string]*pendingOp
}

// pendingOp is a write of this leader without a place in the log yet.
type pendingOp struct {
	op    Op
	done  chan struct{} // closed when it has its place, or err says why not
	entry store.KVEntry
	err   error
}

// run follows this node's leadership until Close. What a term has begun ends with it at once: the next leader may be this
// node again.
func (n *Node) run() {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	newest := uint64(0)
	for {
		select {
		case <-n.ctx.Done():
			return
		case <-tick.C:
		}
		term := n.db.Term()
		leads := n.leads(term)
		n.mu.Lock()
		if n.lead != nil && (!leads || n.lead.term != term) {
			n.lead.cancel()
			n.lead = nil
		}
		var l *lead
		if leads && term > newest && !n.shut { // a term is led once
			newest = term
			l = &lead{term: term, ready: make(chan struct{}), pending: map[string]*pendingOp{}}
			l.ctx, l.cancel = context.WithCancel(n.ctx)
			n.lead = l
			n.wg.Go(func() { n.serve(l) })
		}
		n.mu.Unlock()
	}
}

// serve does what a leader does, until its term ends.
func (n *Node) serve(l *lead) {
	wait := time.Duration(0)
	for recovered := false; ; {
		select {
		case <-l.ctx.Done():
			return
		case <-time.After(wait):
		}
		if recovered {
			n.check(l)
			wait = checkEvery
			continue
		}
		err := n.recover(l)
		recovered, wait = err == nil, watchEvery
		if err != nil && l.ctx.Err() == nil {
			n.c.Logger.Warn("fast writes of the last leader are not settled yet", "error", err)
		}
	}
}

// leads reports whether this node still leads in the term.
func (n *Node) leads(term uint64) bool { return n.db.IsLeader() && n.db.Term() == term }

// recover does the first two steps.
func (n *Node) recover(l *lead) error {
	ctx := l.ctx
	row, err := n.c.Store.KVMode(ctx) // of this term or before: this node has applied an entry of its term
	if err != nil {
		return err
	}
	m, err := decodeMode(row)
	if err != nil {
		return err
	}
	if row != "" {
		ops, err := n.collect(ctx, l.term, m)
		if err != nil {
			return err
		}
		for _, o := range ops {
			if err := n.orderOnce(ctx, o); err != nil {
				return err
			}
		}
		if len(ops) > 0 {
			n.c.Logger.Info("fast writes of the last leader have their places", "writes", len(ops), "term", m.Term)
		}
		if _, err := n.c.Store.KVSetMode(consensus.WithoutForwarding(ctx), row, ""); err != nil {
			return err
		}
	}
	if !n.leads(l.term) {
		return errors.New("this node leads no more")
	}
	close(l.ready)
	return nil
}

// collect asks the group of the mode for what it keeps and brings it into an order. Members that were removed for ever are
// not waited for; then all the others must answer, and whatever they keep counts.
func (n *Node) collect(ctx context.Context, term uint64, m mode) ([]Op, error) {
	members, err := n.db.Members()
	if err != nil {
		return nil, err
	}
	self := n.db.Standing().ID
	members = slices.DeleteFunc(members, func(x consensus.Node) bool { return !slices.Contains(m.Group, x.ID) })
	size, need := len(m.Group), len(m.Group)/2+1
	if len(members) < need {
		size, need = 1, len(members)
	}
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	answers := each(ctx, members, func(ctx context.Context, x consensus.Node) (a listAnswer, err error) {
		if x.ID == self {
			a.Opened, a.Ops, err = n.log.collect(term)
			return a, err
		}
		return call[listAnswer](ctx, n, x.Address, "collect", termRequest{Term: term})
	}, func(got []listAnswer) bool { return len(got) >= need })
	if len(answers) < need {
		return nil, fmt.Errorf("%d of %d nodes answer, %d are needed", len(answers), len(members), need)
	}
	return merge(size, answers), nil
}

// merge orders what the nodes keep. Who has not opened the newest of their terms keeps nothing of it, and what was
// acknowledged before had its place when that was opened.
func merge(size int, answers []listAnswer) []Op {
	newest := uint64(0)
	for _, a := range answers {
		newest = max(newest, a.Opened)
	}
	byID := map[string]Op{}
	lists := make([][]string, len(answers))
	for i, a := range answers {
		if a.Opened != newest {
			continue
		}
		for _, o := range a.Ops {
			byID[o.ID] = o
			lists[i] = append(lists[i], o.ID)
		}
	}
	var ops []Op
	for _, id := range Recover(size, lists) {
		ops = append(ops, byID[id])
	}
	return ops
}

// check does step 3 or 4, if it is time.
func (n *Node) check(l *lead) {
	ctx, cancel := context.WithTimeout(l.ctx, askFor)
	defer cancel()
	members, err := n.db.Members()
	if err != nil {
		return
	}
	l.mu.Lock()
	on, row, group := l.open, l.mode, l.group
	l.mu.Unlock()
	switch {
	case !on && row == "" && !n.c.Enabled: // nothing to begin, nothing to end
	case !on:
		if err := n.begin(ctx, l, members, row); err != nil {
			n.c.Logger.Debug("no fast writes", "reason", err)
		}
	case !n.fits(ctx, members, group):
		n.c.Logger.Warn("fast writes of keys are off until every member answers", "error", n.end(ctx, l))
	}
}

func voters(members []consensus.Node) (v []consensus.Node) {
	for _, m := range members {
		if m.Voter {
			v = append(v, m)
		}
	}
	return v
}

func names(nodes []consensus.Node) (s []string) {
	for _, m := range nodes {
		s = append(s, m.ID)
	}
	slices.Sort(s)
	return s
}

// fits reports whether the group is that of the voters and enough of it would keep a write. On the way it gives a place to
// what has been pending at other nodes without need.
func (n *Node) fits(ctx context.Context, members, group []consensus.Node) bool {
	if !slices.Equal(names(voters(members)), names(group)) {
		return false
	}
	return len(n.ask(ctx, group)) >= Quorum(len(group))
}

// ask asks each of the nodes whether it is enabled, for as long as each takes, and returns those that are.
func (n *Node) ask(ctx context.Context, nodes []consensus.Node) []string {
	self := n.db.Standing().ID
	return each(ctx, nodes, func(ctx context.Context, m consensus.Node) (string, error) {
		if m.ID == self {
			if !n.c.Enabled {
				return "", errTerm
			}
			n.tidy(n.log.pending(), func(ids []string) { n.log.drop(ids...) })
			return m.ID, nil
		}
		ctx, cancel := context.WithTimeout(ctx, askFor/2)
		defer cancel()
		a, err := call[listAnswer](ctx, n, m.Address, "pending", none{})
		if err == nil && !a.Enabled && m.Voter {
			err = errTerm
		}
		if err == nil {
			n.tidy(a.Ops, func(ids []string) { call[none](ctx, n, m.Address, "drop", dropRequest{ids}) })
		}
		return m.ID, err
	}, func([]string) bool { return false })
}

// tidy has a node drop what it keeps without need: it came after the write had its place, or the node has forgotten that in
// a restart. What has no place because its leader has given up before gets one: it may be what a client waits for.
func (n *Node) tidy(ops []Op, drop func([]string)) {
	n.mu.Lock()
	l := n.lead
	n.mu.Unlock()
	if l == nil {
		return
	}
	var over []string
	for _, o := range ops {
		l.mu.Lock()
		mine := !l.open || l.pending[o.Key] != nil && l.pending[o.Key].op.ID == o.ID
		l.mu.Unlock()
		if mine {
			continue
		}
		ctx, cancel := context.WithTimeout(l.ctx, checkEvery)
		err := n.orderOnce(ctx, o)
		cancel()
		if err != nil {
			break
		}
		over = append(over, o.ID)
	}
	if len(over) > 0 {
		drop(over)
	}
}

// begin does step 3. An even number of voters gains nothing over one less, and one alone nothing at all.
func (n *Node) begin(ctx context.Context, l *lead, members []consensus.Node, row string) error {
	group := voters(members)
	if row == "" {
		if !n.c.Enabled || len(group) < 3 || len(group)%2 == 0 || len(n.ask(ctx, members)) < len(members) {
			return errors.New("not every member can do it")
		}
		m, _ := json.Marshal(mode{Term: l.term, Change: newID(), Group: names(group)})
		index, err := n.setMode(ctx, l, "", string(m))
		if err != nil {
			return err
		}
		confirmed := each(ctx, members, func(ctx context.Context, x consensus.Node) (none, error) {
			in := termRequest{Term: l.term, Mode: string(m), Index: index}
			if x.ID == n.db.Standing().ID {
				return none{}, n.open(ctx, in)
			}
			return call[none](ctx, n, x.Address, "open", in)
		}, func([]none) bool { return false })
		if len(confirmed) == len(members) {
			l.mu.Lock()
			l.open, l.group = true, group
			l.mu.Unlock()
			n.c.Logger.Info("fast writes of keys are on", "term", l.term, "voters", names(group))
			return nil
		}
	}
	return errors.Join(errors.New("not every member has confirmed"), n.end(ctx, l))
}

// end does step 4.
func (n *Node) end(ctx context.Context, l *lead) error {
	l.mu.Lock()
	l.open = false
	row := l.mode
	l.mu.Unlock()
	err := l.settle(ctx, nil)
	if err == nil {
		_, err = n.setMode(ctx, l, row, "")
	}
	return err // begin tries again
}

// setMode changes the row. Whether a change that failed has happened is found out before the next one.
func (n *Node) setMode(ctx context.Context, l *lead, from, to string) (uint64, error) {
	l.mu.Lock()
	defer l.mu.Unlock() // who settles meanwhile waits for the mode
	if !n.leads(l.term) {
		return 0, errors.New("this node leads no more")
	}
	ctx = consensus.WithoutForwarding(ctx)
	index, err := n.c.Store.KVSetMode(ctx, from, to)
	if err == nil {
		l.mode = to
		return index, nil
	}
	if row, e := n.c.Store.KVMode(ctx); e == nil {
		l.mode = row
	}
	return 0, err
}
