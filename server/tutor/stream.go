package tutor

import (
	"context"
	"errors"
	"strings"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// streamFor is how long a reader is served without the answer becoming final: longer than the longest answer with its queue.
const streamFor = 10 * time.Minute

const waitTakeover = "The computer that wrote this answer has gone. Another one is taking over."

// Stream sends an answer: the text so far, then what is added, then the final reply. It reads from this node's run, or from
// the node that has the claim, or waits for the stored reply.
func (t *Tutor) Stream(ctx context.Context, replyID string, send func(api.ReplyEvent) error) error {
	ctx, cancel := context.WithTimeout(ctx, streamFor)
	defer cancel()
	v := &viewer{send: send}
	for {
		done, err := t.streamOnce(ctx, replyID, v)
		if done || err != nil {
			return err
		}
		if !v.begun { // the first event tells the reader that the question is kept and what it waits for
			if err := v.event(api.ReplyEvent{}); err != nil {
				return err
			}
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-t.ctx.Done():
			return errClosed
		case <-time.After(t.cfg.Limits.Poll / 4):
		}
	}
}

// streamOnce reads from the best source there is. It returns true when the final reply was sent.
func (t *Tutor) streamOnce(ctx context.Context, replyID string, v *viewer) (bool, error) {
	if r := t.running(replyID); r != nil {
		v.source()
		return r.follow(ctx, v.event)
	}
	node, state, err := t.store.ReplyClaim(ctx, replyID)
	switch {
	case err != nil && temporary(err) == nil:
		return false, err
	case err != nil:
		return false, nil
	case state.Final():
		return t.sendStored(ctx, replyID, v)
	case state == lms.ReplyAnswering && node != t.cfg.Node && t.cfg.Peers != nil:
		v.source()
		done, err := t.relay(ctx, node, replyID, v.event)
		if v.err != nil {
			return false, v.err
		}
		if err != nil && ctx.Err() == nil {
			t.log.Debug("tutor: relay ended", "reply", replyID, "peer", node, "error", err)
		}
		return done, ctx.Err()
	}
	return false, nil
}

// sendStored sends the reply as the store has it.
func (t *Tutor) sendStored(ctx context.Context, replyID string, v *viewer) (bool, error) {
	q, _, _, err := t.store.ReplyContext(ctx, replyID)
	if err != nil {
		if temporary(err) != nil {
			return false, nil
		}
		return false, err
	}
	for _, r := range q.Replies {
		if r.ID == replyID && r.State.Final() {
			v.source()
			return true, v.event(api.ReplyEvent{Text: r.Body, Reply: &r})
		}
	}
	return false, nil // this node's database is a moment behind
}

// viewer joins several sources into one stream for a reader. Each source begins with its text so far; a source that continues
// what was sent is sent from there, one that tells it differently (the answer began anew on another node) is held back
// until the final reply, which replaces everything.
type viewer struct {
	send    func(api.ReplyEvent) error
	begun   bool
	sent    string          // text that the reader has
	current strings.Builder // text of the current source
	told    bool
	err     error // of send: the reader has gone
}

// source begins a new source.
func (v *viewer) source() { v.current.Reset() }

func (v *viewer) event(e api.ReplyEvent) error {
	v.current.WriteString(e.Text)
	text := v.current.String()
	switch {
	case strings.HasPrefix(text, v.sent):
		e.Text = text[len(v.sent):]
		v.sent = text
	case strings.HasPrefix(v.sent, text):
		e.Text = ""
	default:
		e.Text = ""
		if !v.told && e.Reply == nil {
			e.Wait, v.told = waitTakeover, true
		}
	}
	if v.begun && e.Empty() {
		return nil
	}
	v.begun = true
	if err := v.send(e); err != nil {
		v.err = errors.Join(errReader, err)
		return v.err
	}
	return nil
}

var errReader = errors.New("tutor: the reader has gone")
