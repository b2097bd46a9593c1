package web

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"strings"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/store"
)

// found is the session that the request has proven.
func (q *request) found() store.FoundSession {
	return store.FoundSession{Actor: q.actor, User: q.user, ExpiresAt: q.expiresAt}
}

var successorEncoding = base32.NewEncoding("0123456789abcdefghjkmnpqrstvwxyz").WithPadding(base32.NoPadding)

// successor is the token that follows another one under a key.
func successor(token string, key []byte) string {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(token))
	return successorEncoding.EncodeToString(m.Sum(nil)[:20])
}

// renew exchanges a token for the one that follows it. Every renewal of a token gives the same one.
func (s *Server) renew(ctx context.Context, token string) (string, store.FoundSession, error) {
	key := make([]byte, 32)
	rand.Read(key) // does not fail
	key, _, err := s.store.RenewToken(ctx, digest(token), key, digest(successor(token, key)))
	if err != nil {
		return "", store.FoundSession{}, err
	}
	next := successor(token, key)
	f, err := s.store.SessionByToken(ctx, digest(next))
	if errors.Is(err, store.ErrRenew) { // the answer was lost long ago: the next request renews it
		err = nil
	}
	return next, f, err
}

// renewOnTheWay renews a browser's token within a request, because the page cannot repeat every one: links and pictures have only the
// cookie. Programs must renew by themselves. While the cluster has no majority nothing can be renewed, and reading ends with the access
// (CLUSTER-10): nobody here would hear of a session that was ended.
func (q *request) renewOnTheWay(token string, bearer bool, f store.FoundSession) (store.FoundSession, error) {
	if _, stale := q.s.staleSince(); bearer || stale && !q.route.Writes() {
		return f, store.ErrRenew
	}
	next, g, err := q.s.renew(store.Urgent(context.WithoutCancel(q.ctx)), token)
	if lms.KindOf(err) == lms.KindUnavailable && !q.route.Writes() {
		return f, nil // a leader is being elected, or the disks are full
	}
	if err != nil {
		return f, err
	}
	q.setCookie(sessionCookie, next, g.ExpiresAt)
	g.Unused = false // whether the browser has got it shows with the next request
	return g, nil
}

// endReused ends the session of a token that was replaced and is used again. err is what the store has said of the token.
func (q *request) endReused(err error, tokenHash []byte) error {
	if !errors.Is(err, store.ErrReuse) {
		return err
	}
	q.s.log.Warn("a renewed token was used again: its session ends", "request", q.id)
	if e := q.s.store.EndReused(store.WithCaller(q.ctx, q.caller()), tokenHash); e != nil {
		return e
	}
	return err
}

// take notes that the token that followed another one is in use. Until this is known the old one works, which costs nothing where
// nothing can be written.
func (s *Server) take(ctx context.Context, tokenHash []byte) error {
	if _, stale := s.staleSince(); stale {
		return nil
	}
	err := s.store.TakeToken(store.Urgent(ctx), tokenHash)
	if kind := lms.KindOf(err); kind == lms.KindUnavailable || kind == lms.KindUnknown || errors.Is(err, consensus.ErrUnknown) {
		return nil
	}
	return err
}

func (s *Server) renewSession(q *request, _ api.NoInput) (lms.Session, error) {
	if err := s.limits.allow(q.address()); err != nil {
		return lms.Session{}, err
	}
	token, bearer := q.token()
	if token == "" || bearer && (s.isOperator(token) || strings.HasPrefix(token, lms.APITokenPrefix)) {
		return lms.Session{}, lms.ErrSignIn
	}
	next, f, err := s.renew(store.Urgent(q.ctx), token)
	if err != nil {
		return lms.Session{}, q.endReused(err, digest(token))
	}
	session, err := s.session(q.ctx, f)
	if err != nil {
		return lms.Session{}, err
	}
	if bearer {
		session.Token = next
	} else {
		q.setCookie(sessionCookie, next, f.ExpiresAt)
	}
	return session, nil
}

func (s *Server) listSessions(ctx context.Context, actor lms.Actor, _ api.NoInput) (api.Page[lms.SessionInfo], error) {
	return whole(s.store.Sessions(ctx, actor))
}

func (s *Server) endSession(ctx context.Context, actor lms.Actor, in api.SessionPath) (api.Empty, error) {
	return api.Empty{}, s.store.RevokeSession(ctx, actor, in.Session)
}

func (s *Server) endOtherSessions(ctx context.Context, actor lms.Actor, _ api.NoInput) (api.Empty, error) {
	return api.Empty{}, s.store.RevokeOthers(ctx, actor)
}
