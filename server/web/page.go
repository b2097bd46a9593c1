package web

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/labstack/echo/v4"

	"trivium/app/api"
)

// page answers what is no API: the browser's program and its assets.
func (s *Server) page(h http.Handler) echo.HandlerFunc {
	return func(c echo.Context) error {
		if h == nil {
			c.Response().Header().Set("Cache-Control", "no-store")
			return c.String(http.StatusNotFound, "There is nothing here.\n")
		}
		head := c.Response().Header()
		head.Set("Content-Security-Policy", s.pagePolicy(c))
		if s.c.AppVersion != "" {
			head.Set(api.HeaderAppVersion, s.c.AppVersion)
		}
		h.ServeHTTP(c.Response(), c.Request())
		return nil
	}
}

// nowhere is a path without a page.
const nowhere = "/404"

// appPages is the browser's program with the right status where it has no page, and with the way to the sign-in page for
// people who come without a session: the program would have to ask first, and the browser logs that as an error.
func (s *Server) appPages() http.Handler {
	if s.c.App == nil {
		return nil
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		exists, public := true, true
		if s.c.Pages != nil {
			exists, public = s.c.Pages(r.URL.Path)
		}
		// go-app writes the path into the page; these characters never belong there.
		if strings.ContainsAny(r.URL.Path, "\"'<>\\`\x00") {
			r = r.Clone(r.Context())
			r.URL.Path, r.URL.RawPath, exists = nowhere, "", false
		}
		switch {
		case !exists:
			r.Header.Del("If-None-Match") // the tag of the pages is that of the program
			s.c.App.ServeHTTP(&missingPage{ResponseWriter: w}, r)
		case !public && navigates(r) && !s.hasCookie(r):
			w.Header().Set("Cache-Control", "no-store")
			http.Redirect(w, r, signInPath(r.URL.RequestURI()), http.StatusSeeOther)
		default:
			s.c.App.ServeHTTP(w, r)
		}
	})
}

// navigates reports whether a person opens the page. A service worker that keeps it must get the page itself. Browsers
// tell which it is, except over plain HTTP to another machine, where there are no service workers either.
func navigates(r *http.Request) bool {
	if mode := r.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return strings.Contains(r.Header.Get("Accept"), "text/html")
}

func (s *Server) hasCookie(r *http.Request) bool {
	c, err := r.Cookie(s.cookieName(sessionCookie))
	return err == nil && c.Value != ""
}

func signInPath(next string) string {
	if next = localPath(next); next == "/" {
		return "/signin"
	}
	return "/signin?next=" + url.QueryEscape(next)
}

// missingPage turns a page into the answer 404. What is no page, such as the program's scripts, passes.
type missingPage struct {
	http.ResponseWriter
	begun bool
}

// WriteHeader changes the status of a page.
func (m *missingPage) WriteHeader(status int) {
	h := m.Header()
	if !m.begun && status == http.StatusOK && strings.HasPrefix(h.Get("Content-Type"), "text/html") {
		status = http.StatusNotFound
		h.Del("ETag")
		h.Set("Cache-Control", "no-store")
	}
	m.begun = true
	m.ResponseWriter.WriteHeader(status)
}

// Write begins the answer.
func (m *missingPage) Write(b []byte) (int, error) {
	if !m.begun {
		if m.Header().Get("Content-Type") == "" {
			m.Header().Set("Content-Type", http.DetectContentType(b))
		}
		m.WriteHeader(http.StatusOK)
	}
	return m.ResponseWriter.Write(b)
}
