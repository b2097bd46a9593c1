package web

import (
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"trivium/app/api"
	"trivium/app/lms"
)

// bodyTimeout is how long a client may take to send a body; a chunk of 1 MiB fits through 100 kbit/s.
const bodyTimeout = 2 * time.Minute

// bodyDeadline bounds the time in which the body is read. The returned function ends the bound: while it stands, a
// silent connection looks broken, and a long answer would be cut off.
func (q *request) bodyDeadline() (end func()) {
	rc := http.NewResponseController(q.w)
	_ = rc.SetReadDeadline(time.Now().Add(q.s.bodyTimeout)) // recorders in tests have no deadlines
	stands := true
	return func() {
		if stands { // each change of a deadline is worth as much as decoding the body
			stands = false
			_ = rc.SetReadDeadline(time.Time{})
		}
	}
}

// attach makes the request's record, answers panics and errors, and writes the access log.
func (s *Server) attach(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		start := s.now()
		r := c.Request()
		q := &request{s: s, c: c, r: r, w: c.Response(), ctx: r.Context(), id: lms.NewID()}
		c.Set(requestKey, q)
		q.w.Header().Set(api.HeaderRequestID, q.id)
		defer s.logAccess(q, start)
		defer s.recoverPanic(q)
		if err := next(c); err != nil {
			s.refuse(err, c)
		}
		return nil
	}
}

// recoverPanic answers a panic as an internal error. When the answer has begun, the connection is cut, so that nobody
// takes half an answer for a whole one.
func (s *Server) recoverPanic(q *request) {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler {
		panic(p)
	}
	s.log.Error("panic", "request", q.id, "route", q.c.Path(), "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
	if q.c.Response().Committed {
		panic(http.ErrAbortHandler)
	}
	s.refuse(fmt.Errorf("panic: %v", p), q.c)
}

// logAccess writes one line a request: the pattern of the route instead of its path, ids instead of names.
func (s *Server) logAccess(q *request, start time.Time) {
	res := q.c.Response()
	level := slog.LevelInfo
	switch {
	case res.Status >= 500:
		level = slog.LevelWarn
	case res.Status < 400 && !strings.HasPrefix(q.c.Path(), "/api/"):
		level = slog.LevelDebug
	}
	s.log.LogAttrs(q.ctx, level, "request", slog.String("request", q.id), slog.String("method", q.r.Method),
		slog.String("route", q.c.Path()), slog.Int("status", res.Status), slog.Int64("bytes", res.Size),
		slog.Duration("took", s.now().Sub(start)), slog.String("user", q.actor.UserID))
}

// everyAnswer is shared by all answers, which saves each one the allocations: Set and Add do not write into a full list.
var everyAnswer = []struct {
	name   string // canonical
	values []string
}{
	{"X-Content-Type-Options", []string{"nosniff"}},
	{"X-Frame-Options", []string{"DENY"}},
	{"Referrer-Policy", []string{"same-origin"}},
	{"Cross-Origin-Opener-Policy", []string{"same-origin"}},
	{"Cross-Origin-Resource-Policy", []string{"same-origin"}},
	{"Permissions-Policy", []string{"camera=(), geolocation=(), microphone=(), payment=(), usb=()"}},
	{"Content-Security-Policy", []string{"default-src 'none'; frame-ancestors 'none'"}},
}

// secureHeaders sets what every answer carries; handlers of pages and files replace the policy.
func (s *Server) secureHeaders(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		h := c.Response().Header()
		for _, v := range everyAnswer {
			h[v.name] = v.values
		}
		if s.c.Secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		return next(c)
	}
}

// pagePolicy is the policy of pages: everything from here, calls also to the other nodes. The browser's program needs
// 'wasm-unsafe-eval'.
func (s *Server) pagePolicy(c echo.Context) string {
	connect := "'self'"
	for _, o := range s.origins.list(c.Request().Context()) {
		connect += " " + o
	}
	return "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self' data:; media-src 'self'; font-src 'self'; " +
		s.framePolicy(c.Request().Context()) +
		"connect-src " + connect + "; worker-src 'self'; manifest-src 'self'; object-src 'none'; base-uri 'none'; " +
		"form-action 'self'; frame-ancestors 'none'"
}

// addressExtractor finds the client's address: of the connection, or, behind a configured proxy, what that proxy says.
func (s *Server) addressExtractor() echo.IPExtractor {
	if len(s.c.TrustedProxies) == 0 {
		return echo.ExtractIPDirect()
	}
	options := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, p := range s.c.TrustedProxies {
		p = p.Masked()
		options = append(options, echo.TrustIPRange(&net.IPNet{IP: p.Addr().AsSlice(),
			Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}))
	}
	return echo.ExtractIPFromXFFHeader(options...)
}

// address is the client's address as limits count it: IPv6 by the /64 that one household or machine has.
func (q *request) address() string {
	a, err := netip.ParseAddr(q.c.RealIP())
	if err != nil {
		return "unknown"
	}
	a = a.Unmap().WithZone("")
	if a.Is4() {
		return a.String()
	}
	p, err := a.Prefix(64)
	if err != nil {
		return "unknown"
	}
	return p.String()
}

// shared reports whether many people come from the address, which is one that address has returned.
func (s *Server) shared(address string) bool {
	host, _, _ := strings.Cut(address, "/")
	a, err := netip.ParseAddr(host)
	return err == nil && slices.ContainsFunc(s.c.Shared, func(p netip.Prefix) bool { return p.Contains(a) })
}
