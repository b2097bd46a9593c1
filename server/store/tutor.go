package store

import (
	"context"
	"encoding/json"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// errClaimLost means that the reply is another node's by now, or final.
var errClaimLost = lms.Errorf(lms.KindConflict, "Another node has taken this answer over, or it is finished.")

// A node that claims a reply must show, by heartbeats, that it still works on it. All times are stamps, so that the
// nodes' clocks do not matter.

// ClaimReply makes the reply this node's to write: one that nobody works on, or whose node has been silent for longer
// than staleAfter. Of racing claims exactly one wins.
func (s *Store) ClaimReply(ctx context.Context, replyID, node string, staleAfter time.Duration) (claimed bool, err error) {
	var b consensus.Batch
	b.Exec(`
		UPDATE replies
		SET state = 'answering', node_id = ?2, heartbeat_at = ?3
		WHERE reply_id = ?1 AND (state = 'pending' OR state = 'answering' AND heartbeat_at < ?3 - ?4)`,
		replyID, node, consensus.Stamp{}, staleAfter.Milliseconds())
	res, err := s.applyUnkeyed(ctx, &b)
	return err == nil && len(res.Changed) == 1 && res.Changed[0] == 1, err
}

const claimedBy = `EXISTS(SELECT 1 FROM replies WHERE reply_id = ?1 AND node_id = ?2 AND state = 'answering')`

// HeartbeatReply shows that the node still works on the reply. An error of KindConflict: it must stop.
func (s *Store) HeartbeatReply(ctx context.Context, replyID, node string) error {
	var b consensus.Batch
	b.Require(errClaimLost, claimedBy, replyID, node)
	b.Exec(`UPDATE replies SET heartbeat_at = ?2 WHERE reply_id = ?1`, replyID, consensus.Stamp{})
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// FinishReply stores the answer and how it came about, once: only if the node still has the claim. The question becomes answered, or open when
// there is no answer, unless it was sent to the staff meanwhile.
func (s *Store) FinishReply(ctx context.Context, node string, r lms.Reply, rec lms.ReplyRecord) error {
	if !r.State.Final() {
		return lms.Errorf(lms.KindInvalid, "%q is not the state of a finished answer.", r.State)
	}
	if r.Citations == nil {
		r.Citations = []lms.Citation{}
	}
	citations, err := json.Marshal(r.Citations)
	if err != nil {
		return err
	}
	rows, err := s.query(ctx, `SELECT q.question_id, q.course_id FROM replies r JOIN questions q ON q.question_id = r.question_id WHERE r.reply_id = ?1`, r.ID)
	place, err := one(rows, err, func(row consensus.Row) (p [2]string, err error) { return p, row.Scan(&p[0], &p[1]) })
	if err != nil {
		return err
	}
	state := lms.QuestionAnswered
	if r.State == lms.ReplyFailed || r.Body == "" {
		state = lms.QuestionOpen
	}
	var b consensus.Batch
	b.Require(errClaimLost, claimedBy, r.ID, node)
	b.Exec(`
		UPDATE replies
		SET body = ?2, state = ?3, note = ?4, generated = ?5, model = ?6, citations = ?7, heartbeat_at = ?8
		WHERE reply_id = ?1`,
		r.ID, r.Body, r.State, r.Note, r.Generated, r.Model, string(citations), consensus.Stamp{})
	b.Exec(`
		UPDATE questions
		SET state = iif(addressee = 'tutor' AND state = 'pending', ?2, state), updated_at = ?3, version = version + 1
		WHERE question_id = ?1`, place[0], state, consensus.Stamp{})
	if err := recordReply(&b, r, rec); err != nil {
		return err
	}
	b.Notify(topicQuestion(place[0]), topicCourse(place[1]))
	if rec.Concern != "" {
		people, err := s.flagReaders(ctx, place[1], rec.Severe)
		if err != nil {
			return err
		}
		for _, id := range people {
			b.Notify(topicUser(id))
		}
	}
	_, err = s.applyUnkeyed(ctx, &b)
	return err
}

// ReplyContext returns what the tutor needs to write a reply: the question with its thread, who asked, and the course.
func (s *Store) ReplyContext(ctx context.Context, replyID string) (lms.Question, lms.Actor, lms.Course, error) {
	var none lms.Question
	rows, err := s.query(ctx, questionDetail+` WHERE q.question_id = (SELECT question_id FROM replies WHERE reply_id = ?1)`, replyID)
	q, err := one(rows, err, scanQuestion)
	if err != nil {
		return none, lms.Actor{}, lms.Course{}, err
	}
	u, err := s.User(ctx, q.AuthorID)
	if err != nil {
		return none, lms.Actor{}, lms.Course{}, err
	}
	author := actorOf(u, "")
	rows, err = s.query(ctx, selectCourse, q.AuthorID, q.CourseID)
	c, err := one(rows, err, scanCourse(author))
	author.Role = c.MyRole
	return q, author, c, err
}

// ReplyClaim tells which node has the reply, and its state.
func (s *Store) ReplyClaim(ctx context.Context, replyID string) (node string, state lms.ReplyState, err error) {
	rows, err := s.query(ctx, `SELECT node_id, state FROM replies WHERE reply_id = ?1`, replyID)
	_, err = one(rows, err, func(row consensus.Row) (struct{}, error) { return struct{}{}, row.Scan(&node, &state) })
	return node, state, err
}

// UnclaimedReplies lists replies that wait for a node, and those whose node has been silent for longer than staleAfter,
// oldest first. ClaimReply decides.
func (s *Store) UnclaimedReplies(ctx context.Context, staleAfter time.Duration) (ids []string, err error) {
	const q = `
		SELECT reply_id
		FROM replies
		WHERE state IN ('pending', 'answering') AND (state = 'pending' OR heartbeat_at < ?1)
		ORDER BY requested_at, reply_id
		LIMIT 100`
	rows, err := s.query(ctx, q, s.Now().Add(-staleAfter))
	return collect(rows, err, scanString)
}
