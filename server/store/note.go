package store

import (
	"context"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errNoteExists = lms.FieldErrorf(lms.KindConflict, "id", "This note exists already. Load the list again.")
	errNoteTo     = lms.FieldErrorf(lms.KindRule, "to", "Feedback goes from staff to a student of the course, or from a student to its staff. Choose one of them.")
)

const noteColumns = `n.note_id, n.course_id, n.from_id, coalesce((SELECT name FROM users WHERE user_id = n.from_id), ''), n.to_id,
	coalesce((SELECT name FROM users WHERE user_id = n.to_id), ''), n.body, n.created_at`

// ?1 course, ?2 note
const selectNote = `SELECT ` + noteColumns + ` FROM notes n WHERE n.course_id = ?1 AND n.note_id = ?2`

func scanNote(row consensus.Row) (n lms.Note, err error) {
	return n, row.Scan(&n.ID, &n.CourseID, &n.FromID, &n.FromName, &n.ToID, &n.ToName, &n.Body, &n.CreatedAt)
}

// Notes lists the feedback that the actor has sent or received in the course, newest first, one page after the note.
func (s *Store) Notes(ctx context.Context, actor lms.Actor, courseID, after string, limit int) (items []lms.Note, next string, total int, err error) {
	if _, err := s.scope(ctx, actor, courseID); err != nil {
		return nil, "", 0, err
	}
	limit = limitOf(limit)
	const mine = `n.course_id = ?1 AND (n.from_id = ?2 OR n.to_id = ?2)`
	const q = `SELECT ` + noteColumns + ` FROM notes n
		WHERE ` + mine + ` AND (?3 = '' OR (n.created_at, n.note_id) < (SELECT created_at, note_id FROM notes WHERE note_id = ?3))
		ORDER BY n.created_at DESC, n.note_id DESC LIMIT ?4`
	rows, err := s.query(ctx, q, courseID, actor.UserID, after, limit+1)
	if items, err = collect(rows, err, scanNote); err != nil {
		return nil, "", 0, err
	}
	if total, err = s.number(ctx, `SELECT count(*) FROM notes n WHERE `+mine, courseID, actor.UserID); err != nil {
		return nil, "", 0, err
	}
	items, next = pageOf(items, limit, func(n lms.Note) string { return n.ID })
	return items, next, total, nil
}

// Note returns one, to who sent it and to who got it; administrators are no exception (FEED-1).
func (s *Store) Note(ctx context.Context, actor lms.Actor, courseID, id string) (lms.Note, error) {
	if _, err := s.scope(ctx, actor, courseID); err != nil {
		return lms.Note{}, err
	}
	rows, err := s.query(ctx, selectNote, courseID, id)
	n, err := one(rows, err, scanNote)
	if err == nil && !n.ReadableBy(actor.UserID) {
		return lms.Note{}, lms.ErrNotYours
	}
	return n, err
}

// SendNote sends feedback: from staff to a student of the course, or from a student to its staff.
func (s *Store) SendNote(ctx context.Context, actor lms.Actor, n lms.Note) (lms.Note, error) {
	var b consensus.Batch
	requireWrite(&b, actor, n.CourseID, lms.MemberOfCourse)
	b.Require(errNoteExists, `NOT EXISTS(SELECT 1 FROM notes WHERE note_id = ?)`, n.ID)
	b.Require(errNoteTo, `EXISTS(SELECT 1 FROM enrolments f JOIN enrolments t ON t.course_id = f.course_id AND t.user_id = ?3 AND t.active = 1
		WHERE f.course_id = ?2 AND f.user_id = ?1 AND f.active = 1
			AND (f.role IN ('instructor', 'ta') AND t.role = 'student' OR f.role = 'student' AND t.role IN ('instructor', 'ta')))`,
		actor.UserID, n.CourseID, n.ToID)
	b.Require(errOtherSection, reachesStudent, actor.UserID, n.CourseID, n.ToID)
	b.Exec(`INSERT INTO notes (note_id, course_id, from_id, to_id, body, created_at) VALUES (?, ?, ?, ?, ?, ?)`,
		n.ID, n.CourseID, actor.UserID, n.ToID, n.Body, consensus.Stamp{})
	b.Return(selectNote, n.CourseID, n.ID)
	b.Notify(topicUser(actor.UserID), topicUser(n.ToID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanNote)
}
