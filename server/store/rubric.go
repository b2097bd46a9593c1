package store

import (
	"context"
	"encoding/json"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errRubricExists = lms.FieldErrorf(lms.KindConflict, "id", "This rubric exists already. Load the list of rubrics again.")
	errRubricGone   = lms.FieldErrorf(lms.KindRule, "rubricId", "This rubric is not in the course any more. Choose another one.")
)

// A rubric r in the version v.
const rubricColumns = `r.rubric_id, r.course_id, v.body, r.updated_at, r.archived_at, v.version`

// The counts of a rubric r.
const rubricCounts = `
	(SELECT count(*) FROM markings m WHERE m.rubric_id = r.rubric_id),
	(SELECT count(*) FROM grades g WHERE g.course_id = r.course_id AND json_extract(g.draft_marks, '$.rubricId') = r.rubric_id)`

const selectRubric = `
	SELECT ` + rubricColumns + `, ` + rubricCounts + `
	FROM rubrics r JOIN rubric_versions v ON v.rubric_id = r.rubric_id AND v.version = r.version
	WHERE r.course_id = ?1 AND r.rubric_id = ?2`

// rubricBody is what a version holds.
type rubricBody struct {
	Title      string          `json:"title"`
	FreePoints bool            `json:"freePoints"`
	Criteria   []lms.Criterion `json:"criteria"`
}

func bodyOf(r lms.Rubric) (string, error) {
	text, err := json.Marshal(rubricBody{r.Title, r.FreePoints, r.Criteria})
	return string(text), err
}

func scanRubricVersion(row consensus.Row) (r lms.Rubric, err error) {
	var body string
	if err = row.Scan(&r.ID, &r.CourseID, &body, &r.UpdatedAt, &r.ArchivedAt, &r.Version); err != nil {
		return r, err
	}
	var b rubricBody
	err = json.Unmarshal([]byte(body), &b)
	r.Title, r.FreePoints, r.Criteria = b.Title, b.FreePoints, b.Criteria
	return r, err
}

func scanRubric(row consensus.Row) (lms.Rubric, error) {
	const columns = 6
	r, err := scanRubricVersion(row[:columns])
	if err != nil {
		return r, err
	}
	return r, row[columns:].Scan(&r.Uses, &r.Graded)
}

// rubricVersion reads one version of a rubric of the course.
func (s *Store) rubricVersion(ctx context.Context, courseID, id string, version int64) (lms.Rubric, error) {
	const q = `
		SELECT ` + rubricColumns + `
		FROM rubrics r JOIN rubric_versions v ON v.rubric_id = r.rubric_id
		WHERE r.course_id = ?1 AND r.rubric_id = ?2 AND v.version = ?3`
	rows, err := s.query(ctx, q, courseID, id, version)
	r, err := one(rows, err, scanRubricVersion)
	if lms.KindOf(err) == lms.KindNotFound {
		err = lms.FieldErrorf(lms.KindRule, "marks", "The rubric has no such version. Reload the page.")
	}
	return r, err
}

// Rubrics lists the rubrics of the course by title, for staff.
func (s *Store) Rubrics(ctx context.Context, actor lms.Actor, courseID string) ([]lms.Rubric, error) {
	if _, err := s.staffScope(ctx, actor, courseID); err != nil {
		return nil, err
	}
	const q = `
		SELECT ` + rubricColumns + `, ` + rubricCounts + `
		FROM rubrics r JOIN rubric_versions v ON v.rubric_id = r.rubric_id AND v.version = r.version
		WHERE r.course_id = ?1 AND r.archived_at IS NULL
		ORDER BY r.title, r.rubric_id
		LIMIT 200`
	rows, err := s.query(ctx, q, courseID)
	return collect(rows, err, scanRubric)
}

// Rubric returns the newest version of a rubric, for staff.
func (s *Store) Rubric(ctx context.Context, actor lms.Actor, courseID, id string) (lms.Rubric, error) {
	if _, err := s.staffScope(ctx, actor, courseID); err != nil {
		return lms.Rubric{}, err
	}
	rows, err := s.query(ctx, selectRubric, courseID, id)
	return one(rows, err, scanRubric)
}

// CreateRubric adds a rubric to the course.
func (s *Store) CreateRubric(ctx context.Context, actor lms.Actor, r lms.Rubric) (lms.Rubric, error) {
	body, err := bodyOf(r)
	if err != nil {
		return lms.Rubric{}, err
	}
	var b consensus.Batch
	requireWrite(&b, actor, r.CourseID, lms.StaffOfCourse)
	b.Require(errRubricExists, `NOT EXISTS(SELECT 1 FROM rubrics WHERE rubric_id = ?)`, r.ID)
	b.Exec(`INSERT INTO rubrics (rubric_id, course_id, title, created_by, created_at, updated_at, version) VALUES (?1, ?2, ?3, ?4, ?5, ?5, 1)`,
		r.ID, r.CourseID, r.Title, actor.UserID, consensus.Stamp{})
	b.Exec(`INSERT INTO rubric_versions (rubric_id, version, body, created_by, created_at) VALUES (?1, 1, ?2, ?3, ?4)`,
		r.ID, body, actor.UserID, consensus.Stamp{})
	b.Return(selectRubric, r.CourseID, r.ID)
	b.Notify(topicCourse(r.CourseID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanRubric)
}

// UpdateRubric makes a new version of a rubric if it still has the version. Work that was graded keeps the version it was
// graded with until staff apply the new one; work that was not is graded with the new one.
func (s *Store) UpdateRubric(ctx context.Context, actor lms.Actor, r lms.Rubric) (lms.Rubric, error) {
	body, err := bodyOf(r)
	if err != nil {
		return lms.Rubric{}, err
	}
	var b consensus.Batch
	requireWrite(&b, actor, r.CourseID, lms.StaffOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM rubrics WHERE course_id = ? AND rubric_id = ? AND archived_at IS NULL)`, r.CourseID, r.ID)
	b.Require(lms.ErrStale, `EXISTS(SELECT 1 FROM rubrics WHERE rubric_id = ? AND version = ?)`, r.ID, r.Version)
	b.Exec(`UPDATE rubrics SET title = ?2, updated_at = ?3, version = version + 1 WHERE rubric_id = ?1`, r.ID, r.Title, consensus.Stamp{})
	b.Exec(`
		INSERT INTO rubric_versions (rubric_id, version, body, created_by, created_at)
		SELECT rubric_id, version, ?2, ?3, ?4 FROM rubrics WHERE rubric_id = ?1`, r.ID, body, actor.UserID, consensus.Stamp{})
	b.Return(selectRubric, r.CourseID, r.ID)
	b.Notify(topicCourse(r.CourseID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanRubric)
}

// ArchiveRubric takes a rubric off the list, or puts it back within 30 days. Assignments and work that have it keep it.
func (s *Store) ArchiveRubric(ctx context.Context, actor lms.Actor, courseID, id string, archive bool) (lms.Rubric, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.StaffOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM rubrics WHERE course_id = ? AND rubric_id = ?)`, courseID, id)
	if archive {
		b.Exec(`UPDATE rubrics SET archived_at = ?2 WHERE rubric_id = ?1 AND archived_at IS NULL`, id, consensus.Stamp{})
	} else {
		b.Require(errUndoOver, `EXISTS(SELECT 1 FROM rubrics WHERE rubric_id = ?1 AND (archived_at IS NULL OR archived_at >= ?2 - ?3))`,
			id, consensus.Stamp{}, undoWindow.Milliseconds())
		b.Exec(`UPDATE rubrics SET archived_at = NULL WHERE rubric_id = ?`, id)
	}
	b.Return(selectRubric, courseID, id)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanRubric)
}
