package files

import (
	"os"

	"golang.org/x/sys/unix"
)

// syncAll makes everything on the file system of dir durable.
func syncAll(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return unix.Syncfs(int(f.Fd()))
}

// uncache drops the clean pages of a file from memory, so that the next read asks the disk. It is a hint.
func uncache(f *os.File) { _ = unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED) }
