package ui

import (
	"context"
	"slices"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// A draft is saved on the nodes within 2 s of a change (SUBMIT-6). Until a node has acknowledged it, this device keeps it
// too, and the page says which of the two is the case.
const (
	draftAfter = 900 * time.Millisecond // of quiet
	draftRetry = 4 * time.Second
)

// workDraft is what this device keeps of unsaved work, and the version of the saved draft that it was written on.
type workDraft struct {
	Text    string `json:"text"`
	URL     string `json:"url,omitempty"`
	Version int64  `json:"version,omitempty"`
}

// open fills the form once with the draft of the nodes, or with what this device kept and could not save.
func (w *workForm) open(ctx app.Context, a lms.Assignment, saved lms.Draft) {
	if w.as == a.ID {
		return
	}
	*w = workForm{as: a.ID, course: a.CourseID, text: saved.Text, url: saved.URL, version: saved.Version, savedAt: saved.SavedAt, showing: w.showing}
	for _, f := range saved.Files {
		w.items = append(w.items, savedItem(f, a.CourseID))
	}
	w.files, w.again = w.declared(), !saved.Empty()
	var mine workDraft
	if loadDraft(ctx, workKey(a), &mine) && (mine.Text != saved.Text || mine.URL != saved.URL) && (mine.Text != "" || mine.URL != "") {
		if mine.Version == saved.Version || saved.Empty() {
			w.text, w.url, w.again = mine.Text, mine.URL, true
			w.change(ctx)
		} else { // written here without a node, and meanwhile elsewhere too
			w.theirs, w.again = &saved, true
			w.text, w.url = mine.Text, mine.URL
		}
	}
	if h, ok := handInOf(a.ID); ok {
		w.stage = h.stage
	}
}

// overtaken notices that the draft was saved or handed in elsewhere. asked is the version that the page had when it asked
// for saved: an answer may be older than what the page has saved since.
func (w *workForm) overtaken(ctx app.Context, saved lms.Draft, asked int64) {
	gone := saved.Version == 0 && asked == w.version
	if w.theirs != nil && saved.Version == 0 && !w.saving { // it was handed in: there is nothing to choose between any more
		w.theirs, w.version = nil, 0
		w.change(ctx)
		return
	}
	if saved.Version == w.version || saved.Version < w.version && !gone || w.saving || w.theirs != nil || w.sending() {
		return
	}
	unsaved := w.dirty || len(w.items) > len(w.files) // a file of which the cluster does not know yet
	switch {
	case gone && !unsaved:
		w.clear()
	case !unsaved:
		w.take(saved)
	case !gone: // else what is here becomes a new draft
		w.theirs = &saved
	}
}

// clear forgets work that is handed in, here or elsewhere.
func (w *workForm) clear() {
	w.take(lms.Draft{})
	w.honour, w.again, w.saveErr = false, false, nil
}

// take puts a saved draft into the form.
func (w *workForm) take(d lms.Draft) {
	w.text, w.url, w.version, w.savedAt, w.dirty, w.theirs = d.Text, d.URL, d.Version, d.SavedAt, false, nil
	w.items = nil
	for _, f := range d.Files {
		w.items = append(w.items, savedItem(f, w.course))
	}
	w.files, w.again = w.declared(), w.again || !d.Empty()
	SetValue("text", w.text)
	SetValue("url", w.url)
}

// savedItem is a file of a saved draft. Its bytes are on the nodes, or must be chosen again.
func savedItem(f lms.File, course string) *transfer {
	f.CourseID = course
	t := &transfer{name: f.Name, size: f.Size, hashed: f.Size, file: f, done: f.Complete()}
	if t.done {
		t.sent = f.Size
	}
	return t
}

// lost reports whether the bytes of a saved file are neither on the nodes nor on this page.
func (t *transfer) lost() bool { return t.blob == nil && !t.done }

// change notes that there is something to save.
func (w *workForm) change(ctx app.Context) {
	w.dirty = true
	w.rev++
	w.noRoom = !keepDraft(ctx, draftKey("work", w.course, w.as), workDraft{Text: w.text, URL: w.url, Version: w.version})
	rev := w.rev
	later(ctx, draftAfter, func(ctx app.Context) {
		if w.rev == rev {
			w.save(ctx)
		}
	})
}

// save keeps the draft on the nodes.
func (w *workForm) save(ctx app.Context) {
	if w.saving || !w.dirty || w.theirs != nil || w.sending() {
		return
	}
	w.saving = true
	rev, text, url, course, as := w.rev, w.text, w.url, w.course, w.as
	in := w.input()
	path := api.AssignmentPath{Course: course, Assignment: as}
	Async(ctx, func(c context.Context) (saved lms.Draft, err error) {
		if saved, err = api.Call(c, API, api.SaveDraft, in); lms.KindOf(err) == lms.KindConflict {
			if theirs, e := api.Call(c, API, api.GetDraft, path); e == nil && theirs.Version != in.Version {
				return theirs, err
			}
		}
		return saved, err
	}, func(ctx app.Context, saved lms.Draft, err error) {
		if w.as != as {
			return
		}
		w.saving = false
		defer w.afterSave(ctx)
		switch {
		case err == nil:
			w.version, w.savedAt, w.saveErr = saved.Version, saved.SavedAt, nil
			if w.rev == rev {
				w.dirty = false
				dropDraft(ctx, draftKey("work", course, as))
			} else {
				w.save(ctx)
			}
		case lms.KindOf(err) == lms.KindConflict && !w.sending() && saved.Version != in.Version && saved.AssignmentID != "":
			if saved.Version == 0 || saved.Text == text && saved.URL == url { // it was handed in elsewhere; or an answer was lost
				w.version, w.savedAt = saved.Version, saved.SavedAt
				w.save(ctx)
				return
			}
			w.theirs = &saved
		default:
			w.saveErr = err
			ctx.After(draftRetry, func(ctx app.Context) { w.save(ctx) })
		}
	})
}

func (w *workForm) input() api.DraftInput {
	return api.DraftInput{Course: w.course, Assignment: w.as, Text: w.text, URL: trimSpace(w.url), Version: w.version, Files: w.declared()}
}

// flush saves what the page still had when it is left. Whatever becomes of it, this device keeps it too.
func (w *workForm) flush() {
	if w.as == "" || !w.dirty || w.saving || w.theirs != nil || w.sending() {
		return
	}
	in := w.input()
	go guarded(context.Background(), func(c context.Context) error {
		_, err := api.Call(c, API, api.SaveDraft, in)
		return err
	})
}

// afterSave goes on with a hand-in that waited for the draft.
func (w *workForm) afterSave(ctx app.Context) {
	if f := w.waiting; f != nil && !w.saving {
		w.waiting = nil
		f(ctx)
	}
}

// declared are the files of the draft that the cluster knows.
func (w *workForm) declared() []string {
	var ids []string
	transfers.mu.Lock()
	defer transfers.mu.Unlock()
	for _, t := range w.items {
		if t.file.ID != "" {
			ids = append(ids, t.file.ID)
		}
	}
	return ids
}

// filesMoved saves the draft when the cluster has come to know another file of it.
func (w *workForm) filesMoved(ctx app.Context, course string) {
	if w.as == "" || w.sending() {
		return
	}
	if ids := w.declared(); !slices.Equal(ids, w.files) {
		w.files = ids
		w.change(ctx)
	}
}

// sending reports whether the work is on its way to being handed in.
func (w *workForm) sending() bool {
	h, ok := handInOf(w.as)
	return ok && h.running && !h.complete
}

// upload sends a file of the draft while the student goes on writing.
func (w *workForm) upload(t *transfer) {
	course := w.course
	startTransfer(func(ctx context.Context) error {
		if err := t.prepare(ctx, course); err != nil {
			return err
		}
		_, err := t.deliver(ctx)
		return err
	}, func(err error) { t.err = err })
}

// saveState says whether a node has the draft.
func (w *workForm) saveState(zone string) app.UI {
	label, tone, icon := "", "", "check"
	switch {
	case w.theirs != nil:
		label, tone, icon = "Not saved: the draft was changed on another device", "bad", "alert-circle"
	case w.saving || w.dirty && w.saveErr == nil:
		label, icon = "Saving the draft", ""
	case w.dirty && w.noRoom:
		label, tone, icon = "Not saved yet, and this browser has no room to keep it: "+ProblemOf(w.saveErr).Message, "bad", "alert-circle"
	case w.dirty:
		label, tone, icon = "Not saved yet; kept on this device. "+ProblemOf(w.saveErr).Message, "bad", "alert-circle"
	case !w.savedAt.IsZero() && w.version > 0:
		label, tone = "Draft saved "+Relative(w.savedAt)+". It is not handed in yet", "good"
	default:
		label, icon = "What you write is saved as a draft while you write", "info"
	}
	return app.P().Class("save-state", "ink-"+tone).ID("draft-state").Role("status").Body(
		app.If(icon == "", func() app.UI { return Spinner() }).Else(func() app.UI { return Icon(icon) }), text(label))
}

// conflict shows the draft of the other device, and lets the student choose. Nothing was overwritten.
func (p *assignmentPage) conflict() app.UI {
	w := &p.work
	t := *w.theirs
	return app.Div().Role("alert").Body(Notice("bad", "Your draft was changed on another device "+Relative(t.SavedAt)+". Both are kept; choose which one to go on with.",
		app.Div().Class("panel").Body(Plain(cond(t.Text == "", cond(t.URL == "", "(empty)", t.URL), t.Text)), app.If(len(t.Files) > 0, func() app.UI {
			return app.P().Class("fine").Text(plural(len(t.Files), "file"))
		})),
		app.Div().Class("actions").Body(
			Button("Take the other one", "check", func(ctx app.Context, _ app.Event) {
				w.take(t)
				dropDraft(ctx, draftKey("work", w.course, w.as))
			}),
			Button("Keep what is here", "edit", func(ctx app.Context, _ app.Event) {
				w.version, w.theirs = t.Version, nil
				w.change(ctx)
			}),
		)))
}
