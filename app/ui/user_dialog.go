package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// userDialog changes an account.
type userDialog struct {
	app.Compo
	user        lms.User
	close       func(app.Context)
	saved       func(app.Context, string)
	name        string
	password    string
	mail        string
	admin       bool
	create      bool
	disabled    bool
	shown, busy bool
	problem     Problem
}

// OnInit fills the fields.
func (d *userDialog) OnInit() {
	d.mail = d.user.Mail
	d.name, d.admin, d.create, d.disabled = d.user.Name, d.user.Admin, d.user.MayCreateCourses, d.user.Disabled
}

// Render draws the dialog.
func (d *userDialog) Render() app.UI {
	set := func(v *bool) app.EventHandler { return func(ctx app.Context, _ app.Event) { *v = Checked(ctx) } }
	return NewDialog("edit-user", d.user.Name, d.close, DialogForm(d.submit, d.close, Submit("Save", "Saving", d.busy),
		d.problem.Alert("name", "password", "mail"),
		Input(Field{ID: "name", Label: "Name", Help: "Signs in as " + d.user.Login + ".", Value: d.name, Autocomplete: "off",
			Error: d.problem.For("name"), On: d.ValueTo(&d.name)}),
		Input(Field{ID: "mail", Label: "Mail address", Optional: true, Help: "A link for a new password is sent there.", Value: d.mail, Autocomplete: "off",
			Error: d.problem.For("mail"), On: d.ValueTo(&d.mail)}),
		passwordField(Field{ID: "password", Label: "New password", Optional: true, Help: "Leave it empty to keep the present one. A new one ends the person's sessions.",
			Autocomplete: "new-password", Value: d.password, Error: d.problem.For("password"), On: d.ValueTo(&d.password)}, &d.shown),
		Checkbox(Field{ID: "mayCreateCourses", Label: "May create courses", On: set(&d.create)}, d.create),
		Checkbox(Field{ID: "admin", Label: "Administrator", On: set(&d.admin)}, d.admin),
		Checkbox(Field{ID: "disabled", Label: "Disabled", Help: "Cannot sign in and is signed out everywhere at once. All work is kept.", On: set(&d.disabled)}, d.disabled),
	))
}

func (d *userDialog) submit(ctx app.Context, e app.Event) {
	in := api.UpdateUserInput{User: d.user.ID, Version: d.user.Version}
	if d.name != d.user.Name {
		in.Name = &d.name
	}
	if d.mail != d.user.Mail {
		in.Mail = &d.mail
	}
	if d.password != "" {
		in.Password = &d.password
	}
	if d.admin != d.user.Admin {
		in.Admin = &d.admin
	}
	if d.create != d.user.MayCreateCourses {
		in.MayCreateCourses = &d.create
	}
	if d.disabled != d.user.Disabled {
		in.Disabled = &d.disabled
	}
	SendForm(ctx, e, &d.busy, &d.problem, api.UpdateUser, in, func(ctx app.Context, u lms.User) { d.saved(ctx, "The account of "+u.Name+" is changed.") })
}
