package ui

import (
	"strconv"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// roleOptions are the roles that the person may give in the course.
func roleOptions(course string) []Option {
	actor := ActorIn(course)
	var options []Option
	for _, r := range []lms.Role{lms.RoleStudent, lms.RoleTA, lms.RoleInstructor, lms.RoleObserver} {
		if actor.Admin || actor.Role.MayGrant(r) {
			options = append(options, Option{Value: string(r), Label: RoleName(r)})
		}
	}
	return options
}

// addMemberDialog enrols somebody who has an account.
type addMemberDialog struct {
	app.Compo
	course  string
	close   func(app.Context)
	saved   func(app.Context, string)
	in      api.AddMemberInput
	busy    bool
	problem Problem
}

// OnInit chooses the most frequent role.
func (d *addMemberDialog) OnInit() {
	d.in = api.AddMemberInput{Course: d.course, Role: lms.RoleStudent}
}

// Render draws the dialog.
func (d *addMemberDialog) Render() app.UI {
	return NewDialog("add-member", "Add a member", d.close, DialogForm(d.submit, d.close, Submit("Add", "Adding", d.busy),
		d.problem.Alert("login", "role"),
		Input(Field{ID: "login", Label: "User name", Help: "Of somebody who has an account. Others join with an invite code.", Autocomplete: "off",
			Value: d.in.Login, Error: d.problem.For("login"), On: d.ValueTo(&d.in.Login)}),
		Select(Field{ID: "role", Label: "Role", Value: string(d.in.Role), Error: d.problem.For("role"),
			On: func(ctx app.Context, _ app.Event) { d.in.Role = lms.Role(ctx.JSSrc().Get("value").String()) }}, roleOptions(d.course)...),
	))
}

func (d *addMemberDialog) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if d.busy {
		return
	}
	if err := d.in.Validate(); err != nil {
		Fail(ctx, err, &d.problem)
		return
	}
	d.busy, d.problem = true, Problem{}
	Async(ctx, Call(api.AddMember, d.in), func(ctx app.Context, m lms.Member, err error) {
		d.busy = false
		if err != nil {
			Fail(ctx, err, &d.problem)
			return
		}
		d.saved(ctx, m.Name+" is a member now.")
	})
}

// memberDialog changes a member's role or activity.
type memberDialog struct {
	app.Compo
	course  string
	member  lms.Member
	close   func(app.Context)
	saved   func(app.Context, string)
	role    lms.Role
	active  bool
	busy    bool
	problem Problem
}

// OnInit fills the fields.
func (d *memberDialog) OnInit() { d.role, d.active = d.member.Role, d.member.Active }

// Render draws the dialog.
func (d *memberDialog) Render() app.UI {
	return NewDialog("member", d.member.Name, d.close, DialogForm(d.submit, d.close, Submit("Save", "Saving", d.busy),
		d.problem.Alert("role"),
		Select(Field{ID: "role", Label: "Role", Value: string(d.role), Error: d.problem.For("role"),
			On: func(ctx app.Context, _ app.Event) { d.role = lms.Role(ctx.JSSrc().Get("value").String()) }}, roleOptions(d.course)...),
		Checkbox(Field{ID: "active", Label: "Active member", Help: "A deactivated member cannot open the course. All work is kept and comes back with the membership.",
			On: func(ctx app.Context, _ app.Event) { d.active = Checked(ctx) }}, d.active),
	))
}

func (d *memberDialog) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if d.busy {
		return
	}
	in := api.UpdateMemberInput{Course: d.course, User: d.member.UserID}
	if d.role != d.member.Role {
		in.Role = &d.role
	}
	if d.active != d.member.Active {
		in.Active = &d.active
	}
	if in.Role == nil && in.Active == nil {
		d.close(ctx)
		return
	}
	d.busy, d.problem = true, Problem{}
	Async(ctx, Call(api.UpdateMember, in), func(ctx app.Context, m lms.Member, err error) {
		d.busy = false
		if err != nil {
			Fail(ctx, err, &d.problem)
			return
		}
		if m.UserID == Me().ID {
			RefreshSession(ctx, nil)
		}
		d.saved(ctx, "The membership of "+m.Name+" is changed.")
	})
}

// inviteDialog makes an invite code.
type inviteDialog struct {
	app.Compo
	course     string
	close      func(app.Context)
	saved      func(app.Context, string)
	in         api.CreateInviteInput
	uses, ends string
	busy       bool
	problem    Problem
}

// OnInit makes the id, so that a repeated click makes one code, and chooses the defaults.
func (d *inviteDialog) OnInit() {
	d.in = api.CreateInviteInput{Course: d.course, ID: lms.NewID(), Role: lms.RoleStudent}
	d.ends = FormatInput(monthAhead())
}

// Render draws the dialog.
func (d *inviteDialog) Render() app.UI {
	return NewDialog("invite", "Invite by code", d.close, DialogForm(d.submit, d.close, Submit("Make the code", "Making it", d.busy),
		d.problem.Alert("role", "maxUses", "expiresAt"),
		Select(Field{ID: "role", Label: "They join as", Value: string(d.in.Role), Error: d.problem.For("role"),
			On: func(ctx app.Context, _ app.Event) { d.in.Role = lms.Role(ctx.JSSrc().Get("value").String()) }}, roleOptions(d.course)...),
		Input(Field{ID: "maxUses", Label: "How often it may be used", Optional: true, InputMode: "numeric", Help: "Empty: no limit.", Value: d.uses,
			Error: d.problem.For("maxUses"), On: d.ValueTo(&d.uses)}),
		Input(Field{ID: "expiresAt", Label: "Ends", Optional: true, Type: "datetime-local", Help: "In your time zone, " + Zone() + ". Empty: never.",
			Value: d.ends, Error: d.problem.For("expiresAt"), On: d.ValueTo(&d.ends)}),
	))
}

func (d *inviteDialog) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if d.busy {
		return
	}
	var err error
	d.in.MaxUses = 0
	if uses := strings.TrimSpace(d.uses); uses != "" {
		if d.in.MaxUses, err = strconv.Atoi(uses); err != nil || d.in.MaxUses < 1 {
			Fail(ctx, lms.FieldErrorf(lms.KindRule, "maxUses", "Write a number from 1 on, or leave it empty for no limit."), &d.problem)
			return
		}
	}
	if d.in.ExpiresAt, err = ParseInput(d.ends); err != nil {
		Fail(ctx, lms.FieldErrorf(lms.KindRule, "expiresAt", "This is not a date and time."), &d.problem)
		return
	}
	if err := d.in.Validate(); err != nil {
		Fail(ctx, err, &d.problem)
		return
	}
	d.busy, d.problem = true, Problem{}
	Async(ctx, Call(api.CreateInvite, d.in), func(ctx app.Context, i lms.Invite, err error) {
		d.busy = false
		if err != nil {
			Fail(ctx, err, &d.problem)
			return
		}
		d.saved(ctx, "The code is "+i.Code+".")
	})
}
