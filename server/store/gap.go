package store

import (
	"context"
	"encoding/json"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// MaxTurns is how many questions a report reads.
const MaxTurns = 5000

// TutorTurns lists what students asked the tutor of a course in a time (to is not included), the latest MaxTurns + 1 of it, latest first.
func (s *Store) TutorTurns(ctx context.Context, actor lms.Actor, courseID string, from, to time.Time) ([]lms.TutorTurn, error) {
	if _, err := s.staffScope(ctx, actor, courseID); err != nil {
		return nil, err
	}
	const q = `
		SELECT q.author_id, r.created_at,
			coalesce((SELECT m.body FROM replies m WHERE m.question_id = q.question_id AND m.author_id = q.author_id AND m.position < r.position
				ORDER BY m.position DESC LIMIT 1), q.title || ' ' || q.body),
			coalesce(a.assignment_id, m.material_id, ''), coalesce(a.title, m.title, ''),
			coalesce(c.relevant = 0 AND c.assignment_id = '', 0), g.reply_id IS NOT NULL, coalesce(g.helpful, 0), r.citations
		FROM questions q
		JOIN replies r ON r.question_id = q.question_id AND r.author_id = 'tutor'
		LEFT JOIN reply_records c ON c.reply_id = r.reply_id
		LEFT JOIN reply_ratings g ON g.reply_id = r.reply_id
		LEFT JOIN assignments a ON a.assignment_id = c.assignment_id
		LEFT JOIN materials m ON m.material_id = q.material_id
		WHERE q.course_id = ?1 AND r.created_at >= ?2 AND r.created_at < ?3
			AND NOT EXISTS(SELECT 1 FROM enrolments e WHERE e.course_id = q.course_id AND e.user_id = q.author_id AND e.role IN ('instructor', 'ta'))
			AND ` + notTestAuthor + `
		ORDER BY r.created_at DESC, r.reply_id
		LIMIT ?4`
	rows, err := s.query(ctx, q, courseID, from, to, MaxTurns+1)
	return collect(rows, err, func(row consensus.Row) (t lms.TutorTurn, err error) {
		var citations string
		if err := row.Scan(&t.StudentID, &t.At, &t.Text, &t.ItemID, &t.ItemTitle, &t.NoPassage, &t.Rated, &t.Helpful, &citations); err != nil {
			return t, err
		}
		return t, json.Unmarshal([]byte(citations), &t.Citations)
	})
}
