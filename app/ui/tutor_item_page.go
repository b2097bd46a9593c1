package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// tutorItemPage holds the tutor's rules for one assignment, and what only the tutor and the staff know of it (TUTOR-15).
type tutorItemPage struct {
	app.Compo
	inCourse
	as         string
	assignment Remote[lms.Assignment]
	loaded     bool
	err        error
	in         lms.ItemPolicy
	conflict   bool
	problem    Problem
	busy       bool
}

// OnNav loads the rules of the assignment of the address.
func (p *tutorItemPage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	changed := p.enter(ctx)
	as := Param(ctx, "assignments")
	if as == p.as && !changed {
		return
	}
	p.as = as
	p.loaded, p.conflict, p.problem = false, false, Problem{}
	p.assignment.Reset()
	p.load(ctx)
}

func (p *tutorItemPage) path() api.AssignmentPath {
	return api.AssignmentPath{Course: p.id, Assignment: p.as}
}

func (p *tutorItemPage) load(ctx app.Context) {
	p.assignment.Load(ctx, Call(api.GetAssignment, p.path()))
	p.fetch(ctx, func(ctx app.Context, v lms.ItemPolicy) { p.in = v })
}

func (p *tutorItemPage) fetch(ctx app.Context, take func(app.Context, lms.ItemPolicy)) {
	at := p.path()
	p.err = nil
	Async(ctx, Call(api.GetTutorItem, at), func(ctx app.Context, v lms.ItemPolicy, err error) {
		if p.path() != at {
			return
		}
		if p.err = err; err == nil {
			p.loaded = true
			take(ctx, v)
		}
	})
}

// Render draws the page.
func (p *tutorItemPage) Render() app.UI {
	a := p.assignment.Value
	return p.frame(&Shell{Title: "Tutor and this assignment", Lead: a.Title, Active: "assignments",
		Back: Crumbs(p.label(), CoursePath(p.id), "Assignments", CoursePath(p.id, "assignments"), cond(a.Title != "", a.Title, "Assignment"), CoursePath(p.id, "assignments", p.as)),
		Content: app.If(!p.ready() || !p.loaded && p.err == nil, func() app.UI { return Skeleton(6) }).
			ElseIf(!p.loaded, func() app.UI { return ErrorBox(p.err, p.load) }).
			Else(p.body)})
}

func (p *tutorItemPage) body() app.UI {
	may := p.instructor() && !p.readOnly()
	modes := append([]Option{{"", "As in the course", ""}}, modeOptions...)
	modes = append(modes, Option{string(lms.ModeOff), "Off for this assignment", "The tutor does not help with it and names you instead."})
	return app.Form().Class("stack", "form").OnSubmit(p.submit).Body(
		Notice("info", "While the assignment is open, the tutor recognises its text and gives hints, one step at a time, never the answer. What you write here makes the hints better."),
		app.If(p.conflict, p.conflictNotice),
		app.If(!may, func() app.UI { return Notice("info", "Instructors of the course can change this; you can read it.") }),
		p.problem.Alert("mode", "notes", "answer"),
		Radios(Field{ID: "mode", Label: "How the tutor helps", Value: string(p.in.Mode), Error: p.problem.For("mode"), On: func(ctx app.Context, _ app.Event) {
			p.in.Mode = lms.TutorMode(ctx.JSSrc().Get("value").String())
		}}, modes...),
		app.Div().Class("hidden-notes", "stack").Body(
			app.P().Class("post-note").Body(Icon("eye-off"), text("Only the staff of the course and the tutor read the two texts below. Students never see them, not even in exports, and the tutor may not quote them.")),
			TextArea(Field{ID: "notes", Label: "Solution and common errors", Optional: true, Rows: 8, Value: p.in.Notes, ReadOnly: !may, Error: p.problem.For("notes"), On: p.ValueTo(&p.in.Notes)}),
			Input(Field{ID: "answer", Label: "Final value", Optional: true, Value: p.in.Answer, ReadOnly: !may, Error: p.problem.For("answer"),
				Help: "Text of the tutor that holds it is never shown, for example 42 or O(n log n).", On: p.ValueTo(&p.in.Answer)}),
		),
		app.If(may, func() app.UI {
			return app.Div().Class("actions").Body(Submit("Save", "Saving", p.busy), LinkButton("Back to the assignment", "", CoursePath(p.id, "assignments", p.as)))
		}),
	)
}

func (p *tutorItemPage) conflictNotice() app.UI {
	return staleNotice(
		func(ctx app.Context, _ app.Event) {
			p.fetch(ctx, func(ctx app.Context, v lms.ItemPolicy) {
				p.in.Version, p.conflict = v.Version, false
				p.save(ctx)
			})
		},
		func(ctx app.Context, _ app.Event) { p.fetch(ctx, p.fill) })
}

// staleNotice lets a person choose between what was typed and what somebody else has saved meanwhile.
func staleNotice(mine, theirs app.EventHandler) app.UI {
	return app.Div().Role("alert").Body(Notice("warn", "Somebody else has changed these settings meanwhile. Nothing of yours is lost: save yours over theirs, or take theirs.",
		app.Div().Class("actions").Body(Button("Save mine over theirs", "", mine), Button("Take theirs", "", theirs))))
}

// fill shows other values; the inputs themselves keep what was typed until they are told.
func (p *tutorItemPage) fill(_ app.Context, v lms.ItemPolicy) {
	p.in, p.conflict, p.problem = v, false, Problem{}
	SetValue("notes", v.Notes)
	SetValue("answer", v.Answer)
}

func (p *tutorItemPage) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	p.save(ctx)
}

func (p *tutorItemPage) save(ctx app.Context) {
	if p.busy {
		return
	}
	if err := p.in.Validate(); err != nil {
		Fail(ctx, err, &p.problem)
		return
	}
	p.busy, p.problem = true, Problem{}
	in := api.TutorItemInput{Course: p.id, Assignment: p.as, ItemPolicy: p.in}
	Async(ctx, Call(api.UpdateTutorItem, in), func(ctx app.Context, v lms.ItemPolicy, err error) {
		p.busy = false
		switch {
		case lms.KindOf(err) == lms.KindConflict:
			p.conflict = true
		case err != nil:
			Fail(ctx, err, &p.problem)
		default:
			p.fill(ctx, v)
			Toast(ctx, "good", "The tutor's rules for this assignment are saved.")
		}
	})
}
