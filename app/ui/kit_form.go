package ui

import (
	"errors"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// Field describes an input with its label, help and error. ID is also the name of the input and, by convention, the
// JSON name of the API's field, so that a refusal finds its place (Problem.For).
type Field struct {
	ID           string
	Label        string
	Help         string // what to write, or who will read it
	Error        string // what to correct
	Type         string // "text" when empty
	Value        string
	Placeholder  string
	Autocomplete string
	InputMode    string
	Rows         int // of a text area
	Optional     bool
	Markdown     bool // of a text area: a hint with examples
	ReadOnly     bool
	Autofocus    bool
	On           app.EventHandler // on input; c.ValueTo(&c.field) as a rule
}

// Input is a single line.
func Input(f Field) app.UI {
	if f.Type == "" {
		f.Type = "text"
	}
	in := app.Input().ID(f.ID).Name(f.ID).Type(f.Type).Class("input").Value(f.Value)
	if f.Placeholder != "" {
		in = in.Placeholder(f.Placeholder)
	}
	if f.Autocomplete != "" {
		in = in.Attr("autocomplete", f.Autocomplete)
	}
	if f.InputMode != "" {
		in = in.Attr("inputmode", f.InputMode)
	}
	if f.Type == "text" {
		in = in.Attr("autocapitalize", "off").Spellcheck(false)
	}
	if !f.Optional {
		in = in.Aria("required", true)
	}
	if f.ReadOnly {
		in = in.ReadOnly(true)
	}
	if f.Autofocus {
		in = in.AutoFocus(true)
	}
	if f.Error != "" {
		in = in.Aria("invalid", true)
	}
	if d := f.describedBy(); d != "" {
		in = in.Aria("describedby", d)
	}
	if f.On != nil {
		in = in.OnInput(f.On, Each(f.ID))
	}
	return f.wrap(in)
}

// TextArea is a text of several lines.
func TextArea(f Field) app.UI {
	rows := f.Rows
	if rows == 0 {
		rows = 5
	}
	in := app.Elem("textarea").ID(f.ID).Attr("name", f.ID).Class("input").Attr("rows", rows).Attr("dir", "auto").Attr("value", f.Value)
	if f.Placeholder != "" {
		in = in.Attr("placeholder", f.Placeholder)
	}
	if f.Error != "" {
		in = in.Aria("invalid", true)
	}
	if d := f.describedBy(); d != "" {
		in = in.Aria("describedby", d)
	}
	if !f.Optional {
		in = in.Aria("required", true)
	}
	if f.On != nil {
		in = in.On("input", f.On, Each(f.ID))
	}
	return f.wrap(in)
}

// Option is a choice of a Select or of Radios.
type Option struct{ Value, Label, Help string }

// Select is a choice out of a list. Its handler runs on change.
func Select(f Field, options ...Option) app.UI {
	in := app.Select().ID(f.ID).Name(f.ID).Class("input", "select")
	if f.Error != "" {
		in = in.Aria("invalid", true)
	}
	if d := f.describedBy(); d != "" {
		in = in.Aria("describedby", d)
	}
	if f.On != nil {
		in = in.OnChange(f.On, Each(f.ID))
	}
	return f.wrap(in.Body(app.Range(options).Slice(func(i int) app.UI {
		o := app.Option().Value(options[i].Value).Text(options[i].Label)
		if options[i].Value == f.Value {
			o = o.Selected(true)
		}
		return o
	})))
}

// Radios is a visible choice out of a few; each may explain itself.
func Radios(f Field, options ...Option) app.UI {
	return app.FieldSet().Class("field", "radios").ID(f.ID).Body(
		app.Legend().Class("label").Text(f.Label),
		app.Range(options).Slice(func(i int) app.UI {
			o := options[i]
			in := app.Input().Type("radio").Name(f.ID).ID(f.ID + "-" + o.Value).Value(o.Value)
			if o.Value == f.Value || app.IsClient {
				in = in.Checked(o.Value == f.Value)
			}
			if f.On != nil {
				// Not on change: when the choice before is drawn while the keyboard moves on to this one, the browser takes this
				// one back and tells of no change.
				in = in.OnClick(f.On, Each(f.ID, o.Value))
			}
			return app.Label().Class("choice").For(f.ID+"-"+o.Value).Body(in, app.Span().Body(
				app.Span().Class("choice-label").Text(o.Label),
				app.If(o.Help != "", func() app.UI { return app.Span().Class("help").Text(o.Help) })))
		}),
		fieldNotes(f),
	)
}

// Checkbox is a yes or no. Its handler runs on change; read the state with Checked(ctx).
func Checkbox(f Field, checked bool) app.UI {
	in := app.Input().Type("checkbox").ID(f.ID).Name(f.ID)
	if checked || app.IsClient { // a prerendered checked="false" would be checked
		in = in.Checked(checked)
	}
	if d := f.describedBy(); d != "" {
		in = in.Aria("describedby", d)
	}
	if f.On != nil {
		in = in.OnChange(f.On, Each(f.ID))
	}
	return app.Div().Class("field").Body(
		app.Label().Class("choice").For(f.ID).Body(in, app.Span().Class("choice-label").Text(f.Label)), fieldNotes(f))
}

// Checked reads a checkbox in its handler.
func Checked(ctx app.Context) bool { return ctx.JSSrc().Get("checked").Bool() }

func (f Field) describedBy() string {
	switch {
	case f.Help != "" && f.Error != "":
		return f.ID + "-error " + f.ID + "-help"
	case f.Error != "":
		return f.ID + "-error"
	case f.Help != "":
		return f.ID + "-help"
	}
	return ""
}

func (f Field) wrap(in app.UI) app.UI {
	return app.Div().Class("field").Body(
		app.Label().Class("label").For(f.ID).Body(text(f.Label),
			app.If(f.Optional, func() app.UI { return app.Span().Class("optional").Text("optional") })),
		in,
		fieldNotes(f),
	)
}

func fieldNotes(f Field) app.UI {
	return app.Div().Class("notes").Body(
		app.If(f.Error != "", func() app.UI {
			return app.P().Class("error").ID(f.ID+"-error").Body(Icon("alert-circle"), text(f.Error))
		}),
		app.If(f.Help != "", func() app.UI { return app.P().Class("help").ID(f.ID + "-help").Text(f.Help) }),
		app.If(f.Markdown, markdownHelp),
	)
}

// Problem is a refusal as a form shows it: beside the field that it names, or above the form.
type Problem struct{ Field, Message, RequestID string }

// ProblemOf makes a Problem of any error; nil makes an empty one.
func ProblemOf(err error) Problem {
	var e *lms.Error
	switch {
	case err == nil:
		return Problem{}
	case errors.As(err, &e):
		return Problem{Field: e.Field, Message: e.Message, RequestID: e.RequestID}
	}
	return Problem{Message: lms.ErrInternal.Message}
}

// For is the message for the field, or "".
func (p Problem) For(field string) string {
	if p.Field == field {
		return p.Message
	}
	return ""
}

// Alert shows the message above the form, unless one of the shown fields has it beside itself.
func (p Problem) Alert(shown ...string) app.UI {
	for _, f := range shown {
		if p.Field == f {
			return app.Div().Class("problem").Aria("live", "assertive").Body(app.P().Class("sr-only").Text(p.Message))
		}
	}
	return app.Div().Class("problem").Role("alert").Body(app.If(p.Message != "", func() app.UI {
		return Notice("bad", p.Message, p.requestLine())
	}))
}

func (p Problem) requestLine() app.UI {
	return app.If(p.RequestID != "", func() app.UI {
		return app.P().Class("fine").Text("If you ask for help, name request " + p.RequestID + ".")
	})
}

// SetValue writes into an input. It is needed to clear one: go-app drops an empty value attribute.
func SetValue(id, value string) {
	if el := app.Window().GetElementByID(id); el.Truthy() {
		el.Set("value", value)
	}
}

// Focus moves the keyboard to an element after the next render.
func Focus(ctx app.Context, id string) {
	ctx.Defer(func(app.Context) {
		if el := app.Window().GetElementByID(id); el.Truthy() {
			el.Call("focus")
		}
	})
}

// Fail puts a refusal into a form: it stores the problem and moves the keyboard to the field at fault.
func Fail(ctx app.Context, err error, p *Problem) {
	*p = ProblemOf(err)
	if p.Field != "" {
		Focus(ctx, p.Field)
	}
}

// SendForm checks what a form holds and sends it, once at a time; what is wrong is shown at its field.
func SendForm[In interface{ Validate() error }, Out any](ctx app.Context, e app.Event, busy *bool, problem *Problem,
	to api.Endpoint[In, Out], in In, done func(app.Context, Out)) {
	e.PreventDefault()
	if *busy {
		return
	}
	if err := in.Validate(); err != nil {
		Fail(ctx, err, problem)
		return
	}
	*busy, *problem = true, Problem{}
	Async(ctx, Call(to, in), func(ctx app.Context, out Out, err error) {
		*busy = false
		if err != nil {
			Fail(ctx, err, problem)
			return
		}
		done(ctx, out)
	})
}
