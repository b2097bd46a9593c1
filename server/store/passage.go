package store

import (
	"context"
	"encoding/json"
	"errors"

	"trivium/app/lms"
	"trivium/consensus"
)

// passageBatch is how many bytes of text go into one batch, so that a long document does not hold up other writes.
const passageBatch = 256 << 10

// errSuperseded means that the material has changed, or that another node indexes it: the text belongs to nothing.
var errSuperseded = errors.New("the material has changed since it was read")

const passageColumns = `p.material_id, p.ordinal, m.title, p.heading, p.page, p.text`

func scanPassage(row consensus.Row) (p lms.Passage, err error) {
	return p, row.Scan(&p.MaterialID, &p.Ordinal, &p.Title, &p.Heading, &p.Page, &p.Text)
}

// Passages lists the text of a material that the actor may see.
func (s *Store) Passages(ctx context.Context, actor lms.Actor, courseID, materialID string) ([]lms.Passage, error) {
	if _, err := s.Material(ctx, actor, courseID, materialID); err != nil {
		return nil, err
	}
	const q = `
		SELECT ` + passageColumns + `
		FROM passages p
		JOIN materials m ON m.material_id = p.material_id
		WHERE p.material_id = ?1
		ORDER BY p.ordinal`
	rows, err := s.query(ctx, q, materialID)
	return collect(rows, err, scanPassage)
}

// MaterialsToIndex lists materials whose text is to be read, with their files: pages, and files that are complete.
func (s *Store) MaterialsToIndex(ctx context.Context) ([]lms.Material, error) {
	const q = `
		SELECT ` + materialDetail + `
		FROM materials m
		LEFT JOIN files d ON d.file_id = m.file_id
		WHERE m.index_state = 'pending' AND m.deleted_at IS NULL AND (m.kind = 'page' OR d.complete_at IS NOT NULL)
		ORDER BY m.material_id
		LIMIT 50`
	rows, err := s.query(ctx, q)
	return collect(rows, err, scanMaterial)
}

// ReplacePassages stores the text of a material as it was read at m.Version, and how the reading went. When the material
// has changed meanwhile, or another node has started to do the same, it returns an error and what was stored is replaced
// by the one who is right. A long text takes several batches; the state changes with the last one.
func (s *Store) ReplacePassages(ctx context.Context, m lms.Material, passages []lms.Passage, state lms.IndexState, note string) error {
	run := lms.NewID()
	parts := splitPassages(passages)
	for i, part := range parts {
		text, err := json.Marshal(part)
		if err != nil {
			return err
		}
		var b consensus.Batch
		b.Require(errSuperseded, `EXISTS(SELECT 1 FROM materials WHERE material_id = ?1 AND version = ?2 AND deleted_at IS NULL)`, m.ID, m.Version)
		if i == 0 {
			b.Exec(`UPDATE materials SET index_run = ?2, index_state = 'pending' WHERE material_id = ?1`, m.ID, run)
			deletePassages(&b, m.ID)
		} else {
			b.Require(errSuperseded, `EXISTS(SELECT 1 FROM materials WHERE material_id = ?1 AND index_run = ?2)`, m.ID, run)
		}
		b.Exec(`
			INSERT INTO passages (material_id, course_id, ordinal, heading, page, text)
			SELECT m.material_id, m.course_id, j.value ->> 'ordinal', coalesce(j.value ->> 'heading', ''), coalesce(j.value ->> 'page', 0), j.value ->> 'text'
			FROM materials m, json_each(?2) j
			WHERE m.material_id = ?1
			ORDER BY j.key`, m.ID, string(text))
		b.Exec(`
			INSERT INTO passages_search (rowid, title, heading, text)
			SELECT p.passage_id, m.title, p.heading, p.text
			FROM json_each(?2) j
			JOIN passages p ON p.material_id = ?1 AND p.ordinal = j.value ->> 'ordinal'
			JOIN materials m ON m.material_id = p.material_id
			ORDER BY p.passage_id`, m.ID, string(text))
		if i == len(parts)-1 {
			b.Exec(`UPDATE materials SET index_state = ?2, index_note = ?3 WHERE material_id = ?1`, m.ID, state, note)
			b.Notify(topicCourse(m.CourseID))
		}
		if _, err := s.applyUnkeyed(ctx, &b); err != nil {
			return err
		}
	}
	return nil
}

// splitPassages cuts the list where a batch would become too long. There is always one part.
func splitPassages(passages []lms.Passage) [][]lms.Passage {
	parts := [][]lms.Passage{{}}
	size := 0
	for _, p := range passages {
		if n := len(p.Text) + len(p.Heading); size > 0 && size+n > passageBatch {
			parts, size = append(parts, nil), 0
		}
		parts[len(parts)-1] = append(parts[len(parts)-1], p)
		size += len(p.Text) + len(p.Heading)
	}
	return parts
}

// ?2 course, ?3 staff, ?5 now. It is worked out once for a search, not for each passage.
const openMaterials = `SELECT m.material_id FROM materials m WHERE m.course_id = ?2 AND m.deleted_at IS NULL AND (?3 OR ` + materialFrom + ` <= ?5)`

// SearchPassages returns the passages of the course that match the FTS5 expression, best first. A hit in the title
// weighs four times, in a heading twice as much as one in the text. Only staff find what is not published.
func (s *Store) SearchPassages(ctx context.Context, courseID string, staff bool, match string, limit int) ([]lms.Passage, error) {
	const q = `
		SELECT ` + passageColumns + `
		FROM (
			SELECT h.passage_id, bm25(passages_search, 4.0, 2.0, 1.0) AS points
			FROM passages_search
			JOIN passages h ON h.passage_id = passages_search.rowid
			WHERE passages_search MATCH ?1 AND h.material_id IN (` + openMaterials + `)
			ORDER BY points, h.passage_id
			LIMIT ?4
		) best
		JOIN passages p ON p.passage_id = best.passage_id
		JOIN materials m ON m.material_id = p.material_id
		ORDER BY best.points, p.passage_id`
	rows, err := s.query(ctx, q, match, courseID, staff, limitOf(limit), s.Now())
	return collect(rows, err, scanPassage)
}

// MatchCounts counts the passages of the site that each of the FTS5 expressions matches: what a search for it would have to rank.
func (s *Store) MatchCounts(ctx context.Context, matches []string) ([]int, error) {
	list, err := json.Marshal(matches)
	if err != nil {
		return nil, err
	}
	const q = `
		SELECT (SELECT count(*) FROM passages_search WHERE passages_search MATCH j.value)
		FROM json_each(?1) j
		ORDER BY j.key`
	rows, err := s.query(ctx, q, string(list))
	return collect(rows, err, scanInt)
}

// PassageCount counts the passages of the course that can be found.
func (s *Store) PassageCount(ctx context.Context, courseID string, staff bool) (int, error) {
	const q = `
		SELECT count(*)
		FROM passages p
		JOIN materials m ON m.material_id = p.material_id
		WHERE p.course_id = ?1 AND m.deleted_at IS NULL AND (?2 OR ` + materialFrom + ` <= ?3)`
	return s.number(ctx, q, courseID, staff, s.Now())
}
