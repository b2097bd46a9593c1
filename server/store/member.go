package store

import (
	"context"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errNoSuchLogin    = lms.FieldErrorf(lms.KindRule, "login", "There is no account with this user name. Check the spelling, or send an invite code.")
	errMemberExists   = lms.FieldErrorf(lms.KindConflict, "login", "This user is a member already. Change the role in the list of members.")
	errLastInstructor = lms.Errorf(lms.KindRule, "This is the course's last active instructor. Make somebody else instructor first.")
	errDeactivated    = lms.FieldErrorf(lms.KindForbidden, "code", "Your membership of this course has been deactivated. Ask your instructor to reactivate it.")
)

const memberColumns = `e.user_id, u.login, u.name, e.role, e.active, e.joined_at`

// ?1 course, ?2 user
const selectMember = `
	SELECT ` + memberColumns + `
	FROM enrolments e
	JOIN users u ON u.user_id = e.user_id
	WHERE e.course_id = ?1 AND e.user_id = ?2`

func scanMember(row consensus.Row) (m lms.Member, err error) {
	return m, row.Scan(&m.UserID, &m.Login, &m.Name, &m.Role, &m.Active, &m.JoinedAt)
}

// Members lists the people of the course: instructors first, then by name. Only staff see logins and deactivated members.
func (s *Store) Members(ctx context.Context, actor lms.Actor, courseID string) ([]lms.Member, error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err != nil {
		return nil, err
	}
	const q = `
		SELECT ` + memberColumns + `
		FROM enrolments e
		JOIN users u ON u.user_id = e.user_id
		WHERE e.course_id = ?1 AND (?2 OR e.active = 1 AND u.disabled = 0)
		ORDER BY CASE e.role WHEN 'instructor' THEN 0 WHEN 'ta' THEN 1 WHEN 'student' THEN 2 ELSE 3 END, u.name, e.user_id`
	rows, err := s.query(ctx, q, courseID, sc.staff())
	members, err := collect(rows, err, scanMember)
	for i := range members {
		if !sc.staff() {
			members[i].Login = ""
		}
	}
	return members, err
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
	b.Require(errMemberExists, `NOT EXISTS(SELECT 1 FROM enrolments WHERE course_id = ? AND user_id = ?)`, courseID, u.ID)
	b.Exec(`INSERT INTO enrolments (course_id, user_id, role, active, joined_at) VALUES (?, ?, ?, 1, ?)`, courseID, u.ID, role, consensus.Stamp{})
	audit(ctx, &b, actor, lms.AuditMemberAdd, "course/"+courseID, "user", u.ID, "role", string(role))
	b.Return(selectMember, courseID, u.ID)
	b.Notify(topicCourse(courseID), topicUser(u.ID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanMember)
}

// UpdateMember changes the role, or deactivates or reactivates. Work is kept. The last active instructor stays one.
func (s *Store) UpdateMember(ctx context.Context, actor lms.Actor, courseID, userID string, role *lms.Role, active *bool) (lms.Member, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM enrolments WHERE course_id = ? AND user_id = ?)`, courseID, userID)
	if role != nil && *role != lms.RoleInstructor || active != nil && !*active {
		b.Require(errLastInstructor, `
			NOT EXISTS(SELECT 1 FROM enrolments WHERE course_id = ?1 AND user_id = ?2 AND role = 'instructor' AND active = 1)
			OR EXISTS(SELECT 1 FROM enrolments e JOIN users u ON u.user_id = e.user_id
				WHERE e.course_id = ?1 AND e.user_id <> ?2 AND e.role = 'instructor' AND e.active = 1 AND u.disabled = 0)`,
			courseID, userID)
	}
	b.Exec(`UPDATE enrolments SET role = coalesce(?3, role), active = coalesce(?4, active) WHERE course_id = ?1 AND user_id = ?2`,
		courseID, userID, opt(role), opt(active))
	newRole := ""
	if role != nil {
		newRole = string(*role)
	}
	audit(ctx, &b, actor, lms.AuditMemberUpdate, "course/"+courseID, "user", userID, "role", newRole, "active", yes(active))
	b.Return(selectMember, courseID, userID)
	b.Notify(topicCourse(courseID), topicUser(userID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanMember)
}
