package ui

import (
	"context"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
)

// Paged is a list that is loaded page by page, as the person asks for more.
type Paged[T any] struct {
	Remote[api.Page[T]]
	more bool // the next page is on its way
}

// Next adds the page that follows what is shown. If something else is shown when it comes, it is dropped.
func (p *Paged[T]) Next(ctx app.Context, fetch func(after string) work[api.Page[T]]) {
	if p.more {
		return
	}
	p.more = true
	have, round := p.Value, p.round
	var page api.Page[T]
	work := fetch(have.Next)
	async(ctx, func(c context.Context) (err error) {
		page, err = work(c)
		return err
	}, func(ctx app.Context, err error) {
		p.more = false
		switch {
		case p.round != round:
		case err != nil:
			ToastError(ctx, err)
		default:
			page.Items = append(have.Items, page.Items...)
			p.Set(page)
		}
	})
}

// MoreButton stands below a list of which there is more.
func (p *Paged[T]) MoreButton(load app.EventHandler) app.UI {
	return app.If(p.Value.Next != "", func() app.UI { return Busy(Button("Show more", "chevron-down", load), p.more) })
}
