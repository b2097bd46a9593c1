package fast

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/store"
)

// tryFor is how long the leader waits for the group before the write becomes an ordinary one.
const tryFor = 50 * time.Millisecond

func newID() string { return rand.Text() }

var errNotLeader = errors.New("fast: this node does not lead")

// NewOp makes the write of a key, with its scope, under the request of the context; a request of its own if there is none.
func NewOp(ctx context.Context, key, value string) Op {
	o := Op{ID: newID(), Key: key, Value: value}
	if r := store.RequestOf(ctx); r.Key != "" {
		o.Request, o.Digest = r.Key, r.Digest
		return o
	}
	sum := sha256.Sum256([]byte(key + "\x00" + value))
	o.Request, o.Digest = o.ID, sum[:16]
	return o
}

// Put writes the key at the leader. accepted is false when nothing was acknowledged: then the caller writes it in the
// ordinary way under the op's request, which makes sure that it happens once. The entry has a version if it has its place
// in the log already.
func (n *Node) Put(ctx context.Context, o Op) (entry store.KVEntry, accepted bool) {
	leader, err := n.leader()
	if err != nil {
		return entry, false
	}
	var a putAnswer
	if leader.ID == n.db.Standing().ID {
		a, err = n.put(ctx, o)
	} else {
		ctx, cancel := context.WithTimeout(ctx, askFor)
		defer cancel()
		a, err = call[putAnswer](ctx, n, leader.Address, "put", o)
	}
	if a.Fast {
		a.Entry = store.KVEntry{Key: o.Key, Value: o.Value, Found: true}
	}
	return a.Entry, err == nil && (a.Fast || a.Done)
}

// leader is the leader that this node knows.
func (n *Node) leader() (consensus.Node, error) {
	members, err := n.db.Members()
	if err != nil {
		return consensus.Node{}, err
	}
	if i := slices.IndexFunc(members, func(m consensus.Node) bool { return m.Leader }); i >= 0 {
		return members[i], nil
	}
	return consensus.Node{}, errNotLeader
}

// put is what the leader does with a write. The client may go away meanwhile.
func (n *Node) put(ctx context.Context, o Op) (putAnswer, error) {
	ctx = context.WithoutCancel(ctx)
	n.mu.Lock()
	l := n.lead
	n.mu.Unlock()
	if l == nil {
		return putAnswer{}, errNotLeader
	}
	// A repeat of a request that was used for something else must be refused, and one that is known has its answer.
	if known, err := n.c.Store.KVRequestKnown(ctx, o.Request, nil); err != nil || known {
		n.slow.Add(1)
		return putAnswer{}, err
	}
	p, group := l.register(o)
	if p == nil {
		n.slow.Add(1)
		return putAnswer{}, nil
	}
	ok := n.replicate(l.term, group, o)
	if !n.start(func() { n.place(l, p) }) {
		p.err = errClosed
		close(p.done)
		return putAnswer{}, errClosed
	}
	if ok {
		n.fast.Add(1)
		return putAnswer{Fast: true}, nil
	}
	n.slow.Add(1)
	<-p.done
	return putAnswer{Done: p.err == nil, Entry: p.entry}, p.err
}

// register makes the write pending, so that whoever comes from now on settles it. It returns nil when there is one of the
// key or of the request already, or fast writes are off.
func (l *lead) register(o Op) (*pendingOp, []consensus.Node) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.open || l.pending[o.Key] != nil || len(l.pending) >= maxPending {
		return nil, nil
	}
	for _, p := range l.pending {
		if p.op.Request == o.Request {
			return nil, nil
		}
	}
	p := &pendingOp{op: o, done: make(chan struct{})}
	l.pending[o.Key] = p
	return p, l.group
}

// replicate sends the write to the group and reports whether enough of it, this node among them, keep it durably. It tells
// as soon as that is decided; what is under way goes on.
func (n *Node) replicate(term uint64, group []consensus.Node, o Op) bool {
	type answer struct{ self, ok bool }
	self := n.db.Standing().ID
	answers := make(chan answer, len(group))
	for _, m := range group {
		started := n.start(func() {
			var err error
			if m.ID == self {
				err = n.log.append(term, o)
			} else {
				ctx, cancel := context.WithTimeout(n.ctx, n.tryFor)
				_, err = call[none](ctx, n, m.Address, "append", appendRequest{term, o})
				cancel()
			}
			answers <- answer{m.ID == self, err == nil}
		})
		if !started {
			return false
		}
	}
	limit := time.NewTimer(n.tryFor)
	defer limit.Stop()
	here, kept, refused := false, 0, 0
	for {
		select {
		case a := <-answers:
			if !a.ok {
				if refused++; a.self || len(group)-refused < Quorum(len(group)) {
					return false
				}
				continue
			}
			here = here || a.self
			if kept++; here && kept >= Quorum(len(group)) {
				return true
			}
		case <-limit.C:
			return false
		}
	}
}

// place gives a pending write its place in the log, for as long as this node leads.
func (n *Node) place(l *lead, p *pendingOp) {
	for {
		p.entry, p.err = n.order(l.ctx, p.op)
		if p.err == nil || l.ctx.Err() != nil {
			break
		}
		select {
		case <-time.After(watchEvery):
		case <-l.ctx.Done():
		}
	}
	l.mu.Lock()
	if p.err == nil { // else it stays pending, and whoever settles it learns that
		delete(l.pending, p.op.Key)
	}
	l.mu.Unlock()
	close(p.done)
}

// order gives the write a place, once for its request. A request that was used for something else meanwhile cannot undo an
// acknowledgement: then it happens under its own id.
func (n *Node) order(ctx context.Context, o Op) (store.KVEntry, error) {
	w := store.KVWrite{Key: o.Key, Value: o.Value}
	e, err := n.c.Store.KVOrder(ctx, o.ID, store.Request{Key: o.Request, Digest: o.Digest}, w)
	if errors.Is(err, lms.ErrKeyReused) {
		e, err = n.c.Store.KVOrder(ctx, o.ID, store.Request{Key: "fast/" + o.ID, Digest: o.Digest}, w)
	}
	return e, err
}

// orderOnce orders the write if this node has not applied its request already.
func (n *Node) orderOnce(ctx context.Context, o Op) error {
	known, err := n.c.Store.KVRequestKnown(ctx, o.Request, o.Digest)
	if err == nil && !known {
		_, err = n.order(ctx, o)
	}
	return err
}

// settle waits until the writes of the keys, or all, that are pending now have their places.
func (l *lead) settle(ctx context.Context, keys []string) error {
	l.mu.Lock()
	var wait []*pendingOp
	for k, p := range l.pending {
		if len(keys) == 0 || slices.Contains(keys, k) {
			wait = append(wait, p)
		}
	}
	l.mu.Unlock()
	for _, p := range wait {
		select {
		case <-p.done:
			if p.err != nil {
				return fmt.Errorf("a pending write has no place: %w", p.err)
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// settle is what the leader does before keys are read or written. What is acknowledged before it was asked has its place
// when it answers: if another leader had acknowledged something, this one would find out in Reach, or the writer would by
// the mode.
func (n *Node) settle(ctx context.Context, in settleRequest) (a settleAnswer, err error) {
	n.mu.Lock()
	l := n.lead
	n.mu.Unlock()
	if l == nil {
		return a, errNotLeader
	}
	select {
	case <-l.ready:
	case <-l.ctx.Done():
		return a, errNotLeader
	case <-ctx.Done():
		return a, ctx.Err()
	}
	ctx, cancel := context.WithCancel(ctx) // Reach would wait for the next leader
	defer cancel()
	defer context.AfterFunc(l.ctx, cancel)()
	if err := l.settle(ctx, in.Keys); err != nil {
		return a, err
	}
	l.mu.Lock()
	a.Mode = l.mode
	l.mu.Unlock()
	if in.Read {
		if err := n.db.Reach(consensus.WithoutForwarding(ctx), in.Level); err != nil {
			return a, err
		}
		a.Index = n.db.Applied()
	}
	if !n.leads(l.term) {
		return a, errNotLeader
	}
	return a, nil
}

// Read returns when a local read of the keys, or of all, is as fresh as the level demands.
func (n *Node) Read(ctx context.Context, keys []string, level consensus.Level) error {
	a, err := n.settled(ctx, settleRequest{Keys: keys, Read: true, Level: level})
	if err != nil {
		return err
	}
	if err := n.db.WaitIndex(ctx, a.Index); err != nil {
		return errors.Join(lms.ErrUnavailable, err)
	}
	return nil
}

// Write calls do, which writes the keys, when what is pending of them has its place. It calls it again when the leader
// has changed before that took effect: do must use the context, and be the same request each time.
func (n *Node) Write(ctx context.Context, keys []string, do func(context.Context) error) error {
	for {
		a, err := n.settled(ctx, settleRequest{Keys: keys})
		if err != nil {
			return err
		}
		if err = do(store.KVUnder(ctx, a.Mode)); !errors.Is(err, store.ErrKVMode) {
			return err
		}
	}
}

// settleAt asks the leader, for a while.
func (n *Node) settleAt(ctx context.Context, leader consensus.Node, in settleRequest) (settleAnswer, error) {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	return call[settleAnswer](ctx, n, leader.Address, "settle", in)
}

// holdFor is how long a request waits for a leader.
const holdFor = 10 * time.Second

// settled settles at the leader, whoever that is.
func (n *Node) settled(ctx context.Context, in settleRequest) (a settleAnswer, err error) {
	ctx, cancel := context.WithTimeout(ctx, holdFor)
	defer cancel()
	for {
		var leader consensus.Node
		if leader, err = n.leader(); err == nil {
			if leader.ID == n.db.Standing().ID {
				a, err = n.settle(ctx, in)
			} else {
				a, err = n.settleAt(ctx, leader, in)
			}
		}
		if err == nil {
			return a, nil
		}
		select {
		case <-ctx.Done():
			return a, errors.Join(lms.ErrUnavailable, err)
		case <-time.After(watchEvery):
		}
	}
}
