package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// stateConfirm (bool): an administrative action waits for the password.
const stateConfirm = "confirm"

// unconfirmed is the work that waits for the password. Only the UI goroutine touches it.
var unconfirmed []struct{ again, refused func() }

// askConfirm asks for the password above what is open. Then the work is done again, without another click; if the person
// declines, the page hears of the refusal, and keeps what was typed.
func askConfirm(ctx app.Context, again, refused func()) {
	unconfirmed = append(unconfirmed, struct{ again, refused func() }{again, refused})
	ctx.SetState(stateConfirm, true)
}

// confirmDialog asks for the password of who is signed in.
type confirmDialog struct {
	app.Compo
	password string
	busy     bool
	problem  Problem
}

// Render draws the dialog.
func (d *confirmDialog) Render() app.UI {
	return NewDialog("confirm-password", "Your password, please", d.decline,
		app.Form().Class("stack").OnSubmit(d.submit).Body(
			app.P().Text("Trivium makes sure that it is you who does this. It asks again only after ten minutes."),
			d.problem.Alert("password"),
			app.Input().Type("hidden").Name("username").Attr("autocomplete", "username").Value(Me().Login),
			Input(Field{ID: "confirm-password-field", Label: "Password of " + Me().Login, Type: "password", Autocomplete: "current-password",
				Value: d.password, Error: d.problem.For("password"), On: d.ValueTo(&d.password)}),
			app.Div().Class("actions", "actions-end").Body(
				Button("Cancel", "", func(ctx app.Context, _ app.Event) { d.decline(ctx) }),
				Submit("Go on", "Checking", d.busy)),
		))
}

// finish closes the dialog and tells the work that waited.
func (d *confirmDialog) finish(ctx app.Context, confirmed bool) {
	waiting := unconfirmed
	unconfirmed = nil
	ctx.SetState(stateConfirm, false)
	for _, w := range waiting {
		if confirmed {
			w.again()
		} else {
			w.refused()
		}
	}
}

func (d *confirmDialog) decline(ctx app.Context) { d.finish(ctx, false) }

func (d *confirmDialog) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if d.busy {
		return
	}
	in := api.ConfirmInput{Password: d.password}
	if err := in.Validate(); err != nil {
		d.problem = ProblemOf(err)
		return
	}
	d.busy, d.problem = true, Problem{}
	Async(ctx, Call(api.ConfirmSession, in), func(ctx app.Context, _ api.Empty, err error) {
		d.busy = false
		if err != nil {
			d.problem = ProblemOf(err)
			if lms.KindOf(err) == lms.KindRule {
				d.password = ""
				SetValue("confirm-password-field", "")
				Focus(ctx, "confirm-password-field")
			}
			return
		}
		d.finish(ctx, true)
	})
}
