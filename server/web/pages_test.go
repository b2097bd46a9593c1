package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/labstack/echo/v4"
	"github.com/prometheus/client_golang/prometheus"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/consensus"
)

// fakeApp answers like the browser's program: pages with a tag, and a script.
var fakeApp = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("ETag", `"program"`)
	switch {
	case r.Header.Get("If-None-Match") == `"program"`:
		w.WriteHeader(http.StatusNotModified)
	case strings.HasSuffix(r.URL.Path, ".js"):
		w.Header().Set("Content-Type", "application/javascript")
		fmt.Fprint(w, "script")
	default:
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "page "+r.URL.Path)
	}
})

func fakePages(path string) (exists, public bool) {
	return path == "/" || path == "/signin" || path == "/courses/c1", path == "/signin"
}

func TestSignInFirst(t *testing.T) {
	s := newSite(t, func(c *Config) { c.App, c.Pages = fakeApp, fakePages })
	const html, opens, keeps = "Accept: text/html,*/*", "Sec-Fetch-Mode: navigate", "Sec-Fetch-Mode: cors"
	tests := []struct {
		path    string
		headers []string
		status  int
		to      string
	}{
		{"/", []string{html}, 303, "/signin"},
		{"/", []string{opens}, 303, "/signin"},
		{"/courses/c1?to=tutor&x=%22", []string{html, opens}, 303, "/signin?next=%2Fcourses%2Fc1%3Fto%3Dtutor%26x%3D%2522"},
		{"/", []string{html, keeps}, 200, ""}, // the service worker keeps the page
		{"/", nil, 200, ""},
		{"/", []string{html, "Cookie: sid=x"}, 200, ""}, // whether it is valid is for the API to say
		{"/signin", []string{html, opens}, 200, ""},
		{"/nowhere", []string{html, opens}, 404, ""},
		{"/nowhere", []string{html, `If-None-Match: "program"`}, 404, ""},
		{"/signin", []string{html, `If-None-Match: "program"`}, 304, ""},
		{"/program.js", []string{keeps}, 200, ""},
	}
	for _, tt := range tests {
		r := s.visit(tt.path, tt.headers...)
		if r.StatusCode != tt.status || r.Header.Get("Location") != tt.to {
			t.Errorf("%s %v: %d to %q", tt.path, tt.headers, r.StatusCode, r.Header.Get("Location"))
		}
		if tt.status == 303 || tt.status == 404 {
			if r.Header.Get("Cache-Control") != "no-store" || r.Header.Get("ETag") != "" {
				t.Errorf("%s %v may be kept: %v", tt.path, tt.headers, r.Header)
			}
		}
	}
}

// visit asks for a page without following where it leads.
func (s *site) visit(path string, headers ...string) *http.Response {
	s.t.Helper()
	r, err := http.NewRequest("GET", s.base+path, nil)
	s.check(err)
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	res, err := http.DefaultTransport.RoundTrip(r)
	s.check(err)
	s.check(res.Body.Close())
	return res
}

func TestPages(t *testing.T) {
	answer := func(s string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, s+" "+r.URL.Path) })
	}
	registry := prometheus.NewRegistry()
	s := newSite(t, func(c *Config) {
		c.App, c.Pages, c.Assets, c.Metrics = fakeApp, fakePages, answer("asset"), registry
		c.TrustedProxies = nil
	})
	tests := []struct {
		path   string
		status int
		body   string
	}{
		{"/", 200, "page /"},
		{"/courses/c1", 200, "page /courses/c1"},
		{"/web/app.css", 200, "asset /web/app.css"},
		{"/nowhere", 404, "page /nowhere"},
		{"/program.js", 200, "script"},
		{"/favicon.ico", 301, ""},
		{"/courses/a%22b", 404, "page /404"},
		{"/courses/%3Cscript%3E", 404, ""},
		{"/courses/a'b", 404, ""},
		{"/courses/a%5Cb", 404, ""},
		{"/courses/a%60b", 404, ""},
		{"/robots.txt", 200, "User-agent: *"},
		{"/sitemap.xml", 404, ""},
		{"/ads.txt", 404, ""},
		{"/healthz", 200, "ok"},
		{"/readyz", 200, `"ready":true`},
		{"/metrics", 200, ""},
		{"/api/v1/openapi.json", 200, `"openapi": "3.1.0"`},
		{"/api", 404, "page /api"},
		{"/api/", 404, `"code":"not_found"`},
	}
	for _, tt := range tests {
		r := s.send("GET", tt.path, "", "")
		if r.status != tt.status || !strings.Contains(r.body, tt.body) {
			t.Errorf("%s: %d %.100s", tt.path, r.status, r.body)
		}
		if r.header.Get("Content-Security-Policy") == "" || r.header.Get("X-Content-Type-Options") != "nosniff" || r.header.Get("X-Frame-Options") != "DENY" {
			t.Errorf("%s: headers %v", tt.path, r.header)
		}
	}
	if r := s.send("GET", "/metrics", "", "", "X-Forwarded-For: 192.0.2.1"); r.status != 403 {
		t.Errorf("metrics through a proxy: %d", r.status)
	}
	if r := s.send("GET", "/metrics", s.server.c.OperatorToken, "", "X-Forwarded-For: 192.0.2.1"); r.status != 200 {
		t.Errorf("metrics with the operator token: %d", r.status)
	}
}

func TestOtherNodes(t *testing.T) {
	s := newSite(t, func(c *Config) {
		c.Origin = "https://one.example"
		c.App = http.NotFoundHandler()
	})
	for id, origin := range map[string]string{"n1": "https://one.example", "n2": "https://two.example", "n3": "https://bad.example/;x"} {
		s.check(s.store.SetNode(t.Context(), id, "127.0.0.1:1", origin))
	}
	csp := s.send("GET", "/", "", "").header.Get("Content-Security-Policy")
	if !strings.Contains(csp, "connect-src 'self' https://two.example;") || strings.Contains(csp, "bad") || strings.Contains(csp, "unsafe-inline") {
		t.Errorf("policy %s", csp)
	}
	preflight := func(origin string) reply {
		return s.send("OPTIONS", "/api/v1/session", "", "", "Origin: "+origin, "Access-Control-Request-Method: POST", "Access-Control-Request-Headers: x-requested-with")
	}
	r := preflight("https://two.example")
	if r.status != 204 || r.header.Get("Access-Control-Allow-Origin") != "https://two.example" || r.header.Get("Access-Control-Allow-Credentials") != "" ||
		!strings.Contains(r.header.Get("Access-Control-Allow-Headers"), api.HeaderClient) {
		t.Errorf("preflight of a node: %d %v", r.status, r.header)
	}
	for _, origin := range []string{"https://evil.example", "null", "https://two.example.evil.example", "http://two.example"} {
		if r := preflight(origin); r.header.Get("Access-Control-Allow-Origin") != "" || r.status < 400 {
			t.Errorf("preflight of %s: %d %v", origin, r.status, r.header)
		}
	}
	write := func(origin string) reply {
		return s.send("POST", "/api/v1/session/redeem", "", `{"ticket":"x"}`, "Origin: "+origin, "Sec-Fetch-Site: cross-site")
	}
	if r := write("https://two.example"); r.status != 401 || r.header.Get("Access-Control-Allow-Origin") != "https://two.example" {
		t.Errorf("a write from a node's page: %d %s", r.status, r.body)
	}
	if r := write("https://evil.example"); r.status != 403 {
		t.Errorf("a write from elsewhere: %d %s", r.status, r.body)
	}
	s.check(s.store.RemoveNodeRow(t.Context(), "n2"))
	s.server.origins.read = time.Time{} // as if a while had passed
	if r := write("https://two.example"); r.status != 403 {
		t.Errorf("a write from a removed node's page: %d %s", r.status, r.body)
	}
}

func TestAnswerHeaders(t *testing.T) {
	c := newCourse(t, nil)
	r := c.send("GET", "/api/v1/session", c.token("sue", time.Hour), "")
	index, err := strconv.ParseUint(r.header.Get(api.HeaderIndex), 10, 64)
	if err != nil || index == 0 || r.header.Get(api.HeaderNode) == "" || r.header.Get(api.HeaderLeader) != r.header.Get(api.HeaderNode) ||
		r.header.Get(api.HeaderAppVersion) != "app-1" || r.header.Get("Cache-Control") != "no-store" || r.header.Get(api.HeaderStale) != "" {
		t.Errorf("%v", r.header)
	}
	if r := c.send("GET", "/api/v1/session", c.token("sue", time.Hour), "", api.HeaderIndex+": "+strconv.FormatUint(index, 10)); r.status != 200 {
		t.Errorf("an index that was reached: %d", r.status)
	}
	if r := c.send("GET", "/api/v1/nothing", "", ""); r.header.Get(api.HeaderIndex) == "" {
		t.Errorf("a refusal without an index: %v", r.header)
	}
	if r := c.send("DELETE", "/api/v1/courses", "", ""); r.header.Get("Allow") != "GET, POST" {
		t.Errorf("Allow: %q", r.header.Get("Allow"))
	}
}

func TestStaleReads(t *testing.T) {
	var ahead atomic.Int64
	c := newCourse(t, func(c *Config) { c.Now = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) } })
	sue := c.token("sue", time.Hour)
	if r := c.send("GET", "/readyz", "", ""); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	ahead.Store(int64(staleAfter + time.Minute)) // the last contact lies back
	r := c.send("GET", "/api/v1/courses/c1/materials", sue, "", api.HeaderIndex+": 99999")
	at, err := strconv.ParseInt(r.header.Get(api.HeaderStale), 10, 64)
	if r.status != 200 || err != nil || time.Since(time.UnixMilli(at)) > time.Minute {
		t.Errorf("%d %v", r.status, r.header)
	}
	if r := c.send("GET", "/readyz", "", ""); r.status != 503 || !strings.Contains(r.body, `"ready":false`) {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := c.send("GET", "/healthz", "", ""); r.status != 200 {
		t.Errorf("%d", r.status)
	}
	ahead.Store(int64(lms.StaleReads + time.Minute))
	for _, path := range []string{"/api/v1/courses/c1/materials", "/api/v1/session", "/api/v1/cluster/hash", "/api/v1/cluster/nodes/n1"} {
		if r := c.send("GET", path, sue, ""); r.status != 503 || r.error.Kind != lms.KindUnavailable {
			t.Errorf("%s after an hour: %d %s", path, r.status, r.body)
		}
	}
	for _, path := range []string{"/api/v1/cluster", "/api/status"} {
		r := c.send("GET", path, c.server.c.OperatorToken, "")
		if r.status != 200 || r.header.Get(api.HeaderStale) == "" || !strings.Contains(r.body, `"health"`) {
			t.Errorf("%s after an hour: %d %v %s", path, r.status, r.header, r.body)
		}
	}
	if r := c.send("GET", "/api/v1/cluster", sue, ""); r.status != 200 {
		t.Errorf("how the nodes stand, for a student: %d %s", r.status, r.body)
	}
	if r := c.send("GET", "/api/v1/cluster", "", ""); r.status != 401 {
		t.Errorf("how the nodes stand, for anybody: %d %s", r.status, r.body)
	}
}

func TestStaleReadsTurnedOff(t *testing.T) {
	var ahead atomic.Int64
	c := newCourse(t, func(c *Config) {
		c.Now, c.StaleReads = func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }, 0
	})
	sue := c.token("sue", time.Hour)
	for path, late := range map[string]int{"/api/v1/courses/c1/materials": 503, "/api/v1/cluster": 200} {
		ahead.Store(0)
		if r := c.send("GET", path, sue, ""); r.status != 200 {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
		ahead.Store(int64(staleAfter + time.Second))
		if r := c.send("GET", path, sue, ""); r.status != late {
			t.Errorf("%s without a majority: %d %s", path, r.status, r.body)
		}
	}
}

func TestClusterEndpoints(t *testing.T) {
	var removal error
	s := newSite(t, func(c *Config) {
		c.Cluster = refusingCluster{oneNode{DB: c.Store.DB()}, &removal}
	})
	s.user("root", true, true)
	cluster := call(s, "root", api.GetCluster, api.NoInput{})
	if len(cluster.Nodes) != 1 || cluster.Leader != cluster.Node || cluster.Health.Summary != "1 of 1: no protection" || cluster.Nodes[0].Lag != 0 {
		t.Errorf("%+v", cluster)
	}
	if token := call(s, "root", api.CreateJoinToken, api.NoInput{}); token.Token == "" || token.Command == "" {
		t.Errorf("%+v", token)
	}
	removal = fmt.Errorf("%w: would lose the majority", consensus.ErrMembership)
	if e := refused(s, "root", api.RemoveNode, api.RemoveNodeInput{Node: "n9"}, lms.KindConflict); !strings.Contains(e.Message, "majority") {
		t.Errorf("%v", e)
	}
}

type refusingCluster struct {
	oneNode
	err *error
}

func (c refusingCluster) Remove(ctx context.Context, id string, force bool) error { return *c.err }

func TestInternalErrorsStayInside(t *testing.T) {
	s := newSite(t, nil)
	s.server.echo.GET("/api/v1/broken", func(echo.Context) error { return errors.New("secret detail of the disk") })
	s.server.echo.GET("/api/v1/panic", func(echo.Context) error { panic("secret detail of the program") })
	for _, path := range []string{"/api/v1/broken", "/api/v1/panic"} {
		r := s.send("GET", path, "", "")
		if r.status != 500 || r.error.Kind != lms.KindInternal || strings.Contains(r.body, "secret") {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
		log := s.log.String()
		if !strings.Contains(log, "secret detail") || !strings.Contains(log, r.error.RequestID) {
			t.Errorf("%s: the log does not tell: %s", path, log)
		}
	}
}

func TestAccessLogHasNoNames(t *testing.T) {
	c := newCourse(t, nil)
	c.send("GET", "/api/v1/courses/c1/search?q=private+words", c.token("sue", time.Hour), "")
	c.send("GET", "/api/v1/kv/private-key", c.token("root", time.Hour), "")
	for _, secret := range []string{"private", "Here.", "essay.txt", "When?"} {
		if strings.Contains(c.log.String(), secret) {
			t.Errorf("the log has %q", secret)
		}
	}
}

func TestAddress(t *testing.T) {
	for remote, want := range map[string]string{"192.0.2.1:99": "192.0.2.1", "[2001:db8:1:2:3::4]:99": "2001:db8:1:2::/64", "[::ffff:192.0.2.1]:9": "192.0.2.1"} {
		s := &Server{}
		e := echo.New()
		e.IPExtractor = s.addressExtractor()
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = remote
		r.Header.Set("X-Forwarded-For", "203.0.113.7")
		q := &request{c: e.NewContext(r, httptest.NewRecorder())}
		if got := q.address(); got != want {
			t.Errorf("%s: %s, want %s", remote, got, want)
		}
	}
}
