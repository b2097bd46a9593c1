package ui

import (
	"fmt"
	"slices"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// peoplePage is how many members are loaded at a time.
const peoplePage = 50

// PeoplePage shows the members of a course and, to its instructors, the invite codes.
type PeoplePage struct {
	app.Compo
	inCourse
	session  lms.Session
	in       api.ListMembersInput // the filter
	members  Paged[lms.Member]
	sections Remote[api.Page[lms.Section]]
	pending  Remote[api.Page[lms.Member]] // how many imported people have no password yet
	invites  Remote[api.Page[lms.Invite]]
	choosing bool // members for a section
	chosen   map[string]bool
	into     string
	busy     bool

	adding, inviting, claiming bool
	editing                    *lms.Member
	revoking, renewing         *lms.Invite
}

// OnMount listens for changes of the membership.
func (p *PeoplePage) OnMount(ctx app.Context) {
	ctx.ObserveState(stateSession, &p.session).OnChange(func() { p.loadInvites(ctx) })
}

// OnNav loads the course of the address.
func (p *PeoplePage) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	if p.enter(ctx) {
		p.close(ctx)
		p.choosing = false
		p.members.Reset()
		p.sections.Reset()
		p.pending.Reset()
		p.invites.Reset()
		p.in = api.ListMembersInput{Course: p.id, Limit: peoplePage}
	}
	p.load(ctx)
	p.loadInvites(ctx)
}

func (p *PeoplePage) load(ctx app.Context) {
	p.members.Load(ctx, Call(api.ListMembers, p.in))
	p.sections.Load(ctx, Call(api.ListSections, api.CoursePath{Course: p.id}))
}

func (p *PeoplePage) loadMore(ctx app.Context, _ app.Event) {
	p.members.Next(ctx, func(after string) work[api.Page[lms.Member]] {
		in := p.in
		in.After = after
		return Call(api.ListMembers, in)
	})
}

func (p *PeoplePage) loadInvites(ctx app.Context) {
	if p.teaches() {
		p.invites.Load(ctx, Call(api.ListInvites, api.CoursePath{Course: p.id}))
		p.pending.Load(ctx, Call(api.ListMembers, api.ListMembersInput{Course: p.id, State: "pending", Limit: 1}))
	}
}

// teaches reports whether the person may change the membership.
func (p *PeoplePage) teaches() bool {
	return Me().ID != "" && lms.Can(p.actor(), api.AddMember.Access) == nil && !p.readOnly()
}

// Render draws the page.
func (p *PeoplePage) Render() app.UI {
	return p.frame(&Shell{Title: "People", Active: "people", Actions: p.actions(),
		Content: app.Div().Class("stack", "stack-wide").Body(
			app.If(p.pending.Value.Total > 0 && p.teaches(), func() app.UI {
				return Notice("info", cond(p.pending.Value.Total == 1, "1 imported person has", itoa(p.pending.Value.Total)+" imported people have")+
					" no password yet. Give each of them a link with which they choose one.",
					app.Div().Class("actions").Body(Button("Make the links", "link", func(app.Context, app.Event) { p.claiming = true })))
			}),
			app.Div().Class("stack").Body(p.filter(), p.members.View(6, p.load, p.rows)),
			app.If(p.teaches(), func() app.UI {
				return Card("Invite codes", nil, p.invites.View(2, p.loadInvites, p.inviteRows))
			}),
			p.dialogs(),
		)})
}

func (p *PeoplePage) dialogs() app.UI {
	switch {
	case p.adding:
		return &addMemberDialog{course: p.id, close: p.close, saved: p.saved}
	case p.inviting:
		return &inviteDialog{course: p.id, close: p.close, saved: p.saved}
	case p.claiming:
		return &claimsDialog{course: p.id, close: p.close}
	case p.editing != nil:
		return &memberDialog{course: p.id, member: *p.editing, sections: p.sections.Value.Items, close: p.close, saved: p.saved}
	case p.revoking != nil:
		return Confirm("revoke", "Withdraw this code?", "Nobody can join with "+p.revoking.Code+" any more. Who has joined stays a member.",
			"Withdraw "+p.revoking.Code, p.revoke, p.close)
	case p.renewing != nil:
		return Confirm("renew", "Make a new code instead?", "Nobody can join with "+p.renewing.Code+" any more. The new code has the same role, end and number of uses.",
			"Replace "+p.renewing.Code, p.renew, p.close)
	}
	return nil
}

func (p *PeoplePage) actions() app.UI {
	return app.If(p.teaches(), func() app.UI {
		return app.Div().Class("actions").Body(
			LinkButton("Sections", "layout", CoursePath(p.id, "sections")),
			LinkButton("Import", "upload", CoursePath(p.id, "roster")),
			Button("Add a member", "user-plus", func(app.Context, app.Event) { p.adding = true }),
			Primary("Invite by code", "key", func(app.Context, app.Event) { p.inviting = true }),
		)
	})
}

func (p *PeoplePage) close(app.Context) {
	p.adding, p.inviting, p.claiming, p.editing, p.revoking, p.renewing = false, false, false, nil, nil, nil
}

func (p *PeoplePage) saved(ctx app.Context, message string) {
	p.close(ctx)
	Toast(ctx, "good", message)
	p.load(ctx)
	p.loadInvites(ctx)
}

func (p *PeoplePage) revoke(ctx app.Context) {
	p.replaceInvite(ctx, Call(api.RevokeInvite, api.InvitePath{Course: p.id, Invite: p.revoking.ID}), "The code %s is withdrawn.")
}

func (p *PeoplePage) renew(ctx app.Context) {
	p.replaceInvite(ctx, Call(api.RegenerateInvite, api.RegenerateInviteInput{Course: p.id, Invite: p.renewing.ID, ID: lms.NewID()}), "The new code is %s.")
}

func (p *PeoplePage) replaceInvite(ctx app.Context, do work[lms.Invite], message string) {
	Async(ctx, do, func(ctx app.Context, i lms.Invite, err error) {
		if err != nil {
			p.close(ctx)
			ToastError(ctx, err)
			return
		}
		p.saved(ctx, fmt.Sprintf(message, i.Code))
	})
}

// filter chooses who is shown. Each change asks at once; late answers are dropped.
func (p *PeoplePage) filter() app.UI {
	choose := func(to func(string)) app.EventHandler {
		return func(ctx app.Context, _ app.Event) {
			to(ctx.JSSrc().Get("value").String())
			p.load(ctx)
		}
	}
	roles := []Option{{Label: "All roles"}}
	for _, r := range []lms.Role{lms.RoleStudent, lms.RoleTA, lms.RoleInstructor, lms.RoleObserver} {
		roles = append(roles, Option{Value: string(r), Label: RoleName(r) + "s"})
	}
	return app.Form().Class("filter").Role("search").OnSubmit(func(ctx app.Context, e app.Event) { e.PreventDefault(); p.load(ctx) }).Body(
		Input(Field{ID: "q", Label: "Search", Type: "search", Optional: true, Placeholder: cond(p.staff(), "Name or id", "Name"), Value: p.in.Query,
			On: choose(func(v string) { p.in.Query = v })}),
		Select(Field{ID: "role", Label: "Role", Value: string(p.in.Role), On: choose(func(v string) { p.in.Role = lms.Role(v) })}, roles...),
		app.If(p.staff() && len(p.sections.Value.Items) > 0, func() app.UI {
			return Select(Field{ID: "section", Label: "Section", Value: p.in.Section, On: choose(func(v string) { p.in.Section = v })},
				append([]Option{{Label: "All sections"}, {Value: "none", Label: "In no section"}}, sectionOptions(p.sections.Value.Items, true)...)...)
		}),
		app.If(p.staff(), func() app.UI {
			return Select(Field{ID: "state", Label: "State", Value: p.in.State, On: choose(func(v string) { p.in.State = v })},
				Option{Label: "All"}, Option{Value: "active", Label: "Active"}, Option{Value: "inactive", Label: "Deactivated"}, Option{Value: "pending", Label: "No password yet"})
		}),
	)
}

// sectionOptions are the sections to choose from.
func sectionOptions(sections []lms.Section, archived bool) []Option {
	var options []Option
	for _, x := range sections {
		if x.ArchivedAt.IsZero() || archived {
			options = append(options, Option{Value: x.ID, Label: x.Title + cond(x.ArchivedAt.IsZero(), "", " (archived)")})
		}
	}
	return options
}

func (p *PeoplePage) sectionTitle(id string) string {
	for _, x := range p.sections.Value.Items {
		if x.ID == id {
			return x.Title
		}
	}
	return ""
}

// rows lists the members: instructors first, then by name.
func (p *PeoplePage) rows(v api.Page[lms.Member]) app.UI {
	if len(v.Items) == 0 {
		return Empty("users", "Nobody found", "No member of the course matches. Take a wider search.")
	}
	return app.Div().Class("stack").Body(
		app.Div().Class("list-head").Body(
			app.P().Class("fine").Role("status").Text(fmt.Sprintf("%d of %d people", len(v.Items), max(v.Total, len(v.Items)))),
			app.If(p.teaches() && len(sectionOptions(p.sections.Value.Items, false)) > 0 && !p.choosing, func() app.UI {
				return Quiet("Put into a section", "check", func(app.Context, app.Event) { p.choosing, p.chosen = true, map[string]bool{} })
			})),
		app.If(p.choosing, p.bulk),
		RowsOf(v.Items, p.memberRow),
		p.members.MoreButton(p.loadMore),
	)
}

// bulk puts the chosen members into a section.
func (p *PeoplePage) bulk() app.UI {
	n := len(p.chosen)
	return app.Div().Class("panel", "stack").Body(
		app.P().Role("status").Text(cond(n == 0, "Choose people in the list below.", plural(n, "member")+" chosen.")),
		Select(Field{ID: "into", Label: "Put them into", Value: p.into, On: p.ValueTo(&p.into)},
			append(sectionOptions(p.sections.Value.Items, false), Option{Value: "none", Label: "No section"})...),
		app.Div().Class("actions").Body(
			Busy(Primary("Move", "", p.move), p.busy || n == 0),
			Button("Choose all shown", "", func(app.Context, app.Event) {
				for _, m := range p.members.Value.Items {
					p.chosen[m.UserID] = true
				}
			}),
			Button("Cancel", "", func(app.Context, app.Event) { p.choosing = false })))
}

func (p *PeoplePage) move(ctx app.Context, _ app.Event) {
	in := api.AssignSectionInput{Course: p.id, Section: p.into}
	if options := sectionOptions(p.sections.Value.Items, false); in.Section == "" {
		in.Section = options[0].Value
	} else if in.Section == "none" {
		in.Section = ""
	}
	for id := range p.chosen {
		in.Users = append(in.Users, id)
	}
	slices.Sort(in.Users)
	p.busy = true
	Async(ctx, Call(api.AssignSection, in), func(ctx app.Context, out api.AssignSectionOutput, err error) {
		p.busy = false
		if err != nil {
			ToastError(ctx, err)
			return
		}
		p.choosing = false
		p.saved(ctx, plural(out.Moved, "member")+" moved.")
	})
}

func (p *PeoplePage) memberRow(m lms.Member) app.UI {
	icon := Avatar(m.Name)
	if p.choosing {
		box := app.Input().Type("checkbox").ID("choose-"+m.UserID).Aria("label", "Choose "+m.Name).Checked(p.chosen[m.UserID])
		icon = box.OnChange(func(ctx app.Context, _ app.Event) {
			if Checked(ctx) {
				p.chosen[m.UserID] = true
			} else {
				delete(p.chosen, m.UserID)
			}
		}, Each(m.UserID))
	}
	return RowWith(icon, m.Name, p.memberMeta(m),
		app.If(m.Role != lms.RoleStudent, func() app.UI { return Badge(RoleName(m.Role), cond(m.Role.Staff(), "info", "")) }),
		app.If(m.Pending, func() app.UI { return Badge("no password yet", "") }),
		app.If(!m.Active, func() app.UI { return Badge("deactivated", "warn") }),
		app.If(p.teaches() && !p.choosing, func() app.UI {
			return Button("Change", "edit", func(app.Context, app.Event) { p.editing = &m }, Each(m.UserID, string(m.Role), m.Active, m.SectionID, len(m.Sections), m.LinkedID)).
				Aria("label", "Change "+m.Name)
		}))
}

// memberMeta is the line below a name.
func (p *PeoplePage) memberMeta(m lms.Member) string {
	var parts []string
	for _, s := range []string{m.Login, m.ExternalID, p.sectionTitle(m.SectionID)} {
		if s != "" {
			parts = append(parts, s)
		}
	}
	if m.Role == lms.RoleTA && len(m.Sections) > 0 {
		var titles []string
		for _, id := range m.Sections {
			titles = append(titles, p.sectionTitle(id))
		}
		parts = append(parts, "looks after "+strings.Join(titles, ", ")+" only")
	}
	if m.Role == lms.RoleObserver && m.LinkedName != "" {
		parts = append(parts, "reads the work of "+m.LinkedName)
	}
	if m.UserID == Me().ID {
		parts = append(parts, "you")
	}
	return strings.Join(parts, " · ")
}
