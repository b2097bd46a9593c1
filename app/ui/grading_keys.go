package ui

import "github.com/maxence-charriere/go-app/v10/pkg/app"

// shortcut is one key of the grading view.
type shortcut struct{ Key, Does string }

var shortcuts = []shortcut{
	{"j", "Next student"}, {"k", "Previous student"}, {"g", "Go to the grade"}, {"f", "Go to the feedback"},
	{"r", "Go to the rubric"}, {"c", "Go to the comments"}, {"a", "Annotate what is marked, or lines"}, {"p", "Post this grade (asks first)"}, {"u", "Back to the list"}, {"?", "This list"},
}

const keyKeysOff = "grading-keys-off"

func keysOff(ctx app.Context) bool {
	var off bool
	return ctx.LocalStorage().Get(keyKeysOff, &off) == nil && off
}

func (p *gradingPage) onKey(ctx app.Context, key string) {
	if !p.staff() || p.keysOff && key != "?" {
		return
	}
	switch key {
	case "j":
		p.step(ctx, 1)
	case "k":
		p.step(ctx, -1)
	case "g":
		Focus(ctx, "points")
	case "f":
		Focus(ctx, "feedback")
	case "c":
		Focus(ctx, "comment")
	case "r":
		if r := p.rubric(); r != nil {
			focusFirst(ctx, rubricID(r.Criteria[0].ID))
		}
	case "a":
		p.annotate(ctx)
	case "p":
		if p.mayPost() && !p.posting {
			p.confirm = true
		}
	case "u":
		if as := p.submission.Value.AssignmentID; as != "" {
			ctx.Navigate(CoursePath(p.id, "assignments", as, "submissions"))
		}
	case "?":
		p.help = true
	}
}

// focusFirst moves the keyboard to the first field in an element.
func focusFirst(ctx app.Context, id string) {
	ctx.Defer(func(app.Context) {
		el := app.Window().GetElementByID(id)
		if el.Truthy() && el.Get("tagName").String() != "INPUT" {
			el = el.Call("querySelector", "input")
		}
		if el.Truthy() {
			el.Call("focus")
		}
	})
}

func (p *gradingPage) helpDialog() app.UI {
	return NewDialog("keys", "Keyboard shortcuts", func(app.Context) { p.help = false }, app.Div().Class("stack").Body(
		app.Dl().Class("facts").Body(app.Range(shortcuts).Slice(func(i int) app.UI {
			return app.Div().Body(app.Dt().Body(app.Span().Class("kbd").Text(shortcuts[i].Key)), app.Dd().Text(shortcuts[i].Does))
		})),
		app.P().Class("muted").Text("They work outside of text fields. Escape leaves a field, and this list."),
		Checkbox(Field{ID: "keys-on", Label: "Use single-key shortcuts", On: func(ctx app.Context, _ app.Event) {
			p.keysOff = !Checked(ctx)
			ctx.LocalStorage().Set(keyKeysOff, p.keysOff)
		}}, !p.keysOff),
	))
}
