package ui

import (
	"slices"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// askForm takes a question. What is typed stays on the device until a node has acknowledged it.
type askForm struct {
	app.Compo
	Course string
	About  string // material that the question is about
	Staff  bool
	Title  string // of that material
	Start  string // key of the starter to begin with
	Known  bool   // Tutor is known
	Tutor  api.TutorStatus

	changed func(app.Context) // the choice or the quota is another one

	course  string // the course that in belongs to
	in      api.QuestionInput
	busy    bool
	problem Problem
	started string // starter that has been written into the text
}

// OnMount brings back an unsent question.
func (f *askForm) OnMount(ctx app.Context) {
	f.restore(ctx)
	f.begin(ctx)
}

// OnUpdate does so when the page has moved to another course.
func (f *askForm) OnUpdate(ctx app.Context) {
	if f.course != f.Course {
		f.restore(ctx)
	}
	f.begin(ctx)
}

// begin writes the starter of the address into an empty text, once the title of the material is known.
func (f *askForm) begin(ctx app.Context) {
	if f.Start == "" || f.started == f.Start+f.About || f.About != "" && f.Title == "" {
		return
	}
	f.started = f.Start + f.About
	if trimSpace(f.in.Body) == "" {
		f.start(ctx, f.Start)
	}
}

// start puts a starter into the text, to be changed or sent as it is.
func (f *askForm) start(ctx app.Context, key string) {
	f.in.To, f.in.Body = lms.ToTutor, starterText(key, f.Title)
	f.keep(ctx)
	SetValue("ask-body", f.in.Body)
	Focus(ctx, "ask-body")
}

// off reports whether the instructors have switched the tutor off.
func (f *askForm) off() bool { return f.Known && !f.Tutor.Enabled }

// toTutor reports whether the question goes to the tutor.
func (f *askForm) toTutor() bool { return f.in.To != lms.ToStaff && !f.off() }

func (f *askForm) restore(ctx app.Context) {
	f.course, f.problem = f.Course, Problem{}
	f.in = api.QuestionInput{}
	if !loadDraft(ctx, f.key(), &f.in) || f.in.ID == "" {
		f.in = api.QuestionInput{To: lms.ToTutor, Visibility: lms.VisibleCourse}
		f.in.ID, f.in.ReplyID = lms.NewID(), lms.NewID()
		SetValue("ask-title", "")
		SetValue("ask-body", "")
	}
	f.in.Course = f.Course
}

func (f *askForm) key() string { return draftKey("question", f.Course) }

func (f *askForm) keep(ctx app.Context) { keepDraft(ctx, f.key(), f.in) }

// Render draws the form.
func (f *askForm) Render() app.UI {
	tutor := f.toTutor()
	return app.Form().Class("ask", "card").OnSubmit(f.submit).Body(
		app.If(!f.off(), func() app.UI {
			return app.Div().Class("segments").Role("radiogroup").Aria("label", "Whom to ask").Body(
				f.segment(lms.ToTutor, "sparkles", "Tutor", "answers at once from the materials"),
				f.segment(lms.ToStaff, "users", "Instructors", "a person answers"),
			)
		}),
		app.Div().Class("ask-fields", "stack").Body(
			f.problem.Alert("title", "body", "visibility"),
			app.If(f.About != "" && f.Title != "", f.aboutLine),
			app.If(!tutor, func() app.UI {
				return Input(Field{ID: "ask-title", Label: "Title", Value: f.in.Title, Error: f.problem.For("title"), On: func(ctx app.Context, _ app.Event) {
					f.in.Title = ctx.JSSrc().Get("value").String()
					f.keep(ctx)
				}})
			}),
			app.If(tutor && f.Known, f.choices),
			TextArea(Field{ID: "ask-body", Label: cond(tutor, "Your question", "Details"), Optional: !tutor, Rows: cond(tutor, 3, 5), Value: f.in.Body,
				Placeholder: cond(tutor, "Ask about anything in the materials of this course", ""), Help: f.reader(),
				Error: f.problem.For("body") + cond(tutor, f.problem.For("title"), ""),
				On: func(ctx app.Context, _ app.Event) {
					f.in.Body = ctx.JSSrc().Get("value").String()
					f.keep(ctx)
				}}),
			app.If(tutor && f.Known, f.starters),
			app.If(tutor && f.Known, func() app.UI { return noticeView(f.Tutor) }),
			f.end(tutor),
		),
	)
}

func (f *askForm) end(tutor bool) app.UI {
	return app.Div().Class("ask-end").Body(
		app.If(!tutor, func() app.UI {
			return Checkbox(Field{ID: "ask-private", Label: "Only the instructors may read it", On: func(ctx app.Context, _ app.Event) {
				f.in.Visibility = cond(Checked(ctx), lms.VisibleStaff, lms.VisibleCourse)
				f.keep(ctx)
			}}, f.in.Visibility == lms.VisibleStaff)
		}).ElseIf(f.Known, func() app.UI { return quotaView(f.Tutor) }),
		Submit(cond(tutor, "Ask the tutor", "Ask the instructors"), "Sending", f.busy),
	)
}

// aboutLine names the material that is searched first.
func (f *askForm) aboutLine() app.UI {
	return app.P().Class("about-line").Body(Icon("book-open"), text("About "), app.A().Href(CoursePath(f.Course, "materials", f.About)).Attr("dir", "auto").Text(f.Title),
		app.A().Class("fine").Href(CoursePath(f.Course, "questions")).Text("Ask about the whole course"))
}

// choices are how the tutor helps and for whom it writes: what is in force is shown, and what is allowed can be chosen.
func (f *askForm) choices() app.UI {
	var modes []Option
	for _, o := range modeOptions {
		if slices.Contains(f.Tutor.Modes, lms.TutorMode(o.Value)) {
			modes = append(modes, o)
		}
	}
	levels := []Option{{"", "From my grades: " + levelName(f.Tutor.Level), ""}}
	if f.Tutor.Chosen.Level != "" {
		levels[0].Label = "From my grades"
	}
	return app.Div().Class("choices").Body(
		app.If(len(modes) > 1, func() app.UI {
			return Select(Field{ID: "ask-mode", Label: "How it helps", Value: string(f.Tutor.Mode), Help: optionHelp(modes, string(f.Tutor.Mode)), Error: f.problem.For("mode"),
				On: func(ctx app.Context, _ app.Event) {
					f.choose(ctx, lms.TutorChoice{Mode: lms.TutorMode(ctx.JSSrc().Get("value").String()), Level: f.Tutor.Chosen.Level})
				}}, modes...)
		}).Else(func() app.UI {
			return app.P().Class("fine").Text("How it helps: " + modeName(f.Tutor.Mode) + ". " + optionHelp(modes, string(f.Tutor.Mode)))
		}),
		Select(Field{ID: "ask-level", Label: "Level of the answers", Value: string(f.Tutor.Chosen.Level), Help: optionHelp(levelOptions, string(f.Tutor.Level)),
			On: func(ctx app.Context, _ app.Event) {
				f.choose(ctx, lms.TutorChoice{Mode: f.Tutor.Chosen.Mode, Level: lms.Level(ctx.JSSrc().Get("value").String())})
			}}, append(levels, levelOptions...)...),
	)
}

func optionHelp(options []Option, value string) string {
	for _, o := range options {
		if o.Value == value {
			return o.Help
		}
	}
	return ""
}

// choose stores a choice; what is in force is read again, also after a refusal.
func (f *askForm) choose(ctx app.Context, c lms.TutorChoice) {
	Async(ctx, Call(api.SetTutorChoice, api.TutorChoiceInput{Course: f.Course, TutorChoice: c}), func(ctx app.Context, _ api.Empty, err error) {
		if err != nil {
			ToastError(ctx, err)
		}
		f.reload(ctx)
	})
}

func (f *askForm) reload(ctx app.Context) {
	if f.changed != nil {
		f.changed(ctx)
	}
}

// starters are offered while nothing is typed.
func (f *askForm) starters() app.UI {
	if trimSpace(f.in.Body) != "" || f.Tutor.Passages == 0 {
		return app.Div()
	}
	return app.Div().Class("starters").Role("group").Aria("label", "Begin with").Body(app.Range(starters).Slice(func(i int) app.UI {
		s := starters[i]
		label := cond(s.key == "summary" && f.About == "", "Summarise the materials", s.label)
		return Button(label, s.icon, func(ctx app.Context, _ app.Event) { f.start(ctx, s.key) }, Each(s.key, f.Title)).Class("starter")
	}))
}

func (f *askForm) segment(to lms.Addressee, icon, label, help string) app.UI {
	in := app.Input().Type("radio").Name("ask-to").ID("ask-to-"+string(to)).Value(string(to)).Class("sr-only").OnClick(func(ctx app.Context, _ app.Event) {
		f.in.To = to
		f.keep(ctx)
	}, Each(string(to))) // as in Radios
	if app.IsClient {
		in = in.Checked(f.in.To == to)
	}
	return app.Label().Class("segment").For("ask-to-"+string(to)).Body(in, Icon(icon),
		app.Span().Body(app.Strong().Text(label), app.Span().Class("fine").Text(help)))
}

// reader says who will read the text and where it goes.
func (f *askForm) reader() string {
	if !f.toTutor() {
		if f.in.Visibility == lms.VisibleStaff {
			return "You and the staff of the course will read this."
		}
		return "Everybody in the course will read this, with your name."
	}
	return tutorReader(f.Known, f.Tutor)
}

// tutorReader says who will read a message to the tutor and where it goes.
func tutorReader(known bool, t api.TutorStatus) string {
	who := "You and the staff of the course can read this. "
	switch {
	case !known:
		return who
	case t.Model == "":
		return who + "No language model is set up: the tutor shows the best passages of the materials, and the text " + t.Where + "."
	case strings.HasPrefix(t.Where, "stays"):
		return who + "The model " + t.Model + " answers; the text " + t.Where + ". Check what matters: a model can be wrong."
	}
	return who + "The model " + t.Model + " answers; your text, without your name, goes to " + t.Where + ". Check what matters: a model can be wrong."
}

func (f *askForm) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if f.busy {
		return
	}
	in := f.in
	in.Course, in.MaterialID = f.Course, f.About
	if f.toTutor() {
		in.To, in.Visibility, in.Mode = lms.ToTutor, lms.VisibleStaff, f.Tutor.Mode
		in.Title = titleOf(in.Body)
		if trimSpace(in.Body) == in.Title {
			in.Body = ""
		}
	} else {
		in.To, in.ReplyID, in.Mode = lms.ToStaff, "", ""
	}
	if err := in.Validate(); err != nil {
		f.fail(ctx, err)
		return
	}
	f.busy, f.problem = true, Problem{}
	ask := Call(api.AskQuestion, in)
	if in.To == lms.ToTutor {
		ask = accepting(f.Tutor, ask)
	}
	Async(ctx, ask, func(ctx app.Context, q lms.Question, err error) {
		f.busy = false
		if err != nil {
			f.fail(ctx, err)
			f.reload(ctx) // a refusal often means that the rules or the quota have changed
			return
		}
		dropDraft(ctx, f.key())
		ctx.Navigate(CoursePath(q.CourseID, "questions", q.ID))
	})
}

func (f *askForm) fail(ctx app.Context, err error) {
	f.problem = ProblemOf(err)
	switch {
	case f.problem.Field == "title" && !f.toTutor():
		Focus(ctx, "ask-title")
	case f.problem.Field == "title", f.problem.Field == "body":
		Focus(ctx, "ask-body")
	}
}
