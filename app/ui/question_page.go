package ui

import (
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// QuestionPage is one thread: the question, the posts, and the tutor's answer while it is written.
type QuestionPage struct {
	app.Compo
	inCourse
	question  string
	thread    Remote[lms.Question]
	tutor     Remote[api.TutorStatus]
	streams   map[string]*replyStream // by reply
	session   lms.Session
	busy      bool
	said      string // for screen readers
	draft     replyDraft
	asked     map[string]string // id of the question to a person, by reply
	vouch     *endorsing        // the open dialog; nil: none
	further   replyDraft        // asks the tutor to go on; kept apart from what the person types
	problem   Problem
	setTopics func(...string)
}

// replyDraft is a reply that has not been acknowledged; its ids stay the same over every attempt to send it.
type replyDraft struct{ ID, TutorReplyID, Body string }

// OnMount keeps the thread fresh.
func (p *QuestionPage) OnMount(ctx app.Context) {
	ctx.ObserveState(stateSession, &p.session)
	p.setTopics = OnLive(ctx, 20*time.Second, p.refresh, "question/"+Param(ctx, "questions"))
}

// OnNav loads the question of the address.
func (p *QuestionPage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	if p.enter(ctx) {
		p.tutor.Reset()
		p.loadTutor(ctx)
	}
	if id := Param(ctx, "questions"); id != p.question {
		p.stopStreams()
		p.question, p.problem, p.said, p.further, p.vouch = id, Problem{}, "", replyDraft{}, nil
		p.thread.Reset()
		p.newDraft()
		loadDraft(ctx, p.draftKey(), &p.draft)
		if p.setTopics != nil {
			p.setTopics("question/" + id)
		}
	}
	p.load(ctx)
}

// OnDismount stops reading; the tutor goes on and its answer is stored.
func (p *QuestionPage) OnDismount() { p.stopStreams() }

func (p *QuestionPage) path() api.QuestionPath {
	return api.QuestionPath{Course: p.id, Question: p.question}
}

func (p *QuestionPage) loadTutor(ctx app.Context) {
	p.tutor.Load(ctx, Call(api.TutorInfo, api.CoursePath{Course: p.id}))
}

func (p *QuestionPage) draftKey() string { return draftKey("reply", p.question) }

func (p *QuestionPage) newDraft() { p.draft = replyDraft{ID: lms.NewID(), TutorReplyID: lms.NewID()} }

func (p *QuestionPage) load(ctx app.Context) {
	p.thread.Load(ctx, Call(api.GetQuestion, p.path()), p.follow)
}

func (p *QuestionPage) refresh(ctx app.Context) {
	if !p.thread.Loading() {
		p.load(ctx)
	}
}

// mine reports whether the person has asked the question.
func (p *QuestionPage) mine() bool { return p.thread.Value.AuthorID == Me().ID && Me().ID != "" }

// Render draws the page.
func (p *QuestionPage) Render() app.UI {
	q := p.thread.Value
	return p.frame(&Shell{Title: cond(q.Title != "", q.Title, "Question"), Active: "questions",
		Back:    Crumbs("Questions and tutor", CoursePath(p.id, "questions")),
		Content: p.thread.View(4, p.load, p.view)})
}

func (p *QuestionPage) view(q lms.Question) app.UI {
	label, tone := questionState(q)
	return app.Div().Class("stack", "thread").Body(
		app.Div().Class("row-flex", "thread-head").Body(
			Badge(label, tone),
			Badge(cond(q.To == lms.ToTutor, "To the tutor", "To the instructors"), ""),
			app.If(q.To == lms.ToTutor && q.Mode != "", func() app.UI { return Badge(modeName(q.Mode), "") }),
			app.If(p.staff() && !q.Waiting.IsZero() && q.State == lms.QuestionOpen, func() app.UI { return Badge("Waits for "+Span(Now().Sub(q.Waiting)), "warn") }),
			app.Span().Class("fine").Text(whoReads(q.Visibility)),
		),
		app.Div().Class("posts").Body(
			&postView{ID: q.ID, Course: p.id, Author: q.AuthorName, At: q.CreatedAt, HTML: q.BodyHTML, Text: cond(q.Body == "", q.Title, q.Body), State: lms.ReplyDone},
			app.Range(q.Replies).Slice(func(i int) app.UI { return p.post(q.Replies[i]) }),
		),
		// Screen readers hear that the tutor answers, then the whole answer once (TUTOR-40).
		app.P().Class("sr-only").Role("status").Aria("live", "polite").Aria("atomic", true).ID("tutor-said").Text(p.said),
		p.actions(q),
		app.If(p.mine() || p.staff(), func() app.UI { return p.readers(q) }),
		app.If(!p.readOnly(), func() app.UI { return p.composer(q) }),
		app.If(p.vouch != nil, p.endorseDialog),
	)
}

// whoReads says who can open a question.
func whoReads(v lms.Visibility) string {
	switch v {
	case lms.VisibleCourse:
		return "Everybody in the course can read this."
	case lms.VisibleAnonymous:
		return "Everybody in the course can read this; only the staff see who asks."
	}
	return "Only the author and the staff can read this."
}

// post draws one reply, with the text so far while it is being written.
func (p *QuestionPage) post(r lms.Reply) app.UI {
	v := &postView{ID: r.ID, Course: p.id, Author: r.AuthorName, Role: RoleName(r.AuthorRole), Tutor: r.AuthorID == lms.TutorID, At: r.CreatedAt,
		HTML: r.BodyHTML, Text: r.Body, State: r.State, Note: r.Note, Generated: r.Generated, Model: r.Model, Citations: r.Citations}
	if s := p.streams[r.ID]; s != nil && !r.State.Final() {
		v.Text, v.Wait, v.Found = s.text, s.wait, s.found
	}
	v.May, v.Busy = p.mine() || p.staff(), p.busy
	v.AskedID, v.Rating, v.Endorsement = r.AskedID, r.Rating, r.Endorsement
	v.Staff = v.Tutor && p.staff() && !p.readOnly() && r.Body != ""
	if v.Tutor && r.State.Final() && p.mine() && !p.readOnly() && p.thread.Value.To == lms.ToTutor {
		v.Human, v.Rates = true, true
		if t := p.tutor.Value; t.Enabled && t.Model != "" {
			v.More = r.Cut() && p.last(r.ID)
			v.Anyway = cond(r.FoundNothing(), t.Quota.AskAnyway, 0)
		}
	}
	v.rate = func(ctx app.Context, x lms.Rating, done func(app.Context, error)) { p.rate(ctx, r.ID, x, done) }
	v.act = func(ctx app.Context, a postAction) { p.act(ctx, r.ID, a) }
	return v
}

// last reports whether the reply is the newest post.
func (p *QuestionPage) last(reply string) bool {
	all := p.thread.Value.Replies
	return len(all) > 0 && all[len(all)-1].ID == reply
}

// actions change the state of the thread.
func (p *QuestionPage) actions(q lms.Question) app.UI {
	if p.readOnly() || !(p.mine() || p.staff()) {
		return app.Div()
	}
	set := func(label, icon string, s lms.QuestionState) app.UI {
		return Busy(Button(label, icon, func(ctx app.Context, _ app.Event) { p.set(ctx, api.SetQuestionInput{State: &s}, "") }, Each(string(s))), p.busy)
	}
	return app.Div().Class("actions", "thread-actions").Body(
		app.If(q.Assignment != "" && q.State == lms.QuestionOpen && p.instructor(), func() app.UI {
			return PrimaryLink("Grant an extension", "calendar", CoursePath(p.id, "assignments", q.Assignment, "dates")+"?student="+q.AuthorID+"&request="+q.ID)
		}),
		app.If(q.Assignment != "", func() app.UI {
			return LinkButton("The assignment", "clipboard", CoursePath(p.id, "assignments", q.Assignment))
		}),
		app.If(p.staff() && q.To == lms.ToStaff && q.State == lms.QuestionOpen, func() app.UI {
			return set("Mark as answered", "check", lms.QuestionAnswered)
		}),
		app.If(q.State == lms.QuestionAnswered || q.State == lms.QuestionOpen && q.ReplyCount > 0, func() app.UI {
			return set("Mark as resolved", "check-circle", lms.QuestionResolved)
		}),
		app.If(q.State == lms.QuestionResolved || q.State == lms.QuestionAnswered && q.To == lms.ToStaff, func() app.UI {
			return set("Open again", "refresh-cw", lms.QuestionOpen)
		}),
	)
}

func (p *QuestionPage) composer(q lms.Question) app.UI {
	follow := q.To == lms.ToTutor && p.mine()
	help := "You and the staff of the course can read this."
	switch {
	case q.Visibility == lms.VisibleAnonymous && p.mine():
		help = "Everybody in the course will read this; only the staff see your name."
	case q.Visibility != lms.VisibleStaff:
		help = "Everybody in the course will read this, with your name."
	}
	if follow {
		if p.tutor.Ready && !p.tutor.Value.Enabled {
			return Notice("info", "The tutor is switched off in this course. You can ask the instructors.", app.Div().Class("actions").Body(
				LinkButton("Ask the instructors", "users", CoursePath(p.id, "questions"))))
		}
		help = tutorReader(p.tutor.Ready, p.tutor.Value)
	}
	return app.Form().Class("card", "composer").OnSubmit(p.submit).Body(
		p.problem.Alert("body"),
		TextArea(Field{ID: "body", Label: cond(follow, "Ask the tutor further", "Reply"), Rows: 3, Markdown: true, Value: p.draft.Body, Error: p.problem.For("body"), Help: help,
			On: func(ctx app.Context, _ app.Event) {
				p.draft.Body = ctx.JSSrc().Get("value").String()
				keepDraft(ctx, p.draftKey(), p.draft)
			}}),
		app.If(follow && p.tutor.Ready, func() app.UI { return noticeView(p.tutor.Value) }),
		app.Div().Class("ask-end").Body(app.If(follow && p.tutor.Ready, func() app.UI { return quotaView(p.tutor.Value) }),
			Submit(cond(follow, "Ask", "Reply"), "Sending", p.busy)),
	)
}
