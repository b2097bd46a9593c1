package ui

import (
	"context"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// workExtra is what belongs to a submission and is read beside it.
type workExtra struct {
	notes    []lms.Annotation
	comments []lms.Comment
	err      error // of the comments
}

// keptWork is how many submissions the page keeps, so that going back and forth does not wait.
const keptWork = 30

// trim forgets what was read long ago.
func (p *gradingPage) trim() {
	if len(p.near) > keptWork {
		clear(p.near)
		clear(p.extras)
		clear(p.texts)
	}
}

// extra is what was read beside the submission on screen.
func (p *gradingPage) extra() *workExtra { return p.extraOf(p.sub) }

func (p *gradingPage) extraOf(sub string) *workExtra {
	if p.extras == nil {
		p.extras = map[string]*workExtra{}
	}
	x := p.extras[sub]
	if x == nil {
		x = &workExtra{}
		p.extras[sub] = x
	}
	return x
}

// readExtras reads the remarks about a submission and the texts of its files.
func (p *gradingPage) readExtras(ctx app.Context, s lms.Submission) {
	p.readComments(ctx, s.ID)
	p.readNotes(ctx, s.ID)
	read := 0
	for _, f := range withCourse(s) {
		if text, _ := shownText(f); text && read < 5 {
			read++
			p.readText(ctx, f)
		}
	}
}

func (p *gradingPage) readComments(ctx app.Context, sub string) {
	Async(ctx, Call(api.ListComments, api.SubmissionPath{Course: p.id, Submission: sub}), func(_ app.Context, page api.Page[lms.Comment], err error) {
		x := p.extraOf(sub)
		if x.err = err; err == nil {
			x.comments = page.Items
		}
	})
}

func (p *gradingPage) readNotes(ctx app.Context, sub string) {
	Async(ctx, Call(api.ListAnnotations, api.SubmissionPath{Course: p.id, Submission: sub}), func(_ app.Context, page api.Page[lms.Annotation], err error) {
		if err == nil {
			p.extraOf(sub).notes = page.Items
		}
	})
}

// readText reads a file that is shown as text, once: files never change.
func (p *gradingPage) readText(ctx app.Context, f lms.File) {
	if p.texts == nil {
		p.texts = map[string]Remote[string]{}
	}
	if r := p.texts[f.ID]; r.Ready || r.busy {
		return
	}
	p.texts[f.ID] = Remote[string]{remote: remote{busy: true}}
	Async(ctx, func(c context.Context) ([]byte, error) { return API.Bytes(c, contentPath(f, true), maxPreview) }, func(_ app.Context, b []byte, err error) {
		p.texts[f.ID] = Remote[string]{Value: cleanText(b), remote: remote{Ready: err == nil, Err: err}}
	})
}
