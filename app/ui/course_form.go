package ui

import (
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// courseForm creates a course or changes one.
type courseForm struct {
	app.Compo
	inCourse
	isNew   bool
	loaded  string // the course and version that the fields show
	in      api.CourseInput
	version int64
	state   lms.CourseState // as it is saved
	asking  bool            // whether to change the state
	problem Problem
	busy    bool
}

func (p *courseForm) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	p.isNew = isNewPath(ctx)
	if p.isNew {
		p.loaded, p.problem = "", Problem{}
		p.in = api.CourseInput{ID: lms.NewID(), Zone: Zone(), State: lms.CourseUnpublished}
		p.state = lms.CourseUnpublished
		return
	}
	p.enter(ctx)
	id := p.id
	p.course.Load(ctx, Call(api.GetCourse, api.CoursePath{Course: id}), func(app.Context) {
		if p.loaded == id {
			return
		}
		c := p.course.Value
		p.loaded, p.version = id, c.Version
		p.in = api.CourseInput{ID: c.ID, Code: c.Code, Title: c.Title, Summary: c.Summary, Zone: c.Zone, State: c.State, Term: c.Term, Language: c.Language}
		p.state = c.State
	})
}

// isNewPath tells a page that makes something from one that changes it. go-app keeps the same component between both.
func isNewPath(ctx app.Context) bool { return strings.HasSuffix(ctx.Page().URL().Path, "/new") }

func (p *courseForm) Render() app.UI {
	if p.isNew {
		return &Shell{Title: "New course", Active: "courses", Back: Crumbs("Courses", "/courses"), Content: p.form()}
	}
	return p.frame(&Shell{Title: "Course settings", Active: "overview", Back: Crumbs(p.label(), CoursePath(p.id)),
		Content: app.If(p.loaded == p.id && p.id != "", func() app.UI { return app.Div().Class("stack").Body(p.form(), archiveCard(p.id)) }).Else(func() app.UI { return Skeleton(5) })})
}

func (p *courseForm) form() app.UI {
	return app.Form().Class("stack", "form").OnSubmit(p.submit).Body(
		p.problem.Alert("title", "code", "summary", "zone", "state", "term", "language"),
		Input(Field{ID: "title", Label: "Title", Value: p.in.Title, Placeholder: "Introduction to Computing", Error: p.problem.For("title"), On: p.ValueTo(&p.in.Title)}),
		Input(Field{ID: "code", Label: "Short name", Value: p.in.Code, Placeholder: "CS 101", Help: "Shown in lists and beside due dates.", Error: p.problem.For("code"), On: p.ValueTo(&p.in.Code)}),
		TextArea(Field{ID: "summary", Label: "What it is about", Value: p.in.Summary, Optional: true, Rows: 4, Help: "Every member reads this.", Error: p.problem.For("summary"), On: p.ValueTo(&p.in.Summary)}),
		Input(Field{ID: "term", Label: "Term", Value: p.in.Term, Optional: true, Placeholder: "Autumn 2026", Help: "Courses of a term stand together in the lists. Write it the same way in each.", Error: p.problem.For("term"), On: p.ValueTo(&p.in.Term)}),
		Input(Field{ID: "language", Label: "Language", Value: p.in.Language, Optional: true, Placeholder: "en", Help: "Of the teaching, as a code: en, de, pt-BR …", Error: p.problem.For("language"), On: p.ValueTo(&p.in.Language)}),
		p.zoneField(),
		Radios(Field{ID: "state", Label: "Who can open it", Value: string(p.in.State), Error: p.problem.For("state"), On: p.onState}, p.states()...),
		app.Div().Class("actions").Body(
			Submit(cond(p.isNew, "Create the course", "Save"), "Saving", p.busy),
			LinkButton("Cancel", "", cond(p.isNew, "/courses", CoursePath(p.id))),
		),
		app.If(p.asking, func() app.UI {
			title, cost, action := stateCost(p.in.State, p.course.Value.Students)
			return Confirm("state-change", title, cost, action, p.save, func(app.Context) { p.asking = false })
		}),
	)
}

func (p *courseForm) zoneField() app.UI {
	zones := Zones()
	options := make([]Option, 0, len(zones)+1)
	found := false
	for _, z := range zones {
		found = found || z == p.in.Zone
		options = append(options, Option{Value: z, Label: z})
	}
	if !found && p.in.Zone != "" {
		options = append(options, Option{Value: p.in.Zone, Label: p.in.Zone})
	}
	return Select(Field{ID: "zone", Label: "Time zone of the course", Value: p.in.Zone, Help: "Members see dates in their own zone.", Error: p.problem.For("zone"), On: p.ValueTo(&p.in.Zone)}, options...)
}

func (p *courseForm) states() []Option {
	options := []Option{
		{string(lms.CourseUnpublished), "Only staff, for now", "Prepare it in peace; publish it when it is ready."},
		{string(lms.CoursePublished), "Every member", "Students see it as soon as they have joined."},
	}
	if !p.isNew {
		options = append(options,
			Option{string(lms.CourseEnded), "Ended", "Read-only: every member can read, nobody can hand in, grade or change anything."},
			Option{string(lms.CourseArchived), "Archived", "Hidden from everybody but its instructors; can be restored for 30 days."})
	}
	return options
}

func (p *courseForm) onState(ctx app.Context, _ app.Event) {
	p.in.State = lms.CourseState(ctx.JSSrc().Get("value").String())
}

func (p *courseForm) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if p.busy {
		return
	}
	if err := p.in.Validate(); err != nil {
		Fail(ctx, err, &p.problem)
		return
	}
	if _, cost, _ := stateCost(p.in.State, 0); p.in.State != p.state && cost != "" && !p.isNew {
		p.asking = true
		return
	}
	p.save(ctx)
}

// stateCost says what a state takes away from a course with so many students; nothing for one that gives.
func stateCost(s lms.CourseState, students int) (title, cost, action string) {
	who := cond(students == 1, "1 student", itoa(students)+" students")
	switch s {
	case lms.CourseUnpublished:
		return "Hide the course?", who + " cannot open it any more until you publish it again. Their work and their grades are kept.", "Hide it"
	case lms.CourseEnded:
		return "End the course?", "From now on nobody can hand in, ask, grade or change anything. " + who + " and the staff can still read everything. You can open it again.", "End it"
	case lms.CourseArchived:
		return "Archive the course?", "It disappears from everybody's lists: " + who + " and the assistants cannot open it. Everything is kept. You can restore it for 30 days; after that an administrator can.", "Archive it"
	}
	return "", "", ""
}

func (p *courseForm) save(ctx app.Context) {
	p.asking = false
	p.busy, p.problem = true, Problem{}
	work := Call(api.CreateCourse, p.in)
	if !p.isNew {
		work = Call(api.UpdateCourse, api.UpdateCourseInput{Course: p.id, CourseInput: p.in, Version: p.version})
	}
	Async(ctx, work, func(ctx app.Context, c lms.Course, err error) {
		p.busy = false
		if err != nil {
			Fail(ctx, err, &p.problem)
			return
		}
		Toast(ctx, "good", cond(p.isNew, "The course is created.", "The course is saved."))
		RefreshSession(ctx, func(ctx app.Context) { ctx.Navigate(CoursePath(c.ID)) })
	})
}
