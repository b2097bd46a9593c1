package web

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/store"
)

// request is one call on its way through serve.
type request struct {
	s     *Server
	c     echo.Context
	r     *http.Request
	w     http.ResponseWriter
	ctx   context.Context
	id    string
	route api.Route

	rawBody bool // the body is bytes for the handler, not JSON
	anyAge  bool // see binding

	actor     lms.Actor
	user      lms.User
	expiresAt time.Time
	twoStep   bool   // the second step of a sign-in was done
	passkey   string // id of the passkey that was shown for it
}

const requestKey = "trivium.request"

// requestOf returns the request that the first middleware attached.
func requestOf(c echo.Context) *request {
	if q, ok := c.Get(requestKey).(*request); ok {
		return q
	}
	return &request{}
}

// param returns a parameter of the path, unescaped exactly once: Echo matches the escaped path if there is one.
func (q *request) param(name string) (string, error) {
	s := q.c.Param(name)
	if q.r.URL.RawPath == "" {
		return s, nil
	}
	t, err := url.PathUnescape(s)
	if err != nil {
		return "", lms.FieldErrorf(lms.KindInvalid, name, "The address is malformed.")
	}
	return t, nil
}

// Waiting for what the client has seen.
const (
	waitIndex = 5 * time.Second
	// aheadLimit is how far a client may be ahead of this node's knowledge. More than that, it comes from another cluster.
	aheadLimit = 1 << 24
)

// admit decides whether the call may go on to its handler: steps 1 to 3 of the package comment.
func (s *Server) admit(q *request) error {
	if q.route.Writes() && q.r.Header.Get(api.HeaderClient) != api.ClientName {
		return lms.Errorf(lms.KindForbidden, "Writes need the header %s: %s, so that no foreign page can send them.", api.HeaderClient, api.ClientName)
	}
	return s.enter(q)
}

// enter is admit for whatever is not called by a program: a form cannot have a header of its own.
func (s *Server) enter(q *request) error {
	catchUp := s.catchUp
	if q.route.Access == lms.KeyValue {
		catchUp = s.kvCatchUp
	}
	if err := catchUp(q); err != nil {
		return err
	}
	if q.route.Access == lms.Public {
		q.ctx = store.WithCaller(q.ctx, q.caller())
		if !q.route.Writes() {
			return nil
		}
		return s.mayForward(q)
	}
	if err := s.authenticate(q); err != nil {
		return err
	}
	if q.actor.MustEnrol && !beforeEnrolment[q.route.Method+" "+q.route.Path] {
		return lms.ErrEnrol
	}
	if q.route.Access.OfCourse() {
		if err := s.takeRole(q); err != nil {
			return err
		}
	}
	if err := lms.Can(q.actor, q.route.Access); err != nil {
		return err
	}
	return s.mayForward(q)
}

// catchUp waits until this node has applied what the client has seen. A node without contact to the majority cannot
// catch up: it answers reads from what it has and says as of when.
func (s *Server) catchUp(q *request) error {
	since, stale := s.staleSince()
	if stale {
		if q.route.Writes() {
			return nil // held and then refused where it is written
		}
		if !q.anyAge && (s.c.StaleReads == 0 || s.now().Sub(since) > s.c.StaleReads) {
			return lms.ErrUnavailable
		}
		q.w.Header().Set(api.HeaderStale, strconv.FormatInt(since.UnixMilli(), 10))
		q.ctx = consensus.AllowStale(q.ctx) // a write does not get this: it waits until the node has caught up
		return nil
	}
	header := q.r.Header.Get(api.HeaderIndex)
	return s.waitSeen(q, header)
}

// waitSeen waits for the index that the client has seen.
func (s *Server) waitSeen(q *request, header string) error {
	if header == "" {
		return nil
	}
	index, err := strconv.ParseUint(header, 10, 64)
	if err != nil || index > s.db.Applied()+aheadLimit {
		return lms.Errorf(lms.KindInvalid, "The header %s is not an index of this cluster. Reload the page.", api.HeaderIndex)
	}
	if s.db.Shows(index) { // as usual: the clock below costs more than the rest
		return nil
	}
	ctx, cancel := context.WithTimeout(q.ctx, waitIndex)
	defer cancel()
	if err := s.db.WaitIndex(ctx, index); err != nil {
		if q.ctx.Err() != nil {
			return q.ctx.Err()
		}
		return &lms.Error{Kind: lms.KindUnavailable, RetryIn: 1, Message: "This node has not caught up with what you have already seen. Trying again, or on another node, helps."}
	}
	return nil
}

// staleAfter is how long a node without contact to the majority answers as usual (CLUSTER-10).
const staleAfter = 10 * time.Second

// staleSince tells whether the node has had no contact with a majority for a while, and since when. A node that has not
// caught up since its start knows of the time before only the last stamp in its database.
func (s *Server) staleSince() (time.Time, bool) {
	st := s.db.Standing()
	if !st.CaughtUp {
		return st.Stamp, true
	}
	contact := st.LastContact
	if contact.IsZero() {
		contact = st.Since
	}
	return contact, !contact.IsZero() && s.now().Sub(contact) > staleAfter
}

// authenticate finds out who asks.
func (s *Server) authenticate(q *request) error {
	token, bearer := q.token()
	if token == "" {
		return lms.ErrSignIn
	}
	if bearer && s.isOperator(token) {
		q.actor = lms.Actor{UserID: lms.OperatorID, Login: lms.OperatorID, Name: "Operator", Admin: true, Confirmed: true}
		q.ctx = store.WithCaller(q.ctx, q.caller())
		q.user = lms.User{ID: lms.OperatorID, Login: lms.OperatorID, Name: "Operator", Admin: true}
		return nil
	}
	hash := sha256.Sum256([]byte(token))
	if bearer && strings.HasPrefix(token, lms.APITokenPrefix) {
		t, err := s.store.APITokenByHash(q.ctx, hash[:])
		if err == nil {
			q.actor = lms.Actor{UserID: "token/" + t.ID, Login: t.ID, Name: t.Name, Scope: t.ID}
		}
		return err
	}
	f, err := s.store.SessionByToken(q.ctx, hash[:])
	if errors.Is(err, store.ErrRenew) {
		f, err = q.renewOnTheWay(token, bearer, f)
	}
	if err != nil {
		return q.endReused(err, hash[:])
	}
	if f.Unused {
		if err := s.take(q.ctx, hash[:]); err != nil {
			return err
		}
	}
	q.actor, q.user, q.expiresAt = f.Actor, f.User, f.ExpiresAt
	s.touch(q.actor.SessionID)
	q.ctx = store.WithCaller(q.ctx, q.caller())
	return nil
}

// caller is who makes the request, for the audit log: with the whole address, not the prefix that limits count.
func (q *request) caller() store.Caller { return store.Caller{Actor: q.actor, Address: q.c.RealIP()} }

// isOperator compares with the operator token in constant time.
func (s *Server) isOperator(token string) bool {
	return s.c.OperatorToken != "" && subtle.ConstantTimeCompare([]byte(token), []byte(s.c.OperatorToken)) == 1
}

func (q *request) operator() bool { return q.actor.UserID == lms.OperatorID }

// token returns the session's token: of the Authorization header if there is one, else of the cookie. A request never
// carries two identities.
func (q *request) token() (token string, bearer bool) {
	if h := q.r.Header.Get("Authorization"); h != "" {
		scheme, token, _ := strings.Cut(h, " ")
		if !strings.EqualFold(scheme, "Bearer") {
			return "", true
		}
		return strings.TrimSpace(token), true
	}
	if c, err := q.r.Cookie(q.s.cookieName(sessionCookie)); err == nil {
		return c.Value, false
	}
	return "", false
}

// takeRole looks up the actor's role in the course of the path. To who is no member, an unknown course looks like a
// foreign one.
func (s *Server) takeRole(q *request) error {
	course, err := q.param("course")
	if err != nil || !lms.ValidID(course) {
		if q.actor.Admin {
			return lms.ErrNotFound
		}
		return lms.ErrNotYourCourse
	}
	role, err := s.store.Role(q.ctx, course, q.actor.UserID)
	switch {
	case errors.Is(err, lms.ErrNotFound) && !q.actor.Admin:
		return lms.ErrNotYourCourse
	case err != nil:
		return err
	}
	q.actor.Role = role
	return nil
}

// answer writes the output of a handler.
func (q *request) answer(out any) error {
	q.s.describe(q.w.Header())
	return q.c.JSON(http.StatusOK, out)
}
