package ui

import (
	"context"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// feedbackDialog takes a zip of marked files: it shows what would happen, and does that.
type feedbackDialog struct {
	app.Compo
	page    *submissionsPage
	own     app.Context // the buttons go away while something is under way; answers come to the dialog
	busy    string      // what is under way
	file    lms.File
	report  *lms.FeedbackReport
	applied string // id of the feedback that was attached
	problem Problem
}

// OnMount remembers where answers go.
func (d *feedbackDialog) OnMount(ctx app.Context) { d.own = ctx }

// Render draws the dialog.
func (d *feedbackDialog) Render() app.UI {
	return NewDialog("feedback-zip", "Upload marked files", d.page.close, app.Div().Class("stack").Body(
		d.problem.Alert(),
		app.If(d.busy != "", func() app.UI { return app.P().Role("status").Body(Spinner(), text(" "+d.busy)) }),
		app.If(d.report == nil && d.busy == "", func() app.UI {
			return app.Div().Class("stack").Body(
				app.P().Text("Download the work, mark the files without changing their names, and upload them as one zip. Each becomes a comment on the work it belongs to."),
				FilePicker("feedback-file", "Choose the zip, or drop it here", "One .zip of at most "+lms.FormatBytes(lms.MaxFileSize), false, ".zip", d.picked))
		}),
		app.If(d.report != nil, func() app.UI { return d.preview(*d.report) }),
	))
}

func (d *feedbackDialog) picked(_ app.Context, _ app.Event) {
	blobs := pickedFiles("feedback-file")
	if len(blobs) == 0 || d.busy != "" {
		return
	}
	d.busy, d.problem = "Sending the archive", Problem{}
	t := newTransfer(blobs[0])
	Async(d.own, func(c context.Context) (lms.FeedbackReport, error) {
		if err := t.prepare(c, d.page.id); err != nil {
			return lms.FeedbackReport{}, err
		}
		if _, err := t.deliver(c); err != nil {
			return lms.FeedbackReport{}, err
		}
		return api.Call(c, API, api.PreviewFeedback, api.FeedbackPath{Course: d.page.id, Assignment: d.page.as, File: t.file.ID})
	}, func(_ app.Context, r lms.FeedbackReport, err error) {
		d.busy, d.problem = "", ProblemOf(err)
		d.problem.Field = ""
		if err == nil {
			d.file, d.report = t.file, &r
		}
	})
}

func (d *feedbackDialog) preview(r lms.FeedbackReport) app.UI {
	title := plural(r.Matched, "file") + " will be attached, " + itoa(r.Skipped) + " skipped."
	if d.applied != "" {
		title = "Attached to " + plural(r.Applied, "work") + ". " + cond(d.page.marking.Value.Automatic(), "The students see it now.", "The students see it when you post.")
	}
	return app.Div().Class("stack").Body(
		app.P().Role("status").Body(app.Strong().Text(title)),
		app.Ul().Class("rows", "feedback-rows").TabIndex(0).Aria("label", "Files of the archive").Body(app.Range(r.Members).Slice(func(i int) app.UI {
			m := r.Members[i]
			if m.Skipped != "" {
				return RowWith(Icon("alert-triangle"), m.Member, "Skipped. "+m.Skipped)
			}
			return RowWith(Icon("check"), m.Member, m.UserName+", attempt "+itoa(m.Attempt)+", "+lms.FormatBytes(m.Size))
		})),
		app.If(d.busy == "", func() app.UI {
			if d.applied != "" {
				return app.Div().Class("actions", "actions-end").Body(Button("Undo", "refresh-cw", d.undo), Primary("Done", "check", func(ctx app.Context, _ app.Event) { d.page.close(ctx) }))
			}
			return app.Div().Class("actions", "actions-end").Body(
				Button("Choose another", "", func(app.Context, app.Event) { d.report = nil }),
				Busy(Primary("Attach "+plural(r.Matched, "file"), "upload", d.apply), r.Matched == 0))
		}),
	)
}

func (d *feedbackDialog) apply(_ app.Context, _ app.Event) {
	if d.busy != "" {
		return
	}
	in := api.FeedbackInput{Course: d.page.id, Assignment: d.page.as, ID: lms.NewID(), File: d.file.ID, Matched: d.report.Matched}
	d.busy = "Attaching the files"
	Async(d.own, Call(api.ApplyFeedback, in), func(_ app.Context, r lms.FeedbackReport, err error) {
		d.busy, d.problem = "", ProblemOf(err)
		d.problem.Field = ""
		if err == nil {
			d.report, d.applied = &r, in.ID
		}
	})
}

func (d *feedbackDialog) undo(_ app.Context, _ app.Event) {
	d.busy = "Taking the files away"
	in := api.FeedbackUndo{Course: d.page.id, Assignment: d.page.as, Feedback: d.applied}
	Async(d.own, Call(api.UndoFeedback, in), func(ctx app.Context, _ api.UndoFeedbackOutput, err error) {
		d.busy, d.problem = "", ProblemOf(err)
		if err == nil {
			d.report, d.applied = nil, ""
			Toast(ctx, "good", "The marked files are taken away.")
		}
	})
}
