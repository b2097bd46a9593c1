package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// observes reports whether the viewer is an observer who is linked to a student: the assignment has that student's work.
func (p *assignmentPage) observes() bool {
	return p.actor().Role == lms.RoleObserver && p.assignment.Value.Mine != nil
}

// loadObserved loads the attempts of the linked student, once it is known that there is one: the assignment may be there before
// the session is.
func (p *assignmentPage) loadObserved(ctx app.Context) {
	as := p.as
	afterSession(ctx, func(ctx app.Context) {
		if p.as == as && p.observes() {
			p.attempts.Load(ctx, Call(api.MySubmissions, api.AssignmentPath{Course: p.id, Assignment: as}))
		}
	})
}

// observedWork shows the work and the posted grade of the linked student.
func (p *assignmentPage) observedWork(page api.Page[lms.Submission]) app.UI {
	if len(page.Items) == 0 {
		return Empty("inbox", "Not handed in", "Your student has not handed in anything here.")
	}
	return app.Div().Class("stack").Body(latestGrade(p.assignment.Value, page.Items, true), p.history(page.Items),
		app.If(p.work.showing != "", p.receiptDialog))
}
