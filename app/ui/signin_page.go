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
	second          secondStep
	door            lms.Door
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
		if kind == "code" || kind == "passkey" {
			p.second = secondStep{ask: kind, help: "Six digits of your authenticator app, or a recovery code."}
		}
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
	Async(ctx, Call(api.GetDoor, api.NoInput{}), func(_ app.Context, d lms.Door, _ error) { p.door = d })
}

// refusalText says what the kind of refusal means here. Only fixed texts: the kind comes from the address.
func refusalText(kind lms.Kind) string {
	switch kind {
	case "code":
		return "You sign in in two steps: type your password again, and the code of your authenticator app or a recovery code."
	case "passkey":
		return "You sign in in two steps: type your password again, then show your passkey or type a recovery code."
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
	open := p.door.OpenRegistration
	return gate("Sign in", "",
		app.If(p.door.Setup, func() app.UI {
			return Notice("info", "Nobody can sign in yet: this site has no administrator. Open the setup link that the first node printed when it started; “trivium user setup-link” makes a new one there.")
		}),
		p.problem.Alert("login", "password", "code"),
		app.Form().Class("stack").Method("post").Action("/signin").OnSubmit(p.submit).Body(
			app.If(p.next != "" && p.next != "/", func() app.UI { return app.Input().Type("hidden").Name("next").Value(p.next) }),
			Input(Field{ID: "login", Label: "User name", Autocomplete: "username", Value: p.login,
				Error: p.problem.For("login"), On: p.ValueTo(&p.login)}),
			passwordField(Field{ID: "password", Label: "Password", Autocomplete: "current-password", Value: p.password,
				Error: p.problem.For("password"), On: p.ValueTo(&p.password)}, &p.shown),
			p.second.field("code", p.problem, p.ValueTo(&p.second.code)),
			p.second.submit(p.busy),
		),
		app.If(p.second.ask == "" && passkeyTrouble() == "", func() app.UI {
			return Busy(Button("Sign in with a passkey", "key", p.withPasskey), p.busy)
		}),
		app.P().Class("fine").Body(app.A().Href("/forgot").Text("Forgotten your password?")),
		app.P().Class("fine").Body(app.Text(cond(open, "New here? ", "Invited to a course? ")), app.A().Href("/register").Text(cond(open, "Register", "Register with your code")), app.Text(".")),
	)
}

func (p *SignInPage) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if p.busy {
		return
	}
	in := api.SignInInput{Login: p.login, Password: p.password, Code: p.second.code}
	if err := in.Validate(); err != nil {
		Fail(ctx, err, &p.problem)
		return
	}
	p.signIn(ctx, p.second.signIn(p.login, p.password), func(ctx app.Context, err error) {
		if p.second.refused(ctx, "code", &p.problem) {
			return
		}
		if p.problem.Field == "" || lms.KindOf(err) == lms.KindSignIn {
			p.problem.Field = ""
			Focus(ctx, "password")
		}
	})
}

func (p *SignInPage) withPasskey(ctx app.Context, _ app.Event) {
	p.signIn(ctx, withPasskey(api.SignInInput{}), func(app.Context, error) {})
}

func (p *SignInPage) signIn(ctx app.Context, call work[lms.Session], refused func(app.Context, error)) {
	p.busy, p.problem = true, Problem{}
	Async(ctx, call, func(ctx app.Context, s lms.Session, err error) {
		p.busy = false
		if err != nil {
			p.problem = ProblemOf(err)
			refused(ctx, err)
			return
		}
		setSession(ctx, s)
		goOn(ctx, p.next)
	})
}
