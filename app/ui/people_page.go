package ui

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// PeoplePage shows the members of a course and, to its instructors, the invite codes.
type PeoplePage struct {
	app.Compo
	inCourse
	session  lms.Session
	members  Remote[api.Page[lms.Member]]
	invites  Remote[api.Page[lms.Invite]]
	adding   bool
	inviting bool
	editing  *lms.Member
	revoking *lms.Invite
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
		p.members.Reset()
		p.invites.Reset()
	}
	p.load(ctx)
	p.loadInvites(ctx)
}

func (p *PeoplePage) load(ctx app.Context) {
	p.members.Load(ctx, Call(api.ListMembers, api.ListMembersInput{Course: p.id}))
}

func (p *PeoplePage) loadInvites(ctx app.Context) {
	if p.teaches() {
		p.invites.Load(ctx, Call(api.ListInvites, api.CoursePath{Course: p.id}))
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
			app.If(p.teaches(), func() app.UI {
				return Card("Invite codes", nil, p.invites.View(2, p.loadInvites, p.inviteRows))
			}),
			p.members.View(6, p.load, p.memberGroups),
			app.If(p.adding, func() app.UI { return &addMemberDialog{course: p.id, close: p.close, saved: p.saved} }),
			app.If(p.inviting, func() app.UI { return &inviteDialog{course: p.id, close: p.close, saved: p.saved} }),
			app.If(p.editing != nil, func() app.UI {
				return &memberDialog{course: p.id, member: *p.editing, close: p.close, saved: p.saved}
			}),
			app.If(p.revoking != nil, func() app.UI {
				return Confirm("revoke", "Withdraw this code?", "Nobody can join with "+p.revoking.Code+" any more. Who has joined stays a member.",
					"Withdraw "+p.revoking.Code, p.revoke, p.close)
			}),
		)})
}

func (p *PeoplePage) actions() app.UI {
	return app.If(p.teaches(), func() app.UI {
		return app.Div().Class("actions").Body(
			Button("Add a member", "user-plus", func(app.Context, app.Event) { p.adding = true }),
			Primary("Invite by code", "key", func(app.Context, app.Event) { p.inviting = true }),
		)
	})
}

func (p *PeoplePage) close(app.Context) {
	p.adding, p.inviting, p.editing, p.revoking = false, false, nil, nil
}

func (p *PeoplePage) saved(ctx app.Context, message string) {
	p.close(ctx)
	Toast(ctx, "good", message)
	p.load(ctx)
	p.loadInvites(ctx)
}

func (p *PeoplePage) revoke(ctx app.Context) {
	in := api.InvitePath{Course: p.id, Invite: p.revoking.ID}
	Async(ctx, Call(api.RevokeInvite, in), func(ctx app.Context, i lms.Invite, err error) {
		if err != nil {
			p.close(ctx)
			ToastError(ctx, err)
			return
		}
		p.saved(ctx, "The code "+i.Code+" is withdrawn.")
	})
}

// memberGroups lists the members role by role, those who left last.
func (p *PeoplePage) memberGroups(v api.Page[lms.Member]) app.UI {
	groups := []struct {
		title string
		is    func(lms.Member) bool
	}{
		{"Instructors", func(m lms.Member) bool { return m.Active && m.Role == lms.RoleInstructor }},
		{"Teaching assistants", func(m lms.Member) bool { return m.Active && m.Role == lms.RoleTA }},
		{"Students", func(m lms.Member) bool { return m.Active && m.Role == lms.RoleStudent }},
		{"Observers", func(m lms.Member) bool { return m.Active && m.Role == lms.RoleObserver }},
		{"Deactivated", func(m lms.Member) bool { return !m.Active }},
	}
	members := slices.SortedFunc(slices.Values(v.Items), func(a, b lms.Member) int {
		return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
	return app.Div().Class("stack", "stack-wide").Body(app.Range(groups).Slice(func(i int) app.UI {
		var in []lms.Member
		for _, m := range members {
			if groups[i].is(m) {
				in = append(in, m)
			}
		}
		if len(in) == 0 {
			return nil
		}
		return Card(fmt.Sprintf("%s (%d)", groups[i].title, len(in)), nil, app.Div().Body(RowsOf(in, p.memberRow)))
	}))
}

func (p *PeoplePage) memberRow(m lms.Member) app.UI {
	meta := m.Login
	if m.UserID == Me().ID {
		meta = strings.TrimPrefix(meta+" · you", " · ")
	}
	return RowWith(Avatar(m.Name), m.Name, meta, app.If(p.teaches(), func() app.UI {
		return Button("Change", "edit", func(app.Context, app.Event) { p.editing = &m }, Each(m.UserID, string(m.Role), m.Active)).Aria("label", "Change "+m.Name)
	}))
}

func (p *PeoplePage) inviteRows(v api.Page[lms.Invite]) app.UI {
	if len(v.Items) == 0 {
		return app.Div().Class("quiet-empty").Body(Icon("key"), text("No code yet. Make one and give it to your students: they register with it and are in."))
	}
	return RowsOf(v.Items, func(i lms.Invite) app.UI {
		state := i.Check(Now())
		return RowWith(Icon("key"), i.Code, inviteMeta(i),
			app.If(state != nil, func() app.UI { return Badge(inviteState(state), "warn") }),
			app.If(state == nil, func() app.UI {
				return app.Div().Class("actions").Body(
					Button("Copy link", "copy", func(ctx app.Context, _ app.Event) { copyText(ctx, inviteLink(i.Code), "The link is copied.") }, Each("copy", i.ID)).
						Aria("label", "Copy the link for "+i.Code),
					IconButton("Withdraw "+i.Code, "trash", func(app.Context, app.Event) { p.revoking = &i }, Each("revoke", i.ID)),
				)
			}),
		)
	})
}

func inviteState(err error) string {
	switch err {
	case lms.ErrInviteExpired:
		return "expired"
	case lms.ErrInviteUsedUp:
		return "used up"
	}
	return "withdrawn"
}

func inviteMeta(i lms.Invite) string {
	parts := []string{"for a " + strings.ToLower(RoleName(i.Role))}
	if i.Role == lms.RoleInstructor || i.Role == lms.RoleObserver {
		parts[0] = "for an " + strings.ToLower(RoleName(i.Role))
	}
	if i.MaxUses > 0 {
		parts = append(parts, fmt.Sprintf("used %d of %d times", i.Uses, i.MaxUses))
	} else {
		parts = append(parts, cond(i.Uses == 1, "used once", fmt.Sprintf("used %d times", i.Uses)))
	}
	if !i.ExpiresAt.IsZero() {
		parts = append(parts, cond(i.ExpiresAt.After(Now()), "ends ", "ended ")+Relative(i.ExpiresAt))
	}
	return strings.Join(parts, " · ")
}

func inviteLink(code string) string {
	return app.Window().Get("location").Get("origin").String() + "/register?code=" + code
}

// copyText puts a text on the clipboard and says so, or shows it where the browser does not allow that.
func copyText(ctx app.Context, s, done string) {
	clipboard := app.Window().Get("navigator").Get("clipboard")
	if !clipboard.Truthy() {
		Toast(ctx, "info", s)
		return
	}
	clipboard.Call("writeText", s)
	Toast(ctx, "good", done)
}

// monthAhead is the default end of an invite: a month ahead.
func monthAhead() time.Time { return Now().AddDate(0, 1, 0).Truncate(time.Hour) }
