package ui

import (
	"fmt"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// UsersPage lists all accounts for an administrator.
type UsersPage struct {
	app.Compo
	session  lms.Session
	query    string
	list     Paged[lms.User]
	creating bool
	editing  *lms.User
	helping  *lms.User
	rules    bool
}

// OnMount loads the page.
func (p *UsersPage) OnMount(ctx app.Context) {
	ctx.ObserveState(stateSession, &p.session)
	p.load(ctx)
}

func (p *UsersPage) load(ctx app.Context) {
	p.list.Load(ctx, Call(api.ListUsers, api.ListInput{Query: strings.TrimSpace(p.query), Limit: 50}))
}

func (p *UsersPage) loadMore(ctx app.Context, _ app.Event) {
	p.list.Next(ctx, func(after string) work[api.Page[lms.User]] {
		return Call(api.ListUsers, api.ListInput{Query: strings.TrimSpace(p.query), Limit: 50, After: after})
	})
}

// Render draws the page.
func (p *UsersPage) Render() app.UI {
	return &Shell{Title: "People", Lead: "All accounts of this site.", Active: "users",
		Actions: app.Div().Class("actions").Body(
			Button("Rules of accounts", "settings", func(app.Context, app.Event) { p.rules = true }),
			Primary("New account", "user-plus", func(app.Context, app.Event) { p.creating = true })),
		Content: app.Div().Class("stack").Body(
			app.Form().Class("search").Role("search").Aria("label", "Course").OnSubmit(func(ctx app.Context, e app.Event) { e.PreventDefault(); p.load(ctx) }).Body(
				Icon("search"),
				app.Input().Class("input").Type("search").ID("q").Aria("label", "Search by name or user name").Placeholder("Search by name or user name").
					Value(p.query).OnInput(p.onQuery)),
			p.list.View(6, p.load, p.rows),
			app.If(p.creating, func() app.UI { return &newUserDialog{close: p.close, saved: p.saved} }),
			app.If(p.rules, func() app.UI { return &accountRules{close: p.close, saved: p.saved} }),
			app.If(p.helping != nil, func() app.UI { return &helpDialog{user: *p.helping, close: p.close} }),
			app.If(p.editing != nil, func() app.UI { return &userDialog{user: *p.editing, close: p.close, saved: p.saved} }),
		)}
}

func (p *UsersPage) onQuery(ctx app.Context, _ app.Event) {
	p.query = ctx.JSSrc().Get("value").String()
	p.load(ctx) // late answers are dropped, so each key may ask
}

func (p *UsersPage) close(app.Context) {
	p.creating, p.rules, p.editing, p.helping = false, false, nil, nil
}

func (p *UsersPage) saved(ctx app.Context, message string) {
	p.close(ctx)
	Toast(ctx, "good", message)
	p.load(ctx)
}

func (p *UsersPage) rows(v api.Page[lms.User]) app.UI {
	if len(v.Items) == 0 {
		return Empty("users", "Nobody found", "No account has this in its name.")
	}
	return app.Div().Class("stack").Body(
		app.P().Class("fine").Role("status").Text(fmt.Sprintf("%d of %d accounts", len(v.Items), max(v.Total, len(v.Items)))),
		RowsOf(v.Items, func(u lms.User) app.UI {
			return RowWith(Avatar(u.Name), u.Name, u.Login,
				app.If(u.Disabled, func() app.UI { return Badge("Disabled", "bad") }),
				app.If(u.Admin, func() app.UI { return Badge("Administrator", "info") }),
				app.If(u.MayCreateCourses && !u.Admin, func() app.UI { return Badge("May create courses", "") }),
				app.If(!u.Disabled && u.ID != Me().ID, func() app.UI {
					return Button("Help", "key", func(app.Context, app.Event) { p.helping = &u }, Each("help", u.ID)).Aria("label", "Help "+u.Name+" to sign in")
				}),
				Button("Edit", "edit", func(app.Context, app.Event) { p.editing = &u }, Each("edit", u.ID, u.Version)).Aria("label", "Edit "+u.Name),
			)
		}),
		p.list.MoreButton(p.loadMore),
	)
}

// newUserDialog makes an account.
type newUserDialog struct {
	app.Compo
	close       func(app.Context)
	saved       func(app.Context, string)
	in          api.CreateUserInput
	shown, busy bool
	problem     Problem
}

// OnInit gives the account its id, so that a repeated click makes one account.
func (d *newUserDialog) OnInit() { d.in.ID = lms.NewID() }

// Render draws the dialog.
func (d *newUserDialog) Render() app.UI {
	return NewDialog("new-user", "New account", d.close, DialogForm(d.submit, d.close, Submit("Create the account", "Creating", d.busy),
		d.problem.Alert("name", "login", "password"),
		Input(Field{ID: "name", Label: "Name", Value: d.in.Name, Autocomplete: "off", Error: d.problem.For("name"), On: d.ValueTo(&d.in.Name)}),
		Input(Field{ID: "login", Label: "User name", Value: d.in.Login, Autocomplete: "off", Error: d.problem.For("login"), On: d.ValueTo(&d.in.Login)}),
		passwordField(Field{ID: "password", Label: "First password", Help: "Tell it to the person; it can be changed under Account.", Value: d.in.Password,
			Autocomplete: "new-password", Error: d.problem.For("password"), On: d.ValueTo(&d.in.Password)}, &d.shown),
		Checkbox(Field{ID: "mayCreateCourses", Label: "May create courses", Help: "For instructors.",
			On: func(ctx app.Context, _ app.Event) { d.in.MayCreateCourses = Checked(ctx) }}, d.in.MayCreateCourses),
		Checkbox(Field{ID: "admin", Label: "Administrator", Help: "May change every account and the cluster.",
			On: func(ctx app.Context, _ app.Event) { d.in.Admin = Checked(ctx) }}, d.in.Admin),
	))
}

func (d *newUserDialog) submit(ctx app.Context, e app.Event) {
	SendForm(ctx, e, &d.busy, &d.problem, api.CreateUser, d.in, func(ctx app.Context, u lms.User) { d.saved(ctx, u.Name+" can sign in now.") })
}
