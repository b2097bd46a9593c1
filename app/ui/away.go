package ui

import (
	"context"
	"net/url"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/lms"
)

// The kept shell of the service worker opens although the node of the address is dead. Without a session it cannot go on
// with another node: the cookie is this node's. So it leads to the others, and waits for its own.

// nodesKey is where the origins of the other nodes are remembered in the browser's storage.
const nodesKey = "nodes"

// rememberNodes keeps where the other nodes are, for a start without this one.
func rememberNodes(ctx app.Context, nodes []lms.ClusterNode) {
	here := app.Window().URL()
	_ = ctx.LocalStorage().Set(nodesKey, otherOrigins(nodes, here.Scheme+"://"+here.Host)) // a full storage only costs the links
}

func otherOrigins(nodes []lms.ClusterNode, here string) []string {
	origins := []string{}
	for _, n := range nodes {
		if n.Origin != here && validOrigin(n.Origin) {
			origins = append(origins, n.Origin)
		}
	}
	return origins
}

// validOrigin keeps anything but the address of a site out of the links: the storage can be changed by hand.
func validOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && s == u.Scheme+"://"+u.Host
}

func rememberedNodes(ctx app.Context) []string {
	var origins, valid []string
	_ = ctx.LocalStorage().Get(nodesKey, &origins)
	for _, o := range origins {
		if validOrigin(o) {
			valid = append(valid, o)
		}
	}
	return valid
}

// awayNotice says that the node of the page is away and leads to the same page of the other nodes.
func awayNotice(origins []string, uri string) app.UI {
	return Notice("warn", "The node of this address does not answer. This page asks it every few seconds and goes on by itself.",
		app.If(len(origins) > 0, func() app.UI {
			return app.Div().Class("stack-tight").Body(
				app.P().Text("Every node has everything. Go on with another one:"),
				app.Div().Class("actions").Body(app.Range(origins).Slice(func(i int) app.UI {
					return LinkButton(hostOf(origins[i]), "server", origins[i]+uri)
				})))
		}))
}

// hereURI is the path and query of the page.
func hereURI() string {
	if app.IsServer {
		return "/"
	}
	return app.Window().URL().RequestURI()
}

var waiting bool

// awaitNode asks the page's own node until it is ready. A page that has no session starts anew then; one with a form
// stays, and only its notice goes.
func awaitNode() {
	if waiting || app.IsServer {
		return
	}
	waiting = true
	go func() {
		for !nodeReady() {
			time.Sleep(3 * time.Second)
		}
		waiting = false
		if Me().ID == "" && !isPublic(app.Window().URL().Path) {
			app.Window().Get("location").Call("reload")
		}
	}()
}

func nodeReady() bool {
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	return API.Ready(ctx) == nil
}

// nodeNotice is awayNotice for the pages that need no session. It asks once whether the node is there, because these
// pages may not ask for anything else.
type nodeNotice struct {
	app.Compo
	away  bool
	nodes []string
}

// OnMount listens for trouble and asks the node once.
func (n *nodeNotice) OnMount(ctx app.Context) {
	n.nodes = rememberedNodes(ctx)
	hub.Lock()
	hub.notify = func(c connection) {
		ctx.Dispatch(func(app.Context) {
			n.away = c.Trouble
			if n.away {
				awaitNode()
			}
		})
	}
	hub.Unlock()
	ctx.Async(func() { nodeReady() })
}

// Render draws the notice while the node is away.
func (n *nodeNotice) Render() app.UI {
	return app.Div().Role("status").Body(app.If(n.away, func() app.UI { return awayNotice(n.nodes, hereURI()) }))
}
