package store

import (
	"context"
	"encoding/json"
	"math/rand/v2"

	"trivium/app/lms"
	"trivium/consensus"
)

// Blind marking (GRADE-8): until an instructor reveals the identities, what staff read about the work in an assignment has a
// pseudonym in the place of the student. The number of a participant is drawn when the first work is handed in, so that it tells
// neither names nor the order of enrolments. Where a pseudonym is put is decided by these conditions and nowhere else.
const (
	// The assignment a is marked blind at the moment.
	blindNow = `(a.blind IS 1 AND a.revealed_at IS NULL)`
	// The number of the participant s.user_id in the assignment a of s: 0 without one, -1 when a is not blind.
	participantOf = `CASE WHEN ` + blindNow + ` THEN coalesce((SELECT p.number FROM participants p
		WHERE p.assignment_id = s.assignment_id AND p.user_id = s.user_id), 0) ELSE -1 END`
	// ?1 assignment
	assignmentBlind = `EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ?1 AND blind IS 1 AND revealed_at IS NULL)`
	// ?2 assignment
	columnNotBlind = `NOT EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ?2 AND blind IS 1 AND revealed_at IS NULL)`
	// ?1 assignment, ?2 the wanted setting
	blindUnlocked = `EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ?1 AND coalesce(blind, 0) = ?2)
		OR NOT EXISTS(SELECT 1 FROM submissions WHERE assignment_id = ?1) AND NOT EXISTS(SELECT 1 FROM grades WHERE assignment_id = ?1)
			AND NOT EXISTS(SELECT 1 FROM book_cells WHERE column_id = ?1)`
)

// pseudonym puts the pseudonym of a participant in the place of the author. Who is late follows from dates that may be a single
// student's, so it is not told either.
func (sub *submission) pseudonym(number int) {
	if number < 0 {
		return
	}
	sub.Blind = true
	sub.UserID, sub.UserName = lms.Pseudonym(number, sub.ID)
	neutral(sub.Files, "file", sub.UserID)
	sub.LateSeconds, sub.Score = 0, nil
}

// neutral takes the names of files and of their owner away.
func neutral(files []lms.File, kind, owner string) {
	for i, f := range files {
		files[i] = f.Neutral(kind, i+1, owner)
	}
}

// Numbers of participants are drawn from the first of these, and when it is used up by a large course, from the second.
const (
	participantsFew  = 999
	participantsMany = 99_999
	participantTries = 32
)

// drawParticipant gives the student a number in a blind assignment, once work is there. The numbers to try are drawn here; the
// batch takes the first that is free.
func drawParticipant(b *consensus.Batch, assignmentID, userID string) {
	var tries []int
	for range participantTries {
		tries = append(tries, rand.IntN(participantsFew)+1)
	}
	for range participantTries {
		tries = append(tries, rand.IntN(participantsMany)+1)
	}
	text, _ := json.Marshal(tries) // numbers always marshal
	b.Exec(`
		INSERT INTO participants (assignment_id, user_id, number)
		SELECT ?1, ?2, coalesce(
			(SELECT value FROM json_each(?3) WHERE value NOT IN (SELECT number FROM participants WHERE assignment_id = ?1) ORDER BY key LIMIT 1),
			(SELECT max(number) + 1 FROM participants WHERE assignment_id = ?1))
		WHERE EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ?1 AND blind IS 1)
			AND EXISTS(SELECT 1 FROM submissions WHERE assignment_id = ?1 AND user_id = ?2)
			AND NOT EXISTS(SELECT 1 FROM participants WHERE assignment_id = ?1 AND user_id = ?2)`,
		assignmentID, userID, string(text))
}

// RevealIdentities ends the blind marking of an assignment for good: from then on staff see whose work it is, and the grades are in
// the gradebook. Nothing is posted by it.
func (s *Store) RevealIdentities(ctx context.Context, actor lms.Actor, courseID, assignmentID string) (lms.Assignment, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM assignments WHERE course_id = ? AND assignment_id = ?)`, courseID, assignmentID)
	b.Require(lms.ErrNotBlind, assignmentBlind, assignmentID)
	b.Require(lms.ErrBlindEmpty, `EXISTS(SELECT 1 FROM submissions WHERE assignment_id = ?)`, assignmentID)
	b.Exec(`UPDATE assignments SET revealed_at = ?2, updated_at = ?2, version = version + 1 WHERE assignment_id = ?1`, assignmentID, consensus.Stamp{})
	audit(ctx, &b, actor, lms.AuditReveal, "assignment/"+assignmentID, "course", courseID)
	b.Return(selectAssignment, courseID, assignmentID)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanAssignment)
}

// fileFace is what the reader may know about a file of work: staff not whose it is while the marking is blind, the student not which
// marker has attached it where markers are hidden.
func (s *Store) fileFace(ctx context.Context, sc scope, f lms.File) (lms.File, error) {
	const q = `
		SELECT 'file', x.position, s.submission_id, ` + participantOf + `, 0
		FROM submission_files x JOIN submissions s ON s.submission_id = x.submission_id JOIN assignments a ON a.assignment_id = s.assignment_id
		WHERE x.file_id = ?1
		UNION ALL
		SELECT 'attachment', x.position, s.submission_id, iif(w.staff = 1, -1, ` + participantOf + `), w.staff = 1 AND a.hide_markers IS 1
		FROM submission_comment_files x JOIN submission_comments w ON w.comment_id = x.comment_id
		JOIN submissions s ON s.submission_id = w.submission_id JOIN assignments a ON a.assignment_id = s.assignment_id
		WHERE x.file_id = ?1`
	rows, err := s.query(ctx, q, f.ID)
	if err != nil {
		return f, err
	}
	for _, row := range rows {
		var kind, submissionID string
		var position, number int
		var hidden bool
		if err := row.Scan(&kind, &position, &submissionID, &number, &hidden); err != nil {
			return f, err
		}
		if sc.staff() && number >= 0 {
			owner, _ := lms.Pseudonym(number, submissionID)
			return f.Neutral(kind, position, owner), nil
		}
		if hidden && !sc.staff() {
			f.OwnerID = ""
		}
	}
	return f, nil
}
