package tutor

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"trivium/app/lms"
)

// errHeldBack ends a call whose text breaks a rule.
var errHeldBack = errors.New("tutor: the text breaks a rule")

//go:embed prompts/judge.txt
var judgePrompt string

// generate lets the model write. An ordinary answer is shown sentence by sentence, each after the rules; a hint for graded work is
// shown only after the whole of it has passed the rules and the second pass (TUTOR-11).
func (t *Tutor) generate(ctx context.Context, r *run, reply lms.Reply, rec *lms.ReplyRecord, h help, found retrieval, course lms.Course) (lms.Reply, error) {
	prompt, sent, err := buildPrompt(promptInput{course: course.Title, manner: h.manner(), work: h.work(), canary: t.canary, turns: found.talk.turns,
		question: found.talk.question, passages: found.passages, mask: found.mask, context: t.cfg.ContextTokens, answer: t.cfg.MaxTokens})
	if err != nil {
		return lms.Reply{}, err
	}
	rec.PromptVersion, rec.Checked = promptVersion, "passed"
	silent := time.AfterFunc(t.cfg.Limits.Found, func() { r.setFound(citationsOf(sent)) })
	defer silent.Stop()
	if h.item != nil {
		return t.hint(ctx, r, reply, rec, h, prompt, sent)
	}
	for range 2 { // a text of which nothing has been shown is written once more
		var end outcome
		var out *outlet
		var broken violation
		end, out, broken, err = t.call(ctx, r, rec, h.rules, prompt, sent, r.write)
		reply.Model = cmp.Or(end.model, t.modelName())
		if cause := context.Cause(ctx); errors.Is(cause, errLostClaim) || cause != nil && !errors.Is(cause, errStopped) {
			return lms.Reply{}, cause
		}
		if noMajority(err) {
			return lms.Reply{}, err
		}
		reply.Body = strings.TrimRight(r.body(), " \n")
		reply.Generated, reply.Citations = reply.Body != "", cited(sent, out.cited)
		if broken != "" {
			hold(rec, broken)
			t.log.Warn("tutor: text held back", "reply", r.id, "rule", broken)
			if reply.Body == "" {
				continue
			}
			reply.Note = noteHeldBack
			return reply, nil
		}
		return t.concluded(ctx, r, reply, found, end, out, err), nil
	}
	reply.Model = ""
	passages := found.passages[:min(len(found.passages), bestPassages)]
	reply.Body, reply.Citations, reply.Note = quoted(passages), citationsOf(passages), noteHeldBack
	r.write(reply.Body)
	return reply, nil
}

// concluded puts an ordinary answer together after its call.
func (t *Tutor) concluded(ctx context.Context, r *run, reply lms.Reply, found retrieval, end outcome, out *outlet, err error) lms.Reply {
	switch {
	case errors.Is(context.Cause(ctx), errStopped):
		reply.State, reply.Note = lms.ReplyStopped, noteStopped
	case err != nil:
		t.log.Warn("tutor: call failed", "reply", r.id, "why", t.why(err), "status", status(err))
		reply = failed(reply, found.passages, err)
	default:
		reply.Note = noteOf(end, out)
	}
	if !reply.Generated {
		reply.Model = ""
	}
	return reply
}

// hint writes one step of the ladder: written at most twice, checked whole, else a fixed hint.
func (t *Tutor) hint(ctx context.Context, r *run, reply lms.Reply, rec *lms.ReplyRecord, h help, prompt []message, sent []lms.Passage) (lms.Reply, error) {
	reply.Note, reply.Model = h.noteWork(), ""
	for range 2 {
		var text strings.Builder
		end, out, broken, err := t.call(ctx, r, rec, h.rules, prompt, sent, func(s string) { text.WriteString(s) })
		if cause := context.Cause(ctx); errors.Is(cause, errStopped) {
			reply.State, reply.Note = lms.ReplyStopped, noteStopped
			return reply, nil
		} else if cause != nil {
			return lms.Reply{}, cause
		}
		if noMajority(err) {
			return lms.Reply{}, err
		}
		if err != nil && broken == "" {
			t.log.Warn("tutor: call failed", "reply", r.id, "why", t.why(err), "status", status(err))
			reply = failed(reply, sent, err)
			r.write(reply.Body)
			return reply, nil
		}
		body := strings.TrimRight(text.String(), " \n")
		if broken == "" && t.givesAway(ctx, r, rec, h, body) {
			broken = "second pass"
		}
		if broken == "" {
			rec.Hint = h.step
			reply.Body, reply.Generated, reply.Model, reply.Citations = body, true, cmp.Or(end.model, t.modelName()), cited(sent, out.cited)
			r.write(body)
			return reply, nil
		}
		hold(rec, broken)
		t.log.Warn("tutor: hint held back", "reply", r.id, "rule", broken)
	}
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, errStopped) {
		return lms.Reply{}, cause
	}
	rec.Hint = h.step
	reply.Body = h.fixedHint(sent)
	if h.step != lms.HintRestate && len(sent) > 0 {
		reply.Citations = citationsOf(sent[:1])
	}
	r.write(reply.Body)
	return reply, nil
}

// givesAway is the second pass: a call that judges the hint. Whatever is not a clear no counts as yes.
func (t *Tutor) givesAway(ctx context.Context, r *run, rec *lms.ReplyRecord, h help, body string) bool {
	data := func(s string) string { return dataTag.ReplaceAllString(s, "($1)") }
	prompt := []message{{roleSystem, judgePrompt}, {roleUser, fmt.Sprintf("<task>\n%s\n</task>\n<notes>\n%s\n%s\n</notes>\n<hint>\n%s\n</hint>",
		data(h.item.Text), data(h.item.Policy.Notes), data(h.item.Policy.Answer), data(body))}}
	var verdict strings.Builder
	_, _, _, err := t.call(ctx, r, rec, rules{}, prompt, nil, func(s string) { verdict.WriteString(s) })
	ws := words(verdict.String())
	return err != nil || len(ws) == 0 || ws[0] != "no"
}

// call makes one call of the model within the limits and passes on what keeps to the rules. It adds what it used to the record.
func (t *Tutor) call(ctx context.Context, r *run, rec *lms.ReplyRecord, check rules, prompt []message, sent []lms.Passage, show func(string)) (outcome, *outlet, violation, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var broken violation
	said, held, checked := 0, "", check.checker()
	began := time.Now()
	out := &outlet{sent: len(sent), allowed: inPassages(sent), write: func(s string) {
		if broken != "" {
			return
		}
		said += len(s)
		if broken = checked.add(s); broken != "" {
			cancel(errHeldBack)
			return
		}
		if held += s; checked.pending() && len(held) < longestPiece {
			return
		}
		if rec.FirstMs == 0 {
			rec.FirstMs = max(time.Since(began).Milliseconds(), 1)
		}
		show(held)
		held = ""
	}}
	estimate := promptTokens(prompt)
	err := t.slots.acquire(ctx, t.cfg.Limits.Queue, func(n int) { r.setWait(placeInLine(n)) })
	if err != nil {
		return outcome{}, out, "", err
	}
	defer t.slots.release()
	back, err := t.place(ctx, r.id, r.setWait)
	if err != nil {
		return outcome{}, out, "", err
	}
	defer back()
	if err := t.store.ReserveTokens(ctx, r.id, int64(estimate+t.cfg.MaxTokens), monthOf(time.Now()), t.cfg.MonthlyCap); err != nil {
		return outcome{}, out, "", err
	}
	r.setWait("The language model is at work.")
	rec.Calls++
	end, err := t.complete(ctx, prompt, out.add, r.setWait)
	if broken == "" {
		out.flush()
	}
	if broken == "" && held != "" {
		show(held)
	}
	t.settle(r, rec, end, estimate, said, out, time.Since(began))
	return end, out, broken, err
}

func placeInLine(n int) string {
	return fmt.Sprintf("Waiting for the language model: place %d in line.", n)
}

// hold records that text was held back. A canary that came out means that a model was made to tell what it must not: a person
// looks at it.
func hold(rec *lms.ReplyRecord, broken violation) {
	rec.Checked = string(broken)
	if broken == holdsCanary {
		rec.Concern = "leak"
	}
}

// noMajority reports whether a call was not made because nothing could be set aside for it: the reply is resumed later.
func noMajority(err error) bool {
	kind := lms.KindOf(err)
	return kind == lms.KindUnavailable || kind == lms.KindUnknown
}

// settle adds what a call used. An endpoint that tells no usage is estimated high (TUTOR-23).
func (t *Tutor) settle(r *run, rec *lms.ReplyRecord, end outcome, promptEstimate, said int, out *outlet, took time.Duration) {
	if end.prompt == 0 && end.answer == 0 {
		end.prompt, end.answer = promptEstimate, said/3+1
		rec.Estimated = true
	}
	rec.PromptTokens += end.prompt
	rec.AnswerTokens += end.answer
	t.log.Info("tutor: call", "reply", r.id, "model", cmp.Or(end.model, t.modelName()), "prompt", promptVersion, "promptTokens", end.prompt, "answerTokens", end.answer,
		"finish", end.finish, "cited", out.cited, "ms", took.Milliseconds())
}

func promptTokens(prompt []message) int {
	n := 0
	for _, m := range prompt {
		n += tokens(m.text) + 8
	}
	return n
}

// monthOf is the beginning of the month, in UTC, that caps are counted in.
func monthOf(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}
