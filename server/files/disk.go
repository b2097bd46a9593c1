package files

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

const blockSize = 64 << 10 // what is read, verified and served at a time

var (
	errDamaged  = errors.New("the bytes do not fit their hash")
	errBroken   = errors.New("the bytes broke off")
	errDiskFull = errors.New("the disk is full")
	errBusy     = errors.New("too many open files")
	errAbsent   = errors.New("not on this node")
)

var blocks = sync.Pool{New: func() any { return new([blockSize]byte) }}

// disk is the folder of one node:
//
//	chunks/ab/c/<hash>                     the chunk with that SHA-256
//	markers/12/3/<file>.<number>.<hash>    empty: that chunk was sent for that file; 123… is the SHA-256 of the file's id
//	damaged/<hash>.<unix ns>               set aside, for whoever wants to know why
//	tmp/                                   not finished; emptied at start
type disk struct {
	root   string
	onFail func(error)
	hook   func(point string) // tests stop the process here

	stripes       [64]sync.Mutex // one chunk changes under one of them
	dirs          sync.Map       // folders whose entry in their parent is durable
	chunks, bytes atomic.Int64
	repaired      atomic.Int64

	mu      sync.Mutex
	aside   map[string]bool // chunks set aside and not replaced yet
	pending map[string]bool // new names whose folder has not been synced yet: visible, but not yet held
}

func openDisk(root string, fatal func(error)) (*disk, error) {
	d := &disk{root: root, onFail: fatal, hook: func(string) {}, pending: map[string]bool{}, aside: map[string]bool{}}
	if err := os.MkdirAll(root, 0o700); err != nil {
		return nil, err
	}
	for _, name := range []string{"chunks", "markers", "damaged", "tmp"} {
		if err := os.MkdirAll(filepath.Join(root, name), 0o700); err != nil {
			return nil, err
		}
	}
	unfinished, err := os.ReadDir(d.tmpDir())
	if err != nil {
		return nil, err
	}
	for _, e := range unfinished {
		if err := os.Remove(filepath.Join(d.tmpDir(), e.Name())); err != nil {
			return nil, err
		}
	}
	// What an earlier process renamed without living to sync the folder becomes durable before it is counted.
	if err := syncAll(root); err != nil {
		return nil, err
	}
	err = d.walk("chunks", func(_ string, info fs.FileInfo) error {
		d.chunks.Add(1)
		d.bytes.Add(info.Size())
		return nil
	})
	return d, err
}

func (d *disk) tmpDir() string { return filepath.Join(d.root, "tmp") }

func (d *disk) chunkPath(hash string) string {
	return filepath.Join(d.root, "chunks", hash[:2], hash[2:3], hash)
}

func (d *disk) markerPath(file string, number int, hash string) string {
	x := hashOf([]byte(file))
	return filepath.Join(d.root, "markers", x[:2], x[2:3], file+"."+strconv.Itoa(number)+"."+hash)
}

func (d *disk) stripe(hash string) *sync.Mutex {
	h := fnv.New32a()
	io.WriteString(h, hash)
	return &d.stripes[h.Sum32()%uint32(len(d.stripes))]
}

// failed sorts an error of writing: a full disk and a lack of descriptors pass by themselves, anything else means
// that this disk cannot be trusted any more.
func (d *disk) failed(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return fmt.Errorf("%w: %w", errDiskFull, err)
	case errors.Is(err, syscall.EMFILE), errors.Is(err, syscall.ENFILE):
		return fmt.Errorf("%w: %w", errBusy, err)
	}
	d.onFail(fmt.Errorf("files: %w", err))
	return err
}

// receive writes a body to a temporary file and verifies it. length < 0: whatever fits in a chunk. The file is complete but not
// yet on the disk; the caller commits or discards it, and closes it.
func (d *disk) receive(r io.Reader, hash string, length int) (_ *os.File, err error) {
	tmp, err := os.CreateTemp(d.tmpDir(), "chunk-*")
	if err != nil {
		return nil, d.failed(err)
	}
	defer func() {
		if err != nil {
			d.discard(tmp)
		}
	}()
	block := blocks.Get().(*[blockSize]byte)
	defer blocks.Put(block)
	limit := length
	if length < 0 {
		limit = lms.ChunkSize
	}
	sum, total := sha256.New(), 0
	for {
		n, err := r.Read(block[:min(blockSize, limit+1-total)])
		if total += n; total > limit {
			return nil, fmt.Errorf("%w: more than %d bytes", errDamaged, limit)
		}
		sum.Write(block[:n])
		if _, err := tmp.Write(block[:n]); err != nil {
			return nil, d.failed(err)
		}
		if err == io.EOF {
			break
		} else if err != nil {
			return nil, fmt.Errorf("%w after %d bytes: %w", errBroken, total, err)
		}
	}
	if length >= 0 && total < length {
		return nil, fmt.Errorf("%w after %d of %d bytes", errBroken, total, length)
	}
	if hex.EncodeToString(sum.Sum(nil)) != hash {
		return nil, errDamaged
	}
	return tmp, nil
}

// discard closes and removes a temporary file. What it leaves behind is removed at the next start.
func (d *disk) discard(tmp *os.File) {
	tmp.Close()
	os.Remove(tmp.Name())
}

// commit makes a received file the chunk, durably. It replaces a copy that is there, which may be damaged. tmp stays open.
func (d *disk) commit(tmp *os.File, hash string) error {
	info, err := tmp.Stat()
	if err != nil {
		return d.failed(err)
	}
	if err := tmp.Sync(); err != nil {
		return d.failed(err)
	}
	name := d.chunkPath(hash)
	if err := d.ensureDir(filepath.Dir(name)); err != nil {
		return d.failed(err)
	}
	d.hook("rename")
	consensus.FaultPoint("blob-before-rename")
	synced := false
	d.pend(name)
	defer func() { d.unpend(name, synced) }()
	lock := d.stripe(hash)
	lock.Lock()
	old, statErr := os.Lstat(name)
	if err := os.Rename(tmp.Name(), name); err != nil {
		lock.Unlock()
		return d.failed(err)
	}
	d.bytes.Add(info.Size())
	if statErr == nil {
		d.bytes.Add(-old.Size())
	} else {
		d.chunks.Add(1)
	}
	lock.Unlock()
	consensus.FaultPoint("blob-after-rename")
	if err := syncDir(filepath.Dir(name)); err != nil {
		return d.failed(err)
	}
	synced = true
	d.mu.Lock()
	replaced := d.aside[hash]
	delete(d.aside, hash)
	d.mu.Unlock()
	if replaced {
		d.repaired.Add(1)
	}
	return nil
}

// mark notes durably that the chunk was sent for the file.
func (d *disk) mark(file string, number int, hash string) error {
	name := d.markerPath(file, number, hash)
	if err := d.ensureDir(filepath.Dir(name)); err != nil {
		return d.failed(err)
	}
	synced := false
	d.pend(name)
	defer func() { d.unpend(name, synced) }()
	if err := d.create(file, name); err != nil {
		return d.failed(err)
	}
	err := syncDir(filepath.Dir(name))
	synced = err == nil
	return d.failed(err)
}

// create makes an empty file, or renews the age of the one that is there.
func (d *disk) create(file, name string) error {
	lock := d.stripe(file)
	lock.Lock()
	defer lock.Unlock()
	m, err := os.OpenFile(name, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	now := time.Now()
	return errors.Join(os.Chtimes(name, now, now), m.Close())
}

// store commits a received chunk and its marker. The two need no order: a chunk counts when both are there.
func (d *disk) store(tmp *os.File, file string, number int, hash string) error {
	marked := make(chan error, 1)
	go func() { marked <- d.mark(file, number, hash) }()
	err := d.commit(tmp, hash)
	if markErr := <-marked; err == nil {
		err = markErr
	}
	return err
}

// touch renews the age of a chunk that a file refers to anew, so that it is not taken for an orphan. It reports whether
// the chunk is there.
func (d *disk) touch(hash string) bool {
	lock := d.stripe(hash)
	lock.Lock()
	defer lock.Unlock()
	now := time.Now()
	return os.Chtimes(d.chunkPath(hash), now, now) == nil
}

// holds reports whether the chunk, of the right length, and its marker are on the disk.
func (d *disk) holds(file string, number int, hash string, length int) (chunk, marker bool) {
	name, mark := d.chunkPath(hash), d.markerPath(file, number, hash)
	d.mu.Lock()
	chunkPending, markPending := d.pending[name], d.pending[mark]
	d.mu.Unlock()
	if !chunkPending {
		info, ok := d.find(name)
		chunk = ok && info.Size() == int64(length)
	}
	if !markPending {
		_, marker = d.find(mark)
	}
	return chunk, marker
}

// find looks for a name. A folder that cannot be read does not say that something is not in it.
func (d *disk) find(name string) (fs.FileInfo, bool) {
	info, err := os.Lstat(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		d.failed(err)
	}
	return info, err == nil
}

// pend keeps a new name from being counted until its folder has been synced. A name that was durable before stays counted, whoever
// writes it once more.
func (d *disk) pend(name string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := os.Lstat(name); err != nil {
		d.pending[name] = true
	}
}

// unpend ends the wait of a name: its folder has been synced, by whichever writer, or writing it failed and it is not there.
func (d *disk) unpend(name string, synced bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := os.Lstat(name); synced || err != nil {
		delete(d.pending, name)
	}
}

// ensureDir makes a folder and, once, its entry durable.
func (d *disk) ensureDir(dir string) error {
	if _, ok := d.dirs.Load(dir); ok || dir == d.root {
		return nil
	}
	parent := filepath.Dir(dir)
	if err := d.ensureDir(parent); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := syncDir(parent); err != nil {
		return err
	}
	d.dirs.Store(dir, struct{}{})
	return nil
}

func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}

// remove deletes a chunk that has not been written or touched since the time.
func (d *disk) remove(hash string, before time.Time) (bool, error) {
	lock := d.stripe(hash)
	lock.Lock()
	defer lock.Unlock()
	name := d.chunkPath(hash)
	info, err := os.Lstat(name)
	if err != nil || info.ModTime().After(before) {
		return false, nil
	}
	if err := os.Remove(name); err != nil {
		return false, d.failed(err)
	}
	d.chunks.Add(-1)
	d.bytes.Add(-info.Size())
	return true, nil
}

// walk visits the files of chunks or markers. Names that are none of ours are passed over.
func (d *disk) walk(kind string, visit func(name string, info fs.FileInfo) error) error {
	return filepath.WalkDir(filepath.Join(d.root, kind), func(path string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil || e.IsDir() {
			return err
		}
		if kind == "chunks" && !validHash(e.Name()) || kind == "markers" && strings.Count(e.Name(), ".") != 2 {
			return nil
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		} else if err != nil {
			return err
		}
		return visit(e.Name(), info)
	})
}

// unmark removes a marker that has not been set since the time.
func (d *disk) unmark(name string, before time.Time) (bool, error) {
	file := markerFile(name)
	lock := d.stripe(file)
	lock.Lock()
	defer lock.Unlock()
	x := hashOf([]byte(file))
	path := filepath.Join(d.root, "markers", x[:2], x[2:3], name)
	info, err := os.Lstat(path)
	if err != nil || info.ModTime().After(before) {
		return false, nil
	}
	if err := os.Remove(path); err != nil {
		return false, d.failed(err)
	}
	return true, nil
}
