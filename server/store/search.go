package store

import (
	"context"

	"trivium/app/lms"
	"trivium/consensus"
)

// placesOf is how many passages of one material a search returns; the others are counted.
const placesOf = 3

// rankedMatches is up to how many passages of the site a search ranks all that match. Words that are in more tell little and cost
// most: then those with the words in a title or a heading are ranked, and of the others some are taken as they come.
const rankedMatches = 4000

// What matches in the index and the actor may open. ?1 FTS5 expression, ?2 course, ?3 staff, ?5 now; of is what a passage is a place of.
const (
	matchOf     = `SELECT h.passage_id, iif(h.material_id = 'faq.' || ?2, h.passage_id, h.material_id) AS of, `
	matchPoints = `bm25(passages_search, 4.0, 2.0, 1.0) AS points`
	matchIn     = ` FROM passages_search CROSS JOIN passages h ON h.passage_id = passages_search.rowid WHERE h.course_id = ?2
			AND (h.material_id IN (` + openMaterials + `) OR h.material_id = 'faq.' || ?2) AND passages_search MATCH `
	allMatches  = matchOf + matchPoints + matchIn + `?1`
	someMatches = `SELECT passage_id, of, min(points) AS points FROM (
			SELECT passage_id, of, points FROM (` + matchOf + matchPoints + matchIn + `'{title heading} : (' || ?1 || ')' LIMIT ?8)
			UNION ALL
			SELECT passage_id, of, points FROM (` + matchOf + `0.0 AS points` + matchIn + `?1 AND passages_search.rowid BETWEEN
				(SELECT min(passage_id) FROM passages WHERE course_id = ?2) AND (SELECT max(passage_id) FROM passages WHERE course_id = ?2) LIMIT ?4)
		) GROUP BY passage_id`
	// ?4 limit, ?6 places of one thing, ?7 length of a text
	bestMatches = `), best AS (
			SELECT passage_id, points, row_number() OVER (PARTITION BY of ORDER BY points, passage_id) AS place, count(*) OVER (PARTITION BY of) AS places
			FROM hits
		)
		SELECT coalesce(m.kind, 'faq'), coalesce(m.material_id, e.reply_id), p.ordinal, coalesce(m.title, e.asked), iif(m.material_id IS NULL, '', p.heading),
			p.page, substr(p.text, 1, ?7), m.material_id IS NOT NULL AND coalesce(` + materialFrom + ` > ?5, 1), '', b.places
		FROM best b
		JOIN passages p ON p.passage_id = b.passage_id
		LEFT JOIN materials m ON m.material_id = p.material_id
		LEFT JOIN endorsements e ON m.material_id IS NULL AND e.course_id = p.course_id AND e.ordinal = p.ordinal AND e.withdrawn = 0
		WHERE b.place <= ?6 AND (m.material_id IS NOT NULL OR e.reply_id IS NOT NULL)
		ORDER BY b.points, b.passage_id
		LIMIT ?4`
)

// FoundPassages returns the passages of materials and the entries of the FAQ that match the FTS5 expression and that the actor
// may open, best first, at most placesOf of a material. A hit in the title weighs four times, in a heading twice as much as one
// in the text.
func (s *Store) FoundPassages(ctx context.Context, actor lms.Actor, courseID, match string, limit int) ([]lms.FoundText, error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err != nil {
		return nil, err
	}
	const all = `WITH hits AS MATERIALIZED (` + allMatches + bestMatches
	const some = `WITH hits AS MATERIALIZED (` + someMatches + bestMatches
	n, err := s.number(ctx, `SELECT count(*) FROM passages_search WHERE passages_search MATCH ?1`, match)
	if err != nil {
		return nil, err
	}
	var rows []consensus.Row
	if n <= rankedMatches {
		rows, err = s.query(ctx, all, match, courseID, sc.staff(), limit, s.Now(), placesOf, faqText)
	} else {
		rows, err = s.query(ctx, some, match, courseID, sc.staff(), limit, s.Now(), placesOf, faqText, rankedMatches)
	}
	return collect(rows, err, scanFound)
}

func scanFound(row consensus.Row) (f lms.FoundText, err error) {
	return f, row.Scan(&f.Kind, &f.ID, &f.Ordinal, &f.Title, &f.Heading, &f.Page, &f.Text, &f.Hidden, &f.NotIndexed, &f.Places)
}

// UnindexedTexts returns what the actor may open of a course and has no text in the index: assignments, questions to the staff
// with their replies, and, by their titles, the materials whose text is not indexed. Conversations with the tutor are not
// searched here: their author has a search of the own ones, and a reading by staff is recorded.
func (s *Store) UnindexedTexts(ctx context.Context, actor lms.Actor, courseID string) ([]lms.FoundText, error) {
	sc, err := s.scope(ctx, actor, courseID)
	if err != nil {
		return nil, err
	}
	now := s.Now()
	var all []lms.FoundText
	// The text of an assignment is what its page shows: nothing before it opens for the reader, unless it is always shown.
	const assignments = `
		SELECT 'assignment', a.assignment_id, 0, a.title, '', 0,
			iif(?3 OR a.always_show = 1 OR coalesce(coalesce(d.opens_at, a.opens_at) <= ?4, 1), a.description, ''),
			coalesce(` + assignmentFrom + ` > ?4, 1), '', 1
		FROM assignments a
		JOIN (SELECT ?2 AS user_id) v
		LEFT JOIN (` + studentDates + ` WHERE a.course_id = ?1 AND e.user_id = ?2) d ON d.assignment_id = a.assignment_id
		WHERE a.course_id = ?1 AND a.archived_at IS NULL AND (?3 OR ` + assignmentFrom + ` <= ?4)
		ORDER BY a.created_at DESC, a.assignment_id`
	rows, err := s.query(ctx, assignments, courseID, sc.subject(actor), sc.staff(), now)
	found, err := collect(rows, err, scanFound)
	if err != nil {
		return nil, err
	}
	all = append(all, found...)
	const questions = `
		SELECT 'question', q.question_id, 0, q.title, '', 0, q.body, 0, '', 1, q.created_at AS at
		FROM questions q
		WHERE q.course_id = ?1 AND q.addressee = 'staff' AND q.erased_at IS NULL AND (q.author_id = ?2 OR ` + questionListed + `)
		UNION ALL
		SELECT 'question', q.question_id, r.position, q.title, '', 0, r.body, 0, '', 1, q.created_at
		FROM questions q
		JOIN replies r ON r.question_id = q.question_id
		WHERE q.course_id = ?1 AND q.addressee = 'staff' AND q.erased_at IS NULL AND (q.author_id = ?2 OR ` + questionListed + `) AND r.body <> ''
		ORDER BY at DESC, 2, 3`
	rows, err = s.query(ctx, questions, courseID, actor.UserID, sc.staff())
	found, err = collect(rows, err, func(row consensus.Row) (lms.FoundText, error) { return scanFound(row[:10]) })
	if err != nil {
		return nil, err
	}
	all = append(all, found...)
	const materials = `
		SELECT m.kind, m.material_id, 0, m.title, coalesce((SELECT name FROM files WHERE file_id = m.file_id), ''), 0, '',
			coalesce(` + materialFrom + ` > ?3, 1),
			CASE WHEN m.index_note <> '' THEN m.index_note WHEN m.index_state = 'pending' THEN 'its text has not been read yet' ELSE 'it has no text' END, 1
		FROM materials m
		WHERE m.course_id = ?1 AND m.deleted_at IS NULL AND (?2 OR ` + materialFrom + ` <= ?3)
			AND NOT EXISTS(SELECT 1 FROM passages p WHERE p.material_id = m.material_id)
		ORDER BY m.position, m.material_id`
	rows, err = s.query(ctx, materials, courseID, sc.staff(), now)
	found, err = collect(rows, err, scanFound)
	return append(all, found...), err
}
