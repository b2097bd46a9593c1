package store

import (
	"context"

	"trivium/app/lms"
	"trivium/consensus"
)

var errNoRetry = lms.Errorf(lms.KindConflict, "Only an answer that failed or was stopped can be tried again. Load the question again.")

// The next place in the thread of ?1.
const nextPosition = `(SELECT coalesce(max(position), 0) + 1 FROM replies WHERE question_id = ?1)`

// ?1 user, ?2 course: the role that a reply is signed with.
const roleInCourse = `coalesce((SELECT role FROM enrolments WHERE user_id = ?1 AND course_id = ?2 AND active = 1), '')`

// ?1 question: the tutor works in the thread.
const tutorBusy = `EXISTS(SELECT 1 FROM replies WHERE question_id = ?1 AND state IN ('pending', 'answering'))`

func requireReplyFree(b *consensus.Batch, replyID string) {
	b.Require(errReplyExists, `NOT EXISTS(SELECT 1 FROM replies WHERE reply_id = ?)`, replyID)
}

// insertTutorReply adds the tutor's reply, still to be written, if the question is the actor's to the tutor.
func insertTutorReply(b *consensus.Batch, actor lms.Actor, questionID, replyID string) {
	b.Exec(`
		INSERT INTO replies (reply_id, question_id, position, author_id, author_role, body, state, note, generated, model, citations, created_at,
			requests, requested_at, node_id)
		SELECT ?2, ?1, `+nextPosition+`, 'tutor', '', '', 'pending', '', 0, '', '[]', ?4, 1, ?4, ''
		FROM questions WHERE question_id = ?1 AND addressee = 'tutor' AND author_id = ?3`,
		questionID, replyID, actor.UserID, consensus.Stamp{})
}

// insertReply adds a reply of the actor to a question.
func insertReply(b *consensus.Batch, actor lms.Actor, courseID string, r lms.Reply) {
	b.Exec(`
		INSERT INTO replies (reply_id, question_id, position, author_id, author_role, body, state, note, generated, model, citations, created_at,
			requests, requested_at, node_id)
		VALUES (?4, ?3, (SELECT coalesce(max(position), 0) + 1 FROM replies WHERE question_id = ?3), ?1, `+roleInCourse+`, ?5, 'done', '', 0, '', '[]', ?6,
			0, ?6, '')`,
		actor.UserID, courseID, r.QuestionID, r.ID, r.Body, consensus.Stamp{})
}

// AddReply posts in a thread. A reply of staff to a question to the staff marks it answered, a further message of its
// author opens it again. In a tutor thread the author's message is a further question: the tutor's reply, still to be
// written, follows under tutorReplyID.
func (s *Store) AddReply(ctx context.Context, actor lms.Actor, courseID, questionID string, r lms.Reply, tutorReplyID string) (lms.Question, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.MemberOfCourse)
	b.Require(lms.ErrForbidden, notObserver, actor.UserID, courseID)
	requireQuestion(&b, actor, courseID, questionID, questionReadable)
	requireReplyFree(&b, r.ID)
	if tutorReplyID != "" {
		requireReplyFree(&b, tutorReplyID)
		b.Require(errStillAnswering, `NOT `+tutorBusy+` OR NOT EXISTS(SELECT 1 FROM questions WHERE question_id = ?1 AND author_id = ?2)`,
			questionID, actor.UserID)
		requireTutor(&b, actor, courseID, false)
	}
	r.QuestionID = questionID
	insertReply(&b, actor, courseID, r)
	b.Exec(`
		UPDATE questions
		SET updated_at = ?4, version = version + 1, state = CASE
			WHEN addressee = 'tutor' THEN iif(author_id = ?1 AND ?5, 'pending', state)
			WHEN author_id = ?1 THEN 'open'
			WHEN `+staffOrAdmin+` THEN 'answered'
			ELSE state END
		WHERE question_id = ?3`,
		actor.UserID, courseID, questionID, consensus.Stamp{}, tutorReplyID != "")
	if tutorReplyID != "" {
		insertTutorReply(&b, actor, questionID, tutorReplyID)
		countTutor(&b, actor, courseID, tutorReplyID, false)
	}
	q, err := s.applyQuestion(ctx, &b, actor, courseID, questionID)
	return q, s.explainTutor(ctx, err, actor, courseID)
}

// Reply returns one reply of a question that the actor may read.
func (s *Store) Reply(ctx context.Context, actor lms.Actor, courseID, questionID, replyID string) (lms.Reply, error) {
	q, err := s.Question(ctx, actor, courseID, questionID)
	if err != nil {
		return lms.Reply{}, err
	}
	return replyOf(q, replyID)
}

func replyOf(q lms.Question, replyID string) (lms.Reply, error) {
	for _, r := range q.Replies {
		if r.ID == replyID {
			return r, nil
		}
	}
	return lms.Reply{}, lms.ErrNotFound
}

// RetryReply asks the tutor again after a failed or stopped answer. anyway also asks again after an answer that found nothing in
// the material and made no call: the question goes to the model all the same (TUTOR-7).
func (s *Store) RetryReply(ctx context.Context, actor lms.Actor, courseID, questionID, replyID string, anyway bool) (lms.Question, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.MemberOfCourse)
	requireQuestion(&b, actor, courseID, questionID, questionOwned)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM replies WHERE reply_id = ? AND question_id = ? AND author_id = 'tutor')`, replyID, questionID)
	b.Require(errNoRetry, `EXISTS(SELECT 1 FROM replies r WHERE r.reply_id = ?1 AND (r.state IN ('failed', 'stopped')
		OR ?2 AND r.state = 'done' AND EXISTS(SELECT 1 FROM reply_records c WHERE c.reply_id = r.reply_id AND c.relevant = 0 AND c.calls = 0)))`, replyID, anyway)
	requireTutor(&b, actor, courseID, anyway)
	b.Require(errStillAnswering, `NOT `+tutorBusy, questionID)
	b.Exec(`
		UPDATE replies
		SET state = 'pending', body = '', note = '', generated = 0, model = '', citations = '[]', node_id = '', heartbeat_at = NULL,
			requests = requests + 1, requested_at = ?2
		WHERE reply_id = ?1`, replyID, consensus.Stamp{})
	countTutor(&b, actor, courseID, replyID, anyway)
	b.Exec(`UPDATE questions SET state = iif(addressee = 'tutor', 'pending', state), updated_at = ?2, version = version + 1 WHERE question_id = ?1`,
		questionID, consensus.Stamp{})
	q, err := s.applyQuestion(ctx, &b, actor, courseID, questionID)
	return q, s.explainTutor(ctx, err, actor, courseID)
}
