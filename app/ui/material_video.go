package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// video plays the material, with its captions.
func (p *materialPage) video(m lms.Material) app.UI {
	v := app.Elem("video").Attr("controls", true).Attr("preload", "metadata").Attr("src", contentPath(*m.File, true)).Aria("label", m.Title)
	if m.CaptionsID != "" {
		v = v.Body(app.Elem("track").Attr("kind", "captions").Attr("label", "Captions").Attr("default", true).
			Attr("src", pathOf(api.MaterialCaptions, api.MaterialPath{Course: m.CourseID, Material: m.ID})))
	}
	return app.Div().Class("stack").Body(v, app.If(p.staff() && !p.readOnly(), func() app.UI { return p.captions(m) }))
}

// captions lets staff choose the captions among the materials of the course.
func (p *materialPage) captions(m lms.Material) app.UI {
	options := []Option{{Label: "No captions"}}
	for _, c := range p.files.Value.Items {
		if c.Captions() {
			options = append(options, Option{Value: c.ID, Label: c.Title})
		}
	}
	return Card("Captions", nil, app.Div().Class("stack").Body(
		app.If(m.CaptionsID == "", func() app.UI {
			return Notice("warn", "This video has no captions: who cannot hear it misses what is said, and the tutor cannot find it.")
		}),
		p.files.View(1, p.loadFiles, func(api.Page[lms.Material]) app.UI {
			return Select(Field{ID: "captions", Label: "Caption file", Help: "A VTT or SRT file among the materials of this course. Students get it with the video, even if it is a draft.",
				Value: m.CaptionsID, On: p.onCaptions}, options...)
		})))
}

func (p *materialPage) loadFiles(ctx app.Context) {
	p.files.Load(ctx, Call(api.ListMaterials, api.CoursePath{Course: p.id}))
}

func (p *materialPage) onCaptions(ctx app.Context, _ app.Event) {
	id := ctx.JSSrc().Get("value").String()
	in := api.UpdateMaterialInput{Course: p.id, Material: p.mat, Version: p.material.Value.Version, Captions: &id}
	Async(ctx, Call(api.UpdateMaterial, in), func(ctx app.Context, m lms.Material, err error) {
		if err != nil {
			ToastError(ctx, err)
			p.load(ctx)
			return
		}
		p.material.Set(m)
		Toast(ctx, "good", cond(id == "", "The video has no captions now.", "The captions are part of the video now."))
	})
}

// onPageClick puts what an author has embedded into the page, once the reader has asked for it.
func onPageClick(_ app.Context, e app.Event) {
	target := e.Get("target")
	if !target.Get("closest").Truthy() {
		return
	}
	link := target.Call("closest", ".embed a")
	if !link.Truthy() {
		return
	}
	e.PreventDefault()
	frame := app.Window().Get("document").Call("createElement", "iframe")
	for _, a := range [][2]string{
		{"title", link.Get("title").String()},
		{"sandbox", "allow-scripts allow-same-origin allow-presentation"}, // its own origin is another site's
		{"referrerpolicy", "strict-origin"},                               // players refuse to play without it
		{"allow", "fullscreen; encrypted-media; picture-in-picture"},
		{"loading", "lazy"},
		{"src", link.Get("href").String()},
	} {
		frame.Call("setAttribute", a[0], a[1])
	}
	link.Get("parentNode").Call("replaceChildren", frame)
}
