package files

import (
	"bytes"
	"context"
	"io"

	"trivium/app/lms"
)

// ReadChunk returns the bytes of a chunk of the length, verified; from a peer where this node lacks it.
func (s *Files) ReadChunk(ctx context.Context, hash string, length int) ([]byte, error) {
	f := lms.File{ID: "backup", Name: "a file", Size: int64(length), Chunks: []string{hash}}
	if err := check(f); err != nil {
		return nil, err
	}
	r := s.reader(ctx, f)
	defer r.Close()
	b := make([]byte, length)
	_, err := io.ReadFull(r, b)
	return b, err
}

// Importer fills the folder of a node that is not running with chunks. The node gives them to the files that its rows name
// when it starts.
type Importer struct{ d *disk }

// NewImporter makes the folder.
func NewImporter(root string) (*Importer, error) {
	d, err := openDisk(root, func(error) {})
	if err != nil {
		return nil, err
	}
	return &Importer{d}, nil
}

// Put stores a chunk durably. It refuses bytes that do not fit the hash.
func (i *Importer) Put(hash string, b []byte) error {
	if !validHash(hash) || len(b) > lms.ChunkSize {
		return errDamaged
	}
	tmp, err := i.d.receive(bytes.NewReader(b), hash, len(b))
	if err != nil {
		return err
	}
	err = i.d.commit(tmp, hash)
	i.d.discard(tmp) // renamed, if all went well
	return err
}

// Has reports whether a chunk of the length has been put.
func (i *Importer) Has(hash string, length int) bool {
	chunk, _ := i.d.holds("", 0, hash, length)
	return chunk
}
