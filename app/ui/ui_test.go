package ui

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/api"
	"trivium/app/lms"
)

// probe gives f a live Context; the native engine makes no lifecycle call but OnPreRender.
type probe struct {
	app.Compo
	f func(app.Context)
}

func (p *probe) OnPreRender(ctx app.Context) { p.f(ctx) }
func (p *probe) Render() app.UI              { return app.Div() }

func withContext(t *testing.T, f func(app.Context)) {
	t.Helper()
	e := app.NewTestEngine()
	if err := e.Load(&probe{f: f}); err != nil {
		t.Fatal(err)
	}
	e.ConsumeAll()
}

func as(t *testing.T, s lms.Session) {
	t.Helper()
	before := known
	known = s
	t.Cleanup(func() { known = before })
}

func contains(t *testing.T, html string, want ...string) {
	t.Helper()
	for _, w := range want {
		if !strings.Contains(html, w) {
			t.Errorf("%q is missing in:\n%s", w, html)
		}
	}
}

func at(t *testing.T, now string) {
	t.Helper()
	n, err := time.Parse(time.RFC3339, now)
	if err != nil {
		t.Fatal(err)
	}
	before := Now
	Now = func() time.Time { return n }
	t.Cleanup(func() { Now = before })
}

func TestSignInPageIsARealForm(t *testing.T) {
	h := app.HTMLString((&SignInPage{next: "/courses/c1"}).Render())
	contains(t, h, `method="post"`, `action="/signin"`, `name="login"`, `name="password"`, `name="next"`, `value="/courses/c1"`, `autocomplete="current-password"`)
	if strings.Contains(h, `disabled`) {
		t.Error("a prerendered disabled=\"false\" would be disabled:", h)
	}
}

func TestSignInPageSaysOnlyFixedTexts(t *testing.T) {
	for _, kind := range append([]lms.Kind{"<script>", "x"}, lms.Kinds...) {
		if s := refusalText(kind); s == "" || strings.Contains(s, "<") {
			t.Errorf("%q: %q", kind, s)
		}
	}
}

func TestSafeNext(t *testing.T) {
	for next, want := range map[string]string{
		"":                           "/",
		"/courses/c1?show=tutor":     "/courses/c1?show=tutor",
		"/register?code=abcd-efgh":   "/register?code=abcd-efgh",
		"https://evil.example/":      "/",
		"//evil.example/":            "/",
		`/\evil.example`:             "/",
		"javascript:alert(1)":        "/",
		"/signin?next=/signin":       "/",
		`/x"><script>alert(1)`:       "/",
		"/courses/c1/questions#post": "/courses/c1/questions",
	} {
		if got := SafeNext(next); got != want {
			t.Errorf("SafeNext(%q) = %q, want %q", next, got, want)
		}
	}
}

func TestParam(t *testing.T) {
	for _, c := range []struct{ path, after, want string }{
		{"/courses/c1/assignments/a1", "assignments", "a1"},
		{"/courses/c1", "courses", "c1"},
		{"/courses", "courses", ""},
		{"/", "courses", ""},
	} {
		if got := paramOf(c.path, c.after); got != c.want {
			t.Errorf("paramOf(%q, %q) = %q, want %q", c.path, c.after, got, c.want)
		}
	}
}

func TestTimes(t *testing.T) {
	at(t, "2026-09-02T20:00:00Z")
	due := time.Date(2026, 9, 4, 21, 59, 0, 0, time.UTC)
	for got, want := range map[string]string{
		DueText(due):                                     "Due Fri 4 Sep 2026, 21:59 UTC (in 2 days)",
		FormatTimeIn(due, "Europe/Berlin"):               "Fri 4 Sep 2026, 23:59 CEST (21:59 UTC where you are)",
		FormatTimeIn(due, "Etc/UTC"):                     "Fri 4 Sep 2026, 21:59 UTC",
		DueText(time.Time{}):                             "No due date",
		Relative(Now().Add(30 * time.Second)):            "in < 1 minute",
		Relative(Now().Add(-30 * time.Second)):           "just now",
		Relative(Now().Add(-time.Hour)):                  "1 hour ago",
		Relative(Now().Add(20 * 24 * time.Hour)):         "in 2 weeks",
		DueTone(due) + DueTone(Now().Add(-1)):            "bad",
		DueTone(Now().Add(time.Hour)):                    "warn",
		Relative(Now().Add(-800 * 24 * time.Hour)):       "2 years ago",
		Relative(Now().Add(90*24*time.Hour + time.Hour)): "in 3 months",
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestInitials(t *testing.T) {
	for name, want := range map[string]string{"Ada Lovelace": "AL", "ada": "A", "Ñandú de la Cruz": "ÑC", "": "?", "  ": "?", "李 小龙": "李小"} {
		if got := Initials(name); got != want {
			t.Errorf("Initials(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestProblemFindsItsField(t *testing.T) {
	p := ProblemOf(lms.FieldErrorf(lms.KindRule, "title", "Please fill in this field."))
	if p.For("title") == "" || p.For("body") != "" {
		t.Error(p)
	}
	if h := app.HTMLString(p.Alert("title")); strings.Contains(h, "notice") {
		t.Error("shown beside the field and above the form:", h)
	}
	contains(t, app.HTMLString(p.Alert("body")), `role="alert"`, "Please fill in this field.")
	if got := ProblemOf(errors.New("sql: secret detail")); got.Message != lms.ErrInternal.Message {
		t.Error("an internal error must not reach the person:", got)
	}
	contains(t, app.HTMLString(Input(Field{ID: "title", Label: "Title", Error: p.For("title"), Help: "Short."})),
		`aria-invalid`, `aria-describedby="title-error title-help"`, `for="title"`, "Please fill in this field.")
}

func TestRemoteShowsItsStates(t *testing.T) {
	var r Remote[[]string]
	view := func() string {
		return app.HTMLString(r.View(2, nil, func(v []string) app.UI { return app.P().Text(strings.Join(v, ",")) }))
	}
	contains(t, view(), "skeleton", "Loading")
	r.Err = lms.ErrUnavailable
	contains(t, view(), `role="alert"`, "no majority")
	r.Set([]string{"a", "b"})
	contains(t, view(), "<p>a,b</p>")
	r.Err = lms.ErrUnavailable
	contains(t, view(), "<p>a,b</p>", "no majority")
	r.Reset()
	contains(t, view(), "skeleton")
}

func TestAsyncTurnsAPanicIntoAnError(t *testing.T) {
	var got error
	withContext(t, func(ctx app.Context) {
		Async(ctx, Call(api.GetHome, api.NoInput{}), func(_ app.Context, _ lms.Home, err error) { got = err }) // API is nil: it panics
	})
	if lms.KindOf(got) != lms.KindInternal {
		t.Errorf("got %v", got)
	}
}

func TestShellShowsOnlyWhatTheRoleMay(t *testing.T) {
	s := &Shell{Title: "Home", Active: "home", Content: app.P().Text("x")}
	if h := app.HTMLString(s); strings.Contains(h, "/users") || strings.Contains(h, "Sign out") {
		t.Error("without a session:", h)
	}
	as(t, lms.Session{User: lms.User{ID: "u1", Name: "Ada", Admin: true}, Courses: []lms.Course{{ID: "c1", Code: "CS 1", Title: "One", MyRole: lms.RoleInstructor}}})
	contains(t, app.HTMLString(s), `href="/users"`, "Sign out", `href="/courses/c1"`, `aria-current="page"`)
	contains(t, app.HTMLString(&Shell{Course: lms.Course{ID: "c1"}, Content: app.P()}), `href="/courses/c1/questions"`, "CS 1")
}

func TestUserTextIsEscaped(t *testing.T) {
	evil := `<img src=x onerror=alert(1)>`
	as(t, lms.Session{User: lms.User{ID: "u1", Name: evil}})
	for name, ui := range map[string]app.UI{
		"row":    &Row{Title: evil, Meta: evil, Badge: evil, Aside: evil, Href: "/x"},
		"post":   &postView{ID: "r1", Author: evil, Text: evil, Note: evil, State: lms.ReplyDone},
		"home":   (&HomePage{}).view(lms.Home{Courses: []lms.Course{{ID: "c1", Title: evil, Code: evil, MyRole: lms.RoleStudent}}}),
		"plain":  Plain(evil),
		"notice": Notice("bad", evil),
	} {
		if h := app.HTMLString(ui); strings.Contains(h, "><img") || strings.Contains(h, "\n<img") { // in an attribute it is harmless
			t.Errorf("%s: %s", name, h)
		}
	}
}

func TestTypedTimesAreThoseOfTheCourse(t *testing.T) {
	for _, tc := range []struct{ typed, zone, want string }{
		{"2026-09-04T23:59", "Europe/Berlin", "2026-09-04T21:59:00Z"},
		{"2026-12-04T23:59", "America/New_York", "2026-12-05T04:59:00Z"},
		{"2026-03-08T02:30", "America/New_York", "2026-03-08T07:30:00Z"}, // skipped: moves forward by the gap
		{"2026-11-01T01:30", "America/New_York", "2026-11-01T06:30:00Z"}, // twice: the later one
		{"2026-09-04T23:59", "UTC", "2026-09-04T23:59:00Z"},
	} {
		got, err := ParseInputIn(tc.typed, tc.zone)
		if err != nil || got.Format(time.RFC3339) != tc.want {
			t.Errorf("%s in %s: %v %v, want %s", tc.typed, tc.zone, got, err, tc.want)
		}
		if back := FormatInputIn(got, tc.zone); back != tc.typed && tc.typed != "2026-03-08T02:30" {
			t.Errorf("%s in %s comes back as %s", tc.typed, tc.zone, back)
		}
	}
	due := time.Date(2026, 9, 4, 21, 59, 0, 0, time.UTC)
	if got := WholeMinute(due, time.Time{}); !got.Equal(due.Add(59*time.Second + 999*time.Millisecond)) {
		t.Errorf("a typed minute counts whole: %v", got)
	}
	for _, was := range []time.Time{due, due.Add(30 * time.Second), due.Add(59 * time.Second)} {
		if got := WholeMinute(due, was); !got.Equal(was) {
			t.Errorf("what was not changed stays: %v became %v", was, got)
		}
	}
}
