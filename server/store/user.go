package store

import (
	"context"
	"strconv"
	"strings"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errLoginTaken = lms.FieldErrorf(lms.KindConflict, "login", "This user name is taken. Choose another, or sign in if it is yours.")
	errUserExists = lms.Errorf(lms.KindConflict, "This account exists already. Load the list of accounts again.")
	errMailTaken  = lms.FieldErrorf(lms.KindConflict, "mail", "Another account has this mail address.")
	errLastAdmin  = lms.Errorf(lms.KindRule, "This is the last administrator. Make somebody else administrator first.")
	errSetup      = lms.FieldErrorf(lms.KindForbidden, "token", "This setup link is wrong, used or expired. Restart the first node to get a new one.")
	errSetupDone  = lms.FieldErrorf(lms.KindForbidden, "token", "This site has an administrator already. Sign in, or ask them for an account.")
)

const userColumns = `u.user_id, u.login, u.name, u.admin, u.may_create_courses, u.disabled, u.created_at, coalesce(u.mail, ''), u.version`

const userColumnCount = 9

// ?1 user
const selectUser = `SELECT ` + userColumns + ` FROM users u WHERE u.user_id = ?1`

func scanUser(row consensus.Row) (u lms.User, err error) {
	return u, row.Scan(&u.ID, &u.Login, &u.Name, &u.Admin, &u.MayCreateCourses, &u.Disabled, &u.CreatedAt, &u.Mail, &u.Version)
}

const noAdmin = `NOT EXISTS(SELECT 1 FROM users WHERE admin = 1)`

// ?1 normal login
const loginFree = `NOT EXISTS(SELECT 1 FROM users WHERE login_normal = ?1)`

// insertUser adds the account, whose login must be free.
func insertUser(b *consensus.Batch, u lms.User, passwordHash string) {
	b.Require(errLoginTaken, loginFree, lms.NormalLogin(u.Login))
	b.Require(errUserExists, `NOT EXISTS(SELECT 1 FROM users WHERE user_id = ?1)`, u.ID)
	b.Exec(`
		INSERT INTO users (user_id, login, login_normal, name, password_hash, admin, may_create_courses, disabled, created_at, updated_at, version)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 0, ?8, ?8, 1)`,
		u.ID, strings.TrimSpace(u.Login), lms.NormalLogin(u.Login), u.Name, passwordHash, u.Admin, u.MayCreateCourses, consensus.Stamp{})
}

// NeedsSetup reports whether the site has no administrator yet.
func (s *Store) NeedsSetup(ctx context.Context) (bool, error) {
	n, err := s.number(ctx, `SELECT `+noAdmin)
	return n == 1, err
}

// SetSetupToken replaces the token that makes the first administrator. It does nothing once there is one.
func (s *Store) SetSetupToken(ctx context.Context, hash []byte, expires time.Time) error {
	var b consensus.Batch
	b.Require(errSetupDone, noAdmin)
	b.Exec(`DELETE FROM setup_tokens`)
	b.Exec(`INSERT INTO setup_tokens (token_hash, created_at, expires_at) VALUES (?, ?, ?)`, hash, consensus.Stamp{}, expires)
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// Setup makes the first administrator. Of racing claims exactly one wins.
func (s *Store) Setup(ctx context.Context, tokenHash []byte, u lms.User, passwordHash string) (lms.User, error) {
	u.Admin, u.MayCreateCourses = true, true
	var b consensus.Batch
	b.Require(errSetupDone, noAdmin)
	b.Require(errSetup, `EXISTS(SELECT 1 FROM setup_tokens WHERE token_hash = ? AND expires_at >= ?)`, tokenHash, consensus.Stamp{})
	insertUser(&b, u, passwordHash)
	b.Exec(`DELETE FROM setup_tokens`)
	audit(ctx, &b, lms.Actor{UserID: u.ID, Login: u.Login}, lms.AuditSetup, "user/"+u.ID)
	b.Return(selectUser, u.ID)
	b.Notify(topicUser(u.ID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanUser)
}

// Register makes an account with an invite code and enrols it, in one step.
func (s *Store) Register(ctx context.Context, code string, u lms.User, passwordHash string) (lms.User, error) {
	u.Admin, u.MayCreateCourses = false, false
	code = normalCode(code)
	var b consensus.Batch
	requireInvite(&b, code)
	insertUser(&b, u, passwordHash)
	useInvite(&b, code, u.ID)
	audit(ctx, &b, lms.Actor{UserID: u.ID, Login: u.Login}, lms.AuditUserRegister, "user/"+u.ID)
	b.Return(selectUser, u.ID)
	b.Notify(topicUser(u.ID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanUser)
}

// Credentials returns the account and its password hash. ErrNotFound when there is none; a disabled account is returned
// as such.
func (s *Store) Credentials(ctx context.Context, login string) (lms.User, string, error) {
	const q = `SELECT ` + userColumns + `, u.password_hash FROM users u WHERE u.login_normal = ?1`
	var hash string
	rows, err := s.query(ctx, q, lms.NormalLogin(login))
	u, err := one(rows, err, func(row consensus.Row) (lms.User, error) {
		if err := row[len(row)-1:].Scan(&hash); err != nil {
			return lms.User{}, err
		}
		return scanUser(row[:len(row)-1])
	})
	return u, hash, err
}

// PasswordHash returns the hash of a user's password, to check the old one before a change.
func (s *Store) PasswordHash(ctx context.Context, userID string) (string, error) {
	rows, err := s.query(ctx, `SELECT password_hash FROM users WHERE user_id = ?1 AND disabled = 0`, userID)
	return one(rows, err, scanString)
}

// User returns an account.
func (s *Store) User(ctx context.Context, id string) (lms.User, error) {
	rows, err := s.query(ctx, selectUser, id)
	return one(rows, err, scanUser)
}

// Users lists accounts by login; query is a part of the login or the name.
func (s *Store) Users(ctx context.Context, query, after string, limit int) (items []lms.User, next string, total int, err error) {
	const matches = `u.user_id NOT IN (SELECT user_id FROM test_students) AND (?1 = '' OR instr(u.login_normal, ?1) > 0 OR instr(lower(u.name), ?1) > 0)`
	const q = `
		SELECT ` + userColumns + `
		FROM users u
		WHERE ` + matches + ` AND u.login_normal > ?2
		ORDER BY u.login_normal
		LIMIT ?3`
	query = lms.NormalLogin(query)
	limit = limitOf(limit)
	rows, err := s.query(ctx, q, query, after, limit+1)
	if items, err = collect(rows, err, scanUser); err != nil {
		return nil, "", 0, err
	}
	items, next = pageOf(items, limit, func(u lms.User) string { return lms.NormalLogin(u.Login) })
	total, err = s.number(ctx, `SELECT count(*) FROM users u WHERE `+matches, query)
	return items, next, total, err
}

// CreateUser makes an account as an administrator.
func (s *Store) CreateUser(ctx context.Context, actor lms.Actor, u lms.User, passwordHash string) (lms.User, error) {
	var b consensus.Batch
	requireAdmin(&b, actor)
	insertUser(&b, u, passwordHash)
	audit(ctx, &b, actor, lms.AuditUserCreate, "user/"+u.ID, "login", u.Login, "admin", yes(&u.Admin), "mayCreateCourses", yes(&u.MayCreateCourses))
	b.Return(selectUser, u.ID)
	b.Notify(topicUser(u.ID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanUser)
}

// UserPatch has the fields of an account that an administrator changes; nil ones stay.
type UserPatch struct {
	Name             *string
	PasswordHash     *string
	Admin            *bool
	MayCreateCourses *bool
	Disabled         *bool
	Mail             *string // empty: none
}

// UpdateUser changes an account as an administrator. Disabling and a new password end its sessions. The last enabled
// administrator stays one.
func (s *Store) UpdateUser(ctx context.Context, actor lms.Actor, id string, version int64, p UserPatch) (lms.User, error) {
	var b consensus.Batch
	requireAdmin(&b, actor)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM users WHERE user_id = ?1 AND user_id NOT IN (SELECT user_id FROM test_students))`, id)
	b.Require(lms.ErrStale, `EXISTS(SELECT 1 FROM users WHERE user_id = ?1 AND version = ?2)`, id, version)
	if p.Mail != nil {
		b.Require(errMailTaken, `?1 = '' OR NOT EXISTS(SELECT 1 FROM users WHERE mail = ?1 AND user_id <> ?2)`, lms.NormalMail(*p.Mail), id)
		b.Exec(`UPDATE users SET mail = nullif(?2, '') WHERE user_id = ?1`, id, lms.NormalMail(*p.Mail))
	}
	disable := p.Disabled != nil && *p.Disabled
	if disable || p.Admin != nil && !*p.Admin {
		b.Require(errLastAdmin, `
			EXISTS(SELECT 1 FROM users WHERE admin = 1 AND disabled = 0 AND user_id <> ?1)
			OR EXISTS(SELECT 1 FROM users WHERE user_id = ?1 AND (admin = 0 OR disabled = 1))`, id)
	}
	b.Exec(`
		UPDATE users
		SET name = coalesce(?2, name), password_hash = coalesce(?3, password_hash), admin = coalesce(?4, admin),
			may_create_courses = coalesce(?5, may_create_courses), disabled = coalesce(?6, disabled),
			updated_at = ?7, version = version + 1
		WHERE user_id = ?1`,
		id, opt(p.Name), opt(p.PasswordHash), opt(p.Admin), opt(p.MayCreateCourses), opt(p.Disabled), consensus.Stamp{})
	if p.PasswordHash != nil {
		forgetLinks(&b, id)
	}
	if disable || p.PasswordHash != nil {
		endSessions(&b, id, "")
	}
	password := p.PasswordHash != nil
	audit(ctx, &b, actor, lms.AuditUserUpdate, "user/"+id, "admin", yes(p.Admin), "mayCreateCourses", yes(p.MayCreateCourses), "disabled", yes(p.Disabled),
		"password", changed(password), "name", changed(p.Name != nil), "mail", changed(p.Mail != nil))
	b.Return(selectUser, id)
	b.Notify(topicUser(id))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanUser)
}

// yes is a flag in the audit log; "" when it is not set anew.
func yes(v *bool) string {
	if v == nil {
		return ""
	}
	return strconv.FormatBool(*v)
}

// changed says in the audit log that something was changed whose value does not belong there.
func changed(v bool) string {
	if v {
		return "changed"
	}
	return ""
}

// SetPassword changes the actor's own password; their other sessions end.
func (s *Store) SetPassword(ctx context.Context, actor lms.Actor, hash string) error {
	var b consensus.Batch
	b.Require(lms.ErrSignIn, userEnabled, actor.UserID)
	b.Exec(`UPDATE users SET password_hash = ?2, updated_at = ?3, version = version + 1 WHERE user_id = ?1`, actor.UserID, hash, consensus.Stamp{})
	forgetLinks(&b, actor.UserID)
	endSessions(&b, actor.UserID, actor.SessionID)
	audit(ctx, &b, actor, lms.AuditPassword, "user/"+actor.UserID)
	b.Notify(topicUser(actor.UserID))
	_, err := s.apply(ctx, &b)
	return err
}
