package ui

import (
	"slices"
	"strconv"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// tutorPage holds what the instructors of a course decide about its tutor (TUTOR-14).
type tutorPage struct {
	app.Compo
	inCourse
	loaded    bool
	err       error
	form      policyForm
	conflict  bool
	members   Remote[api.Page[lms.Member]]
	materials Remote[api.Page[lms.Material]]
	info      Remote[api.TutorStatus]
	preview   bool
	problem   Problem
	busy      bool
}

// policyForm is a policy in the form in which it is typed.
type policyForm struct {
	Policy                         lms.TutorPolicy
	Hourly, Daily, Anyway, Monthly string
}

func policyFormOf(v lms.TutorPolicy) policyForm {
	return policyForm{Policy: v, Hourly: itoa(v.HourlyQuota), Daily: itoa(v.DailyQuota), Anyway: itoa(v.AskAnyway), Monthly: strconv.FormatInt(v.MonthlyCap, 10)}
}

// value reads what was typed. A refusal names the field.
func (f policyForm) value() (lms.TutorPolicy, error) {
	v := f.Policy
	for _, n := range []struct {
		field, typed string
		to           *int
	}{{"hourlyQuota", f.Hourly, &v.HourlyQuota}, {"dailyQuota", f.Daily, &v.DailyQuota}, {"askAnyway", f.Anyway, &v.AskAnyway}} {
		var err error
		if *n.to, err = number(n.typed, n.field); err != nil {
			return v, err
		}
	}
	tokens, err := strconv.ParseInt(strings.TrimSpace(f.Monthly), 10, 64)
	if err != nil || tokens < 0 {
		return v, lms.FieldErrorf(lms.KindRule, "monthlyCap", "Write a whole number; 0 means no cap.")
	}
	v.MonthlyCap, v.Language = tokens, strings.TrimSpace(v.Language)
	return v, v.Validate()
}

// OnNav loads the policy and what it refers to.
func (p *tutorPage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	if !p.enter(ctx) {
		return
	}
	p.loaded, p.conflict, p.preview, p.problem = false, false, false, Problem{}
	p.members.Reset()
	p.materials.Reset()
	p.info.Reset()
	p.load(ctx)
}

func (p *tutorPage) load(ctx app.Context) {
	in := api.CoursePath{Course: p.id}
	p.members.Load(ctx, Call(api.ListMembers, api.ListMembersInput{Course: p.id}))
	p.materials.Load(ctx, Call(api.ListMaterials, in))
	p.info.Load(ctx, Call(api.TutorInfo, in))
	p.fetch(ctx, func(ctx app.Context, v lms.TutorPolicy) { p.form = policyFormOf(v) })
}

func (p *tutorPage) fetch(ctx app.Context, take func(app.Context, lms.TutorPolicy)) {
	course := p.id
	p.err = nil
	Async(ctx, Call(api.GetTutorPolicy, api.CoursePath{Course: course}), func(ctx app.Context, v lms.TutorPolicy, err error) {
		if p.id != course {
			return
		}
		if p.err = err; err == nil {
			p.loaded = true
			take(ctx, v)
		}
	})
}

// Render draws the page.
func (p *tutorPage) Render() app.UI {
	return p.frame(&Shell{Title: "Tutor of the course", Active: "questions", Wide: p.preview,
		Back: Crumbs(p.label(), CoursePath(p.id), "Questions and tutor", CoursePath(p.id, "questions")),
		Content: app.If(!p.ready() || !p.loaded && p.err == nil, func() app.UI { return Skeleton(8) }).
			ElseIf(!p.loaded, func() app.UI { return ErrorBox(p.err, p.load) }).
			Else(p.body)})
}

func (p *tutorPage) body() app.UI {
	return app.Div().Class("stack").Body(
		tutorTabs(p.id, CoursePath(p.id, "tutor")),
		p.answers(),
		app.If(!p.instructor(), func() app.UI { return Notice("info", "Instructors of the course can change this; you can read it.") }),
		app.If(p.conflict, p.conflictNotice),
		app.Form().Class("stack", "form").OnSubmit(p.submit).Body(
			p.problem.Alert("ownerId", "modes", "mode", "level", "hourlyQuota", "dailyQuota", "askAnyway", "monthlyCap", "language", "instructions", "avoid", "sources"),
			Card("Who may use it", nil, p.access()),
			Card("How it helps", nil, p.manner()),
			Card("What it knows", nil, p.sources()),
			Card("Limits", nil, p.limits()),
			app.If(p.instructor() && !p.readOnly(), func() app.UI {
				return app.Div().Class("actions").Body(
					Submit("Save", "Saving", p.busy),
					Button(cond(p.preview, "Close the preview", "Preview as a student"), "eye", func(app.Context, app.Event) { p.preview = !p.preview }))
			}),
		),
		app.If(p.preview, p.previewCard),
	)
}

// answers tells what writes the answers and where text goes.
func (p *tutorPage) answers() app.UI {
	t := p.info.Value
	switch {
	case p.info.Err != nil && !p.info.Ready:
		return ErrorBox(p.info.Err, p.load)
	case !p.info.Ready:
		return app.Div()
	case t.Model == "":
		return Notice("info", "No language model is set up on this site: the tutor shows the best passages of the materials. The text "+t.Where+".")
	}
	return Notice("info", "The model "+t.Model+" writes the answers; the text "+cond(strings.HasPrefix(t.Where, "stays"), t.Where, "goes to "+t.Where)+
		". It knows "+plural(t.Passages, "passage")+" of the materials.")
}

func (p *tutorPage) conflictNotice() app.UI {
	return staleNotice(
		func(ctx app.Context, _ app.Event) { p.overwrite(ctx) },
		func(ctx app.Context, _ app.Event) {
			p.conflict, p.problem = false, Problem{}
			p.fetch(ctx, func(ctx app.Context, v lms.TutorPolicy) { p.fill(policyFormOf(v)) })
		})
}

// fill shows other values; the inputs themselves keep what was typed until they are told.
func (p *tutorPage) fill(f policyForm) {
	p.form = f
	for id, v := range map[string]string{"instructions": f.Policy.Instructions, "avoid": f.Policy.Avoid, "language": f.Policy.Language, "hourlyQuota": f.Hourly,
		"dailyQuota": f.Daily, "askAnyway": f.Anyway, "monthlyCap": f.Monthly} {
		SetValue(id, v)
	}
}

func (p *tutorPage) access() app.UI {
	v := &p.form.Policy
	owners := []Option{{"", "Nobody yet", ""}}
	for _, m := range p.members.Value.Items {
		if m.Active && (m.Role == lms.RoleInstructor || m.Role == lms.RoleTA) {
			owners = append(owners, Option{m.UserID, m.Name + ", " + RoleName(m.Role), ""})
		}
	}
	return app.Div().Class("stack").Body(
		Checkbox(Field{ID: "enabled", Label: "Students of this course can ask the tutor", Help: "Off removes it from every page of the course; questions to the instructors stay.",
			On: func(ctx app.Context, _ app.Event) { v.Enabled = Checked(ctx) }}, v.Enabled),
		Select(Field{ID: "ownerId", Label: "Who is told when a student may be in danger", Value: v.OwnerID, Error: p.problem.For("ownerId"),
			Help: "Somebody must be: without a name the tutor cannot be switched on.", On: func(ctx app.Context, _ app.Event) {
				v.OwnerID, p.problem = ctx.JSSrc().Get("value").String(), Problem{}
			}}, owners...),
	)
}

func (p *tutorPage) manner() app.UI {
	v := &p.form.Policy
	var allowed []Option
	for _, o := range modeOptions {
		if slices.Contains(v.Modes, lms.TutorMode(o.Value)) {
			allowed = append(allowed, o)
		}
	}
	return app.Div().Class("stack").Body(
		app.FieldSet().Class("field").ID("modes").TabIndex(-1).Body(
			app.Legend().Class("label").Text("Students choose among"),
			app.Range(modeOptions).Slice(func(i int) app.UI {
				m := lms.TutorMode(modeOptions[i].Value)
				return Checkbox(Field{ID: "mode-" + string(m), Label: modeOptions[i].Label, Help: modeOptions[i].Help,
					On: func(ctx app.Context, _ app.Event) { v.Modes = withMode(v.Modes, m, Checked(ctx)) }}, slices.Contains(v.Modes, m))
			}),
			app.If(p.problem.For("modes") != "", func() app.UI { return app.P().Class("error").Body(Icon("alert-circle"), text(p.problem.For("modes"))) }),
		),
		app.If(len(allowed) > 0, func() app.UI {
			return Select(Field{ID: "mode", Label: "Students begin with", Value: string(v.Mode), Error: p.problem.For("mode"), On: func(ctx app.Context, _ app.Event) {
				v.Mode = lms.TutorMode(ctx.JSSrc().Get("value").String())
			}}, beginWith(allowed, v.Mode)...)
		}),
		Select(Field{ID: "level", Label: "Level of students who have no grades yet", Value: string(v.Level), Error: p.problem.For("level"), On: func(ctx app.Context, _ app.Event) {
			v.Level = lms.Level(ctx.JSSrc().Get("value").String())
		}, Help: "With grades the level follows them. Students see it and can change it."}, levelOptions...),
		Input(Field{ID: "language", Label: "Language of the answers", Optional: true, Value: v.Language, Placeholder: "as the question", Help: "A code such as de or pt-BR.",
			Error: p.problem.For("language"), On: p.ValueTo(&v.Language)}),
		TextArea(Field{ID: "instructions", Label: "Instructions to the tutor", Optional: true, Rows: 4, Value: v.Instructions, Error: p.problem.For("instructions"),
			Help: "Sent with every question, for example the notation that you use. Students do not see them.", On: p.ValueTo(&v.Instructions)}),
		TextArea(Field{ID: "avoid", Label: "Topics to avoid", Optional: true, Rows: 3, Value: v.Avoid, Error: p.problem.For("avoid"),
			Help: "One on a line. The tutor sends students with such questions to you.", On: p.ValueTo(&v.Avoid)}),
	)
}

// beginWith offers the allowed modes, and that in force although it is not allowed any more, so that the refusal has a place.
func beginWith(allowed []Option, mode lms.TutorMode) []Option {
	if slices.ContainsFunc(allowed, func(o Option) bool { return o.Value == string(mode) }) {
		return allowed
	}
	return append([]Option{{string(mode), modeName(mode) + " (not allowed any more)", ""}}, allowed...)
}

// withMode adds or removes a mode and keeps the order in which they are offered.
func withMode(modes []lms.TutorMode, m lms.TutorMode, on bool) []lms.TutorMode {
	out := []lms.TutorMode{}
	for _, o := range lms.TutorModes {
		if o == m && on || o != m && slices.Contains(modes, o) {
			out = append(out, o)
		}
	}
	return out
}

func (p *tutorPage) sources() app.UI {
	v := &p.form.Policy
	return p.materials.View(3, p.load, func(page api.Page[lms.Material]) app.UI {
		if len(page.Items) == 0 {
			return Empty("book-open", "No materials yet", "Upload or write some: the tutor answers from them.", LinkButton("Materials", "book-open", CoursePath(p.id, "materials")))
		}
		return app.Div().Class("stack").Body(
			Checkbox(Field{ID: "all-sources", Label: "All published materials, also later ones", On: func(ctx app.Context, _ app.Event) {
				v.Sources = nil
				if !Checked(ctx) {
					for _, m := range page.Items {
						v.Sources = append(v.Sources, m.ID)
					}
				}
			}}, len(v.Sources) == 0),
			app.If(len(v.Sources) > 0, func() app.UI {
				return app.FieldSet().Class("field", "indent").ID("sources").TabIndex(-1).Body(
					app.Legend().Class("label").Text("Only these"),
					app.Range(page.Items).Slice(func(i int) app.UI {
						m := page.Items[i]
						index, _ := indexWords(m)
						return Checkbox(Field{ID: "source-" + m.ID, Label: m.Title, Help: cond(m.Published, "", "Draft. ") + cond(m.Index == lms.IndexReady, "", index+"."),
							On: func(ctx app.Context, _ app.Event) { v.Sources = withSource(v.Sources, m.ID, Checked(ctx)) }}, slices.Contains(v.Sources, m.ID))
					}),
					app.If(p.problem.For("sources") != "", func() app.UI {
						return app.P().Class("error").Body(Icon("alert-circle"), text(p.problem.For("sources")))
					}),
				)
			}),
		)
	})
}

func withSource(list []string, id string, on bool) []string {
	out := slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == id })
	if on {
		out = append(out, id)
	}
	return out
}

func (p *tutorPage) limits() app.UI {
	f := &p.form
	whole := func(id, label, help, value string, to *string) app.UI {
		return Input(Field{ID: id, Label: label, Help: help, Value: value, InputMode: "numeric", Error: p.problem.For(id), On: p.ValueTo(to)})
	}
	return app.Div().Class("grid-2").Body(
		whole("hourlyQuota", "Questions of a student in an hour", "Beyond it, students can still read, search and ask you.", f.Hourly, &f.Hourly),
		whole("dailyQuota", "Questions of the course in a day", "", f.Daily, &f.Daily),
		whole("askAnyway", "“Ask anyway” a day", "How often a student may send what the materials do not cover; 0 switches it off.", f.Anyway, &f.Anyway),
		whole("monthlyCap", "Tokens of the course in a month", "Of the language model; 0 means no cap of the course.", f.Monthly, &f.Monthly),
	)
}

// previewCard shows what students would see with the settings as they stand in the form, before they are saved.
func (p *tutorPage) previewCard() app.UI {
	v, err := p.form.value()
	if err != nil {
		return Card("As a student sees it", nil, Notice("warn", "Correct the settings first: "+ProblemOf(err).Message))
	}
	t := p.info.Value
	t.Enabled, t.Modes, t.Mode, t.Level, t.Chosen = v.Enabled, v.Modes, v.Mode, v.Level, lms.TutorChoice{}
	t.Quota = lms.TutorQuota{Limit: v.HourlyQuota, Left: v.HourlyQuota, AskAnyway: v.AskAnyway}
	t.Accepted, t.Notice = false, lms.TutorNotice
	f := &askForm{Course: p.id, Known: true, Tutor: t, in: api.QuestionInput{To: lms.ToTutor, Visibility: lms.VisibleStaff}}
	return Card("As a student sees it", nil,
		app.P().Class("fine").Text("With the settings above, before they are saved. Nothing can be sent from here."),
		app.Div().Class("preview").Attr("inert", true).Aria("label", "Preview of the student's form").Body(f.Render()))
}

func (p *tutorPage) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	p.save(ctx)
}

func (p *tutorPage) save(ctx app.Context) {
	if p.busy {
		return
	}
	v, err := p.form.value()
	if err != nil {
		Fail(ctx, err, &p.problem)
		return
	}
	p.busy, p.problem = true, Problem{}
	Async(ctx, Call(api.UpdateTutorPolicy, api.TutorPolicyInput{Course: p.id, TutorPolicy: v}), func(ctx app.Context, v lms.TutorPolicy, err error) {
		p.busy = false
		if lms.KindOf(err) == lms.KindConflict {
			p.conflict = true
			return
		}
		if err != nil {
			Fail(ctx, err, &p.problem)
			return
		}
		p.conflict = false
		p.fill(policyFormOf(v))
		p.info.Load(ctx, Call(api.TutorInfo, api.CoursePath{Course: p.id}))
		Toast(ctx, "good", cond(v.Enabled, "The settings are saved. Students can ask the tutor.", "The settings are saved. The tutor is off."))
	})
}

// overwrite saves what was typed over the newest version.
func (p *tutorPage) overwrite(ctx app.Context) {
	p.fetch(ctx, func(ctx app.Context, v lms.TutorPolicy) {
		p.form.Policy.Version = v.Version
		p.conflict = false
		p.save(ctx)
	})
}
