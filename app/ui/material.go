package ui

import (
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// materialsPage lists the materials of a course; staff add, publish and archive them here.
type materialsPage struct {
	app.Compo
	inCourse
	list      Remote[api.Page[lms.Material]]
	archived  *lms.Material // the one that was archived last, for undo
	confirm   *lms.Material
	publish   bool // new files are visible at once
	problem   Problem
	stop      func()
	polling   bool
	setTopics func(...string)
}

func (p *materialsPage) OnMount(ctx app.Context) {
	p.publish = true
	p.stop = watchTransfers(ctx, p.onTransfers)
	p.setTopics = OnLive(ctx, time.Minute, p.load, "course/"+CourseParam(ctx))
}

func (p *materialsPage) OnDismount() {
	if p.stop != nil {
		p.stop()
	}
}

func (p *materialsPage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	if p.enter(ctx) {
		p.list.Reset()
		p.archived, p.confirm, p.problem = nil, nil, Problem{}
		if p.setTopics != nil {
			p.setTopics("course/" + p.id)
		}
	}
	p.load(ctx)
}

func (p *materialsPage) load(ctx app.Context) {
	p.list.Load(ctx, Call(api.ListMaterials, api.CoursePath{Course: p.id}), p.poll)
}

// poll looks again soon while something is being read by the tutor.
func (p *materialsPage) poll(ctx app.Context) {
	if p.polling {
		return
	}
	for _, m := range p.list.Value.Items {
		if m.Index == lms.IndexPending {
			p.polling = true
			ctx.After(2*time.Second, func(ctx app.Context) {
				p.polling = false
				p.load(ctx)
			})
			return
		}
	}
}

func (p *materialsPage) onTransfers(ctx app.Context) {
	if takeFinishedUploads(p.id) > 0 {
		p.load(ctx)
	}
}

func (p *materialsPage) Render() app.UI {
	return p.frame(&Shell{
		Title: "Materials", Active: "materials", Back: Crumbs(p.label(), CoursePath(p.id)),
		Actions: app.If(p.staff() && !p.readOnly(), func() app.UI {
			return LinkButton("Write a page", "plus", CoursePath(p.id, "materials", "new"))
		}),
		Content: app.If(!p.ready(), func() app.UI { return Skeleton(5) }).Else(p.body),
	})
}

func (p *materialsPage) body() app.UI {
	return app.Div().Class("stack").Body(
		app.If(p.staff() && !p.readOnly(), p.uploadBox),
		app.If(p.archived != nil, p.undoNotice),
		p.list.View(4, p.load, func(page api.Page[lms.Material]) app.UI {
			if len(page.Items) == 0 {
				return Empty("book-open", "No materials yet", cond(p.staff(),
					"Upload a PDF, a Word document or slides, or write a page. Published materials can be read by the tutor.",
					"Your instructor has not published any materials."))
			}
			return RowsOf(page.Items, func(m lms.Material) app.UI {
				if p.staff() && !p.readOnly() {
					return p.staffRow(m)
				}
				return materialRow(m, false)
			})
		}),
		app.If(p.confirm != nil, p.confirmDialog),
	)
}

func (p *materialsPage) uploadBox() app.UI {
	uploads := materialUploads(p.id)
	return Card("Add files", nil,
		p.problem.Alert(),
		FilePicker("material-files", "Choose files, or drop them here", "PDF, Word, PowerPoint, Markdown or any other type, at most "+lms.FormatBytes(lms.MaxFileSize)+" each.", true, "", p.onPick),
		Checkbox(Field{ID: "publish-at-once", Label: "Students see them as soon as they have arrived", On: func(ctx app.Context, _ app.Event) { p.publish = Checked(ctx) }}, p.publish),
		app.If(len(uploads) > 0, func() app.UI {
			return app.Ul().Class("transfers").Aria("label", "Uploads").Body(app.Range(uploads).Slice(func(i int) app.UI {
				u := uploads[i]
				if u.err == nil {
					return transferView(u.transfer)
				}
				return app.Li().Class("transfer").Body(Notice("bad", u.name+": "+ProblemOf(u.err).Message, app.Div().Class("actions").Body(
					Button("Try again", "refresh-cw", func(ctx app.Context, _ app.Event) { retryMaterialUpload(u.key) }, Each(u.key)),
					Quiet("Dismiss", "x", func(ctx app.Context, _ app.Event) { dropMaterialUpload(u.key) }, Each(u.key)),
				)))
			}))
		}),
	)
}

func (p *materialsPage) onPick(ctx app.Context, _ app.Event) {
	p.problem = Problem{}
	for _, b := range pickedFiles("material-files") {
		f := lms.File{Name: b.Name(), Size: b.Size()}
		if err := f.CheckMaterialType(); err != nil {
			p.problem = ProblemOf(err)
			continue
		}
		startMaterialUpload(p.id, b, p.publish)
	}
}

func (p *materialsPage) undoNotice() app.UI {
	m := *p.archived
	return app.Div().Role("status").Body(Notice("info", "“"+m.Title+"” is archived. Students no longer see it.", app.Div().Class("actions").Body(
		Button("Undo", "arrow-left", func(ctx app.Context, _ app.Event) { p.restore(ctx, m) }),
		Quiet("Dismiss", "x", func(ctx app.Context, _ app.Event) { p.archived = nil }),
	)))
}

func (p *materialsPage) confirmDialog() app.UI {
	m := *p.confirm
	return Confirm("archive", "Archive “"+m.Title+"”?", "Students, the search and the tutor no longer see it. It can be restored for 30 days.", "Archive",
		func(ctx app.Context) { p.archive(ctx, m) }, func(ctx app.Context) { p.confirm = nil })
}

func (p *materialsPage) archive(ctx app.Context, m lms.Material) {
	p.confirm = nil
	Async(ctx, Call(api.DeleteMaterial, api.MaterialPath{Course: p.id, Material: m.ID}), func(ctx app.Context, _ api.Empty, err error) {
		if err != nil {
			ToastError(ctx, err)
			return
		}
		p.archived = &m
		p.load(ctx)
	})
}

func (p *materialsPage) restore(ctx app.Context, m lms.Material) {
	Async(ctx, Call(api.RestoreMaterial, api.MaterialPath{Course: p.id, Material: m.ID}), func(ctx app.Context, _ lms.Material, err error) {
		if err != nil {
			ToastError(ctx, err)
			return
		}
		p.archived = nil
		Toast(ctx, "good", "“"+m.Title+"” is restored.")
		p.load(ctx)
	})
}

func (p *materialsPage) setPublished(ctx app.Context, m lms.Material, on bool) {
	in := api.UpdateMaterialInput{Course: p.id, Material: m.ID, Version: m.Version, Published: &on}
	Async(ctx, Call(api.UpdateMaterial, in), func(ctx app.Context, _ lms.Material, err error) {
		if err != nil {
			ToastError(ctx, err)
		} else {
			Toast(ctx, "good", "“"+m.Title+"” is "+cond(on, "published.", "a draft now; students no longer see it."))
		}
		p.load(ctx)
	})
}

// staffRow adds state and actions to a material.
func (p *materialsPage) staffRow(m lms.Material) app.UI {
	index, tone := indexWords(m)
	edit := app.A().Class("menu-item").Href(CoursePath(p.id, "materials", m.ID, "edit")).Body(Icon("edit"), text(cond(m.Kind == lms.MaterialPage, "Edit", "Rename")))
	return app.Li().Class("row", "material-row").Body(
		app.A().Class("row-link").Href(CoursePath(p.id, "materials", m.ID)).Body(
			Icon(materialIcon(m)),
			app.Span().Class("row-text").Body(
				app.Span().Class("row-title").Text(m.Title),
				app.Span().Class("row-meta").Text(materialMeta(m)),
			),
			app.Span().Class("row-badges").Body(app.If(!m.Published, func() app.UI { return Badge("Draft", "warn") }), Badge(index, tone)),
		),
		app.Div().Class("row-actions").Body(
			Quiet(cond(m.Published, "Unpublish", "Publish"), cond(m.Published, "eye-off", "eye"), func(ctx app.Context, _ app.Event) { p.setPublished(ctx, m, !m.Published) }, Each(m.ID, m.Version)),
			Menu("More for "+m.Title, Icon("more"), edit,
				app.Button().Type("button").Class("menu-item").OnClick(func(ctx app.Context, _ app.Event) { p.confirm = &m }, Each(m.ID, m.Version)).Body(Icon("archive"), text("Archive"))),
		),
	)
}

// indexWords says whether the tutor can read the material.
func indexWords(m lms.Material) (label, tone string) {
	switch m.Index {
	case lms.IndexReady:
		return "Readable by the tutor", "good"
	case lms.IndexFailed:
		return "Not indexed", "warn"
	}
	return "Being read", "info"
}

func materialMeta(m lms.Material) string {
	meta := "Page"
	if m.File != nil {
		meta = m.File.Name + ", " + lms.FormatBytes(m.File.Size)
	}
	if m.Index == lms.IndexFailed && m.IndexNote != "" {
		meta += " · not indexed: " + m.IndexNote
	}
	return meta + " · changed " + Relative(m.UpdatedAt)
}

func materialIcon(m lms.Material) string {
	return cond(m.Kind == lms.MaterialPage, "book-open", "file-text")
}

// materialRow leads to a material.
func materialRow(m lms.Material, staff bool) app.UI {
	r := &Row{ID: m.ID, Href: CoursePath(m.CourseID, "materials", m.ID), Icon: materialIcon(m), Title: m.Title, Meta: materialMeta(m)}
	if staff && !m.Published {
		r.Badge, r.Tone = "Draft", "warn"
	}
	return r
}
