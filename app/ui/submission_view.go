package ui

import (
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// studentWork shows where the student stands, then the form, then every attempt.
func (p *assignmentPage) studentWork(page api.Page[lms.Submission]) app.UI {
	a := p.assignment.Value
	h, has := handInOf(p.as)
	return app.Div().Class("stack").Body(
		latestGrade(a, page.Items, true),
		Card("Your work", nil, app.Div().Class("stack").Body(
			p.status(page.Items, h, has),
			app.If(has, func() app.UI { return p.handInView(a, h) }),
			p.formOrReason(a, page.Items, h, has),
		)),
		app.If(len(page.Items) > 0, func() app.UI { return p.history(page.Items) }),
		app.If(p.work.showing != "", p.receiptDialog),
	)
}

// status says in one line where the work stands. It says "handed in" only for what a majority of the nodes has.
func (p *assignmentPage) status(items []lms.Submission, h handInView, has bool) app.UI {
	label, tone := "Not handed in yet", "info"
	switch {
	case has && h.running && !h.accepted:
		label, tone = "Not handed in yet: handing in now", "warn"
	case has && !h.accepted:
		label, tone = "Not handed in: it stopped, see below", "bad"
	case has && !h.complete:
		label, tone = "Received, waiting for files: "+itoa(percentOf(h.sent, h.size))+" %", "warn"
	case len(items) > 0:
		label, tone = attemptStatus(items[0])
	}
	return app.Div().Class("work-status", "tone-"+tone).Role("status").Body(Icon(toneIcons[tone]), text(label))
}

func attemptStatus(s lms.Submission) (label, tone string) {
	n := itoa(s.Attempt)
	switch s.State {
	case lms.SubmissionWaiting:
		return "Attempt " + n + " received in time, waiting for files: " + itoa(arrivedPercent(s)) + " %", "warn"
	case lms.SubmissionIncomplete:
		return "Attempt " + n + " is incomplete: its files did not arrive", "bad"
	}
	return "Attempt " + n + " handed in " + Relative(s.SubmittedAt) + cond(s.LateSeconds > 0, ", "+lateText(s.LateSeconds), ""), "good"
}

// arrivedPercent counts whole files, which is all that the node tells about bytes from elsewhere.
func arrivedPercent(s lms.Submission) int {
	var done, all int64
	for _, f := range s.Files {
		all += f.Size
		if f.Complete() {
			done += f.Size
		}
	}
	return percentOf(done, all)
}

func lateText(seconds int64) string {
	return "late by " + Span(time.Duration(seconds)*time.Second)
}

// handInView shows a hand-in while it is on its way, and its receipt when it has arrived.
func (p *assignmentPage) handInView(a lms.Assignment, h handInView) app.UI {
	return app.Div().Class("stack").Body(
		app.If(len(h.items) > 0 && !h.complete, func() app.UI {
			return app.Ul().Class("transfers").Aria("label", "Files on their way").Body(app.Range(h.items).Slice(func(i int) app.UI { return transferView(h.items[i]) }))
		}),
		app.If(h.accepted && !h.complete && h.running, func() app.UI {
			return app.P().Class("muted").Text("Your hand-in was recorded " + FormatTime(h.receipt.Submission.SubmittedAt) + ". That time counts. Keep this page open until the files have arrived, at most " + Span(lms.UploadGrace) + ".")
		}),
		app.If(h.err != nil, func() app.UI {
			return app.Div().Role("alert").Body(Notice("bad", ProblemOf(h.err).Message, app.Div().Class("actions").Body(
				Primary("Try again", "refresh-cw", func(app.Context, app.Event) { retryHandIn(p.as) }),
				app.If(!h.accepted, func() app.UI {
					return Button("Change it first", "edit", func(app.Context, app.Event) { dropHandIn(p.as) })
				}),
			)))
		}),
		app.If(h.complete, func() app.UI { return receiptView(a, p.course.Value, h.receipt) }),
	)
}

func (p *assignmentPage) formOrReason(a lms.Assignment, items []lms.Submission, h handInView, has bool) app.UI {
	if has && !h.complete {
		return nil // one at a time: it runs, or offers to go on
	}
	if len(items) > 0 && items[0].State == lms.SubmissionWaiting && !has {
		return p.resumeView(items[0])
	}
	attempts := 0
	if len(items) > 0 {
		attempts = items[0].Attempt
	}
	if reason := p.mayHandIn(a, attempts, Now()); reason != "" {
		return app.P().Class("muted").Text(reason)
	}
	if attempts > 0 && !p.work.again {
		return app.Div().Class("actions").Body(Button("Hand in again", "upload", func(ctx app.Context, _ app.Event) {
			dropHandIn(p.as)
			p.work.again = true
			Focus(ctx, cond(a.AllowText, "text", "files"))
		}))
	}
	return p.formView(a, attempts)
}

func (p *assignmentPage) resumeView(s lms.Submission) app.UI {
	var names []string
	for _, f := range missingFiles(s) {
		names = append(names, f.Name)
	}
	left := s.SubmittedAt.Add(lms.UploadGrace).Sub(Now())
	return app.Div().Class("stack").Body(
		Notice("warn", "Attempt "+itoa(s.Attempt)+" counts from "+FormatTime(s.SubmittedAt)+", but bytes of "+strings.Join(names, ", ")+
			" are missing. Choose the same files again: the upload goes on where it stopped. Time left: "+Span(max(left, 0))+"."),
		p.work.problem.Alert(),
		app.If(p.work.busy, func() app.UI {
			return app.P().Role("status").Body(Spinner(), text(" Comparing the files with what you handed in"))
		}).Else(func() app.UI {
			return FilePicker("resume", "Choose the files again", strings.Join(names, ", "), true, "", func(ctx app.Context, _ app.Event) { p.resume(ctx, s) })
		}),
	)
}

// latestGrade shows the posted grade and feedback of the newest attempt that has one.
func latestGrade(a lms.Assignment, items []lms.Submission, link bool) app.UI {
	for _, s := range items {
		if g := s.Grade; g != nil && !g.PostedAt.IsZero() {
			return Card("Grade for attempt "+itoa(s.Attempt), nil, app.Div().Class("stack").Body(
				scoreView(*g, a.Points),
				feedbackView(*g),
				app.If(g.Rubric != nil, func() app.UI { return rubricView(*g.Rubric, g.Marks) }),
				app.P().Class("fine").Text(gradeByline(*g)),
				app.If(link, func() app.UI {
					return app.Div().Class("actions").Body(LinkButton("Comments and annotations", "message-circle", CoursePath(s.CourseID, "submissions", s.ID)))
				}),
			))
		}
	}
	return nil
}

// scoreView shows a grade in the words of its kind.
func scoreView(g lms.Grade, possible lms.Points) app.UI {
	if g.Grade != "" {
		return app.P().Class("score").Body(app.Strong().Text(g.Grade))
	}
	return app.P().Class("score").Body(app.Strong().Text(g.Points.String()), app.Span().Class("muted").Text(" of "+possible.String()+" points"))
}

func feedbackView(g lms.Grade) app.UI {
	switch {
	case g.FeedbackHTML != "":
		return Prose(g.FeedbackHTML)
	case g.Feedback != "":
		return Plain(g.Feedback)
	}
	return app.P().Class("muted").Text("No written feedback.")
}

func gradeByline(g lms.Grade) string {
	return cond(g.By != "", "By "+g.By+", posted ", "Posted ") + FormatTime(g.PostedAt) + cond(g.RevisedAt.IsZero(), "", "; changed on "+FormatTime(g.RevisedAt))
}

func (p *assignmentPage) history(items []lms.Submission) app.UI {
	return Card("Attempts", nil, app.Div().Class("attempts").Body(app.Range(items).Slice(func(i int) app.UI {
		s := items[i]
		label, tone := stateBadge(s)
		return app.Details().Class("attempt").Body(
			app.Summary().Class("fold-head").Body(Icon("chevron-right"), app.Strong().Text("Attempt "+itoa(s.Attempt)),
				app.Span().Class("muted").Text(FormatTime(s.SubmittedAt)), Badge(label, tone)),
			app.Div().Class("stack", "attempt-body").Body(
				attemptBody(s),
				app.Div().Class("actions").Body(LinkButton("Comments and annotations", "message-circle", CoursePath(p.id, "submissions", s.ID)), Button("Receipt", "shield", func(ctx app.Context, _ app.Event) { p.showReceipt(ctx, s) }, Each(s.ID))),
			),
		)
	})))
}

func stateBadge(s lms.Submission) (label, tone string) {
	switch {
	case s.State == lms.SubmissionWaiting:
		return "Waiting for files", "warn"
	case s.State == lms.SubmissionIncomplete:
		return "Incomplete", "bad"
	case s.LateSeconds > 0:
		return "Late by " + Span(time.Duration(s.LateSeconds)*time.Second), "warn"
	}
	return "Received", "good"
}

// attemptBody shows what an attempt holds.
func attemptBody(s lms.Submission) app.UI {
	return app.Div().Class("stack").Body(
		app.If(s.Text != "", func() app.UI {
			return app.Div().Class("stack-tight").Body(app.Div().Class("panel").Body(Plain(s.Text)),
				app.P().Class("fine").Text(plural(len(strings.Fields(s.Text)), "word")))
		}),
		app.If(len(s.Files) > 0, func() app.UI { return fileRows(withCourse(s)) }),
	)
}

// withCourse completes the files of an attempt with their course, for links.
func withCourse(s lms.Submission) []lms.File {
	files := make([]lms.File, len(s.Files))
	for i, f := range s.Files {
		f.CourseID = s.CourseID
		files[i] = f
	}
	return files
}
