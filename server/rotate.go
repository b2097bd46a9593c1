package main

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
)

// rotated is a file that lines are appended to. When it is full it is renamed, and the one renamed before is gone. Each
// line is handed to the system at once, so that it survives the death of the process.
//
// The usual package for this, lumberjack, leaves a goroutine behind for each file that is closed, compresses with another
// one, and keeps old files under names with the time in them, which nothing bounds when the clock jumps.
type rotated struct {
	path  string
	limit int64

	mu   sync.Mutex
	file *os.File
	size int64
}

func openRotated(path string, limit int64) (*rotated, error) {
	d := &rotated{path: path, limit: limit}
	return d, d.open()
}

func (d *rotated) open() error {
	f, err := os.OpenFile(d.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	d.file, d.size = f, info.Size()
	return nil
}

// Write appends one line, or some.
func (d *rotated) Write(p []byte) (int, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file == nil {
		return 0, os.ErrClosed
	}
	if d.size >= d.limit && !d.rotate() {
		return 0, errNotRotated
	}
	n, err := d.file.Write(p)
	d.size += int64(n)
	return n, err
}

var errNotRotated = errors.New("the file is full and cannot be renamed")

// line appends one. Errors are not told: a full disk is the business of others, and the lines are lost.
func (d *rotated) line(s string) { d.Write([]byte(s + "\n")) }

// rotate begins a new file. Without one nothing is written: the old one must not grow for ever.
func (d *rotated) rotate() bool {
	if os.Rename(d.path, previous(d.path)) != nil {
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

// previous is where the full file goes: dump.txt becomes dump.1.txt.
func previous(path string) string {
	ext := filepath.Ext(path)
	return strings.TrimSuffix(path, ext) + ".1" + ext
}

// Close ends the file: lines that come later are lost.
func (d *rotated) Close() error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.file == nil {
		return nil
	}
	f := d.file
	d.file = nil
	return f.Close()
}
