package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/lms"
)

func rubricID(criterion string) string { return "rubric-" + criterion }

// rubric is the one that the work is marked by: the version that its marks belong to, or else the newest.
func (p *gradingPage) rubric() *lms.Rubric {
	newest := p.marking.Value.Rubric
	g := p.form()
	if g.marks == nil || newest != nil && g.marks.RubricID == newest.ID && g.marks.Version == newest.Version {
		return newest
	}
	if g.saved != nil && g.saved.Rubric != nil && g.saved.Rubric.ID == g.marks.RubricID && g.saved.Rubric.Version == g.marks.Version {
		return g.saved.Rubric
	}
	return newest
}

// rubricForm marks by the rubric. Nothing is chosen before the marker chooses.
func (p *gradingPage) rubricForm() app.UI {
	r := p.rubric()
	if r == nil {
		return nil
	}
	g := p.form()
	marks := g.marks
	if marks == nil {
		marks = &lms.Marks{RubricID: r.ID, Version: r.Version}
	}
	sum, complete := r.Total(*marks)
	newest := p.marking.Value.Rubric
	return app.Details().Class("rubric").Attr("open", true).Body(
		app.Summary().Class("fold-head").Body(Icon("chevron-right"), app.Strong().Text(r.Title),
			app.Span().Class("muted", "num").Text(PointsOf(sum, r.Possible())+cond(complete, "", ", not complete"))),
		app.Div().Class("stack", "attempt-body").Body(
			app.If(newest != nil && newest.Version != r.Version, func() app.UI {
				return Notice("info", "This work was marked with an earlier version of the rubric and keeps it.",
					app.Div().Class("actions").Body(Button("Apply the new version", "refresh-cw", p.applyRubric)))
			}),
			app.Range(r.Criteria).Slice(func(i int) app.UI { return p.criterion(*r, r.Criteria[i], marks.Mark(r.Criteria[i].ID)) }),
			app.If(complete && p.overridden(sum), func() app.UI {
				return app.Div().Class("actions").Body(text("The grade is not the sum of the rubric."),
					Button("Use "+p.shown(sum), "check", p.useTotal))
			}),
		))
}

func (p *gradingPage) criterion(r lms.Rubric, c lms.Criterion, m lms.CriterionMark) app.UI {
	id := rubricID(c.ID)
	options := make([]Option, len(c.Levels))
	for i, l := range c.Levels {
		options[i] = Option{Value: l.ID, Label: l.Title + " · " + l.Points.String(), Help: l.Description}
	}
	value := ""
	if m.Points != nil {
		value = m.Points.String()
	}
	label := c.Title + ", " + c.Points.String() + " points"
	return app.Div().Class("criterion").Body(
		app.If(len(options) > 0, func() app.UI {
			return Radios(Field{ID: id, Label: label, Help: c.Description, Value: m.Level, On: func(ctx app.Context, _ app.Event) {
				p.chooseLevel(ctx, c.ID, ctx.JSSrc().Get("value").String())
			}}, options...)
		}),
		app.If(r.FreePoints, func() app.UI {
			return Input(Field{ID: id + "-points", Label: cond(len(options) > 0, "Points for "+c.Title, label), Value: value, InputMode: "decimal", Optional: true, On: func(ctx app.Context, _ app.Event) {
				next := p.markOf(c.ID)
				v, err := lms.ParsePoints(ctx.JSSrc().Get("value").String())
				if next.Points = &v; err != nil {
					next.Points = nil
				}
				p.mark(ctx, next)
			}})
		}),
		Input(Field{ID: id + "-comment", Label: "Comment on " + c.Title, Value: m.Comment, Optional: true, On: func(ctx app.Context, _ app.Event) {
			next := p.markOf(c.ID)
			next.Comment = ctx.JSSrc().Get("value").String()
			p.mark(ctx, next)
		}}),
	)
}

// chooseLevel marks a criterion with a level. Both are looked up when it happens: the next work may have another version.
func (p *gradingPage) chooseLevel(ctx app.Context, criterion, level string) {
	c, _ := p.rubric().Criterion(criterion)
	if l, ok := c.Level(level); ok {
		next := p.markOf(criterion)
		next.Level, next.Points = l.ID, &l.Points
		p.mark(ctx, next)
		SetValue(rubricID(criterion)+"-points", l.Points.String())
	}
}

func (p *gradingPage) markOf(criterion string) lms.CriterionMark {
	return p.form().marks.Mark(criterion)
}

// mark takes what one criterion got. The grade follows the sum until the marker has written another one.
func (p *gradingPage) mark(ctx app.Context, m lms.CriterionMark) {
	r, g := p.rubric(), p.form()
	before := lms.Marks{RubricID: r.ID, Version: r.Version}
	if g.marks != nil {
		before = *g.marks
	}
	old, was := r.Total(before)
	next := before.With(m)
	g.marks = &next
	if sum, complete := r.Total(next); complete && p.kind() != lms.GradeUngraded && (g.points == "" || was && g.points == p.shown(old)) {
		g.points, g.allowAbove = p.shown(sum), false
		SetValue("points", g.points)
	}
	p.typedGrade(ctx)
}

func (p *gradingPage) shown(v lms.Points) string {
	return p.kind().Show(v, p.assignment.Value.Points, p.marking.Value.Letters)
}

func (p *gradingPage) overridden(sum lms.Points) bool {
	v, err := p.parsed(p.form())
	total, _, _ := p.kind().Parse(p.shown(sum), p.assignment.Value.Points, p.marking.Value.Letters)
	return err == nil && p.kind() != lms.GradeUngraded && v != total
}

func (p *gradingPage) useTotal(ctx app.Context, _ app.Event) {
	sum, _ := p.rubric().Total(*p.form().marks)
	p.form().points, p.form().allowAbove = p.shown(sum), false
	SetValue("points", p.form().points)
	p.typedGrade(ctx)
}

// applyRubric carries the marks over to the newest version of the rubric.
func (p *gradingPage) applyRubric(ctx app.Context, _ app.Event) {
	g, newest := p.form(), p.marking.Value.Rubric
	if g.marks == nil || newest == nil {
		return
	}
	old := p.rubric()
	sum, complete := old.Total(*g.marks)
	follows := complete && g.points == p.shown(sum)
	next := newest.Apply(*g.marks)
	g.marks = &next
	if sum, complete := newest.Total(next); complete && follows {
		g.points = p.shown(sum)
		SetValue("points", g.points)
	}
	p.typedGrade(ctx)
}

// rubricView shows a rubric: filled in when there are marks.
func rubricView(r lms.Rubric, marks *lms.Marks) app.UI {
	return app.Div().Class("stack", "rubric-view").Body(app.Range(r.Criteria).Slice(func(i int) app.UI {
		c := r.Criteria[i]
		m := marks.Mark(c.ID)
		points := c.Points.String() + " points"
		if m.Points != nil {
			points = PointsOf(*m.Points, c.Points)
		}
		return app.Div().Class("criterion").Body(
			app.H3().Body(text(c.Title), app.Span().Class("muted", "num").Text(" "+points)),
			app.If(c.Description != "", func() app.UI { return app.P().Class("fine").Text(c.Description) }),
			app.Ul().Class("levels").Body(app.Range(c.Levels).Slice(func(j int) app.UI {
				l := c.Levels[j]
				li := app.Li().Class("level")
				if l.ID == m.Level {
					li = li.Class("level-chosen")
				}
				return li.Body(app.If(l.ID == m.Level, func() app.UI { return Icon("check") }),
					app.Strong().Text(l.Title), app.Span().Class("num").Text(l.Points.String()),
					app.If(l.ID == m.Level, func() app.UI { return app.Span().Class("sr-only").Text("chosen") }),
					app.If(l.Description != "", func() app.UI { return app.Span().Class("fine").Text(l.Description) }))
			})),
			app.If(m.Comment != "", func() app.UI { return Plain(m.Comment) }),
		)
	}))
}

// shownRubric tells students by what their work will be marked, where that is shown.
func shownRubric(m lms.Marking) app.UI {
	if m.Rubric == nil || !m.RubricShown {
		return nil
	}
	return Card("How it is marked", []app.UI{app.Span().Class("muted", "num").Text(m.Rubric.Possible().String() + " points")},
		app.Div().Class("stack").Body(rubricView(*m.Rubric, nil)))
}
