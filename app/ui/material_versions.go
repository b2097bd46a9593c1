package ui

import (
	"context"
	"strconv"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// fetchDraft takes up what somebody of the staff was writing, if it began from what students see now.
func (p *materialForm) fetchDraft(ctx app.Context) {
	mat := p.mat
	Async(ctx, Call(api.GetMaterialDraft, api.MaterialPath{Course: p.id, Material: mat}), func(ctx app.Context, d lms.MaterialDraft, err error) {
		if err != nil || p.mat != mat || d.SavedAt.IsZero() || d.Base != p.draft.Version || d.Title == p.draft.Title && d.Body == p.draft.Body {
			return // there is none, or it is older than what was published since
		}
		p.draft.Title, p.draft.Body = d.Title, d.Body
		p.kept, p.draftBy = true, d.By
		p.show()
	})
}

// replace puts another file in the place of the material's; its address stays.
func (p *materialForm) replace() app.UI {
	var sending app.UI
	if p.file != nil && p.file.err == nil {
		sending = app.Ul().Class("transfers").Body(transferView(*p.file))
	}
	return app.Div().Class("field").Body(sending,
		FilePicker("replace-file", "Replace the file", "The address stays the same; the old file is kept among the versions.", false, "", p.onReplace))
}

func (p *materialForm) onReplace(ctx app.Context, _ app.Event) {
	picked := pickedFiles("replace-file")
	if len(picked) != 1 || p.file != nil && p.file.err == nil {
		return
	}
	b, course, in := picked[0], p.id, api.ReplaceFileInput{Course: p.id, Material: p.draft.ID, Version: p.draft.Version}
	f := lms.File{Name: b.Name(), Size: b.Size()}
	if err := f.CheckMaterialType(); err != nil {
		p.problem = ProblemOf(err)
		return
	}
	u := newTransfer(b)
	p.file, p.problem = u, Problem{}
	stop := watchTransfers(ctx, func(ctx app.Context) {})
	Async(ctx, func(c context.Context) (lms.Material, error) {
		if err := u.prepare(c, course); err != nil {
			return lms.Material{}, err
		}
		if _, err := u.deliver(c); err != nil {
			return lms.Material{}, err
		}
		in.FileID = u.file.ID
		return api.Call(c, API, api.ReplaceMaterialFile, in)
	}, func(ctx app.Context, m lms.Material, err error) {
		stop()
		p.file = nil
		if err != nil {
			p.problem = ProblemOf(err)
			return
		}
		p.draft.Version = m.Version
		Toast(ctx, "good", "The file is replaced by "+m.File.Name+".")
	})
}

// versionsDialog lists what was published of a material and brings an earlier version back.
type versionsDialog struct {
	app.Compo
	material lms.Material
	close    func(app.Context)
	restored func(app.Context, lms.Material)
	list     Remote[api.Page[lms.MaterialVersion]]
	shown    Remote[lms.MaterialVersion]
	busy     bool
}

func (d *versionsDialog) path() api.MaterialPath {
	return api.MaterialPath{Course: d.material.CourseID, Material: d.material.ID}
}

func (d *versionsDialog) OnMount(ctx app.Context) { d.load(ctx) }

func (d *versionsDialog) load(ctx app.Context) {
	d.list.Load(ctx, Call(api.ListMaterialVersions, d.path()))
}

func (d *versionsDialog) Render() app.UI {
	w := NewDialog("versions", "Versions of “"+d.material.Title+"”", d.close, d.list.View(3, d.load, d.rows))
	w.Wide = true
	return w
}

func (d *versionsDialog) rows(page api.Page[lms.MaterialVersion]) app.UI {
	if len(page.Items) == 0 {
		return Empty("clock", "Nothing has been published yet", "Each time this is published, its text is kept here.")
	}
	return app.Div().Class("stack").Body(
		app.Ul().Class("rows").Body(app.Range(page.Items).Slice(func(i int) app.UI {
			v := page.Items[i]
			meta := FormatTime(v.At) + " · " + v.By
			if v.File != nil {
				meta += " · " + v.File.Name + ", " + lms.FormatBytes(v.File.Size)
			}
			return RowWith(Icon("clock"), "Version "+strconv.Itoa(v.Number)+cond(i == 0, " (the latest)", ""), meta, d.actions(v, i == 0))
		})),
		app.If(d.shown.Ready, func() app.UI {
			return Card("Version "+strconv.Itoa(d.shown.Value.Number), nil, Plain(d.shown.Value.Body))
		}),
	)
}

func (d *versionsDialog) actions(v lms.MaterialVersion, latest bool) app.UI {
	return app.Div().Class("actions").Body(
		app.If(v.File == nil, func() app.UI {
			return Quiet("Show", "eye", func(ctx app.Context, _ app.Event) {
				d.shown.Load(ctx, Call(api.GetMaterialVersion, api.VersionPath{Course: d.material.CourseID, Material: d.material.ID, Number: v.Number}))
			}, Each(v.Number)).Aria("label", "Show version "+strconv.Itoa(v.Number))
		}).Else(func() app.UI { return downloadButton("Download", *v.File) }),
		app.If(!latest, func() app.UI {
			return Busy(Button("Restore", "arrow-left", func(ctx app.Context, _ app.Event) { d.restore(ctx, v) }, Each(v.Number)).Aria("label", "Restore version "+strconv.Itoa(v.Number)), d.busy)
		}),
	)
}

func (d *versionsDialog) restore(ctx app.Context, v lms.MaterialVersion) {
	d.busy = true
	in := api.RestoreVersionInput{Course: d.material.CourseID, Material: d.material.ID, Number: v.Number, Version: d.material.Version}
	Async(ctx, Call(api.RestoreVersion, in), func(ctx app.Context, m lms.Material, err error) {
		d.busy = false
		if err != nil {
			ToastError(ctx, err)
			return
		}
		Toast(ctx, "good", "Version "+strconv.Itoa(v.Number)+" is what students see now.")
		d.restored(ctx, m)
	})
}
