package ui

import (
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// gate is the frame of the pages that need no session. It is prerendered, so it must not hold anything of a user.
func gate(title, lead string, body ...app.UI) app.UI {
	if app.IsClient {
		app.Window().Get("document").Set("title", title+" · Trivium")
	}
	return app.Div().Class("gate").Body(
		app.Header().Class("gate-bar").Body(app.A().Class("brand").Href("/").Body(app.Span().Class("logo").Aria("hidden", true), text("Trivium"))),
		app.Main().Class("gate-main").ID("main").Body(
			app.Div().Class("gate-card").Body(
				app.Div().Class("gate-head").Body(
					app.H1().ID("page-title").TabIndex(-1).Text(title),
					app.If(lead != "", func() app.UI { return app.P().Class("muted").Text(lead) })),
				&nodeNotice{},
				noScripts(),
				app.Div().Class("stack").Body(body...),
			),
		),
		app.Footer().Class("gate-foot").Body(app.P().Text("Trivium keeps working when a machine dies: what it confirms is on a majority of the nodes.")),
	)
}

// noScripts leads people whose browser runs no scripts to the pages that need none (UI-3). The program itself never shows it.
func noScripts() app.UI {
	return app.If(app.IsServer, func() app.UI {
		return app.NoScript().Body(app.P().Class("notice", "tone-info").Body(app.Span().Body(
			text("Scripts are blocked in this browser. "), app.A().Href("/plain").Text("The plain pages"), text(" work without: courses, materials, handing in."))))
	})
}

// goOn leads to a page of the program, or to one of the plain pages, which the program does not have.
func goOn(ctx app.Context, next string) {
	if strings.HasPrefix(next, "/plain") {
		app.Window().Get("location").Call("assign", next)
		return
	}
	ctx.Navigate(next)
}

// backToSignIn leads out of a page that has no more to say.
func backToSignIn() app.UI {
	return app.P().Class("fine").Body(app.A().Href("/signin").Text("Back to signing in"))
}

// typed reads what was typed into a prerendered input before the program has loaded: go-app replaces the page, and the
// text would be lost. Call it in OnInit, while the old page is still there.
func typed(id string) string {
	if app.IsServer {
		return ""
	}
	if el := app.Window().GetElementByID(id); el.Truthy() {
		return el.Get("value").String()
	}
	return ""
}

// passwordField is a password with a button to see it.
func passwordField(f Field, shown *bool) app.UI {
	f.Type = "password"
	if *shown {
		f.Type = "text"
	}
	return app.Div().Class("password").Body(Input(f), app.If(app.IsClient, func() app.UI {
		b := app.Button().Type("button").Class("btn", "btn-quiet", "btn-icon", "password-eye").Aria("pressed", *shown).
			Aria("label", "Show the password").Title("Show the password").
			OnClick(func(app.Context, app.Event) { *shown = !*shown }, Each(f.ID))
		if *shown {
			return b.Body(Icon("eye-off"))
		}
		return b.Body(Icon("eye"))
	}))
}
