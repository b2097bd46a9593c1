package ui

import (
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// twoStepCard sets up what is asked for after the password, or instead of it.
type twoStepCard struct {
	app.Compo
	state   Remote[lms.TwoStep]
	setup   *lms.TwoStepSetup // of the app, under way
	codes   []string          // new recovery codes, shown this once
	code    string
	off     bool         // the question about the app is open
	naming  bool         // the form for a new passkey is open
	name    string       // of it
	remove  *lms.Passkey // the question about it is open
	busy    bool
	problem Problem
	ctx     app.Context // of the card: the buttons that begin a call are gone when its answer comes
}

// OnMount loads how the user signs in.
func (c *twoStepCard) OnMount(ctx app.Context) {
	c.ctx = ctx
	c.load(ctx)
}

func (c *twoStepCard) load(ctx app.Context) { c.state.Load(ctx, Call(api.GetTwoStep, api.NoInput{})) }

// Render draws the card.
func (c *twoStepCard) Render() app.UI {
	return Card("Two-step sign-in and passkeys", nil, c.state.View(2, c.load, func(v lms.TwoStep) app.UI {
		if c.setup != nil {
			return c.setUp()
		}
		return app.Div().Class("stack", "stack-wide").Body(
			app.Div().Class("stack").Body(
				app.If(v.Required && !v.Second(), func() app.UI {
					return Notice("warn", "This site wants staff to sign in in two steps. Set up an authenticator app or a passkey now; until then you can do nothing else.")
				}),
				c.problem.Alert("name"),
				c.recovery(),
				app.P().Text("With a second step, whoever learns your password alone cannot sign in.")),
			c.authenticator(v),
			c.passkeys(v),
			app.If(v.Second(), func() app.UI {
				return app.Div().Class("stack").Body(app.H3().Text("Recovery codes"),
					app.P().Text("For when neither is at hand: "+plural(v.Codes, "code")+" left."),
					app.Div().Class("actions").Body(Busy(Button("New recovery codes", "refresh-cw", func(app.Context, app.Event) { c.makeCodes() }), c.busy)))
			}))
	}), c.questions())
}

// authenticator is the app that shows codes.
func (c *twoStepCard) authenticator(v lms.TwoStep) app.UI {
	body := app.Div().Class("stack")
	head := app.H3().Text("Authenticator app")
	if !v.On {
		return body.Body(head, app.P().Text("After the password, Trivium asks for a code that an app on your phone shows."),
			app.Div().Class("actions").Body(Busy(Button("Set up an authenticator app", "shield", c.begin), c.busy)))
	}
	return body.Body(head, app.P().Body(app.Text("On since "), TimeView(v.Since), app.Text(".")),
		app.Div().Class("actions").Body(Busy(Button("Turn off", "", func(app.Context, app.Event) { c.off = true }), c.busy)))
}

// questions ask before something is taken away.
func (c *twoStepCard) questions() app.UI {
	const last = " From then on your password alone is enough to sign in, and your recovery codes end."
	v := c.state.Value
	return app.If(c.off, func() app.UI {
		return Confirm("twostep-off", "Turn the authenticator app off?", "Trivium asks for no codes any more."+cond(len(v.Passkeys) > 0, "", last), "Turn off", c.end,
			func(app.Context) { c.off = false })
	}).ElseIf(c.remove != nil, func() app.UI {
		return Confirm("passkey-remove", "Remove the passkey "+c.remove.Name+"?", "Nobody can sign in with it any more. Delete it on your device as well."+
			cond(len(v.Passkeys) > 1 || v.On, "", last), "Remove", c.removePasskey, func(app.Context) { c.remove = nil })
	})
}

// setUp shows the picture for the app and asks for its first code.
func (c *twoStepCard) setUp() app.UI {
	return app.Form().Class("stack", "narrow").OnSubmit(c.confirm).Body(
		app.P().Text("1. Scan this with an authenticator app, such as the one that comes with your phone's password manager."),
		app.Img().Class("qr").Src(c.setup.QR).Alt("QR code for the authenticator app; the key below is the same"),
		Facts(Fact{"Or type this key", app.Elem("code").Class("breakable").Text(c.setup.Secret)}),
		c.problem.Alert("code"),
		Input(Field{ID: "code", Label: "2. The six digits that the app shows now", Autocomplete: "one-time-code", InputMode: "numeric", Value: c.code,
			Error: c.problem.For("code"), On: c.ValueTo(&c.code)}),
		app.Div().Class("actions").Body(Button("Cancel", "", func(app.Context, app.Event) { c.setup, c.problem = nil, Problem{} }), Submit("Turn on", "Checking", c.busy)))
}

// recovery shows new codes.
func (c *twoStepCard) recovery() app.UI {
	return app.If(len(c.codes) > 0, func() app.UI {
		all := strings.Join(c.codes, "\n")
		return Notice("good", "Keep these recovery codes where you find them without your phone. Each is good for one sign-in. They are shown only now.",
			app.Elem("pre").Class("codes").TabIndex(0).Aria("label", "Recovery codes").Text(all),
			app.Div().Class("actions").Body(
				Button("Copy", "copy", func(ctx app.Context, _ app.Event) { copyText(ctx, all, "The recovery codes are copied.") }),
				Button("Save as a file", "download", func(app.Context, app.Event) { saveBytes("recovery-codes.txt", "text/plain", []byte(all+"\n")) })))
	})
}

// ask runs a call whose refusal the card shows.
func ask[T any](c *twoStepCard, call work[T], done func(app.Context, T)) {
	c.busy, c.problem = true, Problem{}
	Async(c.ctx, call, func(ctx app.Context, v T, err error) {
		c.busy = false
		if err != nil {
			Fail(ctx, err, &c.problem)
			return
		}
		done(ctx, v)
	})
}

func (c *twoStepCard) begin(app.Context, app.Event) {
	ask(c, Call(api.BeginTwoStep, api.NoInput{}), func(ctx app.Context, v lms.TwoStepSetup) {
		c.setup, c.code = &v, ""
		Focus(ctx, "code")
	})
}

func (c *twoStepCard) confirm(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if c.busy {
		return
	}
	in := api.CodeOfApp{Code: c.code}
	if err := in.Validate(); err != nil {
		Fail(ctx, err, &c.problem)
		return
	}
	ask(c, Call(api.ConfirmTwoStep, in), func(_ app.Context, v lms.TwoStep) {
		c.setup = nil
		c.added(v)
	})
}

// added shows a new second step. With the first one recovery codes are made.
func (c *twoStepCard) added(v lms.TwoStep) {
	c.state.Set(v)
	if v.Codes == 0 {
		c.makeCodes()
	}
}

func (c *twoStepCard) makeCodes() {
	ask(c, Call(api.MakeRecoveryCodes, api.NoInput{}), func(ctx app.Context, v lms.RecoveryCodes) {
		c.codes = v.Codes
		c.load(ctx)
		if known.MustEnrol {
			RefreshSession(ctx, startLive)
		}
	})
}

func (c *twoStepCard) end(app.Context) {
	c.off = false
	ask(c, Call(api.EndTwoStep, api.NoInput{}), func(ctx app.Context, v lms.TwoStep) { c.gone(ctx, v, "The authenticator app is off.") })
}

// gone shows that a second step was taken away.
func (c *twoStepCard) gone(ctx app.Context, v lms.TwoStep, said string) {
	c.state.Set(v)
	Toast(ctx, "good", said)
	if v.Second() {
		return
	}
	c.codes = nil
	if v.Required {
		RefreshSession(ctx, nil)
	}
}
