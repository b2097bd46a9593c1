package ui

import (
	"slices"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// sectionsPage makes, names, orders and archives the sections of a course.
type sectionsPage struct {
	app.Compo
	inCourse
	list     Remote[api.Page[lms.Section]]
	id, name string // of the section that the form makes
	renaming *lms.Section
	removing *lms.Section
	busy     bool
	problem  Problem
}

func (p *sectionsPage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	if p.enter(ctx) {
		p.list.Reset()
		p.begin(nil)
	}
	p.load(ctx)
}

func (p *sectionsPage) load(ctx app.Context) {
	p.list.Load(ctx, Call(api.ListSections, api.CoursePath{Course: p.inCourse.id}))
}

// begin prepares the form for a new section, or for a new name of one.
func (p *sectionsPage) begin(x *lms.Section) {
	p.id, p.name, p.renaming, p.problem = lms.NewID(), "", x, Problem{}
	if x != nil {
		p.name = x.Title
	}
	SetValue("title", p.name)
}

func (p *sectionsPage) edits() bool { return p.instructor() && !p.readOnly() }

func (p *sectionsPage) Render() app.UI {
	return p.frame(&Shell{Title: "Sections", Active: "people", Lead: "Parts of the roster. An assistant can look after some of them only.",
		Back: Crumbs("People", CoursePath(p.inCourse.id, "people")),
		Content: app.Div().Class("stack").Body(
			app.If(p.ready() && p.edits(), p.form),
			p.list.View(3, p.load, p.rows),
			app.If(p.removing != nil, func() app.UI {
				return Confirm("remove-section", "Delete "+p.removing.Title+"?", "The section has no members. This cannot be undone.", "Delete "+p.removing.Title, p.remove,
					func(app.Context) { p.removing = nil })
			}),
		)})
}

func (p *sectionsPage) form() app.UI {
	label, button := "New section", "Add"
	if p.renaming != nil {
		label, button = "New name of "+p.renaming.Title, "Rename"
	}
	return app.Form().Class("stack", "form").OnSubmit(p.submit).Body(
		p.problem.Alert("title"),
		Input(Field{ID: "title", Label: label, Placeholder: "Monday group", Value: p.name, Error: p.problem.For("title"), On: p.ValueTo(&p.name)}),
		app.Div().Class("actions").Body(Submit(button, "Saving", p.busy),
			app.If(p.renaming != nil, func() app.UI { return Button("Cancel", "", func(app.Context, app.Event) { p.begin(nil) }) })))
}

func (p *sectionsPage) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if p.busy {
		return
	}
	work := Call(api.CreateSection, api.SectionInput{Course: p.inCourse.id, ID: p.id, Title: p.name})
	if x := p.renaming; x != nil {
		work = Call(api.UpdateSection, api.UpdateSectionInput{Course: p.inCourse.id, Section: x.ID, Version: x.Version, Title: &p.name})
	}
	if err := (lms.Section{ID: p.id, Title: p.name}).Validate(); err != nil {
		Fail(ctx, err, &p.problem)
		return
	}
	p.busy, p.problem = true, Problem{}
	Async(ctx, work, func(ctx app.Context, x lms.Section, err error) {
		p.busy = false
		if err != nil {
			Fail(ctx, err, &p.problem)
			return
		}
		p.begin(nil)
		Toast(ctx, "good", "The section "+x.Title+" is saved.")
		p.load(ctx)
	})
}

func (p *sectionsPage) rows(v api.Page[lms.Section]) app.UI {
	if len(v.Items) == 0 {
		return Empty("users", "No sections yet", "Make one for each group that meets or is graded separately, or let an imported roster make them.")
	}
	return RowsOf(v.Items, func(x lms.Section) app.UI {
		return RowWith(Icon(cond(x.ArchivedAt.IsZero(), "users", "archive")), x.Title, cond(p.staff(), plural(x.Members, "member"), ""),
			app.If(!x.ArchivedAt.IsZero(), func() app.UI { return Badge("archived", "warn") }),
			app.If(p.edits(), func() app.UI { return p.menu(x, v.Items) }))
	})
}

func (p *sectionsPage) menu(x lms.Section, all []lms.Section) app.UI {
	item := func(label, icon string, on func(app.Context)) app.UI {
		return app.Button().Type("button").Class("menu-item").OnClick(func(ctx app.Context, _ app.Event) { on(ctx) }, Each(label, x.ID, x.Version)).
			Body(Icon(icon), text(label))
	}
	if !x.ArchivedAt.IsZero() {
		return Button("Restore", "refresh-cw", func(ctx app.Context, _ app.Event) { p.archive(ctx, x, false) }, Each("restore", x.ID, x.Version)).Aria("label", "Restore "+x.Title)
	}
	var open []string
	for _, s := range all {
		if s.ArchivedAt.IsZero() {
			open = append(open, s.ID)
		}
	}
	at := slices.Index(open, x.ID)
	return Menu("Actions for "+x.Title, Icon("more"),
		item("Rename", "edit", func(ctx app.Context) { p.begin(&x); Focus(ctx, "title") }),
		app.If(at > 0, func() app.UI { return item("Move up", "arrow-left", func(ctx app.Context) { p.swap(ctx, open, at-1) }) }),
		app.If(at < len(open)-1, func() app.UI {
			return item("Move down", "arrow-right", func(ctx app.Context) { p.swap(ctx, open, at) })
		}),
		item("Archive", "archive", func(ctx app.Context) { p.archive(ctx, x, true) }),
		app.If(x.Members == 0, func() app.UI { return item("Delete", "trash", func(app.Context) { p.removing = &x }) }),
	)
}

// swap changes the order of the sections at i and behind it.
func (p *sectionsPage) swap(ctx app.Context, ids []string, i int) {
	ids[i], ids[i+1] = ids[i+1], ids[i]
	p.done(ctx, Call(api.OrderSections, api.OrderSectionsInput{Course: p.inCourse.id, Sections: ids}), "The order is saved.")
}

func (p *sectionsPage) remove(ctx app.Context) {
	in := api.SectionPath{Course: p.inCourse.id, Section: p.removing.ID}
	p.removing = nil
	p.done(ctx, Call(api.DeleteSection, in), "The section is deleted.")
}

func (p *sectionsPage) done(ctx app.Context, do work[api.Empty], message string) {
	Async(ctx, do, func(ctx app.Context, _ api.Empty, err error) {
		if err != nil {
			ToastError(ctx, err)
		} else {
			Toast(ctx, "good", message)
		}
		p.load(ctx)
	})
}

func (p *sectionsPage) archive(ctx app.Context, x lms.Section, archived bool) {
	in := api.UpdateSectionInput{Course: p.inCourse.id, Section: x.ID, Version: x.Version, Archived: &archived}
	Async(ctx, Call(api.UpdateSection, in), func(ctx app.Context, x lms.Section, err error) {
		if err != nil {
			ToastError(ctx, err)
		} else {
			Toast(ctx, "good", x.Title+cond(archived, " is archived. Its members stay in it; you can restore it here.", " is restored."))
		}
		p.load(ctx)
	})
}
