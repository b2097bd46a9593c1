package ui

import (
	"context"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// gradingPageSize is how many submissions are read at a time.
const gradingPageSize = 50

// gradingQueue is the list that the marker came from, so that "next" follows its order while grading changes it.
var gradingQueue struct {
	assignment, filter string
	items              []lms.Submission
	next               string
	total              int
}

// submissionsPage lists the work of an assignment for staff, ungraded first.
type submissionsPage struct {
	app.Compo
	inCourse
	as         string
	filter     string
	assignment Remote[lms.Assignment]
	list       Remote[api.Page[lms.Submission]]
	more       bool // a further page is on its way
	confirm    bool
	posting    bool
	setTopics  func(...string)
}

func (p *submissionsPage) OnMount(ctx app.Context) {
	p.setTopics = OnLive(ctx, time.Minute, p.refresh, "course/"+CourseParam(ctx))
}

func (p *submissionsPage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	changed := p.enter(ctx)
	as, filter := Param(ctx, "assignments"), Query(ctx, "show")
	if changed || as != p.as || filter != p.filter {
		if as != p.as {
			p.assignment.Reset()
		}
		p.as, p.filter, p.confirm = as, filter, false
		p.list.Reset()
		if p.setTopics != nil {
			p.setTopics("course/" + p.id)
		}
	}
	p.load(ctx)
}

func (p *submissionsPage) load(ctx app.Context) {
	p.assignment.Load(ctx, Call(api.GetAssignment, api.AssignmentPath{Course: p.id, Assignment: p.as}))
	p.list.Load(ctx, p.fetch(""), p.remember)
}

// refresh reads the list again unless the person has asked for more pages, which it would take away.
func (p *submissionsPage) refresh(ctx app.Context) {
	if len(p.list.Value.Items) <= gradingPageSize {
		p.load(ctx)
	}
}

func (p *submissionsPage) fetch(after string) func(context.Context) (api.Page[lms.Submission], error) {
	return Call(api.ListSubmissions, api.ListSubmissionsInput{Course: p.id, Assignment: p.as, Filter: p.filter, After: after, Limit: gradingPageSize})
}

func (p *submissionsPage) remember(app.Context) {
	v := p.list.Value
	gradingQueue.assignment, gradingQueue.filter = p.as, p.filter
	gradingQueue.items, gradingQueue.next, gradingQueue.total = v.Items, v.Next, v.Total
}

func (p *submissionsPage) loadMore(ctx app.Context, _ app.Event) {
	if p.more {
		return
	}
	p.more = true
	filter, as := p.filter, p.as
	Async(ctx, p.fetch(p.list.Value.Next), func(ctx app.Context, page api.Page[lms.Submission], err error) {
		p.more = false
		if err != nil || filter != p.filter || as != p.as {
			if err != nil {
				ToastError(ctx, err)
			}
			return
		}
		page.Items = append(p.list.Value.Items, page.Items...)
		p.list.Set(page)
		p.remember(ctx)
	})
}

func (p *submissionsPage) Render() app.UI {
	a := p.assignment.Value
	return p.frame(&Shell{
		Title: cond(a.Title != "", a.Title, "Submissions"), Lead: "Submissions", Active: "assignments",
		Back: Crumbs(p.label(), CoursePath(p.id), "Assignment", CoursePath(p.id, "assignments", p.as)),
		Actions: app.If(p.staff() && a.Stats != nil && a.Stats.Unposted > 0, func() app.UI {
			return Busy(Primary("Post "+cond(a.Stats.Unposted > 1, "all ", "")+plural(a.Stats.Unposted, "grade"), "send", func(app.Context, app.Event) { p.confirm = true }), p.posting)
		}),
		Content: app.If(!p.ready(), func() app.UI { return Skeleton(5) }).Else(p.body),
	})
}

func (p *submissionsPage) body() app.UI {
	base := CoursePath(p.id, "assignments", p.as, "submissions")
	s := lms.AssignmentStats{}
	if p.assignment.Value.Stats != nil {
		s = *p.assignment.Value.Stats
	}
	active := base
	if p.filter != "" {
		active += "?show=" + p.filter
	}
	return app.Div().Body(
		app.If(s.Students > 0, func() app.UI {
			return app.P().Class("muted", "list-sum").Text(itoa(s.Submitted) + " of " + plural(s.Students, "student") + " handed in; " + itoa(s.Ungraded) + " to grade, " + itoa(s.Unposted) + " to post.")
		}),
		Tabs("Which submissions", active,
			Tab{Label: "All", Href: base, Count: s.Submitted},
			Tab{Label: "To grade", Href: base + "?show=ungraded", Count: s.Ungraded},
			Tab{Label: "To post", Href: base + "?show=unposted", Count: s.Unposted},
			Tab{Label: "Late", Href: base + "?show=late"},
		),
		p.list.View(5, p.load, p.rows),
		app.If(p.confirm, func() app.UI {
			return confirmPost("post-all", "Post "+plural(s.Unposted, "grade")+"?", "The students see their grade and feedback at once.", "Post all", p.postAll, func(app.Context) { p.confirm = false })
		}),
	)
}

func (p *submissionsPage) rows(page api.Page[lms.Submission]) app.UI {
	if len(page.Items) == 0 {
		if p.filter != "" {
			return Empty("check-circle", "Nothing here", "No submission matches this filter.")
		}
		return Empty("inbox", "Nothing handed in yet", "Work appears here as soon as it is handed in.")
	}
	return app.Div().Class("stack").Body(
		RowsOf(page.Items, func(s lms.Submission) app.UI { return p.row(s) }),
		app.If(page.Next != "", func() app.UI {
			return app.Div().Class("actions").Body(Busy(Button("Show more of "+itoa(page.Total), "chevron-down", p.loadMore), p.more))
		}),
	)
}

func (p *submissionsPage) row(s lms.Submission) app.UI {
	r := &Row{ID: s.ID, Href: CoursePath(p.id, "submissions", s.ID), Icon: "user", Title: s.UserName}
	r.Meta = "Attempt " + itoa(s.Attempt) + ", " + FormatTime(s.SubmittedAt)
	if s.LateSeconds > 0 {
		r.Meta += ", " + lateText(s.LateSeconds)
	}
	r.Badge, r.Tone = markBadge(s)
	if s.Grade != nil {
		r.Aside = PointsOf(s.Grade.Points, p.assignment.Value.Points)
		if s.Score != nil && s.Score.Deduction > 0 { // what counts, and how it was made
			r.Meta += madeOf(s.Score, s.Score.Raw)
			r.Aside = scoreText(*s.Score, p.assignment.Value.Points, p.assignment.Value.GradeType)
		}
	}
	return r
}

// markBadge says how far the marking of an attempt is.
func markBadge(s lms.Submission) (label, tone string) {
	switch {
	case s.State == lms.SubmissionWaiting:
		return "Waiting for files", "warn"
	case s.State == lms.SubmissionIncomplete:
		return "Incomplete", "bad"
	case s.Grade == nil:
		return "To grade", "info"
	case gradePosted(*s.Grade):
		return "Posted", "good"
	}
	return "Draft", "warn"
}

// gradePosted reports whether the student sees this very grade.
func gradePosted(g lms.Grade) bool { return !g.PostedAt.IsZero() && !g.ChangedAt.After(g.PostedAt) }

func (p *submissionsPage) postAll(ctx app.Context) {
	p.confirm, p.posting = false, true
	Async(ctx, Call(api.PostGrades, api.PostGradesInput{Course: p.id, Assignment: p.as}), func(ctx app.Context, out api.PostGradesOutput, err error) {
		p.posting = false
		if err != nil {
			ToastError(ctx, err)
		} else {
			Toast(ctx, "good", plural(out.Posted, "grade")+" posted. The students see them now.")
		}
		p.load(ctx)
	})
}

// confirmPost asks before students see something.
func confirmPost(id, title, message, action string, yes, no func(app.Context)) app.UI {
	return NewDialog(id, title, no, app.Div().Class("stack").Body(
		app.P().Text(message),
		app.Div().Class("actions", "actions-end").Body(
			Button("Cancel", "", func(ctx app.Context, _ app.Event) { no(ctx) }),
			Primary(action, "send", func(ctx app.Context, _ app.Event) { yes(ctx) }),
		),
	))
}
