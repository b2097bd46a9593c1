package ui

import (
	"context"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/lms"
)

// pdfView shows a PDF in the page. assets/web/pdf.js draws it, loaded when the first PDF is opened, and describes its events
// (pdfpage, pdfdraw, pdfarea, pdffail), and the places for an overlay; who needs
// them listens on an element around the view.
type pdfView struct {
	app.Compo
	ID     string // of the element
	File   lms.File
	Page   int              // that is shown; when it changes the view goes there
	Notes  []lms.Annotation // whose areas are shown on their pages
	Draw   bool             // the pointer draws areas
	view   app.Value
	page   int
	ready  bool           // the pages are there
	drawn  map[int]string // areas, by page
	failed string         // the view itself could not be loaded
}

// CompoID makes the view of another file another view.
func (v *pdfView) CompoID() string { return v.ID + v.File.ID }

// OnMount loads the view and opens the file. Through another node than the page's own the client fetches the bytes.
func (v *pdfView) OnMount(ctx app.Context) {
	v.page = v.Page
	loadScript(ctx, "/web/pdf.js", func() bool { return app.Window().Get("trivium").Truthy() }, func(ctx app.Context, ok bool) {
		switch {
		case !ok:
			v.failed = "The view of PDF files cannot be loaded. Open the file in a tab of its own, or download it."
		case API.Node() == "":
			v.open(contentPath(v.File, true))
		default:
			Async(ctx, func(c context.Context) ([]byte, error) {
				return API.Bytes(c, contentPath(v.File, false), lms.MaxFileSize)
			},
				func(_ app.Context, data []byte, err error) {
					if err != nil {
						v.failed = ProblemOf(err).Message
						return
					}
					bytes := app.Window().Get("Uint8Array").New(len(data))
					app.CopyBytesToJS(bytes, data)
					v.open(bytes)
				})
		}
	})
}

func (v *pdfView) open(source any) {
	if host := app.Window().GetElementByID(v.ID); host.Truthy() {
		v.view = app.Window().Get("trivium").Get("pdf").Call("open", host, source, map[string]any{"page": max(v.page, 1), "name": v.File.Name, "areas": v.Draw})
	}
}

// OnUpdate follows the page and the annotations.
func (v *pdfView) OnUpdate(app.Context) {
	v.showAreas()
	if v.Page == v.page || v.Page == 0 {
		return
	}
	v.page = v.Page
	if v.view != nil {
		v.view.Call("goto", v.page)
	}
}

func (v *pdfView) onPage(app.Context, app.Event) {
	v.ready = true
	v.showAreas()
}

// showAreas puts the areas of the annotations over the pages. Only what has changed is touched.
func (v *pdfView) showAreas() {
	if !v.ready || v.view == nil {
		return
	}
	now := areasByPage(v.Notes, v.File.ID)
	for page := range v.drawn {
		if _, ok := now[page]; !ok {
			now[page] = ""
		}
	}
	for page, areas := range now {
		if over := v.view.Call("overlay", page); areas != v.drawn[page] && over.Truthy() {
			over.Set("innerHTML", areas)
		}
	}
	v.drawn = now
}

// OnDismount frees what the view holds.
func (v *pdfView) OnDismount() {
	if v.view != nil {
		v.view.Call("close")
	}
}

// Render draws the empty element that the view fills.
func (v *pdfView) Render() app.UI {
	return app.Div().Body(
		app.Div().ID(v.ID).On("pdfpage", v.onPage),
		app.If(v.failed != "", func() app.UI { return Notice("warn", v.failed) }))
}

// loadScript loads a script of this site once, as a module. done runs on the UI goroutine, with false when it cannot be loaded.
func loadScript(ctx app.Context, src string, there func() bool, done func(ctx app.Context, ok bool)) {
	if there() {
		done(ctx, true)
		return
	}
	el := app.Window().Get("document").Call("createElement", "script")
	el.Set("type", "module")
	el.Set("src", src)
	end := func(ok bool) app.Func {
		return app.FuncOf(func(app.Value, []app.Value) any {
			ctx.Dispatch(func(ctx app.Context) { done(ctx, ok && there()) })
			return nil
		})
	}
	el.Set("onload", end(true))
	el.Set("onerror", end(false))
	app.Window().Get("document").Get("head").Call("append", el)
}
