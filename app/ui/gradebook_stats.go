package ui

import (
	"fmt"
	"html"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// statisticsPage shows how the marks of the class are spread.
type statisticsPage struct {
	app.Compo
	inCourse
	stats Remote[lms.ClassStatistics]
}

// OnNav loads the statistics of the course.
func (p *statisticsPage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	if p.enter(ctx) {
		p.stats.Reset()
	}
	p.load(ctx)
}

func (p *statisticsPage) load(ctx app.Context) {
	p.stats.Load(ctx, Call(api.GetStatistics, api.CoursePath{Course: p.id}))
}

// Render draws the page.
func (p *statisticsPage) Render() app.UI {
	return p.frame(&Shell{Title: "Statistics", Active: "grades", Wide: true, Back: Crumbs(p.label(), CoursePath(p.id)),
		Content: stackOf(gradeTabs(p.id, p.staff(), true, CoursePath(p.id, "grades", "statistics")), p.stats.View(6, p.load, p.view))})
}

func (p *statisticsPage) view(s lms.ClassStatistics) app.UI {
	all := s.Items
	if s.Total != nil {
		all = append([]lms.Statistics{*s.Total}, all...)
	}
	words := "Of posted marks, where there are at least five."
	if p.staff() {
		words = "Of all marks, also those that are not posted. " + cond(s.Released, "Students see those of at least five posted marks.", "Students do not see them.")
	}
	var rows [][]string
	for _, i := range all {
		rows = append(rows, []string{i.Title, itoa(i.Count), i.Mean.String(), i.Median.String(), i.Lower.String(), i.Upper.String(), i.Min.String(), i.Max.String(), i.Possible.String()})
	}
	return stackOf(
		mutedText(words),
		when(s.Usage != nil, func() app.UI { return usageCard(*s.Usage) }),
		app.If(len(all) == 0, func() app.UI {
			return Empty("graduation-cap", "No statistics yet", "They appear as soon as there are enough marks.")
		}).Else(func() app.UI {
			return stackOf(
				app.Div().Class("gap-grid").Body(app.Range(all).Slice(func(i int) app.UI { return p.card(all[i]) })),
				Card("All figures", nil, gapTable([]string{"Column", "Marks", "Mean", "Median", "Lower quartile", "Upper quartile", "Lowest", "Highest", "Possible"}, rows)))
		}),
	)
}

func usageCard(u lms.Usage) app.UI {
	return Card("Last 30 days", nil, Facts(
		Fact{"Active students", text(itoa(u.Active) + " of " + itoa(u.Members) + " handed in, asked or replied")},
		Fact{"Questions", text(itoa(u.Questions) + " to the staff or the tutor")},
		Fact{"Hand-ins", text(plural(u.Handed, "attempt"))},
	))
}

func (p *statisticsPage) card(s lms.Statistics) app.UI {
	words := "Mean " + s.Mean.String() + ", median " + s.Median.String() + ", half of them between " + s.Lower.String() + " and " + s.Upper.String() + ", of " + s.Possible.String() + "."
	if s.Levels != nil {
		words += fmt.Sprintf(" Levels: %d advanced, %d intermediate, %d beginner.", s.Levels[lms.LevelAdvanced], s.Levels[lms.LevelIntermediate], s.Levels[lms.LevelBeginner])
	}
	return Card(s.Title, nil, app.Raw(histogram(s)), app.P().Class("fine").Text(words))
}

// histogram draws how many marks lie in each tenth. The table below holds the figures.
func histogram(s lms.Statistics) string {
	const width, height, step = 320, 96, 32
	top := 1
	for _, n := range s.Bins {
		top = max(top, n)
	}
	var parts []string
	var b strings.Builder
	for i, n := range s.Bins {
		h := n * (height - 18) / top
		fmt.Fprintf(&b, `<rect class="gap-bar" x="%d" y="%d" width="26" height="%d" rx="3"/>`, i*step+3, height-h, max(h, 1))
		if n > 0 {
			fmt.Fprintf(&b, `<text x="%d" y="%d" text-anchor="middle">%d</text>`, i*step+16, height-h-4, n)
		}
		fmt.Fprintf(&b, `<text class="fine" x="%d" y="%d" text-anchor="middle">%d</text>`, i*step+16, height+14, i*10)
		parts = append(parts, fmt.Sprintf("%d from %d %%", n, i*10))
	}
	return fmt.Sprintf(`<svg class="gap-bars" viewBox="0 0 %d %d" role="img" aria-label="%s">%s</svg>`, width, height+18,
		html.EscapeString(s.Title+", marks in tenths of what is possible: "+strings.Join(parts, ", ")), b.String())
}
