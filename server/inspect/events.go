package inspect

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
	"sync"
)

// maxEvents is how long dump.txt becomes before it is moved to dump.old.txt, whose content is then forgotten.
const maxEvents = 8 << 20

// EventFile is dump.txt: one line for each thing that the node saw or did, on the disk as soon as the system has it, so
// that what led to the death of a process can be read afterwards. It never fails towards its writer: a full disk costs
// lines, not the node.
type EventFile struct {
	path, old string
	limit     int64

	mu   sync.Mutex
	file *os.File
	size int64
}

// OpenEvents continues the file.
func OpenEvents(path, old string) (*EventFile, error) {
	e := &EventFile{path: path, old: old, limit: maxEvents}
	return e, e.open()
}

func (e *EventFile) open() error {
	f, err := os.OpenFile(e.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	e.file, e.size = f, info.Size()
	return nil
}

// Line appends a line. It is consensus.Config.Events, which loses lines rather than wait for it.
func (e *EventFile) Line(line string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.file == nil {
		return
	}
	n, err := e.file.WriteString(line + "\n")
	e.size += int64(n)
	if err != nil && n > 0 && n <= len(line) { // the disk is full: the next line must not continue this one
		e.size += int64(len("\n"))
		_, _ = e.file.WriteString("\n")
	}
	if e.size < e.limit {
		return
	}
	e.file.Close()
	e.file = nil
	if os.Rename(e.path, e.old) == nil {
		_ = e.open()
	} else if os.Remove(e.path) == nil {
		_ = e.open()
	}
}

// Close ends the file.
func (e *EventFile) Close() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.file == nil {
		return nil
	}
	err := e.file.Close()
	e.file = nil
	return err
}

// Read returns what is kept, oldest first; tail > 0: the last lines.
func (e *EventFile) Read(tail int) (io.ReadCloser, error) {
	var parts []io.Reader
	var files closers
	for _, path := range []string{e.old, e.path} {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, errors.Join(err, files.Close())
		}
		parts, files = append(parts, f), append(files, f)
	}
	all := struct {
		io.Reader
		io.Closer
	}{io.MultiReader(parts...), files}
	if tail <= 0 {
		return all, nil
	}
	text, err := io.ReadAll(io.LimitReader(all, 3*maxEvents))
	if err := errors.Join(err, files.Close()); err != nil {
		return nil, err
	}
	return io.NopCloser(bytes.NewReader(lastLines(text, tail))), nil
}

type closers []io.Closer

// Close closes all.
func (c closers) Close() error {
	var errs []error
	for _, f := range c {
		errs = append(errs, f.Close())
	}
	return errors.Join(errs...)
}
