package store

import (
	"context"
	"fmt"
	"strings"

	"trivium/app/lms"
	"trivium/consensus"
)

var (
	errNoRating = lms.Errorf(lms.KindConflict, "Only a finished answer of the tutor can be rated. Wait for it, or stop it.")
	errNoHuman  = lms.Errorf(lms.KindConflict, "Only a finished answer of the tutor can be sent to the staff. Wait for it, or stop it.")
)

const (
	// ?1 user, ?2 course, ?3 question
	questionMine = `EXISTS(SELECT 1 FROM questions WHERE question_id = ?3 AND author_id = ?1 AND course_id = ?2)`
	// ?1 reply, ?2 question
	tutorReplyThere = `EXISTS(SELECT 1 FROM replies WHERE reply_id = ?1 AND question_id = ?2 AND author_id = 'tutor')`
	tutorReplyFinal = `EXISTS(SELECT 1 FROM replies WHERE reply_id = ?1 AND question_id = ?2 AND author_id = 'tutor' AND state NOT IN ('pending', 'answering'))`
)

// RateReply keeps what who asked thinks of an answer of the tutor; a later rating replaces it.
func (s *Store) RateReply(ctx context.Context, actor lms.Actor, courseID, questionID, replyID string, r lms.Rating) (lms.Question, error) {
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.MemberOfCourse)
	requireQuestion(&b, actor, courseID, questionID, questionMine)
	b.Require(lms.ErrNotFound, tutorReplyThere, replyID, questionID)
	b.Require(errNoRating, tutorReplyFinal, replyID, questionID)
	b.Exec(`
		INSERT INTO reply_ratings (reply_id, user_id, helpful, reason, rated_at) VALUES (?1, ?2, ?3, ?4, ?5)
		ON CONFLICT (reply_id) DO UPDATE SET user_id = ?2, helpful = ?3, reason = ?4, rated_at = ?5`,
		replyID, actor.UserID, r.Helpful, r.Reason, consensus.Stamp{})
	return s.applyQuestion(ctx, &b, actor, courseID, questionID)
}

// AskHuman puts an answer of the tutor to the staff as a question of its own, with what was asked and the sources: once, however
// often and at however many nodes it is called. It returns the question to the staff.
func (s *Store) AskHuman(ctx context.Context, actor lms.Actor, courseID, questionID, replyID, id string, visibility lms.Visibility, comment string) (lms.Question, error) {
	q, err := s.Question(ctx, actor, courseID, questionID)
	if err != nil {
		return lms.Question{}, err
	}
	if q.AuthorID != actor.UserID {
		return lms.Question{}, lms.ErrNotYours
	}
	r, err := replyOf(q, replyID)
	if err != nil {
		return lms.Question{}, err
	}
	if visibility == "" {
		visibility = lms.VisibleStaff
	}
	var b consensus.Batch
	requireWrite(&b, actor, courseID, lms.MemberOfCourse)
	b.Require(lms.ErrForbidden, notObserver, actor.UserID, courseID)
	requireQuestion(&b, actor, courseID, questionID, questionMine)
	b.Require(lms.ErrNotFound, tutorReplyThere, replyID, questionID)
	b.Require(errNoHuman, tutorReplyFinal, replyID, questionID)
	b.Require(errQuestionExists, `NOT EXISTS(SELECT 1 FROM questions WHERE question_id = ?1) OR EXISTS(SELECT 1 FROM questions WHERE source_id = ?2)`, id, replyID)
	b.Exec(`
		INSERT INTO questions (question_id, course_id, author_id, addressee, title, body, material_id, visibility, anonymous, state, created_at, updated_at,
			version, source_id)
		SELECT ?1, ?2, ?3, 'staff', ?4, ?5, ?6, iif(?7 = 'course', 'course', 'staff'), ?7 = 'anonymous', 'open', ?8, ?8, 1, ?9
		WHERE NOT EXISTS(SELECT 1 FROM questions WHERE source_id = ?9)`,
		id, courseID, actor.UserID, q.Title, askedBody(q, r, comment), nullable(q.MaterialID), visibility, consensus.Stamp{}, replyID)
	b.Return(questionDetail+` WHERE q.source_id = ?1`, replyID)
	b.Notify(topicCourse(courseID), topicQuestion(questionID))
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanQuestion)
}

// messageOf is what a reply answers: the last message of the author before it.
func messageOf(q lms.Question, replyID string) string {
	message := strings.TrimSpace(q.Title + "\n\n" + q.Body)
	if body := strings.TrimSpace(q.Body); body != "" && strings.HasPrefix(body, strings.TrimRight(strings.TrimSpace(q.Title), "….")) {
		message = body
	}
	for _, r := range q.Replies {
		if r.ID == replyID {
			break
		}
		if r.AuthorID == q.AuthorID {
			message = strings.TrimSpace(r.Body)
		}
	}
	return message
}

// askedBody is the text of a question to the staff about an answer.
func askedBody(q lms.Question, r lms.Reply, comment string) string {
	var b strings.Builder
	b.WriteString(messageOf(q, r.ID))
	if comment = strings.TrimSpace(comment); comment != "" {
		b.WriteString("\n\n" + comment)
	}
	b.WriteString("\n\n---\n\n**Answer of the tutor**")
	if r.Generated {
		b.WriteString(" (" + lms.GeneratedMark + ")")
	}
	text := strings.TrimSpace(r.Body)
	if text == "" {
		text = "There was no answer. " + r.Note
	}
	b.WriteString("\n\n> " + strings.ReplaceAll(text, "\n", "\n> "))
	if len(r.Citations) > 0 {
		b.WriteString("\n\n**Sources**\n")
		for _, c := range r.Citations {
			fmt.Fprintf(&b, "\n- [%d] %s", c.N, lms.PlainMarkdown(c.Place()))
		}
	}
	return b.String()
}
