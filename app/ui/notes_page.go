package ui

import (
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// notesPage is free feedback between a teacher and a student, which only the two read (FEED-1).
type notesPage struct {
	app.Compo
	inCourse
	notes   Remote[api.Page[lms.Note]]
	members Remote[api.Page[lms.Member]]
	in      api.NoteInput
	busy    bool
	problem Problem
}

// noteDraft is what this device keeps of feedback that is not sent.
type noteDraft struct{ To, Body string }

// OnMount listens for what arrives.
func (p *notesPage) OnMount(ctx app.Context) { OnLive(ctx, 2*time.Minute, p.load, "user/"+Me().ID) }

// OnNav loads the feedback of the course.
func (p *notesPage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	if p.enter(ctx) {
		p.notes.Reset()
		p.members.Reset()
		p.in = api.NoteInput{Course: p.id, ID: lms.NewID(), To: Query(ctx, "to")}
		afterSession(ctx, func(ctx app.Context) {
			var d noteDraft
			if loadDraft(ctx, draftKey("note", p.id), &d) {
				p.in.Body = d.Body
				if p.in.To == "" {
					p.in.To = d.To
				}
				ctx.Defer(func(app.Context) { SetValue("body", p.in.Body) })
			}
		})
	}
	p.members.Load(ctx, Call(api.ListMembers, api.ListMembersInput{Course: p.id}))
	p.load(ctx)
}

func (p *notesPage) load(ctx app.Context) {
	p.notes.Load(ctx, Call(api.ListNotes, api.ListNotesInput{Course: p.id}))
}

// Render draws the page.
func (p *notesPage) Render() app.UI {
	return p.frame(&Shell{Title: "Feedback", Active: "grades", Back: Crumbs(p.label(), CoursePath(p.id)),
		Content: stackOf(gradeTabs(p.id, p.staff(), p.staff(), CoursePath(p.id, "grades", "notes")),
			when(p.ready() && (p.student() || p.actor().Role.Staff()) && !p.readOnly(), p.form),
			Card("Sent and received", nil, p.notes.View(3, p.load, p.list)))})
}

func (p *notesPage) form() app.UI {
	options := []Option{{Label: "Choose somebody"}}
	for _, m := range p.members.Value.Items {
		if m.Active && m.UserID != Me().ID && (p.staff() && m.Role == lms.RoleStudent || !p.staff() && m.Role.Staff()) {
			options = append(options, Option{Value: m.UserID, Label: m.Name})
		}
	}
	keep := func(ctx app.Context) {
		keepDraft(ctx, draftKey("note", p.id), noteDraft{p.in.To, p.in.Body})
	}
	return Card("Write feedback", nil, app.Form().Class("stack").OnSubmit(p.send).Body(
		p.problem.Alert("to", "body"),
		Select(Field{ID: "to", Label: "To", Value: p.in.To, Error: p.problem.For("to"), On: func(ctx app.Context, _ app.Event) {
			p.in.To = ctx.JSSrc().Get("value").String()
			keep(ctx)
		}}, options...),
		TextArea(Field{ID: "body", Label: "Feedback", Value: p.in.Body, Error: p.problem.For("body"), Markdown: true,
			Help: "Only you and this person can read it.", On: func(ctx app.Context, _ app.Event) {
				p.in.Body = ctx.JSSrc().Get("value").String()
				keep(ctx)
			}}),
		actionsOf(Submit("Send", "Sending", p.busy)),
	))
}

func (p *notesPage) send(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if p.in.To == "" {
		Fail(ctx, lms.FieldErrorf(lms.KindRule, "to", "Choose who gets it."), &p.problem)
		return
	}
	SendForm(ctx, e, &p.busy, &p.problem, api.SendNote, p.in, func(ctx app.Context, n lms.Note) {
		p.in.ID, p.in.Body = lms.NewID(), ""
		dropDraft(ctx, draftKey("note", p.id))
		ctx.Defer(func(app.Context) { SetValue("body", "") })
		Toast(ctx, "good", "Sent to "+n.ToName+".")
		p.load(ctx)
	})
}

func (p *notesPage) list(page api.Page[lms.Note]) app.UI {
	if len(page.Items) == 0 {
		return Empty("message-circle", "No feedback yet", cond(p.staff(), "Write to a student what no grade says.", "Tell your teachers what helps and what does not."))
	}
	return app.Div().Body(when(page.Next != "", func() app.UI {
		return app.P().Class("more", "muted").Text("The latest " + itoa(len(page.Items)) + " of " + itoa(page.Total) + ".")
	}), app.Ul().Class("rows").Body(app.Range(page.Items).Slice(func(i int) app.UI {
		n := page.Items[i]
		mine := n.FromID == Me().ID
		return app.Li().Class("row").Body(app.Div().Class("row-plain").Body(
			Avatar(cond(mine, n.ToName, n.FromName)),
			app.Div().Class("row-text").Body(
				app.Span().Class("row-title").Text(cond(mine, "You to "+n.ToName, n.FromName+" to you")),
				app.Span().Class("row-meta").Text(FormatTime(n.CreatedAt)),
				Prose(n.BodyHTML))))
	})))
}
