package ui

import (
	"context"
	"slices"
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
	SendForm(ctx, e, &d.busy, &d.problem, api.AddMember, d.in, func(ctx app.Context, m lms.Member) { d.saved(ctx, m.Name+" is a member now.") })
}

// memberDialog changes a member's role, sections, linked student or activity.
type memberDialog struct {
	app.Compo
	course   string
	member   lms.Member
	sections []lms.Section
	close    func(app.Context)
	saved    func(app.Context, string)
	role     lms.Role
	active   bool
	section  string
	limits   map[string]bool
	linked   string // login of the student
	busy     bool
	problem  Problem
}

// OnInit fills the fields.
func (d *memberDialog) OnInit() {
	d.role, d.active, d.section, d.limits = d.member.Role, d.member.Active, d.member.SectionID, map[string]bool{}
	for _, id := range d.member.Sections {
		d.limits[id] = true
	}
}

// Render draws the dialog.
func (d *memberDialog) Render() app.UI {
	return NewDialog("member", d.member.Name, d.close, DialogForm(d.submit, d.close, Submit("Save", "Saving", d.busy),
		d.problem.Alert("role", "section", "linked"),
		Select(Field{ID: "role", Label: "Role", Value: string(d.role), Error: d.problem.For("role"),
			On: func(ctx app.Context, _ app.Event) { d.role = lms.Role(ctx.JSSrc().Get("value").String()) }}, roleOptions(d.course)...),
		app.If(d.role == lms.RoleStudent && len(d.sections) > 0, func() app.UI {
			return Select(Field{ID: "section", Label: "Section", Value: d.section, Error: d.problem.For("section"), On: d.ValueTo(&d.section)},
				append([]Option{{Label: "None"}}, sectionOptions(d.sections, d.sectionArchived())...)...)
		}),
		app.If(d.role == lms.RoleTA && len(d.sections) > 0, d.limitFields),
		app.If(d.role == lms.RoleObserver, func() app.UI {
			return Input(Field{ID: "linked", Label: "User name of the student", Optional: true, Autocomplete: "off", Value: d.linked, Error: d.problem.For("linked"), On: d.ValueTo(&d.linked),
				Help: cond(d.member.LinkedName != "", "Reads the work and the grades of "+d.member.LinkedName+" now. Write another user name to change that, or - to end it.",
					"The observer reads the work and the posted grades of this student, and of nobody else.")})
		}),
		Checkbox(Field{ID: "active", Label: "Active member", Help: "A deactivated member cannot open the course. All work is kept and comes back with the membership.",
			On: func(ctx app.Context, _ app.Event) { d.active = Checked(ctx) }}, d.active),
	))
}

func (d *memberDialog) sectionArchived() bool {
	for _, x := range d.sections {
		if x.ID == d.section {
			return !x.ArchivedAt.IsZero()
		}
	}
	return false
}

// limitFields choose the sections whose students a teaching assistant sees.
func (d *memberDialog) limitFields() app.UI {
	return app.FieldSet().Class("field").Body(
		app.Legend().Class("label").Text("Sections"),
		app.P().Class("help").Text("Sees and grades the work of the students of these sections only. None chosen: of all students."),
		app.Range(d.sections).Slice(func(i int) app.UI {
			x := d.sections[i]
			return Checkbox(Field{ID: "limit-" + x.ID, Label: x.Title, On: func(ctx app.Context, _ app.Event) { d.limits[x.ID] = Checked(ctx) }}, d.limits[x.ID])
		}))
}

// patch is what has changed.
func (d *memberDialog) patch() (in api.UpdateMemberInput, changed bool) {
	in = api.UpdateMemberInput{Course: d.course, User: d.member.UserID}
	if d.role != d.member.Role {
		in.Role, changed = &d.role, true
	}
	if d.active != d.member.Active {
		in.Active, changed = &d.active, true
	}
	if d.section != d.member.SectionID && d.role == lms.RoleStudent {
		in.Section, changed = &d.section, true
	}
	var limits []string
	for _, x := range d.sections {
		if d.limits[x.ID] {
			limits = append(limits, x.ID)
		}
	}
	slices.Sort(limits)
	if d.role == lms.RoleTA && !slices.Equal(limits, d.member.Sections) {
		if limits == nil {
			limits = []string{}
		}
		in.Sections, changed = &limits, true
	}
	return in, changed
}

func (d *memberDialog) submit(ctx app.Context, e app.Event) {
	e.PreventDefault()
	if d.busy {
		return
	}
	in, changed := d.patch()
	login := strings.TrimSpace(d.linked)
	if !changed && login == "" {
		d.close(ctx)
		return
	}
	d.busy, d.problem = true, Problem{}
	save := Call(api.UpdateMember, in)
	if d.role == lms.RoleObserver && login != "" {
		save = linkStudent(in, login)
	}
	Async(ctx, save, func(ctx app.Context, m lms.Member, err error) {
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

// linkStudent finds the student of a user name and links the observer to it; "-" ends a link.
func linkStudent(in api.UpdateMemberInput, login string) work[lms.Member] {
	return func(ctx context.Context) (lms.Member, error) {
		id := ""
		if login != "-" {
			found, err := api.Call(ctx, API, api.ListMembers, api.ListMembersInput{Course: in.Course, Role: lms.RoleStudent, Query: login})
			if err != nil {
				return lms.Member{}, err
			}
			i := slices.IndexFunc(found.Items, func(m lms.Member) bool { return lms.NormalLogin(m.Login) == lms.NormalLogin(login) })
			if i < 0 {
				return lms.Member{}, lms.FieldErrorf(lms.KindRule, "linked", "No student of the course has this user name.")
			}
			id = found.Items[i].UserID
		}
		in.Linked = &id
		return api.Call(ctx, API, api.UpdateMember, in)
	}
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
	SendForm(ctx, e, &d.busy, &d.problem, api.CreateInvite, d.in, func(ctx app.Context, i lms.Invite) { d.saved(ctx, "The code is "+i.Code+".") })
}
