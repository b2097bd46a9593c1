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
		app.If(p.work.lateAsk != nil, p.lateDialog),
		app.If(p.work.extending, p.extensionDialog),
	)
}

// status says in one line where the work stands. It says "handed in" only for what a majority of the nodes has.
func (p *assignmentPage) status(items []lms.Submission, h handInView, has bool) app.UI {
	label, tone := p.openStatus()
	switch {
	case has && h.running && !h.accepted:
		label, tone = "Not handed in yet: handing in now", "warn"
	case has && !h.accepted:
		label, tone = "Not handed in: it stopped, see below", "bad"
	case has && !h.complete:
		label, tone = "Received, waiting for files: "+itoa(percentOf(h.sent, h.size))+" %", "warn"
	case len(items) > 0 && !items[0].ReturnedAt.IsZero():
		label, tone = "Attempt "+itoa(items[0].Attempt)+" was returned to you as a draft by "+items[0].ReturnedBy+" "+Relative(items[0].ReturnedAt), "warn"
	case len(items) > 0:
		label, tone = attemptStatus(items[0])
		if items[0].Grade != nil {
			label = "Graded. " + label
		}
	}
	return app.Div().Class("work-status", "tone-"+tone).Role("status").Body(Icon(toneIcons[tone]), text(label))
}

// openStatus says where work stands that was not handed in.
func (p *assignmentPage) openStatus() (label, tone string) {
	a := p.assignment.Value
	draft := p.work.version > 0 && (p.work.text != "" || p.work.url != "" || len(p.work.items) > 0)
	switch past := !a.DueAt.IsZero() && Now().After(a.DueAt); {
	case past && draft:
		return "Missing: your draft is not handed in", "bad"
	case past:
		return "Missing: nothing was handed in", "bad"
	case draft:
		return "Draft: not handed in yet", "warn"
	}
	return "Not handed in yet", "info"
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
			return app.P().Class("muted").Text("Your hand-in was recorded " + FormatTimeIn(h.receipt.Submission.SubmittedAt, p.zone()) + ". That time counts. Keep this page open until the files have arrived, at most " + Span(lms.UploadGrace) + ".")
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
	if p.work.as != a.ID { // the draft is on its way, and would replace what is typed before it comes
		return p.draft.View(2, p.load, func(lms.Draft) app.UI { return nil })
	}
	if len(items) > 0 && items[0].State == lms.SubmissionWaiting && items[0].ReturnedAt.IsZero() && !has {
		return p.resumeView(items[0])
	}
	used := 0
	if a.Mine != nil {
		used = a.Mine.Used
	}
	if reason := p.mayHandIn(a, used, Now()); reason != "" {
		return app.Div().Class("stack").Body(app.P().Class("muted").Text(reason), p.keptDraft(), p.extensionView(a))
	}
	if used > 0 && !p.work.again {
		return app.Div().Class("actions").Body(Button("Hand in again", "upload", func(ctx app.Context, _ app.Event) {
			dropHandIn(p.as)
			p.work.again = true
			Focus(ctx, cond(a.AllowText, "text", "files"))
		}))
	}
	return app.Div().Class("stack").Body(p.formView(a, items), app.If(DueTone(a.DueAt) != "", func() app.UI { return p.extensionView(a) }))
}

// keptDraft shows the draft where nothing can be handed in: it is not lost.
func (p *assignmentPage) keptDraft() app.UI {
	w := &p.work
	if w.text == "" && w.url == "" && len(w.items) == 0 {
		return nil
	}
	return app.Div().Class("stack-tight").Body(app.P().Class("fine").Text("Your draft, as it is kept:"),
		app.Div().Class("panel").Body(Plain(strings.TrimSpace(w.text+"\n"+w.url)), app.Range(w.items).Slice(func(i int) app.UI { return app.P().Text(w.items[i].name) })))
}

func (p *assignmentPage) resumeView(s lms.Submission) app.UI {
	var names []string
	for _, f := range missingFiles(s) {
		names = append(names, f.Name)
	}
	left := s.SubmittedAt.Add(lms.UploadGrace).Sub(Now())
	return app.Div().Class("stack").Body(
		Notice("warn", "Attempt "+itoa(s.Attempt)+" counts from "+FormatTimeIn(s.SubmittedAt, p.zone())+", but bytes of "+strings.Join(names, ", ")+
			" are missing. Choose the same files again: the upload goes on where it stopped. Time left: "+Span(max(left, 0))+"."),
		p.work.problem.Alert(),
		app.If(p.work.busy, func() app.UI {
			return app.P().Role("status").Body(Spinner(), text(" Comparing the files with what you handed in"))
		}).Else(func() app.UI {
			return FilePicker("resume", "Choose the files again", strings.Join(names, ", "), true, "", func(ctx app.Context, _ app.Event) { p.resume(ctx, s) })
		}),
	)
}

// latestGrade shows the posted grade and feedback of the attempt that counts, else of the newest that has one, and how the
// number was made.
func latestGrade(a lms.Assignment, items []lms.Submission, link bool) app.UI {
	var graded *lms.Submission
	for i, s := range items {
		if g := s.Grade; g != nil && !g.PostedAt.IsZero() && s.ReturnedAt.IsZero() && (graded == nil || s.Chosen) {
			graded = &items[i]
		}
	}
	if graded == nil {
		if a.Mine != nil && a.Mine.Score != nil && a.Mine.Score.Missing && a.Mine.Score.Graded {
			return Card("What counts", nil, scoreFacts(*a.Mine.Score, a))
		}
		return nil
	}
	score := lms.Scored{Graded: true, Raw: graded.Grade.Points, Final: graded.Grade.Points.Score()}
	if graded.Score != nil {
		score = *graded.Score
	}
	return Card("Grade for attempt "+itoa(graded.Attempt), nil, app.Div().Class("stack").Body(
		app.If(graded.Grade.Grade != "" && score.Deduction == 0, func() app.UI { return scoreView(*graded.Grade, a.Points) }).
			Else(func() app.UI { return scoreFacts(score, a) }),
		feedbackView(*graded.Grade),
		app.If(graded.Grade.Rubric != nil, func() app.UI { return rubricView(*graded.Grade.Rubric, graded.Grade.Marks) }),
		app.P().Class("fine").Text(gradeByline(*graded.Grade)),
		app.If(link, func() app.UI {
			return app.Div().Class("actions").Body(LinkButton("Comments and annotations", "message-circle", CoursePath(graded.CourseID, "submissions", graded.ID)))
		}),
	))
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
				app.Span().Class("muted").Text(FormatTimeIn(s.SubmittedAt, p.zone())), Badge(label, tone)),
			app.Div().Class("stack", "attempt-body").Body(
				attemptBody(s),
				app.Div().Class("actions").Body(LinkButton("Comments and annotations", "message-circle", CoursePath(p.id, "submissions", s.ID)), Button("Receipt", "shield", func(ctx app.Context, _ app.Event) { p.showReceipt(ctx, s) }, Each(s.ID))),
			),
		)
	})))
}

func stateBadge(s lms.Submission) (label, tone string) {
	switch {
	case !s.ReturnedAt.IsZero():
		return "Returned as a draft", ""
	case s.State == lms.SubmissionWaiting:
		return "Waiting for files", "warn"
	case s.State == lms.SubmissionIncomplete:
		return "Incomplete", "bad"
	case s.Chosen:
		return "This one is graded", "good"
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
		app.If(s.URL != "", func() app.UI {
			return app.P().Body(app.A().Href(s.URL).Attr("target", "_blank").Attr("rel", "noopener noreferrer nofollow").Text(s.URL))
		}),
		app.If(len(s.Files) > 0, func() app.UI { return fileRows(withCourse(s)) }),
		app.If(s.Honour != "", func() app.UI { return app.P().Class("fine").Text("Ticked: “" + s.Honour + "”") }),
		app.If(s.FromDraft, func() app.UI { return app.P().Class("fine").Text("This draft was handed in by itself at the cut-off.") }),
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
