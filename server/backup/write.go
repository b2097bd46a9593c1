package backup

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
)

// Write writes the archive. progress, if not nil, is told how many of Manifest.Total bytes are written.
func (n *Snapshot) Write(ctx context.Context, w io.Writer, progress func(done int64)) error {
	a := &archiver{ctx: ctx, t: tar.NewWriter(w), progress: progress}
	if err := n.write(a); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	if err := a.t.Close(); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

func (n *Snapshot) write(a *archiver) error {
	manifest, err := n.Manifest.encode()
	if err != nil {
		return err
	}
	if err := a.bytes(manifestName, manifest); err != nil {
		return err
	}
	if len(n.keys) > 0 {
		if err := a.bytes(keysName, n.keys); err != nil {
			return err
		}
	}
	if err := n.writeDatabase(a); err != nil {
		return err
	}
	if err := n.writeChunks(a); err != nil {
		return err
	}
	sum := sha256.Sum256(manifest)
	return a.bytes(trailerName, []byte(hex.EncodeToString(sum[:])+"\n"))
}

func (n *Snapshot) writeDatabase(a *archiver) error {
	f, err := os.Open(n.database())
	if err != nil {
		return err
	}
	defer f.Close()
	if err := a.header(databaseName, n.Manifest.Database.Size); err != nil {
		return err
	}
	sum := sha256.New()
	size, err := io.Copy(io.MultiWriter(a, sum), bound(a.ctx, f))
	if err == nil && (size != n.Manifest.Database.Size || hex.EncodeToString(sum.Sum(nil)) != n.Manifest.Database.SHA256) {
		err = errors.New("the copy of the database has changed: its disk is not to be trusted")
	}
	return err
}

func (n *Snapshot) writeChunks(a *archiver) error {
	f, err := os.Open(n.list())
	if err != nil {
		return err
	}
	defer f.Close()
	list := newChunkList()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		hash, length, _ := strings.Cut(lines.Text(), " ")
		size, err := strconv.Atoi(length)
		if err == nil {
			err = list.add(hash, size)
		}
		if err != nil {
			return err
		}
		if err := n.writeChunk(a, hash, size); err != nil {
			return err
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if list.chunks() != n.Manifest.Chunks {
		return errors.New("the list of chunks has changed: its disk is not to be trusted")
	}
	return nil
}

func (n *Snapshot) writeChunk(a *archiver, hash string, size int) error {
	if err := a.ctx.Err(); err != nil {
		return err
	}
	b, err := n.source.Chunk(a.ctx, hash, size)
	if err != nil {
		return fmt.Errorf("chunk %s: %w", hash, err)
	}
	if sum := sha256.Sum256(b); len(b) != size || hex.EncodeToString(sum[:]) != hash {
		return fmt.Errorf("chunk %s: the bytes do not fit their hash", hash)
	}
	if err := a.header(chunkPrefix+hash, int64(size)); err != nil {
		return err
	}
	_, err = a.Write(b)
	return err
}

// archiver writes members and counts what they carry.
type archiver struct {
	ctx      context.Context
	t        *tar.Writer
	done     int64
	progress func(int64)
}

// header begins a member. Times, owners and modes say nothing: two archives of one state are alike.
func (a *archiver) header(name string, size int64) error {
	return a.t.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Size: size, Mode: 0o600})
}

// Write writes to the member that header has begun.
func (a *archiver) Write(p []byte) (int, error) {
	n, err := a.t.Write(p)
	a.done += int64(n)
	if a.progress != nil {
		a.progress(a.done)
	}
	return n, err
}

func (a *archiver) bytes(name string, b []byte) error {
	if err := a.header(name, int64(len(b))); err != nil {
		return err
	}
	_, err := a.t.Write(b)
	return err
}
