package ui

import (
	"slices"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// assignmentsPage lists the assignments of a course.
type assignmentsPage struct {
	app.Compo
	inCourse
	list      Remote[api.Page[lms.Assignment]]
	setTopics func(...string)
}

func (p *assignmentsPage) OnMount(ctx app.Context) {
	p.setTopics = OnLive(ctx, time.Minute, p.load, "course/"+CourseParam(ctx))
}

func (p *assignmentsPage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	if p.enter(ctx) {
		p.list.Reset()
		if p.setTopics != nil {
			p.setTopics("course/" + p.id)
		}
	}
	p.load(ctx)
}

func (p *assignmentsPage) load(ctx app.Context) {
	p.list.Load(ctx, Call(api.ListAssignments, api.CoursePath{Course: p.id}))
}

func (p *assignmentsPage) Render() app.UI {
	return p.frame(&Shell{
		Title: "Assignments", Active: "assignments", Back: Crumbs(p.label(), CoursePath(p.id)),
		Actions: app.If(p.instructor() && !p.readOnly(), func() app.UI {
			return PrimaryLink("New assignment", "plus", CoursePath(p.id, "assignments", "new"))
		}),
		Content: app.If(!p.ready(), func() app.UI { return Skeleton(4) }).Else(func() app.UI {
			return p.list.View(4, p.load, p.lists)
		}),
	})
}

// lists shows what is open first, what is past below.
func (p *assignmentsPage) lists(page api.Page[lms.Assignment]) app.UI {
	if len(page.Items) == 0 {
		return Empty("clipboard", "No assignments yet", cond(p.instructor(), "A title and a due date are enough for the first one.", "Your instructor has not posted any."))
	}
	var open, past []lms.Assignment
	for _, a := range page.Items {
		if a.DueAt.IsZero() || Now().Before(a.DueAt) || (!p.staff() && a.Mine == nil && a.CheckOpen(Now()) == nil) {
			open = append(open, a)
		} else {
			past = append(past, a)
		}
	}
	slices.SortStableFunc(open, byDue)
	slices.SortStableFunc(past, func(a, b lms.Assignment) int { return byDue(b, a) })
	row := func(a lms.Assignment) app.UI { return assignmentRow(a, p.staff()) }
	return app.Div().Class("stack").Body(
		app.If(len(open) > 0, func() app.UI { return Card("Open", nil, RowsOf(open, row)) }),
		app.If(len(past) > 0, func() app.UI { return Card("Past", nil, RowsOf(past, row)) }),
	)
}

// assignmentRow leads to an assignment and says where it stands.
func assignmentRow(a lms.Assignment, staff bool) app.UI {
	r := &Row{ID: a.ID, Href: CoursePath(a.CourseID, "assignments", a.ID), Icon: "clipboard", Title: a.Title, Meta: DueText(a.DueAt)}
	switch {
	case staff:
		r.Badge, r.Tone = staffBadge(a)
		if a.Stats != nil {
			r.Aside = itoa(a.Stats.Submitted) + " of " + itoa(a.Stats.Students) + " handed in"
		}
	default:
		r.Badge, r.Tone = workBadge(a, Now())
		if a.Mine != nil && a.Mine.Grade != nil {
			r.Aside = PointsOf(a.Mine.Grade.Points, a.Points)
		}
	}
	return r
}

func staffBadge(a lms.Assignment) (label, tone string) {
	switch {
	case !a.Published:
		return "Draft", "warn"
	case a.Stats != nil && a.Stats.Ungraded+a.Stats.Unposted > 0:
		return gradingBadge(*a.Stats), "warn"
	case !a.OpensAt.IsZero() && Now().Before(a.OpensAt):
		return "Opens " + Relative(a.OpensAt), "info"
	}
	return "", ""
}

// workBadge says in a word or two where a student stands.
func workBadge(a lms.Assignment, now time.Time) (label, tone string) {
	w := a.Mine
	switch {
	case w != nil && w.Grade != nil:
		return "Graded", "good"
	case w != nil && w.Attempts > 0 && w.State == lms.SubmissionWaiting:
		return "Waiting for files", "warn"
	case w != nil && w.Attempts > 0 && w.State == lms.SubmissionIncomplete:
		return "Incomplete", "bad"
	case w != nil && w.Attempts > 0:
		return cond(w.LateSeconds > 0, "Handed in late", "Handed in"), "good"
	case !a.OpensAt.IsZero() && now.Before(a.OpensAt):
		return "Not open yet", "info"
	case !a.CutoffAt.IsZero() && now.After(a.CutoffAt):
		return "Missing", "bad"
	case !a.DueAt.IsZero() && now.After(a.DueAt):
		return "Overdue", "bad"
	case DueTone(a.DueAt) == "warn":
		return "Due soon", "warn"
	}
	return "Not handed in", ""
}
