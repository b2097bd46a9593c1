package store

import (
	"context"

	"trivium/consensus"
)

// When those who are not staff see what is in a course (CONTENT-1, UX principle 6). Every read of a material or an assignment
// by a student or an observer compares one of these with the time; nothing else decides it.
const (
	// From when on members see a material m; NULL: they do not. A material of a module waits for the module as well.
	materialFrom = `(CASE WHEN m.published = 1 THEN coalesce((
	SELECT CASE WHEN d.published = 1 AND d.archived_at IS NULL THEN max(coalesce(i.release_at, 0), coalesce(d.release_at, 0)) ELSE 9223372036854775807 END
	FROM module_items i
	JOIN modules d ON d.module_id = i.module_id
	WHERE i.item_id = m.material_id), 0) END)`

	// From when on the student v sees an assignment a; NULL: not at all. An assignment of a module waits for the module as
	// well, in every list, page, total and search: who knows its address gets 404. It never goes away again for a student who
	// has handed in work for it or has a posted grade: what one has done, and what it counted, stays where it was, whatever is
	// hidden later. A module that is archived keeps its assignments shown or hidden as they were: students may have handed
	// in, and a module that was a draft has not become public by being put away. A draft that is handed in at the cut-off is
	// handed in also while the assignment is hidden: a student loses nothing by it.
	assignmentFrom = `(CASE WHEN a.published = 1 THEN CASE WHEN ` + assignmentKept + ` THEN 0 ELSE coalesce((
	SELECT CASE WHEN d.published = 1 THEN max(coalesce(i.release_at, 0), coalesce(d.release_at, 0)) ELSE 9223372036854775807 END
	FROM module_items i
	JOIN modules d ON d.module_id = i.module_id
	WHERE i.item_id = a.assignment_id), 0) END END)`

	assignmentKept = `(EXISTS(SELECT 1 FROM submissions k WHERE k.assignment_id = a.assignment_id AND k.user_id = v.user_id)
	OR EXISTS(SELECT 1 FROM book_cells k WHERE k.course_id = a.course_id AND k.column_id = a.assignment_id AND k.user_id = v.user_id AND k.posted_at IS NOT NULL))`

	// ?1 course, ?2 assignment, ?3 student, ?4 now
	assignmentShown = `EXISTS(SELECT 1 FROM assignments a JOIN (SELECT ?3 AS user_id) v
	WHERE a.course_id = ?1 AND a.assignment_id = ?2 AND ` + assignmentFrom + ` <= ?4)`
)

// hideColumns takes out of a gradebook what the student does not see, as if it were not published.
func (s *Store) hideColumns(ctx context.Context, courseID, userID string, b *book) error {
	const q = `
		SELECT a.assignment_id
		FROM assignments a
		JOIN (SELECT ?2 AS user_id) v
		WHERE a.course_id = ?1 AND a.published = 1 AND ` + assignmentFrom + ` > ?3`
	rows, err := s.query(ctx, q, courseID, userID, b.Now)
	_, err = collect(rows, err, func(row consensus.Row) (id string, err error) {
		err = row.Scan(&id)
		if at, ok := b.at[id]; ok && err == nil {
			b.Columns[at].Published = false
		}
		return id, err
	})
	return err
}
