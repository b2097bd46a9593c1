package ui

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// workForm is the part of an assignment's page in which a student hands work in. What is typed is a draft that the nodes
// keep; only handing in makes it final.
type workForm struct {
	as, course string
	text, url  string
	honour     bool // the statement is ticked
	items      []*transfer
	again      bool // the form for a further attempt is unfolded
	problem    Problem
	stage      int // of the hand-in, as far as this page has followed it
	busy       bool
	receipt    Remote[lms.Receipt]
	showing    string // attempt whose receipt is shown

	version   int64 // of the draft that the nodes keep
	savedAt   time.Time
	files     []string // of the draft that was saved last
	dirty     bool     // there is something that the nodes do not have
	rev       int      // grows with every change
	saving    bool
	saveErr   error
	noRoom    bool              // the browser has no room to keep the text
	theirs    *lms.Draft        // saved on another device meanwhile
	waiting   func(app.Context) // the hand-in waits for the draft that is being saved
	asking    bool
	lateAsk   *lms.LateCost // the question about it is open
	extending bool          // the dialog that asks for an extension is open
}

func workKey(a lms.Assignment) string { return draftKey("work", a.CourseID, a.ID) }

// follow reports whether the hand-in has come further since the last time.
func (w *workForm) follow(ctx app.Context, course, as string) bool {
	h, ok := handInOf(as)
	if !ok || w.as != as || h.stage == w.stage {
		return false
	}
	w.stage = h.stage
	var d workDraft
	if key := draftKey("work", course, as); h.accepted && loadDraft(ctx, key, &d) && d.Text == h.text {
		dropDraft(ctx, key) // any other text was written in another tab, or meanwhile
	}
	if h.accepted && w.text == h.text {
		w.clear()
	}
	if h.complete {
		Toast(ctx, "good", "Your work has arrived completely.")
	}
	return true
}

func (p *assignmentPage) onText(ctx app.Context, _ app.Event) {
	p.work.text = ctx.JSSrc().Get("value").String()
	p.work.change(ctx)
}

func (p *assignmentPage) onURL(ctx app.Context, _ app.Event) {
	p.work.url = ctx.JSSrc().Get("value").String()
	p.work.change(ctx)
}

func (p *assignmentPage) onFiles(id string) app.EventHandler {
	return func(ctx app.Context, _ app.Event) { p.addFiles(ctx, pickedFiles(id)) }
}

// addFiles adds those that the assignment takes; their bytes go to the nodes while the student goes on writing.
func (p *assignmentPage) addFiles(ctx app.Context, blobs []api.Blob) {
	a := p.assignment.Value
	p.work.problem = Problem{}
	for _, b := range blobs {
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
		t := newTransfer(b)
		p.work.items = append(p.work.items, t)
		p.work.upload(t)
	}
}

func (p *assignmentPage) removeFile(ctx app.Context, t *transfer) {
	for i, x := range p.work.items {
		if x == t {
			p.work.items = append(p.work.items[:i:i], p.work.items[i+1:]...)
			p.work.filesMoved(ctx, p.id)
			return
		}
	}
}

// formView is the form for the first or a further attempt.
func (p *assignmentPage) formView(a lms.Assignment, items []lms.Submission) app.UI {
	w, attempts := &p.work, 0
	if len(items) > 0 {
		attempts = items[0].Attempt
	}
	return app.Form().Class("stack").OnSubmit(p.handIn).Body(
		p.warnings(a, items),
		w.problem.Alert("text", "files", "url", "honour"),
		app.If(w.theirs != nil, p.conflict),
		app.If(a.AllowText, func() app.UI {
			return TextArea(Field{ID: "text", Label: "Your text", Rows: 10, Optional: a.MaxFiles > 0 || a.AllowURL, Value: w.text, Help: "Your instructors read this once it is handed in.", Error: w.problem.For("text"), On: p.onText})
		}),
		app.If(a.AllowURL, func() app.UI {
			return Input(Field{ID: "url", Label: "Web address", Type: "url", Optional: a.AllowText || a.MaxFiles > 0, Value: w.url, Placeholder: "https://example.org/page", Error: w.problem.For("url"), On: p.onURL})
		}),
		app.If(a.MaxFiles > 0, func() app.UI { return p.filesField(a) }),
		w.saveState(p.zone()),
		app.If(a.Honour != "", func() app.UI {
			return Checkbox(Field{ID: "honour", Label: a.Honour, Error: w.problem.For("honour"), On: func(ctx app.Context, _ app.Event) { w.honour = Checked(ctx) }}, w.honour)
		}),
		app.Div().Class("actions").Body(Submit(cond(attempts > 0, "Hand in as attempt "+itoa(attempts+1), "Hand in"), "One moment", w.asking || w.waiting != nil)),
	)
}

func (p *assignmentPage) filesField(a lms.Assignment) app.UI {
	items := p.work.items
	return app.Div().Class("field").Body(
		app.Span().Class("label").Body(text("Your files")),
		app.If(len(items) > 0, func() app.UI {
			return app.Ul().Class("rows", "files").Body(app.Range(items).Slice(func(i int) app.UI { return p.fileRow(items[i], i) }))
		}),
		app.If(len(items) < a.MaxFiles, func() app.UI {
			return app.Div().Class("stack-tight").Body(
				FilePicker("files", cond(len(items) == 0, "Choose files, or drop them here", "Add another file"), filesHelp(a), a.MaxFiles > 1, strings.Join(a.AllowedTypes, ","), p.onFiles("files")),
				app.If(takesPhotos(a), func() app.UI {
					return app.Div().Class("photo").Body(app.Label().For("photo").Class("btn").Body(Icon("upload"), text("Take a photo")),
						app.Input().Type("file").ID("photo").Class("sr-only").Accept("image/*").Attr("capture", "environment").OnChange(p.onFiles("photo"), Each("photo")))
				}),
			)
		}),
		app.If(p.work.problem.For("files") != "", func() app.UI {
			return app.P().Class("error").ID("files-error").Role("alert").Body(Icon("alert-circle"), text(p.work.problem.For("files")))
		}),
	)
}

// takesPhotos reports whether a photo from the camera fits.
func takesPhotos(a lms.Assignment) bool {
	return len(a.AllowedTypes) == 0 || slices.ContainsFunc(a.AllowedTypes, func(t string) bool { return t == ".jpg" || t == ".jpeg" || t == ".png" })
}

func (p *assignmentPage) fileRow(t *transfer, i int) app.UI {
	transfers.mu.Lock()
	v := *t
	transfers.mu.Unlock()
	meta := lms.FormatBytes(v.size)
	switch {
	case v.size == 0:
		meta += ": this file is empty. Is it the right one?"
	case v.err != nil:
		meta += ": " + ProblemOf(v.err).Message
	case v.lost():
		meta += ": did not arrive completely. Remove it and choose it again."
	case !v.done && v.file.ID != "":
		meta += ", sending: " + itoa(v.percent()) + " %"
	case !v.done:
		meta += ", reading"
	}
	return RowWith(Icon("file-text"), v.name, meta,
		app.If(v.err != nil && v.blob != nil, func() app.UI {
			return Quiet("Try again", "refresh-cw", func(app.Context, app.Event) {
				changeTransfers(func() { t.err = nil })
				p.work.upload(t)
			}, Each(v.name, "again", i))
		}),
		Quiet("Remove", "x", func(ctx app.Context, _ app.Event) { p.removeFile(ctx, t) }, Each(v.name, v.size, i)).Aria("label", "Remove "+v.name))
}

func filesHelp(a lms.Assignment) string {
	types := "Any type"
	if len(a.AllowedTypes) > 0 {
		types = strings.Join(a.AllowedTypes, ", ")
	}
	return types + "; up to " + plural(a.MaxFiles, "file") + " of at most " + lms.FormatBytes(a.MaxFileSize)
}

// warnings say what handing in now costs (UX principle 10).
func (p *assignmentPage) warnings(a lms.Assignment, items []lms.Submission) app.UI {
	var notes []app.UI
	used := 0
	if a.Mine != nil {
		used = a.Mine.Used
	}
	if late := a.Late(Now()); late > 0 {
		cost := " Work that you hand in now is marked as late."
		if a.Mine != nil && a.Mine.Late != nil && a.Mine.Late.Points > 0 {
			cost = " Handing in now takes up to " + a.Mine.Late.Points.String() + " of " + a.Points.String() + " points. " + a.Mine.Late.Rule
		}
		notes = append(notes, Notice("warn", "The due date passed "+Span(late)+" ago."+cost))
	}
	for _, s := range items {
		switch {
		case s.Counts && s.Chosen:
			notes = append(notes, Notice("warn", "Attempt "+itoa(s.Attempt)+" is the one that is graded: your instructor has chosen it. A new attempt does not replace it by itself."))
		case s.Counts:
			notes = append(notes, Notice("warn", "Handing in again replaces attempt "+itoa(s.Attempt)+": the latest attempt is the one that is graded. Earlier ones are kept."))
		}
	}
	if a.MaxAttempts > 0 && used == a.MaxAttempts-1 {
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
