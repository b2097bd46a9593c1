package ui

import (
	"slices"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// rubricsPage lists the rubrics of a course for staff.
type rubricsPage struct {
	app.Compo
	inCourse
	list    Remote[api.Page[lms.Rubric]]
	removed lms.Rubric // archived last
}

func (p *rubricsPage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	if p.enter(ctx) {
		p.list.Reset()
		p.removed = lms.Rubric{}
	}
	p.load(ctx)
}

func (p *rubricsPage) load(ctx app.Context) {
	p.list.Load(ctx, Call(api.ListRubrics, api.CoursePath{Course: p.id}))
}

func (p *rubricsPage) Render() app.UI {
	return p.frame(&Shell{Title: "Rubrics", Active: "assignments", Back: Crumbs(p.label(), CoursePath(p.id), "Assignments", CoursePath(p.id, "assignments")),
		Actions: app.If(p.staff() && !p.readOnly(), func() app.UI { return PrimaryLink("New rubric", "plus", CoursePath(p.id, "rubrics", "new")) }),
		Content: app.If(!p.ready(), func() app.UI { return Skeleton(3) }).Else(func() app.UI {
			return app.Div().Class("stack").Body(
				app.If(p.removed.ID != "", func() app.UI {
					return app.Div().Role("status").Body(Notice("info", "“"+p.removed.Title+"” is archived. What uses it keeps it.", app.Div().Class("actions").Body(Button("Undo", "refresh-cw", p.restore))))
				}),
				p.list.View(3, p.load, p.rows))
		})})
}

func (p *rubricsPage) rows(page api.Page[lms.Rubric]) app.UI {
	if len(page.Items) == 0 {
		return Empty("clipboard", "No rubrics yet", "A rubric says by which criteria work is marked. It can be used in every assignment of the course.")
	}
	return RowsOf(page.Items, func(r lms.Rubric) app.UI {
		return RowWith(Icon("clipboard"), r.Title, cond(len(r.Criteria) == 1, "1 criterion", itoa(len(r.Criteria))+" criteria")+", "+r.Possible().String()+" points; used in "+plural(r.Uses, "assignment")+
			cond(r.Version > 1, "; version "+itoa(int(r.Version)), ""),
			app.If(!p.readOnly(), func() app.UI { return LinkButton("Edit", "edit", CoursePath(p.id, "rubrics", r.ID)) }),
			app.If(!p.readOnly(), func() app.UI {
				return IconButton("Archive "+r.Title, "archive", func(ctx app.Context, _ app.Event) { p.archive(ctx, r) }, Each(r.ID))
			}))
	})
}

func (p *rubricsPage) archive(ctx app.Context, r lms.Rubric) {
	Async(ctx, Call(api.DeleteRubric, api.RubricPath{Course: p.id, Rubric: r.ID}), func(ctx app.Context, _ api.Empty, err error) {
		if err != nil {
			ToastError(ctx, err)
			return
		}
		p.removed = r
		p.load(ctx)
	})
}

func (p *rubricsPage) restore(ctx app.Context, _ app.Event) {
	Async(ctx, Call(api.RestoreRubric, api.RubricPath{Course: p.id, Rubric: p.removed.ID}), func(ctx app.Context, _ lms.Rubric, err error) {
		if err != nil {
			ToastError(ctx, err)
			return
		}
		p.removed = lms.Rubric{}
		p.load(ctx)
	})
}

// rubricForm makes or changes a rubric. What is typed is kept on this device until a node has it.
type rubricForm struct {
	app.Compo
	inCourse
	rubric  string // id; empty: a new one
	loaded  Remote[lms.Rubric]
	title   string
	free    bool
	rows    []rubricRow
	saving  bool
	started bool
	problem Problem
}

// rubricRow is a criterion as it is typed.
type rubricRow struct {
	ID, Title, Description, Points string
	Levels                         []levelRow
}

type levelRow struct{ ID, Title, Description, Points string }

type rubricDraft struct {
	Title   string      `json:"title"`
	Free    bool        `json:"free"`
	Rows    []rubricRow `json:"rows"`
	Version int64       `json:"version"`
}

func (p *rubricForm) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	changed := p.enter(ctx)
	id := Param(ctx, "rubrics")
	if id == "new" {
		id = ""
	}
	if changed || id != p.rubric || !p.started {
		p.rubric, p.started, p.problem = id, true, Problem{}
		p.loaded.Reset()
		p.title, p.free, p.rows = "", false, []rubricRow{newRow()}
	}
	if id == "" {
		p.resume(ctx)
		return
	}
	p.load(ctx)
}

func (p *rubricForm) load(ctx app.Context) {
	p.loaded.Load(ctx, Call(api.GetRubric, api.RubricPath{Course: p.id, Rubric: p.rubric}), func(ctx app.Context) {
		r := p.loaded.Value
		p.title, p.free, p.rows = r.Title, r.FreePoints, nil
		for _, c := range r.Criteria {
			row := rubricRow{c.ID, c.Title, c.Description, c.Points.String(), nil}
			for _, l := range c.Levels {
				row.Levels = append(row.Levels, levelRow{l.ID, l.Title, l.Description, l.Points.String()})
			}
			p.rows = append(p.rows, row)
		}
		p.resume(ctx)
	})
}

func (p *rubricForm) key() string {
	return draftKey("rubric", p.id, cond(p.rubric != "", p.rubric, "new"))
}

// resume takes up what was typed before on this device.
func (p *rubricForm) resume(ctx app.Context) {
	afterSession(ctx, func(ctx app.Context) {
		var d rubricDraft
		if loadDraft(ctx, p.key(), &d) && d.Version == p.loaded.Value.Version && len(d.Rows) > 0 {
			p.title, p.free, p.rows = d.Title, d.Free, d.Rows
		}
	})
}

func newRow() rubricRow {
	return rubricRow{ID: lms.NewID(), Points: "10", Levels: []levelRow{{lms.NewID(), "Full marks", "", "10"}, {lms.NewID(), "No marks", "", "0"}}}
}

func (p *rubricForm) keep(ctx app.Context) {
	keepDraft(ctx, p.key(), rubricDraft{p.title, p.free, p.rows, p.loaded.Value.Version})
}

// criteria reads what was typed.
func (p *rubricForm) criteria() (list []lms.Criterion, err error) {
	points := func(s, of string) lms.Points {
		v, failed := lms.ParsePoints(s)
		if failed != nil && err == nil {
			err = lms.FieldErrorf(lms.KindRule, "criteria", "%s: %s", of, ProblemOf(failed).Message)
		}
		return v
	}
	for _, r := range p.rows {
		c := lms.Criterion{ID: r.ID, Title: r.Title, Description: r.Description, Points: points(r.Points, r.Title)}
		for _, l := range r.Levels {
			c.Levels = append(c.Levels, lms.CriterionLevel{ID: l.ID, Title: l.Title, Description: l.Description, Points: points(l.Points, r.Title+", "+l.Title)})
		}
		list = append(list, c)
	}
	return list, err
}

func (p *rubricForm) save(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if p.saving {
		return
	}
	criteria, err := p.criteria()
	r := lms.Rubric{ID: cond(p.rubric != "", p.rubric, "new"), Title: p.title, FreePoints: p.free, Criteria: criteria}
	if err == nil {
		err = r.Validate()
	}
	if err != nil {
		Fail(ctx, err, &p.problem)
		return
	}
	p.saving = true
	work := Call(api.CreateRubric, api.RubricInput{Course: p.id, ID: lms.NewID(), Title: p.title, FreePoints: p.free, Criteria: criteria})
	if p.rubric != "" {
		work = Call(api.UpdateRubric, api.UpdateRubricInput{Course: p.id, Rubric: p.rubric, Title: p.title, FreePoints: p.free, Criteria: criteria, Version: p.loaded.Value.Version})
	}
	key := p.key()
	Async(ctx, work, func(ctx app.Context, r lms.Rubric, err error) {
		p.saving = false
		if err != nil {
			Fail(ctx, err, &p.problem)
			return
		}
		dropDraft(ctx, key)
		Toast(ctx, "good", "“"+r.Title+"” is saved.")
		ctx.Navigate(CoursePath(p.id, "rubrics"))
	})
}

func (p *rubricForm) Render() app.UI {
	return p.frame(&Shell{Title: cond(p.rubric == "", "New rubric", "Edit rubric"), Active: "assignments",
		Back: Crumbs(p.label(), CoursePath(p.id), "Rubrics", CoursePath(p.id, "rubrics")),
		Content: app.If(!p.ready(), func() app.UI { return Skeleton(5) }).ElseIf(p.rubric == "", p.form).Else(func() app.UI {
			return p.loaded.View(5, p.load, func(lms.Rubric) app.UI { return p.form() })
		})})
}

// set keeps a field of the form. The field is looked up when it is typed into: the rows move.
func (p *rubricForm) set(field func() *string) app.EventHandler {
	return func(ctx app.Context, _ app.Event) {
		*field() = ctx.JSSrc().Get("value").String()
		p.keep(ctx)
	}
}

func (p *rubricForm) form() app.UI {
	var sum lms.Points
	for _, r := range p.rows {
		v, _ := lms.ParsePoints(r.Points)
		sum += v
	}
	return app.Form().Class("stack").OnSubmit(p.save).Body(
		p.problem.Alert("title"),
		app.If(p.loaded.Value.Graded > 0, func() app.UI {
			return Notice("info", plural(p.loaded.Value.Graded, "work")+" was marked by this rubric. Saving makes a new version; that work keeps its own until somebody applies the new one.")
		}),
		Input(Field{ID: "title", Label: "Title", Value: p.title, Error: p.problem.For("title"), On: p.set(func() *string { return &p.title })}),
		Checkbox(Field{ID: "free", Label: "Points may also be typed freely", On: func(ctx app.Context, _ app.Event) {
			p.free = Checked(ctx)
			p.keep(ctx)
		}}, p.free),
		app.Div().ID("criteria").TabIndex(-1).Class("stack").Body(app.Range(p.rows).Slice(func(i int) app.UI { return p.row(i) })),
		app.Div().Class("actions").Body(
			Button("Add a criterion", "plus", func(ctx app.Context, _ app.Event) {
				p.rows = append(p.rows, newRow())
				p.keep(ctx)
				Focus(ctx, "c-"+itoa(len(p.rows)-1))
			}),
			Submit("Save the rubric", "Saving", p.saving),
			app.Span().Class("muted", "num").Text(sum.String()+" points in all")),
	)
}

func (p *rubricForm) row(i int) app.UI {
	r := &p.rows[i]
	id := "c-" + itoa(i)
	return Card("Criterion "+itoa(i+1), []app.UI{
		app.If(i > 0, func() app.UI {
			return IconButton("Move criterion "+itoa(i+1)+" up", "arrow-left", func(ctx app.Context, _ app.Event) {
				p.rows[i-1], p.rows[i] = p.rows[i], p.rows[i-1]
				p.keep(ctx)
			}, Each("u", i)).Class("turn-up")
		}),
		app.If(len(p.rows) > 1, func() app.UI {
			return IconButton("Remove criterion "+itoa(i+1), "trash", func(ctx app.Context, _ app.Event) {
				p.rows = slices.Delete(p.rows, i, i+1)
				p.keep(ctx)
			}, Each("d", i))
		})},
		app.Div().Class("stack").Body(
			app.Div().Class("rubric-line").Body(
				Input(Field{ID: id, Label: "Criterion", Value: r.Title, On: p.set(func() *string { return &p.rows[i].Title })}),
				Input(Field{ID: id + "-points", Label: "Points", Value: r.Points, InputMode: "decimal", On: p.set(func() *string { return &p.rows[i].Points })})),
			Input(Field{ID: id + "-about", Label: "What it is about", Value: r.Description, Optional: true, On: p.set(func() *string { return &p.rows[i].Description })}),
			app.Range(r.Levels).Slice(func(j int) app.UI { return p.level(i, j) }),
			app.Div().Class("actions").Body(Quiet("Add a level", "plus", func(ctx app.Context, _ app.Event) {
				p.rows[i].Levels = append(p.rows[i].Levels, levelRow{ID: lms.NewID(), Points: "0"})
				p.keep(ctx)
				Focus(ctx, id+"-"+itoa(len(p.rows[i].Levels)-1))
			}, Each(i))),
		))
}

func (p *rubricForm) level(i, j int) app.UI {
	l := &p.rows[i].Levels[j]
	id := "c-" + itoa(i) + "-" + itoa(j)
	return app.Div().Class("rubric-line", "rubric-level").Body(
		Input(Field{ID: id, Label: "Level", Value: l.Title, On: p.set(func() *string { return &p.rows[i].Levels[j].Title })}),
		Input(Field{ID: id + "-points", Label: "Points", Value: l.Points, InputMode: "decimal", On: p.set(func() *string { return &p.rows[i].Levels[j].Points })}),
		Input(Field{ID: id + "-about", Label: "What it takes", Value: l.Description, Optional: true, On: p.set(func() *string { return &p.rows[i].Levels[j].Description })}),
		IconButton("Remove level "+itoa(j+1)+" of criterion "+itoa(i+1), "trash", func(ctx app.Context, _ app.Event) {
			p.rows[i].Levels = slices.Delete(p.rows[i].Levels, j, j+1)
			p.keep(ctx)
		}, Each(i, j)),
	)
}
