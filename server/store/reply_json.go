package store

import (
	"encoding/json"
	"fmt"

	"trivium/app/lms"
)

// endorsementJSON is an endorsement e, with its time in Unix milliseconds.
const endorsementJSON = `json_object('replyId', e.reply_id, 'questionId', e.question_id, 'courseId', e.course_id, 'asked', e.asked, 'body', e.body,
	'corrected', json(iif(e.corrected, 'true', 'false')), 'generated', json(iif(NOT e.corrected AND ` + endorsedGenerated + `, 'true', 'false')),
	'by', coalesce((SELECT name FROM users WHERE user_id = e.endorsed_by), ''), 'atMs', e.endorsed_at,
	'withdrawn', json(iif(e.withdrawn, 'true', 'false')), 'version', e.version)`

const endorsedGenerated = `EXISTS(SELECT 1 FROM replies o WHERE o.reply_id = e.reply_id AND o.generated = 1)`

// Values in JSON, where times are in Unix milliseconds.
type (
	storedReply struct {
		lms.Reply
		CreatedMs   int64              `json:"createdMs"`
		Rating      *storedRating      `json:"rating"`
		Endorsement *storedEndorsement `json:"endorsement"`
	}
	storedRating struct {
		lms.Rating
		AtMs int64 `json:"atMs"`
	}
	storedEndorsement struct {
		lms.Endorsement
		AtMs int64 `json:"atMs"`
	}
	storedRead struct {
		lms.TranscriptRead
		AtMs int64 `json:"atMs"`
	}
)

func (r storedReply) reply(questionID string) lms.Reply {
	r.Reply.QuestionID, r.Reply.CreatedAt = questionID, millis(&r.CreatedMs)
	if len(r.Reply.Citations) == 0 {
		r.Reply.Citations = nil
	}
	if r.Rating != nil {
		r.Rating.At = millis(&r.Rating.AtMs)
		r.Reply.Rating = &r.Rating.Rating
	}
	if r.Endorsement != nil {
		r.Endorsement.At = millis(&r.Endorsement.AtMs)
		r.Reply.Endorsement = &r.Endorsement.Endorsement
	}
	return r.Reply
}

func parseReplies(questionID, text string) ([]lms.Reply, error) {
	if text == "" {
		return nil, nil
	}
	var stored []storedReply
	if err := json.Unmarshal([]byte(text), &stored); err != nil {
		return nil, fmt.Errorf("replies of %s: %w", questionID, err)
	}
	replies := make([]lms.Reply, len(stored))
	for i, r := range stored {
		replies[i] = r.reply(questionID)
	}
	return replies, nil
}

func parseReads(questionID, text string) ([]lms.TranscriptRead, error) {
	if text == "" {
		return nil, nil
	}
	var stored []storedRead
	if err := json.Unmarshal([]byte(text), &stored); err != nil {
		return nil, fmt.Errorf("readings of %s: %w", questionID, err)
	}
	var reads []lms.TranscriptRead
	for _, r := range stored {
		r.At = millis(&r.AtMs)
		reads = append(reads, r.TranscriptRead)
	}
	return reads, nil
}
