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
		p.problem.Alert("title", "description", "points", "opensAt", "dueAt", "cutoffAt", "allowText", "maxFiles", "maxFileSize", "allowedTypes", "maxAttempts",
			"gradeType", "categoryId", "blind", "gradeByAt", "onPaper", "honour", "handInDrafts", "late.rate", "late.interval", "late.floor", "late.missing"),
		app.If(p.kept, func() app.UI {
			return Notice("info", "This is what you typed on this device and did not save yet.", app.Div().Class("actions").Body(Button("Discard it", "arrow-left", p.discard)))
		}),
		Card("", nil, app.Div().Class("stack").Body(
			Input(Field{ID: "title", Label: "Title", Value: d.Title, Error: why("title"), On: p.typed(&d.Title)}),
			Input(Field{ID: "dueAt", Label: "Due", Type: "datetime-local", Optional: true, Value: d.Due, Error: why("dueAt"), On: p.typed(&d.Due), Help: "In the course's time zone, " + p.course.Value.Zone + ". The whole minute counts."}),
		)),
		p.folded(),
		Checkbox(Field{ID: "published", Label: "Students see it", Help: "Without the tick it is a draft for staff only.", On: p.ticked(&d.Published)}, d.Published),
		app.Div().Class("actions").Body(
			Submit(cond(p.isNew, cond(d.Published, "Post the assignment", "Save the draft"), "Save"), cond(p.waiting, "Waiting for the attachments", "Saving"), p.busy || p.waiting),
			LinkButton("Cancel", "", CoursePath(p.id, cond(p.isNew, "assignments", "assignments/"+p.as))),
		),
		app.If(p.preview != nil, func() app.UI {
			return previewDialog(*p.preview, p.busy, p.send, func(app.Context) { p.preview = nil })
		}),
	)
}

// foldOf says which of the folded parts holds a field.
func foldOf(field string) string {
	switch field {
	case "description", "attachments":
		return "task"
	case "opensAt", "cutoffAt", "gradeByAt", "handInDrafts":
		return "dates"
	case "allowText", "maxFiles", "maxFileSize", "allowedTypes", "maxAttempts", "onPaper", "honour":
		return "handin"
	case "points", "gradeType", "categoryId", "blind", "late.rate", "late.interval", "late.floor", "late.missing":
		return "grading"
	}
	return ""
}

// fold is a part of the form that has good defaults. It opens by itself when a refusal concerns one of its fields.
func (p *assignmentForm) fold(name, title, summary string, body ...app.UI) app.UI {
	box := app.Details().Class("card", "fold").ID("fold-" + name)
	if name == foldOf(p.problem.Field) {
		box = box.Open(true)
	}
	return box.Body(
		app.Summary().Class("fold-head").Body(Icon("chevron-right"), text(title), app.Span().Class("muted", "fold-sum").Text(summary)),
		app.Div().Class("card-body", "stack").Body(body...),
	)
}

// folded holds everything that has a good default.
func (p *assignmentForm) folded() app.UI {
	d, why := &p.draft, p.problem.For
	date := func(id, label string, to *string, help string) app.UI {
		return Input(Field{ID: id, Label: label, Type: "datetime-local", Optional: true, Value: *to, Error: why(id), On: p.typed(to), Help: help})
	}
	return app.Div().Class("stack").Body(
		p.fold("task", "What to do", p.taskSummary(),
			TextArea(Field{ID: "description", Label: "Description", Optional: true, Rows: 8, Value: d.Description, Error: why("description"), On: p.typed(&d.Description), Markdown: true, Help: "Every member of the course reads this."}),
			p.attachments(),
		),
		p.fold("handin", "What is handed in", p.summary(), p.handInFields()...),
		p.fold("dates", "More dates", datesSummary(*d),
			app.Div().Class("grid-2").Body(
				date("opensAt", "Opens", &d.Opens, "Nothing can be handed in before."),
				date("cutoffAt", "Cut-off", &d.Cutoff, "Between due and cut-off work is late; after it nothing is taken."),
				date("gradeByAt", "Grade by", &d.GradeBy, "A reminder for the staff; students do not see it."),
			),
			Checkbox(Field{ID: "alwaysShow", Label: "Students read the description before it opens", On: p.ticked(&d.AlwaysShow)}, d.AlwaysShow),
			Checkbox(Field{ID: "handInDrafts", Label: "At the cut-off, drafts are handed in by themselves", Error: why("handInDrafts"), On: p.ticked(&d.HandInDrafts),
				Help: "Without the tick an unsent draft stays a draft. Work that was handed in is never replaced by a draft."}, d.HandInDrafts),
		),
		p.fold("grading", "Points, grading and lateness", p.gradingSummary(),
			app.Div().Class("grid-2").Body(
				Input(Field{ID: "points", Label: "Points", InputMode: "decimal", Value: d.Points, Error: why("points"), On: p.typed(&d.Points)}),
				Select(Field{ID: "gradeType", Label: "Graded as", Value: d.GradeType, Error: why("gradeType"), On: p.typed(&d.GradeType)},
					Option{Value: string(lms.GradePoints), Label: "Points"}, Option{Value: string(lms.GradePercent), Label: "Percent"}, Option{Value: string(lms.GradeLetter), Label: "Letter"},
					Option{Value: string(lms.GradePassFail), Label: "Pass or fail"}, Option{Value: string(lms.GradeUngraded), Label: "Not graded"}),
				p.categoryField(),
			),
			Checkbox(Field{ID: "extraCredit", Label: "Extra credit: adds points, and nothing to the possible ones", On: p.ticked(&d.ExtraCredit)}, d.ExtraCredit),
			Checkbox(Field{ID: "neverDrop", Label: "Never left out by a rule that drops the lowest", On: p.ticked(&d.NeverDrop)}, d.NeverDrop),
			Checkbox(Field{ID: "blind", Label: "Blind marking: whoever marks sees “Participant 17” instead of a name", Error: why("blind"), On: p.ticked(&d.Blind),
				Help: "Grades reach the gradebook and the students after an instructor has revealed the identities. It is fixed as soon as somebody hands in."}, d.Blind),
			Checkbox(Field{ID: "hideMarkers", Label: "Students do not see who marked", On: p.ticked(&d.HideMarkers)}, d.HideMarkers),
			Checkbox(Field{ID: "ownLate", Label: "A late rule of its own", Help: "Otherwise the rule of the course holds.", On: p.ticked(&d.OwnLate)}, d.OwnLate),
			app.If(d.OwnLate, func() app.UI { return d.Late.fields(p.problem, p.typed) }),
		),
	)
}

func (p *assignmentForm) handInFields() []app.UI {
	d, why := &p.draft, p.problem.For
	return []app.UI{
		Checkbox(Field{ID: "onPaper", Label: "On paper, outside of this site", Error: why("onPaper"), On: p.ticked(&d.OnPaper)}, d.OnPaper),
		app.If(!d.OnPaper, func() app.UI {
			return app.Div().Class("stack").Body(
				Checkbox(Field{ID: "allowText", Label: "Text", Error: why("allowText"), On: p.ticked(&d.AllowText)}, d.AllowText),
				Checkbox(Field{ID: "allowUrl", Label: "A web address", On: p.ticked(&d.AllowURL)}, d.AllowURL),
				app.Div().Class("grid-2").Body(
					Input(Field{ID: "maxFiles", Label: "Number of files", InputMode: "numeric", Value: d.MaxFiles, Error: why("maxFiles"), On: p.typed(&d.MaxFiles), Help: "0: no files."}),
					Input(Field{ID: "maxFileSize", Label: "Size of a file, in MiB", InputMode: "decimal", Value: d.MaxMiB, Error: why("maxFileSize"), On: p.typed(&d.MaxMiB), Help: "At most " + itoa(int(lms.MaxFileSize>>20)) + "."}),
					Input(Field{ID: "allowedTypes", Label: "Types of files", Optional: true, Value: d.Types, Placeholder: ".pdf, .docx", Error: why("allowedTypes"), On: p.typed(&d.Types), Help: "Empty: any type."}),
					Input(Field{ID: "maxAttempts", Label: "Attempts", InputMode: "numeric", Value: d.MaxAttempts, Error: why("maxAttempts"), On: p.typed(&d.MaxAttempts), Help: "0: as many as they like; the latest counts unless you choose another."}),
				),
				TextArea(Field{ID: "honour", Label: "Statement that students must tick", Optional: true, Rows: 2, Value: d.Honour, Placeholder: "I wrote this myself and have named my sources.", Error: why("honour"), On: p.typed(&d.Honour)}),
			)
		}),
	}
}

func (p *assignmentForm) categoryField() app.UI {
	options := []Option{{Value: "", Label: "None"}}
	for _, c := range p.choices.Value.Categories {
		options = append(options, Option{Value: c.ID, Label: c.Name})
	}
	return Select(Field{ID: "categoryId", Label: "Category of the gradebook", Value: p.draft.Category, Error: p.problem.For("categoryId"), On: p.typed(&p.draft.Category)}, options...)
}

func datesSummary(d assignmentDraft) string {
	switch {
	case d.Opens != "" && d.Cutoff != "":
		return "Opens and closes at a time"
	case d.Cutoff != "":
		return "Open at once, closes at a cut-off"
	case d.Opens != "":
		return "Opens at a time"
	}
	return "Open at once, late work is taken"
}

func (p *assignmentForm) gradingSummary() string {
	rule := "late work as the course has it"
	if p.draft.OwnLate {
		rule = "a late rule of its own"
	}
	return p.draft.Points + " points; " + rule + cond(p.draft.Blind, "; blind", "")
}

func (p *assignmentForm) taskSummary() string {
	n := len(p.draft.Attachments) + len(p.uploads)
	return cond(p.draft.Description == "", "No description", "A description") + cond(n > 0, ", "+plural(n, "attachment"), "")
}

// summary says what the folded fields hold.
func (p *assignmentForm) summary() string {
	in, err := p.draft.input(p.id, p.course.Value.Zone)
	if err != nil && in.MaxFileSize == 0 && !in.OnPaper {
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
