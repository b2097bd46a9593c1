package ui

import (
	"context"
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
	Known  bool // Model and Where are known
	Model  string
	Where  string
	Notice int // number of the tutor's notice that the user has not accepted; 0: none

	course  string // the course that in belongs to
	in      api.QuestionInput
	busy    bool
	problem Problem
}

// OnMount brings back an unsent question.
func (f *askForm) OnMount(ctx app.Context) { f.restore(ctx) }

// OnUpdate does so when the page has moved to another course.
func (f *askForm) OnUpdate(ctx app.Context) {
	if f.course != f.Course {
		f.restore(ctx)
	}
}

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
	tutor := f.in.To != lms.ToStaff
	return app.Form().Class("ask", "card").OnSubmit(f.submit).Body(
		app.Div().Class("segments").Role("radiogroup").Aria("label", "Whom to ask").Body(
			f.segment(lms.ToTutor, "sparkles", "Tutor", "answers at once from the materials"),
			f.segment(lms.ToStaff, "users", "Instructors", "a person answers"),
		),
		app.Div().Class("ask-fields", "stack").Body(
			f.problem.Alert("title", "body", "visibility"),
			app.If(tutor && f.Notice > 0, func() app.UI {
				return Notice("info", "Before your first question: the tutor is a computer program and can be wrong, so check what matters. The staff of your course can read "+
					"your conversations with it, and you can see when they did. Your name is not sent to a language model. Asking accepts this.")
			}),
			app.If(!tutor, func() app.UI {
				return Input(Field{ID: "ask-title", Label: "Title", Value: f.in.Title, Error: f.problem.For("title"), On: func(ctx app.Context, _ app.Event) {
					f.in.Title = ctx.JSSrc().Get("value").String()
					f.keep(ctx)
				}})
			}),
			TextArea(Field{ID: "ask-body", Label: cond(tutor, "Your question", "Details"), Optional: !tutor, Rows: cond(tutor, 3, 5), Value: f.in.Body,
				Placeholder: cond(tutor, "Ask about anything in the materials of this course", ""), Help: f.reader(),
				Error: f.problem.For("body") + cond(tutor, f.problem.For("title"), ""),
				On: func(ctx app.Context, _ app.Event) {
					f.in.Body = ctx.JSSrc().Get("value").String()
					f.keep(ctx)
				}}),
			app.Div().Class("ask-end").Body(
				app.If(!tutor, func() app.UI {
					return Checkbox(Field{ID: "ask-private", Label: "Only the instructors may read it", On: func(ctx app.Context, _ app.Event) {
						f.in.Visibility = cond(Checked(ctx), lms.VisibleStaff, lms.VisibleCourse)
						f.keep(ctx)
					}}, f.in.Visibility == lms.VisibleStaff)
				}),
				Submit(cond(tutor, "Ask the tutor", "Ask the instructors"), "Sending", f.busy),
			),
		),
	)
}

func (f *askForm) segment(to lms.Addressee, icon, label, help string) app.UI {
	in := app.Input().Type("radio").Name("ask-to").ID("ask-to-"+string(to)).Value(string(to)).Class("sr-only").OnChange(func(ctx app.Context, _ app.Event) {
		f.in.To = to
		f.keep(ctx)
	}, Each(string(to)))
	if app.IsClient {
		in = in.Checked(f.in.To == to)
	}
	return app.Label().Class("segment").For("ask-to-"+string(to)).Body(in, Icon(icon),
		app.Span().Body(app.Strong().Text(label), app.Span().Class("fine").Text(help)))
}

// reader says who will read the text and where it goes.
func (f *askForm) reader() string {
	if f.in.To == lms.ToStaff {
		if f.in.Visibility == lms.VisibleStaff {
			return "You and the staff of the course will read this."
		}
		return "Everybody in the course will read this, with your name."
	}
	who := "You and the staff of the course can read this. "
	switch {
	case !f.Known:
		return who
	case f.Model == "":
		return who + "No language model is set up: the tutor shows the best passages of the materials, and the text " + f.Where + "."
	case strings.HasPrefix(f.Where, "stays"):
		return who + "The model " + f.Model + " answers; the text " + f.Where + ". Check what matters: a model can be wrong."
	}
	return who + "The model " + f.Model + " answers; your text, without your name, goes to " + f.Where + ". Check what matters: a model can be wrong."
}

func (f *askForm) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if f.busy {
		return
	}
	in := f.in
	in.Course, in.MaterialID = f.Course, f.About
	if in.To == lms.ToTutor {
		in.Visibility = lms.VisibleStaff
		in.Title = titleOf(in.Body)
		if trimSpace(in.Body) == in.Title {
			in.Body = ""
		}
	} else {
		in.ReplyID = ""
	}
	if err := in.Validate(); err != nil {
		f.fail(ctx, err)
		return
	}
	f.busy, f.problem = true, Problem{}
	ask := Call(api.AskQuestion, in)
	if notice := f.Notice; in.To == lms.ToTutor && notice > 0 {
		accept := Call(api.AcceptTutorNotice, api.TutorNoticeInput{Notice: notice})
		ask = func(ctx context.Context) (lms.Question, error) {
			if _, err := accept(ctx); err != nil {
				return lms.Question{}, err
			}
			return Call(api.AskQuestion, in)(ctx)
		}
	}
	Async(ctx, ask, func(ctx app.Context, q lms.Question, err error) {
		f.busy = false
		if err != nil {
			f.fail(ctx, err)
			return
		}
		dropDraft(ctx, f.key())
		ctx.Navigate(CoursePath(q.CourseID, "questions", q.ID))
	})
}

func (f *askForm) fail(ctx app.Context, err error) {
	f.problem = ProblemOf(err)
	switch {
	case f.problem.Field == "title" && f.in.To == lms.ToStaff:
		Focus(ctx, "ask-title")
	case f.problem.Field == "title", f.problem.Field == "body":
		Focus(ctx, "ask-body")
	}
}
