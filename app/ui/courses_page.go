package ui

import (
	"fmt"
	"slices"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// CoursesPage lists the courses of the user, for an administrator all of them, term by term.
type CoursesPage struct {
	app.Compo
	list        Remote[api.Page[lms.Course]]
	session     lms.Session
	term, state string // of the filter
	joining     bool
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
		p.list.View(4, p.load, p.groups),
		app.If(p.joining, func() app.UI { return &joinDialog{close: p.closeJoin} }),
	)}
}

// groups shows the courses under their terms. Archived ones come only when they are asked for.
func (p *CoursesPage) groups(v api.Page[lms.Course]) app.UI {
	if len(v.Items) == 0 {
		return noCourses(p.openJoin)
	}
	var terms []string
	states := map[lms.CourseState]bool{}
	shown := map[string][]lms.Course{}
	n := 0
	for _, c := range v.Items {
		states[c.State] = true
		if !slices.Contains(terms, c.Term) {
			terms = append(terms, c.Term)
		}
		if (p.term == "" || p.term == "="+c.Term) && (string(c.State) == p.state || p.state == "" && c.State != lms.CourseArchived) {
			shown[c.Term] = append(shown[c.Term], c)
			n++
		}
	}
	slices.Sort(terms)
	slices.Reverse(terms)
	return app.Div().Class("stack", "stack-wide").Body(
		app.If(len(terms) > 1 || len(states) > 1 || states[lms.CourseArchived], func() app.UI { return p.filter(terms, states) }),
		app.Range(terms).Slice(func(i int) app.UI {
			in := shown[terms[i]]
			if len(in) == 0 {
				return nil
			}
			return app.Section().Class("stack").Body(
				app.If(len(terms) > 1, func() app.UI { return app.H2().Text(termName(terms[i])) }),
				p.cards(in))
		}),
		app.If(n == 0, func() app.UI {
			return Empty("graduation-cap", "No course here", "No course of yours has this term and state.")
		}),
	)
}

func termName(term string) string { return cond(term != "", term, "Without a term") }

func (p *CoursesPage) filter(terms []string, states map[lms.CourseState]bool) app.UI {
	ofTerm := []Option{{Label: "All terms"}}
	for _, t := range terms {
		ofTerm = append(ofTerm, Option{Value: "=" + t, Label: termName(t)})
	}
	ofState := []Option{{Label: "All but archived"}}
	for _, s := range []lms.CourseState{lms.CoursePublished, lms.CourseUnpublished, lms.CourseEnded, lms.CourseArchived} {
		if states[s] {
			ofState = append(ofState, Option{Value: string(s), Label: cond(s == lms.CoursePublished, "published", courseStates[s])})
		}
	}
	return app.Div().Class("filter").Role("search").Aria("label", "Which courses").Body(
		Select(Field{ID: "term", Label: "Term", Value: p.term, On: p.ValueTo(&p.term)}, ofTerm...),
		Select(Field{ID: "state", Label: "State", Value: p.state, On: p.ValueTo(&p.state)}, ofState...))
}

// cards shows courses; archived ones with the way back.
func (p *CoursesPage) cards(courses []lms.Course) app.UI {
	if courses[0].State != lms.CourseArchived {
		return courseCards(courses)
	}
	return RowsOf(courses, func(c lms.Course) app.UI {
		meta := "archived"
		if !c.ArchivedAt.IsZero() {
			meta += " " + Relative(c.ArchivedAt)
		}
		if may := c.Restorable(Now()) || Me().Admin; !may {
			return RowWith(Icon("archive"), c.Code+" "+c.Title, meta+" · an administrator can restore it")
		}
		return RowWith(Icon("archive"), c.Code+" "+c.Title, meta,
			Button("Restore", "refresh-cw", func(ctx app.Context, _ app.Event) { p.restore(ctx, c) }, Each(c.ID)).Aria("label", "Restore "+c.Title))
	})
}

func (p *CoursesPage) restore(ctx app.Context, c lms.Course) {
	Async(ctx, Call(api.RestoreCourse, api.CoursePath{Course: c.ID}), func(ctx app.Context, c lms.Course, err error) {
		if err != nil {
			ToastError(ctx, err)
			return
		}
		Toast(ctx, "good", c.Title+" is restored.")
		p.state = ""
		p.load(ctx)
		RefreshSession(ctx, nil)
	})
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
