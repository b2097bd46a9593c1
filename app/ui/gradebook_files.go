package ui

import (
	"context"
	"slices"
	"unicode/utf8"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// bookFilesPage exports the gradebook as CSV and imports marks, after a preview of what would change.
type bookFilesPage struct {
	app.Compo
	inCourse
	imports         Remote[api.Page[lms.BookImport]]
	bom, semicolons bool
	name, csv       string
	create          []string
	plan            *lms.ImportPlan
	busy            bool
	undoing         *lms.BookImport
	kept            []string
	problem         Problem
}

// OnNav loads the imports of the course.
func (p *bookFilesPage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	if p.enter(ctx) {
		p.imports.Reset()
		p.forget()
	}
	p.load(ctx)
}

func (p *bookFilesPage) load(ctx app.Context) {
	p.imports.Load(ctx, Call(api.ListImports, api.CoursePath{Course: p.id}))
}

func (p *bookFilesPage) forget() {
	p.name, p.csv, p.create, p.plan, p.problem, p.kept = "", "", nil, nil, Problem{}, nil
}

// Render draws the page.
func (p *bookFilesPage) Render() app.UI {
	return p.frame(&Shell{Title: "Import and export", Active: "grades", Back: Crumbs(p.label(), CoursePath(p.id)),
		Content: stackOf(gradeTabs(p.id, true, true, CoursePath(p.id, "grades", "files")),
			p.exportCard(),
			when(p.instructor() && !p.readOnly(), p.importCard),
			when(p.plan != nil, p.preview),
			Card("Imports", nil, p.imports.View(2, p.load, p.list)),
			when(p.undoing != nil, func() app.UI {
				return Confirm("undo-import", "Undo this import?", "The "+plural(p.undoing.Changes, "mark")+" of "+p.undoing.FileName+" get back what was there before. What was changed since stays as it is.",
					"Undo the import", p.undo, func(app.Context) { p.undoing = nil })
			}),
		)})
}

func (p *bookFilesPage) exportCard() app.UI {
	href, _ := api.PathOf(api.ExportGradebook, api.ExportBookInput{Course: p.id, BOM: p.bom, Semicolon: p.semicolons})
	return Card("Export", nil, stackOf(
		mutedText("All students with their marks, also those that are not posted, and the totals. The file can be changed in a spreadsheet and imported again."),
		Checkbox(Field{ID: "bom", Label: "For Excel: mark the file as UTF-8", On: func(ctx app.Context, _ app.Event) { p.bom = Checked(ctx) }}, p.bom),
		Checkbox(Field{ID: "semicolon", Label: "Semicolons and decimal commas, as spreadsheets in many languages want them", On: func(ctx app.Context, _ app.Event) { p.semicolons = Checked(ctx) }}, p.semicolons),
		actionsOf(app.A().Class("btn").Href(href).Attr("download", "grades.csv").Body(Icon("download"), text("Download as CSV"))),
	))
}

func (p *bookFilesPage) importCard() app.UI {
	return Card("Import", nil, stackOf(
		p.problem.Alert(),
		app.Div().Class("problem").Role("status").Body(when(len(p.kept) > 0, func() app.UI {
			return Notice("warn", "Undone, except what was changed since: "+joined(p.kept, 20)+".")
		})),
		FilePicker("book-csv", cond(p.name != "", p.name, "Choose a CSV file"), "First you see what would change. Nothing is changed before you apply it. An empty cell changes nothing.", false, ".csv,text/csv", p.picked),
	))
}

func joined(list []string, most int) string {
	s := ""
	for i, v := range list {
		if i == most {
			return s + " and " + itoa(len(list)-most) + " more"
		}
		s += cond(i > 0, "; ", "") + v
	}
	return s
}

func (p *bookFilesPage) picked(ctx app.Context, _ app.Event) {
	files := pickedFiles("book-csv")
	if len(files) == 0 {
		return
	}
	p.forget()
	p.name = files[0].Name()
	if files[0].Size() > lms.ChunkSize {
		p.problem = Problem{Message: "The file has " + lms.FormatBytes(files[0].Size()) + "; at most " + lms.FormatBytes(lms.ChunkSize) + " can be imported at once. Import it in parts."}
		return
	}
	Async(ctx, func(context.Context) (string, error) {
		b, err := files[0].Slice(0)
		return string(b), err
	}, func(ctx app.Context, s string, err error) {
		if err != nil {
			p.problem = Problem{Message: "The file could not be read. Choose it again."}
			return
		}
		if !utf8.ValidString(s) { // JSON would replace the bytes
			p.problem = Problem{Message: "The file is not UTF-8. Save it as \"CSV UTF-8\" and choose it again."}
			return
		}
		p.csv = s
		p.look(ctx)
	})
}

// look asks for a preview.
func (p *bookFilesPage) look(ctx app.Context) {
	p.busy, p.problem = true, Problem{}
	in := api.PreviewImportInput{Course: p.id, CSV: p.csv, Create: p.create}
	Async(ctx, Call(api.PreviewImport, in), func(ctx app.Context, plan lms.ImportPlan, err error) {
		p.busy = false
		if err != nil {
			p.problem, p.plan = ProblemOf(err), nil
			return
		}
		p.plan = &plan
	})
}

func (p *bookFilesPage) preview() app.UI {
	plan := p.plan
	above := 0
	rows := [][]string{}
	for _, c := range plan.Changes {
		rows = append(rows, []string{c.Name, c.Title, cond(c.Old.String() != "", c.Old.String(), "–"), c.New.String() + cond(c.Above, " (more than possible)", "")})
		if c.Above {
			above++
		}
	}
	const most = 200
	return Card("Preview of "+p.name, nil, stackOf(
		app.P().Text(plural(plan.Count, "mark")+" would change for "+plural(plan.Students, "student")+" of the file; "+plural(plan.Unchanged, "mark")+" are the same already. Changed marks are drafts until they are posted."),
		when(len(plan.Create) > 0, func() app.UI { return app.P().Text(plural(len(plan.Create), "column") + " would be added.") }),
		when(above > 0, func() app.UI { return Notice("warn", plural(above, "mark")+" are more than the column is worth.") }),
		when(len(plan.Unknown) > 0, func() app.UI {
			return Notice("warn", "Not in this course, so left out: "+joined(plan.Unknown, 20)+".")
		}),
		when(len(plan.ReadOnly) > 0, func() app.UI {
			return mutedText("Computed, so not imported: " + joined(plan.ReadOnly, 12) + ".")
		}),
		when(len(plan.Offer)+len(p.create) > 0, func() app.UI {
			all := slices.Concat(p.create, plan.Offer)
			return app.FieldSet().Class("field").Body(app.Legend().Class("label").Text("Columns that the gradebook does not have. Add those that you choose; the others are ignored."),
				app.Range(all).Slice(func(i int) app.UI {
					return Checkbox(Field{ID: "make" + itoa(i), Label: "Add " + all[i], On: func(ctx app.Context, _ app.Event) { p.choose(ctx, all[i], Checked(ctx)) }}, slices.Contains(p.create, all[i]))
				}))
		}),
		when(len(rows) > 0, func() app.UI {
			return app.Div().Body(gapTable([]string{"Student", "Column", "Now", "Then"}, rows[:min(len(rows), most)]))
		}),
		when(plan.Count > most, func() app.UI {
			return mutedText("And " + plural(plan.Count-min(len(rows), most), "more change") + ".")
		}),
		actionsOf(
			when(plan.Count+len(plan.Create) > 0, func() app.UI {
				return Busy(Primary("Apply "+plural(plan.Count, "change"), "check", p.apply), p.busy)
			}),
			Button("Leave it", "", func(app.Context, app.Event) { p.forget() })),
	))
}

func (p *bookFilesPage) choose(ctx app.Context, column string, yes bool) {
	p.create = slices.DeleteFunc(slices.Clone(p.create), func(c string) bool { return c == column })
	if yes {
		p.create = append(p.create, column)
	}
	p.look(ctx)
}

func (p *bookFilesPage) apply(ctx app.Context, _ app.Event) {
	p.busy = true
	in := api.ApplyImportInput{Course: p.id, ID: lms.NewID(), FileName: p.name, CSV: p.csv, Create: p.create, Hash: p.plan.Hash}
	Async(ctx, Call(api.ApplyImport, in), func(ctx app.Context, done lms.BookImport, err error) {
		p.busy = false
		if err != nil {
			conflict := lms.KindOf(err) == lms.KindConflict
			if conflict {
				p.look(ctx)
			}
			p.problem = ProblemOf(err)
			return
		}
		p.forget()
		Toast(ctx, "good", plural(done.Changes, "mark")+" changed. Post them in the gradebook.")
		p.load(ctx)
	})
}

func (p *bookFilesPage) list(page api.Page[lms.BookImport]) app.UI {
	if len(page.Items) == 0 {
		return Empty("upload", "No imports yet", "What is imported can be undone here for 30 days.")
	}
	return RowsOf(page.Items, func(i lms.BookImport) app.UI {
		meta := i.By + " · " + FormatTime(i.CreatedAt) + " · " + plural(i.Changes, "mark")
		undone := !i.UndoneAt.IsZero()
		return RowWith(Icon("file-text"), i.FileName, meta+cond(undone, " · undone by "+i.UndoneBy, ""), when(!undone && Now().Before(i.UndoUntil()) && p.instructor() && !p.readOnly(), func() app.UI {
			return Button("Undo", "", func(app.Context, app.Event) { p.undoing = &i }, Each(i.ID)).Aria("label", "Undo the import of "+i.FileName)
		}))
	})
}

func (p *bookFilesPage) undo(ctx app.Context) {
	in := api.ImportPath{Course: p.id, Import: p.undoing.ID}
	p.undoing = nil
	Async(ctx, Call(api.UndoImport, in), func(ctx app.Context, done lms.BookImport, err error) {
		if err != nil {
			ToastError(ctx, err)
			return
		}
		p.kept = done.Kept
		Toast(ctx, "good", "The import of "+done.FileName+" is undone.")
		p.load(ctx)
	})
}
