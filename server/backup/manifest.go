package backup

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"trivium/app/lms"
)

// Format is the newest version of archives that this program knows. It writes the oldest that says everything: older programs
// restore a formatWhole as well, but refuse what lacks chunks.
const (
	Format      = 3
	formatWhole = 2
)

// Names of the members.
const (
	manifestName = "manifest.json"
	keysName     = "seal.keys"
	databaseName = "database"
	chunkPrefix  = "chunks/"
	trailerName  = "manifest.sha256"
)

const (
	program     = "trivium"
	maxManifest = 1 << 20
	maxKeys     = 64 << 10
)

// Manifest says what an archive holds.
type Manifest struct {
	Program   string    `json:"program"` // "trivium"
	Format    int       `json:"format"`
	Version   string    `json:"version"` // of the program that made it
	CreatedAt time.Time `json:"createdAt"`
	Cluster   string    `json:"cluster"` // id of the cluster: the hash of its authority
	Node      string    `json:"node"`    // that made it
	Schema    int       `json:"schema"`  // last migration of the database
	Index     uint64    `json:"index"`   // the state is that after this entry of the log
	Term      uint64    `json:"term"`
	RowHash   string    `json:"rowHash"`       // of every row, as consensus.DB.Hash has it at the index
	Keys      Member    `json:"keys,omitzero"` // of the cluster's secrets
	Database  Member    `json:"database"`
	Chunks    Chunks    `json:"chunks"`
	Missing   Chunks    `json:"missing,omitzero"` // that complete files name, and no node had any more
}

// Member is a member of the archive.
type Member struct {
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"`
}

// Chunks are the members with the bytes of files.
type Chunks struct {
	Count  int64  `json:"count"`
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"` // of the list: a line "<sha256> <size>" each, in the order of the hashes
}

// Total is the size of what the archive carries, in bytes, without the headers.
func (m *Manifest) Total() int64 { return m.Database.Size + m.Chunks.Bytes }

func (m *Manifest) encode() ([]byte, error) {
	b, err := json.MarshalIndent(m, "", "  ")
	return append(b, '\n'), err
}

// decodeManifest refuses what is no manifest of this program, or one of a later program.
func decodeManifest(b []byte) (m Manifest, err error) {
	// A newer format may have other fields: the version is looked at first.
	var head struct {
		Program string
		Format  int
	}
	if err := json.Unmarshal(b, &head); err != nil || head.Program != program {
		return m, errForeign
	}
	if head.Format > Format {
		return m, lms.Errorf(lms.KindInvalid, "The archive has format %d, and this program knows formats up to %d: a newer program made it. Restore it with that one.", head.Format, Format)
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(&m); err != nil {
		return m, damaged("the manifest: %v", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return m, damaged("the manifest has something behind its end")
	}
	switch {
	case m.Format < 1, m.Index == 0, m.Schema < 1, !validHash(m.RowHash), !validHash(m.Database.SHA256), !validHash(m.Chunks.SHA256):
		return m, damaged("the manifest is incomplete")
	case m.Keys != Member{} && (m.Keys.Size <= 0 || m.Keys.Size > maxKeys || !validHash(m.Keys.SHA256)):
		return m, damaged("the manifest has impossible keys")
	case m.Missing != Chunks{} && (m.Format <= formatWhole || m.Missing.Count <= 0 || m.Missing.Bytes <= 0 || !validHash(m.Missing.SHA256)):
		return m, damaged("the manifest has an impossible list of what is missing")
	case m.Database.Size <= 0, m.Chunks.Count < 0, m.Chunks.Bytes < 0, m.Chunks.Bytes > m.Chunks.Count*lms.ChunkSize, m.Total() < 0:
		return m, damaged("the manifest has impossible sizes")
	}
	return m, nil
}

func validHash(h string) bool {
	if len(h) != lms.FileHashSize {
		return false
	}
	for _, c := range []byte(h) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

var errForeign = lms.Errorf(lms.KindInvalid, "This is no archive of Trivium. \"trivium backup\" makes one.")

// damaged refuses an archive.
func damaged(format string, args ...any) error {
	return lms.Errorf(lms.KindInvalid, "The archive is damaged: %s. Nothing was changed; use another copy of it.", fmt.Sprintf(format, args...))
}
