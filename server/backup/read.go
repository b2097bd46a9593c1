package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"

	"trivium/app/lms"
	"trivium/server/seal"
)

// sink receives what an archive holds. Errors of a sink are no damage of the archive.
type sink interface {
	manifest(Manifest) error
	keys(*seal.Ring)            // of sealed secrets, if the archive carries them
	database(r io.Reader) error // reads to the end; the hash is checked after that
	chunk(hash string, b []byte) error
}

// read takes an archive apart, in order, and verifies every member. Names, kinds and sizes are those that the manifest
// announces, or the archive is refused: no name of a member ever becomes a path.
func read(ctx context.Context, r io.Reader, s sink, progress func(done, total int64)) (m Manifest, err error) {
	d := &dearchiver{t: tar.NewReader(bound(ctx, r)), progress: progress}
	defer func() {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
	}()
	head, err := d.small(manifestName, maxManifest)
	if err != nil {
		if errors.Is(err, tar.ErrHeader) || errors.Is(err, errOther) {
			return m, errForeign
		}
		return m, err
	}
	if m, err = decodeManifest(head); err != nil {
		return m, err
	}
	if err := s.manifest(m); err != nil {
		return m, err
	}
	if m.Keys != (Member{}) {
		ring, err := d.keys(m.Keys)
		if err != nil {
			return m, err
		}
		s.keys(ring)
	}
	d.total = m.Total()
	if err := d.database(m.Database, s); err != nil {
		return m, err
	}
	if err := d.chunks(m.Chunks, s); err != nil {
		return m, err
	}
	sum := sha256.Sum256(head)
	trailer, err := d.trailer()
	if err != nil {
		return m, err
	}
	if string(trailer) != hex.EncodeToString(sum[:])+"\n" {
		return m, damaged("the manifest does not fit its own SHA-256")
	}
	if _, err := d.t.Next(); err == nil {
		return m, damaged("it goes on behind its end")
	} else if err != io.EOF {
		return m, d.broken("the end", err)
	}
	if _, err := io.Copy(io.Discard, bound(ctx, r)); err != nil { // an encrypted archive proves its end
		return m, d.broken("the end", err)
	}
	return m, nil
}

var errOther = errors.New("another member")

// dearchiver reads members. next holds a header that belongs to the following step.
type dearchiver struct {
	t           *tar.Reader
	next        *tar.Header
	done, total int64
	progress    func(done, total int64)
}

// Read reads from the present member.
func (d *dearchiver) Read(p []byte) (int, error) {
	n, err := d.t.Read(p)
	d.done += int64(n)
	if d.progress != nil && d.total > 0 {
		d.progress(d.done, d.total)
	}
	return n, err
}

// broken sorts an error of reading: the archive ends too early or cannot be made out. Refusals pass as they are.
func (d *dearchiver) broken(where string, err error) error {
	var refusal *lms.Error
	switch {
	case errors.As(err, &refusal):
		return err
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return damaged("it ends in the middle of %s", where)
	}
	return damaged("%s cannot be read: %v", where, err)
}

func (d *dearchiver) header() (*tar.Header, error) {
	if h := d.next; h != nil {
		d.next = nil
		return h, nil
	}
	h, err := d.t.Next()
	if err == nil && (h.Typeflag != tar.TypeReg || h.Size < 0) {
		return nil, damaged("%.80q is no plain file", h.Name)
	}
	return h, err
}

// small reads the next member whole.
func (d *dearchiver) small(name string, limit int64) ([]byte, error) {
	h, err := d.header()
	if errors.Is(err, tar.ErrHeader) || err == io.EOF {
		return nil, tar.ErrHeader
	} else if err != nil {
		return nil, d.broken(name, err)
	}
	if h.Name != name {
		return nil, errOther
	}
	if h.Size > limit {
		return nil, damaged("%s has %d bytes", name, h.Size)
	}
	b := make([]byte, h.Size)
	if _, err := io.ReadFull(d.t, b); err != nil {
		return nil, d.broken(name, err)
	}
	return b, nil
}

func (d *dearchiver) keys(want Member) (*seal.Ring, error) {
	b, err := d.small(keysName, maxKeys)
	if errors.Is(err, errOther) || errors.Is(err, tar.ErrHeader) {
		return nil, damaged("the keys are not where the manifest has them")
	} else if err != nil {
		return nil, err
	}
	if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != want.SHA256 {
		return nil, damaged("the keys do not fit their SHA-256")
	}
	ring, err := seal.Parse(b)
	if err != nil {
		return nil, damaged("the keys cannot be read")
	}
	return ring, nil
}

func (d *dearchiver) database(want Member, s sink) error {
	h, err := d.header()
	if err != nil {
		return d.broken("the database", err)
	}
	if h.Name != databaseName || h.Size != want.Size {
		return damaged("the database is not where the manifest has it")
	}
	sum, t := sha256.New(), &tap{r: d}
	if err := s.database(io.TeeReader(t, sum)); err != nil {
		if t.err != nil {
			err = d.broken("the database", t.err)
		}
		return err
	}
	if hex.EncodeToString(sum.Sum(nil)) != want.SHA256 {
		return damaged("the database does not fit its SHA-256")
	}
	return nil
}

// tap remembers whether it was the archive that failed, or the disk that the database is written to.
type tap struct {
	r   io.Reader
	err error
}

func (t *tap) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	if err != nil && err != io.EOF {
		t.err = err
	}
	return n, err
}

func (d *dearchiver) chunks(want Chunks, s sink) error {
	list, b := newChunkList(), make([]byte, lms.ChunkSize)
	for {
		h, err := d.header()
		if err != nil {
			return d.broken("the files", err)
		}
		hash, ok := strings.CutPrefix(h.Name, chunkPrefix)
		if !ok {
			d.next = h
			break
		}
		if h.Size > lms.ChunkSize {
			return damaged("a part of a file has %d bytes", h.Size)
		}
		if err := list.add(hash, int(h.Size)); err != nil {
			return damaged("%v", err)
		}
		part := b[:h.Size]
		if _, err := io.ReadFull(d, part); err != nil {
			return d.broken("the files", err)
		}
		if sum := sha256.Sum256(part); hex.EncodeToString(sum[:]) != hash {
			return damaged("a part of a file does not fit its SHA-256 %s", hash)
		}
		if err := s.chunk(hash, part); err != nil {
			return err
		}
	}
	if list.chunks() != want {
		return damaged("parts of files are missing, or there are too many")
	}
	return nil
}

func (d *dearchiver) trailer() ([]byte, error) {
	h, err := d.header()
	if err != nil {
		return nil, d.broken("the end", err)
	}
	if h.Name != trailerName || h.Size != 2*sha256.Size+1 {
		return nil, damaged("%.80q does not belong there", h.Name)
	}
	b := make([]byte, h.Size)
	if _, err := io.ReadFull(d.t, b); err != nil {
		return nil, d.broken("the end", err)
	}
	return b, nil
}
