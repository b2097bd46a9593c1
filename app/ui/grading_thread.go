package ui

import (
	"context"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// threadForm is a comment while it is written. Its text is kept on this device until a node has it.
type threadForm struct {
	body    string
	files   []lms.File
	sending bool
	loading int // files on their way
	problem Problem
}

func (p *gradingPage) threadKey() string { return draftKey("thread", p.sub) }

// threadCard is the thread between the student and the staff about the work.
func (p *gradingPage) threadCard() app.UI {
	items, f := p.extra().comments, &p.thread
	help := "The staff of this course and you read this."
	if p.staff() {
		help = "The student reads this " + p.whenRead() + "; other staff read it at once."
	}
	return Card("Comments", nil, app.Div().Class("stack").Body(
		app.If(p.extra().err != nil, func() app.UI {
			return ErrorBox(p.extra().err, func(ctx app.Context) { p.readExtras(ctx, p.submission.Value) })
		}),
		app.If(len(items) == 0 && p.extra().err == nil, func() app.UI { return app.P().Class("muted").Text("No comments yet.") }),
		app.Ol().Class("thread").Body(app.Range(items).Slice(func(i int) app.UI { return p.comment(items[i]) })),
		app.If(!p.readOnly() && (p.staff() || p.submission.Value.UserID == Me().ID), func() app.UI {
			return app.Form().Class("stack").OnSubmit(p.sendComment).Body(
				f.problem.Alert("body"),
				TextArea(Field{ID: "comment", Label: "Your comment", Rows: 3, Value: f.body, Help: help, Error: f.problem.For("body"), Markdown: true, Optional: true, On: func(ctx app.Context, _ app.Event) {
					f.body = ctx.JSSrc().Get("value").String()
					keepDraft(ctx, p.threadKey(), f.body)
				}}),
				app.Ul().Class("rows").Body(app.Range(f.files).Slice(func(i int) app.UI {
					file := f.files[i]
					return RowWith(Icon("paperclip"), file.Name, lms.FormatBytes(file.Size), IconButton("Remove "+file.Name, "x", func(app.Context, app.Event) {
						f.files = append(f.files[:i:i], f.files[i+1:]...)
					}, Each(file.ID)))
				})),
				app.Div().Class("actions").Body(
					Busy(Submit("Send", "Sending", f.sending), f.loading > 0),
					app.Label().Class("btn", "btn-quiet").For("comment-files").Body(Icon("paperclip"), text(cond(f.loading > 0, "Sending the file", "Attach a file")),
						app.Input().ID("comment-files").Type("file").Class("sr-only").Multiple(true).OnChange(p.attachFiles))),
			)
		}),
	))
}

func (p *gradingPage) comment(c lms.Comment) app.UI {
	meta := FormatTime(c.CreatedAt) + cond(len(p.attempts.Value.Items) > 1, ", attempt "+itoa(c.Attempt), "")
	return app.Li().Class("comment").Body(
		app.Div().Class("comment-head").Body(Avatar(c.AuthorName), app.Strong().Text(c.AuthorName),
			app.If(c.PostedAt.IsZero(), func() app.UI { return Badge("Not posted", "warn") }),
			app.If(c.AuthorID == Me().ID && !p.readOnly(), func() app.UI {
				return IconButton("Remove this comment", "trash", func(ctx app.Context, _ app.Event) { p.removeComment(ctx, c) }, Each(c.ID))
			})),
		app.If(c.BodyHTML != "", func() app.UI { return Prose(c.BodyHTML) }),
		app.If(len(c.Files) > 0, func() app.UI { return fileRows(withCourse(lms.Submission{CourseID: p.id, Files: c.Files})) }),
		app.P().Class("fine").Text(meta),
	)
}

// attachFiles sends the files that were chosen, before the comment is sent.
func (p *gradingPage) attachFiles(ctx app.Context, _ app.Event) {
	f, sub := &p.thread, p.sub
	for _, b := range pickedFiles("comment-files") {
		t := newTransfer(b)
		f.loading++
		Async(ctx, func(c context.Context) (lms.File, error) {
			if err := t.prepare(c, p.id); err != nil {
				return lms.File{}, err
			}
			_, err := t.deliver(c)
			return t.file, err
		}, func(ctx app.Context, file lms.File, err error) {
			if p.sub != sub {
				return
			}
			f.loading--
			if err != nil {
				f.problem = ProblemOf(err)
				f.problem.Field = ""
				return
			}
			f.files = append(f.files, file)
		})
	}
}

func (p *gradingPage) sendComment(ctx app.Context, e app.Event) {
	e.PreventDefault()
	f, sub := &p.thread, p.sub
	in := api.CommentInput{Course: p.id, Submission: sub, ID: lms.NewID(), Body: f.body}
	for _, file := range f.files {
		in.Files = append(in.Files, file.ID)
	}
	if err := in.Validate(); err != nil {
		f.problem = ProblemOf(err)
		Focus(ctx, "comment")
		return
	}
	if f.sending || f.loading > 0 {
		return
	}
	f.sending = true
	key := p.threadKey()
	Async(ctx, Call(api.AddComment, in), func(ctx app.Context, _ lms.Comment, err error) {
		if err == nil {
			dropDraft(ctx, key)
		}
		if p.sub != sub {
			return
		}
		f.sending = false
		if err != nil {
			f.problem = ProblemOf(err)
			return
		}
		p.thread = threadForm{}
		SetValue("comment", "")
		p.readComments(ctx, sub)
	})
}

func (p *gradingPage) removeComment(ctx app.Context, c lms.Comment) {
	in := api.CommentPath{Course: p.id, Submission: p.sub, Comment: c.ID}
	Async(ctx, Call(api.DeleteComment, in), func(ctx app.Context, _ api.Empty, err error) {
		if err != nil {
			ToastError(ctx, err)
			return
		}
		p.removed = func(ctx app.Context) {
			p.removed = nil
			Async(ctx, Call(api.RestoreComment, in), func(ctx app.Context, _ api.Empty, err error) { p.undone(ctx, in.Submission, err) })
		}
		p.readComments(ctx, in.Submission)
	})
}
