//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hanwen/go-fuse/v2/fs"
	"github.com/hanwen/go-fuse/v2/fuse"
)

// disk is the disk of one node: a file system that passes everything through to a folder, until it is told to fail. The
// rig itself reads the folder, never the mount, so that it cannot wait for itself.
type disk struct {
	back, mount string
	server      *fuse.Server // nil: no FUSE here, mount is back

	stuck   atomic.Pointer[chan struct{}] // closed when the disk thaws; nil: it runs
	full    atomic.Bool
	delay   atomic.Int64 // ns of each fsync
	failIn  atomic.Int64 // the fsync that fails, counted from now; 0: none
	failed  atomic.Int64 // fsyncs that failed
	journal *journal     // nil: what was not synced is not tracked
}

// openDisk mounts a disk at mount that keeps its files in back.
func openDisk(back, mount string, track bool) (*disk, error) {
	if err := os.MkdirAll(back, 0o700); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(mount, 0o700); err != nil {
		return nil, err
	}
	d := &disk{back: back, mount: mount}
	if track {
		d.journal = newJournal()
	}
	var st syscall.Stat_t
	if err := syscall.Stat(back, &st); err != nil {
		return nil, err
	}
	root := &fs.LoopbackRoot{Path: back, Dev: st.Dev}
	top := &diskNode{LoopbackNode: fs.LoopbackNode{RootData: root}, d: d}
	root.RootNode = top
	opts := &fs.Options{MountOptions: fuse.MountOptions{DirectMountStrict: true, FsName: fsName(os.Getpid()), Name: "soak",
		DisableXAttrs: true, MaxBackground: 64}}
	var err error
	if d.server, err = fs.Mount(mount, top, opts); err != nil {
		return nil, fmt.Errorf("mount %s: %w", mount, err)
	}
	return d, nil
}

func fsName(pid int) string { return fmt.Sprintf("trivium-soak-%d", pid) }

// plainDisk is a folder without faults, where FUSE is not available.
func plainDisk(dir string) (*disk, error) {
	return &disk{back: dir, mount: dir}, os.MkdirAll(dir, 0o700)
}

func (d *disk) faulty() bool { return d.server != nil }

func (d *disk) close() {
	d.heal()
	if d.server == nil {
		return
	}
	if err := d.server.Unmount(); err != nil {
		syscall.Unmount(d.mount, syscall.MNT_DETACH)
	}
	d.journal.close()
}

// freeze makes every operation wait until heal.
func (d *disk) freeze() {
	c := make(chan struct{})
	d.stuck.CompareAndSwap(nil, &c)
}

// heal ends all faults.
func (d *disk) heal() {
	d.full.Store(false)
	d.delay.Store(0)
	d.failIn.Store(0)
	if c := d.stuck.Swap(nil); c != nil {
		close(*c)
	}
}

// gate waits while the disk is frozen.
func (d *disk) gate() {
	if c := d.stuck.Load(); c != nil {
		<-*c
	}
}

// grow is what an operation that needs space meets.
func (d *disk) grow() syscall.Errno {
	d.gate()
	if d.full.Load() {
		return syscall.ENOSPC
	}
	return fs.OK
}

// sync is what every fsync meets before it is done.
func (d *disk) sync() syscall.Errno {
	d.gate()
	if t := d.delay.Load(); t > 0 {
		time.Sleep(time.Duration(t))
	}
	if d.failIn.Load() > 0 && d.failIn.Add(-1) == 0 {
		d.failed.Add(1)
		return syscall.EIO
	}
	return fs.OK
}

type diskNode struct {
	fs.LoopbackNode
	d *disk
}

// WrapChild makes what lies below a folder of the disk part of it.
func (n *diskNode) WrapChild(context.Context, fs.InodeEmbedder) fs.InodeEmbedder {
	return &diskNode{LoopbackNode: fs.LoopbackNode{RootData: n.RootData}, d: n.d}
}

func (n *diskNode) full(name string) string {
	return filepath.Join(n.RootData.Path, n.Path(n.RootData.RootNode.EmbeddedInode()), name)
}

func (n *diskNode) Open(ctx context.Context, flags uint32) (fs.FileHandle, uint32, syscall.Errno) {
	n.d.gate()
	f, err := os.OpenFile(n.full(""), int(flags)&^syscall.O_APPEND, 0)
	if err != nil {
		return nil, 0, fs.ToErrno(err)
	}
	return n.d.handle(f), 0, fs.OK
}

func (n *diskNode) Create(ctx context.Context, name string, flags, mode uint32, out *fuse.EntryOut) (*fs.Inode, fs.FileHandle, uint32, syscall.Errno) {
	if e := n.d.grow(); e != fs.OK {
		return nil, nil, 0, e
	}
	inode, fh, ff, e := n.LoopbackNode.Create(ctx, name, flags, mode, out)
	if e != fs.OK {
		return inode, fh, ff, e
	}
	fh.(fs.FileReleaser).Release(ctx)
	f, err := os.OpenFile(n.full(name), int(flags)&^(syscall.O_APPEND|syscall.O_EXCL|syscall.O_TRUNC), os.FileMode(mode))
	if err != nil {
		return nil, nil, 0, fs.ToErrno(err)
	}
	return inode, n.d.handle(f), 0, fs.OK
}

func (n *diskNode) Mkdir(ctx context.Context, name string, mode uint32, out *fuse.EntryOut) (*fs.Inode, syscall.Errno) {
	if e := n.d.grow(); e != fs.OK {
		return nil, e
	}
	return n.LoopbackNode.Mkdir(ctx, name, mode, out)
}

func (n *diskNode) Rename(ctx context.Context, name string, parent fs.InodeEmbedder, newName string, flags uint32) syscall.Errno {
	n.d.gate()
	p, ok := parent.(*diskNode)
	if !ok {
		return syscall.EXDEV
	}
	if flags != 0 {
		return syscall.EINVAL
	}
	return fs.ToErrno(os.Rename(n.full(name), p.full(newName)))
}

func (n *diskNode) Unlink(ctx context.Context, name string) syscall.Errno {
	n.d.gate()
	return n.LoopbackNode.Unlink(ctx, name)
}

// Setattr: a longer file needs space, a shorter one loses bytes that a power cut brings back.
func (n *diskNode) Setattr(ctx context.Context, f fs.FileHandle, in *fuse.SetAttrIn, out *fuse.AttrOut) syscall.Errno {
	n.d.gate()
	if size, ok := in.GetSize(); ok {
		if st, err := os.Stat(n.full("")); err == nil {
			if int64(size) > st.Size() && n.d.full.Load() {
				return syscall.ENOSPC
			}
			n.d.journal.truncate(n.full(""), int64(size), st.Size())
		}
	}
	return n.LoopbackNode.Setattr(ctx, f, in, out)
}

// Fsync serves files without a handle and folders.
func (n *diskNode) Fsync(ctx context.Context, fh fs.FileHandle, flags uint32) syscall.Errno {
	if f, ok := fh.(fs.FileFsyncer); ok {
		return f.Fsync(ctx, flags)
	}
	if e := n.d.sync(); e != fs.OK {
		return e
	}
	f, err := os.Open(n.full(""))
	if err != nil {
		return fs.ToErrno(err)
	}
	defer f.Close()
	return fs.ToErrno(f.Sync())
}

type diskFile struct {
	*fs.LoopbackFile
	d *disk
	f *os.File
}

func (d *disk) handle(f *os.File) *diskFile {
	return &diskFile{LoopbackFile: fs.NewLoopbackFileFromOS(f), d: d, f: f}
}

// PassthroughFd keeps the kernel from going round the rig.
func (f *diskFile) PassthroughFd() (int, bool) { return 0, false }

func (f *diskFile) Read(ctx context.Context, b []byte, off int64) (fuse.ReadResult, syscall.Errno) {
	f.d.gate()
	return f.LoopbackFile.Read(ctx, b, off)
}

func (f *diskFile) Write(ctx context.Context, b []byte, off int64) (uint32, syscall.Errno) {
	if e := f.d.grow(); e != fs.OK {
		return 0, e
	}
	f.d.journal.write(f.f, off, len(b))
	return f.LoopbackFile.Write(ctx, b, off)
}

func (f *diskFile) Allocate(ctx context.Context, off, size uint64, mode uint32) syscall.Errno {
	if e := f.d.grow(); e != fs.OK {
		return e
	}
	return f.LoopbackFile.Allocate(ctx, off, size, mode)
}

func (f *diskFile) Fsync(ctx context.Context, flags uint32) syscall.Errno {
	if e := f.d.sync(); e != fs.OK {
		return e
	}
	e := f.LoopbackFile.Fsync(ctx, flags)
	if e == fs.OK {
		f.d.journal.synced(f.f)
	}
	return e
}

// journal remembers what the files held before the writes that nobody has synced. A nil journal remembers nothing.
// Names are durable at once, as on a file system that orders its metadata.
type journal struct {
	mu    sync.Mutex
	files map[uint64]*unsynced // by inode
}

type unsynced struct {
	f     *os.File // own descriptor: the file may have another name by now
	size  int64    // before the first of the writes
	old   []piece
	bytes int
}

type piece struct {
	off  int64
	data []byte
}

func newJournal() *journal { return &journal{files: map[uint64]*unsynced{}} }

func inodeOf(f *os.File) (ino uint64, size int64) {
	st, err := f.Stat()
	if err != nil {
		return 0, 0
	}
	return st.Sys().(*syscall.Stat_t).Ino, st.Size()
}

// of is the record of the file; j.mu is held.
func (j *journal) of(f *os.File) *unsynced {
	ino, size := inodeOf(f)
	u := j.files[ino]
	if u == nil {
		own, err := os.OpenFile(fmt.Sprintf("/proc/self/fd/%d", f.Fd()), os.O_RDWR, 0)
		if err != nil {
			return nil
		}
		u = &unsynced{f: own, size: size}
		j.files[ino] = u
	}
	return u
}

func (j *journal) write(f *os.File, off int64, n int) {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if u := j.of(f); u != nil {
		u.keep(off, int64(n))
	}
}

// keep reads what is about to be overwritten.
func (u *unsynced) keep(off, n int64) {
	if n = min(n, u.size-off); n <= 0 {
		return // beyond the old end: cutting the file undoes it
	}
	b := make([]byte, n)
	m, _ := u.f.ReadAt(b, off)
	u.old = append(u.old, piece{off, b[:m]})
	u.bytes += m
}

func (j *journal) truncate(path string, size, old int64) {
	if j == nil || size >= old {
		return
	}
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		return
	}
	defer f.Close()
	j.mu.Lock()
	defer j.mu.Unlock()
	if u := j.of(f); u != nil {
		u.keep(size, old-size)
	}
}

func (j *journal) synced(f *os.File) {
	if j == nil {
		return
	}
	ino, _ := inodeOf(f)
	j.mu.Lock()
	defer j.mu.Unlock()
	if u := j.files[ino]; u != nil {
		u.f.Close()
		delete(j.files, ino)
	}
}

// lose undoes what was never synced, as a power cut does. The node must not run.
func (j *journal) lose() (files, bytes int, err error) {
	if j == nil {
		return 0, 0, nil
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for ino, u := range j.files {
		for i := len(u.old) - 1; i >= 0 && err == nil; i-- {
			_, err = u.f.WriteAt(u.old[i].data, u.old[i].off)
		}
		_, size := inodeOf(u.f)
		files, bytes = files+1, bytes+u.bytes+int(max(0, size-u.size))
		if err == nil {
			err = u.f.Truncate(u.size)
		}
		u.f.Close()
		delete(j.files, ino)
	}
	return files, bytes, err
}

func (j *journal) close() {
	if j == nil {
		return
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	for ino, u := range j.files {
		u.f.Close()
		delete(j.files, ino)
	}
}
