package ui

import (
	"fmt"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// ClusterPage shows how the nodes stand, first in a layperson's words and then in figures, and lets an administrator
// change the membership.
type ClusterPage struct {
	app.Compo
	session  lms.Session
	cluster  Remote[lms.Cluster]
	seen     time.Time // of the last answer
	busy     bool
	token    *api.JoinToken
	removing string
	leading  string
}

// OnMount loads the page and keeps it fresh.
func (p *ClusterPage) OnMount(ctx app.Context) {
	ctx.ObserveState(stateSession, &p.session)
	p.load(ctx)
	OnLive(ctx, 2*time.Second, p.refresh, "cluster")
}

func (p *ClusterPage) load(ctx app.Context) {
	p.cluster.Load(ctx, Call(api.GetCluster, api.NoInput{}), func(ctx app.Context) {
		p.seen = Now()
		ctx.SetState(stateHealth, p.cluster.Value.Health)
	})
}

func (p *ClusterPage) refresh(ctx app.Context) {
	if !p.cluster.Loading() {
		p.load(ctx)
	}
}

// Render draws the page.
func (p *ClusterPage) Render() app.UI {
	return &Shell{Title: "Cluster", Lead: "The machines that keep this site, and what may happen to them.", Active: "cluster",
		Actions: app.If(Me().Admin, func() app.UI {
			return Busy(Button("Add a node", "plus", p.makeToken), p.busy)
		}),
		Content: app.Div().Class("stack", "stack-wide").Body(
			p.cluster.View(4, p.load, p.view),
			app.If(p.token != nil, func() app.UI { return p.tokenDialog() }),
			app.If(p.removing != "", func() app.UI {
				return Confirm("remove", "Remove this node?", "Its certificate is withdrawn: it comes back only with a new token. The others keep everything.",
					"Remove "+p.removing, p.remove, p.close)
			}),
			app.If(p.leading != "", func() app.UI {
				return Confirm("transfer", "Hand over leadership?", "Another node takes the lead within a moment. Nothing stops and nobody is signed out.",
					"Let "+p.leading+" lead", p.transfer, p.close)
			}),
		)}
}

var healthTitles = map[lms.HealthLevel]string{lms.HealthGood: "Everything is fine", lms.HealthWarn: "Working, with less protection",
	lms.HealthBad: "Read only until machines come back"}

func (p *ClusterPage) view(c lms.Cluster) app.UI {
	return app.Div().Class("stack").Body(
		app.Section().Class("health", "tone-"+string(c.Health.Level)).Body(
			ClusterMap(c),
			app.Div().Class("health-words").Role("status").Body(
				app.P().Class("health-title").Text(cond(c.Health.Gone > 0, "Parts of files are missing", healthTitles[c.Health.Level])),
				app.P().Class("health-summary").Text(c.Health.Summary+"."),
				app.P().Class("health-detail").Text(c.Health.Detail),
			),
		),
		app.Range(c.Warnings).Slice(func(i int) app.UI { return Notice("warn", c.Warnings[i]) }),
		app.Ul().Class("node-grid").Body(app.Range(c.Nodes).Slice(func(i int) app.UI { return p.node(c, c.Nodes[i]) })),
		Card("In figures", nil, p.table(c)),
		app.If(Me().Admin, func() app.UI {
			return app.Div().Class("stack").Body(app.Range(c.Nodes).Slice(func(i int) app.UI { return &nodeDetails{Node: c.Nodes[i].ID} }))
		}),
		app.If(Me().Admin, func() app.UI { return &backupCard{} }),
		app.If(Me().Admin, func() app.UI { return &embedCard{} }),
		app.P().Class("fine").Text(fmt.Sprintf("Answered by %s, term %d, program %s. Refreshed every two seconds.", c.Node, c.Term, c.Version)),
	)
}

// node is one machine in plain words.
func (p *ClusterPage) node(c lms.Cluster, n lms.ClusterNode) app.UI {
	state, tone, words := "follows", "good", "Has a full copy and follows the leader."
	switch {
	case !n.Up:
		state, tone, words = "away", "bad", "Does not answer. The others go on without it; when it returns it catches up by itself."
	case n.Leader:
		state, tone, words = "leads", "info", "Puts changes in order and passes them on to the others."
	case n.Replica:
		state, tone, words = "read replica", "good", "Has a full copy and answers readers. It has no vote and protects nothing."
	case !n.Voter:
		state, tone, words = "joining", "warn", "Is copying everything before it counts."
	case n.Behind():
		state, tone, words = "catching up", "warn", "Is behind and catches up by itself."
	}
	if n.Copying() && (n.Voter || n.Replica) {
		state, tone, words = cond(n.Leader, state, "copying files"), "warn", n.FilesMessage()
	}
	return app.Li().Class("node-card").Body(
		app.Div().Class("node-head").Body(Icon("server"), app.Strong().Text(n.ID), Badge(state, tone),
			app.If(n.ID == c.Node, func() app.UI { return Badge("you are here", "") })),
		app.P().Class("muted").Text(words),
		app.If(n.ClockMessage != "", func() app.UI { return Notice("warn", n.ClockMessage) }),
		app.If(n.SpaceMessage != "", func() app.UI { return Notice("warn", n.SpaceMessage) }),
		app.If(n.Error != "" && Me().Admin, func() app.UI {
			return app.Details().Class("fine").Body(app.Summary().Class("node-error").Text("What the others report"), app.P().Text(n.Error))
		}),
		app.If(n.Origin != "", func() app.UI { return app.P().Class("fine").Text(n.Origin) }),
		app.If(Me().Admin, func() app.UI {
			return app.Div().Class("actions").Body(
				app.If(n.Up && n.Voter && !n.Leader, func() app.UI {
					return Quiet("Let "+n.ID+" lead", "arrow-right", func(app.Context, app.Event) { p.leading = n.ID }, Each("lead", n.ID))
				}),
				app.If(len(c.Nodes) > 1, func() app.UI {
					return Quiet("Remove", "trash", func(app.Context, app.Event) { p.removing = n.ID }, Each("remove", n.ID)).Aria("label", "Remove "+n.ID)
				}),
			)
		}),
	)
}

func (p *ClusterPage) table(c lms.Cluster) app.UI {
	head := func(s, class string) app.UI { return app.Th().Scope("col").Class(class).Text(s) }
	return app.Div().Class("table-wrap").TabIndex(0).Role("region").Aria("label", "Nodes in figures").Body(app.Elem("table").Class("table").Body(
		app.Elem("thead").Body(app.Elem("tr").Body(head("Node", ""), head("Role", ""), head("Applied index", "num"), head("Committed", "num"),
			head("Behind", "num"), head("Cluster address", ""))),
		app.Elem("tbody").Body(app.Range(c.Nodes).Slice(func(i int) app.UI {
			n := c.Nodes[i]
			role := cond(n.Leader, "leader", cond(n.Voter, "follower", cond(n.Replica, "replica", "joining")))
			if !n.Up {
				role = "away"
			}
			figure := func(v uint64) app.UI {
				return app.Td().Class("num").Text(cond(n.Up, fmt.Sprint(v), "–"))
			}
			return app.Elem("tr").Body(app.Th().Scope("row").Text(n.ID), app.Td().Text(role), figure(n.Applied), figure(n.Commit), figure(n.Lag),
				app.Td().Class("mono").Text(n.Address))
		})),
	))
}

func (p *ClusterPage) tokenDialog() app.UI {
	return NewDialog("token", "Add a node", p.close, app.Div().Class("stack").Body(
		app.P().Text("Run this on the new machine. The token works once, and until "+FormatTime(p.token.ExpiresAt)+"."),
		app.Pre().Class("command").TabIndex(0).Text(p.token.Command),
		app.P().Class("fine").Text("Who has the token can add a machine to this cluster: keep it to yourself."),
		app.Div().Class("actions", "actions-end").Body(
			Button("Copy", "copy", func(ctx app.Context, _ app.Event) { copyText(ctx, p.token.Command, "The command is copied.") }),
			Primary("Done", "", func(ctx app.Context, _ app.Event) { p.close(ctx) })),
	))
}

func (p *ClusterPage) close(app.Context) { p.token, p.removing, p.leading = nil, "", "" }

func (p *ClusterPage) makeToken(ctx app.Context, _ app.Event) {
	p.busy = true
	Async(ctx, Call(api.CreateJoinToken, api.NoInput{}), func(ctx app.Context, t api.JoinToken, err error) {
		p.busy = false
		if err != nil {
			ToastError(ctx, err)
			return
		}
		p.token = &t
	})
}

func (p *ClusterPage) remove(ctx app.Context) {
	p.change(ctx, Call(api.RemoveNode, api.RemoveNodeInput{Node: p.removing}), p.removing+" is no longer part of the cluster.")
}

func (p *ClusterPage) transfer(ctx app.Context) {
	p.change(ctx, Call(api.TransferLeader, api.TransferInput{Node: p.leading}), p.leading+" leads now.")
}

func (p *ClusterPage) change(ctx app.Context, do work[lms.Cluster], done string) {
	p.close(ctx)
	Async(ctx, do, func(ctx app.Context, c lms.Cluster, err error) {
		if err != nil {
			ToastError(ctx, err)
			return
		}
		p.cluster.Set(c)
		Toast(ctx, "good", done)
	})
}
