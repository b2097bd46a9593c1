package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// flagsPage lists messages to the tutor that a person must look at (TUTOR-28).
type flagsPage struct {
	app.Compo
	inCourse
	all  bool
	list Remote[api.Page[lms.TutorFlag]]
	busy bool
}

// OnNav loads the flags of the course.
func (p *flagsPage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	changed, all := p.enter(ctx), Query(ctx, "show") == "all"
	if changed || all != p.all {
		p.list.Reset()
	}
	p.all = all
	p.load(ctx)
}

func (p *flagsPage) load(ctx app.Context) {
	p.list.Load(ctx, Call(api.ListTutorFlags, api.ListFlagsInput{Course: p.id, Unseen: !p.all, Limit: 100}))
}

// Render draws the page.
func (p *flagsPage) Render() app.UI {
	base := CoursePath(p.id, "tutor", "flags")
	return p.frame(&Shell{Title: "Messages to look at", Active: "questions",
		Back: Crumbs(p.label(), CoursePath(p.id), "Questions and tutor", CoursePath(p.id, "questions")),
		Content: app.Div().Class("stack").Body(
			tutorTabs(p.id, base),
			app.P().Class("muted").Text("The tutor noticed these and answered with the site's text for a crisis. Opening a conversation is logged, and the student can see it."),
			Tabs("Which messages", base+cond(p.all, "?show=all", ""), Tab{Label: "Nobody has looked", Href: base}, Tab{Label: "All", Href: base + "?show=all"}),
			p.list.View(3, p.load, p.rows),
		)})
}

// tutorTabs leads between the pages of the staff about the tutor.
func tutorTabs(course, active string) app.UI {
	return Tabs("Tutor", active, Tab{Label: "Settings", Href: CoursePath(course, "tutor")}, Tab{Label: "To look at", Href: CoursePath(course, "tutor", "flags")},
		Tab{Label: "What students ask", Href: CoursePath(course, "tutor", "gaps")},
		Tab{Label: "Conversations", Href: CoursePath(course, "questions") + "?show=tutor"}, Tab{Label: "FAQ", Href: CoursePath(course, "faq")})
}

var flagKinds = map[string]string{"self_harm": "May want to hurt themselves", "violence": "Violence", "abuse": "Abuse", "leak": "The tutor was made to tell what it must not"}

func (p *flagsPage) rows(v api.Page[lms.TutorFlag]) app.UI {
	if len(v.Items) == 0 {
		return Empty("check-circle", "Nothing to look at", cond(p.all, "No message has been flagged in this course.", "Somebody has looked at every flagged message."))
	}
	return app.Ul().Class("rows").Body(app.Range(v.Items).Slice(func(i int) app.UI {
		f := v.Items[i]
		kind := flagKinds[f.Kind]
		meta := f.Student + " · " + Relative(f.CreatedAt)
		if !f.SeenAt.IsZero() {
			meta += " · looked at by " + f.SeenBy + ", " + Relative(f.SeenAt)
		}
		return app.Li().Class("row", "material-row").Body(
			app.A().Class("row-link").Href(CoursePath(p.id, "questions", f.QuestionID)).Body(
				Icon("alert-triangle"),
				app.Span().Class("row-text").Body(app.Span().Class("row-title").Text(cond(kind != "", kind, f.Kind)), app.Span().Class("row-meta").Text(meta)),
				app.Span().Class("row-badges").Body(app.If(f.Severe, func() app.UI { return Badge("Severe", "bad") }))),
			app.If(f.SeenAt.IsZero(), func() app.UI {
				return app.Div().Class("row-actions").Body(Busy(Button("Mark as looked at", "check", func(ctx app.Context, _ app.Event) { p.see(ctx, f.ID) }, Each(f.ID)), p.busy))
			}))
	}))
}

func (p *flagsPage) see(ctx app.Context, flag string) {
	p.busy = true
	Async(ctx, Call(api.SeeTutorFlag, api.FlagPath{Course: p.id, Flag: flag}), func(ctx app.Context, _ lms.TutorFlag, err error) {
		p.busy = false
		if err != nil {
			ToastError(ctx, err)
		}
		p.load(ctx)
	})
}
