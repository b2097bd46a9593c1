package web

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/store"
)

// Lives of what proves a session.
const (
	ticketLife = 10 * time.Minute
	touchEvery = 10 * time.Minute
)

// Cookies. The prefix makes browsers refuse them from anywhere but this host over HTTPS.
const (
	sessionCookie = "sid"
	deviceCookie  = "device"
	securePrefix  = "__Host-"
)

// errCredentials is the same for an unknown name and a wrong password.
var errCredentials = lms.FieldErrorf(lms.KindSignIn, "password", "This user name and password do not belong together. Check both and try again.")

var errDisabled = lms.Errorf(lms.KindForbidden, "This account has been disabled. Your work is kept; ask an administrator.")

// cookieName is the whole name of a cookie.
func (s *Server) cookieName(name string) string {
	if s.c.Secure {
		return securePrefix + name
	}
	return name
}

// setCookie hands a token to a browser; an empty one takes it away.
func (q *request) setCookie(name, token string, expires time.Time) {
	c := &http.Cookie{Name: q.s.cookieName(name), Value: token, Path: "/", HttpOnly: true, Secure: q.s.c.Secure, SameSite: http.SameSiteLaxMode}
	if token == "" {
		c.MaxAge = -1
	} else {
		c.Expires = expires
	}
	http.SetCookie(q.w, c)
}

// digest is under what a token, a ticket or a setup token is stored. They have 160 random bits, so a fast hash is enough.
func digest(secret string) []byte {
	sum := sha256.Sum256([]byte(secret))
	return sum[:]
}

// startSession makes a session of the user and hands its token over, as a cookie or in the answer. A browser is known from then on.
func (q *request) startSession(u lms.User, bearer bool) (lms.Session, error) {
	token, device := lms.NewSecret(), q.device()
	record := store.SessionRecord{ID: lms.NewID(), UserID: u.ID, TokenHash: digest(token), Agent: deviceWords(q.r.UserAgent()), TwoStep: q.twoStep, Passkey: q.passkey}
	if !bearer {
		if device == "" {
			device = lms.NewSecret()
		}
		record.Device = digest(device)
	}
	if err := q.s.store.CreateSession(q.ctx, record); err != nil {
		return lms.Session{}, err
	}
	f, err := q.s.store.SessionByToken(q.ctx, record.TokenHash)
	if err != nil && !errors.Is(err, store.ErrRenew) {
		return lms.Session{}, err
	}
	session, err := q.s.session(q.ctx, f)
	if err != nil {
		return lms.Session{}, err
	}
	q.actor = f.Actor
	if bearer {
		session.Token = token
	} else {
		q.setCookie(sessionCookie, token, f.ExpiresAt)
		q.setCookie(deviceCookie, device, q.s.now().Add(deviceCookieLife))
	}
	return session, nil
}

// session describes a session with the courses of which the user is a member.
func (s *Server) session(ctx context.Context, f store.FoundSession) (lms.Session, error) {
	courses, err := s.store.Courses(ctx, f.Actor)
	if err != nil {
		return lms.Session{}, err
	}
	courses = slices.DeleteFunc(courses, func(c lms.Course) bool { return c.MyRole == "" })
	session := lms.Session{User: f.User, Courses: courses, ExpiresAt: f.ExpiresAt, MustEnrol: f.Actor.MustEnrol}
	if f.Actor.Viewing != "" {
		session.Viewing = &lms.View{CourseID: f.Actor.Viewing, By: f.Actor.ViewerLogin}
	}
	return session, nil
}

func (s *Server) currentSession(q *request, _ api.NoInput) (lms.Session, error) {
	return s.session(q.ctx, q.found())
}

func (s *Server) signOut(q *request, _ api.NoInput) (api.Empty, error) {
	if q.actor.SessionID != "" {
		if err := s.store.EndSession(q.ctx, q.actor.SessionID); err != nil {
			return api.Empty{}, err
		}
		s.touched.Delete(q.actor.SessionID)
	}
	q.setCookie(sessionCookie, "", time.Time{})
	// Files that were shown lie in the browser's cache. What the person typed is the page's to ask about: decision 19.
	q.w.Header().Set("Clear-Site-Data", `"cache"`)
	return api.Empty{}, nil
}

func (s *Server) issueTicket(ctx context.Context, actor lms.Actor, _ api.NoInput) (api.Ticket, error) {
	if actor.SessionID == "" {
		return api.Ticket{}, lms.Errorf(lms.KindForbidden, "The operator token has no session that could be handed over.")
	}
	ticket := lms.NewSecret()
	return api.Ticket{Ticket: ticket}, s.store.CreateTicket(ctx, actor, digest(ticket), s.now().Add(ticketLife))
}

// redeemTicket answers a second token of the same session: the page of another node keeps it in memory.
func (s *Server) redeemTicket(q *request, in api.Ticket) (lms.Session, error) {
	if err := s.limits.allow(q.address()); err != nil {
		return lms.Session{}, err
	}
	token := lms.NewSecret()
	if _, _, err := s.store.RedeemTicket(q.ctx, digest(in.Ticket), digest(token)); err != nil {
		return lms.Session{}, err
	}
	f, err := s.store.SessionByToken(q.ctx, digest(token))
	if err != nil {
		return lms.Session{}, err
	}
	q.actor = f.Actor
	session, err := s.session(q.ctx, f)
	session.Token = token
	return session, err
}

func (s *Server) changePassword(q *request, in api.PasswordInput) (api.Empty, error) {
	if q.actor.SessionID == "" {
		return api.Empty{}, lms.Errorf(lms.KindForbidden, "The operator token has no password.")
	}
	if q.actor.Viewing != "" {
		return api.Empty{}, store.ErrViewing
	}
	if err := s.checkNewPassword(q.ctx, "new", q.actor.Login, q.actor.Name, in.New); err != nil {
		return api.Empty{}, err
	}
	if _, err := s.checkCredentials(q, q.actor.Login, in.Old); err != nil {
		if errors.Is(err, errCredentials) { // still signed in: not a 401
			err = lms.FieldErrorf(lms.KindRule, "old", "This is not your present password.")
		}
		return api.Empty{}, err
	}
	hash, err := s.hasher.hash(q.ctx, in.New)
	if err != nil {
		return api.Empty{}, err
	}
	return api.Empty{}, s.store.SetPassword(q.ctx, q.actor, hash)
}

// confirmSession takes the password of who is signed in already, under the limits of a sign-in.
func (s *Server) confirmSession(q *request, in api.ConfirmInput) (api.Empty, error) {
	if q.actor.SessionID == "" {
		return api.Empty{}, nil // the operator token needs no confirmation
	}
	if q.actor.Viewing != "" {
		return api.Empty{}, store.ErrViewing
	}
	if _, err := s.checkCredentials(q, q.actor.Login, in.Password); err != nil {
		if errors.Is(err, errCredentials) { // still signed in: not a 401
			err = lms.FieldErrorf(lms.KindRule, "password", "This is not your password. Check it and try again.")
		}
		return api.Empty{}, err
	}
	return api.Empty{}, s.store.ConfirmSession(q.ctx, q.actor)
}

// touch notes, off the request's way and rarely, that a session is used.
func (s *Server) touch(sessionID string) {
	now := s.now()
	last, known := s.touched.Load(sessionID)
	if known && now.Sub(last.(time.Time)) < touchEvery {
		return
	}
	if _, stale := s.staleSince(); stale || !s.begin() {
		return
	}
	s.touched.Store(sessionID, now)
	go func() {
		defer s.workers.Done()
		ctx, cancel := context.WithTimeout(s.ctx, 10*time.Second)
		defer cancel()
		if err := s.store.TouchSession(ctx, sessionID); err != nil {
			s.log.Debug("session not touched", "error", err)
		}
		s.touched.Range(func(id, at any) bool {
			if now.Sub(at.(time.Time)) > 2*touchEvery {
				s.touched.Delete(id)
			}
			return true
		})
	}()
}

// signInForm is the sign-in that works before and without the browser's program: a plain form, answered by a redirect.
// Its page shows what the query says.
func (s *Server) signInForm(c echo.Context) error {
	q := requestOf(c)
	q.r.Body = http.MaxBytesReader(q.w, q.r.Body, 16<<10)
	end := q.bodyDeadline()
	err := q.r.ParseForm()
	end()
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			return err
		}
		return lms.Errorf(lms.KindInvalid, "The form could not be read.")
	}
	next := localPath(q.r.PostForm.Get("next"))
	in := api.SignInInput{Login: q.r.PostForm.Get("login"), Password: q.r.PostForm.Get("password"), Code: q.r.PostForm.Get("code")}
	err = in.Validate()
	if err == nil {
		_, err = s.signIn(q, in)
	}
	s.describe(q.w.Header())
	if err == nil {
		return c.Redirect(http.StatusSeeOther, next)
	}
	refusal := refusalOf(err)
	if refusal.Kind == lms.KindInternal {
		s.log.Error("sign-in failed", "request", q.id, "error", err)
	}
	back := url.Values{"error": {string(refusal.Kind)}}
	if refusal.Kind == lms.KindSignIn && (refusal.Field == "code" || refusal.Field == "passkey") {
		back.Set("error", refusal.Field)
	}
	if next != "/" {
		back.Set("next", next)
	}
	return c.Redirect(http.StatusSeeOther, "/signin?"+back.Encode())
}

// localPath returns the path if it leads to a page of this site, else "/".
func localPath(p string) string {
	u, err := url.Parse(p)
	if err != nil || u.Scheme != "" || u.Host != "" || !strings.HasPrefix(p, "/") || strings.HasPrefix(p, "//") ||
		strings.ContainsAny(p, "\\\r\n\t") {
		return "/"
	}
	return p
}
