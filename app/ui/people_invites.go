package ui

import (
	"fmt"
	"strings"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

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
					IconButton("Make a new code instead of "+i.Code, "refresh-cw", func(app.Context, app.Event) { p.renewing = &i }, Each("renew", i.ID)),
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
