package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/lms"
)

// rateView asks who asked whether an answer of the tutor helped. One tap is enough; after a "no" a reason can be added, and a
// person is offered again (TUTOR-29, TUTOR-38).
func (v *postView) rateView() app.UI {
	rated := v.Rating != nil
	thumb := func(label, icon string, helpful bool) app.UI {
		b := IconButton(label, icon, func(ctx app.Context, _ app.Event) { v.rateIt(ctx, lms.Rating{Helpful: helpful}) }, Each(label, v.ID))
		return Busy(b.Aria("pressed", rated && v.Rating.Helpful == helpful).Class("thumb"), v.rating)
	}
	return app.Div().Class("rate").Body(
		app.Div().Class("rate-line").Role("group").Aria("label", "Did this answer help?").Body(
			app.Span().Class("fine").Aria("hidden", true).Text("Did this help?"),
			thumb("This answer helped", "thumbs-up", true),
			thumb("This answer did not help", "thumbs-down", false),
			app.If(rated && v.Rating.Helpful, func() app.UI { return app.Span().Class("fine").Text("Thank you.") }),
		),
		app.If(rated && !v.Rating.Helpful, v.reasonForm),
	)
}

func (v *postView) reasonForm() app.UI {
	if !v.typed && v.Rating.Reason != "" {
		return app.P().Class("fine").Attr("dir", "auto").Text("You wrote: " + v.Rating.Reason)
	}
	return app.Form().Class("stack-tight", "reason").OnSubmit(func(ctx app.Context, e app.Event) {
		e.PreventDefault()
		v.rateIt(ctx, lms.Rating{Reason: v.reason})
	}, Each(v.ID)).Body(
		v.problem.Alert("reason"),
		TextArea(Field{ID: "why-" + v.ID, Label: "What was missing or wrong?", Optional: true, Rows: 2, Value: v.reason, Error: v.problem.For("reason"),
			Help: "You and the staff of the course read this.", On: func(ctx app.Context, _ app.Event) {
				v.reason, v.typed = ctx.JSSrc().Get("value").String(), true
			}}),
		app.Div().Class("actions").Body(
			Submit("Send", "Sending", v.rating),
			app.If(v.Human && v.AskedID == "", func() app.UI { return v.button("Ask a human about it", "users", humanPost) })),
	)
}

// rateIt sends a rating; a reason that is refused stays in its box.
func (v *postView) rateIt(ctx app.Context, r lms.Rating) {
	if v.rating || v.rate == nil {
		return
	}
	if err := r.Validate(); err != nil {
		v.problem = ProblemOf(err)
		return
	}
	v.rating, v.problem = true, Problem{}
	v.rate(ctx, r, func(_ app.Context, err error) {
		v.rating = false
		if v.problem = ProblemOf(err); err == nil && r.Reason != "" {
			v.typed = false
		}
	})
}

// vouched shows at the original place that staff endorse the answer, or what they put in its stead (TUTOR-27).
func (v *postView) vouched() app.UI {
	e := v.Endorsement
	if e.Withdrawn {
		return app.P().Class("post-note").Body(Icon("info"), text("Taken out of the FAQ of the course."))
	}
	return app.Div().Class("vouched").Body(
		app.P().Class("vouched-by").Body(Icon("check-circle"), app.Strong().Text(cond(e.Corrected, "Corrected by ", "Endorsed by ")+e.By),
			app.Span().Class("fine").Body(AgoView(e.At))),
		app.If(e.Corrected && e.BodyHTML != "", func() app.UI { return Prose(e.BodyHTML) }).
			ElseIf(e.Corrected, func() app.UI { return Plain(e.Body) }),
		app.P().Class("fine").Body(app.A().Href(CoursePath(v.Course, "faq")+"#faq-"+v.ID).Text("In the FAQ of the course")),
	)
}

// corrected reports whether another text stands for the tutor's.
func (v *postView) corrected() bool {
	return v.Endorsement != nil && v.Endorsement.Corrected && !v.Endorsement.Withdrawn
}

// askedView leads to the question to a person that was made of the answer.
func (v *postView) askedView() app.UI {
	return app.A().Class("btn").Href(CoursePath(v.Course, "questions", v.AskedID)).Body(Icon("users"), text("Asked a human: open"))
}
