package store

import (
	"context"
	"fmt"
	"strings"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errNothingToEndorse = lms.FieldErrorf(lms.KindRule, "body", "This answer has no text to endorse. Write the answer that students should read.")
	errUnfinished       = lms.Errorf(lms.KindConflict, "The tutor is still writing this answer. Wait until it is finished.")
)

// faqText is how much of an entry of the FAQ a search returns, in characters; the FAQ itself shows all of it.
const faqText = 2400

// ?1 course, ?2 reply: the passages of an entry of the FAQ. They belong to no material: the id has a sign that ids of materials lack.
const faqPassages = `SELECT p.passage_id FROM passages p JOIN endorsements e ON p.material_id = 'faq.' || e.course_id AND p.ordinal = e.ordinal
	WHERE e.course_id = ?1 AND e.reply_id = ?2`

func deleteFAQ(b *consensus.Batch, courseID, replyID string) {
	b.Exec(`DELETE FROM passages_search WHERE rowid IN (`+faqPassages+`)`, courseID, replyID)
	b.Exec(`DELETE FROM passages WHERE passage_id IN (`+faqPassages+`)`, courseID, replyID)
}

func scanEndorsement(row consensus.Row) (e lms.Endorsement, err error) {
	return e, row.Scan(&e.ReplyID, &e.QuestionID, &e.CourseID, &e.Asked, &e.Body, &e.Corrected, &e.Generated, &e.By, &e.At, &e.Withdrawn, &e.Version)
}

// Endorse vouches for an answer, as it stands or with another text: all members read it in the FAQ of the course, without a name, and
// the tutor finds it first. Empty texts stand for those of the thread. A version of 0 also replaces what was withdrawn.
func (s *Store) Endorse(ctx context.Context, actor lms.Actor, e lms.Endorsement) (lms.Question, error) {
	if _, err := s.staffScope(ctx, actor, e.CourseID); err != nil {
		return lms.Question{}, err
	}
	q, err := s.Question(ctx, actor, e.CourseID, e.QuestionID)
	if err != nil {
		return lms.Question{}, err
	}
	r, err := replyOf(q, e.ReplyID)
	if err != nil {
		return lms.Question{}, err
	}
	message := shortText(messageOf(q, r.ID), lms.MaxAsked)
	if e.Asked == "" {
		e.Asked = message
	}
	if e.Body == "" {
		e.Body = shortText(strings.TrimSpace(r.Body), lms.MaxEndorsed)
	}
	if e.Body == "" {
		return lms.Question{}, errNothingToEndorse
	}
	e.Corrected = e.Body != strings.TrimSpace(r.Body)
	var b consensus.Batch
	requireWrite(&b, actor, e.CourseID, lms.StaffOfCourse)
	b.Require(lms.ErrNotFound, questionExists, e.QuestionID, e.CourseID)
	b.Require(errUnfinished, `EXISTS(SELECT 1 FROM replies WHERE reply_id = ?1 AND question_id = ?2 AND state NOT IN ('pending', 'answering'))`, e.ReplyID, e.QuestionID)
	b.Require(lms.ErrStale, `coalesce((SELECT version FROM endorsements WHERE reply_id = ?1 AND (withdrawn = 0 OR ?2 > 0)), 0) = ?2`, e.ReplyID, e.Version)
	deleteFAQ(&b, e.CourseID, e.ReplyID)
	b.Exec(`
		INSERT INTO endorsements (reply_id, question_id, course_id, asked, body, corrected, endorsed_by, endorsed_at, withdrawn, version, ordinal, verbatim)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 0, 1, (SELECT coalesce(max(ordinal), 0) + 1 FROM endorsements WHERE course_id = ?3), ?9)
		ON CONFLICT (reply_id) DO UPDATE SET asked = ?4, body = ?5, corrected = ?6, endorsed_by = ?7, endorsed_at = ?8, withdrawn = 0, verbatim = ?9,
			version = version + 1`,
		e.ReplyID, e.QuestionID, e.CourseID, e.Asked, e.Body, e.Corrected, actor.UserID, consensus.Stamp{}, e.Asked == message)
	b.Exec(`
		INSERT INTO passages (material_id, course_id, ordinal, heading, page, text)
		SELECT 'faq.' || course_id, course_id, ordinal, asked, 0, body FROM endorsements WHERE reply_id = ?1`, e.ReplyID)
	b.Exec(`
		INSERT INTO passages_search (rowid, title, heading, text)
		SELECT p.passage_id, '', p.heading, p.text FROM passages p WHERE p.passage_id IN (`+faqPassages+`)`, e.CourseID, e.ReplyID)
	audit(ctx, &b, actor, lms.AuditEndorse, "reply/"+e.ReplyID, "course", e.CourseID, "corrected", fmt.Sprint(e.Corrected))
	b.Notify(topicUser(q.AuthorID))
	return s.applyQuestion(ctx, &b, actor, e.CourseID, e.QuestionID)
}

// Withdraw takes an answer out of the FAQ and out of what the tutor finds.
func (s *Store) Withdraw(ctx context.Context, actor lms.Actor, courseID, questionID, replyID string) (lms.Question, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.StaffOfCourse)
	b.Require(lms.ErrNotFound, questionExists, questionID, courseID)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM endorsements WHERE reply_id = ?1 AND question_id = ?2)`, replyID, questionID)
	deleteFAQ(&b, courseID, replyID)
	b.Exec(`UPDATE endorsements SET withdrawn = 1, version = version + 1 WHERE reply_id = ?1 AND withdrawn = 0`, replyID)
	audit(ctx, &b, actor, lms.AuditEndorse, "reply/"+replyID, "course", courseID, "withdrawn", "true")
	return s.applyQuestion(ctx, &b, actor, courseID, questionID)
}

// Endorsed lists the FAQ of a course, newest first. query is a part of the question or the answer. Who asked is told to nobody but
// staff, and to who asked.
func (s *Store) Endorsed(ctx context.Context, actor lms.Actor, courseID, query, after string, limit int) (items []lms.Endorsement, next string, total int, err error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err != nil {
		return nil, "", 0, err
	}
	at, id, err := parseQuestionCursor(after)
	if err != nil {
		return nil, "", 0, err
	}
	const where = `
		FROM endorsements e JOIN questions q ON q.question_id = e.question_id
		WHERE e.course_id = ?1 AND e.withdrawn = 0 AND (?4 = '' OR instr(lower(e.asked || ' ' || e.body), lower(?4)) > 0)`
	const q = `
		SELECT e.reply_id, iif((?3 OR q.author_id = ?2) AND q.erased_at IS NULL, e.question_id, ''), e.course_id, e.asked, e.body, e.corrected,
			NOT e.corrected AND ` + endorsedGenerated + `, coalesce((SELECT name FROM users WHERE user_id = e.endorsed_by), ''), e.endorsed_at, e.withdrawn, e.version` + where + `
			AND (e.endorsed_at, e.reply_id) < (?5, ?6)
		ORDER BY e.endorsed_at DESC, e.reply_id DESC
		LIMIT ?7`
	limit, query = limitOf(limit), strings.TrimSpace(query)
	rows, err := s.query(ctx, q, courseID, actor.UserID, sc.staff(), query, at, id, limit+1)
	if items, err = collect(rows, err, scanEndorsement); err != nil {
		return nil, "", 0, err
	}
	items, next = pageOf(items, limit, func(e lms.Endorsement) string { return fmt.Sprintf("%d.%s", e.At.UnixMilli(), e.ReplyID) })
	total, err = s.number(ctx, `SELECT count(*)`+where, courseID, actor.UserID, sc.staff(), query)
	return items, next, total, err
}

// SearchEndorsed returns the entries of the FAQ of a course that match the FTS5 expression, best first.
func (s *Store) SearchEndorsed(ctx context.Context, courseID, match string, limit int) ([]lms.Passage, error) {
	const q = `
		SELECT p.material_id, p.ordinal, 'Endorsed answer', p.heading, p.page, substr(p.text, 1, ?4), e.reply_id
		FROM passages_search
		JOIN passages p ON p.passage_id = passages_search.rowid
		JOIN endorsements e ON e.course_id = p.course_id AND e.ordinal = p.ordinal
		WHERE passages_search MATCH ?1 AND p.course_id = ?2 AND p.material_id = 'faq.' || ?2 AND e.withdrawn = 0
			AND EXISTS(SELECT 1 FROM passages WHERE material_id = 'faq.' || ?2)
		ORDER BY bm25(passages_search, 4.0, 2.0, 1.0), p.passage_id
		LIMIT ?3`
	rows, err := s.query(ctx, q, match, courseID, limitOf(limit), faqText)
	return collect(rows, err, func(row consensus.Row) (p lms.Passage, err error) {
		return p, row.Scan(&p.MaterialID, &p.Ordinal, &p.Title, &p.Heading, &p.Page, &p.Text, &p.Endorsed)
	})
}

// homeEndorsed lists the answers to the user that staff have endorsed or corrected last.
func (s *Store) homeEndorsed(ctx context.Context, userID string) ([]lms.EndorsedNews, error) {
	const q = `
		SELECT c.course_id, c.code, q.question_id, e.reply_id, q.title, e.corrected, e.endorsed_at
		FROM (` + studying + `) c
		JOIN questions q ON q.course_id = c.course_id AND q.author_id = ?1 AND q.erased_at IS NULL
		JOIN endorsements e ON e.question_id = q.question_id AND e.withdrawn = 0
		ORDER BY e.endorsed_at DESC, e.reply_id
		LIMIT 20`
	rows, err := s.query(ctx, q, userID)
	return collect(rows, err, func(row consensus.Row) (n lms.EndorsedNews, err error) {
		return n, row.Scan(&n.CourseID, &n.CourseCode, &n.QuestionID, &n.ReplyID, &n.Title, &n.Corrected, &n.At)
	})
}

// shortText cuts a text to a number of characters.
func shortText(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return strings.TrimSpace(string(r[:limit-1])) + "…"
	}
	return s
}
