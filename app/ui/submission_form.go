package ui

import (
	"context"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// workForm is the part of an assignment's page in which a student hands work in. The text is kept on this device until
// a node has acknowledged it.
type workForm struct {
	as      string
	text    string
	noRoom  bool // the browser has no room to keep the text
	items   []*transfer
	again   bool // the form for a further attempt is unfolded
	problem Problem
	stage   int // of the hand-in, as far as this page has followed it
	busy    bool
	receipt Remote[lms.Receipt]
	showing string // attempt whose receipt is shown
}

type workDraft struct {
	Text string `json:"text"`
}

func workKey(a lms.Assignment) string { return draftKey("work", a.CourseID, a.ID) }

// open fills the form once with what this device kept.
func (w *workForm) open(ctx app.Context, a lms.Assignment) {
	if w.as == a.ID {
		return
	}
	w.as = a.ID
	var d workDraft
	if loadDraft(ctx, workKey(a), &d) {
		w.text = d.Text
		w.again = w.text != ""
	}
	if h, ok := handInOf(a.ID); ok {
		w.stage = h.stage
	}
}

// follow reports whether the hand-in has come further since the last time.
func (w *workForm) follow(ctx app.Context, course, as string) bool {
	h, ok := handInOf(as)
	if !ok || w.as != as || h.stage == w.stage {
		return false
	}
	w.stage = h.stage
	if h.accepted {
		w.items = nil
	}
	var d workDraft
	if key := draftKey("work", course, as); h.accepted && loadDraft(ctx, key, &d) && d.Text == h.text {
		dropDraft(ctx, key) // any other text was written in another tab, or meanwhile
	}
	if h.accepted && w.text == h.text {
		w.text, w.again = "", false
		SetValue("text", "")
	}
	if h.complete {
		Toast(ctx, "good", "Your work has arrived completely.")
	}
	return true
}

func (p *assignmentPage) onText(ctx app.Context, _ app.Event) {
	p.work.text = ctx.JSSrc().Get("value").String()
	p.work.noRoom = !keepDraft(ctx, workKey(p.assignment.Value), workDraft{Text: p.work.text})
}

func (p *assignmentPage) onFiles(ctx app.Context, _ app.Event) {
	a := p.assignment.Value
	p.work.problem = Problem{}
	for _, b := range pickedFiles("files") {
		f := lms.File{Name: b.Name(), Size: b.Size()}
		err := a.CheckFile(f)
		if err == nil {
			err = lms.CheckFileName(f.Name)
		}
		if err == nil && len(p.work.items) >= a.MaxFiles {
			err = lms.FieldErrorf(lms.KindRule, "files", "%s was not added: this assignment takes at most %s.", f.Name, plural(a.MaxFiles, "file"))
		}
		if err != nil { // the other files stay
			p.work.problem = Problem{Field: "files", Message: ProblemOf(err).Message}
			continue
		}
		p.work.items = append(p.work.items, newTransfer(b))
	}
}

func (p *assignmentPage) removeFile(t *transfer) {
	for i, x := range p.work.items {
		if x == t {
			p.work.items = append(p.work.items[:i:i], p.work.items[i+1:]...)
			return
		}
	}
}

func (p *assignmentPage) handIn(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if h, ok := handInOf(p.as); ok && h.running {
		return
	}
	if strings.TrimSpace(p.work.text) == "" && len(p.work.items) == 0 {
		Fail(ctx, cond(p.assignment.Value.AllowText, lms.ErrEmptyWork, lms.FieldErrorf(lms.KindRule, "files", "There is nothing to hand in yet. Add a file.")), &p.work.problem)
		return
	}
	p.work.problem = Problem{}
	p.work.stage = 0
	startHandIn(p.id, p.as, p.work.text, p.work.items)
}

// formView is the form for the first or a further attempt.
func (p *assignmentPage) formView(a lms.Assignment, attempts int) app.UI {
	return app.Form().Class("stack").OnSubmit(p.handIn).Body(
		p.warnings(a, attempts),
		p.work.problem.Alert("text", "files"),
		app.If(a.AllowText, func() app.UI {
			help := "Your instructors read this. It is kept on this device while you write; it is not handed in yet."
			if p.work.noRoom {
				help = "This browser has no room to keep your text. Save a copy before you leave the page."
			}
			return TextArea(Field{ID: "text", Label: "Your text", Rows: 10, Optional: a.MaxFiles > 0, Value: p.work.text, Help: help, Error: p.work.problem.For("text"), On: p.onText})
		}),
		app.If(a.MaxFiles > 0, func() app.UI { return p.filesField(a) }),
		app.Div().Class("actions").Body(Submit(cond(attempts > 0, "Hand in as attempt "+itoa(attempts+1), "Hand in"), "Handing in", false)),
	)
}

func (p *assignmentPage) filesField(a lms.Assignment) app.UI {
	items := p.work.items
	return app.Div().Class("field").Body(
		app.Span().Class("label").Body(text("Your files")),
		app.If(len(items) > 0, func() app.UI {
			return app.Ul().Class("rows", "files").Body(app.Range(items).Slice(func(i int) app.UI {
				t := items[i]
				meta := lms.FormatBytes(t.size) + cond(t.size == 0, ": this file is empty. Is it the right one?", "")
				return RowWith(Icon("file-text"), t.name, meta, Quiet("Remove", "x", func(app.Context, app.Event) { p.removeFile(t) }, Each(t.name, t.size, i)).Aria("label", "Remove "+t.name))
			}))
		}),
		app.If(len(items) < a.MaxFiles, func() app.UI {
			return FilePicker("files", cond(len(items) == 0, "Choose files, or drop them here", "Add another file"), filesHelp(a), a.MaxFiles > 1, strings.Join(a.AllowedTypes, ","), p.onFiles)
		}),
		app.If(p.work.problem.For("files") != "", func() app.UI {
			return app.P().Class("error").ID("files-error").Role("alert").Body(Icon("alert-circle"), text(p.work.problem.For("files")))
		}),
	)
}

func filesHelp(a lms.Assignment) string {
	types := "Any type"
	if len(a.AllowedTypes) > 0 {
		types = strings.Join(a.AllowedTypes, ", ")
	}
	return types + "; up to " + plural(a.MaxFiles, "file") + " of at most " + lms.FormatBytes(a.MaxFileSize)
}

// warnings say what handing in now costs.
func (p *assignmentPage) warnings(a lms.Assignment, attempts int) app.UI {
	var notes []app.UI
	if late := a.Late(Now()); late > 0 {
		notes = append(notes, Notice("warn", "The due date passed "+Span(late)+" ago. Work that you hand in now is marked as late."))
	}
	if attempts > 0 {
		notes = append(notes, Notice("warn", "Handing in again replaces attempt "+itoa(attempts)+": the latest attempt is the one that is graded. Earlier ones are kept."))
	}
	if a.MaxAttempts > 0 && attempts == a.MaxAttempts-1 {
		notes = append(notes, Notice("warn", "This is your last attempt."))
	}
	if len(notes) == 0 {
		return nil
	}
	return app.Div().Class("stack-tight").Body(notes...)
}

// mayHandIn returns why nothing can be handed in now, or "".
func (p *assignmentPage) mayHandIn(a lms.Assignment, attempts int, now time.Time) string {
	switch err := a.CheckOpen(now); {
	case p.readOnly():
		return lms.ErrCourseOver.Message
	case err != nil:
		return ProblemOf(err).Message
	case a.MaxAttempts > 0 && attempts >= a.MaxAttempts:
		return lms.ErrAttempts.Message
	}
	return ""
}

// resume asks for the files of an accepted attempt again and sends what is missing.
func (p *assignmentPage) resume(ctx app.Context, s lms.Submission) {
	blobs := pickedFiles("resume")
	if len(blobs) == 0 || p.work.busy {
		return
	}
	p.work.busy, p.work.problem = true, Problem{}
	type match struct {
		items     []*transfer
		strangers []string
	}
	Async(ctx, func(ctx context.Context) (match, error) {
		items, strangers, err := matchFiles(ctx, missingFiles(s), blobs)
		return match{items, strangers}, err
	}, func(ctx app.Context, m match, err error) {
		p.work.busy = false
		switch {
		case err != nil:
			p.work.problem = ProblemOf(err)
			return
		case len(m.strangers) > 0:
			p.work.problem = Problem{Message: strings.Join(m.strangers, ", ") + ": the content is not that of a missing file, so it was not sent. Choose the file that you handed in, unchanged."}
		}
		if len(m.items) > 0 {
			p.work.stage = 0
			resumeHandIn(s, m.items)
		}
	})
}

func (p *assignmentPage) showReceipt(ctx app.Context, s lms.Submission) {
	p.work.showing = s.ID
	p.work.receipt.Reset()
	p.work.receipt.Load(ctx, Call(api.GetReceipt, api.SubmissionPath{Course: p.id, Submission: s.ID}))
}
