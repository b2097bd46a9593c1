package ui

import (
	"slices"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// kind is the kind of the assignment's grades.
func (p *gradingPage) kind() lms.GradeType { return p.marking.Value.GradeType }

// gradeView is the side of the page with the rubric, the grade, the feedback and their state.
func (p *gradingPage) gradeView(s lms.Submission) app.UI {
	g := p.form()
	return Card("Grade", nil, app.Div().Class("stack").Body(
		app.If(s.State != lms.SubmissionReceived, func() app.UI {
			return Notice("warn", "Not all files of this attempt have arrived.")
		}),
		app.If(g.theirs != nil, p.conflict),
		p.rubricForm(),
		p.gradeField(),
		app.If(g.above(p), func() app.UI {
			return app.Div().Class("actions").Body(Button("Keep "+g.points+" of "+p.assignment.Value.Points.String(), "check", p.allowAbove))
		}),
		TextArea(Field{ID: "feedback", Label: "Feedback", Optional: true, Rows: 6, Value: g.feedback, Error: g.problem.For("feedback"), On: p.onFeedback,
			Markdown: true, Help: cond(p.marking.Value.Automatic(), "The student reads this when you go on to the next work.", "The student reads this "+p.whenRead()+".")}),
		p.saveState(),
		scoreLine(s),
		app.If(g.problem.Message != "" && g.problem.Field != "points" && g.problem.Field != "feedback" && g.theirs == nil, func() app.UI { return g.problem.Alert() }),
		app.Div().Class("actions").Body(
			app.If(!s.Blind, func() app.UI {
				return Busy(Primary("Post the grade", "send", func(app.Context, app.Event) { p.confirm = true }), p.posting || !p.mayPost())
			}),
			app.If(g.scored() && !g.saved.PostedAt.IsZero(), func() app.UI { return Busy(Button("Hide again", "eye-off", p.hide), p.posting) }),
			app.If(p.neighbour(1) != "", func() app.UI {
				return Button("Next student", "arrow-right", func(ctx app.Context, _ app.Event) { p.step(ctx, 1) })
			}),
		),
		app.If(g.scored(), func() app.UI { return p.historyFold(s) }),
	))
}

// gradeField takes a grade in the words of its kind. Nothing is chosen before the marker chooses.
func (p *gradingPage) gradeField() app.UI {
	g, a := p.form(), p.assignment.Value
	f := Field{ID: "points", Value: g.points, Error: g.problem.For("points"), On: p.onPoints}
	switch p.kind() {
	case lms.GradeUngraded:
		return app.P().Class("muted").Text("This assignment has no grades. Feedback and comments can be posted.")
	case lms.GradeLetter, lms.GradePassFail:
		f.Label = cond(p.kind() == lms.GradeLetter, "Letter", "Pass or fail")
		options := []Option{{Value: "", Label: "No grade yet"}}
		if p.kind() == lms.GradeLetter {
			scale := p.marking.Value.Letters
			for _, l := range scale {
				options = append(options, Option{Value: l.Letter, Label: l.Letter})
			}
			if g.points != "" && !slices.ContainsFunc(scale, func(l lms.Letter) bool { return l.Letter == g.points }) {
				options = append(options, Option{Value: g.points, Label: g.points + " (not in the scale any more)"})
			}
		} else {
			options = append(options, Option{Value: lms.GradePass, Label: lms.GradePass}, Option{Value: lms.GradeFail, Label: lms.GradeFail})
		}
		return Select(f, options...)
	case lms.GradePercent:
		f.Label, f.InputMode = "Percent", "decimal"
	default:
		f.Label, f.InputMode = "Points of "+a.Points.String(), "decimal"
	}
	return Input(f)
}

// mayPost reports whether there is a grade that the student does not see yet.
func (p *gradingPage) mayPost() bool {
	g := p.form()
	if _, ok, err := g.input(p.id); !ok || err != nil || g.theirs != nil || g.above(p) {
		return false
	}
	if strings.TrimSpace(g.points) == "" {
		return false
	}
	if _, err := p.parsed(g); err != nil {
		return false
	}
	return g.dirty || g.saved != nil && !gradePosted(*g.saved)
}

// above reports whether the points exceed what the assignment is worth and nobody has confirmed that.
func (g *gradeForm) above(p *gradingPage) bool {
	v, err := p.parsed(g)
	return err == nil && p.assignment.Ready && v > p.assignment.Value.Points && g.dirty && !g.allowAbove
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
		label, tone, icon = "Not saved yet: enter the grade. Your feedback is kept on this device", "warn", "alert-triangle"
	case g.dirty:
		label, icon = "Not saved yet", "clock"
	case g.saved != nil && g.saved.Begun:
		label, tone, icon = "Saved; no grade yet", "good", "check"
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
	value := "Feedback without a grade"
	if !t.Begun {
		value = gradeText(t, p.assignment.Value.Points)
	}
	return app.Div().Role("alert").Body(Notice("bad", cond(t.By != "", t.By, "Somebody else")+" saved another grade "+Relative(t.ChangedAt)+". Yours is not saved; nothing was overwritten.",
		app.Div().Class("panel").Body(
			app.P().Body(app.Strong().Text(value)),
			app.If(t.Feedback != "", func() app.UI { return Plain(t.Feedback) }),
		),
		app.Div().Class("actions").Body(
			Button("Take this one", "check", p.takeTheirs),
			Button("Save mine instead", "edit", p.keepMine),
		)))
}

// gradeText writes a grade with what is possible.
func gradeText(g lms.Grade, possible lms.Points) string {
	if g.Grade != "" {
		return g.Grade
	}
	return PointsOf(g.Points, possible)
}

// historyFold shows who changed the grade when, once it is opened.
func (p *gradingPage) historyFold(s lms.Submission) app.UI {
	return app.Details().ID("history").Body(
		app.Summary().Class("fold-head").Body(Icon("chevron-right"), text("History of this grade")).OnClick(func(ctx app.Context, _ app.Event) {
			p.changes.Load(ctx, Call(api.ListGradeChange, api.SubmissionPath{Course: p.id, Submission: s.ID}))
		}, Each(s.ID)),
		p.changes.View(2, nil, func(page api.Page[lms.GradeChange]) app.UI {
			return app.Ul().Class("notes-list").Body(app.Range(page.Items).Slice(func(i int) app.UI {
				c := page.Items[i]
				from := ""
				if c.OldPoints != nil {
					from = cond(c.OldGrade != "", c.OldGrade, c.OldPoints.String()) + " → "
				}
				return app.Li().Class("fine").Text(FormatTime(c.At) + ", " + c.By + cond(c.Posted, " posted ", " saved ") + from + cond(c.NewGrade != "", c.NewGrade, c.NewPoints.String()))
			}))
		}),
	)
}
