package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// reauthDialog asks for the password again above the page that is open, so that nothing typed there is lost.
type reauthDialog struct {
	app.Compo
	password string
	second   secondStep
	busy     bool
	problem  Problem
}

// OnMount opens the dialog.
func (d *reauthDialog) OnMount(app.Context) {
	if el := app.Window().GetElementByID("reauth"); el.Truthy() && !el.Get("open").Bool() {
		el.Call("showModal")
	}
}

// Render draws the dialog.
func (d *reauthDialog) Render() app.UI {
	return app.Elem("dialog").ID("reauth").Class("dialog").Aria("labelledby", "reauth-title").
		On("cancel", func(_ app.Context, e app.Event) { e.PreventDefault() }).
		Body(
			app.Div().Class("dialog-head").Body(app.H2().ID("reauth-title").Text("Please sign in again")),
			app.Form().Class("dialog-body", "stack").OnSubmit(d.submit).Body(
				app.P().Text("Your session has ended. Everything on this page is kept; sign in as "+Me().Name+" and go on."),
				d.problem.Alert("password", "code"),
				app.Input().Type("hidden").Name("username").Attr("autocomplete", "username").Value(Me().Login),
				Input(Field{ID: "reauth-password", Label: "Password", Type: "password", Autocomplete: "current-password",
					Value: d.password, Error: d.problem.For("password"), On: d.ValueTo(&d.password)}),
				d.second.field("reauth-code", d.problem, d.ValueTo(&d.second.code)),
				app.Div().Class("actions", "actions-end").Body(
					app.A().Class("btn", "btn-quiet").Href("/signin").Text("Sign in as somebody else"),
					app.If(d.second.ask == "" && passkeyTrouble() == "", func() app.UI {
						return Busy(Button("Use a passkey", "key", d.withPasskey), d.busy)
					}),
					d.second.submit(d.busy)),
			),
		)
}

func (d *reauthDialog) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if d.busy {
		return
	}
	d.signIn(ctx, d.second.signIn(Me().Login, d.password), func(ctx app.Context) { d.second.refused(ctx, "reauth-code", &d.problem) })
}

func (d *reauthDialog) withPasskey(ctx app.Context, _ app.Event) {
	d.signIn(ctx, withPasskey(api.SignInInput{Login: Me().Login}), func(app.Context) {})
}

func (d *reauthDialog) signIn(ctx app.Context, call work[lms.Session], refused func(app.Context)) {
	d.busy, d.problem = true, Problem{}
	Async(ctx, call, func(ctx app.Context, s lms.Session, err error) {
		d.busy = false
		if err != nil {
			d.problem = ProblemOf(err)
			refused(ctx)
			return
		}
		setSession(ctx, s)
		Toast(ctx, "good", "You are signed in again. Repeat what you did last.")
	})
}
