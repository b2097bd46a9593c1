package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// attemptActions are what staff do with an attempt beside grading it: return it to draft, or choose it as the one that is
// graded.
func (p *gradingPage) attemptActions(s lms.Submission) app.UI {
	items := p.attempts.Value.Items
	if p.readOnly() || len(items) == 0 || !p.knowsAttempt(s.ID) || !s.ReturnedAt.IsZero() {
		return nil
	}
	latest := items[0].ID == s.ID
	return app.Div().Class("actions").Body(
		app.If(latest && (s.Grade == nil || s.Grade.PostedAt.IsZero()), func() app.UI {
			return Quiet("Return to draft", "edit", func(ctx app.Context, _ app.Event) { p.returning = s.ID }, Each(s.ID))
		}),
		app.If(!s.Counts, func() app.UI {
			return Quiet("Grade this attempt", "check", func(ctx app.Context, _ app.Event) { p.choose(ctx, s.ID, true) }, Each(s.ID))
		}),
		app.If(s.Chosen, func() app.UI {
			return Quiet("Let the latest attempt count", "refresh-cw", func(ctx app.Context, _ app.Event) { p.choose(ctx, s.ID, false) }, Each(s.ID))
		}),
		app.If(p.returning == s.ID, func() app.UI {
			return Confirm("return", "Return attempt "+itoa(s.Attempt)+" to draft?", s.UserName+" gets the text and files back as a draft and hands in again. The attempt stays in the history and does not count.",
				"Return it", p.returnAttempt, func(app.Context) { p.returning = "" })
		}),
	)
}

func (p *gradingPage) returnAttempt(ctx app.Context) {
	id := p.returning
	p.returning = ""
	Async(ctx, Call(api.ReturnAttempt, api.SubmissionPath{Course: p.id, Submission: id}), func(ctx app.Context, s lms.Submission, err error) {
		p.changed(ctx, s, err, "It is a draft again. "+s.UserName+" sees that on the home page.")
	})
}

func (p *gradingPage) choose(ctx app.Context, id string, chosen bool) {
	Async(ctx, Call(api.ChooseAttempt, api.ChooseInput{Course: p.id, Submission: id, Chosen: chosen}), func(ctx app.Context, s lms.Submission, err error) {
		p.changed(ctx, s, err, cond(chosen, "Attempt "+itoa(s.Attempt)+" is the one that is graded.", "The latest attempt is the one that is graded."))
	})
}

// changed shows what became of an attempt.
func (p *gradingPage) changed(ctx app.Context, s lms.Submission, err error, done string) {
	if err != nil {
		ToastError(ctx, err)
	} else {
		Toast(ctx, "good", done)
	}
	p.load(ctx)
}

// scoreLine tells staff what becomes of the grade.
func scoreLine(s lms.Submission) app.UI {
	if s.Score == nil || s.Score.Deduction == 0 {
		return nil
	}
	return app.P().Class("fine").Text("Counts " + s.Score.Final.String() + " points" + madeOf(s.Score, s.Score.Raw) + ".")
}
