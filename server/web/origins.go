package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/labstack/echo/v4"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/consensus"
)

// originsFresh is how old the list of the other nodes' origins may be.
const originsFresh = 2 * time.Second

// origins knows where people reach the other nodes: pages of theirs may call this node, and pages of this one call them.
type origins struct {
	server *Server

	mu    sync.Mutex
	read  time.Time
	known []string // sorted
	guard *http.CrossOriginProtection
}

// list returns the other nodes' origins.
func (o *origins) list(ctx context.Context) []string {
	known, _ := o.get(ctx)
	return known
}

// get reads the replicated list again when it is old. When it cannot be read, the last one counts.
func (o *origins) get(ctx context.Context) ([]string, *http.CrossOriginProtection) {
	o.mu.Lock()
	defer o.mu.Unlock()
	now := o.server.now()
	if o.guard != nil && now.Sub(o.read) < originsFresh && !now.Before(o.read) {
		return o.known, o.guard
	}
	// A list from before the node has caught up is as good as the last one, and every page asks for it.
	rows, err := o.server.store.NodeOrigins(consensus.AllowStale(ctx))
	if err != nil {
		o.server.log.Warn("origins of the nodes not read", "error", err)
		if o.guard == nil {
			return nil, http.NewCrossOriginProtection()
		}
		return o.known, o.guard
	}
	o.read = now
	var known []string
	for _, origin := range rows {
		if origin != o.server.c.Origin && validOrigin(origin) {
			known = append(known, origin)
		}
	}
	slices.Sort(known)
	known = slices.Compact(known)
	if o.guard != nil && slices.Equal(known, o.known) {
		return o.known, o.guard
	}
	guard := http.NewCrossOriginProtection()
	for _, origin := range append([]string{o.server.c.Origin}, known...) {
		if origin == "" {
			continue
		}
		if err := guard.AddTrustedOrigin(origin); err != nil {
			o.server.log.Warn("origin of a node is unusable", "origin", origin, "error", err)
		}
	}
	o.known, o.guard = known, guard
	return known, guard
}

// validOrigin reports whether s is exactly scheme://host[:port], so that it cannot add anything else to a policy.
func validOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && s == u.Scheme+"://"+u.Host &&
		!strings.ContainsAny(s, " ;,'\"*\\")
}

// What pages of other nodes may send and read.
var (
	allowedHeaders = strings.Join([]string{"Authorization", "Content-Type", "If-None-Match", "Last-Event-ID", "Range", api.HeaderKey, api.HeaderIndex, api.HeaderClient}, ", ")
	exposedHeaders = strings.Join([]string{api.HeaderIndex, api.HeaderLeader, api.HeaderNode, api.HeaderStale, api.HeaderAppVersion,
		api.HeaderRequestID, "Content-Disposition", "Content-Range", "ETag", "Retry-After"}, ", ")
)

// crossOrigin lets pages of the other nodes in, without cookies, and refuses writes from anywhere else.
func (s *Server) crossOrigin(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		r, h := c.Request(), c.Response().Header()
		if !strings.HasPrefix(r.URL.Path, "/api/") && isSafe(r.Method) {
			return next(c)
		}
		known, guard := s.origins.get(r.Context())
		if letIn(h, r, known) {
			return c.NoContent(http.StatusNoContent)
		}
		if err := guard.Check(r); err != nil {
			return lms.Errorf(lms.KindForbidden, "This request came from a page of another site, so it was refused.")
		}
		return next(c)
	}
}

// letIn lets a page of one of the known origins read the answer, without cookies. It reports whether the request only asks
// whether it may be sent, so that there is nothing else to answer.
func letIn(h http.Header, r *http.Request, known []string) (preflight bool) {
	h.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if !slices.Contains(known, origin) {
		return false
	}
	h.Set("Access-Control-Allow-Origin", origin)
	h.Set("Access-Control-Expose-Headers", exposedHeaders)
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	if r.Method != http.MethodOptions {
		return false
	}
	h.Set("Access-Control-Allow-Methods", "GET, POST, PUT, PATCH, DELETE")
	h.Set("Access-Control-Allow-Headers", allowedHeaders)
	h.Set("Access-Control-Max-Age", "600")
	return true
}

// AllowOrigins lets pages of the other nodes read what h answers below /api/, which stands in for a Server that cannot
// answer yet: a page that fails over must learn that this node is not ready, and not that it is forbidden. Entries of
// known that are no origins are left out.
func AllowOrigins(known []string, h http.Handler) http.Handler {
	known = slices.DeleteFunc(slices.Clone(known), func(s string) bool { return !validOrigin(s) })
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/") && letIn(w.Header(), r, known) {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		h.ServeHTTP(w, r)
	})
}

func isSafe(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}
