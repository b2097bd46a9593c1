package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// materialForm writes a page, changes one, or renames a file.
type materialForm struct {
	app.Compo
	inCourse
	isNew   bool
	mat     string
	loaded  string
	kept    bool   // the fields come from this device or from a draft, not from what students see
	draftBy string // who wrote the draft on the site that the fields come from
	kind    lms.MaterialKind
	draft   materialDraft
	problem Problem
	busy    bool
	saver   draftSaver
	file    *transfer // a file that takes the place of the material's
	media   pageMedia
}

// materialDraft is what is typed and kept on this device.
type materialDraft struct {
	ID        string `json:"id"`
	Title     string `json:"title"`
	Body      string `json:"body"`
	Published bool   `json:"published"`
	Version   int64  `json:"version"`
}

func (p *materialForm) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	p.enter(ctx)
	isNew, mat := isNewPath(ctx), Param(ctx, "materials")
	if isNew == p.isNew && mat == p.mat {
		return
	}
	p.isNew, p.mat, p.loaded, p.problem, p.kept = isNew, mat, "", Problem{}, false
	afterSession(ctx, func(ctx app.Context) {
		p.loadMedia(ctx)
		if isNew {
			p.kind = lms.MaterialPage
			p.draft = materialDraft{ID: lms.NewID(), Published: true}
			p.kept = loadDraft(ctx, p.key(), &p.draft)
			p.loaded = mat
			return
		}
		p.fetch(ctx, true)
	})
}

// fetch reads the material; a text that this device keeps wins over it if wanted.
func (p *materialForm) fetch(ctx app.Context, keepMine bool) {
	mat := p.mat
	Async(ctx, Call(api.GetMaterial, api.MaterialPath{Course: p.id, Material: mat}), func(ctx app.Context, m lms.Material, err error) {
		if p.mat != mat {
			return
		}
		if err != nil {
			p.problem = ProblemOf(err)
			return
		}
		p.kind = m.Kind
		p.draft = materialDraft{ID: m.ID, Title: m.Title, Body: m.Body, Published: m.Published, Version: m.Version}
		p.kept = keepMine && loadDraft(ctx, p.key(), &p.draft)
		p.loaded = mat
		p.show()
		if keepMine && !p.kept && m.Kind == lms.MaterialPage {
			p.fetchDraft(ctx)
		}
	})
}

// show writes the fields into inputs that exist already.
func (p *materialForm) show() {
	SetValue("title", p.draft.Title)
	SetValue("body", p.draft.Body)
}

func (p *materialForm) key() string { return draftKey("material", p.id, p.mat) }

func (p *materialForm) Render() app.UI {
	title := "Edit the page"
	if p.isNew {
		title = "Write a page"
	} else if p.kind == lms.MaterialFile {
		title = "Rename the material"
	}
	return p.frame(&Shell{Title: title, Active: "materials", Back: Crumbs(p.label(), CoursePath(p.id), "Materials", CoursePath(p.id, "materials")),
		Content: app.If(p.loaded != "", func() app.UI {
			return app.Div().Body(p.form(), app.If(p.media.dialog != "", p.mediaDialog)) // a form within a form is none
		}).ElseIf(p.problem.Message != "", func() app.UI { return p.problem.Alert() }).
			Else(func() app.UI { return Skeleton(4) })})
}

func (p *materialForm) form() app.UI {
	return app.Form().Class("stack", "form", "form-wide").OnSubmit(p.submit).Body(
		p.problem.Alert("title", "body"),
		app.If(p.kept, func() app.UI {
			return Notice("info", cond(p.draftBy != "", "This is what "+p.draftBy+" was writing; students do not see it yet.", "This is your text from this device that was not saved yet."), app.Div().Class("actions").Body(
				Button("Discard it", "arrow-left", p.discard)))
		}),
		Input(Field{ID: "title", Label: "Title", Value: p.draft.Title, Error: p.problem.For("title"), On: p.onTitle}),
		app.If(p.kind == lms.MaterialPage, p.pageBody),
		Checkbox(Field{ID: "published", Label: "Students see it", Help: "A draft is visible to staff only and unknown to the tutor.", On: func(ctx app.Context, _ app.Event) {
			p.draft.Published = Checked(ctx)
			p.keep(ctx)
		}}, p.draft.Published),
		app.If(!p.isNew && p.kind == lms.MaterialFile, p.replace),
		app.Div().Class("actions").Body(Submit(cond(p.isNew, "Add the page", "Save"), "Saving", p.busy), LinkButton("Cancel", "", CoursePath(p.id, "materials")), p.saver.view()),
	)
}

func (p *materialForm) onTitle(ctx app.Context, _ app.Event) {
	p.draft.Title = ctx.JSSrc().Get("value").String()
	p.keep(ctx)
}

func (p *materialForm) onBody(ctx app.Context, _ app.Event) {
	p.draft.Body = ctx.JSSrc().Get("value").String()
	p.keep(ctx)
}

// keep stores the text on this device at once, and for an existing page on the site when the typing pauses.
func (p *materialForm) keep(ctx app.Context) {
	keepDraft(ctx, p.key(), p.draft)
	if !p.isNew && p.kind == lms.MaterialPage {
		d := p.draft
		p.saver.later(ctx, Call(api.SaveMaterialDraft, api.MaterialDraftInput{Course: p.id, Material: d.ID, Title: d.Title, Body: d.Body, Base: d.Version}))
	}
}

func (p *materialForm) discard(ctx app.Context, _ app.Event) {
	dropDraft(ctx, p.key())
	p.kept, p.draftBy = false, ""
	p.saver.stop()
	if !p.isNew {
		Async(ctx, Call(api.DiscardMaterialDraft, api.MaterialPath{Course: p.id, Material: p.mat}), func(ctx app.Context, _ api.Empty, err error) {
			if err != nil {
				ToastError(ctx, err)
			}
		})
	}
	if p.isNew {
		p.draft = materialDraft{ID: lms.NewID(), Published: true}
		p.show()
		return
	}
	p.fetch(ctx, false)
}

func (p *materialForm) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if p.busy {
		return
	}
	d := p.draft
	update := api.UpdateMaterialInput{Course: p.id, Material: d.ID, Version: d.Version, Title: &d.Title, Published: &d.Published}
	if p.kind == lms.MaterialPage {
		update.Body = &d.Body
	}
	create := api.MaterialInput{Course: p.id, ID: d.ID, Title: d.Title, Kind: lms.MaterialPage, Body: d.Body, Published: d.Published}
	work, err := Call(api.UpdateMaterial, update), update.Validate()
	if p.isNew {
		work, err = Call(api.CreateMaterial, create), create.Validate()
	}
	if err != nil {
		Fail(ctx, err, &p.problem)
		return
	}
	p.busy, p.problem = true, Problem{}
	p.saver.stop()
	Async(ctx, work, func(ctx app.Context, m lms.Material, err error) {
		p.busy = false
		if err != nil {
			Fail(ctx, err, &p.problem)
			return
		}
		dropDraft(ctx, p.key())
		Toast(ctx, "good", "“"+m.Title+"” is saved.")
		ctx.Navigate(CoursePath(p.id, "materials", m.ID))
	})
}
