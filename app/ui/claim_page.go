package ui

import (
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// claimPage lets an imported person choose a password, with the link that an instructor has given out.
type claimPage struct {
	app.Compo
	in          api.ClaimInput
	preview     Remote[lms.ClaimPreview]
	shown, busy bool
	problem     Problem
}

func (p *claimPage) OnNav(ctx app.Context) {
	if app.IsServer {
		ctx.Page().SetTitle("Choose a password · Trivium")
		return
	}
	onScreen = nil
	p.in.Token = ctx.Page().URL().Fragment
	p.load(ctx)
}

func (p *claimPage) load(ctx app.Context) {
	p.preview.Load(ctx, Call(api.PreviewClaim, api.ClaimTokenInput{Token: p.in.Token}))
}

// Render draws the form.
func (p *claimPage) Render() app.UI {
	return gate("Choose a password", "", p.preview.View(2, p.load, func(v lms.ClaimPreview) app.UI {
		return app.Form().Class("stack").OnSubmit(p.submit).Body(
			Notice("info", "Hello "+v.Name+". "+cond(v.CourseTitle != "", "You are in the course "+v.CourseTitle+". ", "")+"Your user name is "+v.Login+"."),
			p.problem.Alert("password"),
			app.Input().Type("hidden").Name("username").Attr("autocomplete", "username").Value(v.Login),
			passwordField(Field{ID: "password", Label: "Password", Help: passwordHelp, Autocomplete: "new-password",
				Value: p.in.Password, Error: p.problem.For("password"), On: p.ValueTo(&p.in.Password)}, &p.shown),
			Submit("Save and sign in", "Saving", p.busy))
	}), backToSignIn())
}

func (p *claimPage) submit(ctx app.Context, e app.Event) {
	SendForm(ctx, e, &p.busy, &p.problem, api.Claim, p.in, func(ctx app.Context, s lms.Session) {
		setSession(ctx, s)
		ctx.Navigate("/")
	})
}

// claimsDialog makes the links and shows them, this once.
type claimsDialog struct {
	app.Compo
	course  string
	close   func(app.Context)
	links   []lms.ClaimLink
	made    bool
	busy    bool
	problem Problem
}

// Render draws the dialog.
func (d *claimsDialog) Render() app.UI {
	body := app.Div().Class("stack")
	if !d.made {
		body.Body(d.problem.Alert(),
			app.P().Text("Each imported person without a password gets a link, good for 30 days and once. Links that you made before stop working. The links are shown only now."),
			app.Div().Class("actions", "actions-end").Body(Button("Cancel", "", func(ctx app.Context, _ app.Event) { d.close(ctx) }), Busy(Primary("Make the links", "link", d.make), d.busy)))
	} else {
		body.Body(app.P().Text("Give each person their own link, and nobody else's: whoever opens it first chooses the password."),
			app.Div().Class("actions").Body(Button("Save all as a file", "download", func(app.Context, app.Event) { saveBytes("links.txt", "text/plain", d.text()) })),
			RowsOf(d.links, func(l lms.ClaimLink) app.UI {
				return RowWith(Avatar(l.Name), l.Name, l.Login, Button("Copy link", "copy", func(ctx app.Context, _ app.Event) {
					copyText(ctx, claimLink(l.Token), "The link of "+l.Name+" is copied.")
				}, Each(l.UserID)).Aria("label", "Copy the link of "+l.Name))
			}))
	}
	return NewDialog("claims", "Links for new people", d.close, body)
}

func (d *claimsDialog) make(ctx app.Context, _ app.Event) {
	d.busy, d.problem = true, Problem{}
	Async(ctx, Call(api.IssueClaims, api.IssueClaimsInput{Course: d.course}), func(ctx app.Context, v api.Page[lms.ClaimLink], err error) {
		d.busy = false
		if err != nil {
			d.problem = ProblemOf(err)
			return
		}
		d.links, d.made = v.Items, true
	})
}

// text is the list as a file: name, user name and link, separated by tabs.
func (d *claimsDialog) text() []byte {
	var b strings.Builder
	for _, l := range d.links {
		b.WriteString(l.Name + "\t" + l.Login + "\t" + claimLink(l.Token) + "\n")
	}
	return []byte(b.String())
}

// claimLink has the secret behind #, which browsers do not send to any server: it stays out of logs.
func claimLink(token string) string {
	return app.Window().Get("location").Get("origin").String() + "/claim#" + token
}
