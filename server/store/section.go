package store

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errSectionExists  = lms.FieldErrorf(lms.KindConflict, "id", "This section exists already. Load the list of sections again.")
	errSectionTitle   = lms.FieldErrorf(lms.KindConflict, "title", "The course has a section of this name. Choose another name, or restore the archived one.")
	errSectionUnknown = lms.FieldErrorf(lms.KindRule, "section", "The course has no such section, or it is archived.")
	errSectionHolds   = lms.Errorf(lms.KindConflict, "This section has members.")
	errSectionOrder   = lms.Errorf(lms.KindConflict, "The sections have changed meanwhile. Look at the new list and order it again.")
	errNotMembers     = lms.FieldErrorf(lms.KindRule, "users", "Somebody among these is no member of the course. Load the list again.")
)

const sectionColumns = `x.section_id, x.course_id, x.title, x.archived_at, x.version,
	(SELECT count(*) FROM enrolments e WHERE e.section_id = x.section_id AND e.course_id = x.course_id AND e.active = 1)`

// ?1 course, ?2 section
const (
	selectSection = `SELECT ` + sectionColumns + ` FROM sections x WHERE x.course_id = ?1 AND x.section_id = ?2`
	sectionThere  = `EXISTS(SELECT 1 FROM sections WHERE course_id = ?1 AND section_id = ?2)`
	sectionOpen   = `EXISTS(SELECT 1 FROM sections WHERE course_id = ?1 AND section_id = ?2 AND archived_at IS NULL)`
)

// ?1 course, ?2 section, ?3 title: no other section has the title. Titles are compared without case.
const sectionTitleFree = `NOT EXISTS(SELECT 1 FROM sections WHERE course_id = ?1 AND section_id <> ?2 AND lower(title) = lower(?3))`

func scanSection(row consensus.Row) (x lms.Section, err error) {
	return x, row.Scan(&x.ID, &x.CourseID, &x.Title, &x.ArchivedAt, &x.Version, &x.Members)
}

// tidy is a title as it is stored: without space around it and without runs of spaces.
func tidy(title string) string { return strings.Join(strings.Fields(title), " ") }

// Sections lists the sections of a course in their order. Archived ones and the numbers of members are for staff.
func (s *Store) Sections(ctx context.Context, actor lms.Actor, courseID string) ([]lms.Section, error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err != nil {
		return nil, err
	}
	const q = `SELECT ` + sectionColumns + ` FROM sections x WHERE x.course_id = ?1 AND (?2 OR x.archived_at IS NULL)
		ORDER BY x.archived_at IS NOT NULL, x.position, x.section_id`
	rows, err := s.query(ctx, q, courseID, sc.staff())
	items, err := collect(rows, err, scanSection)
	for i := range items {
		if !sc.staff() {
			items[i].Members = 0
		}
	}
	return items, err
}

// CreateSection adds a section behind the others.
func (s *Store) CreateSection(ctx context.Context, actor lms.Actor, x lms.Section) (lms.Section, error) {
	x.Title = tidy(x.Title)
	var b consensus.Batch
	requireWrite(&b, actor, x.CourseID, lms.InstructorOfCourse)
	b.Require(errSectionExists, `NOT EXISTS(SELECT 1 FROM sections WHERE section_id = ?1)`, x.ID)
	b.Require(errSectionTitle, sectionTitleFree, x.CourseID, x.ID, x.Title)
	b.Exec(`
		INSERT INTO sections (section_id, course_id, title, position, created_at, version)
		SELECT ?2, ?1, ?3, (SELECT coalesce(max(position), 0) + 1 FROM sections WHERE course_id = ?1), ?4, 1`, x.CourseID, x.ID, x.Title, consensus.Stamp{})
	return s.sectionSaved(ctx, &b, actor, x.CourseID, x.ID, "created")
}

// UpdateSection renames, archives or restores a section if it still has the version. Members of an archived section stay in it.
func (s *Store) UpdateSection(ctx context.Context, actor lms.Actor, courseID, id string, title *string, archived *bool, version int64) (lms.Section, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(lms.ErrNotFound, sectionThere, courseID, id)
	b.Require(lms.ErrStale, `EXISTS(SELECT 1 FROM sections WHERE section_id = ?1 AND version = ?2)`, id, version)
	if title != nil {
		*title = tidy(*title)
		b.Require(errSectionTitle, sectionTitleFree, courseID, id, *title)
	}
	b.Exec(`
		UPDATE sections SET title = coalesce(?2, title), version = version + 1,
			archived_at = CASE WHEN ?3 IS NULL THEN archived_at WHEN ?3 THEN coalesce(archived_at, ?4) ELSE NULL END
		WHERE section_id = ?1`, id, opt(title), opt(archived), consensus.Stamp{})
	what := "renamed"
	if archived != nil {
		what = map[bool]string{true: "archived", false: "restored"}[*archived]
	}
	return s.sectionSaved(ctx, &b, actor, courseID, id, what)
}

func (s *Store) sectionSaved(ctx context.Context, b *consensus.Batch, actor lms.Actor, courseID, id, what string) (lms.Section, error) {
	audit(ctx, b, actor, lms.AuditSection, "course/"+courseID, "section", id, "done", what)
	b.Return(selectSection, courseID, id)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, b)
	return returned(res, err, scanSection)
}

// OrderSections puts the sections that are not archived into the order of the ids, which must name each of them once.
func (s *Store) OrderSections(ctx context.Context, actor lms.Actor, courseID string, ids []string) error {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(errSectionOrder, `(SELECT count(*) FROM sections WHERE course_id = ?1 AND archived_at IS NULL) = json_array_length(?2)
		AND NOT EXISTS(SELECT 1 FROM sections WHERE course_id = ?1 AND archived_at IS NULL AND section_id NOT IN (SELECT value FROM json_each(?2)))`, courseID, list(ids))
	b.Exec(`UPDATE sections SET position = (SELECT j.key + 1 FROM json_each(?2) j WHERE j.value = section_id)
		WHERE course_id = ?1 AND section_id IN (SELECT value FROM json_each(?2))`, courseID, list(ids))
	b.Notify(topicCourse(courseID))
	_, err := s.apply(ctx, &b)
	return err
}

// ?1 section: what a section holds
const (
	sectionMembers   = `(SELECT count(*) FROM enrolments WHERE section_id = ?1)`
	sectionStaff     = `(SELECT count(*) FROM staff_sections WHERE section_id = ?1)`
	sectionOverrides = `(SELECT count(*) FROM overrides WHERE target = 'section' AND target_id = ?1)`
)

// DeleteSection removes a section that holds nothing. One that has members, assistants or dates of its own is kept: it can be archived.
func (s *Store) DeleteSection(ctx context.Context, actor lms.Actor, courseID, id string) error {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(lms.ErrNotFound, sectionThere, courseID, id)
	b.Require(errSectionHolds, sectionMembers+` + `+sectionStaff+` + `+sectionOverrides+` = 0`, id)
	b.Exec(`DELETE FROM sections WHERE section_id = ?1`, id)
	audit(ctx, &b, actor, lms.AuditSection, "course/"+courseID, "section", id, "done", "deleted")
	b.Notify(topicCourse(courseID))
	_, err := s.apply(ctx, &b)
	if errors.Is(err, errSectionHolds) {
		return s.explainSection(ctx, id)
	}
	return err
}

// explainSection says what a section holds.
func (s *Store) explainSection(ctx context.Context, id string) error {
	rows, err := s.query(ctx, `SELECT `+sectionMembers+`, `+sectionStaff+`, `+sectionOverrides, id)
	counts, err := one(rows, err, func(row consensus.Row) (n [3]int, err error) {
		return n, row.Scan(&n[0], &n[1], &n[2])
	})
	if err != nil {
		return err
	}
	var holds []string
	for i, words := range [][2]string{{"member", "members"}, {"assistant who is limited to it", "assistants who are limited to it"}, {"date of its own", "dates of its own"}} {
		switch n := counts[i]; {
		case n == 1:
			holds = append(holds, "1 "+words[0])
		case n > 1:
			holds = append(holds, fmt.Sprintf("%d %s", n, words[1]))
		}
	}
	return lms.Errorf(lms.KindConflict, "This section has %s and is not deleted. Archive it instead: it disappears from the lists, and everything is kept.",
		strings.Join(holds, ", "))
}

// AssignSection puts members into a section; an empty section takes them out of theirs. It returns how many were moved.
func (s *Store) AssignSection(ctx context.Context, actor lms.Actor, courseID, sectionID string, users []string) (int, error) {
	ids := list(users)
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	if sectionID != "" {
		b.Require(errSectionUnknown, sectionOpen, courseID, sectionID)
	}
	b.Require(errNotMembers, `NOT EXISTS(SELECT 1 FROM json_each(?2) j WHERE NOT EXISTS(SELECT 1 FROM enrolments WHERE course_id = ?1 AND user_id = j.value))`, courseID, ids)
	b.Exec(`UPDATE enrolments SET section_id = nullif(?3, '') WHERE course_id = ?1 AND user_id IN (SELECT value FROM json_each(?2)) AND section_id IS NOT nullif(?3, '')`,
		courseID, ids, sectionID)
	audit(ctx, &b, actor, lms.AuditMemberSection, "course/"+courseID, "section", sectionID, "members", strings.Join(users, " "))
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	if err != nil || len(res.Changed) == 0 {
		return 0, err
	}
	return int(res.Changed[0]), nil
}
