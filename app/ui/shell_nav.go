package ui

import (
	"net/url"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/lms"
)

// place is an entry of the navigation.
type place struct{ key, label, short, icon, href string }

func (s *Shell) sitePlaces() []place {
	places := []place{
		{"home", "Home", "Home", "home", "/"},
		{"courses", "Courses", "Courses", "library", "/courses"},
		{"cluster", "Cluster", "Cluster", "server", "/cluster"},
	}
	if Me().Admin {
		places = append(places, place{"users", "People", "People", "users", "/users"}, place{"tutor-settings", "Tutor", "Tutor", "sparkles", "/tutor-settings"}, place{"audit", "Audit log", "Audit", "shield", "/audit"})
	}
	return places
}

func (s *Shell) coursePlaces() []place {
	id := s.Course.ID
	return []place{
		{"overview", "Overview", "Overview", "layout", CoursePath(id)},
		{"materials", "Materials", "Materials", "book-open", CoursePath(id, "materials")},
		{"assignments", "Assignments", "Tasks", "clipboard", CoursePath(id, "assignments")},
		{"grades", "Grades", "Grades", "graduation-cap", CoursePath(id, "grades")},
		{"questions", "Questions & tutor", "Ask", "message-circle", CoursePath(id, "questions")},
		{"people", "People", "People", "users", CoursePath(id, "people")},
	}
}

func (s *Shell) bar() app.UI {
	return app.Header().Class("topbar").Body(
		app.A().Class("brand").Href("/").Body(app.Span().Class("logo").Aria("hidden", true), text("Trivium")),
		app.Div().Class("topbar-end").Body(
			app.If(s.Course.ID != "" && s.Active != "search" && Me().ID != "", s.find),
			app.If(s.health.Summary != "", func() app.UI {
				h := healthNow(s.health, s.news)
				return app.A().Class("health-link").Href("/cluster").Aria("label", "Cluster: "+h.Summary).Body(HealthPill(h))
			}),
			app.If(Me().ID != "", s.userMenu),
		),
		app.If(unsavedTexts > 0, unsavedDialog),
	)
}

func (s *Shell) userMenu() app.UI {
	me := Me()
	return Menu("Account of "+me.Name, Avatar(me.Name),
		app.Div().Class("menu-head").Body(app.Strong().Text(me.Name), app.Span().Class("muted").Text(me.Login)),
		app.A().Class("menu-item").Href("/account").Body(Icon("key"), text("Account and password")),
		app.A().Class("menu-item").Href("/cluster").Body(Icon("server"), text("Cluster")),
		app.Button().Type("button").Class("menu-item").OnClick(signOut).Body(Icon("log-out"), text("Sign out")),
	)
}

// side is the navigation on wide screens: the site, then the course that is open or the list of courses.
func (s *Shell) side() app.UI {
	return app.Nav().Class("side").Aria("label", "Main").Body(
		s.links(s.sitePlaces(), "side-link"),
		app.If(s.Course.ID != "", func() app.UI {
			c := s.course()
			return app.Div().Class("side-course").Body(
				app.P().Class("side-title").Text(cond(c.Code != "", c.Code, "Course")),
				app.If(c.Title != "", func() app.UI { return app.P().Class("side-sub").Text(c.Title) }),
				s.links(s.coursePlaces(), "side-link"),
			)
		}).Else(func() app.UI {
			return app.Div().Class("side-course").Body(app.If(len(MyCourses()) > 0, func() app.UI {
				return app.Div().Body(app.P().Class("side-title").Text("My courses"),
					app.Ul().Class("side-list").Body(app.Range(MyCourses()).Slice(func(i int) app.UI {
						c := MyCourses()[i]
						return app.Li().Body(app.A().Class("side-link").Href(CoursePath(c.ID)).Body(
							app.Span().Class("side-dot").Aria("hidden", true), text(c.Code)))
					})))
			}))
		}),
	)
}

// bottom is the navigation for the thumb on narrow screens.
func (s *Shell) bottom() app.UI {
	places := s.sitePlaces()
	if s.Course.ID != "" {
		places = s.coursePlaces()
	}
	return app.Nav().Class("bottom").Aria("label", "Main, short").Body(app.Range(places).Slice(func(i int) app.UI {
		p := places[i]
		return s.mark(app.A().Class("bottom-link").Href(p.href), p.key).Body(Icon(p.icon), text(p.short))
	}))
}

func (s *Shell) links(places []place, class string) app.UI {
	return app.Ul().Class("side-list").Body(app.Range(places).Slice(func(i int) app.UI {
		p := places[i]
		return app.Li().Body(s.mark(app.A().Class(class).Href(p.href), p.key).Body(Icon(p.icon), text(p.label)))
	}))
}

func (s *Shell) mark(a app.HTMLA, key string) app.HTMLA {
	if key == s.Active {
		return a.Aria("current", "page")
	}
	return a
}

// course completes the page's course with what the session knows of it.
func (s *Shell) course() lms.Course {
	if s.Course.Title != "" {
		return s.Course
	}
	c, _ := knownCourse(s.Course.ID)
	return c
}

func hostOf(origin string) string {
	if u, err := url.Parse(origin); err == nil && u.Host != "" {
		return u.Host
	}
	return origin
}

// closeMenus folds every menu but the one that holds keep.
func closeMenus(keep ...app.Value) {
	if app.IsServer {
		return
	}
	open := app.Window().Get("document").Call("querySelectorAll", "details.menu[open]")
	for i := range open.Get("length").Int() {
		m := open.Index(i)
		if len(keep) > 0 && keep[0].Truthy() && m.Call("contains", keep[0]).Bool() {
			continue
		}
		m.Set("open", false)
	}
}

var watching bool

// watchMenus closes menus on Escape, on a click elsewhere and on a choice, once for the whole program.
func watchMenus() {
	if watching || app.IsServer {
		return
	}
	watching = true
	listen(app.Window(), "click", func(e app.Value) {
		target := e.Get("target")
		if target.Truthy() && target.Call("closest", ".menu-item").Truthy() {
			closeMenus()
			return
		}
		closeMenus(target)
	})
	listen(app.Window(), "keydown", func(e app.Value) {
		if e.Get("key").String() == "Escape" {
			closeMenus()
		}
		onSlash(e)
	})
}

// listen adds a listener for the whole life of the program.
func listen(target app.Value, event string, f func(e app.Value)) {
	target.Call("addEventListener", event, app.FuncOf(func(_ app.Value, args []app.Value) any {
		f(args[0])
		return nil
	}))
}

func cond[T any](c bool, yes, no T) T {
	if c {
		return yes
	}
	return no
}
