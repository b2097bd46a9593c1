package main

import "fmt"

// dumpFile holds what a node sees and does as a member of the cluster, line by line; when it is full it becomes
// dump.1.txt, and the one before is gone.
const (
	dumpFile  = "dump.txt"
	dumpLimit = 8 << 20
)

func openDump(path string) (*rotated, error) {
	d, err := openRotated(path, dumpLimit)
	if err != nil {
		return nil, fmt.Errorf("event log: %w", err)
	}
	return d, nil
}
