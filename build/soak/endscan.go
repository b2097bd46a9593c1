//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"time"
)

// checkDisks reads the bytes of every acknowledged file on the disk of every node (I2), then stops the nodes as an operator
// would.
func (r *rig) checkDisks(ctx context.Context) {
	files := map[string]sent{}
	for _, s := range r.world.submissions {
		for _, f := range s.files {
			files[f.id] = f
		}
	}
	for _, n := range r.nodes {
		var bad error
		err := eventually(ctx, 90*time.Second, func() error {
			for _, f := range files {
				for i, chunk := range f.chunks {
					b, err := os.ReadFile(n.chunk(chunk))
					if err != nil {
						return fmt.Errorf("chunk %d of file %s: %w", i, f.id, err)
					}
					if got := sha(b); got != chunk {
						bad = fmt.Errorf("chunk %d of file %s has the hash %s, want %s", i, f.id, got, chunk)
					}
				}
			}
			return nil
		})
		if err != nil {
			r.violate("I2", "%s does not hold every file: %v", n.id, err)
		}
		if bad != nil {
			r.violate("I2", "%s: %v", n.id, bad)
		}
	}
	r.say("the disks are read; now the nodes are stopped")
	for _, n := range r.nodes {
		if err := n.stop(30 * time.Second); err != nil {
			r.violate("I9", "%s did not stop cleanly: %v", n.id, err)
		}
	}
}
