package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// openColumn shows what can be done with the selected column.
func (p *gradebookPage) openColumn(ctx app.Context) {
	if p.grid.col < 0 {
		return
	}
	p.open, p.openCol, p.problem = "column", p.grid.cols[p.grid.col].id, Problem{}
	ctx.Update()
}

// counts counts the marks of the column: those of which the student sees something else, and all.
func (p *gradebookPage) counts(id string) (unposted, marks int) {
	for _, c := range p.grid.cols {
		if c.id != id || !c.editable() {
			continue
		}
		for i := range p.grid.book.Rows {
			cell := p.grid.cell(&p.grid.book.Rows[i], c)
			if cell.Unposted {
				unposted++
			}
			if !cell.Mark.Empty() {
				marks++
			}
		}
	}
	return unposted, marks
}

func (p *gradebookPage) columnDialog() app.UI {
	id := p.openCol
	var shown bookCol
	for _, c := range p.grid.cols {
		if c.id == id {
			shown = c
		}
	}
	col := p.columnOf(id)
	unposted, marks := p.counts(id)
	sort := func(down bool) func(app.Context, app.Event) {
		return func(ctx app.Context, _ app.Event) {
			p.grid.sort, p.grid.down = id, down
			p.grid.arrange()
			p.close(ctx)
			p.show(ctx)
		}
	}
	return NewDialog("column", shown.title, p.close, stackOf(
		p.problem.Alert(),
		actionsOf(Button("Lowest first", "", sort(false)), Button("Highest first", "", sort(true)), LinkButton("Statistics", "", CoursePath(p.id, "grades", "statistics"))),
		when(shown.editable(), func() app.UI {
			return stackOf(
				app.P().Text(plural(marks, "mark")+", "+itoa(unposted)+" not posted."+cond(p.grid.section != "", " Posting is for all sections.", "")),
				when(!p.readOnly(), func() app.UI {
					return actionsOf(
						when(unposted > 0, func() app.UI {
							return Busy(Primary("Post all", "eye", func(ctx app.Context, _ app.Event) { p.post(ctx, id, false) }), p.posting)
						}),
						Busy(Button("Hide from students", "eye-off", func(ctx app.Context, _ app.Event) { p.post(ctx, id, true) }), p.posting))
				}),
			)
		}),
		when(shown.kind == "blind", func() app.UI {
			return stackOf(app.P().Text("This is marked blind. Its grades are here, and count, when an instructor has revealed the identities."),
				LinkButton("Open the submissions", "clipboard", CoursePath(p.id, "assignments", id, "submissions")))
		}),
		when(shown.kind == "item", func() app.UI {
			return actionsOf(
				when(!col.Manual, func() app.UI {
					return LinkButton("Open the assignment", "clipboard", CoursePath(p.id, "assignments", id))
				}),
				when(p.instructor() && !p.readOnly(), func() app.UI {
					return actionsOf(
						Button("Change the column", "edit", func(ctx app.Context, _ app.Event) { p.editColumn(ctx, col) }),
						when(col.Manual, func() app.UI {
							return Button("Archive", "archive", func(ctx app.Context, _ app.Event) { p.archive(ctx, col) })
						}))
				}),
			)
		}),
	))
}

// post makes the drafts of a column what students see, or hides them.
func (p *gradebookPage) post(ctx app.Context, id string, hide bool) {
	p.posting = true
	Async(ctx, Call(api.PostColumn, api.PostColumnInput{Course: p.id, Column: id, Hide: hide}), func(ctx app.Context, out api.PostColumnOutput, err error) {
		p.posting = false
		if err != nil {
			p.problem = ProblemOf(err)
			return
		}
		p.close(ctx)
		Toast(ctx, "good", cond(hide, "Hidden: ", "Posted: ")+plural(out.Changed, "mark")+".")
		p.load(ctx)
	})
}

func (p *gradebookPage) archive(ctx app.Context, col lms.BookColumn) {
	path := api.ColumnPath{Course: p.id, Column: col.ID}
	Async(ctx, Call(api.ArchiveColumn, path), func(ctx app.Context, _ lms.BookColumn, err error) {
		if err != nil {
			p.problem = ProblemOf(err)
			return
		}
		p.close(ctx)
		p.restore = &col
		p.load(ctx)
	})
}

// restored brings the column back that was archived last.
func (p *gradebookPage) restored(ctx app.Context, _ app.Event) {
	Async(ctx, Call(api.RestoreColumn, api.ColumnPath{Course: p.id, Column: p.restore.ID}), func(ctx app.Context, _ lms.BookColumn, err error) {
		if err != nil {
			ToastError(ctx, err)
			return
		}
		p.restore = nil
		p.load(ctx)
	})
}

// columnForm is a column while it is typed.
type columnForm struct {
	in      api.ColumnInput
	points  string
	manual  bool
	version int64 // 0: a new one
	busy    bool
}

func (p *gradebookPage) newColumn(ctx app.Context, _ app.Event) {
	p.form = &columnForm{in: api.ColumnInput{Course: p.id, ID: lms.NewID(), Published: true}, points: "100", manual: true}
	p.open, p.problem = "edit", Problem{}
	ctx.Update()
}

func (p *gradebookPage) editColumn(_ app.Context, c lms.BookColumn) {
	p.form = &columnForm{in: api.ColumnInput{Course: p.id, ID: c.ID, Title: c.Title, Points: c.Points, CategoryID: c.CategoryID, ExtraCredit: c.ExtraCredit,
		NeverDrop: c.NeverDrop, Published: c.Published}, points: c.Points.String(), manual: c.Manual, version: c.Version}
	p.open, p.problem = "edit", Problem{}
}

func (p *gradebookPage) columnFormDialog() app.UI {
	f := p.form
	categories := []Option{{Label: cond(len(p.read.Value.Settings.Categories) > 0, "None: it does not count", "None")}}
	for _, c := range p.read.Value.Settings.Categories {
		categories = append(categories, Option{Value: c.ID, Label: c.Name})
	}
	check := func(id, label, help string, v *bool) app.UI {
		return Checkbox(Field{ID: id, Label: label, Help: help, On: func(ctx app.Context, _ app.Event) { *v = Checked(ctx) }}, *v)
	}
	return NewDialog("column-form", cond(f.version == 0, "Add a column", "Change "+f.in.Title), p.close, DialogForm(p.saveColumn, p.close,
		Submit("Save", "Saving", f.busy),
		p.problem.Alert("title", "points", "categoryId"),
		when(f.manual, func() app.UI {
			return stackOf(
				Input(Field{ID: "title", Label: "Title", Value: f.in.Title, Error: p.problem.For("title"), On: p.ValueTo(&f.in.Title)}),
				Input(Field{ID: "points", Label: "Possible points", InputMode: "decimal", Value: f.points, Error: p.problem.For("points"), On: p.ValueTo(&f.points)}))
		}),
		Select(Field{ID: "categoryId", Label: "Category", Value: f.in.CategoryID, Error: p.problem.For("categoryId"),
			On: func(ctx app.Context, _ app.Event) { f.in.CategoryID = ctx.JSSrc().Get("value").String() }}, categories...),
		check("extraCredit", "Extra credit", "Adds its points, and nothing to the possible points.", &f.in.ExtraCredit),
		check("neverDrop", "Never drop", "The drop rules of its category leave it alone.", &f.in.NeverDrop),
		when(f.manual, func() app.UI {
			return check("published", "Students see it and it counts", "Without this it is staff's own and in no total. Marks are shown when they are posted.", &f.in.Published)
		}),
	))
}

func (p *gradebookPage) saveColumn(ctx app.Context, e app.Event) {
	e.PreventDefault()
	f := p.form
	if f.busy {
		return
	}
	var err error
	if f.in.Points, err = lms.ParsePoints(f.points); err != nil {
		Fail(ctx, lms.FieldErrorf(lms.KindRule, "points", "%s", ProblemOf(err).Message), &p.problem)
		return
	}
	if err := f.in.Validate(); err != nil {
		Fail(ctx, err, &p.problem)
		return
	}
	work := Call(api.CreateColumn, f.in)
	if f.version > 0 {
		work = Call(api.UpdateColumn, api.UpdateColumnInput{Column: f.in.ID, ColumnInput: f.in, Version: f.version})
	}
	f.busy = true
	Async(ctx, work, func(ctx app.Context, c lms.BookColumn, err error) {
		f.busy = false
		if err != nil {
			Fail(ctx, err, &p.problem)
			return
		}
		p.close(ctx)
		Toast(ctx, "good", c.Title+" is saved.")
		p.load(ctx)
	})
}

// narrowPage is how many students or columns the narrow layout lists at once.
const narrowPage = 40

// narrowList is the gradebook for one thumb: students, and the columns of the one that is open.
func (p *gradebookPage) narrowList() app.UI {
	if p.openUser != "" {
		for i := range p.grid.book.Rows {
			if p.grid.book.Rows[i].UserID == p.openUser {
				return p.narrowStudent(&p.grid.book.Rows[i])
			}
		}
	}
	if len(p.grid.rows) == 0 {
		return Empty("users", "No student", cond(p.grid.query != "", "Nobody has this name.", "Students appear here as soon as they are enrolled."))
	}
	shown := min(max(p.shown, narrowPage), len(p.grid.rows))
	return stackOf(
		app.Ul().Class("rows").Body(app.Range(p.grid.rows[:shown]).Slice(func(i int) app.UI {
			r := &p.grid.book.Rows[p.grid.rows[i]]
			return RowWith(Avatar(r.Name), r.Name, cond(r.Current != "", r.Current+" % now, "+r.Final+" % at the end", "No marks yet"),
				Button("Open", "", func(app.Context, app.Event) { p.openUser = r.UserID }, Each(r.UserID)).Aria("label", "Open "+r.Name))
		})),
		when(shown < len(p.grid.rows), func() app.UI {
			return Button("Show more", "chevron-down", func(app.Context, app.Event) { p.shown = shown + narrowPage })
		}),
	)
}

func (p *gradebookPage) narrowStudent(r *lms.BookRow) app.UI {
	var marks []bookCol
	for _, c := range p.grid.cols {
		if c.editable() {
			marks = append(marks, c)
		}
	}
	return stackOf(
		Button("All students", "arrow-left", func(app.Context, app.Event) { p.openUser = "" }),
		app.H2().Attr("dir", "auto").Text(r.Name),
		mutedText(cond(r.Current != "", "Current total "+r.Current+" %, final total "+r.Final+" %", "No marks yet")+cond(r.Letter != "", ", letter "+r.Letter, "")),
		app.Ul().Class("rows").Body(app.Range(marks).Slice(func(i int) app.UI {
			c := marks[i]
			cell := p.grid.cell(r, c)
			says := cond(cell.State() == "graded" || cell.State() == "", "", cell.State())
			if cell.Late {
				says = trimSpace(says + " late")
			}
			if cell.Unposted {
				says = trimSpace(says + " not posted")
			}
			face, _, _ := p.grid.face(cell, c)
			return RowWith(nil, c.title, trimSpace(c.sub+cond(says != "", " · "+says, "")),
				app.Span().Class("row-aside").Text(face),
				Button("Change", "", func(ctx app.Context, _ app.Event) { p.openCell(ctx, r.UserID, c.id) }, Each(r.UserID, c.id)).Aria("label", "Change "+c.title))
		})),
		LinkButton("As the student sees it", "eye", CoursePath(p.id, "grades", "students", r.UserID)),
	)
}
