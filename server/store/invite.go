package store

import (
	"context"
	"errors"
	"strings"

	"trivium/app/lms"
	"trivium/consensus"
)

var errInviteExists = lms.FieldErrorf(lms.KindConflict, "id", "This invite exists already. Load the list of invites again.")

const inviteColumns = `i.invite_id, i.course_id, i.code, i.role, i.max_uses, i.uses, i.expires_at, i.revoked_at, i.created_at`

// ?1 course, ?2 invite
const selectInvite = `SELECT ` + inviteColumns + ` FROM invites i WHERE i.course_id = ?1 AND i.invite_id = ?2`

func scanInvite(row consensus.Row) (i lms.Invite, err error) {
	return i, row.Scan(&i.ID, &i.CourseID, &i.Code, &i.Role, &i.MaxUses, &i.Uses, &i.ExpiresAt, &i.RevokedAt, &i.CreatedAt)
}

// normalCode is the form under which codes are compared: what people mistype when they copy from paper is the same code.
func normalCode(code string) string {
	return strings.NewReplacer("-", "", " ", "", "o", "0", "i", "1", "l", "1").Replace(strings.ToLower(strings.TrimSpace(code)))
}

// requireInvite demands that the code can be used at the stamp, with the exact reason when it cannot.
func requireInvite(b *consensus.Batch, code string) {
	b.Require(lms.ErrInviteUnknown, `EXISTS(SELECT 1 FROM invites WHERE code_normal = ?1)`, code)
	b.Require(lms.ErrInviteRevoked, `EXISTS(SELECT 1 FROM invites WHERE code_normal = ?1 AND revoked_at IS NULL)`, code)
	b.Require(lms.ErrInviteExpired, `EXISTS(SELECT 1 FROM invites WHERE code_normal = ?1 AND (expires_at IS NULL OR expires_at >= ?2))`, code, consensus.Stamp{})
	b.Require(lms.ErrInviteUsedUp, `EXISTS(SELECT 1 FROM invites WHERE code_normal = ?1 AND (max_uses = 0 OR uses < max_uses))`, code)
	b.Require(lms.ErrCourseOver, `EXISTS(SELECT 1 FROM invites i JOIN courses c ON c.course_id = i.course_id
		WHERE i.code_normal = ?1 AND c.state IN ('unpublished', 'published'))`, code)
}

// useInvite enrols the user with the code's role and counts the use.
func useInvite(b *consensus.Batch, code, userID string) {
	b.Exec(`INSERT INTO enrolments (course_id, user_id, role, active, joined_at) SELECT course_id, ?2, role, 1, ?3 FROM invites WHERE code_normal = ?1`,
		code, userID, consensus.Stamp{})
	b.Exec(`INSERT INTO invite_uses (invite_id, user_id, used_at) SELECT invite_id, ?2, ?3 FROM invites WHERE code_normal = ?1`,
		code, userID, consensus.Stamp{})
	b.Exec(`UPDATE invites SET uses = uses + 1 WHERE code_normal = ?1`, code)
}

// InviteByCode returns the invite of a code that can be used now, and its course.
func (s *Store) InviteByCode(ctx context.Context, code string) (lms.Invite, lms.Course, error) {
	rows, err := s.query(ctx, `SELECT `+inviteColumns+` FROM invites i WHERE i.code_normal = ?1`, normalCode(code))
	i, err := one(rows, err, scanInvite)
	if lms.KindOf(err) == lms.KindNotFound {
		err = lms.ErrInviteUnknown
	}
	if err == nil {
		err = i.Check(s.Now())
	}
	if err != nil {
		return lms.Invite{}, lms.Course{}, err
	}
	rows, err = s.query(ctx, selectCourse, "", i.CourseID)
	c, err := one(rows, err, scanCourse(lms.Actor{}))
	return i, c, err
}

// JoinCourse enrols the actor with a code. For somebody who is a member already nothing changes.
func (s *Store) JoinCourse(ctx context.Context, actor lms.Actor, code string) (lms.Course, error) {
	code = normalCode(code)
	rows, err := s.query(ctx, `SELECT course_id FROM invites WHERE code_normal = ?1`, code) // a code keeps its course
	courseID, err := one(rows, err, scanString)
	if lms.KindOf(err) == lms.KindNotFound {
		return lms.Course{}, lms.ErrInviteUnknown
	} else if err != nil {
		return lms.Course{}, err
	}
	if actor.Viewing != "" {
		return lms.Course{}, ErrViewing
	}
	if role, err := s.Role(ctx, courseID, actor.UserID); err != nil || role != "" {
		if err != nil {
			return lms.Course{}, err
		}
		return s.Course(ctx, actor, courseID)
	}
	var b consensus.Batch
	b.Require(lms.ErrSignIn, userEnabled, actor.UserID)
	b.Require(errDeactivated, `NOT EXISTS(SELECT 1 FROM enrolments WHERE course_id = ? AND user_id = ? AND active = 0)`, courseID, actor.UserID)
	b.Require(errJoined, `NOT `+courseMember, actor.UserID, courseID)
	requireInvite(&b, code)
	useInvite(&b, code, actor.UserID)
	audit(ctx, &b, actor, lms.AuditMemberJoin, "course/"+courseID)
	b.Return(selectCourse, actor.UserID, courseID)
	b.Notify(topicCourse(courseID), topicUser(actor.UserID))
	res, err := s.apply(ctx, &b)
	if errors.Is(err, errJoined) { // twice at once: the other one did it
		return s.Course(ctx, actor, courseID)
	}
	return returned(res, err, scanCourse(actor))
}

var errJoined = lms.Errorf(lms.KindConflict, "You are a member of this course already.")

// Invites lists the codes of the course, newest first.
func (s *Store) Invites(ctx context.Context, courseID string) ([]lms.Invite, error) {
	rows, err := s.query(ctx, `SELECT `+inviteColumns+` FROM invites i WHERE i.course_id = ?1 ORDER BY i.created_at DESC, i.invite_id`, courseID)
	return collect(rows, err, scanInvite)
}

// CreateInvite makes a code. An empty Code gets a new one.
func (s *Store) CreateInvite(ctx context.Context, actor lms.Actor, i lms.Invite) (lms.Invite, error) {
	if i.Code == "" {
		i.Code = lms.NewCode()
	}
	var b consensus.Batch
	requireWrite(&b, actor, i.CourseID, lms.InstructorOfCourse)
	b.Require(errInviteExists, `NOT EXISTS(SELECT 1 FROM invites WHERE invite_id = ? OR code_normal = ?)`, i.ID, normalCode(i.Code))
	b.Require(lms.FieldErrorf(lms.KindRule, "expiresAt", "This invite would have expired already. Choose a later time."), `? IS NULL OR ? > ?`,
		i.ExpiresAt, i.ExpiresAt, consensus.Stamp{})
	b.Exec(`
		INSERT INTO invites (invite_id, course_id, code, code_normal, role, max_uses, uses, expires_at, created_by, created_at)
		VALUES (?, ?, ?, ?, ?, ?, 0, ?, ?, ?)`,
		i.ID, i.CourseID, i.Code, normalCode(i.Code), i.Role, i.MaxUses, i.ExpiresAt, actor.UserID, consensus.Stamp{})
	audit(ctx, &b, actor, lms.AuditInviteCreate, "course/"+i.CourseID, "invite", i.ID, "role", string(i.Role))
	b.Return(selectInvite, i.CourseID, i.ID)
	b.Notify(topicCourse(i.CourseID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanInvite)
}

// RevokeInvite withdraws a code. Whoever has used it stays a member.
func (s *Store) RevokeInvite(ctx context.Context, actor lms.Actor, courseID, id string) (lms.Invite, error) {
	var b consensus.Batch
	requireAccess(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM invites WHERE course_id = ? AND invite_id = ?)`, courseID, id)
	b.Exec(`UPDATE invites SET revoked_at = coalesce(revoked_at, ?2) WHERE invite_id = ?1`, id, consensus.Stamp{})
	audit(ctx, &b, actor, lms.AuditInviteRevoke, "course/"+courseID, "invite", id)
	b.Return(selectInvite, courseID, id)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanInvite)
}

// RegenerateInvite withdraws a code and makes a new one with the same role, end and number of uses. A second time with the same id
// for the new one answers the same.
func (s *Store) RegenerateInvite(ctx context.Context, actor lms.Actor, courseID, id, newID, code string) (lms.Invite, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM invites WHERE course_id = ? AND invite_id = ?)`, courseID, id)
	b.Require(lms.ErrInviteExpired, `EXISTS(SELECT 1 FROM invites WHERE invite_id = ?1 AND (expires_at IS NULL OR expires_at > ?2))`, id, consensus.Stamp{})
	b.Require(errInviteExists, `NOT EXISTS(SELECT 1 FROM invites WHERE invite_id = ? OR code_normal = ?)`, newID, normalCode(code))
	b.Exec(`
		INSERT INTO invites (invite_id, course_id, code, code_normal, role, max_uses, uses, expires_at, created_by, created_at)
		SELECT ?2, course_id, ?3, ?4, role, max_uses, 0, expires_at, ?5, ?6 FROM invites WHERE invite_id = ?1`,
		id, newID, code, normalCode(code), actor.UserID, consensus.Stamp{})
	b.Exec(`UPDATE invites SET revoked_at = coalesce(revoked_at, ?2) WHERE invite_id = ?1`, id, consensus.Stamp{})
	audit(ctx, &b, actor, lms.AuditInviteRevoke, "course/"+courseID, "invite", id)
	audit(ctx, &b, actor, lms.AuditInviteCreate, "course/"+courseID, "invite", newID, "instead", id)
	b.Return(selectInvite, courseID, newID)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanInvite)
}
