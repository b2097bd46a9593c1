package store

import (
	"context"

	"trivium/app/lms"
	"trivium/consensus"
)

var errSwapped = lms.Errorf(lms.KindConflict, "Another node was faster.")

// SwapSetting changes a setting of the site from one value to another, "" meaning that it is not set. It reports false, and
// changes nothing, when the setting has another value by then: of several nodes that try, one succeeds.
func (s *Store) SwapSetting(ctx context.Context, name, from, to string) (bool, error) {
	var b consensus.Batch
	b.Require(errSwapped, `coalesce((SELECT value FROM settings WHERE name = ?1), '') = ?2`, name, from)
	b.Exec(`INSERT INTO settings (name, value, updated_at) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET value = ?2, updated_at = ?3`, name, to, consensus.Stamp{})
	b.Notify(TopicCluster)
	_, err := s.apply(ctx, &b)
	if err == errSwapped {
		return false, nil
	}
	return err == nil, err
}
