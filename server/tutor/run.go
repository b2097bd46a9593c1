package tutor

import (
	"context"
	"errors"
	"sync"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// run is one answer while this node works on it.
type run struct {
	id     string
	cancel context.CancelCauseFunc
	done   chan struct{} // closed when the run has ended
	lost   bool          // set before done is closed: another node has the reply

	mu      sync.Mutex
	text    []byte // what readers may see so far; only grows
	wait    string
	found   []lms.Citation // shown while the model is silent
	final   *lms.Reply
	changed chan struct{} // closed and replaced at every change
}

// Causes of the end of a run.
var (
	errStopped   = errors.New("tutor: stopped by the reader")
	errLostClaim = errors.New("tutor: another node has the claim")
)

func newRun(id string, cancel context.CancelCauseFunc) *run {
	return &run{id: id, cancel: cancel, done: make(chan struct{}), changed: make(chan struct{})}
}

func (r *run) stop() { r.cancel(errStopped) }

// update changes the run and wakes its readers, who never delay it.
func (r *run) update(change func()) {
	r.mu.Lock()
	change()
	close(r.changed)
	r.changed = make(chan struct{})
	r.mu.Unlock()
}

func (r *run) write(s string) {
	if s != "" {
		r.update(func() { r.text = append(r.text, s...); r.wait = "" })
	}
}

func (r *run) setWait(s string) { r.update(func() { r.wait = s }) }

// setFound shows passages until text arrives.
func (r *run) setFound(found []lms.Citation) { r.update(func() { r.found = found }) }

func (r *run) meanwhile() []lms.Citation {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.found
}

func (r *run) body() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.text)
}

// snapshot returns the text from an offset on, and a channel that is closed at the next change.
func (r *run) snapshot(from int) (text, wait string, final *lms.Reply, changed <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return string(r.text[min(from, len(r.text)):]), r.wait, r.final, r.changed
}

// follow sends the text so far and then what is added, until the run ends. It reports whether the final reply was sent.
func (r *run) follow(ctx context.Context, send func(api.ReplyEvent) error) (bool, error) {
	sent, shown, first, told := 0, "", true, false
	for {
		text, wait, final, changed := r.snapshot(sent)
		sent += len(text)
		event := api.ReplyEvent{Text: text, Reply: final}
		if wait != shown {
			event.Wait, shown = wait, wait
		}
		if found := r.meanwhile(); len(found) > 0 && !told && sent == 0 {
			event.Found, told = found, true
		}
		if first || !event.Empty() {
			if err := send(event); err != nil {
				return false, err
			}
		}
		if final != nil {
			return true, nil
		}
		first = false
		select {
		case <-changed:
		case <-r.done:
			// The final reply is set before done is closed, so one more look decides.
			if _, _, final, _ := r.snapshot(sent); final == nil {
				return false, nil
			}
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
}

func (t *Tutor) running(replyID string) *run {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.runs[replyID]
}

// start begins a run unless there is one already, or the tutor is closed.
func (t *Tutor) start(replyID string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed || t.runs[replyID] != nil {
		return
	}
	ctx, cancel := context.WithCancelCause(t.ctx)
	r := newRun(replyID, cancel)
	t.runs[replyID] = r
	t.wg.Add(1)
	go func() {
		defer t.wg.Done()
		err := t.now().work(ctx, r)
		cancel(nil)
		t.mu.Lock()
		delete(t.runs, replyID)
		t.mu.Unlock()
		r.lost = r.final == nil
		close(r.done)
		if err != nil && t.ctx.Err() == nil && !errors.Is(err, errLostClaim) { // losing a race is no event
			t.log.Warn("tutor: answer not finished here", "reply", replyID, "error", err)
		}
	}()
}

// work takes a reply from its claim to its final state. Proof that it ends with at most one stored answer: (1) the claim is a
// guarded write, so of two nodes one wins; (2) while the run lives, heartbeats keep the claim, and a run that learns of
// its loss ends; (3) a run that does not learn of it in time is refused by FinishReply, which is guarded by the claim; (4) a
// run that dies leaves a claim that grows stale, and a resume loop takes the reply.
func (t *Tutor) work(ctx context.Context, r *run) error {
	if err := t.claim(r); err != nil {
		return err
	}
	beats, stopBeats := context.WithCancel(t.ctx)
	var wg sync.WaitGroup
	wg.Go(func() { t.heartbeat(beats, r) })
	defer wg.Wait()
	defer stopBeats()

	reply, rec, err := t.compose(ctx, r)
	if err != nil {
		return err
	}
	if errors.Is(context.Cause(ctx), errLostClaim) {
		return errLostClaim
	}
	return t.finish(r, reply, rec)
}

// claim takes the reply in the store. A claim whose outcome is unknown is looked up: within one process a reply has one run,
// so a claim by this node is ours.
func (t *Tutor) claim(r *run) error {
	return t.retry(t.ctx, 20*time.Second, func(attempt int) error {
		// Not the run's context: Stop must not leave a claim behind that nobody works on.
		ctx, cancel := context.WithTimeout(t.ctx, 15*time.Second)
		defer cancel()
		claimed, err := t.store.ClaimReply(ctx, r.id, t.cfg.Node, t.cfg.Limits.Stale)
		if err == nil && !claimed && attempt > 0 {
			node, state, lookup := t.store.ReplyClaim(ctx, r.id)
			claimed = lookup == nil && node == t.cfg.Node && state == lms.ReplyAnswering
		}
		if err == nil && !claimed {
			return errLostClaim
		}
		return err
	})
}

// heartbeat keeps the claim and ends the run when it is lost.
func (t *Tutor) heartbeat(ctx context.Context, r *run) {
	tick := time.NewTicker(t.cfg.Limits.Heartbeat)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		call, cancel := context.WithTimeout(ctx, t.cfg.Limits.Stale)
		if err := t.store.HeartbeatReply(call, r.id, t.cfg.Node); err != nil && ctx.Err() == nil {
			node, state, lookup := t.store.ReplyClaim(call, r.id)
			if lookup == nil && (node != t.cfg.Node || state != lms.ReplyAnswering) && temporary(err) == nil {
				r.cancel(errLostClaim)
			}
		}
		cancel()
	}
}

// finish stores the reply and shows it. It keeps trying while the cluster has no majority: the text exists only here.
func (t *Tutor) finish(r *run, reply lms.Reply, rec lms.ReplyRecord) error {
	err := t.retry(t.ctx, 5*time.Minute, func(attempt int) error {
		ctx, cancel := context.WithTimeout(t.ctx, 15*time.Second)
		defer cancel()
		err := t.store.FinishReply(ctx, t.cfg.Node, reply, rec)
		if err == nil || temporary(err) != nil {
			return err
		}
		// Refused. After an attempt of unknown outcome the refusal may mean that the earlier attempt was stored.
		if _, state, lookup := t.store.ReplyClaim(ctx, r.id); attempt == 0 || lookup != nil || !state.Final() {
			return errors.Join(errLostClaim, err)
		}
		return nil
	})
	if err != nil {
		return err
	}
	r.update(func() { r.final = &reply; r.wait = "" })
	return nil
}

// temporary returns err when trying again may help: no majority, or an unknown outcome.
func temporary(err error) error {
	switch lms.KindOf(err) {
	case lms.KindUnavailable, lms.KindUnknown:
		return err
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return nil
}

// retry calls f until it succeeds, fails for good, or the time is over.
func (t *Tutor) retry(ctx context.Context, atMost time.Duration, f func(attempt int) error) error {
	ctx, cancel := context.WithTimeout(ctx, atMost)
	defer cancel()
	pause := 50 * time.Millisecond
	for attempt := 0; ; attempt++ {
		err := f(attempt)
		if err == nil || temporary(err) == nil {
			return err
		}
		select {
		case <-ctx.Done():
			return errors.Join(err, context.Cause(ctx))
		case <-time.After(pause):
			pause = min(2*pause, 2*time.Second)
		}
	}
}

// Resume takes over answers that no living node works on, until ctx ends. Every node runs it.
func (t *Tutor) Resume(ctx context.Context) {
	var around sync.WaitGroup
	around.Go(func() { t.lookAround(ctx) })
	defer around.Wait()
	tick := time.NewTicker(t.cfg.Limits.Poll)
	defer tick.Stop()
	waiting := map[string]bool{} // seen pending once: the node that took the question starts it itself
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.ctx.Done():
			return
		case <-tick.C:
		}
		ids, err := t.store.UnclaimedReplies(ctx, t.cfg.Limits.Stale)
		if err != nil {
			continue // no majority or a busy database: the next tick looks again
		}
		seen := map[string]bool{}
		for _, id := range ids {
			seen[id] = true
			if waiting[id] {
				t.start(id)
			}
		}
		waiting = seen
	}
}
