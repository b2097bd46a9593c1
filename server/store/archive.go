package store

import (
	"context"

	"trivium/app/lms"
	"trivium/consensus"
)

// Archived is a submission with the login that its files in an archive are named by.
type Archived struct {
	Login string
	lms.Submission
}

const archivedFrom = `
	SELECT ` + submissionColumns + `, ` + submissionFiles + `, ` + gradeColumns + `, (SELECT login FROM users WHERE user_id = s.user_id)`

func (s *Store) scanArchived(row consensus.Row) (a Archived, err error) {
	last := len(row) - 1
	sub, err := s.scanSubmission(true)(row[:last])
	if err != nil {
		return a, err
	}
	a.Submission = sub.Submission
	if err = row[last:].Scan(&a.Login); a.Blind {
		a.Login = a.UserID
	}
	return a, err
}

// ArchivePage lists the latest attempts that the filter shows, with the chunks of their files, by id from after on.
func (s *Store) ArchivePage(ctx context.Context, actor lms.Actor, courseID, assignmentID, filter, after string, limit int) ([]Archived, error) {
	sections, err := s.markable(ctx, actor, courseID, assignmentID)
	if err != nil {
		return nil, err
	}
	const q = archivedFrom + filteredWork + ` AND s.submission_id > ?4 ORDER BY s.submission_id LIMIT ?5`
	rows, err := s.query(ctx, q, assignmentID, filter, sections, after, limit)
	return collect(rows, err, s.scanArchived)
}

// ArchiveOne is one submission for an archive.
func (s *Store) ArchiveOne(ctx context.Context, actor lms.Actor, courseID, submissionID string) (Archived, error) {
	if err := s.staffReach(ctx, actor, courseID, submissionID); err != nil {
		return Archived{}, err
	}
	const q = archivedFrom + `
		FROM submissions s
		JOIN assignments a ON a.assignment_id = s.assignment_id
		LEFT JOIN grade_beginnings n ON n.submission_id = s.submission_id
		LEFT JOIN grades g ON g.submission_id = s.submission_id
		WHERE s.submission_id = ?1 AND s.course_id = ?2`
	rows, err := s.query(ctx, q, submissionID, courseID)
	return one(rows, err, s.scanArchived)
}

// AttemptsOf lists every attempt at an assignment by active members with the names of its files, by id from after on.
func (s *Store) AttemptsOf(ctx context.Context, actor lms.Actor, courseID, assignmentID, after string, limit int) ([]Archived, error) {
	sections, err := s.markable(ctx, actor, courseID, assignmentID)
	if err != nil {
		return nil, err
	}
	const q = `
		SELECT ` + submissionColumns + `, (SELECT json_group_array(` + shortFileJSON + ` ORDER BY sf.position)
			FROM submission_files sf JOIN files f ON f.file_id = sf.file_id WHERE sf.submission_id = s.submission_id), ` + gradeColumns + `,
			(SELECT login FROM users WHERE user_id = s.user_id)
		FROM submissions s
		JOIN enrolments e ON e.course_id = s.course_id AND e.user_id = s.user_id AND e.active = 1
			AND (?4 = '' OR e.section_id IN (SELECT value FROM json_each(?4)))
		JOIN assignments a ON a.assignment_id = s.assignment_id
		LEFT JOIN grade_beginnings n ON n.submission_id = s.submission_id
		LEFT JOIN grades g ON g.submission_id = s.submission_id
		WHERE s.assignment_id = ?1 AND s.submission_id > ?2
		ORDER BY s.submission_id
		LIMIT ?3`
	rows, err := s.query(ctx, q, assignmentID, after, limit, sections)
	return collect(rows, err, s.scanArchived)
}

// AddFeedback adds the comments of one archive of marked files with their files, all or none. A majority of the nodes holds
// the bytes of the files.
func (s *Store) AddFeedback(ctx context.Context, actor lms.Actor, courseID, assignmentID, id string, comments []lms.Comment) error {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.StaffOfCourse)
	for _, c := range comments {
		w, _, err := s.workOf(ctx, actor, courseID, c.SubmissionID)
		if err != nil {
			return err
		}
		for _, f := range c.Files {
			b.Exec(`
				INSERT INTO files (file_id, course_id, owner_id, name, extension, size, media_type, sha256, chunks, created_at, complete_at)
				VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?10)`,
				f.ID, courseID, actor.UserID, f.Name, f.Extension(), f.Size, f.Type, f.SHA256, list(f.Chunks), consensus.Stamp{})
		}
		b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM submissions WHERE submission_id = ? AND course_id = ? AND assignment_id = ?)`, c.SubmissionID, courseID, assignmentID)
		insertComment(&b, actor, courseID, w, true, c, id)
	}
	b.Notify(topicCourse(courseID), TopicFiles)
	_, err := s.apply(ctx, &b)
	return err
}

// UndoFeedback takes the comments of an archive of marked files away again, within 30 days, and returns how many.
func (s *Store) UndoFeedback(ctx context.Context, actor lms.Actor, courseID, assignmentID, id string) (int, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.StaffOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM submission_comments WHERE feedback_id = ? AND course_id = ? AND assignment_id = ?)`, id, courseID, assignmentID)
	b.Require(errOtherSection, unlimited+` OR NOT EXISTS(SELECT 1 FROM submission_comments WHERE feedback_id = ?3 AND user_id NOT IN (`+reached+`))`,
		actor.UserID, courseID, id)
	b.Require(errUndoOver, `NOT EXISTS(SELECT 1 FROM submission_comments WHERE feedback_id = ?1 AND created_at < ?2 - ?3)`, id, consensus.Stamp{}, undoWindow.Milliseconds())
	b.Exec(`UPDATE submission_comments SET deleted_at = ?2 WHERE feedback_id = ?1 AND deleted_at IS NULL`, id, consensus.Stamp{})
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	return changedBy(res, err, 0)
}
