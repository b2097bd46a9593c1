package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/lms"
)

func (p *assignmentForm) Render() app.UI {
	return p.frame(&Shell{Title: cond(p.isNew, "New assignment", "Edit the assignment"), Active: "assignments",
		Back: Crumbs(p.label(), CoursePath(p.id), "Assignments", CoursePath(p.id, "assignments")),
		Content: app.If(p.loaded, p.form).ElseIf(p.problem.Message != "", func() app.UI { return p.problem.Alert() }).
			Else(func() app.UI { return Skeleton(5) })})
}

func (p *assignmentForm) form() app.UI {
	d, why := &p.draft, p.problem.For
	return app.Form().Class("stack").OnSubmit(p.submit).Body(
		p.problem.Alert("title", "description", "points", "opensAt", "dueAt", "cutoffAt", "allowText", "maxFiles", "maxFileSize", "allowedTypes", "maxAttempts"),
		app.If(p.kept, func() app.UI {
			return Notice("info", "This is what you typed on this device and did not save yet.", app.Div().Class("actions").Body(Button("Discard it", "arrow-left", p.discard)))
		}),
		Card("", nil, app.Div().Class("stack").Body(
			Input(Field{ID: "title", Label: "Title", Value: d.Title, Error: why("title"), On: p.typed(&d.Title)}),
			app.Div().Class("grid-2").Body(
				Input(Field{ID: "dueAt", Label: "Due", Type: "datetime-local", Optional: true, Value: d.Due, Error: why("dueAt"), On: p.typed(&d.Due), Help: "In your time zone, " + Zone() + ". Students see it in theirs."}),
				Input(Field{ID: "points", Label: "Points", InputMode: "decimal", Value: d.Points, Error: why("points"), On: p.typed(&d.Points)}),
			),
			TextArea(Field{ID: "description", Label: "What to do", Optional: true, Rows: 8, Value: d.Description, Error: why("description"), On: p.typed(&d.Description), Markdown: true, Help: "Every member of the course reads this."}),
			p.attachments(),
		)),
		p.folded(),
		Checkbox(Field{ID: "published", Label: "Students see it", Help: "Without the tick it is a draft for staff only.", On: p.ticked(&d.Published)}, d.Published),
		app.Div().Class("actions").Body(
			Submit(cond(p.isNew, cond(d.Published, "Post the assignment", "Save the draft"), "Save"), cond(p.waiting, "Waiting for the attachments", "Saving"), p.busy || p.waiting),
			LinkButton("Cancel", "", CoursePath(p.id, cond(p.isNew, "assignments", "assignments/"+p.as))),
		),
	)
}

// folded holds what has good defaults. It opens by itself when a refusal concerns one of its fields.
func (p *assignmentForm) folded() app.UI {
	d, why := &p.draft, p.problem.For
	box := app.Details().Class("card", "fold")
	switch p.problem.Field {
	case "opensAt", "cutoffAt", "allowText", "maxFiles", "maxFileSize", "allowedTypes", "maxAttempts":
		box = box.Open(true)
	}
	return box.Body(
		app.Summary().Class("fold-head").Body(Icon("chevron-right"), text("Opening, cut-off, files and attempts"),
			app.Span().Class("muted", "fold-sum").Text(p.summary())),
		app.Div().Class("card-body", "stack").Body(
			app.Div().Class("grid-2").Body(
				Input(Field{ID: "opensAt", Label: "Opens", Type: "datetime-local", Optional: true, Value: d.Opens, Error: why("opensAt"), On: p.typed(&d.Opens), Help: "Nothing can be handed in before."}),
				Input(Field{ID: "cutoffAt", Label: "Cut-off", Type: "datetime-local", Optional: true, Value: d.Cutoff, Error: why("cutoffAt"), On: p.typed(&d.Cutoff), Help: "Between due and cut-off work is late; after it nothing is taken."}),
			),
			Checkbox(Field{ID: "allowText", Label: "Students may write text", Error: why("allowText"), On: p.ticked(&d.AllowText)}, d.AllowText),
			app.Div().Class("grid-2").Body(
				Input(Field{ID: "maxFiles", Label: "Number of files", InputMode: "numeric", Value: d.MaxFiles, Error: why("maxFiles"), On: p.typed(&d.MaxFiles), Help: "0: no files."}),
				Input(Field{ID: "maxFileSize", Label: "Size of a file, in MiB", InputMode: "decimal", Value: d.MaxMiB, Error: why("maxFileSize"), On: p.typed(&d.MaxMiB), Help: "At most " + itoa(int(lms.MaxFileSize>>20)) + "."}),
				Input(Field{ID: "allowedTypes", Label: "Types of files", Optional: true, Value: d.Types, Placeholder: ".pdf, .docx", Error: why("allowedTypes"), On: p.typed(&d.Types), Help: "Empty: any type."}),
				Input(Field{ID: "maxAttempts", Label: "Attempts", InputMode: "numeric", Value: d.MaxAttempts, Error: why("maxAttempts"), On: p.typed(&d.MaxAttempts), Help: "0: as many as they like; the latest counts."}),
			),
		),
	)
}

// summary says what the folded fields hold.
func (p *assignmentForm) summary() string {
	in, err := p.draft.input(p.id)
	if err != nil && in.MaxFileSize == 0 {
		return ""
	}
	return in.AssignmentValue().Describe()
}

func (p *assignmentForm) attachments() app.UI {
	return app.Div().Class("field").Body(
		app.Span().Class("label").Body(text("Attachments"), app.Span().Class("optional").Text("optional")),
		app.If(len(p.draft.Attachments) > 0, func() app.UI {
			return app.Ul().Class("rows", "files").Body(app.Range(p.draft.Attachments).Slice(func(i int) app.UI {
				f := p.draft.Attachments[i]
				return RowWith(Icon("file-text"), f.Name, lms.FormatBytes(f.Size), Quiet("Remove", "x", func(ctx app.Context, _ app.Event) {
					p.removeAttachment(ctx, f.ID)
				}, Each(f.ID)).Aria("label", "Remove "+f.Name))
			}))
		}),
		app.If(len(p.uploads) > 0, p.uploadList),
		FilePicker("attachments", "Choose files, or drop them here", "At most "+lms.FormatBytes(lms.MaxFileSize)+" each. Every member can download them.", true, "", p.onPick),
	)
}

func (p *assignmentForm) uploadList() app.UI {
	transfers.mu.Lock()
	var list []transfer
	for _, t := range p.uploads {
		list = append(list, *t)
	}
	transfers.mu.Unlock()
	return app.Ul().Class("transfers").Body(app.Range(list).Slice(func(i int) app.UI {
		if list[i].err == nil {
			return transferView(list[i])
		}
		u := p.uploads[i]
		return app.Li().Class("transfer").Body(Notice("bad", list[i].name+": "+ProblemOf(list[i].err).Message,
			app.Div().Class("actions").Body(Quiet("Remove", "x", func(app.Context, app.Event) { p.removeUpload(u) }, Each(list[i].name, i)))))
	}))
}

func (p *assignmentForm) removeUpload(u *transfer) {
	for i, t := range p.uploads {
		if t == u {
			p.uploads = append(p.uploads[:i:i], p.uploads[i+1:]...)
			return
		}
	}
}

func (p *assignmentForm) removeAttachment(ctx app.Context, id string) {
	var rest []lms.File
	for _, f := range p.draft.Attachments {
		if f.ID != id {
			rest = append(rest, f)
		}
	}
	p.draft.Attachments = rest
	p.keep(ctx)
}
