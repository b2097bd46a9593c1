package store

import (
	"context"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// newsFor is how long something is news.
const newsFor = 14 * 24 * time.Hour

// An attempt s whose file f has not arrived in time: ?2 now, ?3 grace in milliseconds. The order of the joins is fixed: few files
// are incomplete, and somebody may have thousands of attempts.
const incompleteAttempts = `
	FROM files f
	CROSS JOIN submission_files sf ON sf.file_id = f.file_id
	CROSS JOIN submissions s ON s.submission_id = sf.submission_id AND s.submission_id = ` + countedAttempt + `
	JOIN assignments a ON a.assignment_id = s.assignment_id AND a.published = 1
	JOIN users u ON u.user_id = s.user_id
	WHERE f.complete_at IS NULL AND s.submitted_at < ?2 - ?3`

// homeNews lists what happened to the actor's work: extensions, attempts that are incomplete, were returned, or were handed
// in at the cut-off; and for staff the attempts that are incomplete. Newest first.
func (s *Store) homeNews(ctx context.Context, userID string) ([]lms.News, error) {
	const q = `
		SELECT 'extension', c.course_id, c.code, c.zone, a.assignment_id, '', a.title, '', o.due_at, o.cutoff_at, o.granted_at AS at
		FROM (` + studying + `) c
		JOIN enrolments m ON m.course_id = c.course_id AND m.user_id = ?1
		JOIN overrides o ON o.course_id = c.course_id
			AND (o.target = 'student' AND o.target_id = ?1 OR o.target = 'section' AND o.target_id = m.section_id)
		JOIN assignments a ON a.assignment_id = o.assignment_id
		JOIN (SELECT ?1 AS user_id) v
		WHERE o.granted_at > ?2 - ?4 AND ` + assignmentFrom + ` <= ?2
		UNION ALL
		SELECT 'incomplete', c.course_id, c.code, c.zone, a.assignment_id, s.submission_id, a.title, '', NULL, NULL, s.submitted_at
		FROM (SELECT s.submission_id ` + incompleteAttempts + ` AND s.user_id = ?1 GROUP BY s.submission_id) i
		JOIN submissions s ON s.submission_id = i.submission_id
		JOIN assignments a ON a.assignment_id = s.assignment_id
		JOIN (` + studying + `) c ON c.course_id = s.course_id
		UNION ALL
		SELECT 'incomplete', c.course_id, c.code, c.zone, a.assignment_id, s.submission_id, a.title,
			CASE WHEN ` + blindNow + ` THEN 'a participant' ELSE u.name END, NULL, NULL, s.submitted_at
		FROM (SELECT s.submission_id ` + incompleteAttempts + ` GROUP BY s.submission_id) i
		JOIN submissions s ON s.submission_id = i.submission_id
		JOIN users u ON u.user_id = s.user_id
		JOIN assignments a ON a.assignment_id = s.assignment_id
		JOIN (` + teaching + `) c ON c.course_id = s.course_id
		WHERE (` + taught + `)
		UNION ALL
		SELECT iif(s.returned_at IS NULL, 'draft', 'returned'), c.course_id, c.code, c.zone, a.assignment_id, s.submission_id, a.title, '', NULL, NULL,
			coalesce(s.returned_at, s.submitted_at)
		FROM submissions s
		JOIN assignments a ON a.assignment_id = s.assignment_id AND a.published = 1
		JOIN (` + studying + `) c ON c.course_id = s.course_id
		WHERE s.user_id = ?1 AND (s.returned_at > ?2 - ?4 OR s.from_draft = 1 AND s.submitted_at > ?2 - ?4)
		ORDER BY at DESC
		LIMIT 50`
	rows, err := s.query(ctx, q, userID, s.Now(), lms.UploadGrace.Milliseconds(), newsFor.Milliseconds())
	return collect(rows, err, func(row consensus.Row) (n lms.News, err error) {
		return n, row.Scan(&n.Kind, &n.CourseID, &n.CourseCode, &n.Zone, &n.AssignmentID, &n.SubmissionID, &n.Title, &n.Who, &n.DueAt, &n.CutoffAt, &n.At)
	})
}
