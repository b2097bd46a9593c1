package ui

import (
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// searchID is the field in which a course is searched: on the page of the results, and in the bar of the course's other pages.
const searchID = "course-search"

// searchPage searches a course (SEARCH-1). The address holds the words, so that it can be passed on and the way back leads to them.
type searchPage struct {
	app.Compo
	inCourse
	query string
	kind  lms.SearchKind
	asked bool // the results are those of a query
	list  Remote[lms.SearchResults]
	more  bool
}

func searchPath(course, query string, kind lms.SearchKind) string {
	v := url.Values{}
	if query != "" {
		v.Set("q", query)
	}
	if kind != "" {
		v.Set("kind", string(kind))
	}
	return strings.TrimSuffix(CoursePath(course, "search")+"?"+v.Encode(), "?")
}

// OnNav searches for the words of the address.
func (p *searchPage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	if p.enter(ctx) {
		p.list.Reset()
	}
	p.query, p.kind = Query(ctx, "q"), lms.SearchKind(Query(ctx, "kind"))
	ctx.Defer(func(app.Context) { SetValue(searchID, p.query) })
	if trimSpace(p.query) == "" {
		Focus(ctx, searchID)
	}
	p.load(ctx)
}

func (p *searchPage) input() api.SearchInput {
	return api.SearchInput{Course: p.id, Query: p.query, Kind: p.kind, Limit: 20}
}

// searchLetters is from how many letters on it is searched.
const searchLetters = 2

func (p *searchPage) load(ctx app.Context) {
	if p.asked = utf8.RuneCountInString(trimSpace(p.query)) >= searchLetters; !p.asked {
		p.list.Reset()
		return
	}
	p.list.Load(ctx, Call(api.SearchCourse, p.input()))
}

// search is load with the words in the address.
func (p *searchPage) search(ctx app.Context) {
	if u, err := url.Parse(searchPath(p.id, p.query, p.kind)); err == nil {
		ctx.Page().ReplaceURL(u)
	}
	p.load(ctx)
}

// typed searches once the keyboard rests.
func (p *searchPage) typed(ctx app.Context, _ app.Event) {
	p.query = ctx.JSSrc().Get("value").String()
	query := p.query
	ctx.After(250*time.Millisecond, func(ctx app.Context) {
		if p.query == query {
			p.search(ctx)
		}
	})
}

func (p *searchPage) loadMore(ctx app.Context, _ app.Event) {
	have, in := p.list.Value, p.input()
	in.After, p.more = have.Next, true
	Async(ctx, Call(api.SearchCourse, in), func(ctx app.Context, v lms.SearchResults, err error) {
		p.more = false
		if err != nil {
			ToastError(ctx, err)
			return
		}
		if in.Query != p.query || in.Kind != p.kind {
			return // other words were typed meanwhile
		}
		v.Items = append(have.Items, v.Items...)
		p.list.Set(v)
	})
}

// Render draws the page.
func (p *searchPage) Render() app.UI {
	return p.frame(&Shell{Title: "Search", Active: "search", Back: Crumbs(p.label(), CoursePath(p.id)),
		Content: app.Div().Class("stack").Body(
			app.Form().Class("search").Role("search").Aria("label", "Course").OnSubmit(func(ctx app.Context, e app.Event) {
				e.PreventDefault()
				p.search(ctx)
			}).Body(Icon("search"), searchInput(p.typed, func(ctx app.Context) {
				p.query = ""
				p.search(ctx)
			})),
			app.If(p.asked, func() app.UI { return p.list.View(6, p.load, p.results) }).Else(func() app.UI {
				return Empty("search", "What are you looking for?", "Pages, the text of files, assignments, questions and the FAQ of this course are searched. The beginning of a word is enough.")
			}),
		)})
}

// kindNames are the kinds of hits as tabs and as words.
var kindNames = map[lms.SearchKind][3]string{
	lms.FoundPage: {"Pages", "Page", "book-open"}, lms.FoundFile: {"Files", "File", "file"}, lms.FoundAssignment: {"Assignments", "Assignment", "clipboard"},
	lms.FoundQuestion: {"Questions", "Question", "message-circle"}, lms.FoundFAQ: {"FAQ", "Endorsed answer", "check-circle"},
}

func (p *searchPage) results(v lms.SearchResults) app.UI {
	tabs := []Tab{{Label: "All", Href: searchPath(p.id, p.query, "")}}
	for _, k := range lms.SearchKinds {
		if v.Counts[k] > 0 || k == p.kind {
			tabs = append(tabs, Tab{Label: kindNames[k][0], Href: searchPath(p.id, p.query, k), Count: v.Counts[k]})
		}
	}
	return app.Div().Class("stack").Body(
		app.If(len(tabs) > 2 || p.kind != "", func() app.UI { return Tabs("What was found", searchPath(p.id, p.query, p.kind), tabs...) }),
		app.P().Class("sr-only").Role("status").Text(plural(v.Total, "result")),
		app.If(v.Loose, func() app.UI { return Notice("info", "Nothing has all of these words. This has some of them.") }),
		app.If(len(v.Items) == 0, func() app.UI {
			return Empty("search", "Nothing found", "Try another word or fewer of them, or its beginning. What you cannot open yet is not searched.",
				LinkButton("Ask a question", "message-circle", CoursePath(p.id, "questions")))
		}).Else(func() app.UI {
			return RowsOf(v.Items, p.hit)
		}),
		app.If(v.Next != "", func() app.UI { return Busy(Button("Show more", "chevron-down", p.loadMore), p.more) }).
			ElseIf(v.Cut, func() app.UI {
				return app.P().Class("muted").Text("There is more than is listed here. Another word narrows it.")
			}),
		app.If(len(v.Unread) > 0, func() app.UI { return p.unread(v.Unread) }),
	)
}

func (p *searchPage) hit(h lms.SearchHit) app.UI {
	name := kindNames[h.Kind]
	return app.Li().Class("row", "hit").Body(
		app.Div().Class("row-plain").Body(Icon(name[2]),
			app.Span().Class("row-text").Body(
				app.A().Class("row-title").Attr("dir", "auto").Href(p.href(h, 0)).Text(h.Title),
				app.Span().Class("row-meta").Text(name[1]+cond(h.NotIndexed != "", " · not indexed: "+h.NotIndexed, ""))),
			app.If(h.Hidden, func() app.UI { return Badge("Hidden from students", "warn") })),
		app.Range(h.Places).Slice(func(i int) app.UI {
			at := h.Places[i]
			place := citePlace(lms.Citation{Page: at.Page, Heading: at.Heading, Title: h.Title})
			return app.A().Class("place").Href(p.href(h, at.Ordinal)).Body(
				app.If(place != "", func() app.UI { return app.Span().Class("place-name").Text(place) }),
				app.Span().Attr("dir", "auto").Body(app.Range(at.Excerpt).Slice(func(i int) app.UI {
					if part := at.Excerpt[i]; part.Hit {
						return app.Elem("mark").Text(part.Text)
					}
					return text(at.Excerpt[i].Text)
				})))
		}),
		app.If(h.Further > 0, func() app.UI {
			return app.P().Class("place", "muted").Text("and " + plural(h.Further, "more place"))
		}),
	)
}

// href leads to a hit, or to a place in it.
func (p *searchPage) href(h lms.SearchHit, ordinal int) string {
	switch h.Kind {
	case lms.FoundFAQ:
		return citePath(p.id, lms.Citation{Endorsed: h.ID})
	case lms.FoundQuestion:
		return CoursePath(p.id, "questions", h.ID)
	case lms.FoundAssignment:
		return CoursePath(p.id, "assignments", h.ID)
	}
	if ordinal > 0 {
		return citePath(p.id, lms.Citation{MaterialID: h.ID, Ordinal: ordinal})
	}
	return CoursePath(p.id, "materials", h.ID)
}

// unread tells staff which files nobody can search.
func (p *searchPage) unread(files []lms.SearchHit) app.UI {
	return app.Details().Class("card", "fold").Body(
		app.Summary().Class("fold-head").Body(Icon("chevron-right"), text(plural(len(files), "file")+" of this course "+cond(len(files) == 1, "is", "are")+" not indexed")),
		RowsOf(files, func(h lms.SearchHit) app.UI {
			return &Row{ID: h.ID, Href: p.href(h, 0), Icon: "file", Title: h.Title, Meta: h.NotIndexed}
		}))
}
