package ui

import "github.com/maxence-charriere/go-app/v10/pkg/app"

// Button is an ordinary button. The icon may be empty.
func Button(label, icon string, on app.EventHandler, opts ...app.EventOption) app.HTMLButton {
	return app.Button().Type("button").Class("btn").OnClick(on, opts...).Body(iconIf(icon), text(label))
}

// Primary is the one main action of a view.
func Primary(label, icon string, on app.EventHandler, opts ...app.EventOption) app.HTMLButton {
	return Button(label, icon, on, opts...).Class("btn-primary")
}

// Danger is an action that takes something away.
func Danger(label, icon string, on app.EventHandler, opts ...app.EventOption) app.HTMLButton {
	return Button(label, icon, on, opts...).Class("btn-danger")
}

// Quiet is a minor action without a border.
func Quiet(label, icon string, on app.EventHandler, opts ...app.EventOption) app.HTMLButton {
	return Button(label, icon, on, opts...).Class("btn-quiet")
}

// IconButton shows only an icon; the label is for screen readers and the tooltip.
func IconButton(label, icon string, on app.EventHandler, opts ...app.EventOption) app.HTMLButton {
	return app.Button().Type("button").Class("btn", "btn-quiet", "btn-icon").Title(label).Aria("label", label).OnClick(on, opts...).Body(Icon(icon))
}

// Submit is the main button of a form. While busy it says what it is doing and does not take another click.
func Submit(label, busyLabel string, busy bool) app.HTMLButton {
	b := app.Button().Type("submit").Class("btn", "btn-primary")
	if busy {
		return b.Disabled(true).Body(Spinner(), text(busyLabel))
	}
	return b.Body(text(label))
}

// LinkButton is a link that looks like a button.
func LinkButton(label, icon, href string) app.HTMLA {
	return app.A().Class("btn").Href(href).Body(iconIf(icon), text(label))
}

// PrimaryLink is a link that looks like a main button.
func PrimaryLink(label, icon, href string) app.HTMLA {
	return LinkButton(label, icon, href).Class("btn-primary")
}

// Each marks the handler of an element in a list: go-app compares handlers by their code alone, so that without it a row
// would run the handler of another one after the list has changed. Button("Remove", "", h, Each(id)).
func Each(id ...any) app.EventOption { return app.EventScope(id...) }

// Busy disables a button while its action is on the way.
func Busy(b app.HTMLButton, busy bool) app.HTMLButton {
	if busy {
		return b.Disabled(true).Aria("busy", true)
	}
	return b
}
