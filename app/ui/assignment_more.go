package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// moreActions are what is done with an assignment now and then.
func (p *assignmentPage) moreActions(a lms.Assignment) app.UI {
	may := p.instructor() && !p.readOnly()
	return Card("More", nil,
		app.Div().Class("actions").Body(
			LinkButton("Extensions and other dates", "calendar", CoursePath(p.id, "assignments", a.ID, "dates")),
			app.If(may, func() app.UI { return Button("Duplicate", "copy", p.duplicate) }),
			app.If(may, func() app.UI {
				return Button("Archive", "archive", func(app.Context, app.Event) { p.archiving = true })
			}),
		),
		app.If(p.archiving, func() app.UI {
			work := "It can be restored for 30 days."
			if a.Stats != nil && a.Stats.Submitted > 0 {
				work = "The work of " + plural(a.Stats.Submitted, "student") + " and its grades are kept. It can be restored at any time."
			}
			return Confirm("archive", "Archive “"+a.Title+"”?", "Students see it no more. "+work, "Archive", p.archive, func(app.Context) { p.archiving = false })
		}),
	)
}

func (p *assignmentPage) duplicate(ctx app.Context, _ app.Event) {
	in := api.DuplicateInput{Course: p.id, Assignment: p.as, ID: lms.NewID()}
	Async(ctx, Call(api.DuplicateAssignment, in), func(ctx app.Context, a lms.Assignment, err error) {
		if err != nil {
			ToastError(ctx, err)
			return
		}
		Toast(ctx, "good", "“"+a.Title+"” is a draft. Check its dates, then publish it.")
		ctx.Navigate(CoursePath(p.id, "assignments", a.ID, "edit"))
	})
}

func (p *assignmentPage) archive(ctx app.Context) {
	p.archiving = false
	Async(ctx, Call(api.ArchiveAssignment, api.AssignmentPath{Course: p.id, Assignment: p.as}), func(ctx app.Context, a lms.Assignment, err error) {
		if err != nil {
			ToastError(ctx, err)
			return
		}
		Toast(ctx, "good", "“"+a.Title+"” is archived. You can restore it here.")
		p.load(ctx)
	})
}

func (p *assignmentPage) archivedNotice() app.UI {
	return Notice("info", "This is archived: students do not see it.", app.If(p.instructor() && !p.readOnly(), func() app.UI {
		return app.Div().Class("actions").Body(Primary("Restore it", "refresh-cw", func(ctx app.Context, _ app.Event) {
			Async(ctx, Call(api.RestoreAssignment, api.AssignmentPath{Course: p.id, Assignment: p.as}), func(ctx app.Context, a lms.Assignment, err error) {
				if err != nil {
					ToastError(ctx, err)
				} else {
					Toast(ctx, "good", cond(a.Published, "It is restored. Students see it again.", "It is restored as the draft that it was."))
				}
				p.load(ctx)
			})
		}))
	}))
}
