package ui

import (
	"strconv"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// accountRules changes the site's rules of accounts.
type accountRules struct {
	app.Compo
	close   func(app.Context)
	saved   func(app.Context, string)
	site    Remote[lms.AccountSite]
	in      lms.AccountSite
	length  string
	busy    bool
	problem Problem
}

// OnMount loads the rules.
func (d *accountRules) OnMount(ctx app.Context) { d.load(ctx) }

func (d *accountRules) load(ctx app.Context) {
	d.length = ""
	d.site.Load(ctx, Call(api.GetAccountSite, api.NoInput{}))
}

// Render draws the dialog.
func (d *accountRules) Render() app.UI {
	return NewDialog("account-rules", "Rules of accounts", d.close, d.site.View(3, d.load, func(v lms.AccountSite) app.UI {
		if d.length == "" { // loaded just now
			d.in, d.length = v, strconv.Itoa(v.MinPassword)
		}
		set := func(v *bool) app.EventHandler { return func(ctx app.Context, _ app.Event) { *v = Checked(ctx) } }
		return DialogForm(d.submit, d.close, Submit("Save", "Saving", d.busy),
			d.problem.Alert("minPassword"),
			Checkbox(Field{ID: "openRegistration", Label: "Anybody may register", Help: "Otherwise people need an invite code of a course.", On: set(&d.in.OpenRegistration)}, d.in.OpenRegistration),
			Checkbox(Field{ID: "requireTotp", Label: "Staff must sign in in two steps", Help: "Administrators, instructors and assistants: with an authenticator app or a passkey. Who has not set it up, you too, is led to it and can do nothing else before.", On: set(&d.in.RequireTOTP)}, d.in.RequireTOTP),
			Input(Field{ID: "minPassword", Label: "Shortest password, in characters", Help: "8 to 64. It counts for passwords that are chosen from now on.", InputMode: "numeric", Value: d.length,
				Error: d.problem.For("minPassword"), On: d.ValueTo(&d.length)}))
	}))
}

func (d *accountRules) submit(ctx app.Context, e app.Event) {
	d.in.MinPassword, _ = strconv.Atoi(d.length) // 0 is refused
	SendForm(ctx, e, &d.busy, &d.problem, api.UpdateAccountSite, api.AccountSiteInput{AccountSite: d.in}, func(ctx app.Context, _ lms.AccountSite) {
		d.saved(ctx, "The rules of accounts are changed.")
		RefreshSession(ctx, nil)
	})
}

// helpDialog helps somebody back into the account: a link for a new password, and away with a lost authenticator app and lost passkeys.
type helpDialog struct {
	app.Compo
	user    lms.User
	close   func(app.Context)
	link    string
	busy    bool
	off     bool
	problem Problem
}

// Render draws the dialog.
func (d *helpDialog) Render() app.UI {
	body := app.Div().Class("stack").Body(d.problem.Alert())
	if d.link != "" {
		return NewDialog("help-user", "Help "+d.user.Name, d.close, app.Div().Class("stack").Body(
			Notice("good", "Give this link to "+d.user.Name+" and nobody else. It is good for 24 hours, once, and shown only now."),
			Input(Field{ID: "link", Label: "Link", ReadOnly: true, Value: d.link}),
			app.Div().Class("actions", "actions-end").Body(Primary("Copy link", "copy", func(ctx app.Context, _ app.Event) { copyText(ctx, d.link, "The link is copied.") }))))
	}
	return NewDialog("help-user", "Help "+d.user.Name, d.close, app.Div().Class("stack").Body(body,
		app.P().Text("Forgotten the password? With a link the person chooses a new one and is signed out everywhere. Make sure that it is really "+d.user.Name+" who asks."),
		app.Div().Class("actions").Body(Busy(Button("Make a link", "link", d.makeLink), d.busy)),
		app.P().Text("Lost the phone, and the recovery codes too? Then turn two-step sign-in off: the authenticator app and all passkeys end, the password stays as it is."),
		app.Div().Class("actions").Body(Busy(Danger(cond(d.off, "Really turn it off", "Turn two-step sign-in off"), "", d.turnOff), d.busy))))
}

func (d *helpDialog) makeLink(ctx app.Context, _ app.Event) {
	d.busy, d.problem = true, Problem{}
	Async(ctx, Call(api.IssueReset, api.UserPath{User: d.user.ID}), func(ctx app.Context, l lms.ResetLink, err error) {
		d.busy = false
		if err != nil {
			d.problem = ProblemOf(err)
			return
		}
		d.link = app.Window().Get("location").Get("origin").String() + "/reset#" + l.Token
	})
}

func (d *helpDialog) turnOff(ctx app.Context, _ app.Event) {
	if !d.off {
		d.off = true
		return
	}
	d.busy, d.off, d.problem = true, false, Problem{}
	Async(ctx, Call(api.RemoveTwoStep, api.UserPath{User: d.user.ID}), func(ctx app.Context, _ api.Empty, err error) {
		d.busy = false
		if err != nil {
			d.problem = ProblemOf(err)
			return
		}
		d.close(ctx)
		Toast(ctx, "good", "Two-step sign-in of "+d.user.Name+" is off.")
	})
}
