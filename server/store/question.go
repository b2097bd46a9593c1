package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errQuestionExists = lms.FieldErrorf(lms.KindConflict, "id", "This question exists already. Load the list of questions again.")
	errReplyExists    = lms.FieldErrorf(lms.KindConflict, "id", "This reply exists already. Load the question again.")
	errMaterial       = lms.FieldErrorf(lms.KindNotFound, "materialId", "The material that the question is about is not there, or hidden from you.")
	errStillAnswering = lms.Errorf(lms.KindConflict, "The tutor is still writing. Wait for the answer or stop it, then send your message again.")
)

// An anonymous question is stored as one to the staff, which is how a program that does not know the column shows it.
const questionColumns = `q.question_id, q.course_id, q.author_id, coalesce((SELECT name FROM users WHERE user_id = q.author_id), ''),
	q.addressee, q.title, q.body, q.material_id, iif(q.anonymous = 1, 'anonymous', q.visibility), q.state, q.created_at, q.updated_at, q.version,
	coalesce(q.mode, ''), coalesce(q.source_id, ''), coalesce(q.assignment_id, ''), ` + questionWaiting + `, (SELECT count(*) FROM replies r WHERE r.question_id = q.question_id)`

// Since when the author waits: since the first message that staff have not answered.
const questionWaiting = `iif(q.addressee = 'staff' AND q.state = 'open', coalesce((SELECT min(r.created_at) FROM replies r
	WHERE r.question_id = q.question_id AND r.author_id = q.author_id AND r.position > (SELECT max(s.position) FROM replies s
		WHERE s.question_id = q.question_id AND s.author_role IN ('instructor', 'ta'))), q.created_at), NULL)`

const replyJSON = `json_object('id', r.reply_id, 'authorId', r.author_id, 'authorName', CASE r.author_id WHEN 'tutor' THEN 'Tutor'
	ELSE (SELECT name FROM users WHERE user_id = r.author_id) END, 'authorRole', r.author_role, 'body', r.body, 'state', r.state,
	'note', r.note, 'generated', json(iif(r.generated, 'true', 'false')), 'model', r.model, 'citations', json(r.citations), 'createdMs', r.created_at,
	'rating', (SELECT json_object('helpful', json(iif(g.helpful, 'true', 'false')), 'reason', g.reason, 'atMs', g.rated_at)
		FROM reply_ratings g WHERE g.reply_id = r.reply_id),
	'endorsement', (SELECT ` + endorsementJSON + ` FROM endorsements e WHERE e.reply_id = r.reply_id AND e.withdrawn = 0),
	'askedId', (SELECT a.question_id FROM questions a WHERE a.source_id = r.reply_id AND a.erased_at IS NULL))`

const questionDetail = `SELECT ` + questionColumns + `, (
	SELECT json_group_array(` + replyJSON + ` ORDER BY r.position) FROM replies r WHERE r.question_id = q.question_id), (
	SELECT json_group_array(json_object('reader', (SELECT name FROM users WHERE user_id = t.reader_id), 'atMs', t.read_at) ORDER BY t.read_at DESC)
		FROM transcript_reads t WHERE t.question_id = q.question_id)
	FROM questions q`

// ?1 course, ?2 question
const selectQuestion = questionDetail + ` WHERE q.course_id = ?1 AND q.question_id = ?2 AND q.erased_at IS NULL`

func scanQuestion(row consensus.Row) (q lms.Question, err error) {
	var replies, reads string
	err = row.Scan(&q.ID, &q.CourseID, &q.AuthorID, &q.AuthorName, &q.To, &q.Title, &q.Body, &q.MaterialID, &q.Visibility, &q.State,
		&q.CreatedAt, &q.UpdatedAt, &q.Version, &q.Mode, &q.SourceID, &q.Assignment, &q.Waiting, &q.ReplyCount,
		&replies, &reads)
	if err == nil {
		q.Replies, err = parseReplies(q.ID, replies)
	}
	if err == nil {
		q.Reads, err = parseReads(q.ID, reads)
	}
	return q, err
}

// A question q of others is listed for a reader of the course. ?3 the reader is staff
const questionListed = `(?3 OR q.visibility = 'course' OR q.anonymous = 1) AND ` + notTestAuthor

// Questions lists the questions that the actor may read, newest first. to, state and mine filter unless empty.
func (s *Store) Questions(ctx context.Context, actor lms.Actor, courseID string, to lms.Addressee, state lms.QuestionState, mine bool, after string, limit int) (items []lms.Question, next string, total int, err error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err != nil {
		return nil, "", 0, err
	}
	at, id, err := parseQuestionCursor(after)
	if err != nil {
		return nil, "", 0, err
	}
	const where = `
		FROM questions q
		WHERE q.course_id = ?1 AND q.erased_at IS NULL
			AND (q.author_id = ?2 OR NOT ?6 AND ` + questionListed + `)
			AND (?4 = '' OR q.addressee = ?4) AND (?5 = '' OR q.state = ?5)`
	const q = `
		SELECT ` + questionColumns + `, '', ''` + where + `
			AND (q.created_at, q.question_id) < (?7, ?8)
		ORDER BY q.created_at DESC, q.question_id DESC
		LIMIT ?9`
	limit = limitOf(limit)
	rows, err := s.query(ctx, q, courseID, actor.UserID, sc.staff(), to, state, mine, at, id, limit+1)
	if items, err = collect(rows, err, scanQuestion); err != nil {
		return nil, "", 0, err
	}
	for i, q := range items {
		if items[i] = q.For(actor.UserID, sc.staff()); q.To == lms.ToTutor && q.AuthorID != actor.UserID {
			items[i].Body = "" // opening the conversation is what is recorded
		}
	}
	items, next = pageOf(items, limit, func(q lms.Question) string {
		return fmt.Sprintf("%d.%s", q.CreatedAt.UnixMilli(), q.ID)
	})
	total, err = s.number(ctx, `SELECT count(*)`+where, courseID, actor.UserID, sc.staff(), to, state, mine)
	return items, next, total, err
}

func parseQuestionCursor(after string) (at int64, id string, err error) {
	if after == "" {
		return 1 << 62, "", nil
	}
	ms, id, ok := strings.Cut(after, ".")
	if at, err = strconv.ParseInt(ms, 10, 64); err != nil || !ok {
		return 0, "", errCursor
	}
	return at, id, nil
}

// Question returns a question with its replies.
func (s *Store) Question(ctx context.Context, actor lms.Actor, courseID, id string) (lms.Question, error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err != nil {
		return lms.Question{}, err
	}
	rows, err := s.query(ctx, selectQuestion, courseID, id)
	q, err := one(rows, err, scanQuestion)
	if err == nil && q.AuthorID != actor.UserID && !sc.staff() && q.Visibility == lms.VisibleStaff {
		return lms.Question{}, lms.ErrNotYours
	}
	return q.For(actor.UserID, sc.staff()), err
}

// ?1 question, ?2 course
const questionExists = `EXISTS(SELECT 1 FROM questions WHERE question_id = ?1 AND course_id = ?2 AND erased_at IS NULL)`

// ?1 user, ?2 course, ?3 question
const (
	questionReadable = `EXISTS(SELECT 1 FROM questions WHERE question_id = ?3 AND (author_id = ?1 OR visibility = 'course' OR anonymous = 1)) OR ` + staffOrAdmin
	questionOwned    = `EXISTS(SELECT 1 FROM questions WHERE question_id = ?3 AND author_id = ?1) OR ` + staffOrAdmin
)

// requireQuestion demands that the question is in the course and the condition (questionReadable or questionOwned) holds.
func requireQuestion(b *consensus.Batch, actor lms.Actor, courseID, id, condition string) {
	b.Require(lms.ErrNotFound, questionExists, id, courseID)
	b.Require(lms.ErrNotYours, condition, actor.UserID, courseID, id)
}

// Ask puts a question. One to the tutor gets the tutor's reply, still to be written, under replyID.
func (s *Store) Ask(ctx context.Context, actor lms.Actor, q lms.Question, replyID string) (lms.Question, error) {
	state := lms.QuestionOpen
	if q.To == lms.ToTutor {
		state, q.Visibility = lms.QuestionPending, lms.VisibleStaff
	}
	var b consensus.Batch
	requireWrite(&b, actor, q.CourseID, lms.MemberOfCourse)
	b.Require(lms.ErrForbidden, notObserver, actor.UserID, q.CourseID)
	b.Require(errQuestionExists, `NOT EXISTS(SELECT 1 FROM questions WHERE question_id = ?)`, q.ID)
	if q.MaterialID != "" {
		b.Require(errMaterial, `EXISTS(SELECT 1 FROM materials m WHERE m.material_id = ?3 AND m.course_id = ?2 AND m.deleted_at IS NULL
			AND (`+materialFrom+` <= ?4 OR `+staffOrAdmin+`))`, actor.UserID, q.CourseID, q.MaterialID, consensus.Stamp{})
	}
	if q.To == lms.ToTutor {
		requireReplyFree(&b, replyID)
		b.Require(errTutorMode, tutorModeAllowed, q.CourseID, q.Mode)
		requireTutor(&b, actor, q.CourseID, false)
	}
	b.Exec(`
		INSERT INTO questions (question_id, course_id, author_id, addressee, title, body, material_id, visibility, anonymous, state, created_at, updated_at, version, mode)
		VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, iif(?8 = 'course', 'course', 'staff'), ?8 = 'anonymous', ?9, ?10, ?10, 1, ?11)`,
		q.ID, q.CourseID, actor.UserID, q.To, q.Title, q.Body, nullable(q.MaterialID), q.Visibility, state, consensus.Stamp{}, nullable(string(q.Mode)))
	if q.To == lms.ToTutor {
		insertTutorReply(&b, actor, q.ID, replyID)
		countTutor(&b, actor, q.CourseID, replyID, false)
	}
	asked, err := s.applyQuestion(ctx, &b, actor, q.CourseID, q.ID)
	return asked, s.explainTutor(ctx, err, actor, q.CourseID)
}

// applyQuestion finishes a batch about a question and returns the question, as the actor may see it.
func (s *Store) applyQuestion(ctx context.Context, b *consensus.Batch, actor lms.Actor, courseID, id string) (lms.Question, error) {
	b.Notify(topicCourse(courseID), topicQuestion(id))
	if _, err := s.apply(ctx, b); err != nil {
		return lms.Question{}, err
	}
	rows, err := s.query(ctx, selectQuestion, courseID, id) // not by the batch: every node would read the whole discussion while it applies
	q, err := one(rows, err, scanQuestion)
	if err != nil || q.AuthorID == actor.UserID {
		return q, err
	}
	sc, err := s.scope(ctx, actor, courseID)
	return q.For(actor.UserID, err == nil && sc.staff()), err
}

// SetQuestion marks a question as open, answered or resolved, or sends a tutor thread to the staff. Its author and staff
// may do so.
func (s *Store) SetQuestion(ctx context.Context, actor lms.Actor, courseID, id string, state *lms.QuestionState, to *lms.Addressee) (lms.Question, error) {
	if to != nil && state == nil {
		open := lms.QuestionOpen // it waits for the staff now
		state = &open
	}
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.MemberOfCourse)
	requireQuestion(&b, actor, courseID, id, questionOwned)
	b.Exec(`UPDATE questions SET state = coalesce(?2, state), addressee = coalesce(?3, addressee), updated_at = ?4, version = version + 1 WHERE question_id = ?1`,
		id, opt(state), opt(to), consensus.Stamp{})
	return s.applyQuestion(ctx, &b, actor, courseID, id)
}
