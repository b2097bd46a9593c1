package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/pprof"
	"strings"

	"github.com/labstack/echo/v4"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/store"
)

// Inspector tells how single nodes stand; *inspect.Inspector is one.
type Inspector interface {
	Report(ctx context.Context, node string) (lms.NodeReport, error)
	Text(ctx context.Context, node, name string, tail int) (io.ReadCloser, error)
}

func (s *Server) getNode(ctx context.Context, _ lms.Actor, in api.NodePath) (lms.NodeReport, error) {
	if s.c.Inspect == nil {
		return lms.NodeReport{}, lms.ErrNotFound
	}
	return s.c.Inspect.Report(ctx, in.Node)
}

// nodeText answers one of lms.NodeTexts. That it was read is recorded: keys and values of the data API stand in it.
func (s *Server) nodeText(q *request, in api.NodeTextInput) error {
	if s.c.Inspect == nil {
		return lms.ErrNotFound
	}
	text, err := s.c.Inspect.Text(q.ctx, in.Node, in.Name, in.Tail)
	if err != nil {
		return err
	}
	defer text.Close()
	s.records.add(store.AuditEvent{Caller: q.caller(), Action: lms.AuditNodeRead, Object: "node/" + in.Node, Details: []string{"text", in.Name}})
	h := q.w.Header()
	s.describe(h)
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Content-Disposition", disposition(in.Node+"-"+in.Name, true))
	if _, err := io.Copy(q.w, text); err != nil {
		return err
	}
	return nil
}

// mostLines is how many lines fit into an answer; the whole text is a download.
const mostLines = 1000

// nodeLines answers the last lines of a text, for the viewer.
func (s *Server) nodeLines(ctx context.Context, _ lms.Actor, in api.NodeTextInput) (api.Page[string], error) {
	if s.c.Inspect == nil {
		return api.Page[string]{}, lms.ErrNotFound
	}
	if in.Tail == 0 || in.Tail > mostLines {
		in.Tail = mostLines
	}
	text, err := s.c.Inspect.Text(ctx, in.Node, in.Name, in.Tail)
	if err != nil {
		return api.Page[string]{}, err
	}
	defer text.Close()
	all, err := io.ReadAll(io.LimitReader(text, 4<<20))
	if err != nil {
		return api.Page[string]{}, err
	}
	s.records.add(store.AuditEvent{Caller: store.CallerOf(ctx), Action: lms.AuditNodeRead, Object: "node/" + in.Node, Details: []string{"text", in.Name}})
	lines := []string{}
	for line := range strings.Lines(string(all)) {
		lines = append(lines, strings.TrimSuffix(line, "\n"))
	}
	return api.Page[string]{Items: lines, Total: len(lines)}, nil
}

// status is GetCluster for monitors: programs on this machine need no session.
func (s *Server) status(c echo.Context) error {
	q := requestOf(c)
	q.route, q.anyAge = api.GetCluster.Route(), true
	if err := s.catchUp(q); err != nil {
		return err
	}
	if !s.isLocal(q) {
		if err := s.authenticate(q); err != nil {
			return err
		}
	}
	out, err := s.getCluster(q.ctx, q.actor, api.NoInput{})
	if err != nil {
		return err
	}
	return q.answer(out)
}

// forAdmins answers administrators and the operator.
func (s *Server) forAdmins(h http.Handler) echo.HandlerFunc {
	return func(c echo.Context) error {
		q := requestOf(c)
		q.route = api.GetNode.Route() // read as that one
		if err := s.catchUp(q); err != nil {
			return err
		}
		if err := s.authenticate(q); err != nil {
			return err
		}
		if err := lms.Can(q.actor, lms.Admin); err != nil {
			return err
		}
		h.ServeHTTP(c.Response(), q.r)
		return nil
	}
}

// profiles serves what Go tells of the running process. Each reading is recorded.
func (s *Server) profiles() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux // without cmdline: a join token may stand on it
}

// mountProfiles mounts them below /debug/pprof/.
func (s *Server) mountProfiles(e *echo.Echo) {
	h := s.forAdmins(s.profiles())
	e.GET("/debug/pprof/*", func(c echo.Context) error {
		name := strings.TrimPrefix(c.Request().URL.Path, "/debug/pprof/")
		if name == "cmdline" {
			return lms.ErrNotFound
		}
		err := h(c)
		if q := requestOf(c); err == nil {
			s.records.add(store.AuditEvent{Caller: q.caller(), Action: lms.AuditNodeRead, Object: "node/" + s.c.NodeID, Details: []string{"profile", name}})
		}
		return err
	})
}

var errNoMetrics = lms.Errorf(lms.KindForbidden, "Only this machine itself, an administrator, or a program with the operator token, may read this.")

// forOperators answers programs on this machine, administrators, and programs with the operator token.
func (s *Server) forOperators(h http.Handler) echo.HandlerFunc {
	admins := s.forAdmins(h)
	return func(c echo.Context) error {
		q := requestOf(c)
		if s.isLocal(q) {
			h.ServeHTTP(c.Response(), q.r)
			return nil
		}
		err := admins(c)
		if errors.Is(err, lms.ErrSignIn) || errors.Is(err, lms.ErrForbidden) {
			return errNoMetrics
		}
		return err
	}
}
