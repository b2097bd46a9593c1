package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// TOTP is what an account's codes follow from. The store cannot read it: the box is sealed.
type TOTP struct {
	Box       string
	Confirmed bool  // a code was given: signing in takes one from then on
	LastStep  int64 // period of the last code that was used; earlier ones are refused
}

var (
	errTOTPOn   = lms.Errorf(lms.KindConflict, "Two-step sign-in is on already. Turn it off first to set it up with another app.")
	ErrTOTPOff  = lms.Errorf(lms.KindConflict, "Two-step sign-in is not being set up. Begin again.")
	errNoSecond = lms.Errorf(lms.KindConflict, "Two-step sign-in is off for this account.")
	ErrCodeUsed = lms.FieldErrorf(lms.KindSignIn, "code", "This code was used already. Wait for the next one, or use a recovery code.")
)

// TwoStep tells how the user signs in.
func (s *Store) TwoStep(ctx context.Context, userID string) (lms.TwoStep, error) {
	keys, err := s.Passkeys(ctx, userID)
	if err != nil {
		return lms.TwoStep{}, err
	}
	rows, err := s.query(ctx, `SELECT t.confirmed_at, (SELECT count(*) FROM recovery_codes c WHERE c.user_id = u.user_id AND c.used_at IS NULL), `+staffMustTwoStep+`
		FROM users u LEFT JOIN totp t ON t.user_id = u.user_id WHERE u.user_id = ?1`, userID)
	return one(rows, err, func(row consensus.Row) (t lms.TwoStep, err error) {
		err = row.Scan(&t.Since, &t.Codes, &t.Required)
		t.On, t.Passkeys = !t.Since.IsZero(), []lms.Passkey{}
		for _, k := range keys {
			t.Passkeys = append(t.Passkeys, k.Passkey)
		}
		return t, err
	})
}

// staffMustTwoStep tells of users u whether the site wants them to sign in in two steps.
const staffMustTwoStep = `(EXISTS(SELECT 1 FROM settings WHERE name = '` + settingAccountSite + `' AND value ->> 'requireTotp')
	AND (u.admin = 1 OR u.may_create_courses = 1 OR EXISTS(SELECT 1 FROM enrolments e WHERE e.user_id = u.user_id AND e.active = 1 AND e.role IN ('instructor', 'ta'))))`

// mustEnrol tells of users u whether they must set it up before they can do anything else.
const mustEnrol = `(` + staffMustTwoStep + ` AND NOT EXISTS(SELECT 1 FROM totp w WHERE w.user_id = u.user_id AND w.confirmed_at IS NOT NULL)
	AND NOT EXISTS(SELECT 1 FROM passkeys w WHERE w.user_id = u.user_id))`

// hasSecond tells of the user ?1 whether there is a second step.
const hasSecond = `(EXISTS(SELECT 1 FROM totp WHERE user_id = ?1 AND confirmed_at IS NOT NULL) OR EXISTS(SELECT 1 FROM passkeys WHERE user_id = ?1))`

// TOTP returns what the codes of the account follow from; ErrNotFound when there is nothing.
func (s *Store) TOTP(ctx context.Context, userID string) (TOTP, error) {
	rows, err := s.query(ctx, `SELECT box, confirmed_at IS NOT NULL, last_step FROM totp WHERE user_id = ?1`, userID)
	return one(rows, err, func(row consensus.Row) (t TOTP, err error) { return t, row.Scan(&t.Box, &t.Confirmed, &t.LastStep) })
}

// BeginTOTP stores a new seed, which counts once ConfirmTOTP has seen a code of it. A repeat stores another one.
func (s *Store) BeginTOTP(ctx context.Context, actor lms.Actor, box string) error {
	var b consensus.Batch
	b.Require(lms.ErrSignIn, userEnabled, actor.UserID)
	b.Require(errTOTPOn, `NOT EXISTS(SELECT 1 FROM totp WHERE user_id = ? AND confirmed_at IS NOT NULL)`, actor.UserID)
	b.Exec(`INSERT INTO totp (user_id, box, last_step, created_at) VALUES (?1, ?2, 0, ?3) ON CONFLICT (user_id) DO UPDATE SET box = ?2, created_at = ?3`,
		actor.UserID, box, consensus.Stamp{})
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// ConfirmTOTP turns two-step sign-in on, with the period of the code that was given.
func (s *Store) ConfirmTOTP(ctx context.Context, actor lms.Actor, box string, step int64) error {
	var b consensus.Batch
	b.Require(lms.ErrSignIn, userEnabled, actor.UserID)
	b.Require(ErrTOTPOff, `EXISTS(SELECT 1 FROM totp WHERE user_id = ? AND box = ? AND confirmed_at IS NULL)`, actor.UserID, box)
	b.Exec(`UPDATE totp SET confirmed_at = ?2, last_step = ?3 WHERE user_id = ?1`, actor.UserID, consensus.Stamp{}, step)
	audit(ctx, &b, actor, lms.AuditTOTPOn, "user/"+actor.UserID)
	b.Notify(topicUser(actor.UserID))
	_, err := s.apply(ctx, &b)
	return err
}

// EndTOTP turns the codes of the actor's app off. Recovery codes go with the last second step.
func (s *Store) EndTOTP(ctx context.Context, actor lms.Actor) error {
	var b consensus.Batch
	b.Require(lms.ErrSignIn, userEnabled, actor.UserID)
	b.Require(errNoSecond, `EXISTS(SELECT 1 FROM totp WHERE user_id = ?)`, actor.UserID)
	b.Exec(`DELETE FROM totp WHERE user_id = ?`, actor.UserID)
	forgetRecovery(&b, actor.UserID)
	audit(ctx, &b, actor, lms.AuditTOTPOff, "user/"+actor.UserID)
	b.Notify(topicUser(actor.UserID))
	_, err := s.apply(ctx, &b)
	return err
}

// forgetRecovery ends the recovery codes of who has no second step any more.
func forgetRecovery(b *consensus.Batch, userID string) {
	b.Exec(`DELETE FROM recovery_codes WHERE user_id = ?1 AND NOT `+hasSecond, userID)
}

// ResetTwoStep takes every second step away from somebody who has lost them.
func (s *Store) ResetTwoStep(ctx context.Context, actor lms.Actor, userID string) error {
	var b consensus.Batch
	requireAdmin(&b, actor)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM users WHERE user_id = ?)`, userID)
	b.Require(errNoSecond, `EXISTS(SELECT 1 FROM totp WHERE user_id = ?1) OR EXISTS(SELECT 1 FROM passkeys WHERE user_id = ?1)`, userID)
	b.Exec(`DELETE FROM totp WHERE user_id = ?`, userID)
	b.Exec(`DELETE FROM passkeys WHERE user_id = ?`, userID)
	b.Exec(`DELETE FROM recovery_codes WHERE user_id = ?`, userID)
	audit(ctx, &b, actor, lms.AuditTOTPOff, "user/"+userID)
	b.Notify(topicUser(userID))
	_, err := s.apply(ctx, &b)
	return err
}

// SetRecoveryCodes replaces the codes, of which it gets hashes. A repeat, whose first answer was lost, makes others.
func (s *Store) SetRecoveryCodes(ctx context.Context, actor lms.Actor, hashes [][]byte) error {
	texts := make([]string, len(hashes))
	for i, h := range hashes {
		texts[i] = hex.EncodeToString(h)
	}
	codes, err := json.Marshal(texts)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	var b consensus.Batch
	b.Require(errNoSecond, hasSecond, actor.UserID)
	b.Exec(`DELETE FROM recovery_codes WHERE user_id = ?`, actor.UserID)
	b.Exec(`INSERT INTO recovery_codes (user_id, code_hash) SELECT ?1, unhex(value) FROM json_each(?2)`, actor.UserID, string(codes))
	audit(ctx, &b, actor, lms.AuditRecoveryMade, "user/"+actor.UserID)
	b.Notify(topicUser(actor.UserID))
	_, err = s.applyUnkeyed(ctx, &b)
	return err
}

// UseStep uses up the code of a period, and with it all earlier ones, over the cluster. A repeat under the request's key has used it.
func (s *Store) UseStep(ctx context.Context, userID, box string, step int64) error {
	var b consensus.Batch
	b.Require(ErrCodeUsed, `EXISTS(SELECT 1 FROM totp WHERE user_id = ? AND box = ? AND last_step < ?)`, userID, box, step)
	b.Exec(`UPDATE totp SET last_step = ?2 WHERE user_id = ?1`, userID, step)
	_, err := s.apply(ctx, &b)
	return err
}

// UseRecoveryCode uses up a recovery code.
func (s *Store) UseRecoveryCode(ctx context.Context, userID string, hash []byte) error {
	var b consensus.Batch
	b.Require(ErrCodeUsed, `EXISTS(SELECT 1 FROM recovery_codes WHERE user_id = ? AND code_hash = ? AND used_at IS NULL)`, userID, hash)
	b.Exec(`UPDATE recovery_codes SET used_at = ?3 WHERE user_id = ?1 AND code_hash = ?2`, userID, hash, consensus.Stamp{})
	audit(ctx, &b, lms.Actor{UserID: userID}, lms.AuditRecoveryUse, "user/"+userID)
	b.Notify(topicUser(userID))
	_, err := s.apply(ctx, &b)
	return err
}

// RecoveryCode reports whether the account has the code, and whether it was used.
func (s *Store) RecoveryCode(ctx context.Context, userID string, hash []byte) (known, used bool, err error) {
	rows, err := s.query(ctx, `SELECT used_at FROM recovery_codes WHERE user_id = ?1 AND code_hash = ?2`, userID, hash)
	at, err := one(rows, err, func(row consensus.Row) (t time.Time, err error) { return t, row.Scan(&t) })
	if lms.KindOf(err) == lms.KindNotFound {
		return false, false, nil
	}
	return err == nil, !at.IsZero(), err
}
