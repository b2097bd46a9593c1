//go:build linux

package main

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

func testDisk(t *testing.T) *disk {
	t.Helper()
	dir := t.TempDir()
	d, err := openDisk(filepath.Join(dir, "back"), filepath.Join(dir, "mount"), true)
	if err != nil {
		t.Skipf("NOT TESTED: no FUSE disk can be mounted here: %v", err)
	}
	t.Cleanup(d.close)
	return d
}

func TestDiskLosesWhatWasNotSynced(t *testing.T) {
	d := testDisk(t)
	f, err := os.Create(filepath.Join(d.mount, "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("kept for ever"); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	f.WriteAt([]byte("LOST"), 0)
	f.WriteAt([]byte("also lost"), 100)
	f.Truncate(6)
	if _, _, err := d.journal.lose(); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile(filepath.Join(d.back, "f"))
	if err != nil || string(b) != "kept for ever" {
		t.Errorf("after the power cut the file holds %q (%v)", b, err)
	}
}

func TestDiskFailsAsTold(t *testing.T) {
	d := testDisk(t)
	f, err := os.Create(filepath.Join(d.mount, "f"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	d.failIn.Store(2)
	if err := f.Sync(); err != nil {
		t.Errorf("the first fsync: %v", err)
	}
	if err := f.Sync(); !errors.Is(err, syscall.EIO) {
		t.Errorf("the second fsync: %v, want EIO", err)
	}
	if err := f.Sync(); err != nil {
		t.Errorf("the third fsync: %v", err)
	}
	d.full.Store(true)
	if _, err := f.WriteString("x"); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a write to the full disk: %v, want ENOSPC", err)
	}
	if _, err := os.Create(filepath.Join(d.mount, "g")); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a new file on the full disk: %v, want ENOSPC", err)
	}
	d.heal()
	d.freeze()
	done := make(chan error, 1)
	go func() { done <- f.Sync() }()
	select {
	case err := <-done:
		t.Fatalf("fsync on the frozen disk returned %v", err)
	case <-time.After(200 * time.Millisecond): // nothing else can tell that it waits
	}
	d.heal()
	if err := <-done; err != nil {
		t.Errorf("fsync after the thaw: %v", err)
	}
	dir, err := os.Open(d.mount)
	if err != nil {
		t.Fatal(err)
	}
	defer dir.Close()
	if err := dir.Sync(); err != nil {
		t.Errorf("fsync of a folder: %v", err)
	}
}
