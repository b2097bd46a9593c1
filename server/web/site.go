package web

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"trivium/app/lms"
)

// mountSite mounts what is not in the endpoint table. siteRoutes in the tests lists the same.
func (s *Server) mountSite(e *echo.Echo) {
	e.GET("/api/v1/openapi.json", s.openAPIDocument)
	e.Any("/api/*", s.noEndpoint)
	e.GET("/healthz", s.healthz)
	e.GET("/readyz", s.readyz)
	if s.c.Metrics != nil {
		h := promhttp.HandlerFor(s.c.Metrics, promhttp.HandlerOpts{})
		e.GET("/metrics", s.forOperators(h))
	}
	e.GET("/api/status", s.status)
	s.mountProfiles(e)
	e.POST("/signin", s.signInForm)
	for _, p := range plainPages() {
		e.Add(p.method, p.path, s.plain(p))
	}
	// go-app would ask the address in the Host header for these.
	e.GET("/robots.txt", text("User-agent: *\nDisallow: /\n"))
	e.GET("/sitemap.xml", func(echo.Context) error { return lms.ErrNotFound })
	e.GET("/ads.txt", func(echo.Context) error { return lms.ErrNotFound })
	for _, method := range []string{http.MethodGet, http.MethodHead} {
		e.Add(method, "/favicon.ico", func(c echo.Context) error { return c.Redirect(http.StatusMovedPermanently, "/web/icon-192.png") })
		e.Add(method, "/web/*", s.page(s.c.Assets))
		e.Add(method, "/*", s.page(s.appPages()))
	}
}

// noEndpoint answers an address of the API that is none, or takes other methods.
func (s *Server) noEndpoint(c echo.Context) error {
	var methods []string
	path := strings.Split(echo.GetPath(c.Request()), "/")
	for _, r := range s.routes() {
		if matches(strings.Split(r.Path, "/"), path) {
			methods = append(methods, r.Method)
		}
	}
	if len(methods) == 0 {
		return lms.ErrNotFound
	}
	slices.Sort(methods)
	c.Response().Header().Set("Allow", strings.Join(methods, ", "))
	return errMethod
}

func matches(pattern, path []string) bool {
	return slices.EqualFunc(pattern, path, func(p, s string) bool { return p == s || strings.HasPrefix(p, ":") && s != "" })
}

func text(s string) echo.HandlerFunc {
	return func(c echo.Context) error { return c.String(http.StatusOK, s) }
}

func (s *Server) openAPIDocument(c echo.Context) error {
	s.describe(c.Response().Header())
	return c.JSONBlob(http.StatusOK, s.openapi)
}

// healthz tells that the process answers.
func (s *Server) healthz(c echo.Context) error {
	c.Response().Header().Set("Cache-Control", "no-store")
	return c.String(http.StatusOK, "ok\n")
}

// readyz tells whether people should be sent here: the node has caught up and is in touch with the majority.
func (s *Server) readyz(c echo.Context) error {
	status := s.db.Status()
	_, stale := s.staleSince()
	ready := status.Ready && !stale && status.Leader != ""
	code := http.StatusOK
	if !ready {
		code = http.StatusServiceUnavailable
	}
	s.describe(c.Response().Header())
	return c.JSON(code, map[string]any{"ready": ready, "node": s.c.NodeID, "state": status.State, "leader": status.Leader,
		"term": status.Term, "applied": status.Applied, "commit": status.Commit})
}

// isLocal reports whether a program on this machine asks, and not through a proxy.
func (s *Server) isLocal(q *request) bool {
	a, err := netip.ParseAddr(q.c.RealIP())
	return err == nil && a.Unmap().IsLoopback() && q.r.Header.Get("X-Forwarded-For") == "" && q.r.Header.Get("Forwarded") == ""
}
