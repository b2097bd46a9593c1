package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// SetupPage claims the first administrator. The token stands behind # in the link, so that it reaches no log.
type SetupPage struct {
	app.Compo
	in          api.SetupInput
	given       bool // the link carried the token
	late        bool // the site has an administrator
	shown, busy bool
	problem     Problem
}

// OnInit keeps what was typed into the prerendered form.
func (p *SetupPage) OnInit() {
	p.in.Name, p.in.Login, p.in.Password = typed("name"), typed("login"), typed("password")
}

// OnNav takes the token out of the address.
func (p *SetupPage) OnNav(ctx app.Context) {
	if app.IsServer {
		ctx.Page().SetTitle("Set up · Trivium")
		return
	}
	onScreen = nil
	if token := ctx.Page().URL().Fragment; token != "" && token != "main" {
		p.in.Token, p.given = token, true
	}
	Async(ctx, Call(api.GetDoor, api.NoInput{}), func(_ app.Context, d lms.Door, err error) { p.late = err == nil && !d.Setup })
}

// Render draws the form.
func (p *SetupPage) Render() app.UI {
	if p.late {
		return gate("Already set up", "", Notice("info", "This site has an administrator, and setup links work no more. Who needs an account gets it from there."), backToSignIn())
	}
	return gate("Welcome to Trivium", "You are the first here. Make the administrator's account; the link works once.",
		p.problem.Alert("login", "name", "password"),
		app.Form().Class("stack").OnSubmit(p.submit).Body(
			app.If(!p.given, func() app.UI {
				return Input(Field{ID: "token", Label: "Setup token", Help: "The first node printed it at the end of a link when it started.",
					Value: p.in.Token, Error: p.problem.For("token"), On: p.ValueTo(&p.in.Token)})
			}),
			Input(Field{ID: "name", Label: "Your name", Help: "As others will see it.", Autocomplete: "name", Value: p.in.Name,
				Error: p.problem.For("name"), On: p.ValueTo(&p.in.Name)}),
			Input(Field{ID: "login", Label: "User name", Help: "To sign in with, for example ada.", Autocomplete: "username", Value: p.in.Login,
				Error: p.problem.For("login"), On: p.ValueTo(&p.in.Login)}),
			passwordField(Field{ID: "password", Label: "Password", Help: passwordHelp,
				Autocomplete: "new-password", Value: p.in.Password, Error: p.problem.For("password"), On: p.ValueTo(&p.in.Password)}, &p.shown),
			Submit("Create the administrator", "Creating", p.busy),
		),
	)
}

func (p *SetupPage) submit(ctx app.Context, e app.Event) {
	SendForm(ctx, e, &p.busy, &p.problem, api.Setup, p.in, func(ctx app.Context, s lms.Session) {
		setSession(ctx, s)
		ctx.Navigate("/")
	})
}
