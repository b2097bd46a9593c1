package ui

import "github.com/maxence-charriere/go-app/v10/pkg/app"

// notFoundPage stands where the program has no page. The node prerenders it with the status 404, so it asks for no session.
type notFoundPage struct{ app.Compo }

// OnNav sets the title.
func (p *notFoundPage) OnNav(ctx app.Context) {
	if app.IsServer {
		ctx.Page().SetTitle("There is nothing here · Trivium")
		return
	}
	if Me().ID == "" {
		onScreen = nil
	}
}

// Render draws the page.
func (p *notFoundPage) Render() app.UI {
	const title, message = "There is nothing here", "It may have been removed, or the link has a typing error."
	if Me().ID == "" {
		return gate(title, "No page has this address. "+message, app.Div().Class("actions").Body(PrimaryLink("To the home page", "home", "/")))
	}
	return &Shell{Title: title, Content: Empty("search", "No page has this address", message, PrimaryLink("To the home page", "home", "/"))}
}
