package ui

import (
	"fmt"
	"html"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// gapPage shows what students ask the tutor, and where the material leaves them alone (TUTOR-26).
type gapPage struct {
	app.Compo
	inCourse
	report Remote[lms.GapReport]
}

// OnNav loads the report of the course.
func (p *gapPage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	if p.enter(ctx) {
		p.report.Reset()
	}
	p.load(ctx)
}

func (p *gapPage) load(ctx app.Context) {
	p.report.Load(ctx, Call(api.GetTutorGaps, api.GapInput{Course: p.id}))
}

// Render draws the page.
func (p *gapPage) Render() app.UI {
	return p.frame(&Shell{Title: "What students ask", Active: "questions", Wide: true,
		Back: Crumbs(p.label(), CoursePath(p.id), "Questions and tutor", CoursePath(p.id, "questions")),
		Content: app.Div().Class("stack").Body(
			tutorTabs(p.id, CoursePath(p.id, "tutor", "gaps")),
			p.report.View(8, p.load, p.view),
		)})
}

func (p *gapPage) view(r lms.GapReport) app.UI {
	if r.Asked == 0 {
		return Empty("message-circle", "No questions yet", "As soon as students ask the tutor, this shows what about, and where the materials have no answer.")
	}
	export, _ := api.PathOf(api.ExportTutorGaps, api.GapInput{Course: p.id})
	return app.Div().Class("stack").Body(
		app.P().Class("muted").Text(plural(r.Asked, "question")+" of "+plural(r.Students, "student")+cond(r.Cut, ", the latest ones", "")+
			". Groups of fewer than "+itoa(lms.MinGroup)+" students are merged, so that nobody can be told apart. The first part of a bar, in another colour, had no passage."),
		app.Div().Class("gap-grid").Body(
			Card("By week", nil, app.Raw(gapBars("Questions by week", r.Weeks)), gapItems("Week", r.Weeks)),
			Card("By page and assignment", nil, app.Raw(gapBars("Questions by page and assignment", r.Items)), gapItems("About", r.Items)),
			Card("The materials have no answer", nil, gapGroups(r.Unanswered)),
			Card("The answer did not help", nil, gapGroups(r.Unhelpful)),
			Card("Asked most", nil, gapGroups(r.Frequent)),
			Card("Cited most", nil, p.passages(r.Passages)),
		),
		app.Div().Class("actions").Body(app.A().Class("btn").Href(export).Attr("download", "questions.csv").Body(Icon("download"), text("Download as CSV"))),
	)
}

// gapBars draws counts as bars, the part without a passage in another colour. The table beside it holds the same figures.
func gapBars(label string, items []lms.GapItem) string {
	const row, width = 26, 300
	top := 1
	for _, x := range items {
		top = max(top, x.Count)
	}
	var b strings.Builder
	fmt.Fprintf(&b, `<svg class="gap-bars" viewBox="0 0 %d %d" role="img" aria-label="%s">`, width+44, max(len(items), 1)*row, html.EscapeString(label+"; the table below holds the figures"))
	for i, x := range items {
		all, none := x.Count*width/top, x.NoPassage*width/top
		fmt.Fprintf(&b, `<rect class="gap-bar" x="0" y="%d" width="%d" height="18" rx="3"/><rect class="gap-none" x="0" y="%d" width="%d" height="18" rx="3"/><text x="%d" y="%d">%d</text>`,
			i*row+4, max(all, 1), i*row+4, none, all+6, i*row+18, x.Count)
	}
	b.WriteString(`</svg>`)
	return b.String()
}

func gapItems(first string, items []lms.GapItem) app.UI {
	rows := make([][]string, len(items))
	for i, x := range items {
		rows[i] = []string{cond(x.Title != "", x.Title, "The course as a whole"), itoa(x.Count), itoa(x.NoPassage), itoa(x.Unhelpful)}
	}
	return gapTable([]string{first, "Questions", "No passage", "Unhelpful"}, rows)
}

func gapGroups(groups []lms.GapGroup) app.UI {
	rows := make([][]string, len(groups))
	for i, g := range groups {
		rows[i] = []string{cond(len(g.Words) > 0, strings.Join(g.Words, ", "), "Others, merged"), itoa(g.Count), itoa(g.Students)}
	}
	return gapTable([]string{"Words", "Questions", "Students"}, rows)
}

func (p *gapPage) passages(list []lms.GapPassage) app.UI {
	rows := make([][]string, len(list))
	for i, x := range list {
		rows[i] = []string{x.Place, itoa(x.Count), itoa(x.Students)}
	}
	return gapTable([]string{"Place", "Answers", "Students"}, rows)
}

func gapTable(head []string, rows [][]string) app.UI {
	if len(rows) == 0 {
		return app.P().Class("muted").Text("Nothing yet.")
	}
	return app.Div().Class("table-wrap").TabIndex(0).Role("group").Aria("label", "Table by "+strings.ToLower(head[0])).Body(app.Table().Class("table").Body(
		app.THead().Body(app.Tr().Body(app.Range(head).Slice(func(i int) app.UI { return app.Th().Scope("col").Class(cond(i > 0, "num", "")).Text(head[i]) }))),
		app.TBody().Body(app.Range(rows).Slice(func(i int) app.UI {
			return app.Tr().Body(app.Range(rows[i]).Slice(func(j int) app.UI {
				if j == 0 {
					return app.Th().Scope("row").Class("break").Attr("dir", "auto").Text(rows[i][0])
				}
				return app.Td().Class("num").Text(rows[i][j])
			}))
		}))))
}
