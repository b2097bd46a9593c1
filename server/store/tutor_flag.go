package store

import (
	"context"
	"encoding/json"
	"fmt"

	"trivium/app/lms"
	"trivium/consensus"
)

var errNotNamed = lms.Errorf(lms.KindForbidden, "Severe flags go to the administrators who are named for them. An administrator can name you in the tutor's settings of the site.")

// Settings of the site.
const (
	settingTutorSite   = "tutor.site"   // JSON of storedSite
	settingTutorCrisis = "tutor.crisis" // Markdown
)

const namedAdmins = `SELECT u.user_id FROM json_each((SELECT value FROM settings WHERE name = 'tutor.site'), '$.admins') j
	JOIN users u ON u.user_id = j.value AND u.admin = 1 AND u.disabled = 0`

// Who gets severe flags: the administrators who are named, and while none of them is there the first of all.
const severeReaders = `SELECT u.user_id FROM users u WHERE u.admin = 1 AND u.disabled = 0 AND (u.user_id IN (` + namedAdmins + `)
	OR NOT EXISTS(` + namedAdmins + `) AND u.user_id = (SELECT user_id FROM users WHERE admin = 1 AND disabled = 0 ORDER BY created_at, user_id LIMIT 1))`

const flagColumns = `f.flag_id, f.course_id, f.question_id, c.code, q.author_id, coalesce((SELECT name FROM users WHERE user_id = q.author_id), ''),
	f.kind, f.severe, f.created_at, f.seen_at, coalesce((SELECT name FROM users WHERE user_id = f.seen_by), '')`

const flagTables = ` FROM tutor_flags f JOIN questions q ON q.question_id = f.question_id JOIN courses c ON c.course_id = f.course_id `

func scanFlag(row consensus.Row) (f lms.TutorFlag, err error) {
	return f, row.Scan(&f.ID, &f.CourseID, &f.QuestionID, &f.CourseCode, &f.StudentID, &f.Student, &f.Kind, &f.Severe, &f.CreatedAt, &f.SeenAt, &f.SeenBy)
}

// TutorFlags lists the flags of a course, newest first.
func (s *Store) TutorFlags(ctx context.Context, actor lms.Actor, courseID string, unseen bool, after string, limit int) ([]lms.TutorFlag, string, int, error) {
	if _, err := s.staffScope(ctx, actor, courseID); err != nil {
		return nil, "", 0, err
	}
	return s.flags(ctx, courseID, unseen, after, limit)
}

// SevereFlags lists the severe flags of all courses for an administrator who is named for them, newest first.
func (s *Store) SevereFlags(ctx context.Context, actor lms.Actor, unseen bool, after string, limit int) ([]lms.TutorFlag, string, int, error) {
	n, err := s.number(ctx, `SELECT count(*) FROM (`+severeReaders+`) WHERE user_id = ?1`, actor.UserID)
	if err != nil {
		return nil, "", 0, err
	}
	if n == 0 {
		return nil, "", 0, errNotNamed
	}
	return s.flags(ctx, "", unseen, after, limit)
}

// flags lists the flags of a course, or the severe ones of all.
func (s *Store) flags(ctx context.Context, courseID string, unseen bool, after string, limit int) (items []lms.TutorFlag, next string, total int, err error) {
	at, id, err := parseQuestionCursor(after)
	if err != nil {
		return nil, "", 0, err
	}
	const where = flagTables + `WHERE iif(?1 = '', f.severe = 1, f.course_id = ?1) AND (NOT ?2 OR f.seen_at IS NULL) AND ` + notTestAuthor
	limit = limitOf(limit)
	rows, err := s.query(ctx, `SELECT `+flagColumns+where+` AND (f.created_at, f.flag_id) < (?3, ?4) ORDER BY f.created_at DESC, f.flag_id DESC LIMIT ?5`,
		courseID, unseen, at, id, limit+1)
	if items, err = collect(rows, err, scanFlag); err != nil {
		return nil, "", 0, err
	}
	items, next = pageOf(items, limit, func(f lms.TutorFlag) string { return fmt.Sprintf("%d.%s", f.CreatedAt.UnixMilli(), f.ID) })
	total, err = s.number(ctx, `SELECT count(*)`+where, courseID, unseen)
	return items, next, total, err
}

// SeeTutorFlag records that staff have looked at a flag. The first to do so stays.
func (s *Store) SeeTutorFlag(ctx context.Context, actor lms.Actor, courseID, id string) (lms.TutorFlag, error) {
	var b consensus.Batch
	requireAccess(&b, actor, courseID, lms.StaffOfCourse)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM tutor_flags WHERE flag_id = ? AND course_id = ?)`, id, courseID)
	b.Exec(`UPDATE tutor_flags SET seen_by = ?2, seen_at = ?3 WHERE flag_id = ?1 AND seen_at IS NULL`, id, actor.UserID, consensus.Stamp{})
	audit(ctx, &b, actor, lms.AuditFlagSeen, "flag/"+id, "course", courseID)
	b.Return(`SELECT `+flagColumns+flagTables+`WHERE f.flag_id = ?1`, id)
	b.Notify(topicCourse(courseID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanFlag)
}

// homeFlags lists what the user has to look at: flags of the courses where the user is staff, and severe ones of all for an
// administrator who is named for them.
func (s *Store) homeFlags(ctx context.Context, userID string) ([]lms.TutorFlag, error) {
	const q = `SELECT ` + flagColumns + flagTables + `
		WHERE f.seen_at IS NULL AND (f.course_id IN (SELECT course_id FROM (` + teaching + `)) OR f.severe = 1 AND ?1 IN (` + severeReaders + `))
		ORDER BY f.severe DESC, f.created_at, f.flag_id
		LIMIT 50`
	rows, err := s.query(ctx, q, userID)
	return collect(rows, err, scanFlag)
}

// flagReaders lists who is told of a flag.
func (s *Store) flagReaders(ctx context.Context, courseID string, severe bool) ([]string, error) {
	const q = `
		SELECT coalesce((SELECT owner_id FROM tutor_policies WHERE course_id = ?1), (SELECT created_by FROM courses WHERE course_id = ?1), '')
		UNION SELECT user_id FROM (` + severeReaders + `) WHERE ?2`
	rows, err := s.query(ctx, q, courseID, severe)
	return collect(rows, err, scanString)
}

// storedSite is the value of settingTutorSite.
type storedSite struct {
	Admins    []string `json:"admins"`
	Retention int      `json:"retention"`
	Version   int64    `json:"version"`
}

const selectTutorSite = `SELECT coalesce((SELECT value FROM settings WHERE name = 'tutor.site'), ''), coalesce((SELECT value FROM settings WHERE name = 'tutor.crisis'), '')`

func scanTutorSite(row consensus.Row) (t lms.TutorSite, err error) {
	var text string
	stored := storedSite{Retention: lms.DefaultRetention}
	if err := row.Scan(&text, &t.Crisis); err != nil {
		return t, err
	}
	if text != "" {
		err = json.Unmarshal([]byte(text), &stored)
	}
	t.Admins, t.Retention, t.Version = stored.Admins, stored.Retention, stored.Version
	if t.Admins == nil {
		t.Admins = []string{}
	}
	return t, err
}

// TutorSite returns what the administrators have decided about the tutor.
func (s *Store) TutorSite(ctx context.Context) (lms.TutorSite, error) {
	rows, err := s.query(ctx, selectTutorSite)
	return one(rows, err, scanTutorSite)
}

var errNotAdmin = lms.FieldErrorf(lms.KindRule, "admins", "Only active administrators can get severe flags. Choose somebody else.")

// SetTutorSite replaces what the administrators have decided, if it still has the version.
func (s *Store) SetTutorSite(ctx context.Context, actor lms.Actor, t lms.TutorSite) (lms.TutorSite, error) {
	text, err := json.Marshal(storedSite{t.Admins, t.Retention, t.Version + 1})
	if err != nil {
		return t, err
	}
	var b consensus.Batch
	requireAdmin(&b, actor)
	b.Require(lms.ErrStale, `coalesce((SELECT value ->> 'version' FROM settings WHERE name = 'tutor.site'), 0) = ?1`, t.Version)
	b.Require(errNotAdmin, `NOT EXISTS(SELECT 1 FROM json_each(?1) j WHERE NOT EXISTS(SELECT 1 FROM users WHERE user_id = j.value AND admin = 1 AND disabled = 0))`, list(t.Admins))
	const set = `INSERT INTO settings (name, value, updated_at) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET value = ?2, updated_at = ?3`
	b.Exec(set, settingTutorSite, string(text), consensus.Stamp{})
	b.Exec(set, settingTutorCrisis, t.Crisis, consensus.Stamp{})
	audit(ctx, &b, actor, lms.AuditTutorSite, "site", "retention", fmt.Sprint(t.Retention), "admins", fmt.Sprint(len(t.Admins)))
	b.Return(selectTutorSite)
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanTutorSite)
}
