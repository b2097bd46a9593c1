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
		p.in = api.CourseInput{ID: c.ID, Code: c.Code, Title: c.Title, Summary: c.Summary, Zone: c.Zone, State: c.State}
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
		p.problem.Alert("title", "code", "summary", "zone", "state"),
		Input(Field{ID: "title", Label: "Title", Value: p.in.Title, Placeholder: "Introduction to Computing", Error: p.problem.For("title"), On: p.ValueTo(&p.in.Title)}),
		Input(Field{ID: "code", Label: "Short name", Value: p.in.Code, Placeholder: "CS 101", Help: "Shown in lists and beside due dates.", Error: p.problem.For("code"), On: p.ValueTo(&p.in.Code)}),
		TextArea(Field{ID: "summary", Label: "What it is about", Value: p.in.Summary, Optional: true, Rows: 4, Help: "Every member reads this.", Error: p.problem.For("summary"), On: p.ValueTo(&p.in.Summary)}),
		p.zoneField(),
		Radios(Field{ID: "state", Label: "Who can open it", Value: string(p.in.State), Error: p.problem.For("state"), On: p.onState}, p.states()...),
		app.Div().Class("actions").Body(
			Submit(cond(p.isNew, "Create the course", "Save"), "Saving", p.busy),
			LinkButton("Cancel", "", cond(p.isNew, "/courses", CoursePath(p.id))),
		),
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
			Option{string(lms.CourseEnded), "Ended", "Every member can read, nobody can change anything."},
			Option{string(lms.CourseArchived), "Archived", "Hidden from the lists; can be brought back."})
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
