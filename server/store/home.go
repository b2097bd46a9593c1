package store

import (
	"context"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// The student courses and the staff courses of ?1 in which something can happen.
const (
	studying = `SELECT c.course_id, c.code, c.zone FROM enrolments e JOIN courses c ON c.course_id = e.course_id
		WHERE e.user_id = ?1 AND e.active = 1 AND e.role = 'student' AND c.state = 'published'
		UNION ALL SELECT c.course_id, c.code, c.zone FROM test_students t JOIN courses c ON c.course_id = t.course_id
		WHERE t.user_id = ?1 AND c.state = 'published'`
	teaching = `SELECT c.course_id, c.code, c.zone FROM enrolments e JOIN courses c ON c.course_id = e.course_id
		WHERE e.user_id = ?1 AND e.active = 1 AND e.role IN ('instructor', 'ta') AND c.state IN ('unpublished', 'published')`
)

// Home collects what is due and what is new for the actor.
func (s *Store) Home(ctx context.Context, actor lms.Actor) (h lms.Home, err error) {
	if h.Courses, err = s.Courses(ctx, actor); err != nil {
		return h, err
	}
	if h.Due, err = s.homeDue(ctx, actor.UserID); err != nil {
		return h, err
	}
	if h.Feedback, err = s.homeFeedback(ctx, actor.UserID); err != nil {
		return h, err
	}
	if h.Grading, err = s.homeGrading(ctx, actor.UserID); err != nil {
		return h, err
	}
	if h.Endorsed, err = s.homeEndorsed(ctx, actor.UserID); err != nil {
		return h, err
	}
	if h.News, err = s.homeNews(ctx, actor.UserID); err != nil {
		return h, err
	}
	if h.Flags, err = s.homeFlags(ctx, actor.UserID); err != nil {
		return h, err
	}
	if h.Caps, err = s.homeCaps(ctx, actor); err != nil {
		return h, err
	}
	h.Queue, err = s.homeQueue(ctx, actor.UserID)
	return h, err
}

func scanDue(row consensus.Row) (d lms.DueItem, err error) {
	return d, row.Scan(&d.CourseID, &d.CourseCode, &d.AssignmentID, &d.Title, &d.DueAt, &d.Ungraded, &d.GradeByAt, &d.Zone, &d.DraftAt)
}

// homeDue lists what the student can still hand in and has not, by the student's own dates.
func (s *Store) homeDue(ctx context.Context, userID string) ([]lms.DueItem, error) {
	const q = `
		SELECT c.course_id, c.code, a.assignment_id, a.title, d.due_at, 0, NULL, c.zone,
			(SELECT saved_at FROM work_drafts w WHERE w.assignment_id = a.assignment_id AND w.user_id = ?1 AND ` + draftFilled + `)
		FROM (` + studying + `) c
		JOIN assignments a ON a.course_id = c.course_id
		JOIN (` + studentDates + ` WHERE e.user_id = ?1) d ON d.assignment_id = a.assignment_id
		JOIN (SELECT ?1 AS user_id) v
		WHERE ` + assignmentFrom + ` <= ?2 AND (d.opens_at IS NULL OR d.opens_at <= ?2) AND (d.cutoff_at IS NULL OR d.cutoff_at >= ?2) AND a.on_paper IS NOT 1
			AND NOT EXISTS(SELECT 1 FROM submissions s WHERE s.assignment_id = a.assignment_id AND s.user_id = ?1 AND s.returned_at IS NULL)
		ORDER BY d.due_at IS NULL, d.due_at, a.created_at, a.assignment_id
		LIMIT 50`
	rows, err := s.query(ctx, q, userID, s.Now())
	return collect(rows, err, scanDue)
}

// homeFeedback lists the grades that were posted last, with how the number that counts was made.
func (s *Store) homeFeedback(ctx context.Context, userID string) ([]lms.Feedback, error) {
	const q = `
		SELECT c.course_id, c.code, a.assignment_id, a.title, g.posted_points, a.points, g.posted_at,
			` + submissionDue + `, s.submitted_at, a.grade_type, coalesce(a.late_policy, c.late_policy), c.zone
		FROM grades g
		JOIN submissions s ON s.submission_id = g.submission_id
		JOIN assignments a ON a.assignment_id = g.assignment_id
		JOIN courses c ON c.course_id = g.course_id
		JOIN enrolments e ON e.course_id = g.course_id AND e.user_id = g.user_id AND e.active = 1
		WHERE g.user_id = ?1 AND g.posted_at IS NOT NULL AND a.published = 1 AND c.state IN ('published', 'ended') AND s.returned_at IS NULL
		ORDER BY g.posted_at DESC, g.submission_id
		LIMIT 20`
	now := s.Now()
	rows, err := s.query(ctx, q, userID)
	return collect(rows, err, func(row consensus.Row) (f lms.Feedback, err error) {
		var a lms.Assignment
		var submitted time.Time
		var policy, zone string
		err = row.Scan(&f.CourseID, &f.CourseCode, &f.AssignmentID, &f.Title, &f.Points, &f.Possible, &f.PostedAt, &a.DueAt, &submitted, &a.GradeType, &policy, &zone)
		if err != nil {
			return f, err
		}
		a.Points = f.Possible
		rule, err := parsePolicy(policy)
		f.Score = lms.ScoreOf(a, a.GradeType, rule, zoneOf(zone), submitted, &f.Points, now)
		return f, err
	})
}

// homeGrading lists the assignments with attempts that count and that nobody has graded.
func (s *Store) homeGrading(ctx context.Context, userID string) ([]lms.DueItem, error) {
	const q = `
		SELECT c.course_id, c.code, a.assignment_id, a.title, a.due_at, count(*), a.grade_by_at, c.zone, NULL
		FROM (` + teaching + `) c
		JOIN assignments a ON a.course_id = c.course_id AND a.archived_at IS NULL
		JOIN (` + latestAttempts + `) s ON s.assignment_id = a.assignment_id
		WHERE NOT EXISTS(SELECT 1 FROM grades g WHERE g.submission_id = s.submission_id) AND a.grade_type IS NOT 'ungraded'
			AND (` + taught + `)
		GROUP BY a.assignment_id
		ORDER BY a.grade_by_at IS NULL, a.grade_by_at, a.due_at IS NULL, a.due_at, a.created_at, a.assignment_id
		LIMIT 50`
	rows, err := s.query(ctx, q, userID)
	return collect(rows, err, scanDue)
}

// homeQueue lists the questions that wait for the staff, oldest first.
func (s *Store) homeQueue(ctx context.Context, userID string) ([]lms.Question, error) {
	const q = `
		SELECT ` + questionColumns + `, '', ''
		FROM questions q
		WHERE q.course_id IN (SELECT course_id FROM (` + teaching + `)) AND q.addressee = 'staff' AND q.state = 'open'
			AND ` + notTestAuthor + `
		ORDER BY q.created_at, q.question_id
		LIMIT 50`
	rows, err := s.query(ctx, q, userID)
	return collect(rows, err, scanQuestion)
}
