package tutor

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"

	"trivium/app/api"
	"trivium/app/lms"
)

// Tutor answers questions on one node. Its methods may be called concurrently.
//
// What New returns works with the settings in force, which Use replaces; an answer keeps those that it began with.
type Tutor struct {
	*core
	settings
}

// core is what lasts while the settings change.
type core struct {
	first Config // as New was told: what flags set
	store Store
	log   *slog.Logger
	inUse atomic.Pointer[Tutor] // with the settings in force

	canary string // stands in every system prompt and may never come back

	ctx    context.Context // ends with Close
	close  context.CancelFunc
	wg     sync.WaitGroup
	kick   chan struct{}
	embeds chan struct{} // wakes EmbedLoop

	mu     sync.Mutex
	closed bool
	runs   map[string]*run // answers that this node works on, by reply id
	helper helper          // the node whose language model this one uses while it has none
	used   used            // what Use was told last
}

// settings are what administrators change while the tutor runs.
type settings struct {
	cfg    Config
	model  *modelClient // nil: no language model is set up
	second *modelClient // asked once when the first does not answer; nil: none
	embed  *embedder    // nil: passages are found by their words alone
	fault  error        // the settings are wrong, so there is no model although one was asked for
	slots  *slots
}

// New makes a tutor. Settings that Validate refuses do not stop it: it then answers with passages and the fault is logged.
func New(cfg Config) *Tutor {
	first := cfg
	set := newSettings(cfg, Config{}, settings{})
	c := &core{first: first, store: cfg.Store, log: set.cfg.Logger, kick: make(chan struct{}, 1), embeds: make(chan struct{}, 1), runs: map[string]*run{}, canary: NewCanary()}
	c.ctx, c.close = context.WithCancel(context.Background())
	t := &Tutor{c, set}
	c.inUse.Store(t)
	if set.fault != nil {
		t.log.Error("tutor: settings refused, answering with passages only", "error", set.fault)
	}
	return t
}

// now is the tutor with the settings in force.
func (t *Tutor) now() *Tutor { return t.inUse.Load() }

// Close ends every answer that runs here and waits for it. The replies stay claimed; another node, or this one after its
// restart, resumes them.
func (t *Tutor) Close() error {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	t.close()
	t.wg.Wait()
	t.now().release()
	return nil
}

// Status tells what answers and where text goes.
func (t *Tutor) Status() api.TutorStatus {
	t = t.now()
	if h, lent := t.helping(); lent {
		return api.TutorStatus{Model: h.Model, Where: h.Where}
	}
	if t.model == nil {
		return api.TutorStatus{Where: onSite}
	}
	return api.TutorStatus{Model: t.cfg.Model, Where: t.where()}
}

// Answer starts the answer to a question whose pending reply is committed. It returns at once; calling it twice does nothing.
func (t *Tutor) Answer(replyID string) {
	t.start(replyID)
}

// Stop ends an answer wherever it runs and keeps the text so far. An answer that is final already is left as it is.
func (t *Tutor) Stop(ctx context.Context, replyID string) error {
	if r := t.running(replyID); r != nil {
		r.stop()
		select {
		case <-r.done:
			if !r.lost {
				return nil
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	node, state, err := t.store.ReplyClaim(ctx, replyID)
	switch {
	case err != nil:
		return err
	case state.Final():
		return nil
	case state == lms.ReplyAnswering && node != t.cfg.Node:
		err := t.stopOnPeer(ctx, node, replyID)
		if err == nil {
			return nil
		}
		t.log.Info("tutor: the answering node cannot be told to stop", "reply", replyID, "peer", node, "error", err)
	}
	return t.stopUnclaimed(ctx, replyID)
}

// stopUnclaimed stores a reply that nobody works on as stopped.
func (t *Tutor) stopUnclaimed(ctx context.Context, replyID string) error {
	claimed, err := t.store.ClaimReply(ctx, replyID, t.cfg.Node, t.cfg.Limits.Stale)
	if err != nil {
		return err
	}
	if !claimed {
		return errNotStopped
	}
	return t.store.FinishReply(ctx, t.cfg.Node, lms.Reply{ID: replyID, AuthorID: lms.TutorID, AuthorName: tutorName,
		State: lms.ReplyStopped, Note: noteStopped}, lms.ReplyRecord{})
}

var errNotStopped = &lms.Error{Kind: lms.KindUnavailable, RetryIn: 5,
	Message: "The computer that writes this answer cannot be reached at the moment. Another one takes over within 15 seconds; please try again then."}

// errClosed tells a reader that the node shuts down; the client continues on another node.
var errClosed = errors.New("tutor: closed")
