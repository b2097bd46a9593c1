//go:build !js

package api

import (
	"io"

	"trivium/app/lms"
)

type readerBlob struct {
	name string
	size int64
	r    io.ReaderAt
}

// NewBlob makes a Blob of size bytes of r.
func NewBlob(name string, size int64, r io.ReaderAt) Blob { return readerBlob{name, size, r} }

func (b readerBlob) Name() string { return b.name }
func (b readerBlob) Size() int64  { return b.size }

func (b readerBlob) Slice(i int) ([]byte, error) {
	data := make([]byte, lms.ChunkLen(b.size, i))
	_, err := io.ReadFull(io.NewSectionReader(b.r, int64(i)*lms.ChunkSize, int64(len(data))), data)
	return data, err
}
