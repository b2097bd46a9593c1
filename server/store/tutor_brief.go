package store

import (
	"context"
	"encoding/json"

	"trivium/app/lms"
	"trivium/consensus"
)

// Brief returns what decides how a reply is written, as it stands now: the policy, the level, and the open graded work that
// the author of the question can see, with its hidden notes.
func (s *Store) Brief(ctx context.Context, replyID string) (lms.TutorBrief, error) {
	var brief lms.TutorBrief
	const place = `
		SELECT q.course_id, q.author_id, q.question_id, coalesce(q.mode, ''), r.requests,
			coalesce((SELECT anyway FROM tutor_calls c WHERE c.reply_id = r.reply_id AND c.request = r.requests), 0),
			coalesce((SELECT t.mode FROM tutor_choices t WHERE t.user_id = q.author_id AND t.course_id = q.course_id), ''),
			coalesce((SELECT t.level FROM tutor_choices t WHERE t.user_id = q.author_id AND t.course_id = q.course_id), ''),
			coalesce((SELECT value FROM settings WHERE name = 'tutor.crisis'), '')
		FROM replies r JOIN questions q ON q.question_id = r.question_id WHERE r.reply_id = ?1`
	var course, author, question string
	var chosen lms.TutorChoice
	rows, err := s.query(ctx, place, replyID)
	_, err = one(rows, err, func(row consensus.Row) (struct{}, error) {
		return struct{}{}, row.Scan(&course, &author, &question, &brief.Mode, &brief.Request, &brief.Anyway, &chosen.Mode, &chosen.Level, &brief.Crisis)
	})
	if err != nil {
		return brief, err
	}
	rows, err = s.query(ctx, selectTutorPolicy, course)
	if brief.Policy, err = one(rows, err, scanTutorPolicy); err != nil {
		return brief, err
	}
	if brief.Mode == "" {
		brief.Mode = chosen.Mode
	}
	if brief.Level = chosen.Level; brief.Level == "" {
		if brief.Level, err = s.Level(ctx, course, author, brief.Policy.Level); err != nil {
			return brief, err
		}
	}
	brief.Graded, err = s.gradedItems(ctx, course, author, question)
	return brief, err
}

// gradedItems lists the graded work that the author can still hand in. An item stays graded work up to its cut-off, or, without
// one, as long as the course runs; the dates are those that the author has.
func (s *Store) gradedItems(ctx context.Context, courseID, userID, questionID string) ([]lms.GradedItem, error) {
	const q = `
		SELECT a.assignment_id, a.title, a.description, coalesce(i.mode, ''), coalesce(i.notes, ''), coalesce(i.answer, ''), coalesce(i.version, 0),
			coalesce(i.canary, ''), coalesce((SELECT step FROM tutor_hints h WHERE h.user_id = ?2 AND h.assignment_id = a.assignment_id), 0),
			EXISTS(SELECT 1 FROM reply_records r WHERE r.question_id = ?3 AND r.assignment_id = a.assignment_id)
		FROM assignments a
		LEFT JOIN tutor_items i ON i.assignment_id = a.assignment_id
		LEFT JOIN (` + studentDates + ` WHERE a.course_id = ?1 AND e.user_id = ?2) d ON d.assignment_id = a.assignment_id
		JOIN (SELECT ?2 AS user_id) v
		WHERE a.course_id = ?1 AND ` + assignmentFrom + ` <= ?4 AND (d.opens_at IS NULL OR d.opens_at <= ?4) AND (d.cutoff_at IS NULL OR d.cutoff_at >= ?4)
			AND (d.user_id IS NOT NULL OR (a.opens_at IS NULL OR a.opens_at <= ?4) AND (a.cutoff_at IS NULL OR a.cutoff_at >= ?4))
		ORDER BY a.created_at, a.assignment_id`
	rows, err := s.query(ctx, q, courseID, userID, questionID, s.Now())
	return collect(rows, err, func(row consensus.Row) (g lms.GradedItem, err error) {
		err = row.Scan(&g.ID, &g.Title, &g.Text, &g.Policy.Mode, &g.Policy.Notes, &g.Policy.Answer, &g.Policy.Version, &g.Canary, &g.Hint, &g.InThread)
		g.Policy.AssignmentID = g.ID
		return g, err
	})
}

// recordReply keeps how a reply came about, settles what it used, and climbs the hint ladder, in the batch that stores the reply.
func recordReply(b *consensus.Batch, r lms.Reply, rec lms.ReplyRecord) error {
	if rec.Passages == nil {
		rec.Passages = []lms.PassageRank{}
	}
	passages, err := json.Marshal(rec.Passages)
	if err != nil {
		return err
	}
	b.Exec(`
		INSERT INTO reply_records (reply_id, question_id, course_id, mode, level, assignment_id, hint, prompt_version, passages, relevant, calls, prompt_tokens,
			answer_tokens, estimated, first_ms, total_ms, checked)
		SELECT q.reply_id, q.question_id, (SELECT course_id FROM questions WHERE question_id = q.question_id), ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15
		FROM replies q WHERE q.reply_id = ?1
		ON CONFLICT (reply_id) DO UPDATE SET mode = ?2, level = ?3, assignment_id = ?4, hint = ?5, prompt_version = ?6, passages = ?7, relevant = ?8, calls = ?9,
			prompt_tokens = ?10, answer_tokens = ?11, estimated = ?12, first_ms = ?13, total_ms = ?14, checked = ?15`,
		r.ID, rec.Mode, rec.Level, rec.AssignmentID, int(rec.Hint), rec.PromptVersion, string(passages), rec.Relevant, rec.Calls, rec.PromptTokens,
		rec.AnswerTokens, rec.Estimated, rec.FirstMs, rec.TotalMs, rec.Checked)
	// What led to no call, or to none that the reader has something of, is not counted against anybody.
	counted := rec.Calls > 0 && r.State != lms.ReplyFailed
	b.Exec(`UPDATE tutor_calls SET counted = ?2, tokens = ?3, settled = 1 WHERE reply_id = ?1 AND request = (SELECT requests FROM replies WHERE reply_id = ?1)`,
		r.ID, counted, rec.PromptTokens+rec.AnswerTokens)
	if rec.AssignmentID != "" && rec.Hint > 0 {
		b.Exec(`
			INSERT INTO tutor_hints (user_id, assignment_id, step, updated_at)
			SELECT q.author_id, ?2, ?3, ?4 FROM replies r JOIN questions q ON q.question_id = r.question_id WHERE r.reply_id = ?1
			ON CONFLICT (user_id, assignment_id) DO UPDATE SET step = max(step, ?3), updated_at = ?4`,
			r.ID, rec.AssignmentID, int(rec.Hint), consensus.Stamp{})
	}
	if rec.Concern != "" {
		b.Exec(`
			INSERT INTO tutor_flags (flag_id, course_id, question_id, reply_id, kind, severe, created_at, seen_by)
			SELECT r.reply_id || '.' || ?2, q.course_id, q.question_id, r.reply_id, ?2, ?3, ?4, ''
			FROM replies r JOIN questions q ON q.question_id = r.question_id WHERE r.reply_id = ?1
			ON CONFLICT DO NOTHING`,
			r.ID, rec.Concern, rec.Severe, consensus.Stamp{})
	}
	return nil
}
