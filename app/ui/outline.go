package ui

import (
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

func allItems(o lms.Outline) []lms.ModuleItem {
	var all []lms.ModuleItem
	for _, m := range o.Modules {
		all = append(all, m.Items...)
	}
	return append(all, o.Loose...)
}

// edits reports whether the person may change the content.
func (p *materialsPage) edits() bool { return p.staff() && !p.readOnly() }

func (p *materialsPage) modules(o lms.Outline) app.UI {
	if len(o.Modules)+len(o.Loose)+len(o.Archived) == 0 {
		return Empty("book-open", "No materials yet", cond(p.staff(),
			"Upload a PDF, a Word document or slides, or write a page, and put them into modules. Published materials can be read by the tutor.",
			"Your instructor has not published any materials."))
	}
	return app.Div().Class("stack").Body(
		app.Range(o.Modules).Slice(func(i int) app.UI { return p.module(o, i) }),
		app.If(len(o.Loose) > 0, func() app.UI {
			return Card(cond(len(o.Modules) > 0, "Not in a module", ""), nil, p.items(o.Loose, ""))
		}),
		app.If(len(o.Archived) > 0 && p.edits(), func() app.UI { return p.archivedModules(o.Archived) }),
	)
}

func (p *materialsPage) module(o lms.Outline, at int) app.UI {
	m := o.Modules[at]
	var actions []app.UI
	if p.edits() {
		actions = []app.UI{
			Quiet(cond(m.Published, "Unpublish", "Publish"), cond(m.Published, "eye-off", "eye"), func(ctx app.Context, _ app.Event) {
				on := !m.Published
				p.do(ctx, Call(api.UpdateModule, api.UpdateModuleInput{Course: p.id, Module: m.ID, Version: m.Version, Published: &on}),
					"“"+m.Title+"” is "+cond(on, "published.", "hidden from students now, with all that is in it."))
			}, Each(m.ID, m.Version)),
			Menu("More for "+m.Title, Icon("more"),
				p.entry("Add to this module", "plus", m.ID, func(app.Context) { p.addItem(m) }),
				p.entry("Title and release", "edit", m.ID, func(app.Context) { p.editModule(&m) }),
				p.entry("Move up", "", m.ID, func(ctx app.Context) { p.order(ctx, p.outline.Value.MoveModule(m.ID, -1)) }),
				p.entry("Move down", "", m.ID, func(ctx app.Context) { p.order(ctx, p.outline.Value.MoveModule(m.ID, 1)) }),
				p.entry("Archive", "archive", m.ID, func(app.Context) { p.archiveModule(m) }),
			),
		}
	}
	return app.Section().Class("card", "module").Aria("label", m.Title).Body(
		app.Div().Class("card-head").Body(
			app.H2().Text(m.Title),
			app.Span().Class("row-badges").Body(releaseBadge(p.staff(), m.Published, m.ReleaseAt)),
			app.Div().Class("actions").Body(actions...),
		),
		app.If(len(m.Items) == 0, func() app.UI {
			return p.dropZone(m.ID, app.P().Class("muted").Text(cond(p.edits(), "Nothing in this module yet. Add something, or drag it here.", "Nothing here yet.")))
		}).Else(func() app.UI { return p.items(m.Items, m.ID) }),
	)
}

// releaseBadge says why students do not see something.
func releaseBadge(staff, published bool, release time.Time) app.UI {
	switch {
	case !staff:
		return nil
	case !published:
		return Badge("Draft", "warn")
	case release.After(time.Now()):
		return Badge("From "+FormatTime(release), "info")
	}
	return nil
}

func (p *materialsPage) items(items []lms.ModuleItem, module string) app.UI {
	return app.Ul().Class("rows").Body(app.Range(items).Slice(func(i int) app.UI { return p.item(items, i, module) }))
}

func (p *materialsPage) item(items []lms.ModuleItem, at int, module string) app.UI {
	i := items[at]
	row := app.Li().Class("row", "material-row")
	if p.edits() {
		row = p.draggable(row, i.ID, module, at)
	}
	if i.Kind == lms.ItemHeader {
		row = row.Class("row-header")
	}
	return row.Body(p.itemLink(i),
		app.If(p.edits(), func() app.UI {
			return app.Div().Class("row-actions").Body(p.publishButton(i), Menu("More for "+i.Title, Icon("more"), p.itemMenu(items, at, module)...))
		}))
}

func (p *materialsPage) itemLink(i lms.ModuleItem) app.UI {
	icon, meta, href := "link", i.URL, i.URL
	var badge app.UI
	switch i.Kind {
	case lms.ItemMaterial:
		icon, meta, href = materialIcon(*i.Material), materialMeta(*i.Material), CoursePath(p.id, "materials", i.ID)
		if p.staff() {
			badge = Badge(indexWords(*i.Material))
		}
	case lms.ItemAssignment:
		icon, meta, href = "clipboard", i.Points.String()+" points", CoursePath(p.id, "assignments", i.ID)
		if !i.DueAt.IsZero() {
			meta += " · " + DueText(i.DueAt)
		}
	case lms.ItemHeader:
		return app.Div().Class("row-link").Body(app.H3().Class("row-title").Text(i.Title), app.Span().Class("row-badges").Body(releaseBadge(p.staff(), i.Published, i.ReleaseAt)))
	}
	a := app.A().Class("row-link").Href(href)
	if i.Kind == lms.ItemLink {
		a = a.Target("_blank").Rel("noopener noreferrer")
	}
	return a.Body(Icon(icon),
		app.Span().Class("row-text").Body(app.Span().Class("row-title").Text(i.Title), app.Span().Class("row-meta").Text(meta)),
		app.Span().Class("row-badges").Body(releaseBadge(p.staff(), i.Published, i.ReleaseAt), badge))
}

// publishButton shows or hides a material, header or link; an assignment has a form for that.
func (p *materialsPage) publishButton(i lms.ModuleItem) app.UI {
	if i.Kind == lms.ItemAssignment {
		return nil
	}
	return Quiet(cond(i.Published, "Unpublish", "Publish"), cond(i.Published, "eye-off", "eye"), func(ctx app.Context, _ app.Event) {
		on := !i.Published
		work := Call(api.UpdateItem, api.UpdateItemInput{Course: p.id, Item: i.ID, Version: i.Version, Published: &on})
		if i.Material != nil {
			p.setPublished(ctx, *i.Material, on)
			return
		}
		p.do(ctx, work, "“"+i.Title+"” is "+cond(on, "published.", "a draft now; students no longer see it."))
	}, Each(i.ID, i.Version, i.Published))
}

func (p *materialsPage) itemMenu(items []lms.ModuleItem, at int, module string) []app.UI {
	i := items[at]
	var list []app.UI
	if i.Material != nil {
		list = append(list, app.A().Class("menu-item").Href(CoursePath(p.id, "materials", i.ID, "edit")).Body(Icon("edit"), text(cond(i.Material.Kind == lms.MaterialPage, "Edit", "Rename or replace"))))
	}
	if module != "" {
		list = append(list, p.entry("Details and release", "calendar", i.ID, func(app.Context) { p.editItem(i) }))
	}
	list = append(list,
		p.entry("Move up", "", i.ID, func(ctx app.Context) { p.order(ctx, p.outline.Value.MoveItem(i.ID, module, at-1)) }),
		p.entry("Move down", "", i.ID, func(ctx app.Context) { p.order(ctx, p.outline.Value.MoveItem(i.ID, module, at+1)) }))
	for _, m := range p.outline.Value.Modules {
		if m.ID != module {
			list = append(list, p.entry("Move to “"+m.Title+"”", "arrow-right", i.ID+m.ID, func(ctx app.Context) { p.order(ctx, p.outline.Value.MoveItem(i.ID, m.ID, len(m.Items))) }))
		}
	}
	if module != "" {
		list = append(list, p.entry("Take out of the module", "x", i.ID, func(ctx app.Context) {
			p.do(ctx, Call(api.DeleteItem, api.ItemPath{Course: p.id, Item: i.ID}), "“"+i.Title+"” is no longer in the module.")
		}))
	}
	if i.Material != nil {
		list = append(list, p.entry("Archive", "archive", i.ID, func(app.Context) { p.confirm = i.Material }))
	}
	return list
}

// entry is one action of a menu.
func (p *materialsPage) entry(label, icon, scope string, on func(app.Context)) app.UI {
	return app.Button().Type("button").Class("menu-item").OnClick(func(ctx app.Context, _ app.Event) { on(ctx) }, Each(label, scope, p.outline.Value.Version)).
		Body(iconIf(icon), text(label))
}

// do carries a change out and loads the page again.
func (p *materialsPage) do(ctx app.Context, w work[api.Empty], said string) {
	was := p.outline.Value.Version
	Async(ctx, w, func(ctx app.Context, _ api.Empty, err error) {
		if err != nil {
			ToastError(ctx, err)
		} else {
			Toast(ctx, "good", said)
			p.changed(was)
		}
		p.load(ctx)
	})
}

// changed notes that one's own change has made the next version, unless it has been loaded already: the next move need not
// wait for the page to be loaded again.
func (p *materialsPage) changed(was int64) {
	if p.outline.Value.Version == was {
		p.outline.Value.Version++
	}
}

// order shows the new order at once and sends it. It must come from what is there at the click, not from what was last drawn:
// the answer to the order before may lie between the two. A further one meanwhile goes after it; if the cluster refuses one, what is
// there is loaded again.
func (p *materialsPage) order(ctx app.Context, o lms.Outline) {
	p.outline.Set(o) // an answer on its way would bring back what was moved
	if p.ordering {
		p.again = true
		return
	}
	modules, loose := o.Order()
	in := api.OrderInput{Course: p.id, Version: o.Version, Modules: modules, Loose: loose}
	p.ordering = true
	Async(ctx, Call(api.OrderOutline, in), func(ctx app.Context, _ api.Empty, err error) {
		again := p.again && err == nil
		p.ordering, p.again = false, false
		if err != nil {
			ToastError(ctx, err)
		} else {
			p.outline.Value.Version = in.Version + 1
		}
		if again {
			p.order(ctx, p.outline.Value)
			return
		}
		p.load(ctx)
	})
}

// draggable lets a row be dragged, and takes what is dropped on it.
func (p *materialsPage) draggable(row app.HTMLLi, id, module string, at int) app.HTMLLi {
	return row.Draggable(true).
		On("dragstart", func(ctx app.Context, e app.Event) { p.dragged = id }, Each(id)).
		On("dragover", func(_ app.Context, e app.Event) { e.PreventDefault() }, Each(id)).
		On("drop", func(ctx app.Context, e app.Event) { p.drop(ctx, e, module, at) }, Each(id, module, at))
}

func (p *materialsPage) dropZone(module string, content app.UI) app.UI {
	return app.Div().Class("module-empty").
		On("dragover", func(_ app.Context, e app.Event) { e.PreventDefault() }, Each(module)).
		On("drop", func(ctx app.Context, e app.Event) { p.drop(ctx, e, module, 0) }, Each(module)).Body(content)
}

func (p *materialsPage) drop(ctx app.Context, e app.Event, module string, at int) {
	e.PreventDefault()
	id := p.dragged
	p.dragged = ""
	if id != "" {
		p.order(ctx, p.outline.Value.MoveItem(id, module, at))
	}
}

func (p *materialsPage) archiveModule(m lms.Module) {
	close := func(app.Context) { p.dialog = nil }
	p.dialog = func() app.UI {
		return Confirm("archive-module", "Archive “"+m.Title+"”?", "Students no longer see the module and the materials in it. Assignments stay. It can be restored for 30 days.", "Archive",
			func(ctx app.Context) {
				p.dialog = nil
				p.do(ctx, Call(api.DeleteModule, api.ModulePath{Course: p.id, Module: m.ID}), "“"+m.Title+"” is archived. It can be restored at the end of this page.")
			}, close)
	}
}

func (p *materialsPage) archivedModules(modules []lms.Module) app.UI {
	return app.Details().Class("card", "fold").Body(
		app.Summary().Text("Archived modules ("+itoa(len(modules))+")"),
		app.Ul().Class("rows").Body(app.Range(modules).Slice(func(i int) app.UI {
			m := modules[i]
			return RowWith(Icon("archive"), m.Title, "archived "+Relative(m.ArchivedAt), Button("Restore", "arrow-left", func(ctx app.Context, _ app.Event) {
				p.do(ctx, Call(api.RestoreModule, api.ModulePath{Course: p.id, Module: m.ID}), "“"+m.Title+"” is restored.")
			}, Each(m.ID)).Aria("label", "Restore "+m.Title))
		})),
	)
}
