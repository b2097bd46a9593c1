package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// viewNotice tells staff that they are in the student view of a course, with the way back.
func viewNotice() app.UI {
	v := known.Viewing
	return app.If(v != nil, func() app.UI {
		return Notice("warn", "You see this course as its test student does. What you do here counts in no list, statistic or export.",
			app.Div().Class("actions").Body(Button("End the student view", "eye-off", func(ctx app.Context, _ app.Event) {
				switchView(ctx, Call(api.EndView, api.NoInput{}), v.CourseID)
			})))
	})
}

// viewButton begins the student view.
func viewButton(course string) app.UI {
	return Button("View as student", "eye", func(ctx app.Context, _ app.Event) {
		switchView(ctx, Call(api.StartView, api.CoursePath{Course: course}), course)
	})
}

// switchView loads everything anew: nothing that the program remembers of one user is shown to the other.
func switchView(ctx app.Context, do work[lms.Session], course string) {
	Async(ctx, do, func(ctx app.Context, _ lms.Session, err error) {
		if err != nil {
			ToastError(ctx, err)
			return
		}
		app.Window().Get("location").Call("assign", CoursePath(course))
	})
}
