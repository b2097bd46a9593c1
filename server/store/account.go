package store

import (
	"context"
	"encoding/json"
	"strconv"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

const settingAccountSite = "accounts.site" // JSON of lms.AccountSite

// AccountSite returns what the administrators have decided about accounts.
func (s *Store) AccountSite(ctx context.Context) (lms.AccountSite, error) {
	rows, err := s.query(ctx, selectSetting, settingAccountSite)
	return one(rows, err, settingOr(lms.AccountSite{MinPassword: lms.MinPassword}))
}

// SetAccountSite replaces what the administrators have decided about accounts, if it still has the version.
func (s *Store) SetAccountSite(ctx context.Context, actor lms.Actor, site lms.AccountSite) (lms.AccountSite, error) {
	stored := site
	stored.Version++
	text, err := json.Marshal(stored)
	if err != nil {
		return site, err
	}
	var b consensus.Batch
	replaceSetting(&b, actor, settingAccountSite, site.Version, text)
	audit(ctx, &b, actor, lms.AuditAccountSite, "site", "openRegistration", strconv.FormatBool(site.OpenRegistration),
		"requireTotp", strconv.FormatBool(site.RequireTOTP), "minPassword", strconv.Itoa(site.MinPassword))
	res, err := s.apply(ctx, &b)
	return returned(res, err, settingOr(lms.AccountSite{MinPassword: lms.MinPassword}))
}

// RegisterOpenly makes an account without an invite, where the site allows that.
func (s *Store) RegisterOpenly(ctx context.Context, u lms.User, passwordHash string) (lms.User, error) {
	u.Admin, u.MayCreateCourses = false, false
	var b consensus.Batch
	b.Require(ErrNotOpen, `EXISTS(SELECT 1 FROM settings WHERE name = ? AND value ->> 'openRegistration')`, settingAccountSite)
	insertUser(&b, u, passwordHash)
	audit(ctx, &b, lms.Actor{UserID: u.ID, Login: u.Login}, lms.AuditUserRegister, "user/"+u.ID)
	b.Return(selectUser, u.ID)
	b.Notify(topicUser(u.ID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanUser)
}

// ErrNotOpen refuses a registration without an invite.
var ErrNotOpen = lms.FieldErrorf(lms.KindRule, "code", "You need an invite code to register here. Ask your instructor for one.")

var errReset = lms.FieldErrorf(lms.KindForbidden, "token", "This link is wrong, used or expired. Ask for a new one.")

// resetsAtOnce is how many links are sent to an account within the life of one: more would only fill somebody's mailbox.
const resetsAtOnce = 3

// ?1 hash, ?2 time
const resettable = `FROM resets r JOIN users u ON u.user_id = r.user_id AND u.disabled = 0 WHERE r.token_hash = ?1 AND r.expires_at >= ?2`

// insertReset adds a link and forgets the expired ones of everybody.
func insertReset(b *consensus.Batch, userID string, tokenHash []byte, byMail bool, life time.Duration) {
	b.Exec(`DELETE FROM resets WHERE expires_at < ?`, consensus.Stamp{})
	b.Exec(`INSERT INTO resets (token_hash, user_id, by_mail, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?4 + ?5)`,
		tokenHash, userID, byMail, consensus.Stamp{}, life.Milliseconds())
}

// IssueReset stores an administrator's link for a new password; older ones of the account end. It is not part of what a request's key
// stands for: a repeat, whose first answer was lost, makes another link.
func (s *Store) IssueReset(ctx context.Context, actor lms.Actor, userID string, tokenHash []byte) (time.Time, error) {
	var b consensus.Batch
	requireAdmin(&b, actor)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM users WHERE user_id = ?1 AND user_id NOT IN (SELECT user_id FROM test_students))`, userID)
	b.Require(lms.Errorf(lms.KindRule, "This account is disabled. Enable it first."), userEnabled, userID)
	b.Exec(`DELETE FROM resets WHERE user_id = ?`, userID)
	insertReset(&b, userID, tokenHash, false, lms.ResetLife)
	audit(ctx, &b, actor, lms.AuditResetIssue, "user/"+userID)
	b.Return(`SELECT expires_at FROM resets WHERE token_hash = ?`, tokenHash)
	res, err := s.applyUnkeyed(ctx, &b)
	return returned(res, err, func(row consensus.Row) (t time.Time, err error) { return t, row.Scan(&t) })
}

// MailReset stores a link that is sent to the account's own address, for whoever named its login or that address. ErrNotFound
// when nothing is to be sent: there is no such account, it has no address, or enough links are on the way.
func (s *Store) MailReset(ctx context.Context, who string, tokenHash []byte) (lms.User, error) {
	rows, err := s.query(ctx, `SELECT `+userColumns+` FROM users u WHERE u.disabled = 0 AND u.mail IS NOT NULL AND (u.login_normal = ?1 OR u.mail = ?2)
		ORDER BY u.login_normal = ?1 DESC LIMIT 1`, lms.NormalLogin(who), lms.NormalMail(who))
	u, err := one(rows, err, scanUser)
	if err != nil {
		return lms.User{}, err
	}
	var b consensus.Batch
	b.Require(lms.ErrNotFound, userEnabled, u.ID)
	b.Require(lms.ErrNotFound, `(SELECT count(*) FROM resets WHERE user_id = ? AND by_mail = 1 AND expires_at >= ?) < ?`, u.ID, consensus.Stamp{}, resetsAtOnce)
	insertReset(&b, u.ID, tokenHash, true, lms.ResetMailLife)
	audit(ctx, &b, lms.Actor{}, lms.AuditResetIssue, "user/"+u.ID, "by", "mail")
	_, err = s.applyUnkeyed(ctx, &b)
	return u, err
}

// ResetUser returns the account of a link that can be used now.
func (s *Store) ResetUser(ctx context.Context, tokenHash []byte) (lms.User, error) {
	rows, err := s.query(ctx, `SELECT `+userColumns+` `+resettable, tokenHash, s.Now())
	u, err := one(rows, err, scanUser)
	if lms.KindOf(err) == lms.KindNotFound {
		err = errReset
	}
	return u, err
}

// ResetPassword sets a new password with a link, which is used up with all others of the account. All its sessions end, no device is
// known any more, and failures of signing in are forgotten. Two-step sign-in stays.
func (s *Store) ResetPassword(ctx context.Context, userID string, tokenHash []byte, passwordHash string) error {
	var b consensus.Batch
	b.Require(errReset, `EXISTS(SELECT 1 `+resettable+` AND r.user_id = ?3)`, tokenHash, consensus.Stamp{}, userID)
	b.Exec(`UPDATE users SET password_hash = ?2, updated_at = ?3, version = version + 1 WHERE user_id = ?1`, userID, passwordHash, consensus.Stamp{})
	forgetLinks(&b, userID)
	b.Exec(`DELETE FROM known_devices WHERE user_id = ?`, userID)
	b.Exec(`DELETE FROM sign_in_failures WHERE subject = (SELECT 'login/' || login_normal FROM users WHERE user_id = ?)`, userID)
	endSessions(&b, userID, "")
	audit(ctx, &b, lms.Actor{UserID: userID}, lms.AuditReset, "user/"+userID)
	b.Notify(topicUser(userID))
	_, err := s.apply(ctx, &b)
	return err
}

// forgetLinks ends the links with which a password could be set: there is a new one.
func forgetLinks(b *consensus.Batch, userID string) {
	b.Exec(`DELETE FROM resets WHERE user_id = ?`, userID)
	b.Exec(`DELETE FROM pending_accounts WHERE user_id = ?`, userID)
}
