package inspect

import (
	"bytes"
	"errors"
	"io"
	"io/fs"
	"os"
)

// maxTail is how much of a file is looked at for its last lines.
const maxTail = 4 << 20

// readFiles returns files one after the other, without those that do not exist; tail > 0: their last lines.
func readFiles(paths []string, tail int) (io.ReadCloser, error) {
	var parts []io.Reader
	var files closers
	for _, path := range paths {
		f, err := os.Open(path)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, errors.Join(err, files.Close())
		}
		files = append(files, f)
		if info, err := f.Stat(); tail > 0 && err == nil && info.Size() > maxTail {
			if _, err := f.Seek(-maxTail, io.SeekEnd); err != nil {
				return nil, errors.Join(err, files.Close())
			}
		}
		parts = append(parts, f)
	}
	all := struct {
		io.Reader
		io.Closer
	}{io.MultiReader(parts...), files}
	if tail <= 0 {
		return all, nil
	}
	text, err := io.ReadAll(all)
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
