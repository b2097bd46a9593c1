package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/lms"
)

// gradeView is the side of the page with the points, the feedback and their state.
func (p *gradingPage) gradeView(s lms.Submission) app.UI {
	g, a := p.form(), p.assignment.Value
	return Card("Grade", nil, app.Div().Class("stack").Body(
		app.If(s.State != lms.SubmissionReceived, func() app.UI {
			return Notice("warn", "Not all files of this attempt have arrived.")
		}),
		app.If(g.theirs != nil, p.conflict),
		Input(Field{ID: "points", Label: "Points of " + a.Points.String(), InputMode: "decimal", Value: g.points, Error: g.problem.For("points"), On: p.onPoints}),
		app.If(p.above(), func() app.UI {
			return app.Div().Class("actions").Body(Button("Keep "+g.points+" of "+a.Points.String(), "check", p.allowAbove))
		}),
		TextArea(Field{ID: "feedback", Label: "Feedback", Optional: true, Rows: 8, Value: g.feedback, Error: g.problem.For("feedback"), On: p.onFeedback,
			Markdown: true, Help: "The student reads this after you post the grade, not before."}),
		p.saveState(),
		scoreLine(s),
		app.If(g.problem.Message != "" && g.problem.Field == "" && g.theirs == nil, func() app.UI { return g.problem.Alert() }),
		app.Div().Class("actions").Body(
			Busy(Primary("Post the grade", "send", func(app.Context, app.Event) { p.confirm = true }), p.posting || !p.mayPost()),
			app.If(p.neighbour(1) != "", func() app.UI {
				return Button("Next student", "arrow-right", func(ctx app.Context, _ app.Event) { p.step(ctx, 1) })
			}),
		),
	))
}

// mayPost reports whether there is a grade that the student does not see yet.
func (p *gradingPage) mayPost() bool {
	g := p.form()
	if _, ok, err := g.input(p.id); !ok || err != nil || g.theirs != nil || p.above() {
		return false
	}
	return g.dirty || g.saved != nil && !gradePosted(*g.saved)
}

// above reports whether the points exceed what the assignment is worth and nobody has confirmed that.
func (p *gradingPage) above() bool {
	v, err := lms.ParsePoints(p.form().points)
	return err == nil && p.assignment.Ready && v > p.assignment.Value.Points && p.form().dirty && !p.form().allowAbove
}

func (p *gradingPage) allowAbove(ctx app.Context, _ app.Event) {
	p.form().allowAbove, p.form().problem = true, Problem{}
	p.form().save(ctx, p.id, nil)
}

// saveState says whether a node has what was typed.
func (p *gradingPage) saveState() app.UI {
	g := p.form()
	label, tone, icon := "No grade yet", "", "info"
	_, complete, _ := g.input(p.id)
	switch {
	case g.theirs != nil:
		label, tone, icon = "Not saved: somebody else has changed this grade", "bad", "alert-circle"
	case g.saving:
		label, icon = "Saving", ""
	case g.dirty && g.problem.Message != "":
		label, tone, icon = "Not saved yet. Your text is kept on this device", "bad", "alert-circle"
	case g.dirty && !complete:
		label, tone, icon = "Not saved yet: enter the points. Your feedback is kept on this device", "warn", "alert-triangle"
	case g.dirty:
		label, icon = "Not saved yet", "clock"
	case g.saved != nil && gradePosted(*g.saved):
		label, tone, icon = "Posted "+Relative(g.saved.PostedAt)+": the student sees it", "good", "check-circle"
	case g.saved != nil && !g.saved.PostedAt.IsZero():
		label, tone, icon = "Draft saved. The student still sees the grade posted "+Relative(g.saved.PostedAt), "warn", "check"
	case g.saved != nil:
		label, tone, icon = "Draft saved"+cond(g.saved.By != "" && g.saved.By != Me().Name, " by "+g.saved.By, "")+", not posted", "good", "check"
	}
	return app.P().Class("save-state", "ink-"+tone).Role("status").Body(
		app.If(icon == "", func() app.UI { return Spinner() }).Else(func() app.UI { return Icon(icon) }), text(label))
}

func (p *gradingPage) conflict() app.UI {
	t := *p.form().theirs
	return app.Div().Role("alert").Body(Notice("bad", cond(t.By != "", t.By, "Somebody else")+" saved another grade "+Relative(t.ChangedAt)+". Yours is not saved; nothing was overwritten.",
		app.Div().Class("panel").Body(
			app.P().Body(app.Strong().Text(PointsOf(t.Points, p.assignment.Value.Points))),
			app.If(t.Feedback != "", func() app.UI { return Plain(t.Feedback) }),
		),
		app.Div().Class("actions").Body(
			Button("Take this one", "check", p.takeTheirs),
			Button("Save mine instead", "edit", p.keepMine),
		)))
}
