package lms

import (
	"path"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// ChunkSize is the fixed size of a chunk of a file in bytes; the last chunk of a file is shorter.
const ChunkSize = 1 << 20

// Limits of files (CONTENT-4, SUBMIT-5).
const (
	MaxFileSize  int64 = 200 << 20 // bytes, inclusive
	MaxFileName        = 255       // bytes
	UploadGrace        = 15 * time.Minute
	FileHashSize       = 64 // hex digits of a SHA-256
)

// File is an uploaded file. Its bytes are chunks that every node keeps; the row is what the cluster agreed on.
type File struct {
	ID         string    `json:"id"`
	CourseID   string    `json:"courseId"`
	OwnerID    string    `json:"ownerId"`
	Name       string    `json:"name"`
	Size       int64     `json:"size"`
	Type       string    `json:"type"`   // media type, judged by the node from content and name
	SHA256     string    `json:"sha256"` // of the whole file, 64 hex digits
	Chunks     []string  `json:"chunks,omitempty"`
	CreatedAt  time.Time `json:"createdAt,omitzero"`
	CompleteAt time.Time `json:"completeAt,omitzero"` // when a majority of the nodes held every byte; zero: still arriving
}

// Complete reports whether a majority of the nodes held every byte.
func (f File) Complete() bool { return !f.CompleteAt.IsZero() }

// ChunkCount is the number of chunks of a file of the size. A file of 0 bytes has none.
func ChunkCount(size int64) int { return int((size + ChunkSize - 1) / ChunkSize) }

// ChunkLen is the length of chunk i of a file of the size, in bytes.
func ChunkLen(size int64, i int) int { return int(min(ChunkSize, size-int64(i)*ChunkSize)) }

// CheckFileName refuses names that are empty, too long, no UTF-8, contain a path or control characters.
// Everything else (spaces, quotes, any script) is kept as it is.
func CheckFileName(name string) error {
	switch {
	case !utf8.ValidString(name):
		return FieldErrorf(KindInvalid, "name", "The file's name is not valid UTF-8.")
	case strings.TrimSpace(name) == "" || name == "." || name == "..":
		return FieldErrorf(KindInvalid, "name", "The file has no name.")
	case len(name) > MaxFileName:
		return FieldErrorf(KindInvalid, "name", "The file's name has more than %d bytes. Please shorten it.", MaxFileName)
	case strings.ContainsAny(name, `/\`):
		return FieldErrorf(KindInvalid, "name", "The file's name contains a path. Send the name only.")
	case strings.ContainsFunc(name, unicode.IsControl):
		return FieldErrorf(KindInvalid, "name", "The file's name contains control characters.")
	}
	return nil
}

// Validate checks the description of a file before any byte is sent.
func (f File) Validate() error {
	if err := first(checkID("id", f.ID), CheckFileName(f.Name)); err != nil {
		return err
	}
	switch {
	case f.Size < 0:
		return FieldErrorf(KindInvalid, "size", "A size cannot be negative.")
	case f.Size > MaxFileSize:
		return FieldErrorf(KindTooLarge, "size", "%s has %s; the limit is %s.", f.Name, FormatBytes(f.Size), FormatBytes(MaxFileSize))
	case !validHash(f.SHA256):
		return FieldErrorf(KindInvalid, "sha256", "The SHA-256 is missing or malformed.")
	case len(f.Chunks) != ChunkCount(f.Size):
		return FieldErrorf(KindInvalid, "chunks", "A file of %d bytes has %d chunks, not %d.", f.Size, ChunkCount(f.Size), len(f.Chunks))
	}
	for _, c := range f.Chunks {
		if !validHash(c) {
			return FieldErrorf(KindInvalid, "chunks", "A chunk's SHA-256 is malformed.")
		}
	}
	return nil
}

func validHash(s string) bool {
	return len(s) == FileHashSize && strings.Trim(s, "0123456789abcdef") == ""
}

// Extension is the file's extension in lower case with its dot, or "".
func (f File) Extension() string { return strings.ToLower(path.Ext(f.Name)) }

// Programs are refused as course material unless an allow-list names them: they harm whoever opens them.
var programs = map[string]bool{".exe": true, ".dll": true, ".com": true, ".bat": true, ".cmd": true, ".msi": true, ".scr": true, ".pif": true,
	".vbs": true, ".ps1": true, ".jar": true, ".app": true, ".dmg": true, ".apk": true, ".lnk": true, ".hta": true}

// CheckMaterialType refuses programs as course material.
func (f File) CheckMaterialType() error {
	if programs[f.Extension()] {
		return FieldErrorf(KindUnsupported, "name", "%s is a program. Put it into an archive, or share a link.", f.Name)
	}
	return nil
}
