package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/lms"
)

// scoreText writes what counts, in the way that the assignment is graded: "70 / 100", "87.5 %", "Pass".
func scoreText(s lms.Scored, possible lms.Points, kind lms.GradeType) string {
	switch {
	case kind == lms.GradeUngraded:
		return ""
	case kind == lms.GradePassFail:
		return cond(s.Final.Points() >= possible, "Pass", "Fail")
	case kind == lms.GradePercent && possible > 0:
		return percentText(s.Final, possible) + " %"
	}
	return s.Final.String() + " / " + possible.String()
}

func percentText(s lms.Score, possible lms.Points) string {
	return lms.Score(int64(s) * 100 / int64(possible) * 100).String()
}

// madeOf says in a list how the number that counts was made, where it is not simply the grade.
func madeOf(s *lms.Scored, raw lms.Points) string {
	if s == nil || s.Deduction == 0 {
		return ""
	}
	return " · " + raw.String() + " − " + s.Deduction.String() + " for being late"
}

// scoreFacts shows how a number was made: raw, deduction, final (UX principle 11).
func scoreFacts(s lms.Scored, a lms.Assignment) app.UI {
	if s.Missing && !s.Graded {
		return nil
	}
	if s.Missing {
		return app.P().Class("score").Body(app.Strong().Text(s.Final.String()), app.Span().Class("muted").Text(" of "+a.Points.String()+" points, because nothing was handed in"))
	}
	if s.Deduction == 0 {
		return app.P().Class("score").Body(app.Strong().Text(cond(a.GradeType == lms.GradePassFail, scoreText(s, a.Points, a.GradeType), s.Final.String())),
			app.If(a.GradeType != lms.GradePassFail, func() app.UI { return app.Span().Class("muted").Text(" of " + a.Points.String() + " points") }))
	}
	late := plural(int(s.Intervals), "late "+lateUnit(a))
	return app.Div().Class("stack-tight").Body(
		app.P().Class("score").Body(app.Strong().Text(s.Final.String()), app.Span().Class("muted").Text(" of "+a.Points.String()+" points")),
		Facts(
			Fact{"Grade", text(s.Raw.String() + " points")},
			Fact{"Taken for " + late, text("− " + s.Deduction.String() + " points")},
			Fact{"Counts", app.Strong().Text(s.Final.String() + " points")},
		),
		app.If(a.LateText != "", func() app.UI { return app.P().Class("fine").Text(a.LateText) }),
	)
}

// lateUnit is what lateness is counted in. The rule is told in words, which name it.
func lateUnit(a lms.Assignment) string {
	const hour = "for each begun hour"
	for i := 0; i+len(hour) <= len(a.LateText); i++ {
		if a.LateText[i:i+len(hour)] == hour {
			return "hour"
		}
	}
	return "day"
}

// previewDialog shows whom a change affects, before it is applied (LATE-5).
func previewDialog(p lms.Preview, busy bool, apply, cancel func(app.Context)) app.UI {
	return NewDialog("preview", "This changes results", cancel, app.Div().Class("stack").Body(
		app.P().Text(plural(len(p.Changes), "result")+" will change. The grades that were given stay as they are; what counts is computed anew from them."),
		app.Div().Class("table-wrap").Attr("tabindex", 0).Role("region").Aria("label", "Results that change").Body(app.Elem("table").Class("table").Body(
			app.Elem("thead").Body(app.Elem("tr").Body(
				head("Student"), head("Counts now"), head("Then"))),
			app.Elem("tbody").Body(app.Range(p.Changes).Slice(func(i int) app.UI {
				c := p.Changes[i]
				return app.Elem("tr").Body(
					app.Elem("th").Attr("scope", "row").Body(text(c.UserName), app.Div().Class("fine").Text(c.Title)),
					app.Elem("td").Text(resultText(c.Old, c.OldLate)), app.Elem("td").Body(app.Strong().Text(resultText(c.New, c.NewLate))))
			})),
		)),
		app.Div().Class("actions", "actions-end").Body(
			Button("Cancel", "", func(ctx app.Context, _ app.Event) { cancel(ctx) }),
			Busy(Primary("Apply to "+plural(len(p.Changes), "result"), "check", func(ctx app.Context, _ app.Event) { apply(ctx) }), busy),
		),
	))
}

func head(label string) app.UI { return app.Elem("th").Attr("scope", "col").Text(label) }

// resultText says what work counts and by how much it is late.
func resultText(s lms.Scored, late int64) string {
	t := "Not graded"
	switch {
	case s.Graded:
		t = s.Final.String()
	case s.Missing:
		t = ""
	}
	switch {
	case s.Missing:
		t += cond(t == "", "Missing", ", missing")
	case late > 0:
		t += ", " + lateText(late)
	case t == "Not graded":
		t += ", on time"
	}
	return t
}
