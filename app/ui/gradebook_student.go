package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/lms"
)

// studentView is a student's own row and how each number was made.
func (p *gradebookPage) studentView(g lms.StudentGrades) app.UI {
	if len(g.Items) == 0 {
		return Empty("graduation-cap", "No grades yet", "Assignments and grades appear here as soon as they are published.")
	}
	return stackOf(
		studentTotals(g),
		when(len(g.Current.Parts) > 0, func() app.UI { return howMade(g) }),
		Card("Marks", nil, app.Ul().Class("rows").Body(app.Range(g.Items).Slice(func(i int) app.UI { return p.gradeRow(g, g.Items[i]) }))),
	)
}

func studentTotals(g lms.StudentGrades) app.UI {
	figure := func(label, value, help string) app.UI {
		return app.Div().Class("figure").Body(app.Span().Class("muted").Text(label), app.Strong().Text(value), app.Span().Class("fine").Text(help))
	}
	final := figure("Final total", cond(g.Final.Percent != "", g.Final.Percent+" %", "–"), "If nothing more is handed in: what is not graded counts 0.")
	if g.Override != nil {
		final = figure("Final total", g.Override.String()+" %", "Set by staff. Computed: "+cond(g.Final.Percent != "", g.Final.Percent+" %", "nothing yet")+".")
	}
	return app.Div().Class("figures").Body(
		figure("Current total", cond(g.Current.Percent != "", g.Current.Percent+" %", "–"), "Of what is graded so far."),
		final,
		when(g.Letter != "", func() app.UI { return figure("Letter", g.Letter, "By the scale of the course.") }),
		when(g.PassMark != nil && g.Current.Percent != "", func() app.UI {
			return figure("Pass mark", cond(g.Passed, "Passed", "Not reached"), "From "+g.PassMark.String()+" %.")
		}),
		figure("Level", levelName(g.Level), "What the tutor explains by."),
	)
}

// howMade shows the weights and what each category brings.
func howMade(g lms.StudentGrades) app.UI {
	table := func(t lms.BookTotal) app.UI {
		var rows [][]string
		for _, c := range t.Parts {
			rows = append(rows, []string{c.Name, c.Earned, c.Possible.String(), c.Percent + " %", c.Weight.String() + " %"})
		}
		return gapTable([]string{"Category", "Points", "Possible", "Ratio", "Weight"}, rows)
	}
	words := "Each category's ratio counts by its weight."
	if g.Current.Weights != 100_00 {
		words += " The weights that count now add up to " + g.Current.Weights.String() + " %" + cond(g.Current.Weights < 100_00, ", so the sum is divided by that.", ".")
	}
	for _, c := range g.Categories {
		if c.DropLowest+c.DropHighest > 0 {
			words += " " + c.Name + ": " + cond(c.DropLowest > 0, "the "+itoa(c.DropLowest)+" lowest", "") + cond(c.DropLowest > 0 && c.DropHighest > 0, " and ", "") +
				cond(c.DropHighest > 0, "the "+itoa(c.DropHighest)+" highest", "") + " dropped."
		}
	}
	return Card("How the current total is made", nil, stackOf(mutedText(words), app.Div().Body(table(g.Current))))
}

func (p *gradebookPage) gradeRow(g lms.StudentGrades, i lms.GradeItem) app.UI {
	parts := []string{}
	for _, c := range g.Categories {
		if c.ID == i.CategoryID {
			parts = append(parts, c.Name)
		}
	}
	add := func(on bool, s string) {
		if on {
			parts = append(parts, s)
		}
	}
	add(!i.DueAt.IsZero(), "due "+FormatTimeIn(i.DueAt, p.course.Value.Zone))
	add(i.ExtraCredit, "extra credit")
	add(i.Scored.Graded && i.Scored.Deduction > 0, "given "+i.Scored.Raw.String()+", late − "+i.Scored.Deduction.String()+", counts "+i.Scored.Final.String())
	add(i.Policy != "", i.Policy)
	add(i.Dropped, "dropped: it is not in the current total")
	add(i.DroppedFinal && !i.Dropped, "dropped from the final total")
	add(!i.ChangedAt.IsZero(), "changed on "+FormatTime(i.ChangedAt))
	label, tone, value := "", "", ""
	switch i.State {
	case "excused":
		label, value = "Excused", "does not count"
	case "missing":
		label, tone, value = "Missing", "bad", cond(i.Scored.Graded, i.Scored.Final.String()+" / "+i.Possible.String(), "– / "+i.Possible.String())
	case "submitted":
		label, tone, value = "Handed in", "info", "– / "+i.Possible.String()
	case "graded":
		if value = i.Scored.Final.String() + " / " + i.Possible.String(); i.Shown != "" {
			value = cond(i.GradeType == lms.GradeLetter, i.Shown+" · "+value, i.Shown)
		}
	default:
		value = "– / " + i.Possible.String()
	}
	if i.Blind {
		label, tone, value = "Marked blind", "", "not known yet"
	}
	if i.Late && label == "" {
		label, tone = "Late", "warn"
	}
	meta := ""
	for n, s := range parts {
		meta += cond(n > 0, " · ", "") + s
	}
	if i.Manual {
		return RowWith(Icon("graduation-cap"), i.Title, meta, when(label != "", func() app.UI { return Badge(label, tone) }), app.Span().Class("row-aside").Text(value))
	}
	return &Row{ID: i.ID, Href: CoursePath(p.id, "assignments", i.ID), Icon: "clipboard", Title: i.Title, Meta: meta, Badge: label, Tone: tone, Aside: value}
}
