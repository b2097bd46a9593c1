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
	marking    Remote[lms.Marking]
	work       workForm
	stop       func()
	setTopics  func(...string)
	draft      Remote[lms.Draft]
	publishing bool
	archiving  bool // the question about it is open
}

func (p *assignmentPage) OnMount(ctx app.Context) {
	p.stop = watchTransfers(ctx, p.onTransfers)
	p.setTopics = OnLive(ctx, time.Minute, p.load, "course/"+CourseParam(ctx))
	OnLive(ctx, time.Hour, func(ctx app.Context) { p.whenStudent(ctx, p.loadDraft) }, "user/") // it was saved in another tab, or on another device
}

func (p *assignmentPage) OnDismount() {
	if p.stop != nil {
		p.stop()
	}
	p.work.flush()
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
		p.marking.Reset()
		p.draft.Reset()
		p.work.flush()
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
	p.marking.Load(ctx, Call(api.GetMarking, in))
	p.whenStudent(ctx, func(ctx app.Context) {
		p.attempts.Load(ctx, Call(api.MySubmissions, in), p.openForm)
		p.loadDraft(ctx)
	})
}

func (p *assignmentPage) loadDraft(ctx app.Context) {
	asked := p.work.version
	p.draft.Load(ctx, Call(api.GetDraft, api.AssignmentPath{Course: p.id, Assignment: p.as}), p.openForm, func(ctx app.Context) { p.work.overtaken(ctx, p.draft.Value, asked) })
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
	if p.student() && p.assignment.Ready && p.attempts.Ready && p.draft.Ready {
		p.work.open(ctx, p.assignment.Value, p.draft.Value)
	}
}

// onTransfers reads the attempts again when a hand-in has been accepted or its last byte has arrived.
func (p *assignmentPage) onTransfers(ctx app.Context) {
	if p.work.follow(ctx, p.id, p.as) {
		p.load(ctx)
	}
	p.work.filesMoved(ctx, p.id)
}

func (p *assignmentPage) Render() app.UI {
	a := p.assignment.Value
	return p.frame(&Shell{
		Title: cond(a.Title != "", a.Title, "Assignment"), Lead: cond(a.Title != "", DueTextIn(a.DueAt, p.zone())+" · "+worth(a), ""), Active: "assignments", Wide: true,
		Back: Crumbs(p.label(), CoursePath(p.id), "Assignments", CoursePath(p.id, "assignments")),
		Actions: app.If(p.staff() && p.assignment.Ready, func() app.UI {
			return app.Div().Class("actions").Body(
				app.If(p.instructor() && !p.readOnly() && a.ArchivedAt.IsZero(), func() app.UI { return LinkButton("Edit", "edit", CoursePath(p.id, "assignments", p.as, "edit")) }),
				PrimaryLink("Grade", "check-circle", CoursePath(p.id, "assignments", p.as, "submissions")),
			)
		}),
		Content: app.If(!p.ready(), func() app.UI { return Skeleton(6) }).Else(func() app.UI { return p.assignment.View(6, p.load, p.view) }),
	})
}

func (p *assignmentPage) zone() string { return p.course.Value.Zone }

// worth says what an assignment counts.
func worth(a lms.Assignment) string {
	switch a.GradeType {
	case lms.GradeUngraded:
		return "not graded"
	case lms.GradePassFail:
		return "pass or fail"
	}
	return a.Points.String() + " points" + cond(a.ExtraCredit, ", extra credit", "")
}

func (p *assignmentPage) view(a lms.Assignment) app.UI {
	return app.Div().Class("split").Body(
		app.Div().Class("stack").Body(
			app.If(!a.ArchivedAt.IsZero(), p.archivedNotice).ElseIf(!a.Published, p.draftNotice),
			p.description(a),
			shownRubric(p.marking.Value),
			app.If(p.student() && !a.OnPaper, func() app.UI { return p.attempts.View(2, p.load, p.studentWork) }).
				ElseIf(p.observes(), func() app.UI { return p.attempts.View(2, p.load, p.observedWork) }),
			app.If(p.student() && a.OnPaper, func() app.UI {
				return Card("Your work", nil, app.P().Text("This is handed in on paper, outside of this site."), latestGrade(a, p.attempts.Value.Items, true))
			}),
		),
		app.Div().Class("stack").Body(
			p.facts(a),
			app.If(p.staff() && a.Stats != nil, func() app.UI { return p.stats(a) }),
			app.If(p.staff(), func() app.UI {
				return Card("Tutor", nil, app.P().Class("fine").Text("With this assignment the tutor gives hints only. Hidden notes for it make them better."),
					app.Div().Class("actions").Body(LinkButton("Rules and hidden notes", "sparkles", CoursePath(p.id, "assignments", a.ID, "tutor"))))
			}),
			app.If(p.staff() && a.ArchivedAt.IsZero(), func() app.UI { return p.moreActions(a) }),
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
	facts := []Fact{{"Due", p.dateFact(a.DueAt, DueTone(a.DueAt))}}
	if !a.OpensAt.IsZero() {
		facts = append(facts, Fact{"Opens", p.dateFact(a.OpensAt, "")})
	}
	if !a.CutoffAt.IsZero() {
		facts = append(facts, Fact{"Cut-off", p.dateFact(a.CutoffAt, "")})
	}
	if p.staff() && !a.GradeByAt.IsZero() {
		facts = append(facts, Fact{"Grade by", p.dateFact(a.GradeByAt, cond(a.Stats != nil && a.Stats.Ungraded > 0, DueTone(a.GradeByAt), ""))})
	}
	facts = append(facts, Fact{"Worth", text(worth(a))}, Fact{"Hand in", text(a.Describe())})
	if a.BlindNow() {
		facts = append(facts, Fact{"Marking", text(cond(p.staff(), "Blind: names show after the reveal", "Blind: who marks does not see your name. Leave it out of your work."))})
	}
	if a.MaxAttempts > 0 {
		used := ""
		if a.Mine != nil && p.student() {
			used = itoa(a.Mine.Used) + " used of "
		}
		facts = append(facts, Fact{"Attempts", text(used + itoa(a.MaxAttempts))})
	}
	if a.LateText != "" && a.GradeType.Counts() && !a.OnPaper && !a.DueAt.IsZero() {
		facts = append(facts, Fact{"Late work", text(a.LateText)})
	}
	return Card("Dates and rules", nil, app.If(a.Mine != nil && a.Mine.Override != nil, func() app.UI {
		return Notice("good", "These dates are your own. "+overrideText(*a.Mine.Override, p.zone())+". Given by "+a.Mine.Override.GrantedBy+" "+Relative(a.Mine.Override.GrantedAt)+".")
	}), Facts(facts...), app.P().Class("fine", "zone-note").Text("Times are in the course's zone, "+p.zone()+"."))
}

// dateFact is a date in the zone of the course, and in the viewer's if that differs.
func (p *assignmentPage) dateFact(t time.Time, tone string) app.UI {
	if t.IsZero() {
		return text("No due date")
	}
	return app.Div().Class("stack-tight").Body(
		app.Time().DateTime(t.UTC().Format(time.RFC3339)).Text(FormatTimeIn(t, p.zone())),
		app.If(tone != "", func() app.UI { return app.Div().Body(Badge(Relative(t), tone)) }).Else(func() app.UI { return app.Span().Class("fine").Text(Relative(t)) }))
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
		Published: a.Published, Attachments: files, AssignmentRules: a.AssignmentRules}}
}
