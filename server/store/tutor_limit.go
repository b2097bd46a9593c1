package store

import (
	"context"
	"errors"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// Limits of the site that no course can raise (TUTOR-22).
const (
	tutorHour     = int64(time.Hour / time.Millisecond)
	tutorDay      = 24 * tutorHour
	siteHourLimit = 1000
)

var (
	errTutorNotice = lms.FieldErrorf(lms.KindForbidden, "notice", "Please read and accept what the tutor does with your questions first. Your text is kept.")
	errHourlyQuota = lms.Errorf(lms.KindLimit, "You have used your questions to the tutor for this hour.")
	errDailyQuota  = lms.Errorf(lms.KindLimit, "This course has used its questions to the tutor for today.")
	errSiteQuota   = lms.Errorf(lms.KindLimit, "The site has used its questions to the tutor for this hour.")
	errAnyway      = lms.Errorf(lms.KindLimit, "You have used up your questions beyond the course material for today.")
	errTokenCap    = lms.Errorf(lms.KindLimit, "The tutor's allowance for this month is used up.")
)

// Conditions that a question to the tutor meets when it is committed, so that the counts are exact on any number of nodes.
// ?1 course, ?2 user, ?3 stamp
const (
	hourlyLeft = `(SELECT count(*) FROM tutor_calls WHERE user_id = ?2 AND counted = 1 AND asked_at > ?3 - 3600000)
		< coalesce((SELECT hourly_quota FROM tutor_policies WHERE course_id = ?1), 20)`
	dailyLeft = `(SELECT count(*) FROM tutor_calls WHERE course_id = ?1 AND counted = 1 AND asked_at > ?2 - 86400000)
		< coalesce((SELECT daily_quota FROM tutor_policies WHERE course_id = ?1), 500)`
	anywayLeft = `(SELECT count(*) FROM tutor_calls WHERE user_id = ?2 AND course_id = ?1 AND counted = 1 AND anyway = 1 AND asked_at > ?3 - 86400000)
		< coalesce((SELECT ask_anyway FROM tutor_policies WHERE course_id = ?1), 3)`
)

// requireTutor demands that the tutor may be asked now, and counts the request. A request that leads to no call of a model is
// refunded when its reply is finished.
func requireTutor(b *consensus.Batch, actor lms.Actor, courseID string, anyway bool) {
	b.Require(errTutorOff, tutorEnabled, courseID)
	b.Require(errTutorNotice, `EXISTS(SELECT 1 FROM tutor_notices WHERE user_id = ? AND notice >= ?)`, actor.UserID, lms.TutorNotice)
	b.Require(errHourlyQuota, hourlyLeft, courseID, actor.UserID, consensus.Stamp{})
	b.Require(errDailyQuota, dailyLeft, courseID, consensus.Stamp{})
	b.Require(errSiteQuota, `(SELECT count(*) FROM tutor_calls WHERE counted = 1 AND asked_at > ?1 - 3600000) < ?2`, consensus.Stamp{}, siteHourLimit)
	if anyway {
		b.Require(errAnyway, anywayLeft, courseID, actor.UserID, consensus.Stamp{})
	}
}

// countTutor counts the latest request of a reply. It follows the statement that makes the request.
func countTutor(b *consensus.Batch, actor lms.Actor, courseID, replyID string, anyway bool) {
	b.Exec(`
		INSERT INTO tutor_calls (reply_id, request, course_id, user_id, asked_at, anyway, counted, tokens, settled)
		SELECT reply_id, requests, ?2, ?3, ?4, ?5, 1, 0, 0 FROM replies WHERE reply_id = ?1`,
		replyID, courseID, actor.UserID, consensus.Stamp{}, anyway)
}

// explainTutor puts the time of renewal into a refusal by a limit.
func (s *Store) explainTutor(ctx context.Context, err error, actor lms.Actor, courseID string) error {
	const (
		keep  = " Your text is kept, and the search of the materials goes on working. "
		human = "You can also ask your instructor."
	)
	// The request that leaves the window next, among as many as the limit allows.
	const (
		byUser   = `SELECT coalesce(min(asked_at), 0) FROM tutor_calls WHERE user_id = ?1 AND counted = 1 AND asked_at > ?2`
		byAnyway = `SELECT coalesce(min(asked_at), 0) FROM tutor_calls WHERE user_id = ?1 AND counted = 1 AND anyway = 1 AND asked_at > ?2`
		byCourse = `SELECT coalesce(min(asked_at), 0) FROM tutor_calls WHERE course_id = ?1 AND counted = 1 AND asked_at > ?2`
		bySite   = `SELECT coalesce(min(asked_at), 0) FROM tutor_calls WHERE ?1 <> '' AND counted = 1 AND asked_at > ?2`
	)
	now := s.Now().UnixMilli()
	var first, window int
	var queryErr error
	switch {
	case errors.Is(err, errHourlyQuota):
		window = int(tutorHour)
		first, queryErr = s.number(ctx, byUser, actor.UserID, now-tutorHour)
	case errors.Is(err, errAnyway):
		window = int(tutorDay)
		first, queryErr = s.number(ctx, byAnyway, actor.UserID, now-tutorDay)
	case errors.Is(err, errDailyQuota):
		window = int(tutorDay)
		first, queryErr = s.number(ctx, byCourse, courseID, now-tutorDay)
	case errors.Is(err, errSiteQuota):
		window = int(tutorHour)
		first, queryErr = s.number(ctx, bySite, "site", now-tutorHour)
	default:
		return err
	}
	var refusal *lms.Error
	if queryErr != nil || !errors.As(err, &refusal) {
		return err
	}
	explained := *refusal
	if first == 0 { // a quota of 0
		explained.Message += keep + human
		return &explained
	}
	explained.RetryIn = max(int((int64(first)+int64(window)-now)/1000)+1, 1)
	explained.Message += keep + "The next question is possible at " + time.UnixMilli(int64(first)+int64(window)).UTC().Format("15:04:05 UTC on 2 January") + ". " + human
	return &explained
}

// quotaColumns are what a member has used.
// ?1 course, ?2 user, ?3 an hour ago, ?4 a day ago
const quotaColumns = `
	coalesce((SELECT hourly_quota FROM tutor_policies WHERE course_id = ?1), 20),
	(SELECT count(*) FROM tutor_calls WHERE user_id = ?2 AND counted = 1 AND asked_at > ?3),
	(SELECT coalesce(min(asked_at), 0) FROM tutor_calls WHERE user_id = ?2 AND counted = 1 AND asked_at > ?3),
	coalesce((SELECT daily_quota FROM tutor_policies WHERE course_id = ?1), 500)
		- (SELECT count(*) FROM tutor_calls WHERE course_id = ?1 AND counted = 1 AND asked_at > ?4),
	coalesce((SELECT ask_anyway FROM tutor_policies WHERE course_id = ?1), 3)
		- (SELECT count(*) FROM tutor_calls WHERE user_id = ?2 AND course_id = ?1 AND counted = 1 AND anyway = 1 AND asked_at > ?4)`

// usedQuota is a row of quotaColumns.
type usedQuota struct {
	limit, used, day, anyway int
	first                    int64 // when the oldest question of the hour was asked, in ms
}

func (u *usedQuota) columns() []any { return []any{&u.limit, &u.used, &u.first, &u.day, &u.anyway} }

func (u *usedQuota) left() lms.TutorQuota {
	q := lms.TutorQuota{Limit: u.limit, Left: max(min(u.limit-u.used, u.day), 0), AskAnyway: max(u.anyway, 0)}
	if q.Left == 0 && u.first > 0 {
		q.RenewsAt = time.UnixMilli(u.first).Add(time.Hour).UTC()
	}
	return q
}

// TutorState is what a member sees of the tutor of a course.
type TutorState struct {
	Policy   lms.TutorPolicy
	Passages int // that the member may see
	Chosen   lms.TutorChoice
	Quota    lms.TutorQuota
	Accepted bool // the notice
}

// TutorState reads in one go what the actor may know of the tutor of a course.
func (s *Store) TutorState(ctx context.Context, actor lms.Actor, courseID string) (TutorState, error) {
	if _, err := s.scope(ctx, actor, courseID); err != nil {
		return TutorState{}, err
	}
	const q = `SELECT ` + tutorPolicyColumns + `,
			(SELECT count(*) FROM passages x JOIN materials m ON m.material_id = x.material_id
				WHERE x.course_id = ?1 AND m.deleted_at IS NULL AND (?5 OR m.published = 1)),
			coalesce((SELECT mode FROM tutor_choices WHERE user_id = ?2 AND course_id = ?1), ''),
			coalesce((SELECT level FROM tutor_choices WHERE user_id = ?2 AND course_id = ?1), ''),
			EXISTS(SELECT 1 FROM tutor_notices WHERE user_id = ?2 AND notice >= ?6), ` + quotaColumns + `
		FROM courses c LEFT JOIN tutor_policies p ON p.course_id = c.course_id WHERE c.course_id = ?1`
	now := s.Now()
	rows, err := s.query(ctx, q, courseID, actor.UserID, now.Add(-time.Hour), now.Add(-24*time.Hour), actor.Staff(), lms.TutorNotice)
	return one(rows, err, func(row consensus.Row) (t TutorState, err error) {
		var used usedQuota
		t.Policy, err = scanPolicyAnd(row, append([]any{&t.Passages, &t.Chosen.Mode, &t.Chosen.Level, &t.Accepted}, used.columns()...)...)
		t.Quota = used.left()
		return t, err
	})
}

// ReserveTokens sets tokens aside for a call before it is made, if the month's caps of the course and the site allow it
// (TUTOR-23). since is the beginning of the month; siteCap 0: no cap of the site. FinishReply settles it.
func (s *Store) ReserveTokens(ctx context.Context, replyID string, tokens int64, since time.Time, siteCap int64) error {
	var b consensus.Batch
	b.Require(errTokenCap, `NOT EXISTS(SELECT 1 FROM tutor_policies p JOIN tutor_calls c ON c.course_id = p.course_id AND c.reply_id = ?1
		WHERE p.monthly_cap > 0 AND p.monthly_cap < ?2 + (SELECT coalesce(sum(tokens), 0) FROM tutor_calls WHERE course_id = p.course_id AND asked_at >= ?3))`,
		replyID, tokens, since)
	b.Require(errTokenCap, `?1 = 0 OR ?1 >= ?2 + (SELECT coalesce(sum(tokens), 0) FROM tutor_calls WHERE asked_at >= ?3)`, siteCap, tokens, since)
	b.Exec(`UPDATE tutor_calls SET tokens = tokens + ?2 WHERE reply_id = ?1 AND request = (SELECT requests FROM replies WHERE reply_id = ?1)`, replyID, tokens)
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// TutorTokens tells how many tokens were used or set aside since the time: of the course, and of the whole site.
func (s *Store) TutorTokens(ctx context.Context, courseID string, since time.Time) (course, site int64, err error) {
	const q = `SELECT coalesce(sum(iif(course_id = ?1, tokens, 0)), 0), coalesce(sum(tokens), 0) FROM tutor_calls WHERE asked_at >= ?2`
	rows, err := s.query(ctx, q, courseID, since)
	_, err = one(rows, err, func(row consensus.Row) (struct{}, error) { return struct{}{}, row.Scan(&course, &site) })
	return course, site, err
}
