package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// HomePage shows what is due and what is new.
type HomePage struct {
	app.Compo
	home Remote[lms.Home]
}

// OnMount loads the page.
func (p *HomePage) OnMount(ctx app.Context) { p.load(ctx) }

func (p *HomePage) load(ctx app.Context) { p.home.Load(ctx, Call(api.GetHome, api.NoInput{})) }

// Render draws the page.
func (p *HomePage) Render() app.UI {
	return &Shell{Title: "Home", Active: "home", Content: p.home.View(4, p.load, func(h lms.Home) app.UI {
		return RowsOf(h.Courses, func(c lms.Course) app.UI {
			return &Row{ID: c.ID, Href: CoursePath(c.ID), Icon: "book-open", Title: c.Title, Meta: c.Code}
		})
	})}
}
