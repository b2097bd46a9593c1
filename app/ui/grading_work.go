package ui

import (
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/lms"
)

// work shows what an attempt holds, with its annotations.
func (p *gradingPage) work(s lms.Submission) app.UI {
	label, tone := stateBadge(s)
	rest := s
	rest.Text = "" // it has a place of its own, with line numbers
	return Card("Attempt "+itoa(s.Attempt), []app.UI{app.Span().Class("muted").Text(FormatTime(s.SubmittedAt)), Badge(label, tone),
		app.If(p.staff(), func() app.UI { return p.archiveLink(s) })},
		app.If(s.Text == "" && s.URL == "" && len(s.Files) == 0, func() app.UI { return app.P().Class("muted").Text("This attempt is empty.") }),
		app.If(s.Text != "", func() app.UI { return p.textPart(cleanText([]byte(s.Text)), "", "The text that was handed in", false) }),
		attemptBody(rest),
		app.Div().Class("stack").Body(app.Range(withCourse(s)).Slice(func(i int) app.UI { return p.preview(withCourse(s)[i]) })),
	)
}

// maxPreview bounds a text that is shown in the page.
const maxPreview = 256 << 10

// textPart shows a text with line numbers and its annotations.
func (p *gradingPage) textPart(s, file, name string, code bool) app.UI {
	count := plural(len(strings.Fields(s)), "word")
	if code {
		count = plural(strings.Count(strings.TrimSuffix(s, "\n"), "\n")+1, "line")
	}
	box := app.Div().Class("panel", "work-text").TabIndex(0).Role("region").Aria("label", name).Attr("dir", "auto").DataSet("work", file).OnClick(p.onMark, Each(file, p.sub))
	if code {
		box = box.Class("work-code")
	}
	return app.Div().Class("stack-tight").Body(box.Body(app.Raw(markedText(s, p.extra().notes, file))),
		app.P().Class("fine").Text(cond(file != "", name+", ", "")+count))
}

// onMark shows the annotation of the place that was clicked.
func (p *gradingPage) onMark(ctx app.Context, e app.Event) {
	if mark := e.Get("target").Call("closest", "[data-note]"); mark.Truthy() {
		reveal("note-" + mark.Get("dataset").Get("note").String())
	}
}

// preview shows pictures, PDF, texts and code in the page. Everything else is opened in a tab of its own or downloaded.
func (p *gradingPage) preview(f lms.File) app.UI {
	isText, code := shownText(f)
	switch {
	case !f.Complete():
		return nil
	case strings.HasPrefix(f.Type, "image/") && opensInline(f):
		return app.Figure().Class("preview").Body(
			p.areas(f, 1, app.Img().Src(contentPath(f, true)).Alt("Picture "+f.Name).Attr("loading", "lazy").Attr("draggable", "false")),
			app.FigCaption().Class("fine").Text(f.Name))
	case isPDF(f):
		return p.pdfPart(f)
	case isText:
		r := p.texts[f.ID]
		switch {
		case r.Err != nil:
			return ErrorBox(r.Err, func(ctx app.Context) {
				delete(p.texts, f.ID)
				p.readText(ctx, f)
			})
		case !r.Ready && r.busy:
			return Skeleton(3)
		case !r.Ready:
			return app.Div().Class("actions").Body(Button("Show "+f.Name, "eye", func(ctx app.Context, _ app.Event) { p.readText(ctx, f) }, Each(f.ID)))
		case strings.ContainsRune(r.Value, 0):
			return app.P().Class("muted").Text(f.Name + " is no text. Download it.")
		}
		return p.textPart(r.Value, f.ID, f.Name, code)
	}
	return nil
}

// areas lays the annotated areas of a page over it. Whatever draws the page, the layer above it is this one: it has the
// size of what it is laid over, and its places are shares of that.
func (p *gradingPage) areas(f lms.File, page int, under app.UI) app.UI {
	box := app.Div().Class("page-area").OnClick(p.onMark, Each(f.ID, page, p.sub))
	if p.staff() && !p.readOnly() {
		box = box.On("pointerdown", func(ctx app.Context, e app.Event) {
			if e.Get("pointerType").String() == "mouse" && e.Get("button").Int() == 0 {
				p.drag = pointAt(ctx, e)
			}
		}, Each(f.ID, page, p.sub)).On("pointerup", func(ctx app.Context, e app.Event) {
			from, to := p.drag, pointAt(ctx, e)
			p.drag = [2]float64{-1, -1}
			a := lms.Anchor{Page: page, X: shareOf(min(from[0], to[0])), Y: shareOf(min(from[1], to[1]))}
			a.Width, a.Height = shareOf(max(from[0], to[0]))-a.X, shareOf(max(from[1], to[1]))-a.Y
			if from[0] >= 0 && a.Width > 50 && a.Height > 50 { // else it was a click
				p.annotateArea(ctx, f.ID, a)
			}
		}, Each(f.ID, page, p.sub))
	}
	return box.Body(under, app.Raw(areasOf(p.extra().notes, f.ID, page)))
}

// pointAt is where a pointer is on an element, as shares of its size.
func pointAt(ctx app.Context, e app.Event) [2]float64 {
	r := ctx.JSSrc().Call("getBoundingClientRect")
	w, h := max(r.Get("width").Float(), 1), max(r.Get("height").Float(), 1)
	return [2]float64{(e.Get("clientX").Float() - r.Get("left").Float()) / w, (e.Get("clientY").Float() - r.Get("top").Float()) / h}
}

// shareOf is a share in the units of an anchor.
func shareOf(x float64) int { return int(min(max(x, 0), 1)*lms.AnchorScale + 0.5) }
