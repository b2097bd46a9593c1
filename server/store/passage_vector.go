package store

import (
	"cmp"
	"context"
	"encoding/json"
	"math"
	"slices"

	"trivium/app/lms"
	"trivium/consensus"
)

// maxVectors is how many passages of a course are compared with a question. What lies beyond is found by its words only.
const maxVectors = 20_000

// UnembeddedPassages lists passages of readable materials that have no vector of the model yet. What members do not see yet is not among
// them: it is sent nowhere.
func (s *Store) UnembeddedPassages(ctx context.Context, model string, limit int) ([]lms.UnembeddedPassage, error) {
	const q = `
		SELECT p.passage_id, m.index_run, m.title, p.heading, p.text
		FROM materials m
		JOIN passages p ON p.material_id = m.material_id
		LEFT JOIN passage_vectors v ON v.passage_id = p.passage_id AND v.index_run = m.index_run AND v.model = ?1
		WHERE m.index_state = 'ready' AND m.deleted_at IS NULL AND ` + materialFrom + ` <= ?3 AND v.passage_id IS NULL
		ORDER BY p.passage_id
		LIMIT ?2`
	rows, err := s.query(ctx, q, model, limit, s.Now())
	return collect(rows, err, func(row consensus.Row) (p lms.UnembeddedPassage, err error) {
		return p, row.Scan(&p.PassageID, &p.IndexRun, &p.Title, &p.Heading, &p.Text)
	})
}

// AddPassageVectors stores vectors of a model. One of a passage that is read anew meanwhile is dropped: the number of a passage may
// come again for another text, the name of a reading does not.
func (s *Store) AddPassageVectors(ctx context.Context, model string, vectors []lms.PassageVector) error {
	var b consensus.Batch
	for _, v := range vectors {
		b.Exec(`
			INSERT INTO passage_vectors (passage_id, course_id, index_run, model, vector)
			SELECT p.passage_id, p.course_id, m.index_run, ?3, ?4
			FROM passages p
			JOIN materials m ON m.material_id = p.material_id
			WHERE p.passage_id = ?1 AND m.index_run = ?2
			ON CONFLICT (passage_id) DO UPDATE SET course_id = excluded.course_id, index_run = excluded.index_run, model = excluded.model, vector = excluded.vector`,
			v.PassageID, v.IndexRun, model, v.Vector)
	}
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// NearPassages returns the passages of the course whose vectors point where that of a question does, nearest first. Only staff find what
// is not published.
func (s *Store) NearPassages(ctx context.Context, courseID string, staff bool, model string, vector []byte, limit int) ([]lms.Passage, error) {
	const q = `
		SELECT v.passage_id, v.vector
		FROM passage_vectors v
		JOIN passages p ON p.passage_id = v.passage_id
		JOIN materials r ON r.material_id = p.material_id AND r.index_run = v.index_run
		WHERE v.course_id = ?2 AND v.model = ?1 AND p.material_id IN (` + openMaterials + `)
		ORDER BY v.passage_id
		LIMIT ?4`
	rows, err := s.query(ctx, q, model, courseID, staff, maxVectors, s.Now())
	type near struct {
		ID    int64   `json:"id"`
		Place int     `json:"place"`
		close float64 // the cosine
	}
	all, err := collect(rows, err, func(row consensus.Row) (n near, err error) {
		var v []byte
		err = row.Scan(&n.ID, &v)
		n.close = cosine(vector, v)
		return n, err
	})
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(all, func(a, b near) int { return cmp.Compare(b.close, a.close) })
	all = all[:min(len(all), limit)]
	for i := range all {
		all[i].Place = i
	}
	list, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	const texts = `
		SELECT ` + passageColumns + `
		FROM json_each(?1) j
		JOIN passages p ON p.passage_id = j.value ->> 'id'
		JOIN materials m ON m.material_id = p.material_id
		WHERE p.material_id IN (` + openMaterials + `)
		ORDER BY j.value ->> 'place'
		LIMIT ?4`
	rows, err = s.query(ctx, texts, string(list), courseID, staff, limit, s.Now())
	return collect(rows, err, scanPassage)
}

// cosine compares two directions of signed bytes; vectors of different models have nothing in common.
func cosine(a, b []byte) float64 {
	if len(a) != len(b) {
		return -1
	}
	var ab, aa, bb int64
	for i := range a {
		x, y := int64(int8(a[i])), int64(int8(b[i]))
		ab, aa, bb = ab+x*y, aa+x*x, bb+y*y
	}
	if aa == 0 || bb == 0 {
		return -1
	}
	return float64(ab) / math.Sqrt(float64(aa)*float64(bb))
}
