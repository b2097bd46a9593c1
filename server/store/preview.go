package store

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// workSet is what the results of a course, or of one assignment of it, are made of.
type workSet struct {
	rules       LateRules
	assignments map[string]lms.Assignment
	overrides   []lms.Override
	work        []studentWork
}

// studentWork is the attempt that counts of one student in one assignment, as staff see it.
type studentWork struct {
	assignment, user, name, section string
	submitted                       time.Time // zero: nothing was handed in
	raw                             *lms.Points
}

// The state that results are made of, as one word: ?1 course, ?2 assignment, all when it is empty. Versions and places in
// the log only grow, so that two states with the same word are the same. Members matter by their sections.
const workText = `(
	(SELECT json_array(version, late_policy) FROM courses WHERE course_id = ?1)
	|| (SELECT json_group_array(assignment_id || ' ' || version ORDER BY assignment_id) FROM assignments WHERE course_id = ?1 AND (?2 = '' OR assignment_id = ?2))
	|| (SELECT json_group_array(override_id || ' ' || version ORDER BY override_id) FROM overrides WHERE course_id = ?1 AND (?2 = '' OR assignment_id = ?2))
	|| (SELECT json_array(count(*), max(log_index), sum(returned_at), sum(chosen_at)) FROM submissions WHERE course_id = ?1 AND (?2 = '' OR assignment_id = ?2))
	|| (SELECT json_array(count(*), sum(version)) FROM grades WHERE course_id = ?1 AND (?2 = '' OR assignment_id = ?2))
	|| (SELECT json_group_array(user_id || ' ' || section_id || ' ' || active ORDER BY user_id) FROM enrolments WHERE course_id = ?1 AND section_id IS NOT NULL))`

// What a batch compares a preview's token with.
const workState = `hex(sha256` + workText + `)`

func hashState(text string) string {
	sum := sha256.Sum256([]byte(text))
	return strings.ToUpper(hex.EncodeToString(sum[:]))
}

// workSet reads the state, and first the word for it: what changes in between makes the word old. Work that is marked blind is left
// out: whose results a date changes would tell whose work it is.
func (s *Store) workSet(ctx context.Context, courseID, assignmentID string) (w workSet, state string, err error) {
	rows, err := s.query(ctx, `SELECT `+workText, courseID, assignmentID)
	if state, err = one(rows, err, scanString); err != nil {
		return w, "", err
	}
	state = hashState(state)
	if w.rules, err = s.LateRules(ctx, courseID); err != nil {
		return w, "", err
	}
	if w.overrides, err = s.overrides(ctx, courseID, assignmentID, ""); err != nil {
		return w, "", err
	}
	const assignments = `SELECT ` + assignmentColumns + `, '[]' FROM assignments a WHERE a.course_id = ?1 AND (?2 = '' OR a.assignment_id = ?2) AND a.archived_at IS NULL`
	rows, err = s.query(ctx, assignments, courseID, assignmentID)
	items, err := collect(rows, err, scanAssignment)
	if err != nil {
		return w, "", err
	}
	w.assignments = map[string]lms.Assignment{}
	for _, a := range items {
		w.assignments[a.ID] = a
	}
	const work = `
		SELECT a.assignment_id, e.user_id, u.name, e.section_id, l.submitted_at, g.draft_points IS NOT NULL, g.draft_points
		FROM enrolments e
		JOIN users u ON u.user_id = e.user_id
		JOIN assignments a ON a.course_id = e.course_id AND a.archived_at IS NULL
		LEFT JOIN (` + latestAttempts + ` AND s.course_id = ?1 AND (?2 = '' OR s.assignment_id = ?2)) l ON l.assignment_id = a.assignment_id AND l.user_id = e.user_id
		LEFT JOIN grades g ON g.submission_id = l.submission_id
		WHERE e.course_id = ?1 AND e.active = 1 AND e.role = 'student' AND a.published = 1 AND (?2 = '' OR a.assignment_id = ?2)
			AND NOT ` + blindNow + `
		ORDER BY u.name, e.user_id, a.created_at, a.assignment_id`
	rows, err = s.query(ctx, work, courseID, assignmentID)
	w.work, err = collect(rows, err, func(row consensus.Row) (x studentWork, err error) {
		var graded bool
		var raw lms.Points
		if err = row.Scan(&x.assignment, &x.user, &x.name, &x.section, &x.submitted, &graded, &raw); graded {
			x.raw = &raw
		}
		return x, err
	})
	return w, state, err
}

// scored is what a student's work counts, and by how much it is late.
func (w *workSet) scored(x studentWork, now time.Time) (lms.Scored, int64) {
	a, ok := w.assignments[x.assignment]
	if !ok {
		return lms.Scored{}, 0
	}
	a = a.For(x.user, x.section, w.overrides)
	late := int64(0)
	if !x.submitted.IsZero() {
		late = lateSeconds(a.DueAt, x.submitted)
	}
	return lms.ScoreOf(a, a.GradeType, w.rules.For(a.ID), w.rules.Zone, x.submitted, x.raw, now), late
}

// changes compares the results before and after a change.
func (w workSet) changes(change func(*workSet), now time.Time) []lms.PreviewChange {
	after := w
	after.rules.Own, after.assignments = cloneMap(w.rules.Own), cloneMap(w.assignments)
	change(&after)
	list := []lms.PreviewChange{}
	for _, x := range w.work {
		c := lms.PreviewChange{UserID: x.user, UserName: x.name, AssignmentID: x.assignment, Title: w.assignments[x.assignment].Title}
		c.Old, c.OldLate = w.scored(x, now)
		c.New, c.NewLate = after.scored(x, now)
		if c.Old != c.New || c.OldLate != c.NewLate {
			list = append(list, c)
		}
	}
	slices.SortStableFunc(list, func(a, b lms.PreviewChange) int { return cmp.Compare(a.UserName, b.UserName) })
	return list
}

func cloneMap[V any](m map[string]V) map[string]V {
	c := make(map[string]V, len(m))
	for k, v := range m {
		c[k] = v
	}
	return c
}

// preview tells what a change does to the results of a course, or of one assignment.
func (s *Store) preview(ctx context.Context, courseID, assignmentID string, change func(*workSet)) (lms.Preview, error) {
	w, state, err := s.workSet(ctx, courseID, assignmentID)
	if err != nil {
		return lms.Preview{}, err
	}
	return lms.Preview{Token: state, Changes: w.changes(change, s.Now())}, nil
}

// requirePreview demands that a change that affects results was previewed, and that nothing has changed since: what the
// preview showed is what happens. A change that affects nobody needs no preview, and must still affect nobody when it is
// applied. Refusals are guards, so that the repeat of a change that was applied is recognised before them.
func (s *Store) requirePreview(ctx context.Context, b *consensus.Batch, courseID, assignmentID, token string, change func(*workSet)) error {
	refusal := lms.ErrPreviewStale
	if token == "" {
		p, err := s.preview(ctx, courseID, assignmentID, change)
		if err != nil {
			return err
		}
		if len(p.Changes) > 0 {
			b.Require(lms.ErrPreview, `0`)
			return nil
		}
		token, refusal = p.Token, lms.ErrPreview
	}
	b.Require(refusal, workState+` = ?3`, courseID, assignmentID, token)
	return nil
}

// PreviewAssignment tells what a changed assignment does to the work that is there.
func (s *Store) PreviewAssignment(ctx context.Context, actor lms.Actor, a lms.Assignment) (lms.Preview, error) {
	if _, err := s.instructorScope(ctx, actor, a.CourseID); err != nil {
		return lms.Preview{}, err
	}
	return s.preview(ctx, a.CourseID, a.ID, func(w *workSet) { w.replace(a) })
}

// replace puts a changed assignment in the place of the one that is there.
func (w *workSet) replace(a lms.Assignment) {
	if _, ok := w.assignments[a.ID]; !ok {
		return
	}
	w.assignments[a.ID] = a
	if delete(w.rules.Own, a.ID); a.LatePolicy != nil {
		w.rules.Own[a.ID] = *a.LatePolicy
	}
}

// PreviewOverrides tells what other dates do to the work that is there.
func (s *Store) PreviewOverrides(ctx context.Context, actor lms.Actor, g Grant) (lms.Preview, error) {
	if _, err := s.instructorScope(ctx, actor, g.CourseID); err != nil {
		return lms.Preview{}, err
	}
	rows, err := s.query(ctx, selectAssignment, g.CourseID, g.AssignmentID)
	a, err := one(rows, err, scanAssignment)
	if err != nil {
		return lms.Preview{}, err
	}
	for _, o := range g.overrides() {
		if err := a.CheckOverride(o); err != nil {
			return lms.Preview{}, err
		}
	}
	return s.preview(ctx, g.CourseID, g.AssignmentID, func(w *workSet) { w.grant(g.overrides()) })
}

// PreviewRemoval tells what taking other dates back does to the work that is there.
func (s *Store) PreviewRemoval(ctx context.Context, actor lms.Actor, courseID, id string) (lms.Preview, error) {
	if _, err := s.instructorScope(ctx, actor, courseID); err != nil {
		return lms.Preview{}, err
	}
	rows, err := s.query(ctx, `SELECT assignment_id FROM overrides WHERE override_id = ?1 AND course_id = ?2`, id, courseID)
	assignment, err := one(rows, err, scanString)
	if err != nil {
		return lms.Preview{}, err
	}
	return s.preview(ctx, courseID, assignment, func(w *workSet) { w.remove(id) })
}

// CourseLate returns the late policy of a course.
func (s *Store) CourseLate(ctx context.Context, actor lms.Actor, courseID string) (lms.CourseLate, error) {
	if _, err := s.scope(ctx, actor, courseID); err != nil {
		return lms.CourseLate{}, err
	}
	rows, err := s.query(ctx, selectCourseLate, courseID)
	return one(rows, err, scanCourseLate)
}

const selectCourseLate = `SELECT late_policy, version FROM courses WHERE course_id = ?1`

func scanCourseLate(row consensus.Row) (l lms.CourseLate, err error) {
	var text string
	if err = row.Scan(&text, &l.Version); err == nil {
		l.Policy, err = parsePolicy(text)
	}
	l.Text = l.Policy.Describe()
	return l, err
}

// PreviewLate tells what another late policy of the course does to the work that is there.
func (s *Store) PreviewLate(ctx context.Context, actor lms.Actor, courseID string, p lms.LatePolicy) (lms.Preview, error) {
	if _, err := s.instructorScope(ctx, actor, courseID); err != nil {
		return lms.Preview{}, err
	}
	return s.preview(ctx, courseID, "", func(w *workSet) { w.rules.Course = p })
}

// SetLate replaces the late policy of a course if the course still has the version.
func (s *Store) SetLate(ctx context.Context, actor lms.Actor, courseID string, p lms.LatePolicy, version int64, preview string) (lms.CourseLate, error) {
	if _, err := s.instructorScope(ctx, actor, courseID); err != nil {
		return lms.CourseLate{}, err
	}
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(lms.ErrStale, `EXISTS(SELECT 1 FROM courses WHERE course_id = ? AND version = ?)`, courseID, version)
	if err := s.requirePreview(ctx, &b, courseID, "", preview, func(w *workSet) { w.rules.Course = p }); err != nil {
		return lms.CourseLate{}, err
	}
	b.Exec(`UPDATE courses SET late_policy = ?2, updated_at = ?3, version = version + 1 WHERE course_id = ?1`, courseID, policyJSON(&p), consensus.Stamp{})
	audit(ctx, &b, actor, lms.AuditLatePolicy, "course/"+courseID, "policy", p.Describe())
	b.Return(selectCourseLate, courseID)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanCourseLate)
}
