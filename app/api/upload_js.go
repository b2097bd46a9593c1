//go:build js

package api

import (
	"crypto/sha256"
	"encoding/hex"
	"syscall/js"

	"trivium/app/lms"
)

// fileBlob is a File object of the browser. One chunk at a time enters the program's memory.
type fileBlob struct{ file js.Value }

// NewFileBlob makes a Blob of a File object of the browser.
func NewFileBlob(file js.Value) Blob { return fileBlob{file} }

func (b fileBlob) Name() string { return b.file.Get("name").String() }
func (b fileBlob) Size() int64  { return int64(b.file.Get("size").Float()) }

func (b fileBlob) Slice(i int) ([]byte, error) {
	buf, err := b.buffer(i)
	if err != nil {
		return nil, err
	}
	return bytesFromJS(js.Global().Get("Uint8Array").New(buf)), nil
}

func (b fileBlob) buffer(i int) (js.Value, error) {
	from := int64(i) * lms.ChunkSize
	to := from + int64(lms.ChunkLen(b.Size(), i))
	return Await(b.file.Call("slice", float64(from), float64(to)).Call("arrayBuffer"))
}

// hashSlice lets the browser hash the chunk. Pages that came over plain HTTP have no SubtleCrypto; there Go does it.
func (b fileBlob) hashSlice(i int) ([]byte, string, error) {
	buf, err := b.buffer(i)
	if err != nil {
		return nil, "", err
	}
	data := bytesFromJS(js.Global().Get("Uint8Array").New(buf))
	subtle := js.Global().Get("crypto").Get("subtle")
	if !subtle.Truthy() {
		sum := sha256.Sum256(data)
		return data, hex.EncodeToString(sum[:]), nil
	}
	digest, err := Await(subtle.Call("digest", "SHA-256", buf))
	if err != nil {
		return nil, "", err
	}
	return data, hex.EncodeToString(bytesFromJS(js.Global().Get("Uint8Array").New(digest))), nil
}
