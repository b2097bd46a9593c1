package ui

import (
	"fmt"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/lms"
)

func (p *assignmentPage) receiptDialog() app.UI {
	return NewDialog("receipt", "Receipt", func(app.Context) { p.work.showing = "" },
		p.work.receipt.View(4, nil, func(r lms.Receipt) app.UI { return receiptView(p.assignment.Value, p.course.Value, r) }))
}

// receiptView is the proof of an attempt, to read and to keep.
func receiptView(a lms.Assignment, c lms.Course, r lms.Receipt) app.UI {
	s := r.Submission
	whole := s.State == lms.SubmissionReceived
	return app.Div().Class("receipt", "stack").Body(
		app.If(!whole, func() app.UI { return Notice("warn", "Recorded in time, but not all files have arrived.") }),
		Facts(
			Fact{"Attempt", text(itoa(s.Attempt))},
			Fact{"Received", app.Div().Class("row-badges").Body(text(FormatTimeIn(s.SubmittedAt, c.Zone)), app.If(s.LateSeconds > 0, func() app.UI { return Badge(lateText(s.LateSeconds), "warn") }))},
			Fact{"Counts", scoreOfReceipt(a, s)},
			Fact{"Copies", text(cond(whole, "Everything is on ", "Complete on ") + itoa(r.Replicas) + " of " + plural(r.Nodes, "node"))},
			Fact{"Receipt id", app.Code().Text(s.ID)},
			Fact{"Log index", app.Code().Text(fmt.Sprint(r.Index))},
		),
		app.If(len(s.Files) > 0, func() app.UI {
			return app.Ul().Class("receipt-files").Body(app.Range(s.Files).Slice(func(i int) app.UI {
				f := s.Files[i]
				return app.Li().Body(app.Strong().Text(f.Name), app.Span().Class("muted").Text(" "+lms.FormatBytes(f.Size)+cond(f.Complete(), "", ", still arriving")),
					app.Div().Class("hash").Body(app.Span().Class("fine").Text("SHA-256 "), app.Code().Text(f.SHA256)))
			}))
		}),
		app.If(r.Mail != nil, func() app.UI { return app.P().Text(r.Mail.Sentence()) }),
		app.Div().Class("actions").Body(Button("Download the receipt", "download", func(ctx app.Context, _ app.Event) {
			saveBytes("receipt-"+s.ID+".txt", "text/plain;charset=utf-8", []byte(receiptText(a, c, r, Me())))
		}, Each(s.ID))),
	)
}

// scoreOfReceipt shows how the number that counts was made, once a grade is posted.
func scoreOfReceipt(a lms.Assignment, s lms.Submission) app.UI {
	if s.Score == nil || s.Grade == nil || s.Grade.PostedAt.IsZero() {
		return text("Not graded yet")
	}
	return text(scoreText(*s.Score, a.Points, a.GradeType) + madeOf(s.Score, s.Score.Raw))
}

// receiptText is the receipt as a file. Times are in UTC, so that everybody reads the same.
func receiptText(a lms.Assignment, c lms.Course, r lms.Receipt, u lms.User) string {
	s := r.Submission
	var b strings.Builder
	line := func(label, value string) { fmt.Fprintf(&b, "%-13s %s\n", label+":", value) }
	b.WriteString("Receipt of Trivium\n\n")
	line("Course", strings.TrimSpace(c.Code+" "+c.Title))
	line("Assignment", a.Title)
	line("Handed in by", u.Name+" ("+u.Login+")")
	line("Attempt", itoa(s.Attempt))
	line("Received", s.SubmittedAt.UTC().Format("2006-01-02 15:04:05.000 UTC"))
	if s.LateSeconds > 0 {
		line("Late by", (time.Duration(s.LateSeconds) * time.Second).String())
	}
	line("Receipt id", s.ID)
	line("Log index", fmt.Sprint(r.Index))
	line("Copies", fmt.Sprintf("complete on %d of %d nodes", r.Replicas, r.Nodes))
	if s.URL != "" {
		line("Web address", s.URL)
	}
	if s.Honour != "" {
		line("Ticked", s.Honour)
	}
	if sc := s.Score; sc != nil && s.Grade != nil && !s.Grade.PostedAt.IsZero() {
		line("Grade", sc.Raw.String()+" points")
		line("Late", "- "+sc.Deduction.String()+" points")
		line("Counts", sc.Final.String()+" of "+a.Points.String()+" points")
	}
	if s.Text != "" {
		line("Text", fmt.Sprintf("%d words, %d bytes", len(strings.Fields(s.Text)), len(s.Text)))
	}
	for _, f := range s.Files {
		fmt.Fprintf(&b, "\nFile:         %s\nSize:         %d bytes\nSHA-256:      %s\n", f.Name, f.Size, f.SHA256)
	}
	return b.String()
}
