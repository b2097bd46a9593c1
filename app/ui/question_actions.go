package ui

import (
	"context"
	"encoding/json"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// replyStream is an answer of the tutor that is being read.
type replyStream struct {
	cancel     context.CancelFunc
	text, wait string
}

// follow reads every answer of the thread that is not finished, once each.
func (p *QuestionPage) follow(ctx app.Context) {
	for _, r := range p.thread.Value.Replies {
		if r.AuthorID == lms.TutorID && !r.State.Final() && p.streams[r.ID] == nil {
			p.read(ctx, r.ID)
		}
	}
}

// read follows one answer. It may be read from any node, and again from the beginning after a node has died: the first
// event after each opening carries the text so far.
func (p *QuestionPage) read(ctx app.Context, reply string) {
	if p.streams == nil {
		p.streams = map[string]*replyStream{}
	}
	in := api.ReplyPath{Course: p.id, Question: p.question, Reply: reply}
	path, err := api.PathOf(api.StreamReply, in)
	if err != nil {
		return
	}
	c, cancel := context.WithCancel(context.Background())
	s := &replyStream{cancel: cancel}
	p.streams[reply] = s
	ctx.Async(func() {
		_, err := guarded(c, func(c context.Context) (bool, error) {
			c = api.WithOnOpen(c, func() { ctx.Dispatch(func(app.Context) { s.text, s.wait = "", "" }) })
			return true, api.Stream(c, API, path, "", func(data []byte) error {
				var e api.ReplyEvent
				if err := json.Unmarshal(data, &e); err != nil {
					return err
				}
				ctx.Dispatch(func(ctx app.Context) { p.onReply(ctx, reply, s, e) })
				if e.Reply != nil {
					return api.ErrEndStream
				}
				return nil
			})
		})
		if err != nil && c.Err() == nil {
			ctx.Dispatch(func(ctx app.Context) {
				delete(p.streams, reply) // the poll of the page tries again
				if lms.KindOf(err) == lms.KindSignIn {
					signedOut(ctx)
				}
			})
		}
	})
}

// onReply takes one event of an answer.
func (p *QuestionPage) onReply(ctx app.Context, reply string, s *replyStream, e api.ReplyEvent) {
	if p.streams[reply] != s {
		return
	}
	s.wait = e.Wait
	s.text += e.Text
	if e.Reply == nil {
		return
	}
	q := p.thread.Value
	for i := range q.Replies {
		if q.Replies[i].ID == reply {
			q.Replies[i] = *e.Reply
		}
	}
	delete(p.streams, reply)
	p.load(ctx) // the state of the thread has changed as well
}

func (p *QuestionPage) stopStreams() {
	for id, s := range p.streams {
		s.cancel()
		delete(p.streams, id)
	}
}

func (p *QuestionPage) stop(ctx app.Context, reply string) {
	Async(ctx, Call(api.StopReply, api.ReplyPath{Course: p.id, Question: p.question, Reply: reply}), func(ctx app.Context, _ api.Empty, err error) {
		if err != nil {
			ToastError(ctx, err)
		}
	})
}

func (p *QuestionPage) retry(ctx app.Context, reply string) {
	Async(ctx, Call(api.RetryReply, api.RetryInput{Course: p.id, Question: p.question, Reply: reply}), p.changed)
}

func (p *QuestionPage) changed(ctx app.Context, q lms.Question, err error) {
	p.busy = false
	if err != nil {
		ToastError(ctx, err)
		return
	}
	p.thread.Set(q)
	p.follow(ctx)
}

// set changes the state or the addressee; done is said when a node has acknowledged it.
func (p *QuestionPage) set(ctx app.Context, in api.SetQuestionInput, done string) {
	in.Course, in.Question = p.id, p.question
	p.busy = true
	Async(ctx, Call(api.SetQuestion, in), func(ctx app.Context, q lms.Question, err error) {
		p.changed(ctx, q, err)
		if err == nil && done != "" {
			Toast(ctx, "good", done)
		}
	})
}

func (p *QuestionPage) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if p.busy {
		return
	}
	in := api.ReplyInput{Course: p.id, Question: p.question, ID: p.draft.ID, Body: p.draft.Body}
	if p.thread.Value.To == lms.ToTutor && p.mine() {
		in.TutorReplyID = p.draft.TutorReplyID
	}
	if err := in.Validate(); err != nil {
		Fail(ctx, err, &p.problem)
		return
	}
	p.busy, p.problem = true, Problem{}
	Async(ctx, Call(api.AddReply, in), func(ctx app.Context, q lms.Question, err error) {
		p.busy = false
		if err != nil {
			Fail(ctx, err, &p.problem)
			return
		}
		dropDraft(ctx, p.draftKey())
		p.newDraft()
		SetValue("body", "")
		p.thread.Set(q)
		p.follow(ctx)
	})
}
