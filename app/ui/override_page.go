package ui

import (
	"slices"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// overridePage gives students and sections other dates or attempts for an assignment, and lists who has them.
type overridePage struct {
	app.Compo
	inCourse
	as         string
	assignment Remote[lms.Assignment]
	list       Remote[api.Page[lms.Override]]
	choices    Remote[lms.Choices]
	targets    []string
	dates      overrideDraft
	request    string // question that asked for it
	version    int64  // of the one that is changed
	preview    *lms.Preview
	removing   *lms.Override
	busy       bool
	problem    Problem
}

// overrideDraft is what is typed.
type overrideDraft struct{ Opens, Due, Cutoff, Attempts, Message string }

func (p *overridePage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	changed := p.enter(ctx)
	if as := Param(ctx, "assignments"); as != p.as || changed {
		p.as = as
		p.assignment.Reset()
		p.list.Reset()
		p.choices.Reset()
		p.targets, p.dates = nil, overrideDraft{}
		p.request = Query(ctx, "request")
		if student := Query(ctx, "student"); student != "" {
			p.targets = []string{"student/" + student}
			p.dates.Message = "You have an extension."
		}
	}
	p.load(ctx)
}

func (p *overridePage) load(ctx app.Context) {
	in := api.AssignmentPath{Course: p.id, Assignment: p.as}
	p.assignment.Load(ctx, Call(api.GetAssignment, in))
	p.list.Load(ctx, Call(api.ListOverrides, in))
	p.choices.Load(ctx, Call(api.ListChoices, api.CoursePath{Course: p.id}))
}

func (p *overridePage) zone() string { return p.course.Value.Zone }

func (p *overridePage) Render() app.UI {
	a := p.assignment.Value
	return p.frame(&Shell{Title: "Other dates", Lead: cond(a.Title != "", a.Title+". "+DueTextIn(a.DueAt, p.zone()), ""), Active: "assignments",
		Back: Crumbs(p.label(), CoursePath(p.id), "Assignment", CoursePath(p.id, "assignments", p.as)),
		Content: app.If(!p.ready(), func() app.UI { return Skeleton(5) }).Else(func() app.UI {
			return app.Div().Class("stack").Body(
				app.If(p.instructor() && !p.readOnly(), func() app.UI { return p.choices.View(4, p.load, p.form) }),
				Card("Who has other dates", nil, p.list.View(2, p.load, p.rows)),
				app.If(p.preview != nil, func() app.UI {
					return previewDialog(*p.preview, p.busy, p.apply, func(app.Context) { p.preview, p.removing = nil, nil })
				}),
				app.If(p.removing != nil && p.preview == nil, p.confirmRemoval),
			)
		})})
}

func (p *overridePage) form(c lms.Choices) app.UI {
	if len(c.Students)+len(c.Sections) == 0 {
		return Empty("users", "No students yet", "Other dates can be given once there are students in the course.")
	}
	why := p.problem.For
	return app.Form().Class("stack").OnSubmit(p.submit).Body(
		p.problem.Alert("targets", "opensAt", "dueAt", "cutoffAt", "maxAttempts", "message"),
		Card(cond(p.request != "", "Grant the extension", "Give other dates or attempts"), nil, app.Div().Class("stack").Body(
			app.FieldSet().Class("field").ID("targets").Attr("tabindex", -1).Body(
				app.Legend().Class("label").Text("For whom"),
				app.If(len(c.Sections) > 0, func() app.UI { return p.targetBoxes("section", c.Sections) }),
				p.targetBoxes("student", c.Students),
				fieldNotes(Field{ID: "targets", Error: why("targets"), Help: chosenText(len(p.targets))}),
			),
			app.Div().Class("grid-2").Body(
				p.date("dueAt", "Due", &p.dates.Due, "A student's extension ends after the due date."),
				p.date("cutoffAt", "Cut-off", &p.dates.Cutoff, "Moves with the due date by itself."),
				p.date("opensAt", "Opens", &p.dates.Opens, ""),
				Input(Field{ID: "maxAttempts", Label: "Attempts", InputMode: "numeric", Optional: true, Value: p.dates.Attempts, Error: why("maxAttempts"), On: p.typed(&p.dates.Attempts), Help: "0: as many as they like."}),
			),
			app.P().Class("fine").Text("Empty fields stay as everybody has them. Times are in the course's zone, "+p.zone()+". The students are told on their home page."),
			app.If(p.request != "", func() app.UI {
				return TextArea(Field{ID: "message", Label: "Answer to the request", Rows: 3, Value: p.dates.Message, Error: why("message"), On: p.typed(&p.dates.Message), Help: "The student and the staff read this."})
			}),
			app.Div().Class("actions").Body(Submit(cond(p.request != "", "Grant it", "Give these dates"), "Saving", p.busy)),
		)),
	)
}

func chosenText(n int) string { return cond(n == 0, "Nobody is chosen yet.", itoa(n)+" chosen.") }

// targetBoxes are the students or sections to tick.
func (p *overridePage) targetBoxes(kind string, list []lms.Choice) app.UI {
	return app.Div().Class("ticks").Body(app.Range(list).Slice(func(i int) app.UI {
		target := kind + "/" + list[i].ID
		return Checkbox(Field{ID: "t-" + kind + "-" + list[i].ID, Label: cond(kind == "section", "Section ", "") + list[i].Name, On: func(ctx app.Context, _ app.Event) {
			p.targets = slices.DeleteFunc(p.targets, func(t string) bool { return t == target })
			if Checked(ctx) {
				p.targets = append(p.targets, target)
			}
		}}, slices.Contains(p.targets, target))
	}))
}

func (p *overridePage) date(id, label string, to *string, help string) app.UI {
	return Input(Field{ID: id, Label: label, Type: "datetime-local", Optional: true, Value: *to, Error: p.problem.For(id), On: p.typed(to), Help: help})
}

func (p *overridePage) typed(to *string) app.EventHandler {
	return func(ctx app.Context, _ app.Event) { *to = ctx.JSSrc().Get("value").String() }
}

func (p *overridePage) rows(page api.Page[lms.Override]) app.UI {
	if len(page.Items) == 0 {
		return Empty("calendar", "Everybody has the same dates", "Extensions and other dates that you give are listed here.")
	}
	return RowsOf(page.Items, func(o lms.Override) app.UI {
		return RowWith(Icon(cond(o.Target == lms.OverrideSection, "users", "user")), o.TargetName, overrideText(o, p.zone())+" · by "+o.GrantedBy+", "+Relative(o.GrantedAt),
			app.If(p.instructor() && !p.readOnly(), func() app.UI {
				return app.Div().Class("actions").Body(
					Quiet("Change", "edit", func(ctx app.Context, _ app.Event) { p.edit(ctx, o) }, Each(o.ID, "edit", o.Version)).Aria("label", "Change the dates of "+o.TargetName),
					Quiet("Take back", "x", func(ctx app.Context, _ app.Event) { p.askRemoval(ctx, o) }, Each(o.ID, o.Version)).Aria("label", "Take back the dates of "+o.TargetName))
			}))
	})
}

// overrideText writes what an override changes.
func overrideText(o lms.Override, zone string) string {
	var parts []string
	for _, d := range []struct {
		name string
		at   time.Time
	}{{"opens ", o.OpensAt}, {"due ", o.DueAt}, {"cut-off ", o.CutoffAt}} {
		if !d.at.IsZero() {
			parts = append(parts, d.name+FormatTimeIn(d.at, zone))
		}
	}
	if o.MaxAttempts != nil {
		parts = append(parts, cond(*o.MaxAttempts == 0, "attempts without limit", plural(*o.MaxAttempts, "attempt")))
	}
	s := strings.Join(parts, ", ")
	return strings.ToUpper(s[:min(1, len(s))]) + s[min(1, len(s)):]
}

func (p *overridePage) edit(ctx app.Context, o lms.Override) {
	z := p.zone()
	p.targets, p.version = []string{string(o.Target) + "/" + o.TargetID}, o.Version
	p.dates = overrideDraft{Opens: FormatInputIn(o.OpensAt, z), Due: FormatInputIn(o.DueAt, z), Cutoff: FormatInputIn(o.CutoffAt, z)}
	if o.MaxAttempts != nil {
		p.dates.Attempts = itoa(*o.MaxAttempts)
	}
	for id, v := range map[string]string{"opensAt": p.dates.Opens, "dueAt": p.dates.Due, "cutoffAt": p.dates.Cutoff, "maxAttempts": p.dates.Attempts} {
		SetValue(id, v)
	}
	Focus(ctx, "dueAt")
}

func (p *overridePage) input() (api.OverridesInput, error) {
	in := api.OverridesInput{Course: p.id, Assignment: p.as, Targets: p.targets}
	if len(p.targets) == 1 {
		in.Version = p.version
	}
	for range p.targets {
		in.IDs = append(in.IDs, lms.NewID())
	}
	for _, d := range []struct {
		field, typed string
		to           *time.Time
	}{{"opensAt", p.dates.Opens, &in.OpensAt}, {"dueAt", p.dates.Due, &in.DueAt}, {"cutoffAt", p.dates.Cutoff, &in.CutoffAt}} {
		t, err := ParseInputIn(d.typed, p.zone())
		if err != nil {
			return in, lms.FieldErrorf(lms.KindRule, d.field, "This is not a date and time.")
		}
		if d.field != "opensAt" {
			t = WholeMinute(t, time.Time{})
		}
		*d.to = t
	}
	if trimSpace(p.dates.Attempts) != "" {
		n, err := number(p.dates.Attempts, "maxAttempts")
		if err != nil {
			return in, err
		}
		in.MaxAttempts = &n
	}
	if p.request != "" {
		in.Request, in.ReplyID, in.Message = p.request, lms.NewID(), p.dates.Message
		if trimSpace(in.Message) == "" {
			return in, lms.FieldErrorf(lms.KindRule, "message", "Write a line to the student.")
		}
	}
	return in, in.Validate()
}

func (p *overridePage) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	in, err := p.input()
	if p.busy || err != nil {
		Fail(ctx, err, &p.problem)
		return
	}
	p.busy, p.problem = true, Problem{}
	Async(ctx, Call(api.PreviewOverrides, in), func(ctx app.Context, v lms.Preview, err error) {
		p.busy = false
		switch {
		case err != nil:
			Fail(ctx, err, &p.problem)
		case len(v.Changes) > 0:
			p.preview = &v
		default:
			p.grant(ctx, v.Token)
		}
	})
}

// apply does what the preview has shown.
func (p *overridePage) apply(ctx app.Context) {
	if p.removing != nil {
		p.remove(ctx, p.preview.Token)
		return
	}
	p.grant(ctx, p.preview.Token)
}

func (p *overridePage) grant(ctx app.Context, token string) {
	in, err := p.input()
	if p.busy || err != nil {
		Fail(ctx, err, &p.problem)
		return
	}
	p.busy, in.Preview = true, token
	Async(ctx, Call(api.GrantOverrides, in), func(ctx app.Context, page api.Page[lms.Override], err error) {
		p.busy, p.preview = false, nil
		if err != nil {
			Fail(ctx, err, &p.problem)
			p.load(ctx)
			return
		}
		request := p.request
		p.list.Set(page)
		p.targets, p.dates, p.version, p.request = nil, overrideDraft{}, 0, ""
		for _, id := range []string{"opensAt", "dueAt", "cutoffAt", "maxAttempts"} {
			SetValue(id, "")
		}
		Toast(ctx, "good", cond(len(in.Targets) == 1, "The other dates are in force.", "The other dates of "+itoa(len(in.Targets))+" are in force.")+" The students see it on their home page.")
		if request != "" {
			ctx.Navigate(CoursePath(p.id, "questions", request))
		}
	})
}

func (p *overridePage) askRemoval(ctx app.Context, o lms.Override) {
	Async(ctx, Call(api.PreviewRemoval, api.OverridePath{Course: p.id, Override: o.ID}), func(ctx app.Context, v lms.Preview, err error) {
		if err != nil {
			ToastError(ctx, err)
			return
		}
		p.removing = &o
		if len(v.Changes) > 0 {
			p.preview = &v
		}
	})
}

func (p *overridePage) confirmRemoval() app.UI {
	return Confirm("take-back", "Take these dates back?", p.removing.TargetName+" will have the dates that everybody has.", "Take them back",
		func(ctx app.Context) { p.remove(ctx, "") }, func(app.Context) { p.removing = nil })
}

func (p *overridePage) remove(ctx app.Context, token string) {
	in := api.RemoveOverrideInput{Course: p.id, Override: p.removing.ID, Preview: token}
	Async(ctx, Call(api.RemoveOverride, in), func(ctx app.Context, _ api.Empty, err error) {
		p.preview, p.removing = nil, nil
		if err != nil {
			ToastError(ctx, err)
		} else {
			Toast(ctx, "good", "The dates are taken back.")
		}
		p.load(ctx)
	})
}
