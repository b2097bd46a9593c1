package ui

import (
	"errors"
	"slices"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// inCourse is the part that all pages below a course have in common.
type inCourse struct {
	id     string
	course Remote[lms.Course]
}

// enter follows the page's path and reports whether it leads to another course than before. Call it in OnNav.
func (c *inCourse) enter(ctx app.Context) bool {
	id := CourseParam(ctx)
	changed := id != c.id
	if changed {
		c.id = id
		c.course.Reset()
		if k, ok := knownCourse(id); ok {
			c.course.Set(k)
		}
	}
	c.course.Load(ctx, Call(api.GetCourse, api.CoursePath{Course: id}))
	return changed
}

func (c *inCourse) actor() lms.Actor {
	a := ActorIn(c.id)
	if a.Role == "" {
		a.Role = c.course.Value.MyRole
	}
	return a
}

// ready reports whether it is known who looks at the page. Pages that differ by role wait for it.
func (c *inCourse) ready() bool { return Me().ID != "" && (c.course.Ready || c.course.Err != nil) }

func (c *inCourse) staff() bool { return c.actor().Staff() }

func (c *inCourse) instructor() bool { return lms.Can(c.actor(), lms.InstructorOfCourse) == nil }

func (c *inCourse) student() bool { return c.actor().Role == lms.RoleStudent }

func (c *inCourse) readOnly() bool {
	s := c.course.Value.State
	return s == lms.CourseEnded || s == lms.CourseArchived
}

// frame completes the shell of a page of the course.
func (c *inCourse) frame(s *Shell) *Shell {
	s.Course = c.course.Value
	s.Course.ID = c.id
	if !c.ready() {
		s.Actions = nil
	}
	if c.course.Err != nil && !c.course.Ready {
		s.Content = ErrorBox(c.course.Err, nil)
	}
	return s
}

func (c *inCourse) label() string {
	return cond(c.course.Value.Code != "", c.course.Value.Code, "Course")
}

// coursePage is the home of a course: the same layout in every course.
type coursePage struct {
	app.Compo
	inCourse
	assignments Remote[api.Page[lms.Assignment]]
	materials   Remote[api.Page[lms.Material]]
	questions   Remote[api.Page[lms.Question]]
	setTopics   func(...string)
}

func (p *coursePage) OnMount(ctx app.Context) {
	p.setTopics = OnLive(ctx, time.Minute, p.load, "course/"+CourseParam(ctx))
}

func (p *coursePage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	if p.enter(ctx) {
		p.assignments.Reset()
		p.materials.Reset()
		p.questions.Reset()
		if p.setTopics != nil {
			p.setTopics("course/" + p.id)
		}
	}
	p.load(ctx)
}

func (p *coursePage) load(ctx app.Context) {
	in := api.CoursePath{Course: p.id}
	p.assignments.Load(ctx, Call(api.ListAssignments, in))
	p.materials.Load(ctx, Call(api.ListMaterials, in))
	p.questions.Load(ctx, Call(api.ListQuestions, api.ListQuestionsInput{Course: p.id, Limit: 5}))
}

func (p *coursePage) Render() app.UI {
	c := p.course.Value
	return p.frame(&Shell{
		Title: cond(c.Title != "", c.Title, "Course"), Lead: c.Code, Active: "overview", Wide: true,
		Actions: app.If(p.staff(), func() app.UI {
			return app.Div().Class("actions").Body(
				app.If(c.State == lms.CoursePublished || c.State == lms.CourseEnded, func() app.UI { return viewButton(p.id) }),
				app.If(p.instructor(), func() app.UI { return LinkButton("Course settings", "settings", CoursePath(p.id, "settings")) }))
		}),
		Content: app.If(!p.ready(), func() app.UI { return Skeleton(6) }).Else(p.body),
	})
}

func (p *coursePage) body() app.UI {
	return app.Div().Class("stack").Body(
		p.stateNotice(),
		app.If(p.course.Value.Summary != "", func() app.UI { return Plain(p.course.Value.Summary) }),
		app.Div().Class("split").Body(
			app.Div().Class("stack").Body(
				app.If(p.staff(), p.toGrade),
				p.dueNext(),
				app.If(!p.staff(), p.feedback),
			),
			app.Div().Class("stack").Body(p.latestMaterials(), p.latestQuestions()),
		),
	)
}

func (p *coursePage) stateNotice() app.UI {
	switch p.course.Value.State {
	case lms.CourseUnpublished:
		return Notice("info", "Only staff see this course. Publish it in the course settings when it is ready.")
	case lms.CourseEnded:
		return Notice("info", "This course has ended and can only be read.")
	case lms.CourseArchived:
		return Notice("info", "This course is archived and can only be read.")
	}
	return nil
}

// dueNext lists what is due in the next week and everything overdue that can still be handed in; staff see the dates.
func (p *coursePage) dueNext() app.UI {
	return Card("This week and next", []app.UI{app.A().Href(CoursePath(p.id, "assignments")).Text("All assignments")},
		p.assignments.View(3, p.load, func(page api.Page[lms.Assignment]) app.UI {
			items := nextAssignments(page.Items, !p.staff(), Now())
			if len(items) == 0 {
				return Empty("check-circle", "Nothing is due", cond(p.staff(), "No published assignment is due.", "Everything that is due has been handed in."))
			}
			return RowsOf(items, func(a lms.Assignment) app.UI { return assignmentRow(a, p.course.Value.Zone, p.staff()) })
		}))
}

// nextAssignments picks the open assignments by due date, those without one last. For a student, only what has not been
// handed in.
func nextAssignments(items []lms.Assignment, student bool, now time.Time) []lms.Assignment {
	var next []lms.Assignment
	for _, a := range items {
		done := student && a.Mine != nil && a.Mine.Used > 0
		past := !student && !a.DueAt.IsZero() && now.After(a.DueAt)
		if done || past || !a.Published || a.OnPaper && student || errors.Is(a.CheckOpen(now), lms.ErrClosed) {
			continue
		}
		next = append(next, a)
	}
	slices.SortStableFunc(next, byDue)
	return next[:min(len(next), 6)]
}

func byDue(a, b lms.Assignment) int {
	if a.DueAt.IsZero() != b.DueAt.IsZero() {
		return cond(a.DueAt.IsZero(), 1, -1)
	}
	return a.DueAt.Compare(b.DueAt)
}

func (p *coursePage) feedback() app.UI {
	return Card("New feedback", nil, p.assignments.View(2, p.load, func(page api.Page[lms.Assignment]) app.UI {
		var graded []lms.Assignment
		for _, a := range page.Items {
			if a.Mine != nil && a.Mine.Grade != nil && a.Mine.Score != nil {
				graded = append(graded, a)
			}
		}
		if len(graded) == 0 {
			return Empty("inbox", "No feedback yet", "Grades and comments appear here as soon as they are posted.")
		}
		slices.SortFunc(graded, func(a, b lms.Assignment) int { return b.Mine.Grade.PostedAt.Compare(a.Mine.Grade.PostedAt) })
		return RowsOf(graded[:min(len(graded), 5)], func(a lms.Assignment) app.UI {
			g := a.Mine.Grade
			return &Row{ID: a.ID, Href: CoursePath(p.id, "assignments", a.ID), Icon: "graduation-cap", Title: a.Title,
				Meta: "Posted " + Relative(g.PostedAt) + madeOf(a.Mine.Score, g.Points), Aside: scoreText(*a.Mine.Score, a.Points, a.GradeType)}
		})
	}))
}

func (p *coursePage) toGrade() app.UI {
	return Card("To grade", nil, p.assignments.View(2, p.load, func(page api.Page[lms.Assignment]) app.UI {
		var open []lms.Assignment
		for _, a := range page.Items {
			if a.Stats != nil && a.ArchivedAt.IsZero() && a.Stats.Ungraded+a.Stats.Unposted > 0 {
				open = append(open, a)
			}
		}
		if len(open) == 0 {
			return Empty("check-circle", "Nothing to grade", "New work appears here as soon as it is handed in.")
		}
		return RowsOf(open, func(a lms.Assignment) app.UI {
			return &Row{ID: a.ID, Href: CoursePath(p.id, "assignments", a.ID, "submissions"), Icon: "edit", Title: a.Title,
				Meta: itoa(a.Stats.Submitted) + " of " + plural(a.Stats.Students, "student") + " handed in", Badge: gradingBadge(*a.Stats), Tone: "warn"}
		})
	}))
}

func gradingBadge(s lms.AssignmentStats) string {
	switch {
	case s.Ungraded > 0 && s.Unposted > 0:
		return itoa(s.Ungraded) + " to grade, " + itoa(s.Unposted) + " to post"
	case s.Ungraded > 0:
		return itoa(s.Ungraded) + " to grade"
	case s.Unposted > 0:
		return itoa(s.Unposted) + " to post"
	}
	return ""
}

func (p *coursePage) latestMaterials() app.UI {
	return Card("Materials", []app.UI{app.A().Href(CoursePath(p.id, "materials")).Text("All materials")},
		p.materials.View(3, p.load, func(page api.Page[lms.Material]) app.UI {
			if len(page.Items) == 0 {
				return Empty("book-open", "No materials yet", cond(p.staff(), "Upload the first file or write a page.", "Your instructor has not published any."))
			}
			items := slices.Clone(page.Items)
			slices.SortStableFunc(items, func(a, b lms.Material) int { return b.UpdatedAt.Compare(a.UpdatedAt) })
			return RowsOf(items[:min(len(items), 5)], func(m lms.Material) app.UI { return materialRow(m, p.staff()) })
		}))
}

func (p *coursePage) latestQuestions() app.UI {
	href := CoursePath(p.id, "questions")
	return Card("Questions", []app.UI{app.A().Href(href).Text("All questions")},
		p.questions.View(2, p.load, func(page api.Page[lms.Question]) app.UI {
			if len(page.Items) == 0 {
				return Empty("message-circle", "No questions yet", "Ask the tutor or the staff of this course.", LinkButton("Ask a question", "message-circle", href))
			}
			return app.Div().Body(
				RowsOf(page.Items, func(q lms.Question) app.UI {
					label, tone := questionState(q)
					return &Row{ID: q.ID, Href: CoursePath(p.id, "questions", q.ID), Icon: cond(q.To == lms.ToTutor, "sparkles", "message-circle"),
						Title: q.Title, Meta: q.AuthorName + " · " + Relative(q.UpdatedAt), Badge: label, Tone: tone}
				}),
				app.Div().Class("card-foot").Body(LinkButton("Ask a question", "message-circle", href)),
			)
		}))
}
