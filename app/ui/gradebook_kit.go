package ui

import "github.com/maxence-charriere/go-app/v10/pkg/app"

// What the pages of the gradebook are made of again and again. Not inlined: each use would cost the browser's program several
// hundred bytes.

//go:noinline
func when(c bool, f func() app.UI) app.UI { return app.If(c, f) }

//go:noinline
func stackOf(body ...app.UI) app.UI { return app.Div().Class("stack").Body(body...) }

//go:noinline
func actionsOf(body ...app.UI) app.UI { return app.Div().Class("actions").Body(body...) }

//go:noinline
func mutedText(s string) app.UI { return app.P().Class("muted").Text(s) }
