package ui

import "github.com/maxence-charriere/go-app/v10/pkg/app"

// Icon is a decorative icon of assets/web/icons.css. The names are those of build/icons.
func Icon(name string) app.UI {
	return app.Span().Class("i", "i-"+name).Aria("hidden", true)
}

// Spinner turns while something is on its way. It is decorative: say in words what is awaited.
func Spinner() app.UI { return app.Span().Class("spinner").Aria("hidden", true) }

// iconIf returns the icon, or nothing for an empty name.
func iconIf(name string) app.UI {
	return app.If(name != "", func() app.UI { return Icon(name) })
}

// text wraps s in an inline element, so that a label has a place of its own in the layout.
func text(s string) app.UI { return app.Span().Text(s) }
