package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// resetPage chooses a new password with the link that an administrator, or a mail, has brought.
type resetPage struct {
	app.Compo
	in          api.ResetInput
	preview     Remote[lms.ResetPreview]
	shown, busy bool
	done        bool
	problem     Problem
}

// OnNav takes the secret out of the address: behind #, where no server sees it.
func (p *resetPage) OnNav(ctx app.Context) {
	if app.IsServer {
		ctx.Page().SetTitle("Choose a new password · Trivium")
		return
	}
	onScreen = nil
	p.in.Token = ctx.Page().URL().Fragment
	p.load(ctx)
}

func (p *resetPage) load(ctx app.Context) {
	p.preview.Load(ctx, Call(api.PreviewReset, api.ResetTokenInput{Token: p.in.Token}))
}

// Render draws the form.
func (p *resetPage) Render() app.UI {
	if p.done {
		return gate("Your password is changed", "", Notice("good", "You were signed out everywhere. Sign in with the new password."),
			PrimaryLink("Sign in", "", "/signin"))
	}
	return gate("Choose a new password", "", p.preview.View(2, p.load, func(v lms.ResetPreview) app.UI {
		return app.Form().Class("stack").OnSubmit(p.submit).Body(
			Notice("info", "Hello "+v.Name+". Your user name is "+v.Login+"."),
			p.problem.Alert("password"),
			app.Input().Type("hidden").Name("username").Attr("autocomplete", "username").Value(v.Login),
			passwordField(Field{ID: "password", Label: "New password", Help: passwordHelp, Autocomplete: "new-password",
				Value: p.in.Password, Error: p.problem.For("password"), On: p.ValueTo(&p.in.Password)}, &p.shown),
			Submit("Save the password", "Saving", p.busy))
	}), backToSignIn())
}

func (p *resetPage) submit(ctx app.Context, e app.Event) {
	SendForm(ctx, e, &p.busy, &p.problem, api.ResetPassword, p.in, func(ctx app.Context, _ api.Empty) {
		p.done, p.in = true, api.ResetInput{}
		setSession(ctx, lms.Session{})
		Focus(ctx, "page-title")
	})
}

const passwordHelp = "At least 8 characters. A few unrelated words are a good choice."

// forgotPage helps somebody who has forgotten the password: with a mail, or by saying whom to ask.
type forgotPage struct {
	app.Compo
	who     string
	door    Remote[lms.Door]
	busy    bool
	sent    bool
	problem Problem
}

// OnNav asks what the site can do.
func (p *forgotPage) OnNav(ctx app.Context) {
	if app.IsServer {
		ctx.Page().SetTitle("Forgotten password · Trivium")
		return
	}
	onScreen = nil
	p.load(ctx)
}

func (p *forgotPage) load(ctx app.Context) { p.door.Load(ctx, Call(api.GetDoor, api.NoInput{})) }

// Render draws the page.
func (p *forgotPage) Render() app.UI {
	return gate("Forgotten your password?", "", p.door.View(2, p.load, func(d lms.Door) app.UI {
		switch {
		case !d.Mail:
			return Notice("info", "This site sends no mail. Ask an administrator of Trivium, at a school its office, for a link to choose a new password. Your work is kept.")
		case p.sent:
			return Notice("good", "If there is an account with this name or address, and it has a mail address, a link is on its way. It is good for an hour. If nothing comes, look among the unwanted mail, or ask an administrator.")
		}
		return app.Form().Class("stack").OnSubmit(p.submit).Body(
			p.problem.Alert("who"),
			Input(Field{ID: "who", Label: "User name or mail address", Autocomplete: "username", Value: p.who, Error: p.problem.For("who"), On: p.ValueTo(&p.who)}),
			Submit("Send me a link", "Sending", p.busy))
	}), backToSignIn())
}

func (p *forgotPage) submit(ctx app.Context, e app.Event) {
	SendForm(ctx, e, &p.busy, &p.problem, api.AskReset, api.AskResetInput{Who: p.who}, func(app.Context, api.Empty) { p.sent = true })
}
