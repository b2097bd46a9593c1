package ui

import (
	"context"
	"strconv"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// opensInline reports whether a browser shows the file itself, without running anything of it.
func opensInline(f lms.File) bool {
	switch {
	case f.Type == "application/pdf", f.Type == "image/png", f.Type == "image/jpeg", f.Type == "image/gif", f.Type == "image/webp":
		return true
	}
	return strings.HasPrefix(f.Type, "text/plain")
}

// contentPath is where the bytes of a file are.
func contentPath(f lms.File, inline bool) string {
	path, err := api.PathOf(api.FileContent, api.ContentPath{Course: f.CourseID, File: f.ID, Inline: inline})
	if err != nil {
		return ""
	}
	return path
}

// openLink opens a file in a tab of its own, at a page of a PDF if that is above 0.
func openLink(label string, f lms.File, page int) app.UI {
	href := contentPath(f, true)
	if page > 0 && f.Type == "application/pdf" {
		href += "#page=" + strconv.Itoa(page)
	}
	return app.A().Class("btn").Href(href).Target("_blank").Rel("noopener").OnClick(throughClient(f), Each(f.ID)).
		Body(Icon("link"), text(label), app.Span().Class("sr-only").Text(" (opens a new tab)"))
}

// downloadButton downloads a file.
func downloadButton(label string, f lms.File) app.UI {
	return app.A().Class("btn").Href(contentPath(f, false)).Attr("download", f.Name).OnClick(throughClient(f), Each(f.ID)).
		Body(Icon("download"), text(label), app.Span().Class("sr-only").Text(" "+f.Name))
}

// throughClient reads the file through the client when the page's own node is away, because a link goes only there.
func throughClient(f lms.File) app.EventHandler {
	return func(ctx app.Context, e app.Event) {
		if API == nil || API.Node() == "" {
			return
		}
		e.PreventDefault()
		Toast(ctx, "info", "Fetching "+f.Name+" from another node.")
		Async(ctx, func(c context.Context) ([]byte, error) { return API.Bytes(c, contentPath(f, false), lms.MaxFileSize) },
			func(ctx app.Context, data []byte, err error) {
				if err != nil {
					ToastError(ctx, err)
					return
				}
				saveBytes(f.Name, "application/octet-stream", data)
			})
	}
}

// fileRows lists files to open and download.
func fileRows(files []lms.File) app.UI {
	return app.Ul().Class("rows", "files").Body(app.Range(files).Slice(func(i int) app.UI {
		f := files[i]
		return RowWith(Icon("file-text"), f.Name, lms.FormatBytes(f.Size)+cond(f.Complete(), "", ", still arriving"),
			app.If(f.Complete() && opensInline(f), func() app.UI { return openLink("Open", f, 0) }),
			app.If(f.Complete(), func() app.UI { return downloadButton("Download", f) }),
		)
	}))
}

// afterSession calls f as soon as it is known who is signed in.
func afterSession(ctx app.Context, f func(app.Context)) {
	if Me().ID != "" {
		f(ctx)
		return
	}
	RefreshSession(ctx, f)
}
