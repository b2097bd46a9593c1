package backup

import (
	"bufio"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"time"

	_ "github.com/mattn/go-sqlite3" // reads the copy; the live database belongs to consensus

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/seal"
)

// Source is the node that a backup is made on.
type Source struct {
	DB *consensus.DB
	// Chunk returns the bytes of a chunk, from a peer where this node lacks it.
	Chunk   func(ctx context.Context, hash string, length int) ([]byte, error)
	Gone    func(hash string) bool // no node has the chunk any more; nil: all are somewhere
	Dir     string                 // for the copy of the database; emptied by Clean
	Keys    *seal.Ring             // of the secrets that the database holds
	Cluster string                 // id of the cluster
	Node    string
	Version string // of the program
}

// Snapshot is a state of the site, ready to be written.
type Snapshot struct {
	Manifest Manifest

	source Source
	dir    string
	keys   []byte // that the archive carries
}

// CarryKeys makes the archive carry the keys of what the database holds sealed. It must be encrypted, and for the operator.
func (n *Snapshot) CarryKeys() {
	n.keys = n.source.Keys.Encode()
	sum := sha256.Sum256(n.keys)
	n.Manifest.Keys = Member{int64(len(n.keys)), hex.EncodeToString(sum[:])}
}

// Clean removes what an earlier process has left.
func (s Source) Clean() error { return os.RemoveAll(s.Dir) }

// Take copies the database beside itself and lists the chunks that it names. It holds everything that was acknowledged, on
// any node, before the call; therefore it needs the majority. Close releases the copy.
func (s Source) Take(ctx context.Context) (_ *Snapshot, err error) {
	if _, err := s.DB.Query(ctx, consensus.Linearizable, "SELECT 1"); err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	if err := os.MkdirAll(s.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	dir, err := os.MkdirTemp(s.Dir, "snapshot-")
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	n := &Snapshot{source: s, dir: dir, Manifest: Manifest{Program: program, Format: formatWhole, Version: s.Version,
		CreatedAt: time.Now().UTC().Truncate(time.Millisecond), Cluster: s.Cluster, Node: s.Node}}
	for _, step := range []func(context.Context) error{n.copyDatabase, n.listChunks} {
		if err := step(ctx); err != nil {
			return nil, errors.Join(fmt.Errorf("backup: %w", err), n.Close())
		}
	}
	return n, nil
}

// Close removes the copy.
func (n *Snapshot) Close() error { return os.RemoveAll(n.dir) }

func (n *Snapshot) database() string { return filepath.Join(n.dir, "database") }
func (n *Snapshot) list() string     { return filepath.Join(n.dir, "chunks") }

func (n *Snapshot) copyDatabase(ctx context.Context) error {
	f, err := os.OpenFile(n.database(), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	index, err := n.source.DB.CopyTo(ctx, f)
	if err != nil {
		return err
	}
	m := &n.Manifest
	if m.Database, err = memberOf(ctx, f); err != nil {
		return err
	}
	if m.RowHash, m.Index, m.Term, err = consensus.HashFile(ctx, f.Name()); err != nil {
		return err
	}
	if m.Index != index {
		return fmt.Errorf("the copy stands at %d, not at %d", m.Index, index)
	}
	return nil
}

func memberOf(ctx context.Context, f *os.File) (Member, error) {
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return Member{}, err
	}
	sum := sha256.New()
	size, err := io.Copy(sum, bound(ctx, f))
	return Member{size, hex.EncodeToString(sum.Sum(nil))}, err
}

// chunksOf lists the chunks of complete files, each once.
const chunksOf = `
	SELECT DISTINCT j.value, min(f.size - j.key * 1048576, 1048576)
	FROM files f, json_each(f.chunks) j
	WHERE f.complete_at IS NOT NULL
	ORDER BY 1`

// listChunks writes the list to a file: it may be longer than the memory.
func (n *Snapshot) listChunks(ctx context.Context) error {
	f, err := os.OpenFile(n.list(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	list, missing := newChunkList(), newChunkList()
	asking, cancel := context.WithTimeout(ctx, askGone)
	defer cancel()
	n.Manifest.Schema, err = eachChunk(ctx, n.database(), func(hash string, size int) error {
		if n.isGone(asking, hash, size) {
			return missing.add(hash, size)
		}
		if err := list.add(hash, size); err != nil {
			return err
		}
		_, err := fmt.Fprintf(w, "%s %d\n", hash, size)
		return err
	})
	n.Manifest.Chunks = list.chunks()
	if missing.c.Count > 0 {
		n.Manifest.Format, n.Manifest.Missing = Format, missing.chunks()
	}
	return errors.Join(err, w.Flush())
}

// askGone bounds how long chunks are asked for that were on no node a moment ago.
const askGone = 10 * time.Second

// isGone asks for a chunk once more that was on no node a moment ago: it may have been handed in again or brought back. When ctx
// has ended it counts as gone.
func (n *Snapshot) isGone(ctx context.Context, hash string, size int) bool {
	if n.source.Gone == nil || !n.source.Gone(hash) {
		return false
	}
	_, err := n.source.Chunk(ctx, hash, size)
	return err != nil
}

// openCopy opens a copy of a database, which nobody changes.
func openCopy(path string) (*sql.DB, error) {
	u := url.URL{Path: path}
	return sql.Open("sqlite3", "file:"+u.EscapedPath()+"?immutable=1&mode=ro&_query_only=1")
}

// eachChunk visits the chunks that a copy of the database names, and returns the number of its last migration.
func eachChunk(ctx context.Context, path string, visit func(hash string, size int) error) (schema int, err error) {
	db, err := openCopy(path)
	if err != nil {
		return 0, err
	}
	defer db.Close()
	if err := db.QueryRowContext(ctx, `SELECT max(version) FROM schema_migrations`).Scan(&schema); err != nil {
		return 0, err
	}
	rows, err := db.Query(chunksOf) // with the context the driver would begin a goroutine for each row
	if err != nil {
		return 0, err
	}
	defer rows.Close()
	for rows.Next() {
		var hash string
		var size int
		if err := errors.Join(ctx.Err(), rows.Scan(&hash, &size)); err != nil {
			return 0, err
		}
		if err := visit(hash, size); err != nil {
			return 0, err
		}
	}
	return schema, rows.Err()
}

// chunkList sums up a list of chunks as it passes by.
type chunkList struct {
	sum  interface{ Sum([]byte) []byte }
	w    io.Writer
	last string
	c    Chunks
}

func newChunkList() *chunkList {
	h := sha256.New()
	return &chunkList{sum: h, w: h}
}

// add refuses what cannot be the next chunk.
func (l *chunkList) add(hash string, size int) error {
	if !validHash(hash) || size < 1 || size > lms.ChunkSize || hash <= l.last {
		return fmt.Errorf("the chunk %.80q of %d bytes is malformed or out of order", hash, size)
	}
	l.last = hash
	l.c.Count++
	l.c.Bytes += int64(size)
	_, err := fmt.Fprintf(l.w, "%s %d\n", hash, size)
	return err
}

func (l *chunkList) chunks() Chunks {
	l.c.SHA256 = hex.EncodeToString(l.sum.Sum(nil))
	return l.c
}

// bound makes reading end with the context.
func bound(ctx context.Context, r io.Reader) io.Reader { return boundReader{ctx, r} }

type boundReader struct {
	ctx context.Context
	r   io.Reader
}

func (b boundReader) Read(p []byte) (int, error) {
	if err := b.ctx.Err(); err != nil {
		return 0, err
	}
	return b.r.Read(p)
}
