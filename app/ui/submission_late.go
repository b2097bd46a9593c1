package ui

import (
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// lateSoon is how near to the due date the page asks a node what handing in costs: the clock here may be slow.
const lateSoon = 2 * time.Minute

// handIn checks what is here, waits for the draft to be saved, and asks first when it is late (SUBMIT-8).
func (p *assignmentPage) handIn(ctx app.Context, e app.Event) {
	e.PreventDefault()
	w := &p.work
	if w.sending() || w.asking || w.waiting != nil {
		return
	}
	if err := p.checkWork(); err != nil {
		Fail(ctx, err, &w.problem)
		return
	}
	w.problem = Problem{}
	if w.saving {
		w.waiting = p.askLate
		return
	}
	p.askLate(ctx)
}

// checkWork says what is missing before anything is sent.
func (p *assignmentPage) checkWork() error {
	a, w := p.assignment.Value, &p.work
	if trimSpace(w.text) == "" && trimSpace(w.url) == "" && len(w.items) == 0 {
		return cond[error](a.AllowText, lms.ErrEmptyWork, lms.FieldErrorf(lms.KindRule, cond(a.MaxFiles > 0, "files", "url"), "There is nothing to hand in yet."))
	}
	for _, t := range w.items {
		if t.lost() {
			return lms.FieldErrorf(lms.KindRule, "files", "%s did not arrive completely. Remove it and choose it again.", t.name)
		}
	}
	if a.AllowURL {
		if err := lms.CheckWebAddress(trimSpace(w.url)); err != nil {
			return err
		}
	}
	if a.Honour != "" && !w.honour {
		return lms.ErrHonour
	}
	return nil
}

// askLate reads anew what handing in costs at this moment, where it may cost something.
func (p *assignmentPage) askLate(ctx app.Context) {
	a, w := p.assignment.Value, &p.work
	if a.DueAt.IsZero() || Now().Before(a.DueAt.Add(-lateSoon)) {
		p.send(ctx)
		return
	}
	w.asking = true
	Async(ctx, Call(api.GetAssignment, api.AssignmentPath{Course: p.id, Assignment: p.as}), func(ctx app.Context, fresh lms.Assignment, err error) {
		w.asking = false
		if err == nil {
			p.assignment.Set(fresh)
		}
		switch a := p.assignment.Value; {
		case a.Mine != nil && a.Mine.Late != nil:
			w.lateAsk = a.Mine.Late
		case err != nil && a.Late(Now()) > 0:
			Fail(ctx, err, &w.problem)
		default:
			p.send(ctx)
		}
	})
}

// lateCostText says what handing in late costs.
func lateCostText(a lms.Assignment, c lms.LateCost) string {
	if c.Points == 0 {
		return "Work that is handed in now is marked as late. It loses no points."
	}
	return "Handing in now takes up to " + c.Points.String() + " of " + a.Points.String() + " points for " + plural(int(c.Intervals), "begun late "+lateUnit(a)) + ". " + c.Rule
}

// lateDialog says what handing in late costs, and asks.
func (p *assignmentPage) lateDialog() app.UI {
	a, w := p.assignment.Value, &p.work
	c := w.lateAsk
	return NewDialog("late", "This is "+lateText(c.Seconds), func(app.Context) { w.lateAsk = nil }, app.Div().Class("stack").Body(
		app.P().ID("late-cost").Text(lateCostText(a, *c)),
		app.Div().Class("actions", "actions-end").Body(
			Button("Not yet", "", func(app.Context, app.Event) { w.lateAsk = nil }),
			Primary("Hand in late", "upload", func(ctx app.Context, _ app.Event) {
				w.lateAsk = nil
				p.send(ctx)
			}),
		),
	))
}

func (p *assignmentPage) send(ctx app.Context) {
	w := &p.work
	if w.sending() {
		return
	}
	if w.saving { // a draft that is written after the hand-in would come back
		w.waiting = p.send
		return
	}
	a := p.assignment.Value
	w.stage = 0
	in := api.SubmitInput{Course: p.id, Assignment: p.as, Text: w.text, Honour: w.honour}
	if a.AllowURL {
		in.URL = trimSpace(w.url)
	}
	startHandIn(in, w.items)
}

// extensionAsk is the dialog in which a student asks for an extension.
type extensionAsk struct {
	app.Compo
	course, assignment string
	close              func(app.Context)
	sent               func(app.Context, lms.Question)
	id, reason         string
	busy               bool
	problem            Problem
}

// OnInit gives the request its id: however often it is sent, it is one.
func (d *extensionAsk) OnInit() { d.id = lms.NewID() }

// Render draws the dialog.
func (d *extensionAsk) Render() app.UI {
	return NewDialog("extension", "Ask for an extension", d.close, DialogForm(d.submit, d.close, Submit("Ask", "Sending", d.busy),
		d.problem.Alert("reason"),
		TextArea(Field{ID: "reason", Label: "Why, and until when?", Rows: 4, Value: d.reason, Error: d.problem.For("reason"), On: d.ValueTo(&d.reason),
			Help: "Only the staff of the course read this. You see the answer under Questions, and an extension on your home page."}),
	))
}

func (d *extensionAsk) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	in := api.ExtensionInput{Course: d.course, Assignment: d.assignment, ID: d.id, Reason: d.reason}
	if err := in.Validate(); d.busy || err != nil {
		Fail(ctx, err, &d.problem)
		return
	}
	d.busy, d.problem = true, Problem{}
	Async(ctx, Call(api.RequestExtension, in), func(ctx app.Context, q lms.Question, err error) {
		d.busy = false
		if err != nil {
			Fail(ctx, err, &d.problem)
			return
		}
		d.sent(ctx, q)
	})
}

// extensionView offers to ask for an extension, or leads to the question that waits.
func (p *assignmentPage) extensionView(a lms.Assignment) app.UI {
	if p.readOnly() || a.DueAt.IsZero() && a.CutoffAt.IsZero() || a.Mine == nil {
		return nil
	}
	if a.Mine.Requested != "" {
		return app.Div().Class("actions").Body(LinkButton("You have asked for an extension", "message-circle", CoursePath(p.id, "questions", a.Mine.Requested)))
	}
	return app.Div().Class("actions").Body(Button("Request an extension", "clock", func(app.Context, app.Event) { p.work.extending = true }))
}

func (p *assignmentPage) extensionDialog() app.UI {
	return &extensionAsk{course: p.id, assignment: p.as, close: func(app.Context) { p.work.extending = false }, sent: func(ctx app.Context, q lms.Question) {
		p.work.extending = false
		Toast(ctx, "good", "The staff have your request. Your work stays as a draft here.")
		p.load(ctx)
	}}
}
