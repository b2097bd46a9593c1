package store

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"trivium/app/lms"
	"trivium/consensus"
)

// Claim is a link with which an imported person chooses a password: only its hash is stored.
type Claim struct {
	UserID string
	Hash   []byte
}

// PendingMembers lists the accounts that an import into this course has made and that nobody has claimed yet: to an administrator
// also those of other courses. users selects; empty: all.
func (s *Store) PendingMembers(ctx context.Context, actor lms.Actor, courseID string, users []string) ([]lms.Member, error) {
	if _, err := s.staffScope(ctx, actor, courseID); err != nil {
		return nil, err
	}
	const q = `SELECT ` + memberColumns + `
		FROM pending_accounts w
		JOIN enrolments e ON e.user_id = w.user_id AND e.course_id = ?1 AND e.active = 1
		JOIN users u ON u.user_id = w.user_id AND u.disabled = 0
		WHERE (w.course_id = ?1 OR EXISTS(SELECT 1 FROM users a WHERE a.user_id = ?2 AND a.admin = 1 AND a.disabled = 0))
			AND (json_array_length(?3) = 0 OR w.user_id IN (SELECT value FROM json_each(?3)))
		ORDER BY u.name, u.user_id`
	rows, err := s.query(ctx, q, courseID, actor.UserID, list(users))
	return collect(rows, err, scanMember)
}

// IssueClaims stores new links; older ones of the same people are good no more. It is not part of what a request's key stands for: a
// repeat, whose first answer was lost, makes other links.
func (s *Store) IssueClaims(ctx context.Context, actor lms.Actor, courseID string, claims []Claim) error {
	type stored struct{ ID, Hash string }
	records := make([]stored, len(claims))
	for i, c := range claims {
		records[i] = stored{c.UserID, hex.EncodeToString(c.Hash)}
	}
	text, err := json.Marshal(records)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(errRosterChanged, `NOT EXISTS(SELECT 1 FROM json_each(?3) j WHERE NOT EXISTS(SELECT 1 FROM pending_accounts w
		WHERE w.user_id = j.value ->> 'ID' AND (w.course_id = ?2 OR `+userAdmin+`)))`, actor.UserID, courseID, string(text))
	b.Exec(`UPDATE pending_accounts SET token_hash = unhex(j.value ->> 'Hash'), expires_at = ?2 + ?3 FROM json_each(?1) j WHERE user_id = j.value ->> 'ID'`,
		string(text), consensus.Stamp{}, claimLife.Milliseconds())
	audit(ctx, &b, actor, lms.AuditClaimIssue, "course/"+courseID, "accounts", fmt.Sprint(len(claims)))
	b.Notify(topicCourse(courseID))
	_, err = s.applyUnkeyed(ctx, &b)
	return err
}

// ?1 hash, ?2 time
const claimable = `FROM pending_accounts w JOIN users u ON u.user_id = w.user_id AND u.disabled = 0 AND u.password_hash = ''
	LEFT JOIN courses c ON c.course_id = w.course_id
	WHERE w.token_hash = ?1 AND w.expires_at >= ?2`

// ClaimPreview shows whose account a link is for.
func (s *Store) ClaimPreview(ctx context.Context, hash []byte) (lms.ClaimPreview, error) {
	rows, err := s.query(ctx, `SELECT u.login, u.name, coalesce(c.title, '') `+claimable, hash, s.Now())
	p, err := one(rows, err, func(row consensus.Row) (p lms.ClaimPreview, err error) {
		return p, row.Scan(&p.Login, &p.Name, &p.CourseTitle)
	})
	if lms.KindOf(err) == lms.KindNotFound {
		err = errClaim
	}
	return p, err
}

// Claim gives the account of a link its password. The link is used up.
func (s *Store) Claim(ctx context.Context, hash []byte, passwordHash string) (lms.User, error) {
	rows, err := s.query(ctx, `SELECT u.user_id, u.login `+claimable, hash, s.Now())
	type account struct{ id, login string }
	u, err := one(rows, err, func(row consensus.Row) (u account, err error) { return u, row.Scan(&u.id, &u.login) })
	if err != nil && lms.KindOf(err) != lms.KindNotFound {
		return lms.User{}, err
	}
	var b consensus.Batch
	b.Require(errClaim, `EXISTS(SELECT 1 `+claimable+`)`, hash, consensus.Stamp{})
	b.Require(errClaim, `EXISTS(SELECT 1 FROM pending_accounts WHERE token_hash = ?1 AND user_id = ?2)`, hash, u.id)
	b.Exec(`UPDATE users SET password_hash = ?2, updated_at = ?3, version = version + 1 WHERE user_id = ?1`, u.id, passwordHash, consensus.Stamp{})
	b.Exec(`DELETE FROM pending_accounts WHERE user_id = ?1`, u.id)
	audit(ctx, &b, lms.Actor{UserID: u.id, Login: u.login}, lms.AuditClaim, "user/"+u.id)
	b.Return(selectUser, u.id)
	b.Notify(topicUser(u.id))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanUser)
}
