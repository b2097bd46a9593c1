package ui

import (
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// QuestionsPage lists the questions of a course and takes new ones, to the tutor or to the staff.
type QuestionsPage struct {
	app.Compo
	inCourse
	show      string // filter: "", "tutor", "staff", "open", "mine"
	about     string // material that a new question is about
	start     string // starter that a new question begins with
	material  Remote[lms.Material]
	list      Paged[lms.Question]
	tutor     Remote[api.TutorStatus]
	session   lms.Session
	setTopics func(...string)
}

// OnMount keeps the list fresh.
func (p *QuestionsPage) OnMount(ctx app.Context) {
	ctx.ObserveState(stateSession, &p.session)
	p.setTopics = OnLive(ctx, 30*time.Second, p.refresh, "course/"+CourseParam(ctx), "question/")
}

// OnNav loads the course and the filter of the address.
func (p *QuestionsPage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	show := Query(ctx, "show")
	if p.enter(ctx) {
		p.tutor.Reset()
		p.loadTutor(ctx)
		p.list.Reset()
		if p.setTopics != nil {
			p.setTopics("course/"+p.id, "question/")
		}
	} else if show != p.show {
		p.list.Reset()
	}
	if about := Query(ctx, "about"); about != p.about {
		p.about = about
		p.material.Reset()
		if lms.ValidID(about) {
			p.material.Load(ctx, Call(api.GetMaterial, api.MaterialPath{Course: p.id, Material: about}))
		}
	}
	p.show, p.start = show, Query(ctx, "start")
	p.load(ctx)
}

func (p *QuestionsPage) loadTutor(ctx app.Context) {
	p.tutor.Load(ctx, Call(api.TutorInfo, api.CoursePath{Course: p.id}))
}

func (p *QuestionsPage) input() api.ListQuestionsInput {
	in := api.ListQuestionsInput{Course: p.id, Limit: 50}
	switch p.show {
	case "tutor":
		in.To = lms.ToTutor
	case "staff":
		in.To = lms.ToStaff
	case "open":
		in.To, in.State = lms.ToStaff, lms.QuestionOpen
	case "mine":
		in.Mine = true
	}
	return in
}

func (p *QuestionsPage) load(ctx app.Context) { p.list.Load(ctx, Call(api.ListQuestions, p.input())) }

// refresh keeps further pages that the person has opened.
func (p *QuestionsPage) refresh(ctx app.Context) {
	if !p.list.Loading() && len(p.list.Value.Items) <= 50 {
		p.load(ctx)
	}
}

func (p *QuestionsPage) loadMore(ctx app.Context, _ app.Event) {
	p.list.Next(ctx, func(after string) work[api.Page[lms.Question]] {
		in := p.input()
		in.After = after
		return Call(api.ListQuestions, in)
	})
}

// Render draws the page.
func (p *QuestionsPage) Render() app.UI {
	base := CoursePath(p.id, "questions")
	tabs := []Tab{{Label: "All", Href: base}, {Label: "Mine", Href: base + "?show=mine"}, {Label: "To the tutor", Href: base + "?show=tutor"},
		{Label: "To the instructors", Href: base + "?show=staff"}}
	if p.staff() {
		tabs = []Tab{{Label: "Waiting", Href: base + "?show=open"}, {Label: "To the instructors", Href: base + "?show=staff"},
			{Label: "To the tutor", Href: base + "?show=tutor"}, {Label: "All", Href: base}}
	}
	active := base
	if p.show != "" {
		active += "?show=" + p.show
	}
	return p.frame(&Shell{Title: "Questions and tutor", Active: "questions",
		Actions: app.Div().Class("actions").Body(
			LinkButton("FAQ", "message-circle", CoursePath(p.id, "faq")),
			app.If(p.staff(), func() app.UI { return LinkButton("Tutor settings", "settings", CoursePath(p.id, "tutor")) }).
				Else(func() app.UI { return LinkButton("My conversations", "sparkles", CoursePath(p.id, "conversations")) })),
		// The form must not be used before the tutor's rules are there: they change it, and what must be accepted is among them.
		Content: app.If(!p.ready() || !p.tutor.Ready && p.tutor.Err == nil, func() app.UI { return Skeleton(5) }).Else(func() app.UI {
			return app.Div().Class("stack").Body(
				app.If(!p.readOnly(), func() app.UI {
					return &askForm{Course: p.id, About: p.about, Staff: p.staff(), Title: p.material.Value.Title, Start: p.start, Known: p.tutor.Ready, Tutor: p.tutor.Value,
						changed: p.loadTutor}
				}),
				app.Div().Body(
					Tabs("Which questions", active, tabs...),
					p.list.View(5, p.load, p.rows),
				),
			)
		})})
}

func (p *QuestionsPage) rows(v api.Page[lms.Question]) app.UI {
	if len(v.Items) == 0 {
		if p.show == "open" {
			return Empty("check-circle", "Nobody is waiting", "Every question to the instructors has an answer.")
		}
		return Empty("message-circle", "No question here yet", "Ask the tutor for an answer from the course materials at once, or the instructors for theirs.")
	}
	return app.Div().Class("stack").Body(
		RowsOf(v.Items, func(q lms.Question) app.UI {
			label, tone := questionState(q)
			icon := cond(q.To == lms.ToTutor, "sparkles", "message-circle")
			return &Row{ID: q.ID, Href: CoursePath(p.id, "questions", q.ID), Icon: icon, Title: q.Title,
				Meta:  q.AuthorName + " · " + Relative(q.UpdatedAt) + cond(q.ReplyCount > 0, " · "+plural(q.ReplyCount, "post"), ""),
				Badge: waitingLabel(q, label, p.staff()), Tone: tone}
		}),
		p.list.MoreButton(p.loadMore),
	)
}

// questionState is the state of a question in words.
func questionState(q lms.Question) (label, tone string) {
	switch q.State {
	case lms.QuestionPending:
		return "Answering", "info"
	case lms.QuestionOpen:
		return "Waiting", "warn"
	case lms.QuestionAnswered:
		return "Answered", "good"
	}
	return "Resolved", ""
}

// waitingLabel tells staff how long somebody waits for them (TUTOR-29).
func waitingLabel(q lms.Question, label string, staff bool) string {
	if !staff || q.State != lms.QuestionOpen || q.Waiting.IsZero() {
		return label
	}
	return "Waits for " + Span(Now().Sub(q.Waiting))
}

// titleOf makes a title out of a message: its first line, cut at a word.
func titleOf(message string) string {
	const most = 90
	line, _, _ := strings.Cut(strings.TrimSpace(message), "\n")
	line = trimSpace(line)
	r := []rune(line)
	if len(r) <= most {
		return line
	}
	cut := string(r[:most])
	if i := strings.LastIndexByte(cut, ' '); i > most/2 {
		cut = cut[:i]
	}
	return strings.TrimRight(cut, " ,;:") + "…"
}
