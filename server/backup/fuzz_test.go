package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
	"testing"

	"trivium/app/lms"
	"trivium/server/seal"
)

// kept holds what an archive handed out.
type kept struct {
	m      Manifest
	db     []byte
	chunks map[string]int
}

func (k *kept) manifest(m Manifest) error { k.m = m; return nil }

func (k *kept) keys(*seal.Ring) {}

func (k *kept) database(r io.Reader) (err error) {
	k.db, err = io.ReadAll(r)
	return err
}

func (k *kept) chunk(hash string, b []byte) error {
	k.chunks[hash] = len(b)
	return nil
}

// smallArchive is a sound archive, but for what lies in its database.
func smallArchive() []byte {
	hexOf := func(b []byte) string { s := sha256.Sum256(b); return hex.EncodeToString(s[:]) }
	db, part := []byte("database"), []byte("part")
	list := newChunkList()
	if err := list.add(hexOf(part), len(part)); err != nil {
		panic(err)
	}
	m := Manifest{Program: program, Format: Format, Cluster: "c", Schema: 1, Index: 7, Term: 1, RowHash: hexOf(nil), Database: Member{int64(len(db)), hexOf(db)}, Chunks: list.chunks()}
	head := must(m.encode())
	var out bytes.Buffer
	a := &archiver{t: tar.NewWriter(&out)}
	for _, f := range []struct {
		name string
		body []byte
	}{{manifestName, head}, {databaseName, db}, {chunkPrefix + hexOf(part), part}, {trailerName, []byte(hexOf(head) + "\n")}} {
		if err := a.bytes(f.name, f.body); err != nil {
			panic(err)
		}
	}
	a.t.Close()
	return out.Bytes()
}

// FuzzRead: whatever the bytes, an archive is refused in words for people, or what it hands out fits its manifest.
func FuzzRead(f *testing.F) {
	good := smallArchive()
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add(bytes.Replace(good, []byte(`"index": 7`), []byte(`"index": 8`), 1))
	f.Add(bytes.Replace(good, []byte("chunks/"), []byte("../../x"), 1))
	f.Add([]byte(ageMagic + "-> X25519 a\n"))
	f.Add([]byte(strings.Repeat("\x00", 1024)))
	f.Fuzz(func(t *testing.T, b []byte) {
		k := &kept{chunks: map[string]int{}}
		r, err := unseal(bytes.NewReader(b), nil)
		var m Manifest
		if err == nil {
			m, err = read(context.Background(), r, k, nil)
		}
		if err != nil {
			var refusal *lms.Error
			if !errors.As(err, &refusal) {
				t.Errorf("an error that is no refusal: %v", err)
			}
			return
		}
		sum, bytesOf := sha256.Sum256(k.db), int64(0)
		for _, n := range k.chunks {
			bytesOf += int64(n)
		}
		if hex.EncodeToString(sum[:]) != m.Database.SHA256 || int64(len(k.chunks)) != m.Chunks.Count || bytesOf != m.Chunks.Bytes || k.m != m {
			t.Errorf("what was handed out does not fit %+v", m)
		}
	})
}

// FuzzManifest: a manifest is refused in words for people, or it is one that this program could have written, whose sizes can be
// trusted when memory and disk are set aside.
func FuzzManifest(f *testing.F) {
	hash := strings.Repeat("0a", 32)
	good := must(new(Manifest{Program: program, Format: Format, Cluster: "c", Schema: 1, Index: 7, Term: 1, RowHash: hash, Database: Member{8, hash}, Chunks: Chunks{1, 4, hash}}).encode())
	f.Add(good)
	f.Add(bytes.Replace(good, []byte(`"index": 7`), []byte(`"index": -7`), 1))
	f.Add(bytes.Replace(good, []byte(`"size": 8`), []byte(`"size": 9223372036854775807`), 1))
	f.Add([]byte(`{"program":"` + program + `","format":99}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := decodeManifest(b)
		if err != nil {
			var refusal *lms.Error
			if !errors.As(err, &refusal) || refusal.Message == "" {
				t.Errorf("an error that is no refusal: %v", err)
			}
			return
		}
		if m.Total() <= 0 || m.Chunks.Bytes > m.Chunks.Count*lms.ChunkSize || m.Format > Format {
			t.Errorf("accepted: %+v", m)
		}
		if again, err := decodeManifest(must(m.encode())); err != nil || !bytes.Equal(must(again.encode()), must(m.encode())) {
			t.Errorf("%+v comes back as %+v, %v", m, again, err)
		}
	})
}
