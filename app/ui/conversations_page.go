package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// conversationsPage lists the own conversations with the tutor, to search, take away and delete (TUTOR-20).
type conversationsPage struct {
	app.Compo
	inCourse
	query string
	list  Paged[lms.Question]
	erase *lms.Question
	busy  bool
}

// OnNav loads the conversations of the course.
func (p *conversationsPage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	if p.enter(ctx) {
		p.query, p.erase = "", nil
		p.list.Reset()
	}
	p.load(ctx)
}

func (p *conversationsPage) input() api.ListConversationsInput {
	return api.ListConversationsInput{Course: p.id, Query: trimSpace(p.query), Limit: 50}
}

func (p *conversationsPage) load(ctx app.Context) {
	p.list.Load(ctx, Call(api.ListConversations, p.input()))
}

func (p *conversationsPage) loadMore(ctx app.Context, _ app.Event) {
	p.list.Next(ctx, func(after string) work[api.Page[lms.Question]] {
		in := p.input()
		in.After = after
		return Call(api.ListConversations, in)
	})
}

// Render draws the page.
func (p *conversationsPage) Render() app.UI {
	return p.frame(&Shell{Title: "My conversations with the tutor", Active: "questions",
		Back: Crumbs(p.label(), CoursePath(p.id), "Questions and tutor", CoursePath(p.id, "questions")),
		Content: app.Div().Class("stack").Body(
			searchForm("conversation-search", "Search my conversations", &p.query, p.ValueTo(&p.query), p.load),
			p.list.View(5, p.load, p.rows),
			app.If(p.erase != nil, p.confirmErase),
		)})
}

func (p *conversationsPage) rows(v api.Page[lms.Question]) app.UI {
	switch {
	case len(v.Items) == 0 && trimSpace(p.query) != "":
		return Empty("search", "Nothing found", "None of your conversations holds these words.")
	case len(v.Items) == 0:
		return Empty("sparkles", "No conversation yet", "What you ask the tutor is kept here until you delete it or it is too old.",
			LinkButton("Ask the tutor", "sparkles", CoursePath(p.id, "questions")))
	}
	return app.Div().Class("stack").Body(
		app.Ul().Class("rows").Body(app.Range(v.Items).Slice(func(i int) app.UI {
			q := v.Items[i]
			label, tone := questionState(q)
			return app.Li().Class("row", "material-row").Body(
				app.A().Class("row-link").Href(CoursePath(p.id, "questions", q.ID)).Body(
					Icon("sparkles"),
					app.Span().Class("row-text").Body(app.Span().Class("row-title").Attr("dir", "auto").Text(q.Title), app.Span().Class("row-meta").Text(Relative(q.CreatedAt))),
					app.Span().Class("row-badges").Body(Badge(label, tone))),
				app.Div().Class("row-actions").Body(IconButton("Delete “"+q.Title+"”", "trash", func(app.Context, app.Event) { p.erase = &q }, Each(q.ID))))
		})),
		p.list.MoreButton(p.loadMore),
		app.Div().Class("actions").Body(p.export("Download to read", "md"), p.export("Download as JSON", "json")),
	)
}

// export is a link, which go-app would take as a page without the attribute.
func (p *conversationsPage) export(label, format string) app.UI {
	path, err := api.PathOf(api.ExportConversations, api.ExportConversationsInput{Course: p.id, Format: format})
	if err != nil {
		return app.Div()
	}
	return app.A().Class("btn").Href(path).Attr("download", "tutor."+format).Body(Icon("download"), text(label))
}

func (p *conversationsPage) confirmErase() app.UI {
	q := *p.erase
	return Confirm("erase", "Delete this conversation?", "“"+q.Title+"” and every answer in it are deleted on all nodes, also for the staff. It cannot be undone.",
		"Delete", func(ctx app.Context) { p.eraseNow(ctx, q) }, func(app.Context) { p.erase = nil })
}

func (p *conversationsPage) eraseNow(ctx app.Context, q lms.Question) {
	if p.busy {
		return
	}
	p.busy = true
	Async(ctx, Call(api.EraseConversation, api.QuestionPath{Course: p.id, Question: q.ID}), func(ctx app.Context, _ api.Empty, err error) {
		p.busy, p.erase = false, nil
		if err != nil {
			ToastError(ctx, err)
			return
		}
		Toast(ctx, "good", "The conversation is deleted.")
		p.load(ctx)
	})
}
