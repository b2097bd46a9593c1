package web

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/labstack/echo/v4"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/consensus"
)

// statuses is the one mapping from kinds of refusal to HTTP.
var statuses = map[lms.Kind]int{
	lms.KindInvalid:     http.StatusBadRequest,
	lms.KindSignIn:      http.StatusUnauthorized,
	lms.KindForbidden:   http.StatusForbidden,
	lms.KindNotFound:    http.StatusNotFound,
	lms.KindConflict:    http.StatusConflict,
	lms.KindTooLarge:    http.StatusRequestEntityTooLarge,
	lms.KindUnsupported: http.StatusUnsupportedMediaType,
	lms.KindRule:        http.StatusUnprocessableEntity,
	lms.KindLimit:       http.StatusTooManyRequests,
	lms.KindUnavailable: http.StatusServiceUnavailable,
	lms.KindUnknown:     http.StatusServiceUnavailable,
	lms.KindInternal:    http.StatusInternalServerError,
	lms.KindConfirm:     http.StatusForbidden,
	lms.KindEnrol:       http.StatusForbidden,
}

// statusGone is what the log shows when the client left before the answer.
const statusGone = 499

// errMethod is answered for a path of the table with another method. It has no kind of its own.
var errMethod = lms.Errorf(lms.KindInvalid, "This address does not take this method.")

// refusalOf turns any error into what the person reads. Errors of the layers below that are no refusals become
// ErrInternal.
func refusalOf(err error) *lms.Error {
	var e *lms.Error
	var tooLarge *http.MaxBytesError
	var routing *echo.HTTPError
	switch {
	case errors.As(err, &e):
		return e
	case errors.As(err, &tooLarge):
		return lms.Errorf(lms.KindTooLarge, "This is too large: at most %s are taken here.", lms.FormatBytes(tooLarge.Limit))
	case errors.Is(err, consensus.ErrUnavailable), errors.Is(err, consensus.ErrBusy):
		return lms.ErrUnavailable
	case errors.Is(err, consensus.ErrUnknown), errors.Is(err, context.DeadlineExceeded):
		return lms.ErrUnknown
	case errors.Is(err, consensus.ErrKeyConflict):
		return lms.ErrKeyReused
	case errors.As(err, &routing) && routing.Code == http.StatusNotFound:
		return lms.ErrNotFound
	case errors.As(err, &routing) && routing.Code == http.StatusMethodNotAllowed:
		return errMethod
	}
	return lms.ErrInternal
}

// statusOf is the status of a refusal.
func statusOf(e *lms.Error) int {
	if e == errMethod {
		return http.StatusMethodNotAllowed
	}
	if s, ok := statuses[e.Kind]; ok {
		return s
	}
	return http.StatusInternalServerError
}

// refuse answers an error as JSON. It is Echo's error handler, so every refusal of every route passes here.
func (s *Server) refuse(err error, c echo.Context) {
	q := requestOf(c)
	found := refusalOf(err)
	if errors.Is(err, context.Canceled) && found.Kind == lms.KindInternal {
		if !c.Response().Committed {
			c.Response().WriteHeader(statusGone) // nobody reads it, but it must not look like a success
		}
		return
	}
	refusal := *found // it gets the request's id
	if refusal.Kind == lms.KindInternal {
		level := slog.LevelError
		if c.Request().Context().Err() != nil {
			level = slog.LevelDebug // the client went away while it was answered
		}
		s.log.LogAttrs(c.Request().Context(), level, "request failed", slog.String("request", q.id),
			slog.String("route", c.Path()), slog.String("error", err.Error()))
	}
	if c.Response().Committed {
		return // a stream or download broke off; the connection tells
	}
	refusal.RequestID = q.id
	if statusOf(found) == http.StatusForbidden && refusal.Kind != lms.KindConfirm && refusal.Kind != lms.KindEnrol {
		s.recordRefusal(q)
	}
	h := c.Response().Header()
	if refusal.RetryIn > 0 {
		h.Set("Retry-After", strconv.Itoa(refusal.RetryIn))
	}
	if refusal.Kind == lms.KindSignIn {
		h.Set("WWW-Authenticate", `Bearer realm="trivium"`)
	}
	h.Del("Content-Disposition")
	h.Del("ETag")
	s.describe(h)
	var body any = refusal
	if q.route.Access == lms.KeyValue {
		body = s.kvRefusal(err, &refusal)
	}
	status := statusOf(found)
	var elsewhere *redirect
	if errors.As(err, &elsewhere) && elsewhere.location != "" {
		h.Set("Location", elsewhere.location)
		status = http.StatusTemporaryRedirect
	}
	if err := c.JSON(status, body); err != nil {
		s.log.Debug("answer not delivered", "request", q.id, "error", err)
	}
}

// describe sets the headers that every answer of the API carries.
func (s *Server) describe(h http.Header) {
	h.Set(api.HeaderIndex, strconv.FormatUint(s.db.Applied(), 10))
	h.Set(api.HeaderNode, s.c.NodeID)
	if leader := s.db.Standing().Leader; leader != "" {
		h.Set(api.HeaderLeader, leader)
	}
	if s.c.AppVersion != "" {
		h.Set(api.HeaderAppVersion, s.c.AppVersion)
	}
	h.Set("Cache-Control", "no-store")
}
