//go:build js

// The browser's program: it registers the pages and starts them. It is separate from the node's main, so that nothing
// of the node is linked into the browser.
package main

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/ui"
)

func main() {
	ui.API = api.NewClient("", api.WithHooks(ui.Hooks()))
	ui.Routes()
	app.RunWhenOnBrowser()
}
