package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// AccountPage shows the own account and changes its password.
type AccountPage struct {
	app.Compo
	session     lms.Session
	in          api.PasswordInput
	shown, busy bool
	problem     Problem
}

// OnMount listens for the session.
func (p *AccountPage) OnMount(ctx app.Context) { ctx.ObserveState(stateSession, &p.session) }

// Render draws the page.
func (p *AccountPage) Render() app.UI {
	me := Me()
	role := "Member"
	switch {
	case me.Admin:
		role = "Administrator"
	case me.MayCreateCourses:
		role = "May create courses"
	}
	return &Shell{Title: "Account", Active: "account", Content: app.Div().Class("stack", "stack-wide").Body(
		Card("You", nil, app.If(me.ID == "", func() app.UI { return Skeleton(2) }).Else(func() app.UI {
			return Facts(
				Fact{"Name", app.Span().Class("row-flex").Body(Avatar(me.Name), text(me.Name))},
				Fact{"User name", text(me.Login)},
				Fact{"Rights", text(role)},
				Fact{"Time zone", text(Zone() + ", from this browser")},
				Fact{"Session", app.Span().Body(app.Text("ends "), TimeView(p.session.ExpiresAt))},
			)
		})),
		Card("Change the password", nil,
			app.Form().Class("stack", "narrow").OnSubmit(p.submit).Body(
				app.P().Class("muted").Text("Other devices are signed out; this one stays signed in."),
				p.problem.Alert("old", "new"),
				app.Input().Type("text").Class("sr-only").Name("username").Attr("autocomplete", "username").Value(me.Login).ReadOnly(true).TabIndex(-1).Aria("hidden", true),
				Input(Field{ID: "old", Label: "Present password", Type: "password", Autocomplete: "current-password", Value: p.in.Old,
					Error: p.problem.For("old"), On: p.ValueTo(&p.in.Old)}),
				passwordField(Field{ID: "new", Label: "New password", Help: passwordHelp,
					Autocomplete: "new-password", Value: p.in.New, Error: p.problem.For("new"), On: p.ValueTo(&p.in.New)}, &p.shown),
				app.Div().Class("actions").Body(Submit("Change the password", "Changing", p.busy)),
			)),
		&twoStepCard{},
		&sessionsCard{},
	)}
}

func (p *AccountPage) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if p.busy {
		return
	}
	p.problem = Problem{}
	if err := lms.CheckPassword(Me().Login, p.in.New); err != nil {
		p.problem = ProblemOf(err)
		p.problem.Field = "new"
		Focus(ctx, "new")
		return
	}
	p.busy = true
	Async(ctx, Call(api.ChangePassword, p.in), func(ctx app.Context, _ api.Empty, err error) {
		p.busy = false
		if err != nil {
			Fail(ctx, err, &p.problem)
			if p.problem.Field == "password" {
				p.problem.Field = "new"
			}
			return
		}
		p.in = api.PasswordInput{}
		SetValue("old", "")
		SetValue("new", "")
		Toast(ctx, "good", "Your password is changed.")
	})
}
