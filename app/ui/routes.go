package ui

import (
	"net/url"
	"slices"
	"strings"

	"github.com/maxence-charriere/go-app/v10/pkg/app"
)

// segment matches an id in a path. Patterns are anchored and bound to these characters, because go-app's prerender writes
// the path of a page into its HTML.
const segment = `[a-z0-9_-]{1,64}`

// publicPaths can be opened without a session.
var publicPaths = []string{"/signin", "/setup", "/register", "/claim", "/reset", "/forgot"}

func isPublic(path string) bool { return slices.Contains(publicPaths, path) }

func signInPath(next string) string {
	if next == "" || next == "/" {
		return "/signin"
	}
	return "/signin?next=" + url.QueryEscape(next)
}

// SafeNext returns where to go after signing in: a path of this site, never another one.
func SafeNext(next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(next, "//") ||
		strings.ContainsAny(next, "\\\"<>`") || u.Path == "/signin" || u.Path == "/setup" {
		return "/"
	}
	return u.RequestURI()
}

// patterns are those of the registered pages.
var patterns []string

// Known reports whether there is a page at the path, and whether it can be opened without a session.
func Known(path string) (exists, public bool) {
	at := strings.Split(path, "/")
	exists = slices.ContainsFunc(patterns, func(pattern string) bool {
		return slices.EqualFunc(strings.Split(pattern, "/"), at, func(p, s string) bool {
			return p == s || strings.HasPrefix(p, ":") && isSegment(s)
		})
	})
	return exists, isPublic(path)
}

// isSegment reports whether s is a segment.
func isSegment(s string) bool {
	return s != "" && len(s) <= 64 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789_-") == ""
}

// page registers a page under a pattern such as "/courses/:course/questions/:question".
func page(pattern string, make func() app.Composer) {
	patterns = append(patterns, pattern)
	if !strings.Contains(pattern, ":") {
		app.Route(pattern, make)
		return
	}
	parts := strings.Split(pattern, "/")
	for i, p := range parts {
		if strings.HasPrefix(p, ":") {
			parts[i] = segment
		}
	}
	app.RouteWithRegexp("^"+strings.Join(parts, "/")+"$", make)
}

// Routes registers every page. The browser's main and the node call it once.
func Routes() {
	page("/", func() app.Composer { return &HomePage{} })
	page("/signin", func() app.Composer { return &SignInPage{} })
	page("/setup", func() app.Composer { return &SetupPage{} })
	page("/register", func() app.Composer { return &RegisterPage{} })
	page("/claim", func() app.Composer { return &claimPage{} })
	page("/reset", func() app.Composer { return &resetPage{} })
	page("/forgot", func() app.Composer { return &forgotPage{} })
	page("/courses", func() app.Composer { return &CoursesPage{} })
	page("/account", func() app.Composer { return &AccountPage{} })
	page("/users", func() app.Composer { return &UsersPage{} })
	page("/audit", func() app.Composer { return &AuditPage{} })
	page("/tutor-settings", func() app.Composer { return &siteTutorPage{} })
	page("/cluster", func() app.Composer { return &ClusterPage{} })
	page("/courses/:course/people", func() app.Composer { return &PeoplePage{} })
	page("/courses/:course/sections", func() app.Composer { return &sectionsPage{} })
	page("/courses/:course/roster", func() app.Composer { return &rosterPage{} })
	page("/courses/:course/questions", func() app.Composer { return &QuestionsPage{} })
	page("/courses/:course/questions/:question", func() app.Composer { return &QuestionPage{} })
	courseRoutes()
	app.RouteWithRegexp("^/.*$", func() app.Composer { return &notFoundPage{} })
}
