package ui

import (
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

func (p *gradebookPage) columnOf(id string) lms.BookColumn {
	for _, c := range p.grid.book.Columns {
		if c.ID == id {
			return c
		}
	}
	return p.grid.column(bookCol{})
}

// inWords writes a mark in the words of a column.
func (p *gradebookPage) inWords(col lms.BookColumn, m lms.Mark) string {
	return cond(m.Empty(), "no mark", col.Show(m, p.grid.book.Settings.Scale()))
}

func (p *gradebookPage) nameOf(user string) string {
	for i := range p.grid.book.Rows {
		if p.grid.book.Rows[i].UserID == user {
			return p.grid.book.Rows[i].Name
		}
	}
	return ""
}

// save sends a mark. What cannot be meant is not sent, and more than the column is worth is asked about first.
func (p *gradebookPage) save(ctx app.Context, ed editing, text string, above bool) {
	key, col := cellKey(ed.user, ed.column), p.columnOf(ed.column)
	mark, _, err := col.Parse(text, p.grid.book.Settings.Scale())
	if err != nil {
		p.refused(ctx, key, text, err)
		return
	}
	if mark.Points != nil && *mark.Points > col.Points && !above && !col.ExtraCredit && col.Points > 0 {
		delete(p.grid.saving, key)
		p.grid.bad[key] = text
		p.above = &typedMark{ed, text, "More than the column is worth"}
		p.show(ctx)
		return
	}
	p.grid.saving[key] = text
	p.problem, p.undo = Problem{}, nil
	p.hold(1)
	in := api.MarkInput{Course: p.id, Column: ed.column, User: ed.user, Mark: text, Version: ed.version, AllowAbove: above}
	Async(ctx, Call(api.SetMark, in), func(ctx app.Context, d lms.BookCellDetail, err error) {
		p.hold(-1)
		switch lms.KindOf(err) {
		case "":
			p.accept(ctx, ed, d)
		case lms.KindUnavailable, lms.KindUnknown:
			p.problem = ProblemOf(err)
			ctx.After(5*time.Second, func(ctx app.Context) { p.save(ctx, ed, text, above) })
		case lms.KindConflict:
			p.conflict = &typedMark{ed, text, ProblemOf(err).Message}
			p.refused(ctx, key, text, err)
			p.readCell(ctx, ed.column, ed.user)
		default:
			p.refused(ctx, key, text, err)
		}
	})
	p.show(ctx)
}

// hold counts marks on their way; while there are any the browser asks before the page goes away.
func (p *gradebookPage) hold(n int) {
	p.pending += n
	warnBeforeLeaving(p.pending > 0)
}

// refused keeps what was typed in the cell.
func (p *gradebookPage) refused(ctx app.Context, key, text string, err error) {
	delete(p.grid.saving, key)
	p.grid.bad[key] = text
	p.problem = ProblemOf(err)
	p.show(ctx)
}

// accept takes what the node has saved.
func (p *gradebookPage) accept(ctx app.Context, ed editing, d lms.BookCellDetail) {
	key := cellKey(ed.user, ed.column)
	delete(p.grid.saving, key)
	delete(p.grid.bad, key)
	p.grid.update(d.Row)
	p.saved = Now()
	p.said = "Saved: " + d.Row.Name + ", " + d.Column.Title + ", " + p.inWords(d.Column, d.Mark) + "."
	p.undo = &editing{ed.user, ed.column, ed.exact, ed.exact, d.Version}
	if p.open == "cell" && p.openUser == ed.user && p.openCol == ed.column {
		p.detail.Set(d)
	}
	p.show(ctx)
}

// takeBack gives the cell of the last mark what it had before.
func (p *gradebookPage) takeBack(ctx app.Context, _ app.Event) {
	u := *p.undo
	back := u
	back.was, back.exact = "", ""
	for i := range p.grid.book.Rows {
		if r := &p.grid.book.Rows[i]; r.UserID == u.user {
			for _, c := range p.grid.cols {
				if c.id == u.column {
					back.exact = p.grid.cell(r, c).Mark.Exact()
				}
			}
		}
	}
	p.save(ctx, back, u.was, true)
}

// readCell reads one cell again, and with it the student's row.
func (p *gradebookPage) readCell(ctx app.Context, column, user string) {
	p.detail.Load(ctx, Call(api.GetBookCell, api.CellPath{Course: p.id, Column: column, User: user}), func(ctx app.Context) {
		p.grid.update(p.detail.Value.Row)
		p.show(ctx)
	})
}

// openSelected shows everything about the selected cell, or what there is about a title or a student.
func (p *gradebookPage) openSelected(ctx app.Context) {
	g := &p.grid
	switch {
	case g.row >= 0 && g.col >= 0 && g.cols[g.col].editable():
		p.openCell(ctx, g.book.Rows[g.rows[g.row]].UserID, g.cols[g.col].id)
	case g.row >= 0:
		p.openStudent(ctx, g.book.Rows[g.rows[g.row]].UserID)
	case g.col >= 0:
		p.openColumn(ctx)
	}
}

func (p *gradebookPage) openCell(ctx app.Context, user, column string) {
	p.open, p.openUser, p.openCol = "cell", user, column
	p.typed, p.problem = p.columnOf(column).Show(p.markOf(user, column).Mark, p.grid.book.Settings.Scale()), Problem{}
	p.detail.Reset()
	p.readCell(ctx, column, user)
}

func (p *gradebookPage) markOf(user, column string) lms.BookCell {
	for i := range p.grid.book.Rows {
		if r := &p.grid.book.Rows[i]; r.UserID == user {
			for _, c := range p.grid.cols {
				if c.id == column {
					return p.grid.cell(r, c)
				}
			}
		}
	}
	return lms.BookCell{}
}

func (p *gradebookPage) dialogs() app.UI {
	switch {
	case p.above != nil:
		t := *p.above
		return Confirm("above", t.message, t.text+" is more than the "+p.columnOf(t.column).Points.String()+" points of "+p.columnOf(t.column).Title+". Keep it for "+p.nameOf(t.user)+"?",
			"Keep "+t.text, func(ctx app.Context) {
				p.close(ctx)
				p.save(ctx, t.editing, t.text, true)
			}, func(ctx app.Context) {
				p.close(ctx)
				p.show(ctx)
			})
	case p.conflict != nil:
		t := *p.conflict
		return NewDialog("conflict", "Somebody else changed this mark", p.close, stackOf(
			app.P().Text(t.message),
			app.P().Text("You typed: "+cond(t.text != "", t.text, "no mark")+". They have: "+p.inWords(p.detail.Value.Column, p.detail.Value.Mark)+"."),
			app.Div().Class("actions", "actions-end").Body(
				Button("Keep theirs", "", func(ctx app.Context, _ app.Event) {
					delete(p.grid.bad, cellKey(t.user, t.column))
					p.problem = Problem{}
					p.close(ctx)
					p.show(ctx)
				}),
				Busy(Primary("Save mine", "", func(ctx app.Context, _ app.Event) {
					p.close(ctx)
					now := p.markOf(t.user, t.column)
					p.save(ctx, editing{t.user, t.column, "", now.Mark.Exact(), now.Version}, t.text, true)
				}), p.detail.Loading()),
			)))
	case p.open == "cell":
		return p.cellDialog()
	case p.open == "column":
		return p.columnDialog()
	case p.open == "edit":
		return p.columnFormDialog()
	}
	return app.Div()
}

// cellDialog shows how a mark was made and who changed it, and takes another one.
func (p *gradebookPage) cellDialog() app.UI {
	col := p.columnOf(p.openCol)
	d := NewDialog("cell", p.nameOf(p.openUser)+", "+col.Title, p.close, stackOf(
		app.Form().Class("stack").OnSubmit(p.saveTyped).Body(
			Input(Field{ID: "cell-mark", Label: "Mark", Value: p.typed, Autocomplete: "off", Optional: true, Error: p.problem.Message,
				Help: p.markHelp(col),
				On:   func(ctx app.Context, _ app.Event) { p.typed = ctx.JSSrc().Get("value").String() }}),
			app.Div().Class("actions", "actions-end").Body(
				when(col.ID != lms.TotalColumn && !p.readOnly(), func() app.UI {
					return Button("Excuse", "", func(ctx app.Context, _ app.Event) { p.saveText(ctx, "EX") })
				}),
				when(!p.readOnly(), func() app.UI { return Submit("Save", "Saving", p.pending > 0) }),
			),
		),
		p.detail.View(3, nil, p.cellFacts),
	))
	d.Wide = true
	return d
}

// markHelp says what can be typed as a mark.
func (p *gradebookPage) markHelp(col lms.BookColumn) string {
	s := "Points" + cond(col.ID == lms.TotalColumn, " in percent", " of "+col.Points.String()) + ", a percentage such as 87 %"
	switch col.GradeType {
	case lms.GradeLetter:
		s = "A letter of the course's scale, or points of " + col.Points.String()
	case lms.GradePassFail:
		s = "Pass or fail, or points of " + col.Points.String()
	case lms.GradePercent:
		s = "A percentage such as 87, or “8.7 points”"
	}
	return s + ", EX for excused, or nothing. Staff only until it is posted."
}

func (p *gradebookPage) saveTyped(ctx app.Context, e app.Event) {
	e.PreventDefault()
	p.saveText(ctx, trimSpace(p.typed))
}

func (p *gradebookPage) saveText(ctx app.Context, text string) {
	if p.pending > 0 {
		return
	}
	p.typed = text
	SetValue("cell-mark", text)
	now := p.markOf(p.openUser, p.openCol)
	p.save(ctx, editing{p.openUser, p.openCol, "", now.Mark.Exact(), now.Version}, text, false)
}

func (p *gradebookPage) cellFacts(d lms.BookCellDetail) app.UI {
	sees := "nothing of it yet"
	if d.Posted != nil {
		sees = p.inWords(d.Column, *d.Posted)
	}
	facts := []Fact{{"The student sees", text(sees)}}
	if d.Scored.Graded && d.Scored.Deduction > 0 {
		facts = append(facts, Fact{"Given", text(d.Scored.Raw.String())}, Fact{"Late, deduction", text("− " + d.Scored.Deduction.String())})
	}
	if d.Scored.Graded {
		facts = append(facts, Fact{"Counts", text(d.Scored.Final.String() + cond(d.Scored.Missing, " (missing)", ""))})
	}
	if !d.DueAt.IsZero() {
		facts = append(facts, Fact{"Due", text(FormatTimeIn(d.DueAt, p.course.Value.Zone))})
	}
	if d.SubmissionID != "" {
		facts = append(facts, Fact{"Handed in", app.A().Href(CoursePath(p.id, "submissions", d.SubmissionID)).Text(FormatTimeIn(d.SubmittedAt, p.course.Value.Zone) + ": open work, comments and rubric")})
	}
	return stackOf(Facts(facts...), app.H3().Text("History"), app.If(len(d.History) == 0, func() app.UI {
		return mutedText("Nobody has changed this cell.")
	}).Else(func() app.UI {
		return app.Ul().Class("book-history").Body(app.Range(d.History).Slice(func(i int) app.UI { return p.historyRow(d.Column, d.History[i]) }))
	}))
}

func (p *gradebookPage) historyRow(col lms.BookColumn, h lms.MarkChange) app.UI {
	words := p.inWords(col, h.Old) + " → " + p.inWords(col, h.New)
	switch {
	case h.Hidden:
		words = "hidden from the student"
	case h.Posted:
		words = "posted: " + p.inWords(col, h.New)
	}
	return app.Li().Body(app.Span().Class("row-text").Body(text(words), app.Span().Class("row-meta").Text(h.By+cond(h.Import, " by an import", "")+" · "+FormatTime(h.At))),
		when(!h.Posted && !h.Hidden && !p.readOnly(), func() app.UI {
			return Button("Restore "+p.inWords(col, h.Old), "", func(ctx app.Context, _ app.Event) { p.saveText(ctx, h.Old.Exact()) }, Each(h.At.UnixMilli(), h.Old.Exact()))
		}))
}
