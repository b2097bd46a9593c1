package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// sessionsCard lists where the user is signed in, and ends what should not be there.
type sessionsCard struct {
	app.Compo
	list   Remote[api.Page[lms.SessionInfo]]
	others bool // the question about all others is open
	busy   bool
	ctx    app.Context // of the card: the button that begins a call may be gone when its answer comes
}

// OnMount loads the list.
func (c *sessionsCard) OnMount(ctx app.Context) {
	c.ctx = ctx
	c.load(ctx)
}

func (c *sessionsCard) load(ctx app.Context) {
	c.list.Load(ctx, Call(api.ListSessions, api.NoInput{}))
}

// Render draws the card.
func (c *sessionsCard) Render() app.UI {
	var actions []app.UI
	if len(c.list.Value.Items) > 1 {
		actions = append(actions, Busy(Button("Sign out all others", "log-out", func(app.Context, app.Event) { c.others = true }), c.busy))
	}
	return Card("Where you are signed in", actions, c.list.View(2, c.load, func(v api.Page[lms.SessionInfo]) app.UI {
		return RowsOf(v.Items, func(s lms.SessionInfo) app.UI {
			s.Device = cond(s.Device == "", "A device", s.Device) // signed in before devices had names
			return RowWith(Icon("key"), s.Device, "Since "+FormatTime(s.CreatedAt)+cond(s.Current, "", " · last used about "+FormatTime(s.SeenAt)),
				app.If(s.Current, func() app.UI { return Badge("This device", "good") }).Else(func() app.UI {
					return Busy(Button("Sign out", "", func(app.Context, app.Event) { c.end(Call(api.EndSession, api.SessionPath{Session: s.ID})) }, Each(s.ID)), c.busy).
						Aria("label", "Sign out "+s.Device+", signed in "+FormatTime(s.CreatedAt))
				}))
		})
	}), app.If(c.others, func() app.UI {
		no := func(app.Context) { c.others = false }
		return Confirm("others", "Sign out all other devices?", "Whoever uses them must sign in again. This device stays signed in.", "Sign out all others", func(app.Context) {
			c.others = false
			c.end(Call(api.EndOtherSessions, api.NoInput{}))
		}, no)
	}))
}

func (c *sessionsCard) end(call work[api.Empty]) {
	c.busy = true
	Async(c.ctx, call, func(ctx app.Context, _ api.Empty, err error) {
		c.busy = false
		if err != nil && lms.KindOf(err) != lms.KindNotFound { // it had ended by itself
			ToastError(ctx, err)
			return
		}
		Toast(ctx, "good", "Signed out there.")
		c.load(ctx)
	})
}
