package tutor

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// A loopback endpoint belongs to one node. Nodes that have none, or whose own cannot be reached, let such a node make their calls:
// the prompt goes there over the connection between nodes, and the text comes back as it is produced. Claim, quota, checks and
// record stay with the node that answers. A node makes such a call with its own endpoint only, so no call goes in a circle.

// maxPrompt is the longest prompt that a node takes from another one, in bytes.
const maxPrompt = 4 << 20

var errNoHelper = errors.New("tutor: no node has a language model that answers")

// helper is another node with a language model.
type helper struct{ Node, Model, Where string }

// relayMessage is one turn of a prompt on its way to another node.
type relayMessage struct{ Role, Text string }

// relayEvent is one piece of a call that another node makes.
type relayEvent struct {
	Text, Wait string
	End        *relayEnd
	Fault      string // the call failed: what failed, in an operator's words
	Busy       bool   // because of too many calls
}

type relayEnd struct {
	Finish         string
	Prompt, Answer int
}

// helping returns the node that makes this node's calls, if this one has no language model of its own.
func (t *Tutor) helping() (helper, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.helper, t.model == nil && t.helper.Node != ""
}

// writes reports whether a language model answers: this node's, or one that another node lends.
func (t *Tutor) writes() bool {
	_, lent := t.helping()
	return t.model != nil || lent
}

// modelName is the name of the model that answers.
func (t *Tutor) modelName() string {
	if h, lent := t.helping(); lent {
		return h.Model
	}
	return t.cfg.Model
}

// complete makes one call: with this node's endpoint, or through another node. A call that has failed before its first word is made
// once more with the second endpoint.
func (t *Tutor) complete(ctx context.Context, prompt []message, text, wait func(string)) (outcome, error) {
	begun := false
	out, err := t.completeFirst(ctx, prompt, func(s string) { begun = true; text(s) }, wait)
	if err == nil || begun || ctx.Err() != nil || t.second == nil {
		return out, err
	}
	wait("The language model does not answer; another one is asked.")
	out, err = t.second.complete(ctx, prompt, text, wait)
	out.model = t.second.cfg.Model
	return out, err
}

func (t *Tutor) completeFirst(ctx context.Context, prompt []message, text, wait func(string)) (outcome, error) {
	if t.model == nil {
		return t.callPeer(ctx, prompt, text, wait)
	}
	out, err := t.model.complete(ctx, prompt, text, wait)
	if err == nil || ctx.Err() != nil || !t.model.endpoint.loopback || !unreachable(err) {
		return out, err
	}
	lent, lentErr := t.callPeer(ctx, prompt, text, wait)
	if errors.Is(lentErr, errNoHelper) {
		return out, err
	}
	return lent, lentErr
}

// unreachable reports whether a call has not come as far as the endpoint.
func unreachable(err error) bool {
	var op *net.OpError
	return errors.Is(err, errBreakerOpen) || errors.As(err, &op) && op.Op == "dial"
}

// why says in an operator's words why a call failed.
func (t *Tutor) why(err error) string {
	if t.model == nil {
		return describe(err)
	}
	return t.model.why(err)
}

// others lists the other nodes, the one that helps first.
func (t *Tutor) others(ctx context.Context) []string {
	if t.cfg.Nodes == nil || t.cfg.Peers == nil {
		return nil
	}
	all, err := t.cfg.Nodes(ctx)
	if err != nil {
		return nil
	}
	first, _ := t.helping()
	var out []string
	for _, n := range all {
		switch n {
		case t.cfg.Node:
		case first.Node:
			out = append([]string{n}, out...)
		default:
			out = append(out, n)
		}
	}
	return out
}

// lookAround keeps in mind which node has a language model, as long as this one has none. It returns when ctx ends.
func (t *Tutor) lookAround(ctx context.Context) {
	if t.cfg.Nodes == nil || t.cfg.Peers == nil {
		return
	}
	tick := time.NewTicker(5 * t.cfg.Limits.Poll)
	defer tick.Stop()
	for {
		var found helper
		if now := t.now(); now.model == nil {
			found = now.findHelper(ctx)
		}
		t.mu.Lock()
		t.helper = found
		t.mu.Unlock()
		select {
		case <-ctx.Done():
			return
		case <-t.ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (t *Tutor) findHelper(ctx context.Context) helper {
	for _, node := range t.others(ctx) {
		ask, cancel := context.WithTimeout(ctx, t.cfg.Limits.Connect)
		var h helper
		res, err := t.peerRequest(ask, node, http.MethodGet, "/model", "", nil)
		if err == nil {
			err = json.NewDecoder(io.LimitReader(res.Body, 4<<10)).Decode(&h)
			res.Body.Close()
		}
		cancel()
		if err == nil && h.Model != "" {
			h.Node = node
			return h
		}
	}
	return helper{}
}

// serveModel tells another node which model this one can lend.
func (t *Tutor) serveModel(w http.ResponseWriter, req *http.Request) {
	t = t.now()
	if t.model == nil || t.model.breaker.open() {
		http.NotFound(w, req)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(helper{Model: t.cfg.Model, Where: t.where()})
}

// callPeer lets the first node make the call that can.
func (t *Tutor) callPeer(ctx context.Context, prompt []message, text, wait func(string)) (outcome, error) {
	messages := make([]relayMessage, len(prompt))
	for i, m := range prompt {
		messages[i] = relayMessage{m.role, m.text}
	}
	body, err := json.Marshal(messages)
	if err != nil {
		return outcome{}, err
	}
	for _, node := range t.others(ctx) {
		out, err := t.callOn(ctx, node, body, text, wait)
		if !errors.Is(err, errNoHelper) {
			return out, err
		}
	}
	return outcome{}, errors.Join(errNoHelper, ctx.Err())
}

// callOn lets one node make the call. errNoHelper: it cannot; nothing has been passed on.
func (t *Tutor) callOn(ctx context.Context, node string, body []byte, text, wait func(string)) (outcome, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	slow := time.AfterFunc(t.cfg.Limits.Connect, func() { cancel(errNoHelper) })
	res, err := t.peerRequest(ctx, node, http.MethodPost, "/call", "", bytes.NewReader(body))
	if !slow.Stop() || err != nil {
		if err == nil {
			res.Body.Close()
		}
		return outcome{}, errNoHelper
	}
	defer res.Body.Close()
	lines := json.NewDecoder(bufio.NewReader(io.LimitReader(res.Body, 2*maxResponse)))
	for {
		var e relayEvent
		if err := lines.Decode(&e); err != nil {
			return outcome{}, withCause(ctx, err)
		}
		switch {
		case e.End != nil:
			return outcome{finish: e.End.Finish, prompt: e.End.Prompt, answer: e.End.Answer}, nil
		case e.Busy:
			return outcome{}, errQueueLong
		case e.Fault != "":
			return outcome{}, errors.New(e.Fault)
		case e.Text != "":
			text(e.Text)
		case e.Wait != "":
			wait(e.Wait)
		}
	}
}

// serveCall makes a call for another node.
func (t *Tutor) serveCall(w http.ResponseWriter, req *http.Request) {
	t = t.now()
	if t.model == nil || t.model.breaker.open() {
		http.NotFound(w, req)
		return
	}
	var messages []relayMessage
	if err := json.NewDecoder(io.LimitReader(req.Body, maxPrompt)).Decode(&messages); err != nil || len(messages) == 0 {
		http.Error(w, "no prompt", http.StatusBadRequest)
		return
	}
	prompt := make([]message, len(messages))
	for i, m := range messages {
		prompt[i] = message{m.Role, m.Text}
	}
	ctx, cancel := context.WithCancelCause(req.Context())
	defer cancel(nil)
	defer context.AfterFunc(t.ctx, func() { cancel(errClosed) })()
	w.Header().Set("Content-Type", "application/x-ndjson")
	var mu sync.Mutex // what a reader is told while it waits comes from timers
	out, lines := http.NewResponseController(w), json.NewEncoder(w)
	send := func(e relayEvent) {
		mu.Lock()
		defer mu.Unlock()
		out.SetWriteDeadline(time.Now().Add(10 * time.Second)) // a peer that has frozen must not hold a slot
		if lines.Encode(e) != nil || out.Flush() != nil {
			cancel(errReader)
		}
	}
	out.Flush()
	if err := t.slots.acquire(ctx, t.cfg.Limits.Queue, func(n int) { send(relayEvent{Wait: placeInLine(n)}) }); err != nil {
		send(relayEvent{Busy: true})
		return
	}
	defer t.slots.release()
	end, err := t.model.complete(ctx, prompt, func(s string) { send(relayEvent{Text: s}) }, func(s string) { send(relayEvent{Wait: s}) })
	switch {
	case err == nil:
		send(relayEvent{End: &relayEnd{end.finish, end.prompt, end.answer}})
	case status(err) == http.StatusTooManyRequests:
		send(relayEvent{Busy: true})
	default:
		send(relayEvent{Fault: t.model.why(err)})
	}
}
