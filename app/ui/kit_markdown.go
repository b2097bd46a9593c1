package ui

import "github.com/maxence-charriere/go-app/v10/pkg/app"

// markdownExamples are what people need most.
var markdownExamples = []struct{ write, get string }{
	{"# Heading", "a heading; ## makes a smaller one"},
	{"**bold** *italic*", "emphasis"},
	{"- item", "a list; 1. makes a numbered one"},
	{"[text](https://…)", "a link"},
	{"`code`", "code; three backticks before and after make a block"},
	{"> quoted", "a quotation"},
	{"$x^2$", "a formula in LaTeX; $$ before and after make it stand alone"},
}

// markdownHelp folds the examples away below a text area.
func markdownHelp() app.UI {
	return app.Details().Class("md-help").Body(
		app.Summary().Body(Icon("chevron-right"), text("Formatting with Markdown")),
		app.Dl().Body(app.Range(markdownExamples).Slice(func(i int) app.UI {
			e := markdownExamples[i]
			return app.Div().Body(app.Dt().Body(app.Code().Text(e.write)), app.Dd().Text(e.get))
		})),
	)
}
