package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// SignInPage is the door. It is prerendered as a real form, so that it works before the program has loaded and without
// it: POST /signin answers with a redirect, to this page with ?error=<kind> when it was refused.
type SignInPage struct {
	app.Compo
	login, password string
	code            string
	ask             bool // for the code: the password was right
	open            bool // anybody may register
	next            string
	shown, busy     bool
	problem         Problem
}

// OnInit keeps what was typed into the prerendered form.
func (p *SignInPage) OnInit() { p.login, p.password = typed("login"), typed("password") }

// OnNav reads where to go afterwards and what went wrong before. It also runs on the node.
func (p *SignInPage) OnNav(ctx app.Context) {
	p.next = SafeNext(Query(ctx, "next"))
	if kind := Query(ctx, "error"); kind != "" {
		p.problem = Problem{Message: refusalText(lms.Kind(kind))}
		p.ask = kind == "code"
	}
	if app.IsServer {
		ctx.Page().SetTitle("Sign in · Trivium")
		return
	}
	onScreen = nil
	if Me().ID != "" {
		goOn(ctx, p.next)
		return
	}
	if p.login == "" {
		Focus(ctx, "login")
	}
	Async(ctx, Call(api.GetDoor, api.NoInput{}), func(_ app.Context, d lms.Door, _ error) { p.open = d.OpenRegistration })
}

// refusalText says what the kind of refusal means here. Only fixed texts: the kind comes from the address.
func refusalText(kind lms.Kind) string {
	switch kind {
	case "code":
		return "You sign in in two steps: type your password again, and the code of your authenticator app or a recovery code."
	case lms.KindSignIn, lms.KindForbidden, lms.KindRule:
		return "User name or password are not right. Check both and try again."
	case lms.KindLimit:
		return "Too many attempts. Wait some minutes and try again; sessions that are open stay open."
	case lms.KindUnavailable, lms.KindUnknown:
		return "Most nodes of the cluster are away, so nobody can sign in at the moment. Try again soon; nothing is lost."
	}
	return "Signing in did not work. Please try again."
}

// Render draws the form.
func (p *SignInPage) Render() app.UI {
	return gate("Sign in", "",
		p.problem.Alert("login", "password", "code"),
		app.Form().Class("stack").Method("post").Action("/signin").OnSubmit(p.submit).Body(
			app.If(p.next != "" && p.next != "/", func() app.UI { return app.Input().Type("hidden").Name("next").Value(p.next) }),
			Input(Field{ID: "login", Label: "User name", Autocomplete: "username", Value: p.login,
				Error: p.problem.For("login"), On: p.ValueTo(&p.login)}),
			passwordField(Field{ID: "password", Label: "Password", Autocomplete: "current-password", Value: p.password,
				Error: p.problem.For("password"), On: p.ValueTo(&p.password)}, &p.shown),
			app.If(p.ask, func() app.UI {
				return Input(Field{ID: "code", Label: "Code", Help: "Six digits of your authenticator app, or a recovery code.", Autocomplete: "one-time-code", Value: p.code,
					Error: p.problem.For("code"), On: p.ValueTo(&p.code)})
			}),
			Submit("Sign in", "Signing in", p.busy),
		),
		app.P().Class("fine").Body(app.A().Href("/forgot").Text("Forgotten your password?")),
		app.P().Class("fine").Body(app.Text(cond(p.open, "New here? ", "Invited to a course? ")), app.A().Href("/register").Text(cond(p.open, "Register", "Register with your code")), app.Text(".")),
	)
}

func (p *SignInPage) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if p.busy {
		return
	}
	in := api.SignInInput{Login: p.login, Password: p.password, Code: p.code}
	if err := in.Validate(); err != nil {
		Fail(ctx, err, &p.problem)
		return
	}
	p.busy, p.problem = true, Problem{}
	Async(ctx, Call(api.SignIn, in), func(ctx app.Context, s lms.Session, err error) {
		p.busy = false
		if err != nil {
			p.problem = ProblemOf(err)
			if p.problem.Field == "code" {
				if !p.ask { // the first time it is no mistake
					p.problem = Problem{}
				}
				p.ask = true
				Focus(ctx, "code")
				return
			}
			if p.problem.Field == "" || lms.KindOf(err) == lms.KindSignIn {
				p.problem.Field = ""
				Focus(ctx, "password")
			}
			return
		}
		setSession(ctx, s)
		goOn(ctx, p.next)
	})
}
