package ui

import (
	"strconv"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// noteForm is an annotation while it is written.
type noteForm struct {
	open     bool
	id       string // of the annotation that is changed; empty: a new one
	version  int64
	file     string     // id; empty: the text that was handed in
	anchor   lms.Anchor // where the pointer has marked something
	from, to string     // lines, where it has not
	area     [4]string  // left, top, width, height in percent, on a picture
	page     string
	body     string
	saving   bool
	problem  Problem
}

// noteKey is where this device keeps an annotation that was not saved.
func (p *gradingPage) noteKey() string { return draftKey("note", p.sub) }

// workParts are what annotations can be about: the text, then the files that are shown.
func (p *gradingPage) workParts() (parts []Option) {
	s := p.submission.Value
	if s.Text != "" {
		parts = append(parts, Option{Value: "", Label: "The text"})
	}
	for _, f := range s.Files {
		if text, _ := shownText(f); text || showsAreas(f) {
			parts = append(parts, Option{Value: f.ID, Label: f.Name})
		}
	}
	return parts
}

// showsAreas reports whether annotations of the file are areas of its pages.
func showsAreas(f lms.File) bool {
	return f.Complete() && opensInline(f) && (strings.HasPrefix(f.Type, "image/") || isPDF(f))
}

func (p *gradingPage) fileOf(id string) (lms.File, bool) {
	for _, f := range withCourse(p.submission.Value) {
		if f.ID == id {
			return f, true
		}
	}
	return lms.File{}, false
}

// annotate opens the form for what the pointer has marked, or else for lines and areas that are typed.
func (p *gradingPage) annotate(ctx app.Context) {
	parts := p.workParts()
	if len(parts) == 0 || p.readOnly() {
		return
	}
	n := noteForm{open: true, file: parts[0].Value, page: p.pageInView(parts[0].Value), area: [4]string{"10", "10", "30", "10"}}
	if file, start, end, quote, ok := selectedText(); ok {
		n.file, n.anchor = file, lms.Anchor{Start: start, End: end, Quote: quote}
	}
	loadDraft(ctx, p.noteKey(), &n.body)
	p.note = n
}

// annotateArea opens the form for an area of a page.
func (p *gradingPage) annotateArea(ctx app.Context, file string, a lms.Anchor) {
	p.annotate(ctx)
	p.note.open, p.note.file, p.note.anchor = true, file, a
}

func (p *gradingPage) closeNote(app.Context) { p.note = noteForm{} }

// place is where the new annotation goes.
func (p *gradingPage) place() (lms.Anchor, error) {
	n := &p.note
	if n.anchor != (lms.Anchor{}) {
		return n.anchor, nil
	}
	f, isFile := p.fileOf(n.file)
	if isFile && showsAreas(f) {
		var v [5]int
		for i, s := range append(n.area[:], n.page) {
			x, err := strconv.ParseFloat(strings.Replace(strings.TrimSpace(s), ",", ".", 1), 64)
			if err != nil || x < 0 || x > 100_000 {
				return lms.Anchor{}, lms.FieldErrorf(lms.KindRule, "area", "Write the place in percent, such as 10.")
			}
			v[i] = int(x*100 + 0.5)
		}
		if pages := p.pdfs[f.ID].pages; pages > 0 && v[4]/100 > pages {
			return lms.Anchor{}, lms.FieldErrorf(lms.KindRule, "page", "The file has %s.", plural(pages, "page"))
		}
		return lms.Anchor{X: v[0], Y: v[1], Width: v[2], Height: v[3], Page: v[4] / 100}, nil
	}
	from, err := strconv.Atoi(strings.TrimSpace(n.from))
	to, err2 := strconv.Atoi(cond(strings.TrimSpace(n.to) == "", strings.TrimSpace(n.from), strings.TrimSpace(n.to)))
	text := cleanText([]byte(p.submission.Value.Text))
	if isFile {
		text = p.texts[n.file].Value
	}
	a, ok := linesRange(text, from, to)
	if err != nil || err2 != nil || !ok {
		return a, lms.FieldErrorf(lms.KindRule, "from", "There are no such lines with text. Look at the numbers beside the text.")
	}
	return a, nil
}

func (p *gradingPage) saveNote(ctx app.Context, e app.Event) {
	e.PreventDefault()
	n := &p.note
	if n.saving {
		return
	}
	sub := p.sub
	done := func(ctx app.Context, _ lms.Annotation, err error) {
		n.saving = false
		if err != nil {
			Fail(ctx, err, &n.problem)
			return
		}
		dropDraft(ctx, p.noteKey())
		p.note = noteForm{}
		p.readNotes(ctx, sub)
	}
	if n.id != "" {
		in := api.UpdateAnnotationInput{Course: p.id, Submission: sub, Annotation: n.id, Body: n.body, Version: n.version}
		n.saving = true
		Async(ctx, Call(api.UpdateAnnotation, in), done)
		return
	}
	anchor, err := p.place()
	in := api.AnnotationInput{Course: p.id, Submission: sub, ID: lms.NewID(), FileID: n.file, Anchor: anchor, Body: n.body}
	if err == nil {
		err = in.Validate()
	}
	if err != nil {
		Fail(ctx, err, &n.problem)
		return
	}
	n.saving = true
	Async(ctx, Call(api.Annotate, in), done)
}

func (p *gradingPage) noteDialog() app.UI {
	n := &p.note
	set := func(to *string) app.EventHandler {
		return func(ctx app.Context, _ app.Event) { *to = ctx.JSSrc().Get("value").String() }
	}
	var where app.UI
	f, isFile := p.fileOf(n.file)
	switch {
	case n.id != "":
	case n.anchor.Quote != "":
		where = app.Elem("blockquote").Class("quote").Text(n.anchor.Quote)
	case n.anchor.Area():
		where = app.P().Class("muted").Text("The area that you have marked on " + areaPlace(f, n.anchor) + ".")
	case isFile && showsAreas(f):
		where = app.Div().Class("grid-4").ID("area").Body(
			app.If(isPDF(f), func() app.UI {
				return Input(Field{ID: "page", Label: "Page", Value: n.page, InputMode: "numeric", Error: n.problem.For("page"), On: set(&n.page)})
			}),
			app.Range(n.area[:]).Slice(func(i int) app.UI {
				label := []string{"From left, %", "From top, %", "Width, %", "Height, %"}[i]
				return Input(Field{ID: "area-" + itoa(i), Label: label, Value: n.area[i], InputMode: "decimal", On: set(&n.area[i])})
			}))
	default:
		where = app.Div().Class("grid-4").Body(
			Input(Field{ID: "from", Label: "From line", Value: n.from, InputMode: "numeric", Error: n.problem.For("from"), On: set(&n.from)}),
			Input(Field{ID: "to", Label: "To line", Value: n.to, InputMode: "numeric", Optional: true, On: set(&n.to)}))
	}
	parts := p.workParts()
	body := TextArea(Field{ID: "note-body", Label: "Annotation", Rows: 4, Value: n.body, Error: n.problem.For("body"),
		Help: "The student reads this " + p.whenRead() + ".", On: func(ctx app.Context, _ app.Event) {
			n.body = ctx.JSSrc().Get("value").String()
			keepDraft(ctx, p.noteKey(), n.body)
		}})
	return NewDialog("note", cond(n.id != "", "Change the annotation", "Annotate"), p.closeNote, DialogForm(p.saveNote, p.closeNote, Submit("Save", "Saving", n.saving),
		n.problem.Alert("body", "from", "page"),
		app.If(n.id == "" && n.anchor == (lms.Anchor{}) && len(parts) > 1, func() app.UI {
			return Select(Field{ID: "note-file", Label: "About", Value: n.file, On: func(ctx app.Context, _ app.Event) {
				n.file = ctx.JSSrc().Get("value").String()
				n.page = p.pageInView(n.file)
			}}, parts...)
		}),
		app.If(where != nil, func() app.UI { return where }), body))
}

// whenRead says when the student reads what staff write about the work.
func (p *gradingPage) whenRead() string {
	g := p.form()
	if p.marking.Value.Automatic() || g.scored() && !g.saved.PostedAt.IsZero() {
		return "at once"
	}
	return cond(p.submission.Value.Blind, "after the identities are revealed and the grade is posted, not before", "after you post the grade, not before")
}

// notesCard lists the annotations in their order.
func (p *gradingPage) notesCard() app.UI {
	notes := p.extra().notes
	var add []app.UI
	if p.staff() && !p.readOnly() && len(p.workParts()) > 0 {
		add = []app.UI{Button("Annotate", "plus", func(ctx app.Context, _ app.Event) { p.annotate(ctx) })}
	}
	if len(notes) == 0 && len(add) == 0 {
		return nil
	}
	return Card("Annotations", add, app.Div().Class("stack").Body(
		app.If(len(notes) == 0, func() app.UI {
			return app.P().Class("muted").Text("None yet. Mark words in the work and press a, draw an area on a picture or a page, or press Annotate.")
		}),
		app.Ol().Class("notes-list").Body(app.Range(notes).Slice(func(i int) app.UI { return p.noteRow(i+1, notes[i]) }))))
}

func (p *gradingPage) noteRow(number int, n lms.Annotation) app.UI {
	where := "“" + shortText(n.Anchor.Quote, 80) + "”"
	if n.Anchor.Area() {
		f, _ := p.fileOf(n.FileID)
		where = areaPlace(f, n.Anchor)
	}
	return app.Li().ID("note-"+n.ID).Class("note").Body(
		app.Button().Type("button").Class("note-where").OnClick(func(app.Context, app.Event) { p.showNote(n) }, Each(n.ID)).
			Body(app.Span().Class("note-number").Text(itoa(number)), text(where)),
		Plain(n.Body),
		app.Div().Class("note-foot").Body(
			app.Span().Class("fine").Text(n.AuthorName+", "+Relative(n.ChangedAt)+cond(p.staff() && n.PostedAt.IsZero(), ", not posted", "")),
			app.If(p.staff() && !p.readOnly(), func() app.UI {
				return app.Div().Class("actions").Body(
					IconButton("Change annotation "+itoa(number), "edit", func(app.Context, app.Event) {
						p.note = noteForm{open: true, id: n.ID, version: n.Version, body: n.Body, file: n.FileID}
					}, Each("e", n.ID, n.Version)),
					IconButton("Remove annotation "+itoa(number), "trash", func(ctx app.Context, _ app.Event) { p.removeNote(ctx, n) }, Each("r", n.ID)))
			})),
	)
}

func shortText(s string, limit int) string {
	s = trimSpace(s)
	for i := range s {
		if i > limit {
			return s[:i] + "…"
		}
	}
	return s
}

// removeNote takes an annotation away; it can be put back.
func (p *gradingPage) removeNote(ctx app.Context, n lms.Annotation) {
	in := api.AnnotationPath{Course: p.id, Submission: p.sub, Annotation: n.ID}
	Async(ctx, Call(api.DeleteAnnotation, in), func(ctx app.Context, _ api.Empty, err error) {
		if err != nil {
			ToastError(ctx, err)
			return
		}
		p.removed = func(ctx app.Context) {
			p.removed = nil
			Async(ctx, Call(api.RestoreAnnotation, in), func(ctx app.Context, _ api.Empty, err error) { p.undone(ctx, in.Submission, err) })
		}
		p.readNotes(ctx, in.Submission)
	})
}

// undone reads again what came back.
func (p *gradingPage) undone(ctx app.Context, sub string, err error) {
	if err != nil {
		ToastError(ctx, err)
	}
	p.readNotes(ctx, sub)
	p.readComments(ctx, sub)
}

// undoBar offers to put back what was removed last.
func (p *gradingPage) undoBar() app.UI {
	return app.If(p.removed != nil, func() app.UI {
		return app.Div().Role("status").Body(Notice("info", "Removed.", app.Div().Class("actions").Body(
			Button("Undo", "refresh-cw", func(ctx app.Context, _ app.Event) { p.removed(ctx) }))))
	})
}
