package web

import (
	"bytes"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/app/ui"
)

// plainRoot is above every page that works without scripts. The service worker knows it, too.
const plainRoot = "/plain"

// plainPage is a page of HTML and forms alone (UI-3). Its access is that of the endpoint whose handler it calls, and a
// refusal has the same status there.
type plainPage struct {
	method, path string
	access       lms.Access
	name         string // for the goldens
	serve        func(*Server, *request) error
}

func plainPages() []plainPage {
	const (
		get, post = http.MethodGet, http.MethodPost
		course    = plainRoot + "/courses/:course"
	)
	return []plainPage{
		{get, plainRoot, lms.AnyUser, "PlainCourses", (*Server).plainCourses},
		{get, course, lms.MemberOfCourse, "PlainCourse", (*Server).plainCourse},
		{get, course + "/materials/:material", lms.MemberOfCourse, "PlainMaterial", (*Server).plainMaterial},
		{get, course + "/assignments/:assignment", lms.MemberOfCourse, "PlainAssignment", (*Server).plainAssignment},
		{post, course + "/assignments/:assignment", lms.StudentOfCourse, "PlainHandIn", (*Server).plainHandIn},
		{get, course + "/submissions/:submission", lms.MemberOfCourse, "PlainReceipt", (*Server).plainReceipt},
		{post, plainRoot + "/signout", lms.AnyUser, "PlainSignOut", (*Server).plainSignOut},
	}
}

// plain serves a page to whoever may see it. Forms are safe from foreign pages by crossOrigin and the cookie's SameSite.
func (s *Server) plain(p plainPage) echo.HandlerFunc {
	return func(c echo.Context) error {
		q := requestOf(c)
		q.route = api.Route{Method: p.method, Path: p.path, Access: p.access}
		err := s.enter(q)
		if err == nil {
			err = p.serve(s, q)
		}
		if q.operator() && errors.Is(err, lms.ErrSignIn) {
			err = errOperator
		}
		if err != nil {
			return q.refusePlain(err)
		}
		return nil
	}
}

// refusePlain answers an error as a page, with the status that the API gives it. Who is not signed in comes to the sign-in
// page, and back.
func (q *request) refusePlain(err error) error {
	refusal := refusalOf(err)
	switch {
	case q.r.Context().Err() != nil:
		return err // nobody reads it
	case refusal.Kind == lms.KindSignIn && q.r.Method == http.MethodGet:
		q.w.Header().Set("Cache-Control", "no-store")
		return q.c.Redirect(http.StatusSeeOther, signInPath(q.r.URL.RequestURI()))
	case refusal.Kind == lms.KindInternal:
		q.s.log.Error("request failed", "request", q.id, "route", q.c.Path(), "error", err.Error())
	case statusOf(refusal) == http.StatusForbidden && refusal.Kind != lms.KindEnrol:
		q.s.recordRefusal(q)
	}
	if refusal.RetryIn > 0 {
		q.w.Header().Set("Retry-After", strconv.Itoa(refusal.RetryIn))
	}
	return q.show(statusOf(refusal), "refused", plainView{Title: "This did not work", Page: struct {
		Message, Request string
		SignIn, Form     bool
	}{refusal.Message, q.id, refusal.Kind == lms.KindSignIn, q.r.Method == http.MethodPost}})
}

//go:embed plain/*.html
var plainFiles embed.FS

// plainTemplates are the pages in their frame, by name.
var plainTemplates = parsePlain("courses", "course", "material", "assignment", "receipt", "refused")

func parsePlain(names ...string) map[string]*template.Template {
	funcs := template.FuncMap{
		"bytes": lms.FormatBytes, "safe": func(s string) template.HTML { return template.HTML(s) }, // sanitized by safeHTML
		"iso": func(t time.Time) string { return t.UTC().Format(time.RFC3339) }, "late": ui.LateText, "content": contentPath,
		"item":    func(course string, i lms.ModuleItem) plainItem { return plainItem{i, course} },
		"problem": func(field string, f *plainForm) plainProblem { return plainProblem{field, f.For(field)} },
	}
	all := map[string]*template.Template{}
	for _, name := range names {
		all[name] = template.Must(template.New("layout.html").Funcs(funcs).ParseFS(plainFiles, "plain/layout.html", "plain/"+name+".html"))
	}
	return all
}

// plainItem is an item of the outline with its course.
type plainItem struct {
	lms.ModuleItem
	Course string
}

// plainProblem is what is wrong with a field.
type plainProblem struct{ Field, Message string }

// contentPath is where a file is downloaded, or shown by the browser.
func contentPath(f lms.File, inline bool) string {
	path := "/api/v1/courses/" + f.CourseID + "/files/" + f.ID + "/content"
	if inline {
		path += "?inline=true"
	}
	return path
}

// plainView is what the frame of a page needs.
type plainView struct {
	Title, Lead string
	Crumbs      []plainLink
	User        string // who is signed in; empty: nobody
	Full        string // the same page of the program
	Zone        string // of the times
	Page        any
}

type plainLink struct{ Label, Path string }

// At writes a time in the zone of the page.
func (v plainView) At(t time.Time) string {
	zone, err := time.LoadLocation(v.Zone)
	if err != nil {
		zone = time.UTC
	}
	return t.In(zone).Format("Mon 2 Jan 2006, 15:04 MST")
}

// show writes a page, whole or not at all.
func (q *request) show(status int, name string, v plainView) error {
	v.User = q.actor.Name
	if v.Full == "" {
		v.Full = "/"
	}
	var b bytes.Buffer
	if err := plainTemplates[name].Execute(&b, v); err != nil {
		return err
	}
	q.s.describe(q.w.Header())
	q.w.Header().Set("Content-Security-Policy", q.s.pagePolicy(q.c))
	return q.c.HTMLBlob(status, b.Bytes())
}

// plainInput reads what the path names and checks it as the API does.
func plainInput[In api.Validator](q *request) (in In, err error) {
	if err := setFields(reflect.ValueOf(&in).Elem(), q.param, url.Values{}); err != nil {
		return in, err
	}
	return in, in.Validate()
}

func (s *Server) plainSignOut(q *request) error {
	if _, err := s.signOut(q, api.NoInput{}); err != nil {
		return err
	}
	q.w.Header().Set("Cache-Control", "no-store")
	return q.c.Redirect(http.StatusSeeOther, "/signin")
}
