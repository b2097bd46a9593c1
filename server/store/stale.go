package store

import (
	"context"
	"fmt"

	"trivium/consensus"
)

// OpenStale returns the store of a node that has not been in touch with a majority since its start, if its own database
// has exactly the schema that this program knows. Only reads under consensus.AllowStale are answered before the node has
// caught up. Open it again with Open as soon as there is a majority: the others may have migrated meanwhile.
func OpenStale(ctx context.Context, db *consensus.DB) (*Store, error) {
	steps, err := migrations()
	if err != nil {
		return nil, err
	}
	s := &Store{db: db}
	version, err := s.schemaVersionAt(consensus.AllowStale(ctx), consensus.Local)
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if version != len(steps) {
		return nil, fmt.Errorf("open store: this node's data has schema %d, and this program needs %d", version, len(steps))
	}
	return s, nil
}
