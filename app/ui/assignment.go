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
			return app.Div().Class("actions").Body(
				LinkButton("Late work", "clock", CoursePath(p.id, "late")),
				PrimaryLink("New assignment", "plus", CoursePath(p.id, "assignments", "new")))
		}),
		Content: app.If(!p.ready(), func() app.UI { return Skeleton(4) }).Else(func() app.UI {
			return p.list.View(4, p.load, p.lists)
		}),
	})
}

// lists shows what is open first, what is past below, and for staff what is archived.
func (p *assignmentsPage) lists(page api.Page[lms.Assignment]) app.UI {
	if len(page.Items) == 0 {
		return Empty("clipboard", "No assignments yet", cond(p.instructor(), "A title and a due date are enough for the first one.", "Your instructor has not posted any."))
	}
	var open, past, archived []lms.Assignment
	for _, a := range page.Items {
		switch {
		case !a.ArchivedAt.IsZero():
			archived = append(archived, a)
		case a.DueAt.IsZero() || Now().Before(a.DueAt) || (!p.staff() && (a.Mine == nil || a.Mine.Used == 0) && a.CheckOpen(Now()) == nil):
			open = append(open, a)
		default:
			past = append(past, a)
		}
	}
	slices.SortStableFunc(open, byDue)
	slices.SortStableFunc(past, func(a, b lms.Assignment) int { return byDue(b, a) })
	row := func(a lms.Assignment) app.UI { return assignmentRow(a, p.course.Value.Zone, p.staff()) }
	return app.Div().Class("stack").Body(
		app.If(len(open) > 0, func() app.UI { return Card("Open", nil, RowsOf(open, row)) }),
		app.If(len(past) > 0, func() app.UI { return Card("Past", nil, RowsOf(past, row)) }),
		app.If(len(archived) > 0, func() app.UI { return Card("Archived", nil, RowsOf(archived, row)) }),
	)
}

// assignmentRow leads to an assignment and says where it stands.
func assignmentRow(a lms.Assignment, zone string, staff bool) app.UI {
	r := &Row{ID: a.ID, Href: CoursePath(a.CourseID, "assignments", a.ID), Icon: "clipboard", Title: a.Title, Meta: DueTextIn(a.DueAt, zone)}
	switch {
	case staff:
		r.Badge, r.Tone = staffBadge(a)
		if a.Stats != nil && a.ArchivedAt.IsZero() {
			r.Aside = itoa(a.Stats.Submitted) + " of " + itoa(a.Stats.Students) + " handed in"
		}
	default:
		r.Badge, r.Tone = workBadge(a, Now())
		if a.Mine != nil && a.Mine.Score != nil && a.Mine.Score.Graded {
			r.Aside = scoreText(*a.Mine.Score, a.Points, a.GradeType)
		}
	}
	return r
}

func staffBadge(a lms.Assignment) (label, tone string) {
	switch {
	case !a.ArchivedAt.IsZero():
		return "Archived " + Relative(a.ArchivedAt), ""
	case !a.Published:
		return "Draft", "warn"
	case a.Stats != nil && a.Stats.Ungraded+a.Stats.Unposted > 0:
		return gradingBadge(*a.Stats), "warn"
	case !a.OpensAt.IsZero() && Now().Before(a.OpensAt):
		return "Opens " + Relative(a.OpensAt), "info"
	}
	return "", ""
}

// workBadge says in a word or two where a student stands (SUBMIT-7).
func workBadge(a lms.Assignment, now time.Time) (label, tone string) {
	w := a.Mine
	if w == nil {
		w = &lms.Work{}
	}
	past := !a.DueAt.IsZero() && now.After(a.DueAt)
	switch {
	case w.Grade != nil:
		return "Graded", "good"
	case a.OnPaper:
		return "On paper", ""
	case w.Used > 0 && w.State == lms.SubmissionWaiting:
		return "Waiting for files", "warn"
	case w.Used > 0 && w.State == lms.SubmissionIncomplete:
		return "Incomplete", "bad"
	case w.Used > 0 && w.LateSeconds > 0:
		return "Submitted " + itoa(w.Attempts) + ", " + lateText(w.LateSeconds), "warn"
	case w.Used > 0:
		return "Submitted " + itoa(w.Attempts), "good"
	case !a.OpensAt.IsZero() && now.Before(a.OpensAt):
		return "Not open yet", "info"
	case past && !w.DraftAt.IsZero():
		return "Missing, draft kept", "bad"
	case past || !a.CutoffAt.IsZero() && now.After(a.CutoffAt):
		return "Missing", "bad"
	case !w.DraftAt.IsZero():
		return "Draft", "warn"
	case DueTone(a.DueAt) == "warn":
		return "Due soon", "warn"
	}
	return "Not submitted", ""
}
