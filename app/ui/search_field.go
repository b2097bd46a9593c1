package ui

import "github.com/maxence-charriere/go-app/v10/pkg/app"

// searchInput is the field in which a course is searched. The key "/" leads to it, Escape empties it.
func searchInput(typed app.EventHandler, cleared func(app.Context)) app.UI {
	in := app.Input().Class("input").Type("search").ID(searchID).Name("q").Aria("label", "Search this course").Aria("keyshortcuts", "/").
		Attr("autocomplete", "off").Attr("maxlength", 200).Placeholder("Type / to search")
	if typed != nil {
		in = in.OnInput(typed)
	}
	return in.OnKeyDown(func(ctx app.Context, e app.Event) {
		if e.Get("key").String() != "Escape" {
			return
		}
		e.PreventDefault()
		if field := ctx.JSSrc(); field.Get("value").String() != "" {
			field.Set("value", "")
			cleared(ctx)
		} else {
			field.Call("blur")
		}
	})
}

// find is the search in the bar of a course's page: a field, and where there is no room for one a link to the page of the search.
func (s *Shell) find() app.UI {
	course := s.Course.ID
	return app.Div().Class("find").Body(
		app.Form().Class("search").Role("search").Aria("label", "Course").OnSubmit(func(ctx app.Context, e app.Event) {
			e.PreventDefault()
			query := app.Window().GetElementByID(searchID).Get("value").String()
			SetValue(searchID, "")
			ctx.Navigate(searchPath(course, query, ""))
		}, Each(course)).Body(Icon("search"), searchInput(nil, func(app.Context) {})),
		app.A().Class("btn", "btn-quiet", "btn-icon").Href(searchPath(course, "", "")).Aria("label", "Search this course").Body(Icon("search")),
	)
}

// onSlash moves the keyboard to the search of the course that is open, unless somebody types or has turned such keys off.
func onSlash(e app.Value) {
	if e.Get("key").String() != "/" || e.Get("ctrlKey").Bool() || e.Get("metaKey").Bool() || e.Get("altKey").Bool() {
		return
	}
	document := app.Window().Get("document")
	if e.Get("target").Call("closest", "input, textarea, select, [contenteditable]").Truthy() || document.Call("querySelector", "dialog[open]").Truthy() ||
		onScreen != nil && keysOff(*onScreen) {
		return
	}
	field := app.Window().GetElementByID(searchID)
	if !field.Truthy() {
		return
	}
	e.Call("preventDefault")
	if !field.Get("offsetParent").Truthy() { // no room for it: the link stands in its place
		document.Call("querySelector", ".find > a").Call("click")
		return
	}
	field.Call("focus")
	field.Call("select")
}
