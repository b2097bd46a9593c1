package ui

import (
	"slices"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// siteRulesCard holds the tutor's rules of the site: the text for a crisis, who gets severe flags, how long conversations are kept.
type siteRulesCard struct {
	app.Compo
	Admins   []lms.Administrator
	loaded   bool
	err      error
	in       lms.TutorSite
	days     string
	conflict bool
	busy     bool
	problem  Problem
}

// OnMount loads the rules.
func (c *siteRulesCard) OnMount(ctx app.Context) { c.load(ctx) }

func (c *siteRulesCard) load(ctx app.Context) { c.fetch(ctx, c.take) }

func (c *siteRulesCard) fetch(ctx app.Context, take func(lms.TutorSite)) {
	Async(ctx, Call(api.GetTutorSite, api.NoInput{}), func(_ app.Context, v lms.TutorSite, err error) {
		if c.err = err; err == nil {
			c.loaded = true
			take(v)
		}
	})
}

func (c *siteRulesCard) take(v lms.TutorSite) {
	c.in, c.days, c.conflict, c.problem = v, itoa(v.Retention), false, Problem{}
	SetValue("crisis", v.Crisis)
	SetValue("retention", c.days)
}

// Render draws the card.
func (c *siteRulesCard) Render() app.UI {
	switch {
	case !c.loaded && c.err != nil:
		return Card("Rules of the site", nil, ErrorBox(c.err, c.load))
	case !c.loaded:
		return Card("Rules of the site", nil, Skeleton(3))
	}
	return Card("Rules of the site", nil, app.Form().Class("stack", "form").OnSubmit(c.submit).Body(
		c.problem.Alert("crisis", "admins", "retention"),
		app.If(c.conflict, func() app.UI {
			return staleNotice(func(ctx app.Context, _ app.Event) {
				c.fetch(ctx, func(v lms.TutorSite) { c.in.Version, c.conflict = v.Version, false; c.save(ctx) })
			}, func(ctx app.Context, _ app.Event) { c.load(ctx) })
		}),
		TextArea(Field{ID: "crisis", Label: "Text for somebody in distress", Optional: true, Markdown: true, Value: c.in.Crisis, Error: c.problem.For("crisis"), On: c.ValueTo(&c.in.Crisis),
			Help: "Shown at once when a message speaks of self-harm, violence or abuse. Name whom to call here. Empty: a general text."}),
		app.FieldSet().Class("field").ID("admins").TabIndex(-1).Body(
			app.Legend().Class("label").Text("Who gets severe flags"),
			app.P().Class("help").Text("Nobody chosen: the first administrator."),
			app.Range(c.Admins).Slice(func(i int) app.UI {
				a := c.Admins[i]
				return Checkbox(Field{ID: "admin-" + a.ID, Label: a.Name, On: func(ctx app.Context, _ app.Event) { c.in.Admins = withSource(c.in.Admins, a.ID, Checked(ctx)) }},
					slices.Contains(c.in.Admins, a.ID))
			}),
			app.If(c.problem.For("admins") != "", func() app.UI { return app.P().Class("error").Text(c.problem.For("admins")) })),
		Input(Field{ID: "retention", Label: "Conversations are erased after so many days", InputMode: "numeric", Value: c.days, Error: c.problem.For("retention"), On: c.ValueTo(&c.days)}),
		app.Div().Class("actions").Body(Submit("Save the rules", "Saving", c.busy)),
	))
}

func (c *siteRulesCard) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	c.save(ctx)
}

func (c *siteRulesCard) save(ctx app.Context) {
	days, err := number(c.days, "retention")
	if c.in.Retention = days; err == nil {
		err = c.in.Validate()
	}
	if c.busy || err != nil {
		Fail(ctx, err, &c.problem)
		return
	}
	if len(c.Admins) > 0 { // who is no administrator any more cannot be chosen away on the page
		c.in.Admins = slices.DeleteFunc(c.in.Admins, func(id string) bool {
			return !slices.ContainsFunc(c.Admins, func(a lms.Administrator) bool { return a.ID == id })
		})
	}
	c.busy, c.problem = true, Problem{}
	Async(ctx, Call(api.UpdateTutorSite, api.TutorSiteInput{TutorSite: c.in}), func(ctx app.Context, v lms.TutorSite, err error) {
		c.busy = false
		switch {
		case lms.KindOf(err) == lms.KindConflict:
			c.conflict = true
		case err != nil:
			Fail(ctx, err, &c.problem)
		default:
			c.take(v)
			Toast(ctx, "good", "The rules are saved.")
		}
	})
}
