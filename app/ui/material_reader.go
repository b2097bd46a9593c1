package ui

import (
	"strconv"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// materialPage reads one material. A citation opens it at #p<ordinal>: a PDF at its page, anything else at the passage, which is
// marked and has the keyboard.
type materialPage struct {
	app.Compo
	inCourse
	mat      string
	material Remote[lms.Material]
	passages Remote[api.Page[lms.Passage]]
	tutor    Remote[api.TutorStatus]
	target   int                            // ordinal of the cited passage; 0: none
	files    Remote[api.Page[lms.Material]] // of the course, for captions
	versions bool                           // the dialog is open

	outlining bool
}

// OnMount follows a draft, to which a summary may be added.
func (p *materialPage) OnMount(ctx app.Context) {
	OnLive(ctx, time.Minute, func(ctx app.Context) {
		if m := p.material.Value; m.ID == p.mat && m.Kind == lms.MaterialPage && !m.Published {
			p.load(ctx)
		}
	}, "course/"+CourseParam(ctx))
}

// outline has a draft made of the topics and key terms of the material, with a summary where a language model is set up (TUTOR-31).
func (p *materialPage) outline(ctx app.Context, _ app.Event) {
	p.outlining = true
	Async(ctx, Call(api.OutlineMaterial, api.OutlineInput{Course: p.id, Material: p.mat, ID: lms.NewID()}), func(ctx app.Context, m lms.Material, err error) {
		p.outlining = false
		if err != nil {
			ToastError(ctx, err)
			return
		}
		Toast(ctx, "good", "The outline is a draft."+cond(p.tutor.Value.Model != "", " A summary is added in a minute or two.", ""))
		ctx.Navigate(CoursePath(p.id, "materials", m.ID))
	})
}

func (p *materialPage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	if p.enter(ctx) {
		p.tutor.Reset()
		p.tutor.Load(ctx, Call(api.TutorInfo, api.CoursePath{Course: p.id}))
	}
	p.target = targetOf(ctx.Page().URL().Fragment)
	if mat := Param(ctx, "materials"); mat != p.mat {
		p.mat = mat
		p.material.Reset()
		p.passages.Reset()
		p.files.Reset()
		p.load(ctx)
	}
	p.reveal(ctx)
}

// targetOf reads "p12" as 12.
func targetOf(fragment string) int {
	number, ok := strings.CutPrefix(fragment, "p")
	n, err := strconv.Atoi(number)
	if !ok || err != nil || n < 1 {
		return 0
	}
	return n
}

func (p *materialPage) load(ctx app.Context) {
	in := api.MaterialPath{Course: p.id, Material: p.mat}
	p.material.Load(ctx, Call(api.GetMaterial, in), p.reveal, func(ctx app.Context) {
		if p.staff() && p.material.Value.Video() {
			p.loadFiles(ctx)
		}
	})
	p.passages.Load(ctx, Call(api.ListPassages, in), p.reveal)
}

// reveal brings the cited passage into view once everything that it needs is there.
func (p *materialPage) reveal(ctx app.Context) {
	if p.target == 0 || !p.material.Ready || !p.passages.Ready {
		return
	}
	id := "p" + strconv.Itoa(p.target)
	passage, _ := p.cited()
	ctx.Defer(func(ctx app.Context) {
		revealHeading("page-text", lastHeading(passage.Heading))
		if p.showsPDF(p.material.Value) && passage.Page > 0 { // the page itself says more than its text
			id = "pdf"
		}
		if el := app.Window().GetElementByID(id); el.Truthy() {
			el.Call("scrollIntoView", map[string]any{"block": "center"})
			el.Call("focus", map[string]any{"preventScroll": true})
		}
	})
}

// lastHeading is the innermost heading of a path such as "Consensus › Leader election".
func lastHeading(path string) string {
	parts := strings.Split(path, "›")
	return strings.TrimSpace(parts[len(parts)-1])
}

func (p *materialPage) cited() (lms.Passage, bool) {
	for _, x := range p.passages.Value.Items {
		if x.Ordinal == p.target {
			return x, true
		}
	}
	return lms.Passage{}, false
}

func (p *materialPage) Render() app.UI {
	m := p.material.Value
	return p.frame(&Shell{
		Title: cond(m.Title != "", m.Title, "Material"), Active: "materials",
		Back: Crumbs(p.label(), CoursePath(p.id), "Materials", CoursePath(p.id, "materials")),
		Actions: app.If(p.staff() && p.material.Ready && !p.readOnly(), func() app.UI {
			return app.Div().Class("actions").Body(
				app.If(m.Index == lms.IndexReady, func() app.UI { return Busy(Button("Outline", "sparkles", p.outline), p.outlining) }),
				Quiet("Versions", "clock", func(app.Context, app.Event) { p.versions = true }),
				LinkButton(cond(m.Kind == lms.MaterialPage, "Edit", "Rename or replace"), "edit", CoursePath(p.id, "materials", p.mat, "edit")))
		}),
		Content: p.material.View(6, p.load, p.view),
	})
}

func (p *materialPage) view(m lms.Material) app.UI {
	return app.Div().Class("stack", "reader").Body(
		app.If(!m.Published, func() app.UI {
			return Notice("info", "This is a draft: only staff see it, and the tutor does not know it.")
		}),
		app.If(m.File != nil, func() app.UI { return p.fileHead(m) }),
		app.If(p.showsPDF(m), func() app.UI {
			return app.Section().ID("pdf").TabIndex(-1).Aria("label", "The pages").Body(&pdfView{ID: "pdf-view", File: *m.File, Page: p.pdfPage()})
		}),
		app.If(m.Video() && m.File.Complete(), func() app.UI { return p.video(m) }),
		app.If(m.Published && p.tutor.Value.Enabled && !p.readOnly(), p.askAbout),
		app.If(m.Kind == lms.MaterialPage, func() app.UI { return p.pageText(m) }).ElseIf(!m.Video(), p.extracted),
		app.If(p.versions, func() app.UI {
			return &versionsDialog{material: m, close: func(app.Context) { p.versions = false }, restored: func(ctx app.Context, m lms.Material) {
				p.versions = false
				p.load(ctx)
			}}
		}),
	)
}

// askAbout leads to the tutor with a question about this material; without the tutor there is no way to it.
func (p *materialPage) askAbout() app.UI {
	path := CoursePath(p.id, "questions") + "?about=" + p.mat
	return app.Nav().Class("starters").Aria("label", "Ask the tutor about this").Body(
		app.Range(starters).Slice(func(i int) app.UI {
			return LinkButton(starters[i].label, starters[i].icon, path+"&start="+starters[i].key).Class("starter")
		}),
		LinkButton("Ask something else", "sparkles", path).Class("starter"),
	)
}

func (p *materialPage) fileHead(m lms.Material) app.UI {
	index, tone := indexWords(m)
	return Card("", nil, app.Div().Class("file-head").Body(
		Icon("file-text"),
		app.Div().Class("row-text").Body(app.Strong().Text(m.File.Name),
			app.Span().Class("muted").Text(lms.FormatBytes(m.File.Size)), app.Div().Body(Badge(index, tone))),
		app.Div().Class("actions").Body(
			app.If(opensInline(*m.File), func() app.UI { return openLink(openLabel(*m.File, p.pdfPage()), *m.File, p.pdfPage()) }),
			downloadButton("Download", *m.File),
		),
	))
}

func openLabel(f lms.File, page int) string {
	if page > 0 && f.Type == "application/pdf" {
		return "Open at page " + strconv.Itoa(page)
	}
	return "Open"
}

// pdfPage is the page of the cited passage, at which the view and a browser's PDF viewer open.
func (p *materialPage) pdfPage() int {
	x, _ := p.cited()
	return x.Page
}

// showsPDF reports whether the pages are shown. The passages tell at which one to begin.
func (p *materialPage) showsPDF(m lms.Material) bool {
	return m.File != nil && m.File.Type == "application/pdf" && m.File.Complete() && (p.passages.Ready || p.passages.Err != nil)
}

// pageText shows a page, and above it the cited passage: the page's HTML has no anchors of its own.
func (p *materialPage) pageText(m lms.Material) app.UI {
	passage, found := p.cited()
	return app.Div().Class("stack").Body(
		app.If(found, func() app.UI {
			return app.Section().ID("p"+strconv.Itoa(passage.Ordinal)).TabIndex(-1).Class("passage", "passage-cited").Aria("label", "Cited passage").Body(
				app.P().Class("passage-place").Text("Cited passage"+cond(passage.Heading != "", " in “"+passage.Heading+"”", "")),
				Plain(passage.Text))
		}),
		app.If(m.BodyHTML == "", func() app.UI { return Empty("book-open", "This page is empty", "Nothing has been written on it yet.") }).
			Else(func() app.UI {
				return app.Div().ID("page-text").Class("page-text").OnClick(onPageClick).Body(Prose(m.BodyHTML))
			}),
	)
}

// extracted shows the readable text of a file by page and heading.
func (p *materialPage) extracted() app.UI {
	m := p.material.Value
	return p.passages.View(6, p.load, func(page api.Page[lms.Passage]) app.UI {
		switch {
		case len(page.Items) == 0 && m.Index == lms.IndexPending:
			return Empty("book-open", "The text is being read", "It appears here in a moment. You can open or download the file already.",
				Button("Look again", "refresh-cw", func(ctx app.Context, _ app.Event) { p.load(ctx) }))
		case len(page.Items) == 0:
			return Empty("book-open", "No readable text", cond(m.IndexNote != "", m.IndexNote, "Open or download the file to read it."))
		}
		return Card("Text of the file", nil, app.Div().Class("passages").Body(app.Range(page.Items).Slice(func(i int) app.UI {
			return passageView(page.Items, i, p.target)
		})))
	})
}

// passageView shows a passage, with its place where that differs from the one before.
func passageView(list []lms.Passage, i, target int) app.UI {
	x := list[i]
	place := passagePlace(x)
	s := app.Section().ID("p" + strconv.Itoa(x.Ordinal)).TabIndex(-1).Class("passage")
	if x.Ordinal == target {
		s = s.Class("passage-cited")
	}
	return s.Body(
		app.If(place != "" && (i == 0 || passagePlace(list[i-1]) != place), func() app.UI { return app.H3().Class("passage-place").Text(place) }),
		Plain(x.Text),
	)
}

func passagePlace(x lms.Passage) string {
	var parts []string
	if x.Page > 0 {
		parts = append(parts, "Page "+strconv.Itoa(x.Page))
	}
	if x.Heading != "" {
		parts = append(parts, x.Heading)
	}
	return strings.Join(parts, " · ")
}
