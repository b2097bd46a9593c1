package ui

import (
	"slices"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/lms"
)

// knowsAttempt reports whether the submission is among the attempts that were read.
func (p *gradingPage) knowsAttempt(sub string) bool {
	return slices.ContainsFunc(p.attempts.Value.Items, func(s lms.Submission) bool { return s.ID == sub })
}

// attemptTabs switch between the attempts of a student who has handed in more than once.
func (p *gradingPage) attemptTabs() app.UI {
	items := p.attempts.Value.Items
	if len(items) < 2 || !p.knowsAttempt(p.sub) {
		return nil
	}
	tabs := make([]Tab, len(items))
	for i, s := range items {
		tabs[i] = Tab{Label: "Attempt " + itoa(s.Attempt) + cond(i == 0, " (latest)", "") + cond(s.Grade != nil, ", graded", ""),
			Href: CoursePath(p.id, "submissions", s.ID)}
	}
	return Tabs("Attempts", CoursePath(p.id, "submissions", p.sub), tabs...)
}

// isOlder reports whether the student has handed in again since.
func (p *gradingPage) isOlder(s lms.Submission) bool {
	return p.knowsAttempt(s.ID) && p.attempts.Value.Items[0].ID != s.ID
}

// gradable reports whether a grade can be given here. An older attempt can only keep the grade that it has: people grade
// the latest one.
func (p *gradingPage) gradable(s lms.Submission) bool {
	return !p.isOlder(s) || s.Grade != nil || p.form().saved != nil || p.form().dirty
}

// older says that there is a later attempt.
func (p *gradingPage) older(s lms.Submission) app.UI {
	if !p.isOlder(s) {
		return nil
	}
	latest := p.attempts.Value.Items[0]
	return Notice("info", "This is an older attempt. "+s.UserName+" has handed in again since.",
		app.Div().Class("actions").Body(LinkButton("Show attempt "+itoa(latest.Attempt), "arrow-right", CoursePath(p.id, "submissions", latest.ID))))
}
