package ui

import (
	"context"
	"sync"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// Transfers go on while the person looks at other pages, so they belong to the program and not to a page. Their fields
// are guarded by transfers.mu; pages draw copies that they take with snapshot functions, and hear of changes through
// watchTransfers.
var transfers struct {
	mu       sync.Mutex
	watchers map[int]func()
	next     int
	active   int
}

// transfer is one file on its way to the cluster.
type transfer struct {
	name   string
	size   int64
	hashed int64
	sent   int64
	done   bool
	err    error

	blob     api.Blob
	turn     chan struct{} // held by who reads or sends: a draft's upload and its hand-in meet here
	declared *api.DeclareFileInput
	file     lms.File
}

func newTransfer(b api.Blob) *transfer {
	return &transfer{name: b.Name(), size: b.Size(), blob: b, turn: make(chan struct{}, 1)}
}

// hold waits for one's turn with the file.
func (t *transfer) hold() (release func()) {
	if t.turn == nil {
		return func() {}
	}
	t.turn <- struct{}{}
	return func() { <-t.turn }
}

// percent is how much of the bytes a majority of the nodes has, from 0 to 100.
func (t transfer) percent() int { return percentOf(t.sent, t.size) }

// percentOf rounds down, so that 100 means everything.
func percentOf(part, whole int64) int {
	if whole <= 0 {
		return 100
	}
	return int(part * 100 / whole)
}

// changeTransfers runs change under the lock and tells the watching pages.
func changeTransfers(change func()) {
	transfers.mu.Lock()
	change()
	watchers := make([]func(), 0, len(transfers.watchers))
	for _, f := range transfers.watchers {
		watchers = append(watchers, f)
	}
	transfers.mu.Unlock()
	for _, f := range watchers {
		f()
	}
}

// watchTransfers calls f on the UI goroutine after every change, until stop is called.
func watchTransfers(ctx app.Context, f func(app.Context)) (stop func()) {
	if app.IsServer {
		return func() {}
	}
	transfers.mu.Lock()
	defer transfers.mu.Unlock()
	if transfers.watchers == nil {
		transfers.watchers = map[int]func(){}
	}
	transfers.next++
	n := transfers.next
	transfers.watchers[n] = func() { ctx.Dispatch(f) }
	return func() {
		transfers.mu.Lock()
		defer transfers.mu.Unlock()
		delete(transfers.watchers, n)
	}
}

// startTransfer runs work beside the page. While any runs, leaving the program asks first.
func startTransfer(work func(context.Context) error, done func(error)) {
	holdPage(1)
	go func() {
		err := guarded(context.Background(), work)
		holdPage(-1)
		changeTransfers(func() { done(err) })
		if lms.KindOf(err) == lms.KindSignIn && onScreen != nil {
			onScreen.Dispatch(signedOut) // asks for the password; then the work goes on where it stopped
		}
	}()
}

func holdPage(change int) {
	transfers.mu.Lock()
	defer transfers.mu.Unlock()
	transfers.active += change
	warnBeforeLeaving(transfers.active > 0)
}

// prepare hashes and declares the file. Done once, it does nothing again, so that a retry goes on where it stopped.
func (t *transfer) prepare(ctx context.Context, course string) error {
	if t.file.ID != "" {
		return nil
	}
	defer t.hold()()
	if t.file.ID != "" {
		return nil
	}
	if t.declared == nil {
		in, err := api.HashFile(ctx, t.blob, func(done, _ int64) { changeTransfers(func() { t.hashed = done }) })
		if err != nil {
			return err
		}
		in.Course = course
		t.declared = &in
	}
	file, err := api.Call(ctx, API, api.DeclareFile, *t.declared)
	if err != nil {
		return err
	}
	file.Chunks, file.CourseID = t.declared.Chunks, course
	changeTransfers(func() { t.file, t.hashed = file, t.size })
	return nil
}

// deliver sends what is missing of the bytes and completes the file.
func (t *transfer) deliver(ctx context.Context) (api.FileReceipt, error) {
	if t.done {
		return api.FileReceipt{File: t.file}, nil
	}
	defer t.hold()()
	if t.done {
		return api.FileReceipt{File: t.file}, nil
	}
	r, err := api.SendFile(ctx, API, t.file, t.blob, func(sent, _ int64) { changeTransfers(func() { t.sent = sent }) })
	changeTransfers(func() {
		t.err = err
		if err == nil {
			t.done, t.sent, t.file = true, t.size, r.File
		}
	})
	return r, err
}

// transferView shows one file with its state and progress.
func transferView(t transfer) app.UI {
	state, tone := "Waiting", ""
	switch {
	case t.err != nil:
		state, tone = ProblemOf(t.err).Message, "bad"
	case t.done:
		state, tone = "Arrived", "good"
	case t.file.ID != "" && t.sent > 0:
		state = "Sending: " + itoa(t.percent()) + " %"
	case t.hashed > 0 && t.file.ID == "":
		state = "Reading: " + itoa(percentOf(t.hashed, t.size)) + " %"
	}
	value := t.sent
	if t.file.ID == "" {
		value = t.hashed
	}
	return app.Li().Class("transfer").Body(
		app.Div().Class("transfer-head").Body(
			Icon("file-text"),
			app.Span().Class("transfer-name").Text(t.name),
			app.Span().Class("muted").Text(lms.FormatBytes(t.size)),
			app.Span().Class("transfer-state", "tone-"+tone).Text(state),
		),
		app.If(!t.done, func() app.UI { return Progress(t.name, value, max(t.size, 1)) }),
	)
}

// FilePicker is a large target for choosing or dropping files. The input covers the whole box, so that a file dropped
// on it is taken by the browser itself.
func FilePicker(id, label, help string, multiple bool, accept string, on app.EventHandler) app.UI {
	in := app.Input().Type("file").ID(id).Name(id).Class("picker-input").Aria("describedby", id+"-help").OnChange(on, Each(id))
	if multiple {
		in = in.Multiple(true)
	}
	if accept != "" {
		in = in.Accept(accept)
	}
	return app.Div().Class("picker").Body(
		in,
		app.Div().Class("picker-face").Body(
			Icon("upload"),
			app.Label().For(id).Class("picker-label").Text(label),
			app.Span().ID(id+"-help").Class("help").Text(help),
		),
	)
}
