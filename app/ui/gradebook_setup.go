package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// bookSetupPage sets the categories, the letters and what students see of statistics.
type bookSetupPage struct {
	app.Compo
	inCourse
	settings   Remote[lms.BookSettings]
	categories []categoryRow
	letters    []letterRow
	pass       string
	release    bool
	version    int64
	dirty      bool
	busy       bool
	stale      bool // somebody else saved meanwhile
	problem    Problem
}

// categoryRow and letterRow are what is typed.
type (
	categoryRow struct{ id, name, weight, lowest, highest string }
	letterRow   struct{ letter, min string }
)

// OnNav loads the rules of the course.
func (p *bookSetupPage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	if p.enter(ctx) {
		p.settings.Reset()
		p.dirty, p.problem = false, Problem{}
	}
	p.load(ctx)
}

func (p *bookSetupPage) load(ctx app.Context) {
	p.settings.Load(ctx, Call(api.GetBookSettings, api.CoursePath{Course: p.id}), func(ctx app.Context) {
		if !p.dirty {
			p.fill(ctx, p.settings.Value)
		}
	})
}

func (p *bookSetupPage) fill(ctx app.Context, v lms.BookSettings) {
	p.categories, p.letters, p.pass, p.release, p.version, p.dirty = nil, nil, "", v.ReleaseStats, v.Version, false
	for _, c := range v.Categories {
		p.categories = append(p.categories, categoryRow{c.ID, c.Name, c.Weight.String(), itoa(c.DropLowest), itoa(c.DropHighest)})
	}
	for _, l := range v.Letters {
		p.letters = append(p.letters, letterRow{l.Letter, l.Min.String()})
	}
	if v.PassMark != nil {
		p.pass = v.PassMark.String()
	}
	p.rewrite(ctx)
}

// rewrite puts the values into the inputs: rows that moved keep what the browser has in their place.
func (p *bookSetupPage) rewrite(ctx app.Context) {
	ctx.Defer(func(app.Context) {
		for i, c := range p.categories {
			for name, v := range map[string]string{"name": c.name, "weight": c.weight, "lowest": c.lowest, "highest": c.highest} {
				SetValue(name+itoa(i), v)
			}
		}
		for i, l := range p.letters {
			SetValue("letter"+itoa(i), l.letter)
			SetValue("min"+itoa(i), l.min)
		}
		SetValue("passMark", p.pass)
	})
}

// input reads what was typed.
func (p *bookSetupPage) input() (v lms.BookSettings, err error) {
	v = lms.BookSettings{Categories: []lms.Category{}, Letters: []lms.Letter{}, ReleaseStats: p.release, Version: p.version}
	for _, row := range p.categories {
		c := lms.Category{ID: row.id, Name: trimSpace(row.name)}
		if c.Weight, err = lms.ParsePercent(row.weight); err != nil {
			return v, lms.FieldErrorf(lms.KindRule, "categories", "The weight of %s: %s", row.name, ProblemOf(err).Message)
		}
		for _, f := range []struct {
			text string
			to   *int
		}{{row.lowest, &c.DropLowest}, {row.highest, &c.DropHighest}} {
			n, err := lms.ParsePoints(cond(trimSpace(f.text) == "", "0", f.text))
			if err != nil || n%100 != 0 {
				return v, lms.FieldErrorf(lms.KindRule, "categories", "%q is not a number of items to drop.", f.text)
			}
			*f.to = int(n / 100)
		}
		v.Categories = append(v.Categories, c)
	}
	for _, row := range p.letters {
		l := lms.Letter{Letter: trimSpace(row.letter)}
		if l.Min, err = lms.ParsePercent(row.min); err != nil {
			return v, lms.FieldErrorf(lms.KindRule, "letters", "%s: %s", row.letter, ProblemOf(err).Message)
		}
		v.Letters = append(v.Letters, l)
	}
	if trimSpace(p.pass) != "" {
		mark, err := lms.ParsePercent(p.pass)
		if err != nil {
			return v, lms.FieldErrorf(lms.KindRule, "passMark", "%s", ProblemOf(err).Message)
		}
		v.PassMark = &mark
	}
	return v, v.Validate()
}

// Render draws the page.
func (p *bookSetupPage) Render() app.UI {
	return p.frame(&Shell{Title: "Categories and letters", Active: "grades", Wide: true, Back: Crumbs(p.label(), CoursePath(p.id)),
		Content: stackOf(gradeTabs(p.id, true, true, CoursePath(p.id, "grades", "setup")),
			p.settings.View(6, p.load, func(lms.BookSettings) app.UI { return p.view() }))})
}

func (p *bookSetupPage) view() app.UI {
	may := p.instructor() && !p.readOnly()
	warning := ""
	if v, err := p.input(); err == nil {
		warning = v.Warning(nil)
	}
	return app.Form().Class("stack").OnSubmit(p.save).Body(
		p.problem.Alert("passMark"),
		when(p.stale, func() app.UI {
			return actionsOf(Button("Show what is saved now", "refresh-cw", func(ctx app.Context, _ app.Event) {
				p.dirty, p.stale, p.problem = false, false, Problem{}
				p.load(ctx)
			}), Button("Save mine over it", "", func(ctx app.Context, e app.Event) {
				p.version, p.stale = p.settings.Value.Version, false
				p.save(ctx, e)
			}))
		}),
		Card("Categories", nil, stackOf(
			mutedText("The course total is the sum of weight × ratio of each category. Without categories everything counts by its points."),
			app.Div().Class("problem").Role("status").Body(when(warning != "", func() app.UI { return Notice("warn", warning) })),
			app.Ul().Class("setup-rows").Body(app.Range(p.categories).Slice(p.categoryRow)),
			when(may, func() app.UI {
				return actionsOf(Button("Add a category", "plus", func(ctx app.Context, _ app.Event) {
					p.categories = append(p.categories, categoryRow{lms.NewID(), "", "0", "0", "0"})
					p.dirty = true
					p.rewrite(ctx)
					Focus(ctx, "name"+itoa(len(p.categories)-1))
				}))
			}))),
		Card("Letters", nil, stackOf(
			mutedText("From the best one down; each holds from its percentage on, and the last begins at 0. Without letters there is only the percentage."),
			app.Ul().Class("setup-rows").Body(app.Range(p.letters).Slice(p.letterRow)),
			when(may, func() app.UI {
				return actionsOf(Button("Add a letter", "plus", func(ctx app.Context, _ app.Event) {
					p.letters = append(p.letters, letterRow{"", "0"})
					p.dirty = true
					p.rewrite(ctx)
					Focus(ctx, "letter"+itoa(len(p.letters)-1))
				}))
			}),
			Input(Field{ID: "passMark", Label: "Pass mark in percent", Optional: true, InputMode: "decimal", Value: p.pass, Error: p.problem.For("passMark"),
				On: func(ctx app.Context, _ app.Event) { p.pass, p.dirty = ctx.JSSrc().Get("value").String(), true }}))),
		Card("Statistics", nil, Checkbox(Field{ID: "releaseStats", Label: "Students see the statistics of the class", Help: "Of posted marks, where there are at least five.",
			On: func(ctx app.Context, _ app.Event) { p.release, p.dirty = Checked(ctx), true }}, p.release)),
		when(may, func() app.UI { return actionsOf(Submit("Save", "Saving", p.busy)) }),
	)
}

// cellInput is one input of a row, with a label for each.
func (p *bookSetupPage) cellInput(id, label, value, mode string, to func(string)) app.UI {
	return Input(Field{ID: id, Label: label, Value: value, InputMode: mode, Autocomplete: "off", On: func(ctx app.Context, _ app.Event) {
		to(ctx.JSSrc().Get("value").String())
		p.dirty = true
	}})
}

func (p *bookSetupPage) categoryRow(i int) app.UI {
	c, n := &p.categories[i], itoa(i)
	return app.Li().Body(
		p.cellInput("name"+n, "Name", c.name, "", func(s string) { c.name = s }),
		p.cellInput("weight"+n, "Weight in %", c.weight, "decimal", func(s string) { c.weight = s }),
		p.cellInput("lowest"+n, "Drop lowest", c.lowest, "numeric", func(s string) { c.lowest = s }),
		p.cellInput("highest"+n, "Drop highest", c.highest, "numeric", func(s string) { c.highest = s }),
		p.rowActions(i, len(p.categories), cond(c.name != "", c.name, "the category"), func(to int) {
			p.categories[i], p.categories[to] = p.categories[to], p.categories[i]
		}, func() { p.categories = append(p.categories[:i:i], p.categories[i+1:]...) }),
	)
}

func (p *bookSetupPage) letterRow(i int) app.UI {
	l, n := &p.letters[i], itoa(i)
	return app.Li().Body(
		p.cellInput("letter"+n, "Letter", l.letter, "", func(s string) { l.letter = s }),
		p.cellInput("min"+n, "From %", l.min, "decimal", func(s string) { l.min = s }),
		p.rowActions(i, len(p.letters), cond(l.letter != "", l.letter, "the letter"), func(to int) {
			p.letters[i], p.letters[to] = p.letters[to], p.letters[i]
		}, func() { p.letters = append(p.letters[:i:i], p.letters[i+1:]...) }),
	)
}

func (p *bookSetupPage) rowActions(i, n int, name string, swap func(int), remove func()) app.UI {
	act := func(label, icon string, f func()) app.UI {
		return IconButton(label, icon, func(ctx app.Context, _ app.Event) {
			f()
			p.dirty = true
			p.rewrite(ctx)
		}, Each(label, i))
	}
	return actionsOf(
		when(i > 0, func() app.UI { return act("Move "+name+" up", "arrow-left", func() { swap(i - 1) }) }),
		when(i < n-1, func() app.UI { return act("Move "+name+" down", "arrow-right", func() { swap(i + 1) }) }),
		act("Remove "+name, "trash", remove),
	)
}

func (p *bookSetupPage) save(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if p.busy {
		return
	}
	v, err := p.input()
	if err != nil {
		Fail(ctx, err, &p.problem)
		return
	}
	p.busy, p.problem = true, Problem{}
	Async(ctx, Call(api.SetBookSettings, api.BookSettingsInput{Course: p.id, BookSettings: v}), func(ctx app.Context, saved lms.BookSettings, err error) {
		p.busy = false
		if err != nil {
			if p.stale = lms.KindOf(err) == lms.KindConflict; p.stale {
				p.load(ctx) // keeps what is typed
			}
			Fail(ctx, err, &p.problem)
			return
		}
		p.settings.Set(saved)
		p.fill(ctx, saved)
		Toast(ctx, "good", "The rules of the gradebook are saved.")
	})
}
