package ui

import (
	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/lms"
)

// Shell is the frame of every page for signed-in people: bar, navigation, title, messages.
type Shell struct {
	app.Compo
	Title   string
	Lead    string // a line below the title
	Active  string // "home", "courses", "cluster", "users", "audit", "account"; in a course "overview", "materials", "assignments", "grades", "questions", "people", "search"
	Course  lms.Course
	Back    app.UI // Crumbs
	Actions app.UI // at the right of the title
	Wide    bool   // use the whole width, for tables and side-by-side views
	Content app.UI

	news      connection
	toast     toast
	reauth    bool
	confirm   bool
	update    bool
	health    lms.Health
	lastTitle string
	path      string
	nodes     []string // origins of the other nodes, as remembered
}

// OnMount learns who is signed in and listens for what concerns every page.
func (s *Shell) OnMount(ctx app.Context) {
	ctx.ObserveState(stateToast, &s.toast)
	ctx.ObserveState(stateReauth, &s.reauth)
	ctx.ObserveState(stateConfirm, &s.confirm)
	ctx.ObserveState(stateHealth, &s.health)
	s.nodes = rememberedNodes(ctx)
	s.update = ctx.AppUpdateAvailable()
	onScreen = &ctx
	hub.Lock()
	s.news = hub.news
	hub.notify = func(n connection) { ctx.Dispatch(func(ctx app.Context) { s.onNews(ctx, n) }) }
	hub.Unlock()
	if known.User.ID == "" {
		RefreshSession(ctx, startLive)
	} else {
		startLive(ctx)
	}
	watchMenus()
}

// OnNav moves the keyboard and the view to the new page's title, which a change of route alone does not.
func (s *Shell) OnNav(ctx app.Context) {
	if app.IsServer {
		return
	}
	path := ctx.Page().URL().Path
	if s.path == path {
		return
	}
	s.path = path
	closeMenus()
	if ctx.Page().URL().Fragment == "" {
		app.Window().Call("scrollTo", 0, 0)
	}
	if visited > 0 {
		Focus(ctx, "page-title")
	}
	visited++
}

// visited counts the pages since the program started: the first one keeps the keyboard where the browser puts it.
var visited int

// OnAppUpdate offers the new version; it never reloads by itself, because a form may be open.
func (s *Shell) OnAppUpdate(ctx app.Context) { s.update = ctx.AppUpdateAvailable() }

func (s *Shell) onNews(ctx app.Context, n connection) {
	if n.Version != s.news.Version && s.news.Version != "" {
		app.TryUpdate()
	}
	changed := !n.AsOf.IsZero() != !s.news.AsOf.IsZero() || n.Trouble != s.news.Trouble || n.Node != s.news.Node
	s.news = n
	if changed && !n.Trouble {
		refreshHealth(ctx)
	}
	if s.away() {
		awaitNode()
	}
}

// away reports whether the page cannot begin, because its node does not answer and no session is known for another one.
func (s *Shell) away() bool { return s.news.Trouble && Me().ID == "" }

// Render draws the frame.
func (s *Shell) Render() app.UI {
	if app.IsClient && s.lastTitle != s.Title {
		s.lastTitle = s.Title
		app.Window().Get("document").Set("title", s.Title+" · Trivium")
	}
	main := app.Main().ID("main").Class("main")
	if s.Wide {
		main = main.Class("main-wide")
	}
	if known.MustEnrol && s.Active != "account" {
		s.Content = Notice("warn", lms.ErrEnrol.Message, app.Div().Class("actions").Body(PrimaryLink("Set it up", "shield", "/account")))
	}
	return app.Div().Class("shell").Body(
		app.A().Class("skip").Href("#main").Text("Skip to the content").OnClick(func(ctx app.Context, e app.Event) {
			e.PreventDefault()
			Focus(ctx, "page-title")
		}),
		s.bar(),
		s.side(),
		main.Body(
			s.banners(),
			noScripts(),
			app.Header().Class("page-head").Body(
				app.If(s.Back != nil, func() app.UI { return s.Back }),
				app.Div().Class("page-title").Body(
					app.Div().Body(
						app.H1().ID("page-title").TabIndex(-1).Text(s.Title),
						app.If(s.Lead != "", func() app.UI { return app.P().Class("lead").Text(s.Lead) }),
					),
					app.If(s.Actions != nil && !s.away(), func() app.UI { return app.Div().Class("actions").Body(s.Actions) }),
				),
			),
			app.Div().Class(cond(s.away(), "content content-away", "content")).Body(s.Content),
		),
		s.bottom(),
		s.messages(),
		app.If(s.reauth, func() app.UI { return &reauthDialog{} }).ElseIf(s.confirm, func() app.UI { return &confirmDialog{} }),
	)
}

// dismissed is the node whose taking over the person has noticed.
var dismissed string

// banners tell what limits the whole page.
func (s *Shell) banners() app.UI {
	return app.Div().Class("banners").Role("status").Body(
		viewNotice(),
		app.If(s.away(), func() app.UI { return awayNotice(s.nodes, hereURI()) }).ElseIf(s.news.Trouble, func() app.UI {
			return Notice("warn", "No node answers at the moment. What you type is kept; Trivium keeps trying and goes on by itself.")
		}),
		app.If(!s.news.AsOf.IsZero(), func() app.UI {
			return Notice("warn", "Read only, as of "+FormatTime(s.news.AsOf)+": most nodes are away, so what you see may be out of date and nothing can be saved. Nothing is lost; it goes on by itself.")
		}),
		app.If(s.news.Node != "" && !s.news.Trouble && s.news.Node != dismissed, func() app.UI {
			return Notice("info", "The node that this page came from went away. You are working on through "+hostOf(s.news.Node)+"; nothing was lost.",
				app.Div().Class("actions").Body(Button("All right", "", func(app.Context, app.Event) { dismissed = s.news.Node })))
		}),
		app.If(s.update, func() app.UI {
			return Notice("info", "A new version of Trivium is ready. Save what you are writing first.",
				app.Div().Class("actions").Body(Button("Load the new version", "refresh-cw", func(ctx app.Context, _ app.Event) { ctx.Reload() })))
		}),
	)
}

func (s *Shell) messages() app.UI {
	role := "status"
	if s.toast.Tone == "bad" {
		role = "alert"
	}
	return app.Div().Class("toasts").Role(role).Body(app.If(s.toast.Message != "", func() app.UI {
		return app.Div().Class("toast", "tone-"+s.toast.Tone).Body(Icon(toneIcons[s.toast.Tone]), text(s.toast.Message),
			IconButton("Dismiss", "x", func(ctx app.Context, _ app.Event) { ctx.SetState(stateToast, toast{}) }))
	}))
}
