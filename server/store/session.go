package store

import (
	"context"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// SessionRecord is a session as it is stored: only the hash of its token.
type SessionRecord struct {
	ID        string
	UserID    string
	TokenHash []byte
	ExpiresAt time.Time // the zero time: as long as a renewal lasts, from the entry's stamp
	Agent     string    // the device in a few words
	TwoStep   bool      // the second step was done, as accounts that have one need it
	Passkey   string    // id of the passkey that was shown for it; empty: none
	Device    []byte    // hash of the secret by which the device is known from now on; nil: it has none
}

var (
	errTicket  = lms.FieldErrorf(lms.KindSignIn, "ticket", "This hand-over ticket is wrong, used or expired. Please sign in; nothing you typed is lost.")
	errSession = lms.Errorf(lms.KindConflict, "This session exists already. Sign in again.")
)

// sessionAge is how old what a node knows of sessions may be: a session's end takes effect on every connected node within a
// second (AUTH-4).
const sessionAge = 700 * time.Millisecond

// sessionDoubt is how long after its last touch with a leader a node does not refuse a session that it does not know, without
// asking: an election is over by then, or there is none, and the node serves as one without a majority.
const sessionDoubt = 10 * time.Second

// touchEvery is how coarsely the last use of a session is recorded.
const touchEvery = 5 * time.Minute

// CreateSession starts a session and forgets the user's expired ones. It is not part of what a request's key stands for:
// a repeated sign-in makes another session, because the first token never reached the client.
func (s *Store) CreateSession(ctx context.Context, r SessionRecord) error {
	var b consensus.Batch
	b.Require(lms.ErrSignIn, userEnabled, r.UserID)
	b.Require(lms.ErrSignIn, `?2 OR NOT `+hasSecond, r.UserID, r.TwoStep)
	if r.Passkey != "" {
		b.Require(ErrNoPasskey, `EXISTS(SELECT 1 FROM passkeys WHERE passkey_id = ? AND user_id = ?)`, r.Passkey, r.UserID)
	}
	b.Require(errSession, `NOT EXISTS(SELECT 1 FROM sessions WHERE session_id = ?)`, r.ID)
	const expired = `SELECT session_id FROM sessions WHERE user_id = ?1 AND expires_at < ?2`
	b.Exec(`DELETE FROM session_tokens WHERE session_id IN (`+expired+`)`, r.UserID, consensus.Stamp{})
	b.Exec(`DELETE FROM session_tickets WHERE session_id IN (`+expired+`)`, r.UserID, consensus.Stamp{})
	b.Exec(`DELETE FROM sessions WHERE user_id = ?1 AND expires_at < ?2`, r.UserID, consensus.Stamp{})
	b.Exec(`
		INSERT INTO sessions (session_id, user_id, created_at, seen_at, expires_at, confirmed_at, agent)
		VALUES (?1, ?2, ?3, ?3, coalesce(?4, ?3 + ?5), ?3, ?6)`,
		r.ID, r.UserID, consensus.Stamp{}, r.ExpiresAt, s.lives.Renewal.Milliseconds(), r.Agent)
	b.Exec(`INSERT INTO session_tokens (token_hash, session_id, created_at, access_until) VALUES (?1, ?2, ?3, ?3 + ?4)`,
		r.TokenHash, r.ID, consensus.Stamp{}, s.lives.Access.Milliseconds())
	if r.Device != nil {
		rememberDevice(&b, r.UserID, r.Device)
	}
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// ConfirmSession notes that the actor has given the password again: for lms.ConfirmLife from the entry's stamp on the
// session may do what lms.AdminConfirmed asks for.
func (s *Store) ConfirmSession(ctx context.Context, actor lms.Actor) error {
	var b consensus.Batch
	b.Require(lms.ErrSignIn, `EXISTS(SELECT 1 FROM sessions WHERE session_id = ? AND user_id = ? AND expires_at >= ?)`,
		actor.SessionID, actor.UserID, consensus.Stamp{})
	b.Exec(`UPDATE sessions SET confirmed_at = ?2 WHERE session_id = ?1`, actor.SessionID, consensus.Stamp{})
	audit(ctx, &b, actor, lms.AuditConfirmed, "user/"+actor.UserID)
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

func actorOf(u lms.User, sessionID string) lms.Actor {
	return lms.Actor{UserID: u.ID, Login: u.Login, Name: u.Name, Admin: u.Admin, MayCreateCourses: u.MayCreateCourses, SessionID: sessionID}
}

// ?1 user, ?2 the session that stays
const endingSessions = `SELECT session_id FROM sessions WHERE user_id = ?1 AND session_id <> ?2`

// endSessions ends the user's sessions but one.
func endSessions(b *consensus.Batch, userID, except string) {
	b.Exec(`DELETE FROM session_tokens WHERE session_id IN (`+endingSessions+`)`, userID, except)
	b.Exec(`DELETE FROM session_tickets WHERE session_id IN (`+endingSessions+`)`, userID, except)
	b.Exec(`DELETE FROM sessions WHERE user_id = ?1 AND session_id <> ?2`, userID, except)
}

func endSession(b *consensus.Batch, sessionID string) {
	b.Exec(`DELETE FROM session_tokens WHERE session_id = ?`, sessionID)
	b.Exec(`DELETE FROM session_tickets WHERE session_id = ?`, sessionID)
	b.Exec(`DELETE FROM sessions WHERE session_id = ?`, sessionID)
}

// EndSession ends one session. It is no error when it has ended already.
func (s *Store) EndSession(ctx context.Context, sessionID string) error {
	rows, err := s.query(ctx, `SELECT user_id FROM sessions WHERE session_id = ?1`, sessionID)
	users, err := collect(rows, err, scanString)
	if err != nil {
		return err
	}
	var b consensus.Batch
	endSession(&b, sessionID)
	for _, id := range users { // who is told does not change what is done
		b.Notify(topicUser(id))
	}
	_, err = s.applyUnkeyed(ctx, &b)
	return err
}

// EndSessions ends all sessions of the user but one (empty: all).
func (s *Store) EndSessions(ctx context.Context, userID, exceptSessionID string) error {
	var b consensus.Batch
	endSessions(&b, userID, exceptSessionID)
	b.Notify(topicUser(userID))
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// TouchSession records that a session is in use, at most every five minutes.
func (s *Store) TouchSession(ctx context.Context, sessionID string) error {
	n, err := s.number(ctx, `SELECT count(*) FROM sessions WHERE session_id = ?1 AND seen_at <= ?2`, sessionID, s.Now().Add(-touchEvery))
	if err != nil || n == 0 {
		return err
	}
	var b consensus.Batch
	b.Exec(`UPDATE sessions SET seen_at = ?2 WHERE session_id = ?1 AND seen_at < ?2`, sessionID, consensus.Stamp{})
	_, err = s.applyUnkeyed(ctx, &b)
	return err
}

// CreateTicket stores a hand-over ticket of the actor's session and forgets the session's expired ones.
func (s *Store) CreateTicket(ctx context.Context, actor lms.Actor, ticketHash []byte, expires time.Time) error {
	var b consensus.Batch
	b.Require(lms.ErrSignIn, userEnabled, actor.Account())
	b.Require(lms.ErrSignIn, `EXISTS(SELECT 1 FROM sessions WHERE session_id = ? AND user_id = ? AND expires_at >= ?)`,
		actor.SessionID, actor.Account(), consensus.Stamp{})
	b.Exec(`DELETE FROM session_tickets WHERE session_id = ?1 AND expires_at < ?2`, actor.SessionID, consensus.Stamp{})
	b.Exec(`INSERT INTO session_tickets (ticket_hash, session_id, expires_at) VALUES (?, ?, ?)`, ticketHash, actor.SessionID, expires)
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// RedeemTicket exchanges a ticket for a further token of its session. Under a request's key a repeat, whose first answer
// was lost, stores its own new token: the key and the digest of the request, which has the ticket, prove that it is the
// same client.
func (s *Store) RedeemTicket(ctx context.Context, ticketHash, newTokenHash []byte) (lms.Actor, time.Time, error) {
	const ticket = `
		FROM session_tickets t
		JOIN sessions s ON s.session_id = t.session_id
		JOIN users u ON u.user_id = s.user_id
		WHERE t.ticket_hash = ?1 AND t.expires_at >= ?2 AND s.expires_at >= ?2 AND u.disabled = 0`
	var b consensus.Batch
	b.Require(errTicket, `EXISTS(SELECT 1 `+ticket+`)`, ticketHash, consensus.Stamp{})
	b.Exec(`INSERT INTO session_tokens (token_hash, session_id, created_at, access_until) SELECT ?3, s.session_id, ?2, ?2 + ?4 `+ticket,
		ticketHash, consensus.Stamp{}, newTokenHash, s.lives.Access.Milliseconds())
	b.Exec(`DELETE FROM session_tickets WHERE ticket_hash = ?`, ticketHash)
	b.Return(`SELECT session_id FROM session_tokens WHERE token_hash = ?`, newTokenHash)
	res, err := s.apply(ctx, &b)
	sessionID, err := returned(res, err, scanString)
	if err != nil {
		return lms.Actor{}, time.Time{}, err
	}
	if res.Replayed {
		var again consensus.Batch
		again.Require(errTicket, `EXISTS(SELECT 1 FROM sessions WHERE session_id = ?)`, sessionID)
		again.Exec(`INSERT INTO session_tokens (token_hash, session_id, created_at, access_until) VALUES (?1, ?2, ?3, ?3 + ?4) ON CONFLICT DO NOTHING`,
			newTokenHash, sessionID, consensus.Stamp{}, s.lives.Access.Milliseconds())
		if _, err := s.applyUnkeyed(ctx, &again); err != nil {
			return lms.Actor{}, time.Time{}, err
		}
	}
	f, err := s.SessionByToken(ctx, newTokenHash)
	return f.Actor, f.ExpiresAt, err
}
