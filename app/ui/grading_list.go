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
	counts     Remote[lms.SubmissionCounts]
	marking    Remote[lms.Marking]
	more       bool   // a further page is on its way
	open       string // the dialog that is open: post, hide, marking, feedback
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
			p.counts.Reset()
			p.marking.Reset()
		}
		p.as, p.filter, p.open = as, filter, ""
		p.list.Reset()
		if p.setTopics != nil {
			p.setTopics("course/" + p.id)
		}
	}
	p.load(ctx)
}

func (p *submissionsPage) load(ctx app.Context) {
	in := api.AssignmentPath{Course: p.id, Assignment: p.as}
	p.assignment.Load(ctx, Call(api.GetAssignment, in))
	p.counts.Load(ctx, Call(api.CountWork, in))
	p.marking.Load(ctx, Call(api.GetMarking, in))
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
		Back:    Crumbs(p.label(), CoursePath(p.id), "Assignment", CoursePath(p.id, "assignments", p.as)),
		Actions: app.If(p.staff() && p.assignment.Ready, p.actions),
		Content: app.If(!p.ready(), func() app.UI { return Skeleton(5) }).Else(p.body),
	})
}

func (p *submissionsPage) actions() app.UI {
	open := func(dialog string) app.EventHandler {
		return func(app.Context, app.Event) { p.open = dialog }
	}
	filter := p.filter
	if filter == "missing" {
		filter = ""
	}
	blind := p.assignment.Value.BlindNow()
	return app.Div().Class("actions").Body(
		app.If(blind && p.instructor() && !p.readOnly(), func() app.UI { return Busy(Primary("Reveal identities", "eye", open("reveal")), p.posting) }),
		app.If(!blind && !p.readOnly(), func() app.UI {
			n := p.counts.Value.Unposted + p.counts.Value.Entered
			return Busy(Primary("Post grades"+cond(n > 0, " ("+itoa(n)+")", ""), "send", open("post")), p.posting)
		}),
		app.If(p.instructor() && !p.readOnly(), func() app.UI { return Button("Marking", "settings", open("marking")) }),
		zipLink("Download", pathOf(api.ArchiveWork, api.ArchiveInput{Course: p.id, Assignment: p.as, Filter: filter})),
		app.If(!p.readOnly(), func() app.UI {
			return Menu("More", Icon("more"), Quiet("Upload marked files", "upload", open("feedback")),
				app.If(!blind, func() app.UI { return Quiet("Hide grades", "eye-off", open("hide")) }))
		}),
	)
}

func (p *submissionsPage) body() app.UI {
	base := CoursePath(p.id, "assignments", p.as, "submissions")
	s, c := lms.AssignmentStats{}, p.counts.Value
	if p.assignment.Value.Stats != nil {
		s = *p.assignment.Value.Stats
	}
	active := base
	if p.filter != "" {
		active += "?show=" + p.filter
	}
	tabs := []Tab{{Label: "All", Href: base, Count: s.Submitted}}
	counts := []int{c.Ungraded, c.Needs, c.Unposted, c.Late, c.Missing, c.Extension, c.Resubmitted}
	blind := p.assignment.Value.BlindNow()
	for i, o := range workFilters[1:] {
		if blind && tellsOfOne(o.Value) {
			continue
		}
		tabs = append(tabs, Tab{Label: o.Label, Href: base + "?show=" + o.Value, Count: counts[i]})
	}
	return app.Div().Body(
		app.If(s.Students > 0, func() app.UI {
			return app.P().Class("muted", "list-sum").Text(itoa(s.Submitted) + " of " + plural(s.Students, "student") + " handed in; " + itoa(s.Ungraded) + " to grade, " + itoa(s.Unposted) + " to post. " + p.policy())
		}),
		app.If(blind, func() app.UI {
			return Notice("info", "Marked blind: students have numbers here, in downloads and in comments. Who they are, who is late and who is missing shows when an instructor reveals the identities; then the grades come to the gradebook and can be posted.")
		}),
		Tabs("Which submissions", active, tabs...),
		p.list.View(5, p.load, p.rows),
		p.dialogs(),
	)
}

// workFilters are the filters of the list in their order.
var workFilters = []Option{{Value: "", Label: "All"}, {Value: "ungraded", Label: "Ungraded"}, {Value: "needs", Label: "Needs grading"}, {Value: "unposted", Label: "To post"},
	{Value: "late", Label: "Late"}, {Value: "missing", Label: "Missing"}, {Value: "extension", Label: "Extension"}, {Value: "resubmitted", Label: "Handed in again"}}

// tellsOfOne reports whether a filter could tell of a single student, so that it waits for the end of blind marking.
func tellsOfOne(filter string) bool {
	return filter == "late" || filter == "missing" || filter == "extension"
}

// policy says when students see what is marked.
func (p *submissionsPage) policy() string {
	m := p.marking.Value
	switch {
	case !p.marking.Ready || m.GradeType == lms.GradeUngraded:
		return ""
	case m.Blind:
		return ""
	case m.Posting == lms.PostingAutomatic:
		return "Grades are posted as soon as the marker goes on."
	case m.Open:
		return "Posted for everyone: new grades show at once."
	}
	return "Grades are posted by hand."
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
	if s.ID == "" { // missing
		return RowWith(Icon("user"), s.UserName, "Nothing handed in", Badge("Missing", "bad"))
	}
	r := &Row{ID: s.ID, Href: CoursePath(p.id, "submissions", s.ID), Icon: "user", Title: s.UserName}
	r.Meta = "Attempt " + itoa(s.Attempt) + ", " + FormatTime(s.SubmittedAt)
	if s.LateSeconds > 0 {
		r.Meta += ", " + lateText(s.LateSeconds)
	}
	if s.Unanswered {
		r.Meta += ", comment to answer"
	}
	r.Badge, r.Tone = markBadge(s)
	if s.Grade != nil {
		r.Aside = gradeText(*s.Grade, p.assignment.Value.Points)
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
	case s.Grade == nil && s.Begun != nil:
		return "Begun", "info"
	case s.Grade == nil:
		return "To grade", "info"
	case gradePosted(*s.Grade):
		return "Posted", "good"
	}
	return "Draft", "warn"
}

// gradePosted reports whether the student sees this very grade.
func gradePosted(g lms.Grade) bool { return !g.PostedAt.IsZero() && !g.ChangedAt.After(g.PostedAt) }

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
