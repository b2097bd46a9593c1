package udp

import (
	"os"
	"path/filepath"

	wal "github.com/hashicorp/raft-wal"
)

// openLog opens the log and the vote of a replica.
func openLog(dir string) (*wal.WAL, error) {
	path := filepath.Join(dir, "udp-log")
	if err := os.MkdirAll(path, 0o700); err != nil {
		return nil, err
	}
	return wal.Open(path)
}
