package ui

import "github.com/maxence-charriere/go-app/v10/pkg/app"

// Dialog is a modal window. Put it last into the page's content while it is open, and leave it out to close it:
//
//	app.If(p.adding, func() app.UI { return NewDialog("add", "Add a member", p.closeAdd, form) })
type Dialog struct {
	app.Compo
	ID      string
	Title   string
	Content app.UI
	Wide    bool
	onClose func(app.Context)
	opener  app.Value
}

// NewDialog makes a dialog. onClose runs when the person leaves it with Escape or the cross; it must make the page leave
// the dialog out.
func NewDialog(id, title string, onClose func(app.Context), content app.UI) *Dialog {
	return &Dialog{ID: id, Title: title, Content: content, onClose: onClose}
}

// OnMount opens the dialog and remembers what had the keyboard.
func (d *Dialog) OnMount(app.Context) {
	d.opener = app.Window().Get("document").Get("activeElement")
	if el := app.Window().GetElementByID(d.ID); el.Truthy() && !el.Get("open").Bool() {
		el.Call("showModal")
		// The browser would give the keyboard to the cross, which comes first.
		if field := el.Call("querySelector", ".dialog-body :is(input:not([type=hidden]), textarea, select):not([readonly])"); field.Truthy() {
			field.Call("focus")
		}
	}
}

// OnDismount gives the keyboard back.
func (d *Dialog) OnDismount() {
	if d.opener != nil && d.opener.Truthy() && d.opener.Get("isConnected").Bool() {
		d.opener.Call("focus")
	}
}

// Render draws the dialog.
func (d *Dialog) Render() app.UI {
	el := app.Elem("dialog").ID(d.ID).Class("dialog").Aria("labelledby", d.ID+"-title").On("cancel", d.cancel)
	if d.Wide {
		el = el.Class("dialog-wide")
	}
	return el.Body(
		app.Div().Class("dialog-head").Body(
			app.H2().ID(d.ID+"-title").Text(d.Title),
			IconButton("Close", "x", d.cancel),
		),
		app.Div().Class("dialog-body").Body(d.Content),
	)
}

func (d *Dialog) cancel(ctx app.Context, e app.Event) {
	e.PreventDefault() // the page decides; the browser closing it alone would leave the page's state open
	if d.onClose != nil {
		d.onClose(ctx)
	}
}

// Confirm asks before something is taken away. The action's label names what will happen, such as "Remove Ada".
func Confirm(id, title, message, action string, yes, no func(app.Context)) app.UI {
	return NewDialog(id, title, no, app.Div().Class("stack").Body(
		app.P().Text(message),
		app.Div().Class("actions", "actions-end").Body(
			Button("Cancel", "", func(ctx app.Context, _ app.Event) { no(ctx) }),
			Danger(action, "", func(ctx app.Context, _ app.Event) { yes(ctx) }),
		),
	))
}

// DialogForm is a form in a dialog: fields, then Cancel and the submit button.
func DialogForm(on app.EventHandler, cancel func(app.Context), submit app.UI, fields ...app.UI) app.UI {
	return app.Form().Class("stack").OnSubmit(on).Body(append(fields,
		app.Div().Class("actions", "actions-end").Body(
			Button("Cancel", "", func(ctx app.Context, _ app.Event) { cancel(ctx) }), submit))...)
}
