package store

import (
	"context"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// The attempts that count, of active members: the one that staff have chosen, else the latest; what was returned to draft
// does not count. l.
const latestAttempts = `
	SELECT s.submission_id, s.course_id, s.assignment_id, s.user_id, s.attempt, s.text, s.submitted_at, s.log_index, s.url, s.honour, s.from_draft,
		s.returned_at, s.returned_by, s.chosen_at
	FROM submissions s
	JOIN enrolments e ON e.course_id = s.course_id AND e.user_id = s.user_id AND e.active = 1
	WHERE s.submission_id = ` + countedAttempt

// The attempt that counts, of an assignment and a student that stand between the two.
const (
	counted      = `(SELECT t.submission_id FROM submissions t WHERE t.returned_at IS NULL AND (t.assignment_id, t.user_id) = (`
	countedFirst = `) ORDER BY t.chosen_at IS NULL, t.attempt DESC LIMIT 1)`
)

// The attempt that counts of the author of s.
const countedAttempt = counted + `s.assignment_id, s.user_id` + countedFirst

// The same of ?1, who may be no member (the test student), in assignment a.
const ownAttempt = counted + `a.assignment_id, ?1` + countedFirst

// withWork adds the own work for students and the counts for staff. id is the only assignment, or empty.
func (s *Store) withWork(ctx context.Context, actor lms.Actor, sc scope, items []lms.Assignment, courseID, id string) ([]lms.Assignment, error) {
	now := s.Now()
	if sc.staff() {
		stats, err := s.stats(ctx, sc, courseID, id)
		for i, a := range items {
			st := stats[a.ID]
			items[i].Stats = &st
		}
		return items, err
	}
	student := sc.subject(actor)
	if student == "" {
		for i, a := range items {
			items[i] = visibleTo(sc, a, now)
		}
		return items, nil
	}
	work, err := s.work(ctx, student, courseID, id)
	if err != nil {
		return nil, err
	}
	rules, err := s.LateRules(ctx, courseID)
	if err != nil {
		return nil, err
	}
	overrides, section, err := s.myOverrides(ctx, courseID, student, id)
	for i, a := range items {
		a = a.For(student, section, overrides[a.ID])
		m := work[a.ID]
		w := m.Work
		w.Override = strongest(overrides[a.ID])
		policy := rules.For(a.ID)
		var raw *lms.Points
		submitted := w.SubmittedAt
		if w.Grade != nil {
			raw, submitted = &w.Grade.Points, m.graded
		}
		if w.Used > 0 {
			w.LateSeconds = lateSeconds(a.DueAt, w.SubmittedAt)
		}
		if score := lms.ScoreOf(a, a.GradeType, policy, rules.Zone, submitted, raw, now); score.Graded || score.Missing {
			w.Score = &score
		}
		if a.CheckOpen(now) == nil && !a.OnPaper {
			w.Late = policy.CostAt(a, rules.Zone, now)
		}
		items[i] = visibleTo(sc, a, now)
		items[i].Mine, items[i].LateText = &w, policy.Describe()
	}
	return items, err
}

// strongest is the override that a student is told of: the own one before the section's.
func strongest(list []lms.Override) *lms.Override {
	var found *lms.Override
	for i, o := range list {
		if found == nil || o.Target == lms.OverrideStudent {
			found = &list[i]
		}
	}
	return found
}

// lateSeconds rounds up, so that a millisecond late is not shown as on time.
func lateSeconds(due, submitted time.Time) int64 {
	late := lms.Assignment{DueAt: due}.Late(submitted)
	return int64((late + time.Second - time.Millisecond) / time.Second)
}

// ownWork is where a student stands, as far as it is read from the database.
type ownWork struct {
	lms.Work
	graded time.Time // when the attempt that has the grade was handed in
}

// ?1 student, ?2 course, ?3 the only assignment, or empty
const selectWork = `
	SELECT a.assignment_id,
		(SELECT max(attempt) FROM submissions m WHERE m.assignment_id = a.assignment_id AND m.user_id = ?1),
		(SELECT count(*) FROM submissions m WHERE m.assignment_id = a.assignment_id AND m.user_id = ?1 AND m.returned_at IS NULL),
		l.submitted_at,
		EXISTS(SELECT 1 FROM submission_files sf JOIN files f ON f.file_id = sf.file_id
			WHERE sf.submission_id = l.submission_id AND f.complete_at IS NULL),
		(SELECT saved_at FROM work_drafts w WHERE w.assignment_id = a.assignment_id AND w.user_id = ?1 AND ` + draftFilled + `),
		(SELECT question_id FROM questions x WHERE x.assignment_id = a.assignment_id AND x.author_id = ?1 AND x.state = 'open' AND x.erased_at IS NULL LIMIT 1),
		(SELECT submitted_at FROM submissions m WHERE m.submission_id = g.submission_id), a.hide_markers,
		` + gradeColumns + `
	FROM assignments a
	LEFT JOIN submissions l ON l.submission_id = ` + ownAttempt + `
	LEFT JOIN grades g ON g.submission_id = (
		SELECT h.submission_id FROM grades h JOIN submissions p ON p.submission_id = h.submission_id
		WHERE h.assignment_id = a.assignment_id AND h.user_id = ?1 AND h.posted_at IS NOT NULL AND p.returned_at IS NULL
		ORDER BY p.chosen_at IS NULL, p.attempt DESC LIMIT 1)
	WHERE a.course_id = ?2 AND (?3 = '' OR a.assignment_id = ?3)`

// work is where the student stands in the assignments of the course, except for lateness. The grade is the posted one of
// the attempt that staff have chosen, else of the latest attempt that has one.
func (s *Store) work(ctx context.Context, userID, courseID, id string) (map[string]ownWork, error) {
	rows, err := s.query(ctx, selectWork, userID, courseID, id)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	work := make(map[string]ownWork, len(rows))
	for _, row := range rows {
		var assignment string
		var w ownWork
		var waiting, hidden bool
		err := row[:9].Scan(&assignment, &w.Attempts, &w.Used, &w.SubmittedAt, &waiting, &w.DraftAt, &w.Requested, &w.graded, &hidden)
		if err != nil {
			return nil, err
		}
		if w.Used > 0 {
			sub := lms.Submission{SubmittedAt: w.SubmittedAt}
			if waiting {
				sub.Files = []lms.File{{}}
			}
			w.State = sub.StateAt(now)
		}
		if w.Grade, err = scanGrade(row[9:], false); err != nil {
			return nil, err
		}
		if w.Grade != nil && hidden {
			w.Grade.By = ""
		}
		work[assignment] = w
	}
	return work, nil
}

// The counts of an assignment a with its latest attempts l and their grades g. ?2 JSON list of the sections that the reader is
// limited to, or empty
const statsColumns = `a.assignment_id,
	(SELECT count(*) FROM enrolments e WHERE e.course_id = a.course_id AND e.active = 1 AND e.role = 'student'
		AND (?2 = '' OR e.section_id IN (SELECT value FROM json_each(?2)))),
	count(l.submission_id),
	count(l.submission_id) - count(g.submission_id),
	(SELECT count(*) FROM grades d WHERE d.assignment_id = a.assignment_id AND d.posted_version IS NOT d.version
		AND EXISTS(SELECT 1 FROM enrolments e WHERE e.course_id = d.course_id AND e.user_id = d.user_id
			AND (?2 = '' OR e.section_id IN (SELECT value FROM json_each(?2)))))`

// stats counts the work in the assignments of the course, or in one of them.
func (s *Store) stats(ctx context.Context, sc scope, courseID, id string) (map[string]lms.AssignmentStats, error) {
	// Two statements, so that the one for a single assignment reads no more than its attempts.
	const all = `
		SELECT ` + statsColumns + `
		FROM assignments a
		LEFT JOIN (` + latestAttempts + ` AND s.course_id = ?1 AND (?2 = '' OR e.section_id IN (SELECT value FROM json_each(?2)))) l ON l.assignment_id = a.assignment_id
		LEFT JOIN grades g ON g.submission_id = l.submission_id
		WHERE a.course_id = ?1
		GROUP BY a.assignment_id`
	const single = `
		SELECT ` + statsColumns + `
		FROM assignments a
		LEFT JOIN (` + latestAttempts + ` AND s.assignment_id = ?1 AND (?2 = '' OR e.section_id IN (SELECT value FROM json_each(?2)))) l ON l.assignment_id = a.assignment_id
		LEFT JOIN grades g ON g.submission_id = l.submission_id
		WHERE a.assignment_id = ?1
		GROUP BY a.assignment_id`
	var rows []consensus.Row
	var err error
	if id == "" {
		rows, err = s.query(ctx, all, courseID, sc.sections)
	} else {
		rows, err = s.query(ctx, single, id, sc.sections)
	}
	if err != nil {
		return nil, err
	}
	stats := make(map[string]lms.AssignmentStats, len(rows))
	for _, row := range rows {
		var assignment string
		var st lms.AssignmentStats
		if err := row.Scan(&assignment, &st.Students, &st.Submitted, &st.Ungraded, &st.Unposted); err != nil {
			return nil, err
		}
		stats[assignment] = st
	}
	return stats, nil
}

// The grade of a submission; g may be NULL.
const (
	gradeColumns = `g.version, g.draft_points, g.draft_feedback, (SELECT name FROM users WHERE user_id = g.draft_by), g.draft_at,
	g.draft_grade, g.draft_marks, g.posted_version, g.posted_points, g.posted_feedback, (SELECT name FROM users WHERE user_id = g.posted_by),
	g.posted_changed_at, g.posted_at, g.posted_grade, g.posted_marks, g.revised_at`
	gradeWidth = 16
)

// scanGrade reads what staff or a student may see of a grade: the draft, or what was posted last. A draft that was
// changed after it was posted counts as not posted.
func scanGrade(row consensus.Row, staff bool) (*lms.Grade, error) {
	var draft, posted lms.Grade
	var draftMarks, postedMarks string
	err := row[:gradeWidth].Scan(&draft.Version, &draft.Points, &draft.Feedback, &draft.By, &draft.ChangedAt, &draft.Grade, &draftMarks,
		&posted.Version, &posted.Points, &posted.Feedback, &posted.By, &posted.ChangedAt, &posted.PostedAt, &posted.Grade, &postedMarks, &posted.RevisedAt)
	switch {
	case err != nil:
		return nil, err
	case staff && draft.Version > 0:
		if posted.Version == draft.Version {
			draft.PostedAt, draft.RevisedAt = posted.PostedAt, posted.RevisedAt
		}
		draft.Marks, err = parseMarks(draftMarks)
		return &draft, err
	case !staff && posted.Version > 0:
		posted.Marks, err = parseMarks(postedMarks)
		return &posted, err
	}
	return nil, nil
}
