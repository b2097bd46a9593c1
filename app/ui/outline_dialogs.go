package ui

import (
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// outlineDialog changes a module or an item, or adds one.
type outlineDialog struct {
	app.Compo
	page    *materialsPage
	module  *lms.Module     // to change, or to add to; nil: a new one
	item    *lms.ModuleItem // to change
	add     bool            // an item to the module
	kind    lms.ItemKind
	chosen  string // material or assignment
	title   string
	url     string
	release string // as the input has it
	id      string // of what is added, so that a second click adds nothing
	choices Remote[api.Page[lms.Assignment]]
	busy    bool
	problem Problem
}

func (p *materialsPage) open(d *outlineDialog) {
	d.page, d.id = p, lms.NewID()
	p.dialog = func() app.UI { return d }
}

func (p *materialsPage) editModule(m *lms.Module) {
	d := &outlineDialog{module: m}
	if m != nil {
		d.title, d.release = m.Title, inputTime(m.ReleaseAt)
	}
	p.open(d)
}

func (p *materialsPage) addItem(m lms.Module) {
	p.open(&outlineDialog{module: &m, add: true, kind: lms.ItemMaterial})
}

func (p *materialsPage) editItem(i lms.ModuleItem) {
	p.open(&outlineDialog{item: &i, kind: i.Kind, title: i.Title, url: i.URL, release: inputTime(i.ReleaseAt)})
}

func inputTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return FormatInput(t)
}

func (d *outlineDialog) OnMount(ctx app.Context) {
	if d.add {
		d.choices.Load(ctx, Call(api.ListAssignments, api.CoursePath{Course: d.page.id}))
	}
}

func (d *outlineDialog) close(ctx app.Context) {
	d.page.dialog = nil
	ctx.Dispatch(func(app.Context) {})
	d.page.load(ctx)
}

func (d *outlineDialog) Render() app.UI {
	title, action := "Add a module", "Add"
	switch {
	case d.add:
		title = "Add to “" + d.module.Title + "”"
	case d.item != nil:
		title, action = "“"+d.item.Title+"”", "Save"
	case d.module != nil:
		title, action = "Title and release", "Save"
	}
	return NewDialog("outline", title, d.close, DialogForm(d.submit, d.close, Submit(action, "Saving", d.busy),
		d.problem.Alert("title", "url", "releaseAt", "id"),
		app.If(d.add, d.kinds),
		app.If(d.titled(), func() app.UI {
			return Input(Field{ID: "title", Label: "Title", Value: d.title, Error: d.problem.For("title"), On: d.ValueTo(&d.title)})
		}),
		app.If(d.kind == lms.ItemLink, func() app.UI {
			return Input(Field{ID: "url", Label: "Address", Type: "url", Value: d.url, Placeholder: "https://", Error: d.problem.For("url"), On: d.ValueTo(&d.url)})
		}),
		app.If(!d.add && (d.item != nil || d.module != nil), func() app.UI {
			return Input(Field{ID: "releaseAt", Label: "Students see it from", Type: "datetime-local", Optional: true, Value: d.release,
				Help: "Empty: as soon as it is published. In your time zone, " + Zone() + ".", Error: d.problem.For("releaseAt"), On: d.ValueTo(&d.release)})
		}),
	))
}

// titled reports whether the title is of the item itself; materials and assignments have one elsewhere.
func (d *outlineDialog) titled() bool {
	return d.kind == "" || d.kind == lms.ItemHeader || d.kind == lms.ItemLink
}

func (d *outlineDialog) kinds() app.UI {
	o := d.page.outline.Value
	var options []Option
	switch d.kind {
	case lms.ItemMaterial:
		for _, i := range o.Loose {
			options = append(options, Option{Value: i.ID, Label: i.Title})
		}
	case lms.ItemAssignment:
		placed := map[string]bool{}
		for _, i := range allItems(o) {
			placed[i.ID] = true
		}
		for _, a := range d.choices.Value.Items {
			if !placed[a.ID] {
				options = append(options, Option{Value: a.ID, Label: a.Title})
			}
		}
	}
	if d.chosen == "" && len(options) > 0 {
		d.chosen = options[0].Value
	}
	return app.Div().Class("stack").Body(
		Select(Field{ID: "kind", Label: "What", Value: string(d.kind), On: func(ctx app.Context, _ app.Event) {
			d.kind, d.chosen, d.problem = lms.ItemKind(ctx.JSSrc().Get("value").String()), "", Problem{}
		}}, Option{Value: "material", Label: "A page or file that is in no module"}, Option{Value: "assignment", Label: "An assignment"},
			Option{Value: "link", Label: "A link to a web page"}, Option{Value: "header", Label: "A heading between items"}),
		app.If(!d.titled() && len(options) > 0, func() app.UI {
			return Select(Field{ID: "id", Label: "Which", Value: d.chosen, Error: d.problem.For("id"), On: func(ctx app.Context, _ app.Event) { d.chosen = ctx.JSSrc().Get("value").String() }}, options...)
		}),
		app.If(!d.titled() && len(options) == 0, func() app.UI {
			return app.P().Class("muted").Text(cond(d.kind == lms.ItemMaterial, "Everything is in a module already. Upload a file or write a page first.", "There is no assignment that is in no module."))
		}),
	)
}

func (d *outlineDialog) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if d.busy {
		return
	}
	w, err := d.work()
	if err != nil {
		Fail(ctx, err, &d.problem)
		return
	}
	d.busy, d.problem = true, Problem{}
	was := d.page.outline.Value.Version
	Async(ctx, w, func(ctx app.Context, _ api.Empty, err error) {
		d.busy = false
		if err != nil {
			Fail(ctx, err, &d.problem)
			return
		}
		d.page.changed(was)
		d.close(ctx)
	})
}

func (d *outlineDialog) work() (work[api.Empty], error) {
	course := d.page.id
	var release time.Time
	if d.release != "" {
		var err error
		if release, err = ParseInput(d.release); err != nil {
			return nil, lms.FieldErrorf(lms.KindRule, "releaseAt", "This is not a date and time. Choose one, or leave it empty.")
		}
	}
	switch {
	case d.add:
		in := api.ItemInput{Course: course, Module: d.module.ID, ID: d.id, Kind: d.kind, Title: d.title, URL: d.url, Published: true}
		if !d.titled() {
			in.ID, in.Title = d.chosen, ""
			if d.chosen == "" {
				return nil, lms.Errorf(lms.KindRule, "There is nothing to choose.")
			}
		}
		return Call(api.CreateItem, in), in.Validate()
	case d.item != nil:
		in := api.UpdateItemInput{Course: course, Item: d.item.ID, Version: d.item.Version, ReleaseAt: &release}
		if d.titled() {
			in.Title = &d.title
		}
		if d.kind == lms.ItemLink {
			in.URL = &d.url
		}
		return Call(api.UpdateItem, in), in.Validate()
	case d.module != nil:
		in := api.UpdateModuleInput{Course: course, Module: d.module.ID, Version: d.module.Version, Title: &d.title, ReleaseAt: &release}
		return Call(api.UpdateModule, in), in.Validate()
	}
	in := api.ModuleInput{Course: course, ID: d.id, Title: d.title, Published: true}
	return Call(api.CreateModule, in), in.Validate()
}
