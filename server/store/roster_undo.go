package store

import (
	"context"
	"encoding/json"
	"fmt"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errNoImport  = lms.Errorf(lms.KindNotFound, "There is no import to take back.")
	errUndoStale = lms.Errorf(lms.KindConflict, "The roster has changed since the import, so it is not taken back. Change the members in the list.")
)

// rosterBefore is a membership as it was before an import; New: there was none.
type rosterBefore struct {
	ID, Role, Section string
	Active, New       bool
}

func beforeOf(id string, was *lms.RosterUser) rosterBefore {
	if was == nil {
		return rosterBefore{ID: id, New: true}
	}
	return rosterBefore{ID: id, Role: string(was.Role), Section: was.SectionID, Active: was.Active}
}

// keepBefore keeps what UndoRoster needs: the memberships as they were, and a hash of the roster as the statements before have
// made it.
func keepBefore(b *consensus.Batch, actor lms.Actor, courseID string, before []rosterBefore) error {
	text, err := json.Marshal(before)
	if err != nil {
		return fmt.Errorf("store: %w", err)
	}
	b.Exec(`
		INSERT INTO roster_imports (course_id, before, after_hash, imported_by, imported_at)
		SELECT ?1, ?2, lower(hex(sha256(`+rosterText+`))), ?3, ?4 WHERE true
		ON CONFLICT (course_id) DO UPDATE SET before = excluded.before, after_hash = excluded.after_hash, imported_by = excluded.imported_by,
			imported_at = excluded.imported_at`, courseID, string(text), actor.UserID, consensus.Stamp{})
	return nil
}

// UndoRoster takes the last import of the course back, while the roster is as the import has left it. Who has joined by it leaves
// again, or is deactivated if there is work of theirs; new accounts and sections stay.
func (s *Store) UndoRoster(ctx context.Context, actor lms.Actor, courseID string) (lms.RosterResult, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(errNoImport, `EXISTS(SELECT 1 FROM roster_imports WHERE course_id = ?1)`, courseID)
	b.Require(errUndoStale, `EXISTS(SELECT 1 FROM roster_imports WHERE course_id = ?1 AND after_hash = lower(hex(sha256(`+rosterText+`))))`, courseID)
	const was = `json_each((SELECT before FROM roster_imports WHERE course_id = ?1)) j`
	const joined = `SELECT j.value ->> 'ID' FROM ` + was + ` WHERE j.value ->> 'New'`
	b.Exec(`
		UPDATE enrolments SET role = j.value ->> 'Role', active = j.value ->> 'Active', section_id = nullif(j.value ->> 'Section', '')
		FROM `+was+` WHERE course_id = ?1 AND user_id = j.value ->> 'ID' AND NOT j.value ->> 'New'`, courseID)
	b.Exec(`
		DELETE FROM enrolments WHERE course_id = ?1 AND user_id IN (`+joined+`)
			AND NOT EXISTS(SELECT 1 FROM submissions s WHERE s.course_id = ?1 AND s.user_id = enrolments.user_id)
			AND NOT EXISTS(SELECT 1 FROM questions q WHERE q.course_id = ?1 AND q.author_id = enrolments.user_id)`, courseID)
	b.Exec(`UPDATE enrolments SET active = 0 WHERE course_id = ?1 AND user_id IN (`+joined+`)`, courseID)
	b.Exec(`DELETE FROM roster_imports WHERE course_id = ?1`, courseID)
	audit(ctx, &b, actor, lms.AuditMemberUndo, "course/"+courseID)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	if err != nil {
		return lms.RosterResult{}, err
	}
	if len(res.Changed) < 3 {
		return lms.RosterResult{}, fmt.Errorf("store: undo roster: %d results", len(res.Changed))
	}
	return lms.RosterResult{Changed: int(res.Changed[0]), Dropped: int(res.Changed[1] + res.Changed[2])}, nil
}
