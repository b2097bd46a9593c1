package store

import (
	"context"
	"encoding/json"
	"strings"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errNoSuchLogin    = lms.FieldErrorf(lms.KindRule, "login", "There is no account with this user name. Check the spelling, or send an invite code.")
	errMemberExists   = lms.FieldErrorf(lms.KindConflict, "login", "This user is a member already. Change the role in the list of members.")
	errLinked         = lms.FieldErrorf(lms.KindRule, "linked", "An observer is linked to a student of the course. Choose one.")
	errLastInstructor = lms.Errorf(lms.KindRule, "This is the course's last active instructor. Make somebody else instructor first.")
	errDeactivated    = lms.FieldErrorf(lms.KindForbidden, "code", "Your membership of this course has been deactivated. Ask your instructor to reactivate it.")
)

const memberColumns = `e.user_id, u.login, u.name, e.role, e.active, e.joined_at, coalesce(e.section_id, ''), coalesce(u.mail, ''), coalesce(u.external_id, ''),
	EXISTS(SELECT 1 FROM pending_accounts p WHERE p.user_id = e.user_id),
	(SELECT json_group_array(l.section_id ORDER BY l.section_id) FROM staff_sections l WHERE l.course_id = e.course_id AND l.user_id = e.user_id),
	coalesce(e.linked_id, ''), coalesce((SELECT name FROM users WHERE user_id = e.linked_id), '')`

// ?1 course, ?2 user
const selectMember = `
	SELECT ` + memberColumns + `
	FROM enrolments e
	JOIN users u ON u.user_id = e.user_id
	WHERE e.course_id = ?1 AND e.user_id = ?2`

func scanMember(row consensus.Row) (m lms.Member, err error) {
	var sections string
	if err := row.Scan(&m.UserID, &m.Login, &m.Name, &m.Role, &m.Active, &m.JoinedAt, &m.SectionID, &m.Mail, &m.ExternalID, &m.Pending, &sections,
		&m.LinkedID, &m.LinkedName); err != nil {
		return m, err
	}
	err = json.Unmarshal([]byte(sections), &m.Sections)
	return m, err
}

// MemberFilter selects members; empty fields select all.
type MemberFilter struct {
	Role    lms.Role
	Section string // id of a section, or "none": in no section
	State   string // "active", "inactive", or "pending": has not chosen a password yet
	Query   string // part of the name; for staff also of the login, the mail address or the external id
}

// The order of members: instructors first, then by name.
const memberOrder = `CASE e.role WHEN 'instructor' THEN 0 WHEN 'ta' THEN 1 WHEN 'student' THEN 2 ELSE 3 END, u.name, e.user_id`

// Members lists the people of the course, instructors first, then by name. Only staff see logins and deactivated members; a TA who
// is limited to sections sees of the students those of the sections, and of the observers those who are linked to one of them.
// after is the id of the last member of the page before.
func (s *Store) Members(ctx context.Context, actor lms.Actor, courseID string, f MemberFilter, after string, limit int) (items []lms.Member, next string, total int, err error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err != nil {
		return nil, "", 0, err
	}
	if !sc.staff() {
		f.Section, f.State = "", ""
	}
	const from = `
		FROM enrolments e
		JOIN users u ON u.user_id = e.user_id
		WHERE e.course_id = ?1 AND (?2 OR e.active = 1 AND u.disabled = 0)
			AND (?3 = '' OR e.role = ?3)
			AND (?4 = '' OR iif(?4 = 'none', e.section_id IS NULL, e.section_id = ?4))
			AND CASE ?5 WHEN 'active' THEN e.active = 1 WHEN 'inactive' THEN e.active = 0
				WHEN 'pending' THEN EXISTS(SELECT 1 FROM pending_accounts p WHERE p.user_id = e.user_id) ELSE 1 END
			AND (?6 = '' OR instr(lower(u.name), ?6) > 0
				OR ?2 AND (instr(u.login_normal, ?6) > 0 OR instr(lower(coalesce(u.external_id, '')), ?6) > 0 OR instr(coalesce(u.mail, ''), ?6) > 0))
			AND (?7 = '' OR e.role IN ('instructor', 'ta') OR e.user_id = ?8 OR e.section_id IN (SELECT value FROM json_each(?7))
				OR e.linked_id IN (SELECT k.user_id FROM enrolments k WHERE k.course_id = ?1 AND k.section_id IN (SELECT value FROM json_each(?7))))`
	const q = `SELECT ` + memberColumns + from + `
			AND (?9 = '' OR (` + memberOrder + `) > (SELECT ` + memberOrder + ` FROM enrolments e JOIN users u ON u.user_id = e.user_id
				WHERE e.course_id = ?1 AND e.user_id = ?9))
		ORDER BY ` + memberOrder + `
		LIMIT ?10`
	query := strings.ToLower(strings.TrimSpace(f.Query))
	limit = limitOf(limit)
	rows, err := s.query(ctx, q, courseID, sc.staff(), f.Role, f.Section, f.State, query, sc.sections, actor.UserID, after, limit+1)
	if items, err = collect(rows, err, scanMember); err != nil {
		return nil, "", 0, err
	}
	items, next = pageOf(items, limit, func(m lms.Member) string { return m.UserID })
	for i, m := range items {
		if !sc.staff() {
			items[i] = lms.Member{UserID: m.UserID, Name: m.Name, Role: m.Role, Active: m.Active, JoinedAt: m.JoinedAt}
		}
	}
	total, err = s.number(ctx, `SELECT count(*)`+from, courseID, sc.staff(), f.Role, f.Section, f.State, query, sc.sections, actor.UserID)
	return items, next, total, err
}

// AddMember enrols a user by login.
func (s *Store) AddMember(ctx context.Context, actor lms.Actor, courseID, login string, role lms.Role) (lms.Member, error) {
	u, _, err := s.Credentials(ctx, login) // a login keeps its account, so this cannot change meanwhile
	if lms.KindOf(err) != lms.KindNotFound && err != nil {
		return lms.Member{}, err
	}
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(errNoSuchLogin, userEnabled, u.ID)
	b.Require(errNoSuchLogin, `NOT EXISTS(SELECT 1 FROM test_students WHERE user_id = ?1)`, u.ID)
	b.Require(errMemberExists, `NOT EXISTS(SELECT 1 FROM enrolments WHERE course_id = ? AND user_id = ?)`, courseID, u.ID)
	b.Exec(`INSERT INTO enrolments (course_id, user_id, role, active, joined_at) VALUES (?, ?, ?, 1, ?)`, courseID, u.ID, role, consensus.Stamp{})
	audit(ctx, &b, actor, lms.AuditMemberAdd, "course/"+courseID, "user", u.ID, "role", string(role))
	b.Return(selectMember, courseID, u.ID)
	b.Notify(topicCourse(courseID), topicUser(u.ID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanMember)
}

// MemberPatch has what changes in a membership; nil fields stay.
type MemberPatch struct {
	Role     *lms.Role
	Active   *bool
	Section  *string   // empty: none
	Sections *[]string // that a TA is limited to; empty: not limited
	Linked   *string   // the student whose work an observer reads; empty: none
}

// UpdateMember changes the role, the sections or the linked student, or deactivates or reactivates. Work is kept. The last active
// instructor stays one.
func (s *Store) UpdateMember(ctx context.Context, actor lms.Actor, courseID, userID string, p MemberPatch) (lms.Member, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM enrolments WHERE course_id = ? AND user_id = ?)`, courseID, userID)
	if p.Role != nil && *p.Role != lms.RoleInstructor || p.Active != nil && !*p.Active {
		b.Require(errLastInstructor, `
			NOT EXISTS(SELECT 1 FROM enrolments WHERE course_id = ?1 AND user_id = ?2 AND role = 'instructor' AND active = 1)
			OR EXISTS(SELECT 1 FROM enrolments e JOIN users u ON u.user_id = e.user_id
				WHERE e.course_id = ?1 AND e.user_id <> ?2 AND e.role = 'instructor' AND e.active = 1 AND u.disabled = 0)`,
			courseID, userID)
	}
	if p.Section != nil && *p.Section != "" {
		b.Require(errSectionUnknown, sectionOpen+` OR EXISTS(SELECT 1 FROM enrolments WHERE course_id = ?1 AND user_id = ?3 AND section_id = ?2)`,
			courseID, *p.Section, userID)
	}
	if p.Linked != nil && *p.Linked != "" {
		b.Require(errLinked, `EXISTS(SELECT 1 FROM enrolments WHERE course_id = ?1 AND user_id = ?2 AND role = 'student')`, courseID, *p.Linked)
	}
	b.Exec(`
		UPDATE enrolments SET role = coalesce(?3, role), active = coalesce(?4, active),
			section_id = iif(?5 IS NULL, section_id, nullif(?5, '')), linked_id = iif(?6 IS NULL, linked_id, nullif(?6, ''))
		WHERE course_id = ?1 AND user_id = ?2`,
		courseID, userID, opt(p.Role), opt(p.Active), opt(p.Section), opt(p.Linked))
	sections := ""
	if p.Sections != nil {
		sections = list(*p.Sections)
		b.Require(errSectionUnknown, `NOT EXISTS(SELECT 1 FROM json_each(?2) j
			WHERE NOT EXISTS(SELECT 1 FROM sections WHERE course_id = ?1 AND section_id = j.value))`, courseID, sections)
		b.Exec(`DELETE FROM staff_sections WHERE course_id = ?1 AND user_id = ?2`, courseID, userID)
		b.Exec(`INSERT INTO staff_sections (course_id, user_id, section_id) SELECT DISTINCT ?1, ?2, value FROM json_each(?3)`, courseID, userID, sections)
	}
	audit(ctx, &b, actor, lms.AuditMemberUpdate, "course/"+courseID, "user", userID, "role", text(p.Role), "active", yes(p.Active),
		"section", text(p.Section), "sections", sections, "linked", text(p.Linked))
	b.Return(selectMember, courseID, userID)
	b.Notify(topicCourse(courseID), topicUser(userID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanMember)
}

// text is an optional text in the audit log.
func text[T ~string](v *T) string {
	if v == nil {
		return ""
	}
	return string(*v)
}
