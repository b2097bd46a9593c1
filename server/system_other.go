//go:build !linux

package main

import (
	"errors"
	"os"
	"syscall"
)

// lockFile opens the file; only Linux locks it.
func lockFile(path string) (*os.File, error) { return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) }

// childAttributes has nothing to say; only Linux ends children with their parent.
func childAttributes() *syscall.SysProcAttr { return nil }

// diskSpace is not known here.
func diskSpace(string) (free, total int64, err error) { return 0, 0, errors.ErrUnsupported }
