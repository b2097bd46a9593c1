package consensus

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Bounds of forwarding. While the requests in flight are on their way, batches gather for the next one, as they do for an
// entry: a request for each batch would cost far more than the batch.
const (
	maxForwards     = 4        // requests in flight
	maxForwardReply = 32 << 20 // from here on a batch must ask again for its result, which is kept under its key
)

// forwarded is a batch on its way to the leader.
type forwarded struct {
	ctx     context.Context
	address string
	command *command
	size    int
	done    chan answer
}

// How a batch of a group fared, as it travels.
const (
	replyOutcome byte = iota
	replyNotLeader
	replyUnknown
	replyNoSpace // a program that does not know it takes it for unknown and asks again
)

// forward brings the batch to the leader once. errNotLeader: it surely had no effect.
func (db *DB) forward(ctx context.Context, address string, c *command, size int) (outcome, error) {
	f := &forwarded{ctx: ctx, address: address, command: c, size: size, done: make(chan answer, 1)}
	db.metrics.forwarded.Inc()
	select {
	case db.forwards <- f:
	case <-ctx.Done():
		return outcome{}, errNotLeader
	case <-db.stop:
		return outcome{}, errNotLeader
	}
	select {
	case a := <-f.done:
		return a.outcome, a.err
	case <-ctx.Done():
	case <-db.stop:
	}
	return outcome{}, ErrUnknown
}

// forwardGroups sends what waits for the same leader in one request.
func (db *DB) forwardGroups() {
	slots := make(chan struct{}, maxForwards)
	var first *forwarded
	for {
		select {
		case slots <- struct{}{}:
		case <-db.stop:
			return
		}
		if first == nil {
			select {
			case first = <-db.forwards:
			case <-db.stop:
				return
			}
		}
		var group []*forwarded
		group, first = db.gatherForwards(first)
		db.start(func() {
			defer func() { <-slots }()
			db.sendGroup(group)
		})
	}
}

// gatherForwards returns the group, and what came next and belongs to another.
func (db *DB) gatherForwards(first *forwarded) (group []*forwarded, next *forwarded) {
	group, size := []*forwarded{first}, first.size
	for len(group) < maxGroup {
		select {
		case f := <-db.forwards:
			if size += f.size; f.address != first.address || size > maxGroupBytes {
				return group, f
			}
			group = append(group, f)
		default:
			return group, nil
		}
	}
	return group, nil
}

func (db *DB) sendGroup(group []*forwarded) {
	live, commands := group[:0], make([]*command, 0, len(group))
	for _, f := range group {
		if f.ctx.Err() != nil {
			f.done <- answer{err: errNotLeader}
			continue
		}
		live, commands = append(live, f), append(commands, f.command)
	}
	if len(live) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(db.life, db.forwardTimeout())
	defer cancel()
	if _, address, changed := db.leader.get(); address == live[0].address {
		go func() { // a leader that was deposed, or hangs, will not answer
			select {
			case <-changed:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	answers, err := db.askApply(ctx, live[0].address, commands)
	for i, f := range live {
		if err != nil {
			f.done <- answer{err: err}
			continue
		}
		f.done <- answers[i]
	}
}

// forwardTimeout: a lost answer is asked for again.
func (db *DB) forwardTimeout() time.Duration { return max(time.Second, db.config.HoldTimeout/3) }

// askApply returns an answer for each command.
func (db *DB) askApply(ctx context.Context, address string, commands []*command) ([]answer, error) {
	var e encoder
	status, body, err := db.call(ctx, http.MethodPost, address, "/apply", e.encodeEntry(0, 0, commands))
	switch {
	case err != nil:
		return nil, err
	case status == statusNotLeader:
		return nil, errNotLeader
	case status != http.StatusOK:
		return nil, ErrUnknown
	}
	answers, err := decodeAnswers(body, len(commands))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnknown, err)
	}
	return answers, nil
}

// serveApply proposes forwarded batches. It holds nothing: the node that forwards does.
func (db *DB) serveApply(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBatchBytes+4<<20))
	var e entry
	if err == nil {
		e, err = decodeEntry(body, 0, 0)
	}
	if err != nil {
		http.Error(w, err.Error(), statusNotLeader)
		return
	}
	proposals, answers := make([]*proposal, len(e.commands)), make([]answer, len(e.commands))
	for i, c := range e.commands {
		size, err := c.check()
		if err != nil {
			answers[i].outcome = outcome{code: outcomeSQL, message: strings.TrimPrefix(err.Error(), "consensus: ")}
			continue
		}
		proposals[i], answers[i].err = db.submit(r.Context(), c, size, true)
	}
	for i, p := range proposals {
		if p != nil && answers[i].err == nil {
			answers[i].outcome, answers[i].err = db.await(r.Context(), p)
			db.metrics.accepted.Inc()
		}
	}
	w.Write(encodeAnswers(answers))
}

func encodeAnswers(answers []answer) []byte {
	var e encoder
	for i := range answers {
		a := &answers[i]
		switch {
		case errors.Is(a.err, ErrUnknown), a.err == nil && len(e.b) > maxForwardReply:
			e.b = append(e.b, replyUnknown)
		case errors.Is(a.err, ErrNoSpace):
			e.b = append(e.b, replyNoSpace)
		case a.err != nil:
			e.b = append(e.b, replyNotLeader)
		default:
			e.b = append(e.b, replyOutcome)
			e.bytes(encodeOutcome(&a.outcome))
		}
	}
	return e.b
}

func decodeAnswers(p []byte, n int) ([]answer, error) {
	d := &decoder{b: p}
	answers := make([]answer, n)
	for i := range answers {
		switch d.byte() {
		case replyOutcome:
			var err error
			if answers[i].outcome, err = decodeOutcome(d.bytes()); err != nil {
				return nil, err
			}
		case replyNotLeader:
			answers[i].err = errNotLeader
		case replyNoSpace:
			answers[i].err = ErrNoSpace
		default:
			answers[i].err = ErrUnknown
		}
	}
	if d.bad || len(d.b) != 0 {
		return nil, errors.New("consensus: damaged answers")
	}
	return answers, nil
}
