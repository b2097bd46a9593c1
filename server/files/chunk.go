package files

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"trivium/app/lms"
)

// verified is a chunk whose bytes fitted its hash when it was opened. Its blocks are compared again when they are read.
type verified struct {
	f    *os.File
	mem  []byte // instead of f, when the chunk could not be written to the disk
	size int
	sums [lms.ChunkSize / blockSize]uint64
}

var seed = maphash.MakeSeed()

// open opens a chunk and verifies it. errAbsent, or errDamaged: the caller sets it aside.
func (d *disk) open(hash string) (*verified, error) {
	f, err := os.Open(d.chunkPath(hash))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, errAbsent
	} else if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		return nil, errBusy
	} else if err != nil {
		return nil, fmt.Errorf("%w: %w", errDamaged, err)
	}
	v := &verified{f: f}
	if err := v.verify(hash); err != nil {
		f.Close()
		return nil, err
	}
	return v, nil
}

func (v *verified) verify(hash string) error {
	block := blocks.Get().(*[blockSize]byte)
	defer blocks.Put(block)
	sum := sha256.New()
	for i := range v.sums {
		n, err := v.f.ReadAt(block[:], int64(i)*blockSize)
		sum.Write(block[:n])
		v.sums[i] = maphash.Bytes(seed, block[:n])
		v.size += n
		if err == io.EOF {
			break
		} else if err != nil { // a sector that cannot be read is as good as a wrong one
			return fmt.Errorf("%w: %w", errDamaged, err)
		}
	}
	if n, _ := v.f.ReadAt(block[:1], lms.ChunkSize); n > 0 || hex.EncodeToString(sum.Sum(nil)) != hash {
		return errDamaged
	}
	return nil
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// block reads block i, and errDamaged when it is not what was verified.
func (v *verified) block(i int, b []byte) (int, error) {
	if v.mem != nil {
		return copy(b, v.mem[min(i*blockSize, len(v.mem)):]), nil
	}
	n, err := v.f.ReadAt(b[:blockSize], int64(i)*blockSize)
	if err != nil && err != io.EOF || maphash.Bytes(seed, b[:n]) != v.sums[i] {
		return 0, errDamaged
	}
	return n, nil
}

// ReadAt implements io.ReaderAt.
func (v *verified) ReadAt(b []byte, off int64) (int, error) {
	if v.mem != nil {
		return bytes.NewReader(v.mem).ReadAt(b, off)
	}
	return v.f.ReadAt(b, off)
}

func (v *verified) close() {
	if v.f != nil {
		v.f.Close()
	}
}

// setAside moves a damaged chunk away, unless somebody replaced it meanwhile. It reports whether it did.
func (d *disk) setAside(hash string) (bool, error) {
	lock := d.stripe(hash)
	lock.Lock()
	defer lock.Unlock()
	v, err := d.open(hash)
	if err == nil {
		v.close()
		return false, nil
	} else if !errors.Is(err, errDamaged) {
		return false, nil
	}
	name := d.chunkPath(hash)
	info, err := os.Lstat(name)
	if err != nil {
		return false, d.failed(err)
	}
	if err := os.Rename(name, filepath.Join(d.root, "damaged", hash+"."+strconv.FormatInt(time.Now().UnixNano(), 10))); err != nil {
		return false, d.failed(err)
	}
	d.chunks.Add(-1)
	d.bytes.Add(-info.Size())
	d.mu.Lock()
	d.aside[hash] = true
	d.mu.Unlock()
	return true, d.failed(syncDir(filepath.Dir(name)))
}
