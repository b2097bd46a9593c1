package ui

import (
	"context"
	"encoding/base64"
	"fmt"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// rosterPage imports a roster file: choose it, say what its columns mean, look at what it would do, apply exactly that.
type rosterPage struct {
	app.Compo
	inCourse
	name    string
	in      api.RosterInput
	plan    *lms.RosterPlan
	result  *lms.RosterResult
	busy    bool
	undone  bool
	stale   bool // the roster changed between preview and apply
	problem Problem
}

func (p *rosterPage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	if p.enter(ctx) {
		p.reset()
	}
}

func (p *rosterPage) reset() {
	p.name, p.plan, p.result, p.undone, p.stale, p.problem, p.in = "", nil, nil, false, false, Problem{}, api.RosterInput{Course: p.id}
}

func (p *rosterPage) Render() app.UI {
	return p.frame(&Shell{Title: "Import a roster", Active: "people", Back: Crumbs("People", CoursePath(p.id, "people")),
		Content: app.If(!p.ready(), func() app.UI { return Skeleton(4) }).ElseIf(!p.instructor() || p.readOnly(), func() app.UI {
			return Notice("info", "Only instructors of a course that has not ended import its roster.")
		}).Else(func() app.UI {
			return app.Div().Class("stack", "stack-wide").Body(
				p.problem.Alert(),
				app.If(p.result != nil, p.done).ElseIf(p.plan != nil, p.preview).Else(p.choose))
		})})
}

func (p *rosterPage) choose() app.UI {
	input := app.Input().Type("file").ID("file").Class("input").Attr("accept", ".csv,.tsv,.txt,text/csv").Aria("describedby", "file-help").OnChange(p.picked)
	return Card("1. The file", nil, app.Div().Class("stack").Body(
		app.Div().Class("field").Body(
			app.Label().Class("label").For("file").Text("A CSV file with one line for each person"),
			input,
			app.P().Class("help").ID("file-help").Text("UTF-8, with a header line, separated by comma, semicolon or tab. "+
				"People are found by external id, then user name, then mail address, never by name. A column with passwords is not read.")),
		app.If(p.busy, func() app.UI { return Skeleton(2) }),
		app.Div().Body(app.P().Class("label").Text("An example"),
			app.Div().Class("plain", "mono", "panel", "break").Text("id,login,mail,name,section,role\n1001,ada,ada@example.org,Ada King,Monday,student\n1002,bob,bob@example.org,\"Ross, Bob\",Tuesday,ta")),
	))
}

func (p *rosterPage) picked(ctx app.Context, _ app.Event) {
	files := pickedFiles("file")
	if len(files) == 0 || p.busy {
		return
	}
	f := files[0]
	if f.Size() > lms.MaxRosterBytes {
		p.problem = Problem{Message: "A roster has at most " + lms.FormatBytes(lms.MaxRosterBytes) + ", and this file has " + lms.FormatBytes(f.Size()) + ". Split it."}
		return
	}
	p.reset()
	p.name, p.busy = f.Name(), true
	Async(ctx, func(context.Context) ([]byte, error) {
		if f.Size() == 0 {
			return nil, nil
		}
		return f.Slice(0)
	}, func(ctx app.Context, data []byte, err error) {
		p.busy = false
		if err != nil {
			p.problem = Problem{Message: "The browser could not read the file. Choose it again."}
			return
		}
		p.in.File = base64.StdEncoding.EncodeToString(data)
		p.look(ctx)
	})
}

// look asks what the file would do.
func (p *rosterPage) look(ctx app.Context) {
	p.busy, p.problem = true, Problem{}
	Async(ctx, Call(api.PreviewRoster, p.in), func(ctx app.Context, plan lms.RosterPlan, err error) {
		p.busy = false
		if err != nil {
			p.problem = ProblemOf(err)
			return
		}
		p.plan = &plan
		p.in.Fields = make([]lms.RosterField, len(plan.Columns))
		for i, c := range plan.Columns {
			p.in.Fields[i] = c.Field
		}
	})
}

var rosterFieldNames = map[lms.RosterField]string{lms.RosterExternalID: "External id", lms.RosterLogin: "User name", lms.RosterMail: "Mail address", lms.RosterName: "Name",
	lms.RosterFirstName: "First name", lms.RosterLastName: "Last name", lms.RosterRole: "Role", lms.RosterSection: "Section"}

func (p *rosterPage) preview() app.UI {
	v := p.plan
	options := []Option{{Label: "Not used"}}
	for _, f := range lms.RosterFields {
		options = append(options, Option{Value: string(f), Label: rosterFieldNames[f]})
	}
	work := len(v.Adds) + len(v.Changes) + len(v.Drops)
	return app.Div().Class("stack", "stack-wide").Body(
		app.If(p.stale, func() app.UI {
			return Notice("warn", "The roster has changed since you looked at it. Nothing was applied. This is the new preview.")
		}),
		Card("1. The file", nil, app.Div().Class("stack").Body(
			app.P().Text(p.name+": "+cond(v.Rows == 1, "1 person", itoa(v.Rows)+" people")+"."),
			app.Div().Class("actions").Body(Button("Choose another file", "upload", func(app.Context, app.Event) { p.reset() })))),
		Card("2. What the columns mean", nil, app.Div().Class("stack").Body(
			app.Div().Class("columns").Body(app.Range(v.Columns).Slice(func(i int) app.UI {
				c := v.Columns[i]
				id := "column-" + itoa(i)
				return Select(Field{ID: id, Label: cond(c.Header != "", c.Header, "Column "+itoa(i+1)), Help: cond(c.Sample != "", "such as "+c.Sample, ""), Value: string(p.in.Fields[i]),
					On: func(ctx app.Context, _ app.Event) {
						p.in.Fields[i] = lms.RosterField(ctx.JSSrc().Get("value").String())
						p.look(ctx)
					}}, options...)
			})),
			Checkbox(Field{ID: "drop", Label: "Deactivate students who are not in the file", Help: "Their work is kept and comes back with the membership. Staff and observers always stay.",
				On: func(ctx app.Context, _ app.Event) { p.in.Drop = Checked(ctx); p.look(ctx) }}, p.in.Drop))),
		app.Div().Class("stack").Aria("live", "polite").Body(
			app.H2().Text("3. What happens"),
			rosterLines("Errors", "bad", v.Errors),
			rosterLines("Join", "good", v.Adds),
			rosterLines("Change", "info", v.Changes),
			rosterLines("Are deactivated", "warn", v.Drops),
			app.If(len(v.NewSections) > 0, func() app.UI { return Notice("info", "New sections: "+joinSome(v.NewSections)+".") }),
			app.If(v.Same > 0, func() app.UI {
				return app.P().Class("muted").Text(cond(v.Same == 1, "1 person stays as they are.", itoa(v.Same)+" people stay as they are."))
			})),
		p.applyBar(work),
	)
}

func (p *rosterPage) applyBar(work int) app.UI {
	v := p.plan
	switch {
	case len(v.Errors) > 0:
		return Notice("warn", "Nothing can be applied while lines have errors: correct them in the file, or choose other columns above. All of a file is applied, or nothing.")
	case work == 0:
		return Notice("good", "The roster is already as in the file. There is nothing to do.", app.Div().Class("actions").Body(LinkButton("Back to the people", "", CoursePath(p.id, "people"))))
	}
	label := "Apply " + plural(work, "change")
	b := Primary(label, "check", p.apply)
	if p.busy {
		b = b.Disabled(true).Aria("busy", true)
	}
	return app.Div().Class("actions").Body(b, LinkButton("Cancel", "", CoursePath(p.id, "people")))
}

// rosterLines lists one kind of what a file does; a long list is cut, its number is not.
func rosterLines(title, tone string, lines []lms.RosterLine) app.UI {
	const most = 100
	return app.If(len(lines) > 0, func() app.UI {
		return Card(fmt.Sprintf("%s (%d)", title, len(lines)), nil, app.Div().Body(
			RowsOf(lines[:min(len(lines), most)], func(l lms.RosterLine) app.UI {
				who := cond(l.Name != "", l.Name, l.Login)
				if who == "" {
					who = "Line " + itoa(l.Line)
				} else if l.Name != "" && l.Login != "" {
					who += " (" + l.Login + ")"
				}
				return RowWith(Icon(toneIcons[tone]), who, l.Detail, app.If(l.Line > 0, func() app.UI { return Badge("line "+itoa(l.Line), tone) }))
			}),
			app.If(len(lines) > most, func() app.UI {
				return app.P().Class("card-foot", "fine").Text(fmt.Sprintf("and %d more", len(lines)-most))
			})))
	})
}

// joinSome joins the first few of a list.
func joinSome(items []string) string {
	out := ""
	for i, s := range items {
		if i == 10 {
			return out + fmt.Sprintf(" and %d more", len(items)-i)
		}
		if i > 0 {
			out += ", "
		}
		out += s
	}
	return out
}

func (p *rosterPage) apply(ctx app.Context, _ app.Event) {
	if p.busy {
		return
	}
	p.busy, p.stale, p.problem = true, false, Problem{}
	Async(ctx, Call(api.ApplyRoster, api.ApplyRosterInput{RosterInput: p.in, Token: p.plan.Token}), func(ctx app.Context, r lms.RosterResult, err error) {
		p.busy = false
		if lms.KindOf(err) == lms.KindConflict {
			p.stale = true
			p.look(ctx)
			return
		}
		if err != nil {
			p.problem = ProblemOf(err)
			return
		}
		p.result = &r
		Focus(ctx, "page-title")
	})
}

// undo takes the import back.
func (p *rosterPage) undo(ctx app.Context, _ app.Event) {
	p.busy, p.problem = true, Problem{}
	Async(ctx, Call(api.UndoRoster, api.CoursePath{Course: p.id}), func(ctx app.Context, _ lms.RosterResult, err error) {
		p.busy, p.undone, p.problem = false, err == nil, ProblemOf(err)
	})
}

func (p *rosterPage) done() app.UI {
	r := p.result
	if p.undone {
		return app.Div().Class("stack").Role("status").Body(
			Notice("good", "The import is taken back: the members are as they were. New accounts and sections stay."),
			app.Div().Class("actions").Body(PrimaryLink("To the people", "users", CoursePath(p.id, "people"))))
	}
	return app.Div().Class("stack").Role("status").Body(
		Notice("good", "The roster is applied."),
		Facts(Fact{"Joined", app.Text(itoa(r.Added))}, Fact{"With a new account", app.Text(itoa(r.NewAccounts))}, Fact{"Changed", app.Text(itoa(r.Changed))},
			Fact{"Deactivated", app.Text(itoa(r.Dropped))}, Fact{"New sections", app.Text(itoa(r.NewSections))}),
		app.If(r.NewAccounts > 0, func() app.UI {
			return Notice("info", "The new accounts have no password yet. On the page of the people you make a link for each of them, with which they choose one.")
		}),
		app.Div().Class("actions").Body(PrimaryLink("To the people", "users", CoursePath(p.id, "people")),
			Button("Import another file", "upload", func(app.Context, app.Event) { p.reset() }),
			Busy(Quiet("Take it back", "refresh-cw", p.undo), p.busy)))
}
