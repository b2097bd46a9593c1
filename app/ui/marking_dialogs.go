package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// dialogs draws the dialog that is open.
func (p *submissionsPage) dialogs() app.UI {
	switch p.open {
	case "post":
		return &postDialog{page: p, Which: "graded"}
	case "reveal":
		return Confirm("reveal", "Reveal whose work this is?", "From then on all staff see the names, and the grades are in the gradebook. This cannot be taken back, and it is recorded. Students see nothing of it until you post the grades.",
			"Reveal the identities", p.reveal, p.close)
	case "hide":
		return &postDialog{page: p, Hide: true, Which: "graded"}
	case "marking":
		if !p.marking.Ready {
			return nil
		}
		return &markingDialog{page: p}
	case "feedback":
		return &feedbackDialog{page: p}
	}
	return nil
}

// reveal ends the blind marking.
func (p *submissionsPage) reveal(ctx app.Context) {
	p.open, p.posting = "", true
	Async(ctx, Call(api.RevealIdentities, api.AssignmentPath{Course: p.id, Assignment: p.as}), func(ctx app.Context, _ lms.Assignment, err error) {
		p.posting = false
		if err != nil {
			ToastError(ctx, err)
		} else {
			Toast(ctx, "good", "The names show now. Post the grades when you are ready.")
		}
		p.load(ctx)
	})
}

func (p *submissionsPage) close(app.Context) { p.open = "" }

// postDialog asks whose grades are posted, or hidden again.
type postDialog struct {
	app.Compo
	Hide  bool
	Which string // graded, everyone, or the id of a section; kept while the dialog is open
	which string
	page  *submissionsPage
}

// Render draws the dialog.
func (d *postDialog) Render() app.UI {
	p := d.page
	unposted := p.counts.Value.Unposted + p.counts.Value.Entered
	var options []Option
	if d.Hide {
		options = []Option{{Value: "graded", Label: "All", Help: "Nobody sees grades, feedback, comments of staff and annotations any more. Drafts stay. Posting becomes manual."}}
	} else {
		options = []Option{{Value: "graded", Label: "Graded work only", Help: plural(unposted, "grade") + " become visible with feedback, comments and annotations, also marks for work on paper and excuses."},
			{Value: "everyone", Label: "Everyone", Help: "The same; and what you grade later shows at once."}}
	}
	for _, s := range p.marking.Value.Sections {
		options = append(options, Option{Value: s.ID, Label: "Section " + s.Title})
	}
	which := cond(d.which != "", d.which, d.Which)
	title, action := "Post grades?", "Post"
	if d.Hide {
		title, action = "Hide grades?", "Hide"
	}
	return NewDialog("post-all", title, p.close, DialogForm(d.submit, p.close, Submit(action, action, p.posting),
		Radios(Field{ID: "which", Label: "Whose", Value: which, On: func(ctx app.Context, _ app.Event) { d.which = ctx.JSSrc().Get("value").String() }}, options...)))
}

func (d *postDialog) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	p := d.page
	which := cond(d.which != "", d.which, d.Which)
	section := cond(which == "graded" || which == "everyone", "", which)
	p.open, p.posting = "", true
	done := func(ctx app.Context, message string, err error) {
		p.posting = false
		if err != nil {
			ToastError(ctx, err)
		} else {
			Toast(ctx, "good", message)
		}
		p.load(ctx)
	}
	if d.Hide {
		Async(ctx, Call(api.HideGrades, api.HideGradesInput{Course: p.id, Assignment: p.as, Section: section}), func(ctx app.Context, out api.HideGradesOutput, err error) {
			done(ctx, plural(out.Hidden, "grade")+" hidden. The students do not see them any more.", err)
		})
		return
	}
	in := api.PostGradesInput{Course: p.id, Assignment: p.as, Section: section, Everyone: which == "everyone"}
	Async(ctx, Call(api.PostGrades, in), func(ctx app.Context, out api.PostGradesOutput, err error) {
		done(ctx, plural(out.Posted, "grade")+" posted. The students see them now.", err)
	})
}

// markingDialog changes how the assignment is marked.
type markingDialog struct {
	app.Compo
	page    *submissionsPage
	in      api.MarkingInput
	rubrics Remote[api.Page[lms.Rubric]]
	saving  bool
	problem Problem
}

// OnMount takes what is there.
func (d *markingDialog) OnMount(ctx app.Context) {
	m := d.page.marking.Value
	d.in = api.MarkingInput{Course: d.page.id, Assignment: d.page.as, Posting: m.Posting, RubricID: m.RubricID, RubricShown: m.RubricShown, Version: m.Version}
	d.rubrics.Load(ctx, Call(api.ListRubrics, api.CoursePath{Course: d.page.id}))
}

// Render draws the dialog.
func (d *markingDialog) Render() app.UI {
	p := d.page
	rubrics := []Option{{Value: "", Label: "No rubric"}}
	listed := false
	for _, r := range d.rubrics.Value.Items {
		listed = listed || r.ID == d.in.RubricID
		rubrics = append(rubrics, Option{Value: r.ID, Label: r.Title + ", " + r.Possible().String() + " points"})
	}
	if r := p.marking.Value.Rubric; r != nil && !listed {
		rubrics = append(rubrics, Option{Value: r.ID, Label: r.Title})
	}
	value := func(ctx app.Context) string { return ctx.JSSrc().Get("value").String() }
	return NewDialog("marking", "Marking", p.close, DialogForm(d.save, p.close, Submit("Save", "Saving", d.saving),
		d.problem.Alert(),
		Radios(Field{ID: "posting", Label: "Students see them", Value: string(d.in.Posting), On: func(ctx app.Context, _ app.Event) {
			d.in.Posting = lms.Posting(value(ctx))
		}}, Option{Value: "manual", Label: "When they are posted", Help: "Nothing shows before, anywhere."},
			Option{Value: "automatic", Label: "As soon as the marker goes on", Help: "Drafts that are there already stay hidden until they are posted."}),
		Select(Field{ID: "rubricId", Label: "Rubric", Value: d.in.RubricID, Error: d.problem.For("rubricId"), On: func(ctx app.Context, _ app.Event) { d.in.RubricID = value(ctx) }}, rubrics...),
		app.P().Class("fine").Body(app.A().Href(CoursePath(p.id, "rubrics")).Text("Make or change rubrics")),
		app.If(d.in.RubricID != "", func() app.UI {
			return Checkbox(Field{ID: "rubricShown", Label: "Students see the rubric before they hand in", On: func(ctx app.Context, _ app.Event) { d.in.RubricShown = Checked(ctx) }}, d.in.RubricShown)
		}),
	))
}

func (d *markingDialog) save(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if d.saving {
		return
	}
	d.saving = true
	Async(ctx, Call(api.UpdateMarking, d.in), func(ctx app.Context, m lms.Marking, err error) {
		d.saving = false
		if err != nil {
			Fail(ctx, err, &d.problem)
			return
		}
		d.page.marking.Set(m)
		d.page.open = ""
		Toast(ctx, "good", "Saved.")
	})
}
