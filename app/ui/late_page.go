package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// lateDraft is a late policy as it is typed.
type lateDraft struct {
	Rate     string `json:"rate"`
	Interval string `json:"interval"`
	Floor    string `json:"floor"`
	Missing  string `json:"missing"` // empty: missing work stays ungraded
}

func lateDraftOf(p lms.LatePolicy) lateDraft {
	d := lateDraft{Rate: p.Rate.String(), Interval: string(p.Interval), Floor: p.Floor.String()}
	if d.Interval == "" {
		d.Interval = string(lms.LateByDay)
	}
	if p.Missing != nil {
		d.Missing = p.Missing.String()
	}
	return d
}

// policy reads what was typed. A refusal names the field.
func (d lateDraft) policy() (p lms.LatePolicy, err error) {
	p.Interval = lms.LateInterval(d.Interval)
	if p.Rate, err = percentOfField(d.Rate, "late.rate"); err != nil {
		return p, err
	}
	if p.Floor, err = percentOfField(d.Floor, "late.floor"); err != nil {
		return p, err
	}
	if trimSpace(d.Missing) != "" {
		missing, err := percentOfField(d.Missing, "late.missing")
		if err != nil {
			return p, err
		}
		p.Missing = &missing
	}
	return p, p.Validate()
}

func percentOfField(s, field string) (lms.Percent, error) {
	if trimSpace(s) == "" {
		return 0, nil
	}
	p, err := lms.ParsePercent(s)
	if err != nil {
		err = lms.FieldErrorf(lms.KindRule, field, "%s", ProblemOf(err).Message)
	}
	return p, err
}

// fields are the inputs of a late policy, with the sentence that they make.
func (d *lateDraft) fields(problem Problem, typed func(*string) app.EventHandler) app.UI {
	sentence := "Complete the fields to see what the rule says."
	if p, err := d.policy(); err == nil {
		sentence = p.Describe()
	}
	return app.Div().Class("stack").Body(
		app.Div().Class("grid-2").Body(
			Input(Field{ID: "late.rate", Label: "Taken off, in %", Help: "Of the possible points.", InputMode: "decimal", Optional: true, Value: d.Rate, Error: problem.For("late.rate"), On: typed(&d.Rate)}),
			Select(Field{ID: "late.interval", Label: "For each begun", Value: d.Interval, Error: problem.For("late.interval"), On: typed(&d.Interval),
				Help: "A late day ends at the due time of day, in the course's zone."},
				Option{Value: string(lms.LateByDay), Label: "day"}, Option{Value: string(lms.LateByHour), Label: "hour"}),
			Input(Field{ID: "late.floor", Label: "Never below, in %", InputMode: "decimal", Optional: true, Value: d.Floor, Error: problem.For("late.floor"), On: typed(&d.Floor),
				Help: "Lateness alone takes no grade below this."}),
			Input(Field{ID: "late.missing", Label: "Taken off missing work, in %", InputMode: "decimal", Optional: true, Value: d.Missing, Error: problem.For("late.missing"), On: typed(&d.Missing),
				Help: "Empty: work that was never handed in stays ungraded."}),
		),
		app.P().Class("panel").ID("late-sentence").Role("status").Text(sentence),
	)
}

// latePage changes what late work costs in a course.
type latePage struct {
	app.Compo
	inCourse
	now     Remote[lms.CourseLate]
	draft   lateDraft
	preview *lms.Preview
	busy    bool
	problem Problem
}

func (p *latePage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	if p.enter(ctx) {
		p.now.Reset()
	}
	p.load(ctx)
}

func (p *latePage) load(ctx app.Context) {
	p.now.Load(ctx, Call(api.GetCourseLate, api.CoursePath{Course: p.id}), func(app.Context) { p.draft = lateDraftOf(p.now.Value.Policy) })
}

func (p *latePage) Render() app.UI {
	return p.frame(&Shell{Title: "Late work", Lead: "Holds for every assignment of the course that has no rule of its own.", Active: "assignments",
		Back:    Crumbs(p.label(), CoursePath(p.id), "Assignments", CoursePath(p.id, "assignments")),
		Content: app.If(!p.ready(), func() app.UI { return Skeleton(4) }).Else(func() app.UI { return p.now.View(4, p.load, p.view) })})
}

func (p *latePage) view(l lms.CourseLate) app.UI {
	if !p.instructor() || p.readOnly() {
		return Card("", nil, app.P().Text(l.Text))
	}
	typed := func(to *string) app.EventHandler {
		return func(ctx app.Context, _ app.Event) { *to = ctx.JSSrc().Get("value").String() }
	}
	return app.Div().Body(
		app.Form().Class("stack").OnSubmit(p.submit).Body(
			p.problem.Alert("late.rate", "late.interval", "late.floor", "late.missing"),
			Card("", nil, p.draft.fields(p.problem, typed)),
			app.Div().Class("actions").Body(Submit("Save", "Saving", p.busy), LinkButton("Cancel", "", CoursePath(p.id, "assignments"))),
		),
		app.If(p.preview != nil, func() app.UI {
			return previewDialog(*p.preview, p.busy, p.apply, func(app.Context) { p.preview = nil })
		}),
	)
}

func (p *latePage) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	policy, err := p.draft.policy()
	if p.busy || err != nil {
		Fail(ctx, err, &p.problem)
		return
	}
	p.busy, p.problem = true, Problem{}
	in := api.CourseLateInput{Course: p.id, Policy: policy, Version: p.now.Value.Version}
	Async(ctx, Call(api.PreviewCourseLate, in), func(ctx app.Context, v lms.Preview, err error) {
		p.busy = false
		switch {
		case err != nil:
			Fail(ctx, err, &p.problem)
		case len(v.Changes) > 0:
			p.preview = &v
		default:
			p.save(ctx, v.Token)
		}
	})
}

func (p *latePage) apply(ctx app.Context) { p.save(ctx, p.preview.Token) }

func (p *latePage) save(ctx app.Context, token string) {
	policy, err := p.draft.policy()
	if p.busy || err != nil {
		Fail(ctx, err, &p.problem)
		return
	}
	p.busy = true
	in := api.CourseLateInput{Course: p.id, Policy: policy, Version: p.now.Value.Version, Preview: token}
	Async(ctx, Call(api.SetCourseLate, in), func(ctx app.Context, l lms.CourseLate, err error) {
		p.busy, p.preview = false, nil
		if err != nil {
			Fail(ctx, err, &p.problem)
			if lms.KindOf(err) == lms.KindConflict {
				p.now.Load(ctx, Call(api.GetCourseLate, api.CoursePath{Course: p.id})) // what was typed stays
			}
			return
		}
		Toast(ctx, "good", "Saved. "+l.Text)
		ctx.Navigate(CoursePath(p.id, "assignments"))
	})
}
