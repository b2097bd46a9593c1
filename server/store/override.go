package store

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// The dates and attempts of assignments a as each member e has them; lms.Assignment.For is the same rule in Go. x is the
// section's override, u the member's own; a due date that one of them moves behind the cut-off moves the cut-off with it.
const (
	datesOf = `
	SELECT a.assignment_id, e.user_id, coalesce(u.opens_at, x.opens_at, a.opens_at) AS opens_at, coalesce(u.due_at, x.due_at, a.due_at) AS due_at,
		max(` + studentCutoff + `, coalesce(u.due_at, x.due_at, a.due_at, ` + studentCutoff + `)) AS cutoff_at,
		coalesce(u.max_attempts, x.max_attempts, a.max_attempts) AS max_attempts
	FROM `
	datesIn = ` e
	JOIN assignments a ON a.course_id = e.course_id
	LEFT JOIN overrides x ON x.assignment_id = a.assignment_id AND x.target = 'section' AND x.target_id = e.section_id
	LEFT JOIN overrides u ON u.assignment_id = a.assignment_id AND u.target = 'student' AND u.target_id = e.user_id`

	memberDates = datesOf + `enrolments` + datesIn
	// Also the test student, who is no member, has dates: those of everybody.
	studentDates = datesOf + `(SELECT course_id, user_id, section_id FROM enrolments UNION ALL SELECT course_id, user_id, NULL FROM test_students)` + datesIn
)

const (
	sectionCutoff = `coalesce(x.cutoff_at, a.cutoff_at)`
	studentCutoff = `coalesce(u.cutoff_at, max(` + sectionCutoff + `, coalesce(x.due_at, a.due_at, ` + sectionCutoff + `)))`
)

// The due date of submission s in assignment a as its author has it.
const submissionDue = `coalesce(
	(SELECT o.due_at FROM overrides o WHERE o.assignment_id = s.assignment_id AND o.target = 'student' AND o.target_id = s.user_id),
	(SELECT o.due_at FROM overrides o JOIN enrolments e ON e.section_id = o.target_id
		WHERE o.assignment_id = s.assignment_id AND o.target = 'section' AND e.course_id = s.course_id AND e.user_id = s.user_id),
	a.due_at)`

const overrideColumns = `o.override_id, o.course_id, o.assignment_id, o.target, o.target_id,
	coalesce(CASE o.target WHEN 'student' THEN (SELECT name FROM users WHERE user_id = o.target_id)
		ELSE (SELECT title FROM sections WHERE section_id = o.target_id) END, ''),
	o.opens_at, o.due_at, o.cutoff_at, coalesce(o.max_attempts, -1), coalesce((SELECT name FROM users WHERE user_id = o.granted_by), ''), o.granted_at, o.version`

// ?1 course, ?2 assignment; all when it is empty; ?3 JSON list of the sections whose students they may be for; all when it is empty
const selectOverrides = `SELECT ` + overrideColumns + ` FROM overrides o WHERE o.course_id = ?1 AND (?2 = '' OR o.assignment_id = ?2)
	AND (?3 = '' OR o.target = 'section' OR o.target_id IN (SELECT user_id FROM enrolments WHERE course_id = ?1 AND section_id IN (SELECT value FROM json_each(?3))))
	ORDER BY o.target, 6, o.override_id`

func scanOverride(row consensus.Row) (o lms.Override, err error) {
	attempts := -1
	err = row.Scan(&o.ID, &o.CourseID, &o.AssignmentID, &o.Target, &o.TargetID, &o.TargetName, &o.OpensAt, &o.DueAt, &o.CutoffAt, &attempts,
		&o.GrantedBy, &o.GrantedAt, &o.Version)
	if attempts >= 0 {
		o.MaxAttempts = &attempts
	}
	return o, err
}

// overrides lists the overrides of a course, or of one of its assignments: those of the students of the sections, or all. It
// checks no permission.
func (s *Store) overrides(ctx context.Context, courseID, assignmentID, sections string) ([]lms.Override, error) {
	rows, err := s.query(ctx, selectOverrides, courseID, assignmentID, sections)
	return collect(rows, err, scanOverride)
}

// Overrides lists the other dates and attempts of an assignment, or of all of a course when assignmentID is empty, for staff: to a
// TA with sections those of their students.
func (s *Store) Overrides(ctx context.Context, actor lms.Actor, courseID, assignmentID string) ([]lms.Override, error) {
	sc, err := s.staffScope(ctx, actor, courseID)
	if err != nil {
		return nil, err
	}
	return s.overrides(ctx, courseID, assignmentID, sc.sections)
}

// myOverrides are the overrides that apply to a member, by assignment: the section's and then the own.
func (s *Store) myOverrides(ctx context.Context, courseID, userID, assignmentID string) (map[string][]lms.Override, string, error) {
	section, err := s.sectionOf(ctx, courseID, userID)
	if err != nil {
		return nil, "", err
	}
	const q = `SELECT ` + overrideColumns + ` FROM overrides o
		WHERE o.course_id = ?1 AND (?2 = '' OR o.assignment_id = ?2)
			AND (o.target = 'student' AND o.target_id = ?3 OR o.target = 'section' AND o.target_id = ?4)`
	rows, err := s.query(ctx, q, courseID, assignmentID, userID, section)
	list, err := collect(rows, err, scanOverride)
	mine := map[string][]lms.Override{}
	for _, o := range list {
		mine[o.AssignmentID] = append(mine[o.AssignmentID], o)
	}
	return mine, section, err
}

func (s *Store) sectionOf(ctx context.Context, courseID, userID string) (string, error) {
	rows, err := s.query(ctx, `SELECT coalesce(section_id, '') FROM enrolments WHERE course_id = ?1 AND user_id = ?2`, courseID, userID)
	found, err := collect(rows, err, scanString)
	if err != nil || len(found) == 0 {
		return "", err
	}
	return found[0], nil
}

// LateRules are the zone and the late policies of a course, for computing what work counts.
type LateRules struct {
	Zone   *time.Location
	Course lms.LatePolicy            // what holds where an assignment has none of its own
	Own    map[string]lms.LatePolicy // by assignment
}

// For is the late policy of an assignment.
func (r LateRules) For(assignmentID string) lms.LatePolicy {
	if p, ok := r.Own[assignmentID]; ok {
		return p
	}
	return r.Course
}

// LateRules reads the late policies of a course. It checks no permission.
func (s *Store) LateRules(ctx context.Context, courseID string) (LateRules, error) {
	const q = `
		SELECT '', zone, coalesce(late_policy, '') FROM courses WHERE course_id = ?1
		UNION ALL
		SELECT assignment_id, '', late_policy FROM assignments WHERE course_id = ?1 AND late_policy IS NOT NULL`
	r := LateRules{Zone: time.UTC, Own: map[string]lms.LatePolicy{}}
	rows, err := s.query(ctx, q, courseID)
	_, err = collect(rows, err, func(row consensus.Row) (struct{}, error) {
		var assignment, zone, text string
		if err := row.Scan(&assignment, &zone, &text); err != nil {
			return struct{}{}, err
		}
		p, err := parsePolicy(text)
		if assignment != "" {
			r.Own[assignment] = p
		} else {
			r.Zone, r.Course = zoneOf(zone), p
		}
		return struct{}{}, err
	})
	return r, err
}

// parsePolicy reads a late policy as it is stored; "" costs nothing.
func parsePolicy(text string) (p lms.LatePolicy, err error) {
	if text == "" {
		return p, nil
	}
	return p, json.Unmarshal([]byte(text), &p)
}

// policyJSON is a late policy as it is stored; nil is NULL.
func policyJSON(p *lms.LatePolicy) any {
	if p == nil {
		return nil
	}
	b, _ := json.Marshal(p) // numbers and strings always marshal
	return string(b)
}

var zones sync.Map

// zoneOf loads a zone once. Courses have known zones; for anything else it is UTC.
func zoneOf(name string) *time.Location {
	if z, ok := zones.Load(name); ok {
		return z.(*time.Location)
	}
	z, err := time.LoadLocation(name)
	if err != nil {
		return time.UTC
	}
	zones.Store(name, z)
	return z
}

// Grant is other dates or attempts for one or many students or sections in one assignment.
type Grant struct {
	lms.Override          // its target is not used
	Targets      []string // "student/ID" or "section/ID"
	IDs          []string // of the overrides, one for each target, where there is none yet
	Preview      string   // token of the preview that was looked at
	Request      string   // question with which it was asked for: it is answered
	ReplyID      string   // of that answer
	ReplyBody    string
}

func (g Grant) overrides() []lms.Override {
	list := make([]lms.Override, len(g.Targets))
	for i, t := range g.Targets {
		list[i] = g.Override
		kind, id, _ := strings.Cut(t, "/")
		list[i].Target, list[i].TargetID = lms.OverrideTarget(kind), id
		if i < len(g.IDs) {
			list[i].ID = g.IDs[i]
		}
	}
	return list
}

var (
	errTarget      = lms.FieldErrorf(lms.KindRule, "targets", "Somebody on the list is not a student of this course, or no section of it. Load the list again.")
	errRequestDone = lms.FieldErrorf(lms.KindConflict, "request", "This request was answered meanwhile. Load it again.")
)

// ?1 course, ?2 targets
const targetsKnown = `NOT EXISTS(SELECT 1 FROM json_each(?2) j WHERE NOT EXISTS(
		SELECT 1 FROM enrolments WHERE 'student/' || user_id = j.value AND course_id = ?1 AND role = 'student')
	AND NOT EXISTS(SELECT 1 FROM sections WHERE 'section/' || section_id = j.value AND course_id = ?1 AND archived_at IS NULL))`

// ?1 assignment, ?2 course
const assignmentThere = `EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ?1 AND course_id = ?2 AND archived_at IS NULL)`

// GrantOverrides gives students or sections other dates or attempts, all in one step. One that a target has already is
// replaced; with a version it must be the one that was seen.
func (s *Store) GrantOverrides(ctx context.Context, actor lms.Actor, g Grant) ([]lms.Override, error) {
	if _, err := s.instructorScope(ctx, actor, g.CourseID); err != nil {
		return nil, err
	}
	wanted := g.overrides()
	var b consensus.Batch
	requireWrite(&b, actor, g.CourseID, lms.InstructorOfCourse)
	if err := s.requireDates(ctx, &b, g.AssignmentID, g.CourseID, wanted); err != nil {
		return nil, err
	}
	b.Require(lms.ErrNotFound, assignmentThere, g.AssignmentID, g.CourseID)
	b.Require(errTarget, targetsKnown, g.CourseID, list(g.Targets))
	if g.Version > 0 {
		b.Require(lms.ErrStale, `NOT EXISTS(SELECT 1 FROM overrides WHERE assignment_id = ?1 AND version <> ?3
			AND target || '/' || target_id IN (SELECT value FROM json_each(?2)))`, g.AssignmentID, list(g.Targets), g.Version)
	}
	err := s.requirePreview(ctx, &b, g.CourseID, g.AssignmentID, g.Preview, func(w *workSet) { w.grant(wanted) })
	if err != nil {
		return nil, err
	}
	for _, o := range wanted {
		b.Exec(`
			INSERT INTO overrides (override_id, course_id, assignment_id, target, target_id, opens_at, due_at, cutoff_at, max_attempts, granted_by, granted_at, version)
			VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, 1)
			ON CONFLICT (assignment_id, target, target_id) DO UPDATE SET opens_at = ?6, due_at = ?7, cutoff_at = ?8, max_attempts = ?9,
				granted_by = ?10, granted_at = ?11, version = version + 1`,
			o.ID, g.CourseID, g.AssignmentID, string(o.Target), o.TargetID, o.OpensAt, o.DueAt, o.CutoffAt, opt(o.MaxAttempts), actor.UserID, consensus.Stamp{})
		b.Notify(topicUser(o.TargetID))
	}
	answerRequest(&b, actor, g)
	audit(ctx, &b, actor, lms.AuditOverrideGrant, "assignment/"+g.AssignmentID, "course", g.CourseID, "for", strings.Join(g.Targets, " "), "dates", g.describe())
	b.Notify(topicCourse(g.CourseID))
	b.Return(selectOverrides, g.CourseID, g.AssignmentID, "")
	res, err := s.apply(ctx, &b)
	return collect(res.Rows.Values, err, scanOverride)
}

// requireDates demands that the overrides go with the dates of the assignment, and that those are still what was compared. A
// refusal is a guard too, so that the repeat of a request that was applied is recognised before anything is compared anew.
func (s *Store) requireDates(ctx context.Context, b *consensus.Batch, assignmentID, courseID string, wanted []lms.Override) error {
	rows, err := s.query(ctx, selectAssignment, courseID, assignmentID)
	found, err := collect(rows, err, scanAssignment)
	for _, a := range found {
		for _, o := range wanted {
			if refusal := a.CheckOverride(o); refusal != nil {
				b.Require(refusal, `0`)
				return nil
			}
		}
		b.Require(lms.ErrStale, `EXISTS(SELECT 1 FROM assignments WHERE assignment_id = ? AND version = ?)`, a.ID, a.Version)
	}
	return err
}

// answerRequest answers and resolves the question with which an extension was asked for.
func answerRequest(b *consensus.Batch, actor lms.Actor, g Grant) {
	if g.Request == "" {
		return
	}
	b.Require(errRequestDone, `EXISTS(SELECT 1 FROM questions WHERE question_id = ?1 AND course_id = ?2 AND assignment_id = ?3 AND state = 'open')`,
		g.Request, g.CourseID, g.AssignmentID)
	insertReply(b, actor, g.CourseID, lms.Reply{ID: g.ReplyID, QuestionID: g.Request, Body: g.ReplyBody})
	b.Exec(`UPDATE questions SET state = 'resolved', updated_at = ?2, version = version + 1 WHERE question_id = ?1`, g.Request, consensus.Stamp{})
	b.Notify(topicQuestion(g.Request))
}

// describe writes what was granted for the audit log.
func (g Grant) describe() string {
	var parts []string
	for _, d := range []struct {
		name string
		at   time.Time
	}{{"opens", g.OpensAt}, {"due", g.DueAt}, {"cutoff", g.CutoffAt}} {
		if !d.at.IsZero() {
			parts = append(parts, d.name+" "+d.at.UTC().Format(time.RFC3339))
		}
	}
	if g.MaxAttempts != nil {
		parts = append(parts, "attempts "+lms.Points(*g.MaxAttempts*100).String())
	}
	return strings.Join(parts, ", ")
}

// RemoveOverride takes other dates back.
func (s *Store) RemoveOverride(ctx context.Context, actor lms.Actor, courseID, id, preview string) error {
	if _, err := s.instructorScope(ctx, actor, courseID); err != nil {
		return err
	}
	rows, err := s.query(ctx, `SELECT `+overrideColumns+` FROM overrides o WHERE o.override_id = ?1 AND o.course_id = ?2`, id, courseID)
	found, err := collect(rows, err, scanOverride)
	if err != nil {
		return err
	}
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.InstructorOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM overrides WHERE override_id = ? AND course_id = ?)`, id, courseID)
	for _, o := range found {
		if err := s.requirePreview(ctx, &b, courseID, o.AssignmentID, preview, func(w *workSet) { w.remove(o.ID) }); err != nil {
			return err
		}
		audit(ctx, &b, actor, lms.AuditOverrideRemove, "assignment/"+o.AssignmentID, "course", courseID, "for", string(o.Target)+"/"+o.TargetID)
		b.Notify(topicUser(o.TargetID))
	}
	b.Exec(`DELETE FROM overrides WHERE override_id = ?`, id)
	b.Notify(topicCourse(courseID))
	_, err = s.apply(ctx, &b)
	return err
}

// instructorScope is scope for those who must be instructors.
func (s *Store) instructorScope(ctx context.Context, actor lms.Actor, courseID string) (scope, error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err == nil && !sc.admin && sc.role != lms.RoleInstructor {
		err = lms.ErrForbidden
	}
	return sc, err
}

// grant puts overrides in the place of those of the same targets.
func (w *workSet) grant(wanted []lms.Override) {
	w.overrides = slices.DeleteFunc(slices.Clone(w.overrides), func(o lms.Override) bool {
		return slices.ContainsFunc(wanted, func(n lms.Override) bool {
			return n.AssignmentID == o.AssignmentID && n.Target == o.Target && n.TargetID == o.TargetID
		})
	})
	w.overrides = append(w.overrides, wanted...)
}

func (w *workSet) remove(id string) {
	w.overrides = slices.DeleteFunc(slices.Clone(w.overrides), func(o lms.Override) bool { return o.ID == id })
}

// Choices lists the categories of a course, its sections and its active students, for staff; to a TA with sections their students.
func (s *Store) Choices(ctx context.Context, actor lms.Actor, courseID string) (lms.Choices, error) {
	c := lms.Choices{Categories: []lms.Choice{}, Sections: []lms.Choice{}, Students: []lms.Choice{}}
	sc, err := s.staffScope(ctx, actor, courseID)
	if err != nil {
		return c, err
	}
	const q = `
		SELECT 0, category_id, name, position FROM categories WHERE course_id = ?1
		UNION ALL
		SELECT 1, section_id, title, position FROM sections WHERE course_id = ?1 AND archived_at IS NULL
		UNION ALL
		SELECT 2, e.user_id, u.name, 0 FROM enrolments e JOIN users u ON u.user_id = e.user_id
		WHERE e.course_id = ?1 AND e.active = 1 AND e.role = 'student' AND (?2 = '' OR e.section_id IN (SELECT value FROM json_each(?2)))
		ORDER BY 1, 4, 3, 2`
	rows, err := s.query(ctx, q, courseID, sc.sections)
	_, err = collect(rows, err, func(row consensus.Row) (x lms.Choice, err error) {
		var kind, position int
		if err = row.Scan(&kind, &x.ID, &x.Name, &position); err == nil {
			to := []*[]lms.Choice{&c.Categories, &c.Sections, &c.Students}[kind]
			*to = append(*to, x)
		}
		return x, err
	})
	return c, err
}
