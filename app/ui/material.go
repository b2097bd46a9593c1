package ui

import (
	"slices"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// materialsPage shows the content of a course by modules; staff add, order, publish and archive it here.
type materialsPage struct {
	app.Compo
	inCourse
	outline   Remote[lms.Outline]
	archived  *lms.Material // the one that was archived last, for undo
	confirm   *lms.Material
	dialog    func() app.UI // nil: none is open
	dragged   string        // id of the item under the pointer
	ordering  bool          // an order is on its way to the cluster
	again     bool          // what is shown has another order by now
	publish   bool          // new files are visible at once
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
		p.outline.Reset()
		p.archived, p.confirm, p.dialog, p.problem = nil, nil, nil, Problem{}
		if p.setTopics != nil {
			p.setTopics("course/" + p.id)
		}
	}
	p.load(ctx)
}

func (p *materialsPage) load(ctx app.Context) {
	if p.ordering {
		return // it would bring back what was moved; the answer to the order loads again
	}
	p.outline.Load(ctx, Call(api.GetOutline, api.CoursePath{Course: p.id}), p.poll)
}

// poll looks again soon while something is being read by the tutor.
func (p *materialsPage) poll(ctx app.Context) {
	if p.polling {
		return
	}
	reading := slices.ContainsFunc(allItems(p.outline.Value), func(i lms.ModuleItem) bool {
		return i.Material != nil && i.Material.Index == lms.IndexPending
	})
	if reading {
		p.polling = true
		ctx.After(2*time.Second, func(ctx app.Context) {
			p.polling = false
			p.load(ctx)
		})
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
			return app.Div().Class("actions").Body(
				Button("Add a module", "plus", func(ctx app.Context, _ app.Event) { p.editModule(nil) }),
				LinkButton("Write a page", "edit", CoursePath(p.id, "materials", "new")))
		}),
		Content: app.If(!p.ready(), func() app.UI { return Skeleton(5) }).Else(p.body),
	})
}

func (p *materialsPage) body() app.UI {
	return app.Div().Class("stack").Body(
		app.If(p.staff() && !p.readOnly(), p.uploadBox),
		app.If(p.archived != nil, p.undoNotice),
		p.outline.View(4, p.load, p.modules),
		app.If(p.dialog != nil, func() app.UI { return p.dialog() }),
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
