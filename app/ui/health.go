package ui

import (
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

const stateHealth = "health" // lms.Health of the cluster

// healthEvery is how often a visible tab reads the health again: a node that is cut off hears of no change.
const healthEvery = 15 * time.Second

// asked is when the health was asked for; zero: it is answered. A second question meanwhile would wait for the same nodes.
// It is a time because the answer to a page that is gone never comes.
var asked time.Time

// refreshHealth reads the cluster's health for the pill in the bar, and where the nodes are.
func refreshHealth(ctx app.Context) {
	if app.IsServer || Me().ID == "" || time.Since(asked) < healthEvery-time.Second {
		return
	}
	asked = time.Now()
	Async(ctx, Call(api.GetCluster, api.NoInput{}), func(ctx app.Context, cl lms.Cluster, err error) {
		asked = time.Time{}
		if err == nil {
			ctx.SetState(stateHealth, cl.Health)
			rememberNodes(ctx, cl.Nodes)
		}
	})
}

// watchHealth keeps the pill true while the tab is visible. It runs for the whole life of the program.
func watchHealth() {
	for range time.Tick(healthEvery) {
		if onScreen != nil && !app.Window().Get("document").Get("hidden").Bool() {
			onScreen.Dispatch(refreshHealth)
		}
	}
}

// healthNow is the health as the pill shows it. What the last answers said counts more than what was read before: the
// pill must not say "healthy" beside a banner that says "read only".
func healthNow(h lms.Health, news connection) lms.Health {
	switch {
	case news.Trouble:
		return lms.Health{Level: lms.HealthBad, Summary: "No node answers", Voters: h.Voters}
	case !news.AsOf.IsZero() && (h.Level != lms.HealthBad || h.Gone > 0):
		return lms.Health{Level: lms.HealthBad, Summary: "Read only: most nodes are away", Voters: h.Voters, Up: h.Up}
	}
	return h
}
