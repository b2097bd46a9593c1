package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"filippo.io/age"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/cluster"
	"trivium/server/files"
	"trivium/server/seal"
	"trivium/server/store"
)

// Target describes the node that an archive is restored to.
type Target struct {
	Dir     string // its data directory: missing or empty
	ID      string // its name; empty: a new one
	Address string // of its cluster port; it may change later

	Keys     []age.Identity // for an encrypted archive
	Seal     *seal.Ring     // of the old cluster's secrets, if they were kept apart; nil: only those of the archive
	Cluster  string         // if set: only an archive of the cluster with this id
	Progress func(done, total int64)
}

// Names below the data directory.
const (
	stagingName  = ".restore"
	databaseDir  = "db"
	filesDir     = "files"
	clusterDir   = "cluster"
	importedName = "import" // below databaseDir
)

// Restored says what Restore has made.
type Restored struct {
	Manifest Manifest
	Node     string // id of the first node of the new cluster
	Sealed   Sealed
}

// Restore makes the first node of a new cluster out of an archive. Everything is read and verified first; until then
// nothing lies in the directory but the folder .restore, and after a failure not even that.
//
// The rows are those of the archive, but for what belongs to the old cluster and not to the site: see store.NewCluster.
// The new cluster has its own authority, so no node and no join token of the old one is accepted. Its own keys seal; those of the
// old cluster go on opening what they have sealed, if the archive carries them or t.Seal has them.
func Restore(ctx context.Context, r io.Reader, t Target) (_ Restored, err error) {
	fresh, err := emptyDir(t.Dir)
	if err != nil {
		return Restored{}, err
	}
	staging := filepath.Join(t.Dir, stagingName)
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(staging))
			if fresh {
				err = errors.Join(err, os.Remove(t.Dir))
			}
		}
	}()
	if err := os.MkdirAll(filepath.Join(staging, databaseDir), 0o700); err != nil {
		return Restored{}, err
	}
	s := &staged{dir: staging, cluster: t.Cluster, ring: t.Seal}
	if s.files, err = files.NewImporter(filepath.Join(staging, filesDir)); err != nil {
		return Restored{}, err
	}
	if r, err = unseal(r, t.Keys); err != nil {
		return Restored{}, err
	}
	m, err := read(ctx, r, s, t.Progress)
	if err != nil {
		return Restored{}, err
	}
	if err := s.verify(ctx, m); err != nil {
		return Restored{}, err
	}
	sealed, err := countSealed(ctx, s.imported(), s.ring)
	if err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	id, err := s.found(ctx, t, m, sealed)
	if err != nil {
		return Restored{}, fmt.Errorf("restore: %w", err)
	}
	return Restored{m, id, sealed}, s.publish(t.Dir)
}

// emptyDir refuses a directory in which something could be lost. It makes the directory if it is missing.
func emptyDir(dir string) (fresh bool, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return true, os.MkdirAll(dir, 0o700)
	} else if err != nil {
		return false, err
	}
	for _, e := range entries {
		if e.Name() == "lost+found" { // of a disk of its own
			continue
		}
		if e.Name() == stagingName {
			return false, lms.Errorf(lms.KindConflict, "%s holds a restore that was cut short. Delete the directory's content and restore again.", dir)
		}
		return false, lms.Errorf(lms.KindConflict, "%s is not empty: it holds %s. An archive is only restored to a new node; name another directory.", dir, e.Name())
	}
	return false, nil
}

// staged is a node that comes into being.
type staged struct {
	dir     string
	cluster string
	files   *files.Importer
	ring    *seal.Ring // opens what the database holds sealed; nil: nothing does
}

func (s *staged) imported() string { return filepath.Join(s.dir, databaseDir, importedName) }

func (s *staged) manifest(m Manifest) error {
	if known := store.SchemaVersion(); m.Schema > known {
		return lms.Errorf(lms.KindInvalid, "The archive was made by a newer program (%s, database schema %d; this one knows %d). Restore it with that one.", m.Version, m.Schema, known)
	}
	if s.cluster != "" && s.cluster != m.Cluster {
		return lms.Errorf(lms.KindInvalid, "The archive is of the cluster %.80q, not of %q.", m.Cluster, s.cluster)
	}
	return nil
}

func (s *staged) keys(ring *seal.Ring) {
	if s.ring != nil {
		ring = ring.With(s.ring)
	}
	s.ring = ring
}

func (s *staged) database(r io.Reader) error {
	f, err := os.OpenFile(s.imported(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r)
	return errors.Join(err, f.Close())
}

func (s *staged) chunk(hash string, b []byte) error { return s.files.Put(hash, b) }

// verify holds the content to the manifest: an archive whose sums are right may still have been made of a damaged site.
func (s *staged) verify(ctx context.Context, m Manifest) error {
	sum, index, term, err := consensus.HashFile(ctx, s.imported())
	var format *consensus.FormatError
	switch {
	case errors.As(err, &format):
		return lms.Errorf(lms.KindInvalid, "The archive cannot be restored by this program: %s.", format)
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return damaged("%v", err)
	case sum != m.RowHash || index != m.Index || term != m.Term:
		return damaged("the database is not the one that the manifest describes")
	}
	var count int64
	missing := newChunkList()
	schema, err := eachChunk(ctx, s.imported(), func(hash string, size int) error {
		switch {
		case validHash(hash) && s.files.Has(hash, size):
			count++
			return nil
		case missing.c.Count < m.Missing.Count && missing.add(hash, size) == nil:
			return nil
		}
		return damaged("it lacks a part of a file, %.80q", hash)
	})
	if err == nil && (schema != m.Schema || count != m.Chunks.Count || m.Missing != Chunks{} && missing.chunks() != m.Missing) {
		err = damaged("the database is not the one that the manifest describes")
	}
	return err
}

// found makes the node the first of a new cluster.
func (s *staged) found(ctx context.Context, t Target, m Manifest, sealed Sealed) (id string, err error) {
	self, err := cluster.Found(s.dir, t.ID, t.Address)
	if err != nil {
		return "", err
	}
	if s.ring != nil {
		if err := self.Inherit(s.ring); err != nil {
			return "", err
		}
	}
	c := consensus.Config{ID: self.ID(), Dir: filepath.Join(s.dir, databaseDir), Address: t.Address}
	changes := append(store.NewCluster(m.Schema), store.RestoreRecord(m.Schema, time.Now(), "archive", m.Cluster, "index", strconv.FormatUint(m.Index, 10))...)
	if sealed.Certificates > 0 {
		changes = append(changes, store.ForgetCertificates())
	}
	if err := consensus.Import(ctx, c, s.imported(), changes...); err != nil {
		return "", err
	}
	return self.ID(), self.SetMember(t.Address)
}

// publish gives the parts their names, the identity last: without it there is no node.
func (s *staged) publish(dir string) error {
	for _, name := range []string{filesDir, databaseDir, clusterDir} {
		if err := os.Rename(filepath.Join(s.dir, name), filepath.Join(dir, name)); err != nil {
			return err
		}
	}
	if err := os.Remove(s.dir); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
