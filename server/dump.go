package main

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

// dumpFile holds what a node sees and does as a member of the cluster, line by line; when it is full it becomes
// dump.1.txt, and the one before is gone.
const (
	dumpFile  = "dump.txt"
	dumpLimit = 8 << 20
)

// dump writes the event log. Each line is handed to the system at once, so that it survives the death of the process.
type dump struct {
	path  string
	limit int64

	mu   sync.Mutex
	file *os.File
	size int64
}

func openDump(path string) (*dump, error) {
	d := &dump{path: path, limit: dumpLimit}
	return d, d.open()
}

func (d *dump) open() error {
	f, err := os.OpenFile(d.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("event log: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(fmt.Errorf("event log: %w", err), f.Close())
	}
	d.file, d.size = f, info.Size()
	return nil
}

// line appends one. Errors are not told: a full disk is the business of others, and the lines are lost.
func (d *dump) line(s string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file == nil {
		return
	}
	if d.size >= d.limit && !d.rotate() {
		return
	}
	n, _ := d.file.WriteString(s + "\n")
	d.size += int64(n)
}

// rotate begins a new file. Without one nothing is written: the old one must not grow for ever.
func (d *dump) rotate() bool {
	if os.Rename(d.path, previousDump(d.path)) != nil {
		return false
	}
	old := d.file
	if d.open() != nil {
		d.file = nil
		old.Close()
		return false
	}
	return old.Close() == nil
}

func previousDump(path string) string { return path[:len(path)-len(".txt")] + ".1.txt" }

// Close ends the file: lines that come later are lost.
func (d *dump) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file == nil {
		return nil
	}
	f := d.file
	d.file = nil
	return f.Close()
}
