package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// archiveLink downloads one attempt as a zip.
func (p *gradingPage) archiveLink(s lms.Submission) app.UI {
	return zipLink("Zip", pathOf(api.ArchiveOne, api.SubmissionPath{Course: p.id, Submission: s.ID}))
}

// zipLink downloads an archive of work.
func zipLink(label, path string) app.UI {
	return app.A().Class("btn").Href(path).Attr("download", "").Body(Icon("archive"), text(label))
}

func pathOf[In, Out any](e api.Endpoint[In, Out], in In) string {
	path, _ := api.PathOf(e, in) // the ids are valid
	return path
}
