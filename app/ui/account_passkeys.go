package ui

import (
	"context"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// passkeys lists the passkeys and adds one.
func (c *twoStepCard) passkeys(v lms.TwoStep) app.UI {
	here := lms.PasskeyDomain(app.Window().URL().Hostname(), v.Domain)
	return app.Div().Class("stack").Body(app.H3().Text("Passkeys"),
		app.P().Text("A passkey signs you in without the password: your device asks for your fingerprint, face or PIN. After the password it is the second step."),
		app.If(len(v.Passkeys) > 0, func() app.UI {
			return RowsOf(v.Passkeys, func(k lms.Passkey) app.UI {
				meta := "Added " + FormatTime(k.CreatedAt) + cond(k.UsedAt.IsZero(), " · not used yet", " · last used "+FormatTime(k.UsedAt))
				return RowWith(Icon("key"), k.Name, meta+cond(k.Domain == here, "", " · works at "+k.Domain+" only"),
					Busy(Button("Remove", "", func(app.Context, app.Event) { c.remove = &k }, Each(k.ID)), c.busy).Aria("label", "Remove the passkey "+k.Name))
			})
		}),
		c.newPasskey())
}

// newPasskey is the button for another passkey, or its form, or why there is none.
func (c *twoStepCard) newPasskey() app.UI {
	if trouble := passkeyTrouble(); trouble != "" {
		return Notice("info", trouble)
	}
	if !c.naming {
		return app.Div().Class("actions").Body(Busy(Button("Add a passkey", "key", func(ctx app.Context, _ app.Event) {
			c.naming, c.name, c.problem = true, "", Problem{}
			Focus(ctx, "name")
		}), c.busy))
	}
	return app.Form().Class("stack", "narrow").OnSubmit(c.addPasskey).Body(
		Input(Field{ID: "name", Label: "Name of the passkey", Help: "Such as Work laptop, so that you know it again.", Optional: true, Value: c.name,
			Error: c.problem.For("name"), On: c.ValueTo(&c.name)}),
		app.Div().Class("actions").Body(
			Button("Cancel", "", func(app.Context, app.Event) { c.naming, c.problem = false, Problem{} }),
			Submit("Make the passkey", "Waiting for your device", c.busy)))
}

func (c *twoStepCard) addPasskey(_ app.Context, e app.Event) {
	e.PreventDefault()
	if c.busy {
		return
	}
	name := c.name
	ask(c, func(ctx context.Context) (v lms.TwoStep, err error) {
		asked, err := Call(api.BeginPasskey, api.NoInput{})(ctx)
		if err != nil {
			return v, err
		}
		made, err := unlockPasskey("create", asked.Options)
		if err != nil {
			return v, err
		}
		return Call(api.AddPasskey, api.PasskeyInput{Name: name, PasskeyAnswer: api.PasskeyAnswer{Token: asked.Token, Credential: made}})(ctx)
	}, func(ctx app.Context, v lms.TwoStep) {
		c.naming = false
		Toast(ctx, "good", "The passkey is added.")
		c.added(v)
	})
}

func (c *twoStepCard) removePasskey(app.Context) {
	in := api.PasskeyPath{Passkey: c.remove.ID}
	c.remove = nil
	ask(c, Call(api.RemovePasskey, in), func(ctx app.Context, v lms.TwoStep) { c.gone(ctx, v, "The passkey is removed.") })
}
