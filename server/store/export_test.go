package store

import (
	"context"

	"trivium/consensus"
)

// OpenWith opens the store as a program would that lacks the last drop migrations and has these after the rest: file name and text.
func OpenWith(ctx context.Context, db *consensus.DB, drop int, more ...[2]string) (*Store, error) {
	steps, err := migrations()
	if err != nil {
		return nil, err
	}
	steps = steps[:len(steps)-drop]
	for _, m := range more {
		step, err := parseMigration(len(steps)+1, m[0], m[1])
		if err != nil {
			return nil, err
		}
		steps = append(steps, step)
	}
	return open(ctx, db, steps)
}
