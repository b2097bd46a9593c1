package ui

import (
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// assignmentPage shows one assignment: to students with their work and the form to hand it in, to staff with how many
// have.
type assignmentPage struct {
	app.Compo
	inCourse
	as         string
	assignment Remote[lms.Assignment]
	attempts   Remote[api.Page[lms.Submission]]
	work       workForm
	stop       func()
	setTopics  func(...string)
	publishing bool
}

func (p *assignmentPage) OnMount(ctx app.Context) {
	p.stop = watchTransfers(ctx, p.onTransfers)
	p.setTopics = OnLive(ctx, time.Minute, p.load, "course/"+CourseParam(ctx))
}

func (p *assignmentPage) OnDismount() {
	if p.stop != nil {
		p.stop()
	}
}

func (p *assignmentPage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	changed := p.enter(ctx)
	if as := Param(ctx, "assignments"); as != p.as || changed {
		p.as = as
		p.assignment.Reset()
		p.attempts.Reset()
		p.work = workForm{}
		if p.setTopics != nil {
			p.setTopics("course/" + p.id)
		}
	}
	p.load(ctx)
}

func (p *assignmentPage) load(ctx app.Context) {
	if p.as == "" {
		return
	}
	in := api.AssignmentPath{Course: p.id, Assignment: p.as}
	p.assignment.Load(ctx, Call(api.GetAssignment, in), p.openForm, p.loadObserved)
	p.whenStudent(ctx, func(ctx app.Context) { p.attempts.Load(ctx, Call(api.MySubmissions, in), p.openForm) })
}

// whenStudent runs f once it is known that the viewer is a student of the course.
func (p *assignmentPage) whenStudent(ctx app.Context, f func(app.Context)) {
	as := p.as
	afterSession(ctx, func(ctx app.Context) {
		if p.as == as && p.student() {
			f(ctx)
		}
	})
}

// openForm prepares the hand-in form once assignment and attempts are there.
func (p *assignmentPage) openForm(ctx app.Context) {
	if p.student() && p.assignment.Ready && p.attempts.Ready {
		p.work.open(ctx, p.assignment.Value)
	}
}

// onTransfers reads the attempts again when a hand-in has been accepted or its last byte has arrived.
func (p *assignmentPage) onTransfers(ctx app.Context) {
	if p.work.follow(ctx, p.id, p.as) {
		p.load(ctx)
	}
}

func (p *assignmentPage) Render() app.UI {
	a := p.assignment.Value
	return p.frame(&Shell{
		Title: cond(a.Title != "", a.Title, "Assignment"), Lead: cond(a.Title != "", DueText(a.DueAt)+" · "+a.Points.String()+" points", ""), Active: "assignments", Wide: true,
		Back: Crumbs(p.label(), CoursePath(p.id), "Assignments", CoursePath(p.id, "assignments")),
		Actions: app.If(p.staff() && p.assignment.Ready, func() app.UI {
			return app.Div().Class("actions").Body(
				app.If(p.instructor() && !p.readOnly(), func() app.UI { return LinkButton("Edit", "edit", CoursePath(p.id, "assignments", p.as, "edit")) }),
				PrimaryLink("Grade", "check-circle", CoursePath(p.id, "assignments", p.as, "submissions")),
			)
		}),
		Content: app.If(!p.ready(), func() app.UI { return Skeleton(6) }).Else(func() app.UI { return p.assignment.View(6, p.load, p.view) }),
	})
}

func (p *assignmentPage) view(a lms.Assignment) app.UI {
	return app.Div().Class("split").Body(
		app.Div().Class("stack").Body(
			app.If(!a.Published, p.draftNotice),
			p.description(a),
			app.If(p.student(), func() app.UI { return p.attempts.View(2, p.load, p.studentWork) }).
				ElseIf(p.observes(), func() app.UI { return p.attempts.View(2, p.load, p.observedWork) }),
		),
		app.Div().Class("stack").Body(
			p.facts(a),
			app.If(p.staff() && a.Stats != nil, func() app.UI { return p.stats(a) }),
			app.If(p.staff(), func() app.UI {
				return Card("Tutor", nil, app.P().Class("fine").Text("With this assignment the tutor gives hints only. Hidden notes for it make them better."),
					app.Div().Class("actions").Body(LinkButton("Rules and hidden notes", "sparkles", CoursePath(p.id, "assignments", a.ID, "tutor"))))
			}),
		),
	)
}

func (p *assignmentPage) draftNotice() app.UI {
	return Notice("info", "This is a draft: students do not see it.", app.If(p.instructor() && !p.readOnly(), func() app.UI {
		return app.Div().Class("actions").Body(Busy(Primary("Publish", "eye", p.publish), p.publishing))
	}))
}

func (p *assignmentPage) publish(ctx app.Context, _ app.Event) {
	if p.publishing {
		return
	}
	p.publishing = true
	a := p.assignment.Value
	in := updateOf(a)
	in.Published = true
	Async(ctx, Call(api.UpdateAssignment, in), func(ctx app.Context, _ lms.Assignment, err error) {
		p.publishing = false
		if err != nil {
			ToastError(ctx, err)
		} else {
			Toast(ctx, "good", "“"+a.Title+"” is published. Students see it now.")
		}
		p.load(ctx)
	})
}

func (p *assignmentPage) description(a lms.Assignment) app.UI {
	return Card("What to do", nil, app.Div().Class("stack").Body(
		app.If(a.DescriptionHTML != "", func() app.UI { return Prose(a.DescriptionHTML) }).
			ElseIf(a.Description != "", func() app.UI { return Plain(a.Description) }).
			Else(func() app.UI { return app.P().Class("muted").Text("No description.") }),
		app.If(len(a.Attachments) > 0, func() app.UI {
			return app.Div().Class("stack").Body(app.H3().Text("Attached"), fileRows(a.Attachments))
		}),
	))
}

func (p *assignmentPage) facts(a lms.Assignment) app.UI {
	facts := []Fact{{"Due", dueFact(a.DueAt)}}
	if !a.OpensAt.IsZero() {
		facts = append(facts, Fact{"Opens", dateFact(a.OpensAt)})
	}
	if !a.CutoffAt.IsZero() {
		facts = append(facts, Fact{"Cut-off", dateFact(a.CutoffAt)})
	}
	facts = append(facts, Fact{"Points", text(a.Points.String())}, Fact{"Hand in", text(a.Describe())})
	if a.MaxAttempts > 0 {
		used := ""
		if a.Mine != nil && p.student() {
			used = itoa(a.Mine.Attempts) + " used of "
		}
		facts = append(facts, Fact{"Attempts", text(used + itoa(a.MaxAttempts))})
	}
	return Card("Dates and rules", nil, Facts(facts...), app.P().Class("fine", "zone-note").Text("Times are in your zone, "+Zone()+"."))
}

func dueFact(t time.Time) app.UI {
	if t.IsZero() {
		return text("No due date")
	}
	return app.Div().Class("stack-tight").Body(TimeView(t), app.Div().Body(Badge(Relative(t), DueTone(t))))
}

func dateFact(t time.Time) app.UI {
	return app.Div().Class("stack-tight").Body(TimeView(t), app.Span().Class("fine").Text(Relative(t)))
}

func (p *assignmentPage) stats(a lms.Assignment) app.UI {
	s := *a.Stats
	return Card("Work handed in", nil,
		Progress("Students who have handed in", int64(s.Submitted), int64(max(s.Students, 1))),
		Facts(
			Fact{"Handed in", text(itoa(s.Submitted) + " of " + plural(s.Students, "student"))},
			Fact{"To grade", text(itoa(s.Ungraded))},
			Fact{"To post", text(itoa(s.Unposted))},
		),
		app.Div().Class("actions").Body(LinkButton("Submissions", "inbox", CoursePath(p.id, "assignments", a.ID, "submissions"))),
	)
}

// updateOf is the change that changes nothing.
func updateOf(a lms.Assignment) api.UpdateAssignmentInput {
	var files []string
	for _, f := range a.Attachments {
		files = append(files, f.ID)
	}
	types := a.AllowedTypes
	if types == nil {
		types = []string{}
	}
	return api.UpdateAssignmentInput{Assignment: a.ID, Version: a.Version, AssignmentInput: api.AssignmentInput{Course: a.CourseID, ID: a.ID,
		Title: a.Title, Description: a.Description, Points: a.Points, OpensAt: a.OpensAt, DueAt: a.DueAt, CutoffAt: a.CutoffAt,
		AllowText: a.AllowText, MaxFiles: a.MaxFiles, MaxFileSize: a.MaxFileSize, AllowedTypes: types, MaxAttempts: a.MaxAttempts,
		Published: a.Published, Attachments: files}}
}
