package ui

import (
	"strings"
	"unicode"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// Card is a section with a title and, at its right, actions.
func Card(title string, actions []app.UI, body ...app.UI) app.UI {
	return app.Section().Class("card").Body(
		app.If(title != "", func() app.UI {
			return app.Div().Class("card-head").Body(app.H2().Text(title),
				app.If(len(actions) > 0, func() app.UI { return app.Div().Class("actions").Body(actions...) }))
		}),
		app.Div().Class("card-body").Body(body...),
	)
}

// Rows is a list of rows.
func Rows(rows ...app.UI) app.UI { return app.Ul().Class("rows").Body(rows...) }

// RowsOf makes a list with one row for each item.
func RowsOf[T any](items []T, row func(T) app.UI) app.UI {
	return app.Ul().Class("rows").Body(app.Range(items).Slice(func(i int) app.UI { return row(items[i]) }))
}

// Row is one entry of a list that leads to Href. All fields are scalars, so that an unchanged row costs nothing.
type Row struct {
	app.Compo
	ID    string
	Href  string
	Icon  string
	Title string
	Meta  string // second line
	Badge string
	Tone  string // of the badge
	Aside string // at the right, such as "87.5 / 100"
}

// Render draws the row.
func (r *Row) Render() app.UI {
	return app.Li().Class("row").Body(app.A().Class("row-link").Href(r.Href).Body(
		iconIf(r.Icon),
		app.Span().Class("row-text").Body(
			app.Span().Class("row-title").Text(r.Title),
			app.If(r.Meta != "", func() app.UI { return app.Span().Class("row-meta").Text(r.Meta) }),
		),
		app.If(r.Badge != "", func() app.UI { return Badge(r.Badge, r.Tone) }),
		app.If(r.Aside != "", func() app.UI { return app.Span().Class("row-aside").Text(r.Aside) }),
		Icon("chevron-right"),
	))
}

// RowWith is a row with actions instead of a link.
func RowWith(icon app.UI, title, meta string, aside ...app.UI) app.UI {
	return app.Li().Class("row").Body(app.Div().Class("row-plain").Body(
		icon,
		app.Span().Class("row-text").Body(
			app.Span().Class("row-title").Text(title),
			app.If(meta != "", func() app.UI { return app.Span().Class("row-meta").Text(meta) }),
		),
		app.Div().Class("row-actions").Body(aside...),
	))
}

// Fact is one line of a description list.
type Fact struct {
	Label string
	Value app.UI
}

// Facts is a description list.
func Facts(facts ...Fact) app.UI {
	return app.Dl().Class("facts").Body(app.Range(facts).Slice(func(i int) app.UI {
		return app.Div().Body(app.Dt().Text(facts[i].Label), app.Dd().Body(facts[i].Value))
	}))
}

// Initials are the first letters of the first and the last word of a name.
func Initials(name string) string {
	words := strings.FieldsFunc(name, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if len(words) == 0 {
		return "?"
	}
	initials := string([]rune(words[0])[:1])
	if len(words) > 1 {
		initials += string([]rune(words[len(words)-1])[:1])
	}
	return strings.ToUpper(initials)
}

// Avatar shows a person's initials on one of eight colours; it is decorative, so write the name beside it.
func Avatar(name string) app.UI {
	sum := 0
	for _, r := range name {
		sum = (sum*31 + int(r)) & 0xffff
	}
	// The style draws the initials: as text they would have to be part of the accessible name of whatever holds them.
	return app.Span().Class("avatar", "hue-"+string(rune('0'+sum%8))).Aria("hidden", true).DataSet("initials", Initials(name))
}

// Tab is one entry of Tabs.
type Tab struct {
	Label, Href string
	Count       int // shown when above 0
}

// Tabs are links to sibling views; active is the Href of the one that is shown.
func Tabs(label, active string, tabs ...Tab) app.UI {
	return app.Nav().Class("tabs").Aria("label", label).Body(app.Range(tabs).Slice(func(i int) app.UI {
		a := app.A().Class("tab").Href(tabs[i].Href)
		if tabs[i].Href == active {
			a = a.Aria("current", "page")
		}
		return a.Body(text(tabs[i].Label), app.If(tabs[i].Count > 0, func() app.UI {
			return app.Span().Class("count").Text(tabs[i].Count)
		}))
	}))
}

// Menu folds actions away behind a button. It closes on Escape, on a click elsewhere and on a choice.
func Menu(label string, button app.UI, items ...app.UI) app.UI {
	return app.Details().Class("menu").Body(
		app.Summary().Class("btn", "btn-quiet", "btn-icon").Aria("label", label).Attr("title", label).Body(button),
		app.Div().Class("menu-items").Body(items...),
	)
}

// Prose shows HTML that the node has made safe (the ...HTML fields of the API), and nothing else.
func Prose(safeHTML string) app.UI {
	return app.Raw(`<div class="prose" dir="auto">` + safeHTML + `</div>`)
}

// Plain shows a text as it was typed, line breaks included.
func Plain(s string) app.UI { return app.Div().Class("plain").Attr("dir", "auto").Text(s) }

// Crumbs is the way back: pairs of label and href.
func Crumbs(pairs ...string) app.UI {
	return app.Nav().Class("crumbs").Aria("label", "Way back").Body(app.Range(pairs).Slice(func(i int) app.UI {
		if i%2 == 1 {
			return nil
		}
		return app.A().Href(pairs[i+1]).Body(app.If(i == 0, func() app.UI { return Icon("chevron-left") }), text(pairs[i]))
	}))
}
