package ui

import "github.com/maxence-charriere/go-app/v10/pkg/app"

// notFoundPage stands where the program has no page. Only the browser's program registers it: the node answers 404.
type notFoundPage struct{ app.Compo }

// Render draws the page.
func (p *notFoundPage) Render() app.UI {
	return &Shell{Title: "There is nothing here", Content: Empty("search", "No page has this address",
		"It may have been removed, or the link has a typing error.", PrimaryLink("To the home page", "home", "/"))}
}
