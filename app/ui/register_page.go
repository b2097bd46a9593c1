package ui

import (
	"net/url"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// RegisterPage makes an account with an invite code, or lets somebody who is signed in join with it.
type RegisterPage struct {
	app.Compo
	in          api.RegisterInput
	preview     Remote[lms.InvitePreview]
	open        bool   // nobody needs a code
	checked     string // the code that the preview is about
	shown, busy bool
	problem     Problem
}

// OnInit keeps what was typed into the prerendered form.
func (p *RegisterPage) OnInit() {
	p.in = api.RegisterInput{Code: typed("code"), Name: typed("name"), Login: typed("login"), Password: typed("password")}
}

// OnNav takes the code out of the address and shows what it is for.
func (p *RegisterPage) OnNav(ctx app.Context) {
	if app.IsServer {
		ctx.Page().SetTitle("Register · Trivium")
		return
	}
	onScreen = nil
	if code := Query(ctx, "code"); code != "" {
		p.in.Code = code
	}
	p.check(ctx)
	Async(ctx, Call(api.GetDoor, api.NoInput{}), func(_ app.Context, d lms.Door, _ error) { p.open = d.OpenRegistration })
}

// check asks what the code is for.
func (p *RegisterPage) check(ctx app.Context) {
	code := strings.TrimSpace(p.in.Code)
	if code == p.checked {
		return
	}
	p.checked = code
	p.preview.Reset()
	in := api.CodeInput{Code: code}
	if in.Validate() != nil {
		return
	}
	p.preview.Load(ctx, Call(api.PreviewInvite, in))
}

// Render draws the form.
func (p *RegisterPage) Render() app.UI {
	codeError := p.problem.For("code")
	if codeError == "" && p.preview.Err != nil && p.checked == strings.TrimSpace(p.in.Code) {
		codeError = ProblemOf(p.preview.Err).Message
	}
	code := Input(Field{ID: "code", Label: "Invite code", Help: "Your instructor gives it to you, for example 7h3k-9q2m.", Value: p.in.Code, Optional: p.open && Me().ID == "",
		Error: codeError, On: p.onCode})
	if Me().ID != "" {
		return gate("Join a course", "You are signed in as "+Me().Name+".", p.problem.Alert("code"),
			app.Form().Class("stack").OnSubmit(p.join).Body(code, p.what(), Submit("Join the course", "Joining", p.busy)),
			app.P().Class("fine").Body(app.A().Href("/").Text("Back to the home page")))
	}
	signIn := "/signin"
	if p.in.Code != "" {
		signIn += "?next=" + url.QueryEscape("/register?code="+url.QueryEscape(p.in.Code))
	}
	return gate("Register", "",
		p.problem.Alert("code", "name", "login", "password"),
		app.Form().Class("stack").OnSubmit(p.submit).Body(code, p.what(),
			Input(Field{ID: "name", Label: "Your name", Help: "As teachers and classmates will see it.", Autocomplete: "name", Value: p.in.Name,
				Error: p.problem.For("name"), On: p.ValueTo(&p.in.Name)}),
			Input(Field{ID: "login", Label: "User name", Help: "To sign in with: letters a to z, digits and . _ - @ +", Autocomplete: "username",
				Value: p.in.Login, Error: p.problem.For("login"), On: p.ValueTo(&p.in.Login)}),
			passwordField(Field{ID: "password", Label: "Password", Help: passwordHelp,
				Autocomplete: "new-password", Value: p.in.Password, Error: p.problem.For("password"), On: p.ValueTo(&p.in.Password)}, &p.shown),
			Submit("Register", "Registering", p.busy)),
		app.P().Class("fine").Body(app.Text("You have an account already? "), app.A().Href(signIn).Text("Sign in and join"), app.Text(".")),
	)
}

// what tells which course the code opens.
func (p *RegisterPage) what() app.UI {
	return app.Div().Class("live").Role("status").Body(app.If(p.preview.Ready && p.preview.Err == nil, func() app.UI {
		v := p.preview.Value
		return Notice("good", v.CourseCode+": "+v.CourseTitle+". You join as "+strings.ToLower(RoleName(v.Role))+".")
	}))
}

func (p *RegisterPage) onCode(ctx app.Context, _ app.Event) {
	p.in.Code = ctx.JSSrc().Get("value").String()
	if len(strings.TrimSpace(p.in.Code)) >= len("abcd-efgh") {
		p.check(ctx)
	}
}

func (p *RegisterPage) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if p.busy {
		return
	}
	err := p.in.Validate()
	if err == nil && !p.open {
		err = api.CodeInput{Code: p.in.Code}.Validate()
	}
	if err != nil {
		Fail(ctx, err, &p.problem)
		return
	}
	p.busy, p.problem = true, Problem{}
	Async(ctx, Call(api.Register, p.in), func(ctx app.Context, s lms.Session, err error) {
		p.busy = false
		if err != nil {
			Fail(ctx, err, &p.problem)
			return
		}
		setSession(ctx, s)
		if len(s.Courses) == 1 {
			ctx.Navigate(CoursePath(s.Courses[0].ID))
			return
		}
		ctx.Navigate("/")
	})
}

func (p *RegisterPage) join(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if p.busy {
		return
	}
	p.busy, p.problem = true, Problem{}
	joinCourse(ctx, p.in.Code, func(ctx app.Context, err error) {
		p.busy = false
		if err != nil {
			Fail(ctx, err, &p.problem)
		}
	})
}

// joinCourse joins with a code and opens the course; done is told how it went.
func joinCourse(ctx app.Context, code string, done func(app.Context, error)) {
	in := api.CodeInput{Code: strings.TrimSpace(code)}
	if err := in.Validate(); err != nil {
		done(ctx, err)
		return
	}
	Async(ctx, Call(api.JoinCourse, in), func(ctx app.Context, c lms.Course, err error) {
		done(ctx, err)
		if err == nil {
			RefreshSession(ctx, func(ctx app.Context) { ctx.Navigate(CoursePath(c.ID)) })
		}
	})
}
