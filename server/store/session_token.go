package store

import (
	"context"
	"errors"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// A session has one token, or one more for each node that it was handed over to. A token gives access for an hour; from then
// on it is only good for its successor (RenewToken), and the session ends 30 days after the last renewal (AUTH-5).
//
// A token and its successor overlap, because requests that are under way, other tabs and lost answers still have the old one:
// it is accepted for a minute, and can be renewed again for as long as nobody has used the successor. The successor follows
// from the token itself and a random key that is kept beside the token's hash, so that every renewal of a token, on any node,
// gives the same successor, and nobody learns it who has only the token or only the database. A token that is used after all
// that has been stolen from who has the successor, or the other way round: its session ends.

// Lives is how long tokens are good for.
type Lives struct {
	Access  time.Duration
	Renewal time.Duration
	Overlap time.Duration // in which a token that was renewed is accepted in any case
}

var defaultLives = Lives{Access: lms.AccessLife, Renewal: lms.RenewalLife, Overlap: time.Minute}

// UseLives sets how long tokens are good for. It must be called before the store is used; zero values stay as they are.
func (s *Store) UseLives(l Lives) {
	if l.Access > 0 {
		s.lives.Access = l.Access
	}
	if l.Renewal > 0 {
		s.lives.Renewal = l.Renewal
	}
	if l.Overlap > 0 {
		s.lives.Overlap = l.Overlap
	}
}

// What a token is good for that gives no access.
var (
	ErrRenew = lms.Errorf(lms.KindSignIn, "The access of this session is over. Renew it, or sign in again; nothing you typed is lost.") // RenewToken
	ErrReuse = lms.Errorf(lms.KindSignIn, "This session was renewed, and its old token used again. To be safe it has ended: please sign in.")
)

// FoundSession is a session as one of its tokens finds it.
type FoundSession struct {
	Actor     lms.Actor
	User      lms.User
	ExpiresAt time.Time
	Unused    bool // the token has followed another one, and nobody has used it yet
}

// SessionByToken returns who has the session of the token. ErrSignIn when there is none, it has expired, or the account
// is disabled; ErrRenew, with the session, when the token must be renewed first; ErrReuse when it was replaced long ago.
// Expiry is judged by Now, so nodes agree to within a second once they have written something, and to within the difference
// of their clocks before.
func (s *Store) SessionByToken(ctx context.Context, tokenHash []byte) (FoundSession, error) {
	f, t, err := s.findSession(ctx, tokenHash, "")
	if err != nil {
		return f, err
	}
	f.Unused = t.unused
	now := s.Now()
	switch replaced := !t.accepted.IsZero(); {
	case !replaced && now.After(t.access), replaced && now.After(t.accepted) && t.successorUnused:
		return f, ErrRenew
	case replaced && now.After(t.accepted):
		return FoundSession{}, ErrReuse
	}
	return f, nil
}

// SessionByID is SessionByToken for what has proven its session before, such as a stream.
func (s *Store) SessionByID(ctx context.Context, sessionID string) (FoundSession, error) {
	f, _, err := s.findSession(ctx, nil, sessionID)
	return f, err
}

// tokenState is what is known of the token that found a session.
type tokenState struct {
	access, accepted        time.Time
	unused, successorUnused bool
}

// findSession finds a live session by the hash of one of its tokens, or by its id.
func (s *Store) findSession(ctx context.Context, tokenHash []byte, sessionID string) (f FoundSession, t tokenState, err error) {
	const q = `
		SELECT ` + userColumns + `, ` + mustEnrol + `, coalesce(s.view_course_id, ''), s.confirmed_at, s.session_id, s.expires_at,
			coalesce(t.access_until, t.created_at + ?3), t.accepted_until, coalesce(t.unused, 0),
			coalesce((SELECT n.unused FROM session_tokens n WHERE n.token_hash = t.next_hash), 0)
		FROM sessions s
		JOIN users u ON u.user_id = s.user_id
		LEFT JOIN session_tokens t ON t.token_hash = ?1
		WHERE s.session_id = coalesce((SELECT session_id FROM session_tokens WHERE token_hash = ?1), ?4) AND s.expires_at >= ?2 AND u.disabled = 0`
	var view string
	var confirmed time.Time
	var must bool
	scan := func(row consensus.Row) (lms.User, error) {
		n := userColumnCount
		if err := row[n:].Scan(&must, &view, &confirmed, &sessionID, &f.ExpiresAt, &t.access, &t.accepted, &t.unused, &t.successorUnused); err != nil {
			return lms.User{}, err
		}
		return scanUser(row[:n])
	}
	var u lms.User
	args := []any{tokenHash, s.Now(), s.lives.Access.Milliseconds(), sessionID}
	if tokenHash == nil {
		args[0] = nil
	}
	behind := s.db.IsBehind(sessionAge)
	if !behind {
		rows, queryErr := s.query(ctx, q, args...)
		u, err = one(rows, queryErr, scan)
	}
	// A session that is not here may only not have arrived yet, also while a leader is being elected: better to wait, or to say that
	// nobody knows at the moment, than to send somebody away who has just signed in. One that is here, on a node that falls behind,
	// may have ended.
	if behind || lms.KindOf(err) == lms.KindNotFound && s.db.MayHaveMissed(sessionDoubt) {
		certain, cancel := context.WithTimeout(ctx, 2*time.Second)
		defer cancel()
		rows, queryErr := s.db.Query(certain, consensus.Linearizable, q, args...)
		switch {
		case errors.Is(queryErr, context.DeadlineExceeded) && ctx.Err() == nil:
			queryErr = lms.ErrUnavailable
		case queryErr != nil:
			queryErr = mapError(queryErr)
		}
		u, err = one(rows.Values, queryErr, scan)
	}
	if lms.KindOf(err) == lms.KindNotFound {
		err = lms.ErrSignIn
	}
	if err != nil {
		return FoundSession{}, t, err
	}
	if view != "" {
		if actor, student, err := s.viewer(ctx, u, sessionID, view); err == nil || lms.KindOf(err) != lms.KindNotFound {
			f.Actor, f.User = actor, student
			f.Actor.MustEnrol = must
			return f, t, err
		}
	}
	f.Actor, f.User = actorOf(u, sessionID), u
	f.Actor.MustEnrol = must
	f.Actor.Confirmed = s.Now().Sub(confirmed) < lms.ConfirmLife
	return f, t, nil
}

// RenewToken gives the token a successor, unless it has one, and answers the key from which the successor follows and until when
// the session lasts: of two renewals at once both answer the key of the first. next is the hash of the token that follows from key.
func (s *Store) RenewToken(ctx context.Context, tokenHash, key, next []byte) ([]byte, time.Time, error) {
	const live = `
		FROM session_tokens t
		JOIN sessions s ON s.session_id = t.session_id
		JOIN users u ON u.user_id = s.user_id
		WHERE t.token_hash = ?1 AND s.expires_at >= ?2 AND u.disabled = 0`
	const renewable = ` AND (t.next_hash IS NULL OR t.accepted_until >= ?2
		OR EXISTS(SELECT 1 FROM session_tokens n WHERE n.token_hash = t.next_hash AND n.unused = 1))`
	access, renewal, overlap := s.lives.Access.Milliseconds(), s.lives.Renewal.Milliseconds(), s.lives.Overlap.Milliseconds()
	now := consensus.Stamp{}
	var b consensus.Batch
	b.Require(lms.ErrSignIn, `EXISTS(SELECT 1 `+live+`)`, tokenHash, now)
	b.Require(ErrReuse, `EXISTS(SELECT 1 `+live+renewable+`)`, tokenHash, now)
	b.Exec(`UPDATE session_tokens SET next_key = ?2, next_hash = ?3, accepted_until = ?4 + ?5, unused = NULL WHERE token_hash = ?1 AND next_hash IS NULL`,
		tokenHash, key, next, now, overlap)
	b.Exec(`
		INSERT INTO session_tokens (token_hash, session_id, created_at, access_until, unused)
		SELECT ?2, session_id, ?3, ?3 + ?4, 1 FROM session_tokens WHERE token_hash = ?1 AND next_hash = ?2
		ON CONFLICT DO NOTHING`, tokenHash, next, now, access)
	b.Exec(`UPDATE sessions SET expires_at = ?2 + ?3, seen_at = ?2
		WHERE session_id = (SELECT session_id FROM session_tokens WHERE token_hash = ?1 AND next_hash = ?4)`, tokenHash, now, renewal, next)
	b.Exec(`DELETE FROM session_tokens WHERE accepted_until < ?2 - ?3 AND session_id = (SELECT session_id FROM session_tokens WHERE token_hash = ?1)`,
		tokenHash, now, renewal)
	b.Return(`SELECT t.next_key, s.expires_at FROM session_tokens t JOIN sessions s ON s.session_id = t.session_id WHERE t.token_hash = ?1`, tokenHash)
	res, err := s.applyUnkeyed(ctx, &b)
	var expires time.Time
	key, err = returned(res, err, func(row consensus.Row) (key []byte, err error) { return key, row.Scan(&key, &expires) })
	return key, expires, err
}

// TakeToken notes that somebody has used the token that followed another one: that one is good for nothing more from then on.
func (s *Store) TakeToken(ctx context.Context, tokenHash []byte) error {
	var b consensus.Batch
	b.Exec(`UPDATE session_tokens SET unused = NULL WHERE token_hash = ?1 AND unused = 1`, tokenHash)
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// EndReused ends the session of a token that SessionByToken refuses as used again.
func (s *Store) EndReused(ctx context.Context, tokenHash []byte) error {
	f, _, err := s.findSession(ctx, tokenHash, "")
	if err != nil {
		if lms.KindOf(err) == lms.KindSignIn {
			return nil // it has ended
		}
		return err
	}
	var b consensus.Batch
	endSession(&b, f.Actor.SessionID)
	audit(ctx, &b, lms.Actor{UserID: f.Actor.Account()}, lms.AuditSessionReuse, "user/"+f.Actor.Account())
	b.Notify(topicUser(f.Actor.Account()))
	_, err = s.applyUnkeyed(ctx, &b)
	return err
}

// Sessions lists the user's sessions, the latest used first.
func (s *Store) Sessions(ctx context.Context, actor lms.Actor) ([]lms.SessionInfo, error) {
	rows, err := s.query(ctx, `SELECT session_id, coalesce(agent, ''), created_at, seen_at, expires_at FROM sessions
		WHERE user_id = ?1 AND expires_at >= ?2 ORDER BY session_id = ?3 DESC, seen_at DESC, session_id`, actor.Account(), s.Now(), actor.SessionID)
	return collect(rows, err, func(row consensus.Row) (i lms.SessionInfo, err error) {
		err = row.Scan(&i.ID, &i.Device, &i.CreatedAt, &i.SeenAt, &i.ExpiresAt)
		i.Current = i.ID == actor.SessionID
		return i, err
	})
}

// RevokeSession ends one of the actor's sessions. One that has ended is as unknown as one of somebody else.
func (s *Store) RevokeSession(ctx context.Context, actor lms.Actor, id string) error {
	var b consensus.Batch
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM sessions WHERE session_id = ?1 AND user_id = ?2)`, id, actor.Account())
	endSession(&b, id)
	audit(ctx, &b, lms.Actor{UserID: actor.Account(), Login: actor.AccountLogin()}, lms.AuditSessionEnd, "user/"+actor.Account(), "sessions", "1")
	b.Notify(topicUser(actor.Account()))
	_, err := s.apply(ctx, &b)
	return err
}

// RevokeOthers ends all the actor's sessions but the one that acts.
func (s *Store) RevokeOthers(ctx context.Context, actor lms.Actor) error {
	var b consensus.Batch
	b.Require(lms.ErrSignIn, userEnabled, actor.Account())
	endSessions(&b, actor.Account(), actor.SessionID)
	audit(ctx, &b, lms.Actor{UserID: actor.Account(), Login: actor.AccountLogin()}, lms.AuditSessionEnd, "user/"+actor.Account(), "sessions", "all others")
	b.Notify(topicUser(actor.Account()))
	_, err := s.apply(ctx, &b)
	return err
}
