package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// readAgain is how long one reading of a conversation lasts: a page that is loaded again is not another one.
const readAgain = 10 * time.Minute

var errReadKnown = errors.New("this reading is recorded already")

// ReadTranscript records that the actor reads another's conversation with the tutor, in the audit log and where its author sees it.
// It is called before the text is shown: what is not recorded is not read. A thread that its author has sent to the staff is
// no transcript any more.
func (s *Store) ReadTranscript(ctx context.Context, actor lms.Actor, q lms.Question) error {
	if q.AuthorID == actor.UserID || q.To != lms.ToTutor {
		return nil
	}
	const fresh = `EXISTS(SELECT 1 FROM transcript_reads WHERE question_id = ?1 AND reader_id = ?2 AND read_at > ?3 - ?4)`
	known, err := s.number(ctx, `SELECT `+fresh, q.ID, actor.UserID, s.Now(), readAgain.Milliseconds())
	if err != nil || known == 1 {
		return err
	}
	var b consensus.Batch
	requireAccess(&b, actor, q.CourseID, lms.StaffOfCourse)
	b.Require(errReadKnown, `NOT `+fresh, q.ID, actor.UserID, consensus.Stamp{}, readAgain.Milliseconds())
	b.Exec(`INSERT INTO transcript_reads (question_id, reader_id, read_at) VALUES (?, ?, ?)`, q.ID, actor.UserID, consensus.Stamp{})
	audit(ctx, &b, actor, lms.AuditTranscriptRead, "question/"+q.ID, "course", q.CourseID, "student", q.AuthorID)
	b.Notify(topicUser(q.AuthorID), topicQuestion(q.ID))
	if _, err = s.applyUnkeyed(ctx, &b); errors.Is(err, errReadKnown) {
		return nil
	}
	return err
}

// A conversation with the tutor q, also one that was sent to the staff later.
const isConversation = `(q.addressee = 'tutor' OR EXISTS(SELECT 1 FROM replies t WHERE t.question_id = q.question_id AND t.author_id = 'tutor'))`

// Conversations lists the actor's own conversations with the tutor in a course, newest first: those without an answer too. query is a
// part of anything that was written in them.
func (s *Store) Conversations(ctx context.Context, actor lms.Actor, courseID, query, after string, limit int) (items []lms.Question, next string, total int, err error) {
	if _, err := s.scope(ctx, actor, courseID); err != nil {
		return nil, "", 0, err
	}
	at, id, err := parseQuestionCursor(after)
	if err != nil {
		return nil, "", 0, err
	}
	const where = `
		FROM questions q
		WHERE q.course_id = ?1 AND q.author_id = ?2 AND q.erased_at IS NULL AND ` + isConversation + `
			AND (?3 = '' OR instr(lower(q.title || ' ' || q.body), lower(?3)) > 0 OR EXISTS(
				SELECT 1 FROM replies r WHERE r.question_id = q.question_id AND instr(lower(r.body), lower(?3)) > 0))`
	limit, query = limitOf(limit), strings.TrimSpace(query)
	rows, err := s.query(ctx, `SELECT `+questionColumns+`, '', ''`+where+` AND (q.created_at, q.question_id) < (?4, ?5)
		ORDER BY q.created_at DESC, q.question_id DESC LIMIT ?6`, courseID, actor.UserID, query, at, id, limit+1)
	if items, err = collect(rows, err, scanQuestion); err != nil {
		return nil, "", 0, err
	}
	items, next = pageOf(items, limit, func(q lms.Question) string { return fmt.Sprintf("%d.%s", q.CreatedAt.UnixMilli(), q.ID) })
	total, err = s.number(ctx, `SELECT count(*)`+where, courseID, actor.UserID, query)
	return items, next, total, err
}

// EachConversation hands the actor's own conversations with the tutor to fn, oldest first, with their replies.
func (s *Store) EachConversation(ctx context.Context, actor lms.Actor, courseID string, fn func(lms.Question) error) error {
	if _, err := s.scope(ctx, actor, courseID); err != nil {
		return err
	}
	const page = 50
	at, id := time.Time{}, ""
	for {
		rows, err := s.query(ctx, questionDetail+` WHERE q.course_id = ?1 AND q.author_id = ?2 AND q.erased_at IS NULL AND `+isConversation+`
			AND (q.created_at, q.question_id) > (coalesce(?3, 0), ?4) ORDER BY q.created_at, q.question_id LIMIT ?5`, courseID, actor.UserID, at, id, page)
		items, err := collect(rows, err, scanQuestion)
		if err != nil {
			return err
		}
		for _, q := range items {
			if err := fn(q); err != nil {
				return err
			}
			at, id = q.CreatedAt, q.ID
		}
		if len(items) < page {
			return nil
		}
	}
}

// ?1 stamp: the conversations that this batch erases; those of an earlier one with the same stamp are empty already.
const (
	erasedNow = `SELECT question_id FROM questions WHERE erased_at = ?1`
	erasedFAQ = `SELECT p.passage_id FROM passages p JOIN endorsements e ON p.material_id = 'faq.' || e.course_id AND p.ordinal = e.ordinal
		WHERE coalesce(e.verbatim, 1) = 1 AND e.question_id IN (` + erasedNow + `)`
)

// eraseText erases what was written in the conversations that a statement before it has marked as erased. What counts is kept: that
// and when something was asked, what it cost, how it was rated. What staff have put into the FAQ in their own words is theirs; where it
// repeats the student's words, it goes too.
func eraseText(b *consensus.Batch) {
	b.Exec(`DELETE FROM passages_search WHERE rowid IN (`+erasedFAQ+`)`, consensus.Stamp{})
	b.Exec(`DELETE FROM passages WHERE passage_id IN (`+erasedFAQ+`)`, consensus.Stamp{})
	b.Exec(`UPDATE endorsements SET asked = '', body = '', withdrawn = 1, version = version + 1
		WHERE coalesce(verbatim, 1) = 1 AND question_id IN (`+erasedNow+`)`, consensus.Stamp{})
	b.Exec(`UPDATE reply_ratings SET reason = '' WHERE reply_id IN (SELECT reply_id FROM replies WHERE question_id IN (`+erasedNow+`))`, consensus.Stamp{})
	b.Exec(`UPDATE tutor_calls SET settled = 1 WHERE reply_id IN (SELECT reply_id FROM replies WHERE question_id IN (`+erasedNow+`))`, consensus.Stamp{})
	b.Exec(`UPDATE replies SET body = '', note = '', citations = '[]', node_id = '', state = iif(state IN ('pending', 'answering'), 'stopped', state)
		WHERE question_id IN (`+erasedNow+`)`, consensus.Stamp{})
}

// EraseConversation erases the text of an own conversation with the tutor on every node and in the search; it is there no more for anybody.
// An answer that is being written ends.
func (s *Store) EraseConversation(ctx context.Context, actor lms.Actor, courseID, id string) error {
	var b consensus.Batch
	requireAccess(&b, actor, courseID, lms.MemberOfCourse)
	requireQuestion(&b, actor, courseID, id, questionMine)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM questions q WHERE q.question_id = ? AND `+isConversation+`)`, id)
	b.Exec(`UPDATE questions SET title = '', body = '', state = 'resolved', erased_at = ?1, version = version + 1 WHERE question_id = ?2`, consensus.Stamp{}, id)
	eraseText(&b)
	audit(ctx, &b, actor, lms.AuditErase, "question/"+id, "course", courseID)
	b.Notify(topicCourse(courseID), topicQuestion(id))
	_, err := s.apply(ctx, &b)
	return err
}

// ?1 stamp: conversations that are older than the site keeps them; not all at once, so that other writes do not wait.
const oldConversations = `SELECT q.question_id FROM questions q
	WHERE q.erased_at IS NULL AND q.updated_at < ?1 - 86400000 * coalesce((SELECT value ->> 'retention' FROM settings WHERE name = 'tutor.site'), 180)
		AND ` + isConversation + `
	ORDER BY q.updated_at, q.question_id LIMIT 200`

// EraseOldConversations erases the text of conversations that nobody has written in for longer than the site keeps them, some
// at a time, and tells how many. The stamp decides, so that every node erases the same.
func (s *Store) EraseOldConversations(ctx context.Context) (int, error) {
	n, err := s.number(ctx, `SELECT count(*) FROM (`+oldConversations+`)`, s.Now())
	if err != nil || n == 0 {
		return 0, err
	}
	var b consensus.Batch
	b.Exec(`UPDATE questions SET title = '', body = '', state = 'resolved', erased_at = ?1, version = version + 1
		WHERE question_id IN (`+oldConversations+`)`, consensus.Stamp{})
	eraseText(&b)
	audit(ctx, &b, lms.Actor{}, lms.AuditErase, "site", "reason", "retention", "conversations", fmt.Sprint(n))
	res, err := s.applyUnkeyed(ctx, &b)
	if err != nil || len(res.Changed) == 0 {
		return 0, err
	}
	return int(res.Changed[0]), nil
}
