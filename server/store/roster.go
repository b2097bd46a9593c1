package store

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errRosterChanged = lms.Errorf(lms.KindConflict, "The roster or an account has changed since the preview. Nothing was applied; look at the new preview.")
	errRosterErrors  = lms.FieldErrorf(lms.KindRule, "file", "The file has lines with errors, so nothing was applied. Correct them and choose the file again.")
	errClaim         = lms.FieldErrorf(lms.KindForbidden, "token", "This link is wrong, used, replaced by a newer one or expired. Ask your instructor for a new one.")
)

// claimLife is how long a link with which an imported person chooses a password is good.
const claimLife = 30 * 24 * time.Hour

// ?1 course: everything of the roster that a plan goes by. The guard of the batch computes its hash again.
const rosterText = `(
	coalesce((SELECT group_concat(user_id || ' ' || role || ' ' || active || ' ' || coalesce(section_id, ''), char(10) ORDER BY user_id)
		FROM enrolments WHERE course_id = ?1), '') || char(10) ||
	coalesce((SELECT group_concat(section_id || ' ' || (archived_at IS NULL) || ' ' || title, char(10) ORDER BY section_id)
		FROM sections WHERE course_id = ?1), ''))`

// PreviewRoster says what the rows would do to the roster. Identities go only into accounts that an administrator imports: whoever
// could set the mail address of another's account could take it over.
func (s *Store) PreviewRoster(ctx context.Context, actor lms.Actor, courseID string, rows []lms.RosterRow, drop bool) (lms.RosterPlan, error) {
	plan, _, _, err := s.planRoster(ctx, actor, courseID, rows, drop)
	return plan, err
}

func (s *Store) planRoster(ctx context.Context, actor lms.Actor, courseID string, rows []lms.RosterRow, drop bool) (plan lms.RosterPlan, writes []lms.RosterWrite, digest string, err error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err != nil {
		return plan, nil, "", err
	}
	state, digest, err := s.rosterState(ctx, courseID, rows)
	if err != nil {
		return plan, nil, "", err
	}
	plan, writes = lms.PlanRoster(rows, state, lms.RosterOptions{Drop: drop, Identities: sc.admin, Actor: actor.UserID})
	text, err := json.Marshal(plan)
	if err != nil {
		return plan, nil, "", fmt.Errorf("store: %w", err)
	}
	sum := sha256.Sum256(append(text, digest...))
	plan.Token = hex.EncodeToString(sum[:])
	return plan, writes, digest, nil
}

// rosterState reads the members of the course and the accounts that the rows may mean. The digest is read first: what changes in
// between makes the apply start over.
func (s *Store) rosterState(ctx context.Context, courseID string, rows []lms.RosterRow) (state lms.RosterState, digest string, err error) {
	found, err := s.query(ctx, `SELECT `+rosterText, courseID)
	content, err := one(found, err, scanString)
	if err != nil {
		return state, "", err
	}
	sum := sha256.Sum256([]byte(content))
	digest = hex.EncodeToString(sum[:])
	var external, logins, mails []string
	for _, r := range rows {
		mail := lms.NormalMail(r.Mail)
		external = append(external, r.ExternalID)
		mails = append(mails, mail)
		logins = append(logins, lms.NormalLogin(r.Login), lms.NormalLogin(mail), lms.NormalLogin(r.ExternalID))
	}
	const q = `
		SELECT u.user_id, u.login, u.name, coalesce(u.external_id, ''), coalesce(u.mail, ''), u.disabled,
			e.user_id IS NOT NULL, coalesce(e.role, ''), coalesce(e.active, 0), coalesce(e.section_id, '')
		FROM users u
		LEFT JOIN enrolments e ON e.course_id = ?1 AND e.user_id = u.user_id
		WHERE u.user_id IN (
			SELECT user_id FROM enrolments WHERE course_id = ?1
			UNION SELECT user_id FROM users WHERE external_id IN (SELECT value FROM json_each(?2))
			UNION SELECT user_id FROM users WHERE login_normal IN (SELECT value FROM json_each(?3))
			UNION SELECT user_id FROM users WHERE mail IN (SELECT value FROM json_each(?4)))
		ORDER BY u.login_normal`
	found, err = s.query(ctx, q, courseID, list(external), list(logins), list(mails))
	state.Users, err = collect(found, err, func(row consensus.Row) (u lms.RosterUser, err error) {
		return u, row.Scan(&u.ID, &u.Login, &u.Name, &u.ExternalID, &u.Mail, &u.Disabled, &u.Member, &u.Role, &u.Active, &u.SectionID)
	})
	if err != nil {
		return state, "", err
	}
	found, err = s.query(ctx, `SELECT `+sectionColumns+` FROM sections x WHERE x.course_id = ?1 ORDER BY x.position, x.section_id`, courseID)
	state.Sections, err = collect(found, err, scanSection)
	return state, digest, err
}

// rosterRecord is a write as the statements read it: j is json_each over a list of these.
type rosterRecord struct {
	ID, Login, Normal, Name, Role string
	External, Mail                *string // for a new account, or one that has none
	Section                       string  // title
	Active                        bool
}

// ApplyRoster does what the plan with the token says, all of it or nothing.
func (s *Store) ApplyRoster(ctx context.Context, actor lms.Actor, courseID string, rows []lms.RosterRow, drop bool, token string) (lms.RosterResult, error) {
	plan, writes, digest, err := s.planRoster(ctx, actor, courseID, rows, drop)
	if err != nil {
		return lms.RosterResult{}, err
	}
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	// Guards, so that a repeat whose first answer was lost gets that one although the roster is another by now.
	b.Require(errRosterErrors, `?1 = 0`, len(plan.Errors))
	b.Require(errRosterChanged, `?1 = ?2`, plan.Token, token)
	b.Require(errRosterChanged, `lower(hex(sha256(`+rosterText+`))) = ?2`, courseID, digest)
	result := lms.RosterResult{Added: len(plan.Adds), Changed: len(plan.Changes), Dropped: len(plan.Drops), NewAccounts: plan.NewAccounts, NewSections: len(plan.NewSections)}
	if err := s.writeRoster(ctx, &b, actor, courseID, plan, writes); err != nil {
		return lms.RosterResult{}, err
	}
	answer, err := json.Marshal(result)
	if err != nil {
		return lms.RosterResult{}, fmt.Errorf("store: %w", err)
	}
	b.Return(`SELECT ?1`, string(answer))
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	kept, err := returned(res, err, scanString)
	if err != nil {
		return lms.RosterResult{}, err
	}
	return result, json.Unmarshal([]byte(kept), &result)
}

// writeRoster adds the statements of a plan: a few over lists, however long the file is.
func (s *Store) writeRoster(ctx context.Context, b *consensus.Batch, actor lms.Actor, courseID string, plan lms.RosterPlan, writes []lms.RosterWrite) error {
	var accounts, joins, changes, known []rosterRecord
	var before []rosterBefore
	for _, w := range writes {
		r := rosterRecord{ID: w.User.ID, Login: w.User.Login, Normal: lms.NormalLogin(w.User.Login), Name: w.User.Name, Role: string(w.User.Role),
			Section: w.Section, Active: w.User.Active, External: filled(w.User.ExternalID), Mail: filled(w.User.Mail)}
		switch {
		case r.ID == "":
			r.ID = lms.NewID()
			accounts = append(accounts, r)
			joins = append(joins, r)
		case w.Was == nil:
			joins, known = append(joins, r), append(known, r)
		default:
			changes, known = append(changes, r), append(known, r)
		}
		before = append(before, beforeOf(r.ID, w.Was))
	}
	lists := make([]string, 4)
	for i, l := range [][]rosterRecord{accounts, joins, changes, known} {
		text, err := json.Marshal(l)
		if err != nil {
			return fmt.Errorf("store: %w", err)
		}
		if lists[i] = string(text); l == nil {
			lists[i] = "[]"
		}
	}
	sections := make([]lms.Section, len(plan.NewSections))
	for i, title := range plan.NewSections {
		sections[i] = lms.Section{ID: lms.NewID(), Title: tidy(title)}
	}
	titles, err := json.Marshal(sections)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	rosterGuards(b, lists[0], lists[3])
	b.Exec(`
		INSERT INTO sections (section_id, course_id, title, position, created_at, version)
		SELECT j.value ->> 'id', ?1, j.value ->> 'title', (SELECT coalesce(max(position), 0) FROM sections WHERE course_id = ?1) + 1 + j.key, ?3, 1
		FROM json_each(?2) j ORDER BY j.key`, courseID, string(titles), consensus.Stamp{})
	b.Exec(`
		INSERT INTO users (user_id, login, login_normal, name, password_hash, admin, may_create_courses, disabled, created_at, updated_at, version, external_id, mail)
		SELECT j.value ->> 'ID', j.value ->> 'Login', j.value ->> 'Normal', j.value ->> 'Name', '', 0, 0, 0, ?2, ?2, 1, j.value ->> 'External', j.value ->> 'Mail'
		FROM json_each(?1) j ORDER BY j.key`, lists[0], consensus.Stamp{})
	b.Exec(`
		INSERT INTO pending_accounts (user_id, course_id, created_by, created_at)
		SELECT j.value ->> 'ID', ?2, ?3, ?4 FROM json_each(?1) j ORDER BY j.key`, lists[0], courseID, actor.UserID, consensus.Stamp{})
	b.Exec(`
		UPDATE users SET external_id = coalesce(external_id, j.value ->> 'External'), mail = coalesce(mail, j.value ->> 'Mail'), updated_at = ?2, version = version + 1
		FROM json_each(?1) j
		WHERE user_id = j.value ->> 'ID' AND (external_id IS NULL AND j.value ->> 'External' IS NOT NULL OR mail IS NULL AND j.value ->> 'Mail' IS NOT NULL)`,
		lists[3], consensus.Stamp{})
	const section = `(SELECT x.section_id FROM sections x WHERE x.course_id = ?1 AND x.archived_at IS NULL AND lower(x.title) = lower(j.value ->> 'Section'))`
	b.Exec(`
		INSERT INTO enrolments (course_id, user_id, role, active, joined_at, section_id)
		SELECT ?1, j.value ->> 'ID', j.value ->> 'Role', 1, ?3, `+section+` FROM json_each(?2) j ORDER BY j.key`, courseID, lists[1], consensus.Stamp{})
	b.Exec(`
		UPDATE enrolments SET role = j.value ->> 'Role', active = j.value ->> 'Active', section_id = coalesce(`+section+`, section_id)
		FROM json_each(?2) j WHERE course_id = ?1 AND user_id = j.value ->> 'ID'`, courseID, lists[2])
	if err := keepBefore(b, actor, courseID, before); err != nil {
		return err
	}
	s.auditRoster(ctx, b, actor, courseID, plan, writes)
	return nil
}

// rosterGuards demands what the plan has seen of accounts: new ones are free, known ones are as they were.
func rosterGuards(b *consensus.Batch, accounts, known string) {
	b.Require(errRosterChanged, `NOT EXISTS(SELECT 1 FROM json_each(?1) j JOIN users u
		ON u.login_normal = j.value ->> 'Normal' OR u.external_id = j.value ->> 'External' OR u.mail = j.value ->> 'Mail')`, accounts)
	b.Require(errRosterChanged, `NOT EXISTS(SELECT 1 FROM json_each(?1) j WHERE NOT EXISTS(SELECT 1 FROM users u WHERE u.user_id = j.value ->> 'ID' AND u.disabled = 0
		AND (u.external_id IS NULL OR u.external_id IS j.value ->> 'External') AND (u.mail IS NULL OR u.mail IS j.value ->> 'Mail')))`, known)
}

// auditRoster records the import, and everybody whose role or state in the course it changes.
func (s *Store) auditRoster(ctx context.Context, b *consensus.Batch, actor lms.Actor, courseID string, plan lms.RosterPlan, writes []lms.RosterWrite) {
	audit(ctx, b, actor, lms.AuditMemberImport, "course/"+courseID, "rows", fmt.Sprint(plan.Rows), "added", fmt.Sprint(len(plan.Adds)),
		"changed", fmt.Sprint(len(plan.Changes)), "dropped", fmt.Sprint(len(plan.Drops)), "accounts", fmt.Sprint(plan.NewAccounts))
	for _, w := range writes {
		switch {
		case w.Was == nil:
			audit(ctx, b, actor, lms.AuditMemberAdd, "course/"+courseID, "login", w.User.Login, "role", string(w.User.Role), "by", "import")
		case w.Was.Role != w.User.Role || w.Was.Active != w.User.Active:
			audit(ctx, b, actor, lms.AuditMemberUpdate, "course/"+courseID, "user", w.User.ID, "role", string(w.User.Role), "active", yes(&w.User.Active), "by", "import")
		}
	}
}

// filled is nil for an empty text.
func filled(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
