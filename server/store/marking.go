package store

import (
	"context"

	"trivium/app/lms"
	"trivium/consensus"
)

var errTypeUsed = lms.FieldErrorf(lms.KindRule, "gradeType", "Work in this assignment has grades already, so their kind stays as it is.")

// ?1 course, ?2 assignment
const selectMarking = `
	SELECT a.assignment_id, coalesce(a.grade_type, 'points'), coalesce(m.posting, 'manual'), m.opened_at IS NOT NULL, m.rubric_id,
		coalesce(m.rubric_shown, 0), coalesce(m.version, 0), ` + blindNow + `
	FROM assignments a LEFT JOIN markings m ON m.assignment_id = a.assignment_id
	WHERE a.course_id = ?1 AND a.assignment_id = ?2`

func scanMarking(row consensus.Row) (m lms.Marking, err error) {
	return m, row.Scan(&m.AssignmentID, &m.GradeType, &m.Posting, &m.Open, &m.RubricID, &m.RubricShown, &m.Version, &m.Blind)
}

// Marking tells how an assignment is marked: staff all of it, others what kind its grades are and the rubric, if it is shown.
func (s *Store) Marking(ctx context.Context, actor lms.Actor, courseID, assignmentID string) (lms.Marking, error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err != nil {
		return lms.Marking{}, err
	}
	if !sc.staff() {
		if _, err := s.Assignment(ctx, actor, courseID, assignmentID); err != nil {
			return lms.Marking{}, err
		}
	}
	rows, err := s.query(ctx, selectMarking, courseID, assignmentID)
	m, err := one(rows, err, scanMarking)
	if err != nil {
		return m, err
	}
	if !sc.staff() {
		m = lms.Marking{AssignmentID: m.AssignmentID, GradeType: m.GradeType, RubricID: m.RubricID, RubricShown: m.RubricShown}
		if !m.RubricShown {
			m.RubricID = ""
		}
	}
	return s.withMarking(ctx, courseID, m, sc.staff())
}

// withMarking adds the rubric, and for staff the sections.
func (s *Store) withMarking(ctx context.Context, courseID string, m lms.Marking, staff bool) (lms.Marking, error) {
	if m.RubricID != "" {
		rows, err := s.query(ctx, selectRubric, courseID, m.RubricID)
		r, err := one(rows, err, scanRubric)
		if err != nil {
			return m, err
		}
		if !staff {
			r.Uses, r.Graded = 0, 0
		}
		m.Rubric = &r
	}
	if !staff {
		return m, nil
	}
	if m.GradeType == lms.GradeLetter {
		settings, err := s.bookSettings(ctx, courseID)
		if err != nil {
			return m, err
		}
		m.Letters = settings.Scale()
	}
	rows, err := s.query(ctx, `SELECT section_id, course_id, title, version FROM sections WHERE course_id = ?1 AND archived_at IS NULL ORDER BY position, section_id`, courseID)
	m.Sections, err = collect(rows, err, func(row consensus.Row) (sec lms.Section, err error) {
		return sec, row.Scan(&sec.ID, &sec.CourseID, &sec.Title, &sec.Version)
	})
	return m, err
}

// UpdateMarking changes how an assignment is marked, if it still has the version. Turning automatic posting on posts
// nothing that is there: only what is saved from then on.
func (s *Store) UpdateMarking(ctx context.Context, actor lms.Actor, courseID string, m lms.Marking) (lms.Marking, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM assignments WHERE course_id = ? AND assignment_id = ?)`, courseID, m.AssignmentID)
	b.Require(lms.ErrStale, `coalesce((SELECT version FROM markings WHERE assignment_id = ?1), 0) = ?2`, m.AssignmentID, m.Version)
	if m.RubricID != "" {
		b.Require(errRubricGone, `EXISTS(SELECT 1 FROM rubrics WHERE course_id = ?1 AND rubric_id = ?2
			AND (archived_at IS NULL OR EXISTS(SELECT 1 FROM markings WHERE assignment_id = ?3 AND rubric_id = ?2)))`, courseID, m.RubricID, m.AssignmentID)
	}
	if m.GradeType != "" {
		b.Require(errTypeUsed, `EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ?1 AND coalesce(grade_type, 'points') = ?2)
			OR NOT EXISTS(SELECT 1 FROM grades WHERE assignment_id = ?1)`, m.AssignmentID, m.GradeType)
		b.Exec(`UPDATE assignments SET grade_type = ?2 WHERE assignment_id = ?1 AND coalesce(grade_type, 'points') <> ?2`, m.AssignmentID, m.GradeType)
	}
	b.Exec(`
		INSERT INTO markings (assignment_id, course_id, posting, rubric_id, rubric_shown, version) VALUES (?1, ?2, ?3, ?4, ?5, 1)
		ON CONFLICT (assignment_id) DO UPDATE SET posting = ?3, rubric_id = ?4, rubric_shown = ?5, version = version + 1`,
		m.AssignmentID, courseID, m.Posting, nullable(m.RubricID), m.RubricShown)
	audit(ctx, &b, actor, lms.AuditMarking, "assignment/"+m.AssignmentID, "course", courseID, "posting", string(m.Posting), "rubric", m.RubricID)
	b.Return(selectMarking, courseID, m.AssignmentID)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	if m, err = returned(res, err, scanMarking); err != nil {
		return m, err
	}
	return s.withMarking(ctx, courseID, m, true)
}
