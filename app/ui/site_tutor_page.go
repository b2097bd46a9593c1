package ui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// siteTutorPage is where administrators set the language model up, watch it, and set the tutor's rules of the site.
type siteTutorPage struct {
	app.Compo
	session  lms.Session
	state    Remote[lms.ModelState]
	form     *modelForm // nil: not loaded yet
	conflict bool
	busy     bool
	problem  Problem
	confirm  bool // of a worse result
	steps    [2][]lms.ModelStep
	testing  [2]bool
}

// OnMount loads the page and keeps what is seen of the nodes fresh; the form keeps what was typed.
func (p *siteTutorPage) OnMount(ctx app.Context) {
	ctx.ObserveState(stateSession, &p.session)
	p.load(ctx)
	OnLive(ctx, 2*time.Second, func(ctx app.Context) {
		if !p.state.Loading() {
			p.load(ctx)
		}
	})
}

func (p *siteTutorPage) load(ctx app.Context) {
	p.state.Load(ctx, Call(api.GetTutorModel, api.NoInput{}), func(app.Context) {
		if p.form == nil {
			p.form = modelFormOf(p.state.Value)
		}
	})
}

// Render draws the page.
func (p *siteTutorPage) Render() app.UI {
	return &Shell{Title: "Tutor of the site", Lead: "The language model, and the rules that hold in every course.", Active: "tutor-settings",
		Content: app.Div().Class("stack").Body(p.state.View(8, p.load, p.view), &siteRulesCard{Admins: p.state.Value.Admins})}
}

func (p *siteTutorPage) view(s lms.ModelState) app.UI {
	if p.form == nil {
		return Skeleton(8)
	}
	return app.Div().Class("stack").Body(
		p.now(s),
		p.check(s),
		app.If(p.conflict, func() app.UI {
			return staleNotice(func(ctx app.Context, _ app.Event) {
				p.form.v.Version = s.Settings.Version
				p.save(ctx, p.form)
			}, func(ctx app.Context, _ app.Event) { p.take(modelFormOf(s)) })
		}),
		app.Form().Class("stack", "form").OnSubmit(func(ctx app.Context, e app.Event) { e.PreventDefault(); p.save(ctx, p.form) }).Body(
			p.problem.Alert(modelFields...),
			Card("Language model", nil, p.endpoint(s, 0)),
			Card("Second language model", nil, app.P().Class("muted").Text("Asked once when the first one does not answer."), p.endpoint(s, 1)),
			Card("Answers and limits", nil, app.Div().Class("grid-2").Body(app.Range(modelNumbers).Slice(func(i int) app.UI {
				n := modelNumbers[i]
				typed := p.form.typed[n.id]
				return Input(Field{ID: n.id, Label: n.label, Help: n.help, Value: *typed, InputMode: "decimal", Optional: n.optional, Error: p.problem.For(n.id), On: p.ValueTo(typed)})
			}), p.text("embedding", "Model for embeddings", "Of the first endpoint, for finding passages by meaning. Without one they are found by words.", &p.form.v.Embedding))),
			app.Div().Class("actions").Body(Submit("Save", "Saving", p.busy)),
		),
		Card("How it does", nil, app.Range(s.Nodes).Slice(func(i int) app.UI { return nodeHealth(s.Nodes[i]) })),
		app.If(p.confirm && s.Trial != nil, func() app.UI {
			return Confirm("accept", "Accept the worse result?", "Fewer cases passed than at the last accepted check. From then on this result is the measure, and a model that waits for it answers students.",
				"Accept", func(ctx app.Context) {
					p.confirm = false
					p.set(ctx, Call(api.AcceptTutorTrial, api.TrialPath{Trial: s.Trial.ID}), "The result is accepted.")
				}, func(app.Context) { p.confirm = false })
		}),
	)
}

// now says what answers, and what is used of the month.
func (p *siteTutorPage) now(s lms.ModelState) app.UI {
	cost, known := s.Settings.Cost(s.Used)
	used := fmt.Sprintf("%d tokens are used this month", s.Used)
	if limit := s.Settings.Cap(); limit > 0 {
		used += fmt.Sprintf(" of %d (%d %%)", limit, s.Used*100/limit)
	}
	used += ", cost " + cond(known, cost.String(), "unknown") + "."
	tone := cond(lms.CapNear(s.Used, s.Settings.Cap()), "warn", "info")
	switch {
	case s.Operator != nil:
		return Notice(tone, "Set by the operator of this node: "+s.Operator.Identity()+". Flags win here over this page, with their temperature, longest answer and context. "+used)
	case s.Settings.First.URL == "":
		return Notice(tone, "No language model is set up: the tutor quotes the best passages of the materials and calls nobody.")
	}
	return Notice(tone, s.Settings.First.Identity()+" answers. "+used)
}

// endpoint is the form of one endpoint.
func (p *siteTutorPage) endpoint(s lms.ModelState, i int) app.UI {
	e, prefix := p.form.endpoint(i)
	if i == 0 && s.Operator != nil {
		return app.P().Text("Set by the operator; it cannot be changed here.")
	}
	key := &p.form.keys[i]
	return app.Div().Class("stack").Body(
		p.text(prefix+"Url", "Address", "Of any OpenAI-compatible service, such as https://api.example.com/v1 or http://127.0.0.1:11434. Empty: none.", &e.URL),
		p.text(prefix+"Model", "Model", "As the service calls it.", &e.Model),
		Input(Field{ID: prefix + "Key", Label: "Key", Type: "password", Autocomplete: "off", Optional: true, Value: key.typed, Error: p.problem.For(prefix + "Key"), On: p.ValueTo(&key.typed),
			Help: cond(e.KeySet, "A key is set; empty keeps it. It is removed when the host of the address changes.", "No key is set. It is stored encrypted and never shown again.")}),
		app.If(e.KeySet, func() app.UI {
			return Checkbox(Field{ID: prefix + "NoKey", Label: "Remove the key", On: func(ctx app.Context, _ app.Event) { key.remove = Checked(ctx) }}, key.remove)
		}),
		app.Div().Class("grid-2").Body(
			p.text(prefix+"KeyHeader", "Header of the key", "Such as api-key. Empty: Authorization, as a bearer token.", &e.KeyHeader),
			p.text(prefix+"Query", "Parameters of the address", "Such as api-version=2024-06-01.", &e.Query)),
		app.Div().Class("actions").Body(Busy(Button(cond(p.testing[i], "Testing …", "Test it"), "check", func(ctx app.Context, _ app.Event) { p.test(ctx, i) }, Each(i)), p.testing[i])),
		app.Div().Role("status").Body(app.If(len(p.steps[i]) > 0, func() app.UI {
			return app.Ul().Class("rows").Body(app.Range(p.steps[i]).Slice(func(n int) app.UI {
				t := p.steps[i][n]
				return app.Li().Class("row").Body(app.Span().Class("row-text").Body(app.Strong().Text(t.Name), app.Span().Text(t.Text)),
					Badge(cond(t.OK, "Good", "Look here"), cond(t.OK, "good", "warn")))
			}))
		})),
	)
}

func (p *siteTutorPage) text(id, label, help string, to *string) app.UI {
	return Input(Field{ID: id, Label: label, Help: help, Optional: true, Value: *to, Error: p.problem.For(id), On: p.ValueTo(to)})
}

func (p *siteTutorPage) test(ctx app.Context, i int) {
	e, _ := p.form.endpoint(i)
	in := api.ModelTestInput{ModelEndpoint: *e, Key: p.form.keys[i].value(), Context: p.form.v.Context}
	if v, err := p.form.value(); err == nil {
		in.Context = v.Context
	}
	if err := in.Validate(); err != nil {
		Fail(ctx, err, &p.problem)
		return
	}
	p.testing[i], p.steps[i], p.problem = true, nil, Problem{}
	Async(ctx, Call(api.TestTutorModel, in), func(ctx app.Context, v api.ModelTest, err error) {
		p.testing[i], p.steps[i] = false, v.Steps
		if err != nil {
			Fail(ctx, err, &p.problem)
		}
	})
}

func (p *siteTutorPage) save(ctx app.Context, f *modelForm) {
	v, err := f.value()
	in := api.ModelInput{ModelSettings: v, FirstKey: f.keys[0].value(), SecondKey: f.keys[1].value()}
	if err == nil {
		err = in.Validate()
	}
	if p.busy || err != nil {
		Fail(ctx, err, &p.problem)
		return
	}
	p.set(ctx, Call(api.UpdateTutorModel, in), "The settings are saved. They are in force on every node in a moment.")
}

// set makes a write that answers with the new state.
func (p *siteTutorPage) set(ctx app.Context, work work[lms.ModelState], done string) {
	p.busy, p.problem = true, Problem{}
	Async(ctx, work, func(ctx app.Context, s lms.ModelState, err error) {
		p.busy = false
		switch {
		case err == lms.ErrStale || lms.KindOf(err) == lms.KindConflict && ProblemOf(err).Message == lms.ErrStale.Message:
			p.conflict = true
			p.load(ctx)
		case err != nil:
			Fail(ctx, err, &p.problem)
			ToastError(ctx, err)
		default:
			p.state.Set(s)
			p.take(modelFormOf(s))
			Toast(ctx, "good", done)
		}
	})
}

// take shows other values; the inputs keep what was typed until they are told. The form stays where it is: its inputs write there.
func (p *siteTutorPage) take(f *modelForm) {
	p.form.v, p.form.keys, p.conflict, p.problem = f.v, f.keys, false, Problem{}
	for id, v := range f.typed {
		*p.form.typed[id] = *v
	}
	for i := range 2 {
		e, prefix := f.endpoint(i)
		for id, v := range map[string]string{"Url": e.URL, "Model": e.Model, "Key": "", "KeyHeader": e.KeyHeader, "Query": e.Query} {
			SetValue(prefix+id, v)
		}
	}
	for id, v := range f.typed {
		SetValue(id, *v)
	}
	SetValue("embedding", f.v.Embedding)
}

// check is the regression and misuse set: the change that waits for it, and its last result (TUTOR-39).
func (p *siteTutorPage) check(s lms.ModelState) app.UI {
	if s.Settings.First.URL == "" && s.Waiting == nil || s.Operator != nil {
		return app.Div()
	}
	t := s.Trial
	running := t != nil && t.State == lms.TrialRunning && !t.Stale(Now())
	worse := t != nil && t.State == lms.TrialDone && t.AcceptedAt.IsZero() && s.Accepted != nil
	return Card("Check of the model", nil, app.Div().Class("stack").Body(
		app.P().Class("muted").Text("Asks the model questions of a course and of people who want to misuse it, and looks at the answers. Once a result is accepted, another model must not do worse before it answers students."),
		app.If(s.Waiting != nil, func() app.UI {
			return Notice("warn", s.Waiting.Identity()+" waits for its check. Until it is accepted, "+cond(s.Settings.First.URL == "", "the tutor quotes passages.", s.Settings.First.Identity()+" answers."))
		}),
		app.If(t != nil, func() app.UI { return trialView(*t, running) }),
		app.If(s.Accepted != nil && s.Accepted.Prompt != s.Prompt && !running, func() app.UI {
			return Notice("info", "The prompts have changed since the last accepted check. Run it again.")
		}),
		app.Div().Class("actions").Body(
			Busy(Button("Run the check", "check-circle", func(ctx app.Context, _ app.Event) {
				p.set(ctx, Call(api.StartTutorTrial, api.TrialInput{ID: lms.NewID()}), "The check has begun. It takes a few minutes.")
			}), running || p.busy),
			app.If(worse, func() app.UI {
				return Button("Accept the worse result", "", func(app.Context, app.Event) { p.confirm = true })
			}),
			app.If(s.Waiting != nil && !running, func() app.UI {
				return Quiet("Withdraw the change", "x", func(ctx app.Context, _ app.Event) {
					s.Waiting = nil
					p.save(ctx, modelFormOf(s))
				})
			}),
		)))
}

func trialView(t lms.ModelTrial, running bool) app.UI {
	head := fmt.Sprintf("%s: %d of %d passed, %s.", t.Model, t.Passed, t.Total, Relative(t.UpdatedAt))
	switch {
	case running:
		return Progress("Case "+itoa(t.Done)+" of "+itoa(t.Total), int64(t.Done), int64(t.Total))
	case t.State != lms.TrialDone:
		return Notice("bad", "The last check broke off. "+cond(t.Error != "", t.Error, "The node that ran it has ended."))
	case !t.AcceptedAt.IsZero():
		head += " Accepted" + cond(t.AcceptedBy != "", " by "+t.AcceptedBy, "") + "."
	}
	return app.Div().Class("stack").Body(app.P().Text(head), app.If(len(t.Failed) > 0, func() app.UI {
		return app.Ul().Body(app.Range(t.Failed).Slice(func(i int) app.UI {
			return app.Li().Text("Not passed: " + t.Failed[i].Name + ". " + t.Failed[i].Why)
		}))
	}))
}

// nodeHealth is how the model does on one node (TUTOR-24).
func nodeHealth(h lms.ModelHealth) app.UI {
	label, tone := "Good", "good"
	switch {
	case h.Silent:
		label, tone = "No answer", "bad"
	case h.Fault != "" || h.Open:
		label, tone = cond(h.Open, "Left alone for a moment", "At fault"), "bad"
	case h.Host == "":
		label, tone = "No model", "info"
	}
	return app.Div().Class("stack").Body(
		app.P().Body(app.Strong().Text("Node "+h.Node+" "), Badge(label, tone),
			text(fmt.Sprintf(" %d of %d calls run, %d in line.", h.Running, h.Limit, h.Waiting))),
		app.If(h.Fault != "", func() app.UI { return app.P().Text(h.Fault) }),
		app.If(len(h.Failures) > 0, func() app.UI {
			return app.Ul().Class("fine").Body(app.Range(h.Failures).Slice(func(i int) app.UI {
				return app.Li().Text(FormatTime(h.Failures[i].At) + ": " + h.Failures[i].Why)
			}))
		}),
	)
}

// modelForm is the settings in the form in which they are typed.
type modelForm struct {
	v     lms.ModelSettings
	keys  [2]typedKey
	typed map[string]*string // numbers by the id of their field
}

type typedKey struct {
	typed  string
	remove bool
}

// value is nil as long as the stored key stays.
func (k typedKey) value() *string {
	if k.typed == "" && !k.remove {
		return nil
	}
	return &k.typed
}

func modelFormOf(s lms.ModelState) *modelForm {
	f := &modelForm{v: s.Settings, typed: map[string]*string{}}
	if s.Waiting != nil {
		f.v.First, f.v.Second = s.Waiting.First, s.Waiting.Second
	}
	for _, n := range modelNumbers {
		v := n.get(f.v)
		f.typed[n.id] = &v
	}
	return f
}

func (f *modelForm) endpoint(i int) (*lms.ModelEndpoint, string) {
	if i == 0 {
		return &f.v.First, "first"
	}
	return &f.v.Second, "second"
}

// value reads what was typed. A refusal names the field.
func (f *modelForm) value() (lms.ModelSettings, error) {
	v := f.v
	for _, n := range modelNumbers {
		if err := n.put(&v, strings.TrimSpace(*f.typed[n.id])); err != nil {
			return v, lms.FieldErrorf(lms.KindRule, n.id, "Write a number, such as %s.", n.get(lms.DefaultModelSettings()))
		}
	}
	return v, nil
}

// modelNumber is a number of the settings.
type modelNumber struct {
	id, label, help string
	optional        bool
	get             func(lms.ModelSettings) string
	put             func(*lms.ModelSettings, string) error
}

func wholeNumber(id, label, help string, at func(*lms.ModelSettings) *int) modelNumber {
	return modelNumber{id: id, label: label, help: help, get: func(v lms.ModelSettings) string { return itoa(*at(&v)) },
		put: func(v *lms.ModelSettings, s string) (err error) { *at(v), err = strconv.Atoi(s); return err }}
}

var modelNumbers = []modelNumber{
	{id: "temperature", label: "Temperature", help: "How freely the model writes, 0 to 2.",
		get: func(v lms.ModelSettings) string { return strconv.FormatFloat(v.Temperature, 'f', -1, 64) },
		put: func(v *lms.ModelSettings, s string) (err error) {
			v.Temperature, err = strconv.ParseFloat(strings.Replace(s, ",", ".", 1), 64)
			return err
		}},
	wholeNumber("maxTokens", "Longest answer, in tokens", "", func(v *lms.ModelSettings) *int { return &v.MaxTokens }),
	wholeNumber("context", "Context, in tokens", "What the model reads at once. Ollama's own default is small: set both alike.", func(v *lms.ModelSettings) *int { return &v.Context }),
	wholeNumber("calls", "Calls at the same time", "On each node; others wait in line.", func(v *lms.ModelSettings) *int { return &v.Calls }),
	wholeNumber("firstToken", "Wait for the first word, in seconds", "0: 10, or 60 for a model on your computers.", func(v *lms.ModelSettings) *int { return &v.FirstToken }),
	wholeNumber("idle", "Longest silence, in seconds", "", func(v *lms.ModelSettings) *int { return &v.Idle }),
	wholeNumber("total", "Time of an answer, in seconds", "", func(v *lms.ModelSettings) *int { return &v.Total }),
	{id: "monthlyCap", label: "Tokens of the site in a month", help: "0 means no cap. Administrators are told at 80 %.",
		get: func(v lms.ModelSettings) string { return strconv.FormatInt(v.MonthlyCap, 10) },
		put: func(v *lms.ModelSettings, s string) (err error) {
			v.MonthlyCap, err = strconv.ParseInt(s, 10, 64)
			return err
		}},
	{id: "price", label: "Price of a million tokens", help: "In your currency, the higher one if there are two. Empty: unknown.", optional: true,
		get: func(v lms.ModelSettings) string {
			if v.Price == nil {
				return ""
			}
			return v.Price.String()
		},
		put: func(v *lms.ModelSettings, s string) error {
			v.Price = nil
			if s == "" {
				return nil
			}
			price, err := lms.ParsePoints(s)
			v.Price = &price
			return err
		}},
	{id: "moneyCap", label: "Cost of the site in a month", help: "0 means no cap. It needs the price.",
		get: func(v lms.ModelSettings) string { return v.MoneyCap.String() },
		put: func(v *lms.ModelSettings, s string) (err error) { v.MoneyCap, err = lms.ParsePoints(s); return err }},
}

// modelFields are the fields of the form that show a refusal beside themselves.
var modelFields = []string{"firstUrl", "firstModel", "firstKey", "firstKeyHeader", "firstQuery", "secondUrl", "secondModel", "secondKey", "secondKeyHeader", "secondQuery",
	"temperature", "maxTokens", "context", "calls", "firstToken", "idle", "total", "monthlyCap", "price", "moneyCap", "embedding"}
