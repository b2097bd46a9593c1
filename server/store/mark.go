package store

import (
	"context"
	"encoding/json"
	"fmt"

	"trivium/app/lms"
	"trivium/consensus"
)

var errHasGrade = lms.FieldErrorf(lms.KindRule, "points", "This work has a grade. Write another one, or hide it from the student.")

// marked is what decides how a grade is read.
type marked struct {
	assignment string
	possible   lms.Points
	gradeType  lms.GradeType
	scale      []lms.Letter
	rules      int64 // version of the course's rules, which the scale is of
}

func (s *Store) marked(ctx context.Context, courseID, submissionID string) (marked, error) {
	const q = `
		SELECT a.assignment_id, a.points, coalesce(a.grade_type, 'points')
		FROM submissions s JOIN assignments a ON a.assignment_id = s.assignment_id
		WHERE s.submission_id = ?1 AND s.course_id = ?2`
	rows, err := s.query(ctx, q, submissionID, courseID)
	m, err := one(rows, err, func(row consensus.Row) (m marked, err error) {
		return m, row.Scan(&m.assignment, &m.possible, &m.gradeType)
	})
	if err != nil {
		return m, err
	}
	settings, err := s.bookSettings(ctx, courseID)
	m.scale, m.rules = settings.Scale(), settings.Version
	return m, err
}

// resolved is an entry as it is stored.
type resolved struct {
	scored bool
	points lms.Points
	grade  any // as it is shown; NULL for points
	marks  any // JSON
}

// resolve reads what the marker typed in the words of the assignment's grade type.
func (s *Store) resolve(ctx context.Context, courseID string, m marked, e lms.GradeEntry) (r resolved, err error) {
	total, complete := lms.Points(0), false
	if e.Marks != nil {
		rubric, err := s.rubricVersion(ctx, courseID, e.Marks.RubricID, e.Marks.Version)
		if err == nil {
			err = rubric.Check(*e.Marks)
		}
		if err != nil {
			return r, err
		}
		total, complete = rubric.Total(*e.Marks)
		text, err := json.Marshal(e.Marks)
		if err != nil {
			return r, err
		}
		r.marks = string(text)
	}
	shown := ""
	r.scored, r.points = true, e.Points
	switch {
	case e.Typed == nil && m.gradeType != lms.GradePoints:
		shown = m.gradeType.Show(e.Points, m.possible, m.scale)
	case e.Typed == nil:
	case *e.Typed != "":
		r.points, shown, err = m.gradeType.Parse(*e.Typed, m.possible, m.scale)
	case complete && m.gradeType != lms.GradeUngraded:
		r.points = total
		if m.gradeType != lms.GradePoints {
			shown = m.gradeType.Show(total, m.possible, m.scale)
		}
	default:
		r.scored = false
	}
	if err == nil && r.scored && m.gradeType == lms.GradeUngraded {
		_, _, err = m.gradeType.Parse("", 0, nil)
	}
	if err == nil && r.scored {
		err = lms.Assignment{Points: m.possible}.CheckPoints(r.points, e.AllowAbove)
	}
	r.grade = nullable(shown)
	return r, err
}

// requireScale demands that the letters that a grade was read with are still those of the course.
func requireScale(b *consensus.Batch, courseID string, t lms.GradeType, rules int64) {
	if t == lms.GradeLetter {
		b.Require(lms.ErrStale, `coalesce((SELECT version FROM book_settings WHERE course_id = ?1), 0) = ?2`, courseID, rules)
	}
}

// Mark saves a draft grade, or the beginning of one, if it still has the version (0: there is none yet). The student sees
// nothing of it until it is posted; where posting is automatic and the marker is done, it is posted with it. If an earlier
// value was posted, the student goes on seeing that one.
func (s *Store) Mark(ctx context.Context, actor lms.Actor, courseID, submissionID string, e lms.GradeEntry) (lms.Grade, error) {
	if err := s.staffReach(ctx, actor, courseID, submissionID); err != nil {
		return lms.Grade{}, err
	}
	m, err := s.marked(ctx, courseID, submissionID)
	if err != nil {
		return lms.Grade{}, err
	}
	r, err := s.resolve(ctx, courseID, m, e)
	if err != nil {
		return lms.Grade{}, err
	}
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.StaffOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM submissions WHERE submission_id = ? AND course_id = ?)`, submissionID, courseID)
	requireReachOf(&b, actor, courseID, submissionID)
	b.Require(lms.ErrStale, `coalesce((SELECT version FROM grades WHERE submission_id = ?1),
		(SELECT version FROM grade_beginnings WHERE submission_id = ?1), 0) = ?2`, submissionID, e.Version)
	if !r.scored {
		return s.beginGrade(ctx, &b, actor, courseID, submissionID, e, r)
	}
	// What the points were read with is still so.
	b.Require(lms.ErrStale, `EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ?1 AND points = ?2 AND coalesce(grade_type, 'points') = ?3)`,
		m.assignment, m.possible, m.gradeType)
	requireScale(&b, courseID, m.gradeType, m.rules)
	b.Exec(`
		INSERT INTO grade_changes (submission_id, kind, changed_by, changed_at, old_points, old_feedback, old_grade, new_points, new_feedback, new_grade)
		SELECT s.submission_id, 'draft', ?2, ?3, g.draft_points, g.draft_feedback, g.draft_grade, ?4, ?5, ?6
		FROM submissions s
		LEFT JOIN grades g ON g.submission_id = s.submission_id
		WHERE s.submission_id = ?1`,
		submissionID, actor.UserID, consensus.Stamp{}, r.points, e.Feedback, r.grade)
	b.Exec(`
		INSERT INTO grades (submission_id, course_id, assignment_id, user_id, draft_points, draft_feedback, draft_by, draft_at, draft_grade, draft_marks, version)
		SELECT submission_id, course_id, assignment_id, user_id, ?2, ?3, ?4, ?6, ?7, ?8,
			`+gradeFirst+`
		FROM submissions s WHERE submission_id = ?1
		ON CONFLICT (submission_id) DO UPDATE SET draft_points = ?2, draft_feedback = ?3, draft_by = ?4, draft_at = ?6, draft_grade = ?7,
			draft_marks = ?8, version = version + 1`,
		submissionID, r.points, e.Feedback, actor.UserID, consensus.Index{}, consensus.Stamp{}, r.grade, r.marks)
	b.Exec(`DELETE FROM grade_beginnings WHERE submission_id = ?`, submissionID)
	if !e.Draft {
		postDrafts(&b, actor, courseID, m.assignment, lms.PostScope{Submissions: []string{submissionID}}, true)
	}
	audit(ctx, &b, actor, lms.AuditGradeSave, "submission/"+submissionID, "course", courseID, "points", r.points.String())
	b.Return(selectGrade, submissionID)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	if err != nil {
		return lms.Grade{}, s.explainGrade(ctx, err, submissionID)
	}
	g, err := returned(res, nil, scanDraft)
	if err == nil {
		err = s.fillRubrics(ctx, courseID, &g)
	}
	return g, err
}

// gradeFirst is the version with which the grade of submission s begins, after its change was noted; ?5 index. One that follows
// a grade that was taken away begins with the place of its write in the log, which is above all that the other one had: who
// still looks at that one must not overwrite this.
const gradeFirst = `iif((SELECT count(*) FROM (SELECT 1 FROM grade_changes gc WHERE gc.submission_id = s.submission_id LIMIT 2)) > 1, ?5,
	coalesce((SELECT gb.version FROM grade_beginnings gb WHERE gb.submission_id = s.submission_id), 0) + 1)`

// beginGrade keeps feedback and a rubric without a grade, so that nothing a marker has written is lost. The work still
// counts as not graded.
func (s *Store) beginGrade(ctx context.Context, b *consensus.Batch, actor lms.Actor, courseID, submissionID string, e lms.GradeEntry, r resolved) (lms.Grade, error) {
	b.Require(errHasGrade, `NOT EXISTS(SELECT 1 FROM grades WHERE submission_id = ?)`, submissionID)
	b.Exec(`
		INSERT INTO grade_beginnings (submission_id, course_id, feedback, marks, changed_by, changed_at, version)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, iif(EXISTS(SELECT 1 FROM grade_changes WHERE submission_id = ?1), ?7, 1))
		ON CONFLICT (submission_id) DO UPDATE SET feedback = ?3, marks = ?4, changed_by = ?5, changed_at = ?6, version = version + 1`,
		submissionID, courseID, e.Feedback, r.marks, actor.UserID, consensus.Stamp{}, consensus.Index{})
	b.Return(`SELECT `+beginningColumns+` FROM (SELECT ?1 AS submission_id) s LEFT JOIN grade_beginnings n ON n.submission_id = s.submission_id`, submissionID)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, b)
	if err != nil {
		return lms.Grade{}, s.explainGrade(ctx, err, submissionID)
	}
	g, err := returned(res, nil, func(row consensus.Row) (lms.Grade, error) {
		g, err := scanBeginning(row)
		if g == nil {
			return lms.Grade{}, err
		}
		return *g, err
	})
	if err == nil {
		err = s.fillRubrics(ctx, courseID, &g)
	}
	return g, err
}

// The beginning of a grade; n may be NULL.
const beginningColumns = `n.version, n.feedback, (SELECT name FROM users WHERE user_id = n.changed_by), n.changed_at, n.marks`

func scanBeginning(row consensus.Row) (*lms.Grade, error) {
	g := lms.Grade{Begun: true}
	var marks string
	if err := row.Scan(&g.Version, &g.Feedback, &g.By, &g.ChangedAt, &marks); err != nil || g.Version == 0 {
		return nil, err
	}
	var err error
	g.Marks, err = parseMarks(marks)
	return &g, err
}

func parseMarks(text string) (*lms.Marks, error) {
	if text == "" {
		return nil, nil
	}
	var m lms.Marks
	if err := json.Unmarshal([]byte(text), &m); err != nil {
		return nil, fmt.Errorf("marks in a row: %w", err)
	}
	return &m, nil
}

// fillRubrics puts the version of the rubric that each grade was given with beside it.
func (s *Store) fillRubrics(ctx context.Context, courseID string, grades ...*lms.Grade) error {
	known := map[string]*lms.Rubric{}
	for _, g := range grades {
		if g == nil || g.Marks == nil {
			continue
		}
		key := fmt.Sprintf("%s/%d", g.Marks.RubricID, g.Marks.Version)
		if known[key] == nil {
			r, err := s.rubricVersion(ctx, courseID, g.Marks.RubricID, g.Marks.Version)
			if err != nil {
				return err
			}
			known[key] = &r
		}
		g.Rubric = known[key]
	}
	return nil
}

// GradeHistory lists who changed and posted the grade of a submission, oldest first, for staff.
func (s *Store) GradeHistory(ctx context.Context, actor lms.Actor, courseID, submissionID string) ([]lms.GradeChange, error) {
	if err := s.staffReach(ctx, actor, courseID, submissionID); err != nil {
		return nil, err
	}
	if n, err := s.number(ctx, `SELECT count(*) FROM submissions WHERE submission_id = ?1 AND course_id = ?2`, submissionID, courseID); err != nil || n == 0 {
		return nil, orNotFound(err)
	}
	const q = `
		SELECT c.kind = 'posted', (SELECT name FROM users WHERE user_id = c.changed_by), c.changed_at,
			c.old_points IS NOT NULL, c.old_points, c.old_feedback, c.old_grade, c.new_points, c.new_feedback, c.new_grade
		FROM grade_changes c
		WHERE c.submission_id = ?1
		ORDER BY c.grade_change_id`
	rows, err := s.query(ctx, q, submissionID)
	return collect(rows, err, func(row consensus.Row) (c lms.GradeChange, err error) {
		var hadOld bool
		var old lms.Points
		err = row.Scan(&c.Posted, &c.By, &c.At, &hadOld, &old, &c.OldFeedback, &c.OldGrade, &c.NewPoints, &c.NewFeedback, &c.NewGrade)
		if hadOld {
			c.OldPoints = &old
		}
		return c, err
	})
}

// orNotFound is the error, or that nothing was found.
func orNotFound(err error) error {
	if err == nil {
		return lms.ErrNotFound
	}
	return err
}
