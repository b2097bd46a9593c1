//go:build !linux

package files

import (
	"io/fs"
	"os"
	"path/filepath"
)

// syncAll makes every folder below dir durable.
func syncAll(dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.IsDir() {
			return err
		}
		return syncDir(path)
	})
}

// uncache is a hint that this system does not take.
func uncache(*os.File) {}
