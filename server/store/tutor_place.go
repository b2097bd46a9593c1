package store

import (
	"context"
	"time"

	"trivium/consensus"
)

// TakePlace takes one of the places for calls to an endpoint, of which the whole cluster has so many (TUTOR-25). false: all
// are taken. The place is the holder's until it is given back, at most for the time: a node that dies cannot give it back.
// A holder has one place; whoever takes an answer up that a node has left takes its place, too.
func (s *Store) TakePlace(ctx context.Context, endpoint, holder string, places int, atMost time.Duration) (taken bool, err error) {
	var b consensus.Batch
	b.Exec(`DELETE FROM tutor_places WHERE endpoint = ?1 AND (holder = ?2 OR until < ?3 OR place > ?4)`, endpoint, holder, consensus.Stamp{}, places)
	b.Exec(`
		WITH RECURSIVE n (place) AS (SELECT 1 UNION ALL SELECT place + 1 FROM n WHERE place < ?4)
		INSERT INTO tutor_places (endpoint, place, holder, until)
		SELECT ?1, n.place, ?2, ?3 + ?5 FROM n
		WHERE NOT EXISTS(SELECT 1 FROM tutor_places p WHERE p.endpoint = ?1 AND p.place = n.place)
		ORDER BY n.place
		LIMIT 1`, endpoint, holder, consensus.Stamp{}, places, atMost.Milliseconds())
	res, err := s.applyUnkeyed(ctx, &b)
	return err == nil && len(res.Changed) == 2 && res.Changed[1] == 1, err
}

// GivePlace gives the holder's place back.
func (s *Store) GivePlace(ctx context.Context, endpoint, holder string) error {
	var b consensus.Batch
	b.Exec(`DELETE FROM tutor_places WHERE endpoint = ?1 AND holder = ?2`, endpoint, holder)
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}
