package ui

import (
	"fmt"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// HomePage shows what is due, what is new and what waits, for each role that the person has.
type HomePage struct {
	app.Compo
	home    Remote[lms.Home]
	joining bool
	session lms.Session
}

// OnMount loads the page.
func (p *HomePage) OnMount(ctx app.Context) {
	ctx.ObserveState(stateSession, &p.session)
	p.load(ctx)
	OnLive(ctx, 2*time.Minute, p.load, "course/", "user/")
}

func (p *HomePage) load(ctx app.Context) { p.home.Load(ctx, Call(api.GetHome, api.NoInput{})) }

// Render draws the page.
func (p *HomePage) Render() app.UI {
	title := "Home"
	if name := Me().Name; name != "" {
		title = "Hello, " + firstWord(name)
	}
	return &Shell{Title: title, Active: "home", Actions: courseActions(p.openJoin), Content: app.Div().Body(
		p.home.View(6, p.load, p.view),
		app.If(p.joining, func() app.UI { return &joinDialog{close: p.closeJoin} }),
	)}
}

func (p *HomePage) openJoin(app.Context, app.Event) { p.joining = true }
func (p *HomePage) closeJoin(app.Context)           { p.joining = false }

func (p *HomePage) view(h lms.Home) app.UI {
	teaches, learns := false, false
	for _, c := range h.Courses {
		teaches = teaches || c.MyRole.Staff()
		learns = learns || c.MyRole == lms.RoleStudent
	}
	if len(h.Courses) == 0 {
		return app.Div().Class("stack").Body(app.Range(h.Caps).Slice(func(i int) app.UI { return capNotice(h.Caps[i]) }), noCourses(p.openJoin))
	}
	return app.Div().Class("stack", "stack-wide").Body(
		app.Range(h.Caps).Slice(func(i int) app.UI { return capNotice(h.Caps[i]) }),
		app.If(len(h.Flags) > 0, func() app.UI { return homeFlags(h.Flags) }),
		app.If(len(h.News) > 0, func() app.UI { return homeNews(h.News) }),
		app.If(len(h.Endorsed) > 0, func() app.UI { return homeEndorsed(h.Endorsed) }),
		app.If(teaches, func() app.UI {
			return app.Div().Class("grid-2").Body(
				homeList("Questions that wait", "message-circle", "No question waits for an answer.", len(h.Queue), func(i int) app.UI {
					q := h.Queue[i]
					return &Row{ID: q.ID, Href: CoursePath(q.CourseID, "questions", q.ID), Title: q.Title,
						Meta: courseCode(h, q.CourseID) + " · " + q.AuthorName + " · " + Relative(q.CreatedAt), Badge: waitingBadge(q.CreatedAt), Tone: "warn"}
				}),
				homeList("To be graded", "clipboard", "No work waits for a grade.", len(h.Grading), func(i int) app.UI {
					d := h.Grading[i]
					return &Row{ID: d.AssignmentID, Href: CoursePath(d.CourseID, "assignments", d.AssignmentID, "submissions"), Title: d.Title,
						Meta:  d.CourseCode + cond(d.GradeByAt.IsZero(), dueMeta(d.DueAt), " · grade by "+FormatTimeIn(d.GradeByAt, d.Zone)),
						Badge: fmt.Sprintf("%d to grade", d.Ungraded), Tone: cond(!d.GradeByAt.IsZero() && DueTone(d.GradeByAt) == "bad", "bad", "info")}
				}),
			)
		}),
		app.If(learns, func() app.UI {
			return app.Div().Class("grid-2").Body(
				homeList("Due next", "calendar", "Nothing is due. Enjoy it.", len(h.Due), func(i int) app.UI {
					d := h.Due[i]
					row := &Row{ID: d.AssignmentID, Href: CoursePath(d.CourseID, "assignments", d.AssignmentID), Title: d.Title,
						Meta: d.CourseCode + " · " + cond(d.DueAt.IsZero(), "no due date", FormatTimeIn(d.DueAt, d.Zone)) + cond(d.DraftAt.IsZero(), "", " · draft saved")}
					row.Badge, row.Tone = dueBadge(d.DueAt)
					return row
				}),
				homeList("New feedback", "inbox", "Grades and feedback appear here once they are posted.", len(h.Feedback), func(i int) app.UI {
					f := h.Feedback[i]
					return &Row{ID: f.AssignmentID, Href: CoursePath(f.CourseID, "assignments", f.AssignmentID), Title: f.Title,
						Meta: f.CourseCode + " · Posted " + Relative(f.PostedAt) + madeOf(&f.Score, f.Points), Aside: f.Score.Final.String() + " / " + f.Possible.String()}
				}),
			)
		}),
		app.Section().Class("stack").Body(app.H2().Text(cond(teaches || learns, "My courses", "Courses of this site")), courseCards(h.Courses)),
	)
}

// capNotice tells the owner of a cap of tokens that most of it is used (TUTOR-23).
func capNotice(c lms.TutorCap) app.UI {
	return Notice("warn", fmt.Sprintf("The tutor has used %d %% of the tokens of this month%s. At 100 %% it shows passages only, until the month ends or the cap is raised.",
		c.Used*100/c.Cap, cond(c.CourseID == "", " for the whole site", " in "+c.CourseCode)),
		app.A().Href(cond(c.CourseID == "", "/tutor-settings", CoursePath(c.CourseID, "tutor"))).Text("Settings of the tutor"))
}

// homeFlags come first: somebody may be in danger.
func homeFlags(flags []lms.TutorFlag) app.UI {
	return homeList("To look at now", "alert-triangle", "", len(flags), func(i int) app.UI {
		f := flags[i]
		kind := flagKinds[f.Kind]
		return &Row{ID: f.ID, Href: CoursePath(f.CourseID, "questions", f.QuestionID), Icon: "alert-triangle", Title: cond(kind != "", kind, f.Kind),
			Meta: f.CourseCode + " · " + f.Student + " · " + Relative(f.CreatedAt), Badge: cond(f.Severe, "Severe", ""), Tone: "bad"}
	})
}

// homeNews tells what happened to work: extensions, attempts without their files, what was returned or handed in by itself.
func homeNews(news []lms.News) app.UI {
	return homeList("What is new", "info", "", len(news), func(i int) app.UI {
		n := news[i]
		r := &Row{ID: string(n.Kind) + n.AssignmentID + n.SubmissionID, Href: CoursePath(n.CourseID, "assignments", n.AssignmentID), Title: n.Title,
			Meta: n.CourseCode + " · " + newsText(n) + " · " + Relative(n.At)}
		switch n.Kind {
		case lms.NewsExtension:
			r.Icon, r.Badge, r.Tone = "calendar", "Extension", "good"
		case lms.NewsIncomplete:
			r.Icon, r.Badge, r.Tone = "alert-triangle", "Incomplete", "bad"
			if n.Who != "" {
				r.Href = CoursePath(n.CourseID, "submissions", n.SubmissionID)
			}
		case lms.NewsReturned:
			r.Icon, r.Badge, r.Tone = "edit", "Returned", "warn"
		case lms.NewsDraft:
			r.Icon, r.Badge, r.Tone = "upload", "Handed in", "info"
		}
		return r
	})
}

// newsText says what happened.
func newsText(n lms.News) string {
	switch n.Kind {
	case lms.NewsExtension:
		if n.DueAt.IsZero() && n.CutoffAt.IsZero() {
			return "you have other dates or attempts"
		}
		return "now " + lowerFirst(overrideText(lms.Override{DueAt: n.DueAt, CutoffAt: n.CutoffAt}, n.Zone))
	case lms.NewsIncomplete:
		return cond(n.Who == "", "the files of your attempt did not arrive: hand it in again", n.Who+": the files of the attempt did not arrive")
	case lms.NewsReturned:
		return "your attempt is a draft again: finish it and hand it in"
	}
	return "your draft was handed in at the cut-off"
}

// homeEndorsed tells a student what staff made of the tutor's answers (TUTOR-27).
func homeEndorsed(news []lms.EndorsedNews) app.UI {
	return homeList("Answers of the tutor that the staff have checked", "check-circle", "", len(news), func(i int) app.UI {
		n := news[i]
		return &Row{ID: n.ReplyID, Href: CoursePath(n.CourseID, "questions", n.QuestionID), Title: n.Title, Meta: n.CourseCode + " · " + Relative(n.At),
			Badge: cond(n.Corrected, "Corrected", "Endorsed"), Tone: cond(n.Corrected, "warn", "good")}
	})
}

// homeList is one of the lists of the home page; longer ones are cut, because the courses show everything.
func homeList(title, icon, empty string, n int, row func(int) app.UI) app.UI {
	const most = 6
	if n == 0 {
		return Card(title, nil, app.Div().Class("quiet-empty").Body(Icon(icon), text(empty)))
	}
	rows := make([]app.UI, 0, most)
	for i := range min(n, most) {
		rows = append(rows, row(i))
	}
	return Card(title, nil, app.Div().Body(Rows(rows...)),
		app.If(n > most, func() app.UI {
			return app.P().Class("fine", "more").Text(fmt.Sprintf("and %d more in the courses", n-most))
		}))
}

// dueBadge says how far away a due date is: that is what people look for first.
func dueBadge(due time.Time) (label, tone string) {
	switch tone := DueTone(due); {
	case due.IsZero():
		return "", ""
	case tone == "bad":
		return "Overdue by " + Span(Now().Sub(due)), tone
	default:
		return "Due " + Relative(due), tone
	}
}

// waitingBadge marks a question that has waited for more than a day.
func waitingBadge(asked time.Time) string {
	if d := Now().Sub(asked); d > 24*time.Hour {
		return "Waits for " + Span(d)
	}
	return ""
}

func dueMeta(due time.Time) string {
	if due.IsZero() {
		return ""
	}
	return cond(due.Before(Now()), " · was due ", " · due ") + Relative(due)
}

func courseCode(h lms.Home, id string) string {
	for _, c := range h.Courses {
		if c.ID == id {
			return c.Code
		}
	}
	return "Course"
}

func firstWord(name string) string {
	for i, r := range name {
		if r == ' ' && i > 0 {
			return name[:i]
		}
	}
	return name
}

func lowerFirst(s string) string {
	if s == "" {
		return s
	}
	return strings.ToLower(s[:1]) + s[1:]
}
