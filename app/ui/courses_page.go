package ui

import (
	"fmt"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// CoursesPage lists the courses of the user, for an administrator all of them.
type CoursesPage struct {
	app.Compo
	list    Remote[api.Page[lms.Course]]
	session lms.Session
	joining bool
}

// OnMount loads the page.
func (p *CoursesPage) OnMount(ctx app.Context) {
	ctx.ObserveState(stateSession, &p.session)
	p.load(ctx)
}

func (p *CoursesPage) load(ctx app.Context) { p.list.Load(ctx, Call(api.ListCourses, api.NoInput{})) }

// Render draws the page.
func (p *CoursesPage) Render() app.UI {
	return &Shell{Title: "Courses", Active: "courses", Actions: courseActions(p.openJoin), Content: app.Div().Body(
		p.list.View(4, p.load, func(v api.Page[lms.Course]) app.UI {
			if len(v.Items) == 0 {
				return noCourses(p.openJoin)
			}
			return courseCards(v.Items)
		}),
		app.If(p.joining, func() app.UI { return &joinDialog{close: p.closeJoin} }),
	)}
}

func (p *CoursesPage) openJoin(app.Context, app.Event) { p.joining = true }
func (p *CoursesPage) closeJoin(app.Context)           { p.joining = false }

func mayCreateCourses() bool { return Me().Admin || Me().MayCreateCourses }

// courseActions are the ways to get a course.
func courseActions(join app.EventHandler) app.UI {
	return app.Div().Class("actions").Body(
		Button("Join with a code", "key", join),
		app.If(mayCreateCourses(), func() app.UI { return LinkButton("Import", "upload", "/courses/import") }),
		app.If(mayCreateCourses(), func() app.UI { return PrimaryLink("New course", "plus", "/courses/new") }),
	)
}

func noCourses(join app.EventHandler) app.UI {
	if mayCreateCourses() {
		return Empty("graduation-cap", "No course yet", "Create a course, then invite its people with a code.",
			PrimaryLink("Create the first course", "plus", "/courses/new"))
	}
	return Empty("graduation-cap", "You are in no course yet", "Your instructor has an invite code for you. Enter it to join.",
		Primary("Join with a code", "key", join))
}

var courseStates = map[lms.CourseState]string{lms.CourseUnpublished: "not published", lms.CourseEnded: "ended", lms.CourseArchived: "archived"}

func courseCards(courses []lms.Course) app.UI {
	return app.Ul().Class("course-grid").Body(app.Range(courses).Slice(func(i int) app.UI {
		c := courses[i]
		return &courseCard{ID: c.ID, Code: c.Code, Title: c.Title, Role: RoleName(c.MyRole), State: courseStates[c.State], Students: c.Students}
	}))
}

// courseCard is one course in a grid.
type courseCard struct {
	app.Compo
	ID, Code, Title, Role, State string
	Students                     int
}

// Render draws the card.
func (c *courseCard) Render() app.UI {
	return app.Li().Body(app.A().Class("course-card").Href(CoursePath(c.ID)).Body(
		app.Span().Class("course-stripe", hueOf(c.ID)).Aria("hidden", true),
		app.Span().Class("course-code").Text(c.Code),
		app.Span().Class("course-title").Text(c.Title),
		app.Span().Class("course-meta").Body(
			app.If(c.Role != "", func() app.UI { return Badge(c.Role, "") }),
			app.If(c.State != "", func() app.UI { return Badge(c.State, "warn") }),
			app.If(c.Students > 0, func() app.UI {
				return app.Span().Class("fine").Text(cond(c.Students == 1, "1 student", fmt.Sprintf("%d students", c.Students)))
			}),
		),
	))
}

// hueOf gives an object one of eight colours.
func hueOf(id string) string {
	sum := 0
	for _, r := range id {
		sum = (sum*31 + int(r)) & 0xffff
	}
	return "hue-" + string(rune('0'+sum%8))
}

// joinDialog joins a course with an invite code.
type joinDialog struct {
	app.Compo
	close   func(app.Context)
	code    string
	busy    bool
	problem Problem
}

// Render draws the dialog.
func (d *joinDialog) Render() app.UI {
	return NewDialog("join", "Join a course", d.close, DialogForm(d.submit, d.close, Submit("Join", "Joining", d.busy),
		d.problem.Alert("code"),
		Input(Field{ID: "code", Label: "Invite code", Help: "Your instructor gives it to you, for example 7h3k-9q2m.", Value: d.code,
			Error: d.problem.For("code"), On: d.ValueTo(&d.code)})))
}

func (d *joinDialog) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if d.busy {
		return
	}
	d.busy, d.problem = true, Problem{}
	joinCourse(ctx, d.code, func(ctx app.Context, err error) {
		d.busy = false
		if err != nil {
			Fail(ctx, err, &d.problem)
			return
		}
		Toast(ctx, "good", "You have joined the course.")
	})
}
