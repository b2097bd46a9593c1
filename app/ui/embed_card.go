package ui

import (
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// embedCard is the list of hosts whose content authors may embed.
type embedCard struct {
	app.Compo
	site    Remote[lms.EmbedSite]
	hosts   string
	busy    bool
	problem Problem
}

// OnMount loads the list.
func (c *embedCard) OnMount(ctx app.Context) { c.load(ctx) }

func (c *embedCard) load(ctx app.Context) {
	c.site.Load(ctx, Call(api.GetEmbeds, api.NoInput{}), func(app.Context) { c.show() })
}

func (c *embedCard) show() {
	c.hosts = strings.Join(c.site.Value.Hosts, "\n")
	SetValue("hosts", c.hosts)
}

// Render draws the card.
func (c *embedCard) Render() app.UI {
	return Card("Content of other sites", nil, c.site.View(3, c.load, func(lms.EmbedSite) app.UI {
		return app.Form().Class("stack", "form").OnSubmit(c.submit).Body(
			c.problem.Alert("hosts"),
			app.P().Text("Pages ask nothing of other sites. What authors embed from the hosts below is loaded when a reader asks for it; that host then learns the reader's network address and may set cookies, so name it in your privacy notice. From all other hosts there are links only."),
			TextArea(Field{ID: "hosts", Label: "Hosts, one on each line", Optional: true, Rows: 3, Value: c.hosts, Error: c.problem.For("hosts"), On: c.ValueTo(&c.hosts),
				Help: "For videos of YouTube: www.youtube-nocookie.com, of Vimeo: player.vimeo.com. A host stands for itself only, not for others below it."}),
			app.Div().Class("actions").Body(Submit("Save the list", "Saving", c.busy)))
	}))
}

func (c *embedCard) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	in := lms.EmbedSite{Hosts: strings.Fields(c.hosts), Version: c.site.Value.Version}
	if in.Hosts == nil {
		in.Hosts = []string{}
	}
	if err := in.Validate(); c.busy || err != nil {
		Fail(ctx, err, &c.problem)
		return
	}
	c.busy, c.problem = true, Problem{}
	Async(ctx, Call(api.UpdateEmbeds, api.EmbedInput{EmbedSite: in}), func(ctx app.Context, v lms.EmbedSite, err error) {
		c.busy = false
		if err != nil {
			Fail(ctx, err, &c.problem)
			return
		}
		c.site.Set(v)
		c.show()
		Toast(ctx, "good", "The list is saved. It counts for pages that are opened from now on.")
	})
}
