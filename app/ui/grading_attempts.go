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
		tabs[i] = Tab{Label: "Attempt " + itoa(s.Attempt) + cond(s.Counts && s.Chosen, " (chosen)", cond(i == 0, " (latest)", "")) + cond(s.Grade != nil, ", graded", ""),
			Href: CoursePath(p.id, "submissions", s.ID)}
	}
	return Tabs("Attempts", CoursePath(p.id, "submissions", p.sub), tabs...)
}

// isOlder reports whether another attempt of the student is the one that is graded.
func (p *gradingPage) isOlder(s lms.Submission) bool {
	return p.knowsAttempt(s.ID) && !s.Counts && !p.chosenHere(s)
}

// chosenHere reports whether the attempt counts as the attempts were read last.
func (p *gradingPage) chosenHere(s lms.Submission) bool {
	return slices.ContainsFunc(p.attempts.Value.Items, func(x lms.Submission) bool { return x.ID == s.ID && x.Counts })
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
	i := slices.IndexFunc(p.attempts.Value.Items, func(x lms.Submission) bool { return x.Counts })
	if i < 0 {
		return Notice("info", "This attempt was returned to "+s.UserName+" as a draft. Nothing is handed in at the moment.")
	}
	counts := p.attempts.Value.Items[i]
	return Notice("info", cond(counts.Attempt > s.Attempt, "This is an older attempt. "+s.UserName+" has handed in again since.", "Attempt "+itoa(counts.Attempt)+" is the one that is graded."),
		app.Div().Class("actions").Body(LinkButton("Show attempt "+itoa(counts.Attempt), "arrow-right", CoursePath(p.id, "submissions", counts.ID))))
}
