package store

import (
	"context"
	"fmt"

	"trivium/consensus"
)

// OpenStale returns the store of a node that has not been in touch with a majority since its start, if its own database
// has a schema that this program can work with. Only reads under consensus.AllowStale are answered before the node has
// caught up. Open it again with Open as soon as there is a majority: the others may have migrated meanwhile.
func OpenStale(ctx context.Context, db *consensus.DB) (*Store, error) {
	steps, err := migrations()
	if err != nil {
		return nil, err
	}
	s := &Store{db: db}
	ctx = consensus.AllowStale(ctx)
	version, err := s.schemaVersionAt(ctx, consensus.Local)
	if err == nil && version > len(steps) {
		err = s.checkReadable(ctx, version, len(steps))
	}
	if err != nil {
		return nil, fmt.Errorf("open store: %w", err)
	}
	if version < len(steps) {
		return nil, fmt.Errorf("open store: this node's data has schema %d, and this program needs %d", version, len(steps))
	}
	return s, nil
}
