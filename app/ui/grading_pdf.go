package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/lms"
)

// pdfAt is where a PDF of the work is opened, and what the view has told of it.
type pdfAt struct {
	open        int // page to begin at; 0: it was not asked for
	page, pages int // 0 until the view is there
}

func isPDF(f lms.File) bool { return f.Type == "application/pdf" }

// pdfPart shows a PDF with its annotations. The first one of the work is open; others wait until somebody wants them.
func (p *gradingPage) pdfPart(f lms.File) app.UI {
	at := p.pdfs[f.ID]
	if at.open == 0 && !p.firstPDF(f) {
		return app.Div().Class("actions").Body(Button("Show "+f.Name, "eye", func(app.Context, app.Event) { p.openPDF(f.ID, 1) }, Each(f.ID)))
	}
	draws := p.staff() && !p.readOnly()
	return app.Div().OnClick(p.onMark, Each(f.ID, p.sub)).
		On("pdfpage", func(_ app.Context, e app.Event) {
			at, d := p.pdfs[f.ID], e.Get("detail")
			at.page, at.pages = d.Get("page").Int(), d.Get("pages").Int()
			p.keepPDF(f.ID, at)
		}, Each(f.ID, p.sub)).
		On("pdfarea", func(ctx app.Context, e app.Event) {
			d := e.Get("detail")
			share := func(name string) int { return shareOf(d.Get(name).Float()) }
			p.annotateArea(ctx, f.ID, lms.Anchor{Page: d.Get("page").Int(), X: share("x"), Y: share("y"), Width: share("width"), Height: share("height")})
		}, Each(f.ID, p.sub)).
		Body(&pdfView{ID: "pdf-" + f.ID, File: f, Page: at.open, Notes: p.extra().notes, Draw: draws})
}

func (p *gradingPage) firstPDF(f lms.File) bool {
	for _, other := range p.submission.Value.Files {
		if isPDF(other) && other.Complete() {
			return other.ID == f.ID
		}
	}
	return false
}

func (p *gradingPage) keepPDF(file string, at pdfAt) {
	if p.pdfs == nil {
		p.pdfs = map[string]pdfAt{}
	}
	p.pdfs[file] = at
}

func (p *gradingPage) openPDF(file string, page int) { p.keepPDF(file, pdfAt{open: page}) }

// pageInView is the page of a file that is being read, for the form of an annotation.
func (p *gradingPage) pageInView(file string) string { return itoa(max(p.pdfs[file].page, 1)) }

// showNote shows the place of an annotation in the work; a PDF that is not open yet opens there.
func (p *gradingPage) showNote(n lms.Annotation) {
	if f, ok := p.fileOf(n.FileID); ok && isPDF(f) && p.pdfs[f.ID].pages == 0 {
		p.openPDF(f.ID, n.Anchor.Page)
		return
	}
	reveal("mark-" + n.ID)
}

// areaPlace names the place of an area.
func areaPlace(f lms.File, a lms.Anchor) string {
	return f.Name + cond(isPDF(f), ", page "+itoa(a.Page), "")
}
