package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/seal"
	"trivium/server/store/storetest"
)

const testCluster = "c1"

// testSite is a site whose chunks lie in a map.
type testSite struct {
	*storetest.Site
	chunks map[string][]byte
	source Source
}

func newSite(t *testing.T) *testSite {
	t.Helper()
	s := &testSite{Site: storetest.New(t), chunks: map[string][]byte{}}
	s.source = Source{DB: s.DB(), Dir: filepath.Join(t.TempDir(), "backup"), Keys: seal.New(), Cluster: testCluster, Node: "n1", Version: "test",
		Chunk: func(_ context.Context, hash string, _ int) ([]byte, error) {
			b, ok := s.chunks[hash]
			if !ok {
				return nil, fs.ErrNotExist
			}
			return b, nil
		}}
	return s
}

// upload adds a file of random bytes.
func (s *testSite) upload(t *testing.T, id string, size int, complete bool) []byte {
	t.Helper()
	data := make([]byte, size)
	rand.Read(data)
	whole := sha256.Sum256(data)
	f := lms.File{ID: id, CourseID: s.Course.ID, Name: id + ".bin", Size: int64(size), Type: "application/octet-stream", SHA256: hex.EncodeToString(whole[:])}
	for i := range lms.ChunkCount(f.Size) {
		part := data[i*lms.ChunkSize:][:lms.ChunkLen(f.Size, i)]
		sum := sha256.Sum256(part)
		f.Chunks = append(f.Chunks, hex.EncodeToString(sum[:]))
		if complete {
			s.chunks[f.Chunks[i]] = part
		}
	}
	if _, err := s.DeclareFile(t.Context(), s.Instructor, f); err != nil {
		t.Fatal(err)
	}
	if complete {
		if _, err := s.CompleteFile(t.Context(), s.Instructor, s.Course.ID, id); err != nil {
			t.Fatal(err)
		}
	}
	return data
}

// archive makes an archive, and returns what DB.Hash said at its index.
func (s *testSite) archive(t *testing.T, to ...age.Recipient) ([]byte, Manifest) {
	t.Helper()
	snap, err := s.source.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	var out bytes.Buffer
	w, err := Seal(&out, to)
	if err != nil {
		t.Fatal(err)
	}
	var done int64
	err = snap.Write(t.Context(), w, func(n int64) { done = n })
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	if done != snap.Manifest.Total() {
		t.Errorf("progress ended at %d of %d", done, snap.Manifest.Total())
	}
	return out.Bytes(), snap.Manifest
}

// openRestored starts the database of a restored node.
func openRestored(t *testing.T, dir, id string) *consensus.DB {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	network := consensus.NewNetwork(consensus.NetworkConfig{Listener: ln})
	t.Cleanup(func() { network.Close() })
	db, err := consensus.Open(consensus.Config{ID: id, Dir: filepath.Join(dir, databaseDir), Network: network, HeartbeatTimeout: 200 * time.Millisecond,
		DiskTimeout: 30 * time.Second, Logger: slog.New(slog.DiscardHandler), Fatal: func(err error) { t.Errorf("the node stopped: %v", err) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := db.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
	return db
}

func count(t *testing.T, db *consensus.DB, q string) (n int) {
	t.Helper()
	rows, err := db.Query(t.Context(), consensus.Local, q)
	if err != nil {
		t.Fatal(err)
	}
	if err := rows.Values[0].Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestRestoreYieldsTheStateOfTheIndex(t *testing.T) {
	s := newSite(t)
	big := s.upload(t, "big", 2*lms.ChunkSize+77, true)
	s.upload(t, "same", 0, true)
	s.upload(t, "underway", lms.ChunkSize, false)
	before, index, err := s.DB().Hash(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	b, m := s.archive(t)
	if m.RowHash != before || m.Index != index {
		t.Fatalf("the archive stands at %d %.8s, the site at %d %.8s", m.Index, m.RowHash, index, before)
	}
	if m.Chunks.Count != 3 || m.Chunks.Bytes != int64(len(big)) {
		t.Errorf("chunks %+v of a file of %d bytes", m.Chunks, len(big))
	}
	dir := filepath.Join(t.TempDir(), "data")
	got, err := Restore(t.Context(), bytes.NewReader(b), Target{Dir: dir, ID: "new", Address: "127.0.0.1:4100", Cluster: testCluster})
	if err != nil {
		t.Fatal(err)
	}
	if got.Node != "new" || got.Manifest != m {
		t.Errorf("restored %+v", got)
	}
	db := openRestored(t, dir, "new")
	if n := count(t, db, `SELECT count(*) FROM sessions`) + count(t, db, `SELECT count(*) FROM nodes`) + count(t, db, `SELECT count(*) FROM session_tokens`); n != 0 {
		t.Errorf("%d rows of the old cluster", n)
	}
	if db.Applied() <= index {
		t.Errorf("the new cluster counts from %d: clients that have seen %d would wait", db.Applied(), index)
	}
	var whole []byte
	for _, f := range must(s.FilesAfter(t.Context(), "", 10)) {
		for _, hash := range f.Chunks {
			if part, err := os.ReadFile(filepath.Join(dir, "files", "chunks", hash[:2], hash[2:3], hash)); f.ID == "big" && err != nil {
				t.Error(err)
			} else if f.ID == "big" {
				whole = append(whole, part...)
			}
		}
	}
	if !bytes.Equal(whole, big) {
		t.Error("the file is not the one that was uploaded")
	}
	// It is a cluster like any other: it takes writes, and a site runs on it.
	var w consensus.Batch
	w.Exec(`INSERT INTO settings (name, value, updated_at) VALUES ('x', 'y', 0)`)
	if _, err := db.Apply(t.Context(), &w); err != nil {
		t.Fatal(err)
	}
}

// What was lost on every node must not keep the rest from being saved; anything else that is missing is damage.
func TestAnArchiveMayLackOnlyWhatNoNodeHas(t *testing.T) {
	s := newSite(t)
	s.upload(t, "one", 2*lms.ChunkSize+5, true)
	if _, m := s.archive(t); m.Format != formatWhole || m.Missing != (Chunks{}) || m.Chunks.Count != 3 {
		t.Errorf("of a whole site: %+v", m)
	}
	one := must(s.FilesAfter(t.Context(), "", 10))[0]
	lost := one.Chunks[1]
	delete(s.chunks, lost)
	snap := must(s.source.Take(t.Context()))
	defer snap.Close()
	if err := snap.Write(t.Context(), io.Discard, nil); err == nil {
		t.Error("an archive without a chunk that a node may have")
	}
	s.source.Gone = func(hash string) bool { return hash == lost }
	b, m := s.archive(t)
	if m.Format != Format || m.Chunks.Count != 2 || m.Missing.Count != 1 || m.Missing.Bytes != lms.ChunkSize {
		t.Errorf("without one of three: %+v", m)
	}
	if got := lacking(m); !strings.HasPrefix(got, "1 part of a file is on no node") {
		t.Errorf("%q", got)
	}
	dir := filepath.Join(t.TempDir(), "data")
	got, err := Restore(t.Context(), bytes.NewReader(b), Target{Dir: dir, ID: "new", Address: "127.0.0.1:4100"})
	if err != nil || got.Manifest != m {
		t.Fatalf("%+v, %v", got.Manifest, err)
	}
	for i, hash := range one.Chunks {
		if _, err := os.Stat(filepath.Join(dir, "files", "chunks", hash[:2], hash[2:3], hash)); (err == nil) != (i != 1) {
			t.Errorf("chunk %d: %v", i, err)
		}
	}

	// The manifest decides what may be missing.
	parts := unpack(t, b)
	forge := func(change func(*Manifest)) []byte {
		forged := m
		change(&forged)
		head := must(forged.encode())
		sum := sha256.Sum256(head)
		all := slices.Clone(parts)
		all[0].body, all[len(all)-1].body = head, []byte(hex.EncodeToString(sum[:])+"\n")
		return pack(t, all)
	}
	refused(t, forge(func(m *Manifest) { m.Missing, m.Format = Chunks{}, formatWhole }), nil, "lacks a part of a file")
	refused(t, forge(func(m *Manifest) { m.Missing.Count++ }), nil, "not the one that the manifest describes")
	refused(t, forge(func(m *Manifest) { m.Missing.SHA256 = m.RowHash }), nil, "not the one that the manifest describes")
	refused(t, forge(func(m *Manifest) { m.Format = formatWhole }), nil, "impossible list")
	refused(t, forge(func(m *Manifest) { m.Missing.Count = -1 }), nil, "impossible list")
}

// TestImportKeepsEveryRow: without statements, the hash of a restored database is that of the index.
func TestImportKeepsEveryRow(t *testing.T) {
	s := newSite(t)
	snap, err := s.source.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, databaseDir), 0o700); err != nil {
		t.Fatal(err)
	}
	c := consensus.Config{ID: "a", Dir: filepath.Join(dir, databaseDir), Address: "127.0.0.1:4100"}
	if err := consensus.Import(t.Context(), c, snap.database()); err != nil {
		t.Fatal(err)
	}
	if sum, _, err := openRestored(t, dir, "a").Hash(t.Context()); err != nil || sum != snap.Manifest.RowHash {
		t.Errorf("hash %.8s, not %.8s: %v", sum, snap.Manifest.RowHash, err)
	}
	if err := consensus.Import(t.Context(), c, snap.database()); err == nil {
		t.Error("a second import into the same node")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// refused holds a restore to its promise: a refusal for people, and an untouched directory.
func refused(t *testing.T, b []byte, keys []age.Identity, want string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data")
	_, err := Restore(t.Context(), bytes.NewReader(b), Target{Dir: dir, Address: "127.0.0.1:4100", Keys: keys})
	var refusal *lms.Error
	if !errors.As(err, &refusal) || !strings.Contains(refusal.Message, want) {
		t.Errorf("%v, want a refusal with %q", err, want)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory is there: %v", err)
	}
}

type member struct {
	name string
	body []byte
	kind byte
}

func unpack(t *testing.T, b []byte) (all []member) {
	t.Helper()
	for r := tar.NewReader(bytes.NewReader(b)); ; {
		h, err := r.Next()
		if err == io.EOF {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, member{h.Name, must(io.ReadAll(r)), tar.TypeReg})
	}
}

func pack(t *testing.T, all []member) []byte {
	t.Helper()
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, m := range all {
		h := &tar.Header{Name: m.name, Size: int64(len(m.body)), Mode: 0o600, Typeflag: m.kind}
		if m.kind == tar.TypeSymlink {
			h.Size, h.Linkname = 0, string(m.body)
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if h.Size > 0 {
			w.Write(m.body)
		}
	}
	w.Close()
	return out.Bytes()
}

func TestDamagedArchivesAreRefused(t *testing.T) {
	s := newSite(t)
	s.upload(t, "one", lms.ChunkSize+5, true)
	good, _ := s.archive(t)
	parts := unpack(t, good)
	chunk := 2 // the first
	change := func(fn func([]member) []member) []byte {
		return pack(t, fn(append([]member{}, parts...)))
	}
	edit := func(i int, from, to string) []byte {
		return change(func(m []member) []member {
			if m[i].body = bytes.Replace(m[i].body, []byte(from), []byte(to), 1); bytes.Equal(m[i].body, parts[i].body) {
				t.Fatalf("%q is not in %s", from, m[i].name)
			}
			return m
		})
	}
	for _, c := range []struct {
		name, want string
		archive    []byte
	}{
		{"nothing", "no archive of Trivium", nil},
		{"text", "no archive of Trivium", []byte(strings.Repeat("hello ", 500))},
		{"a foreign tar", "no archive of Trivium", pack(t, []member{{"etc/passwd", []byte("root"), tar.TypeReg}})},
		{"a foreign manifest", "no archive of Trivium", pack(t, []member{{manifestName, []byte(`{"program":"rqlite","format":1}`), tar.TypeReg}})},
		{"a newer format", "newer program", edit(0, `"format": 2`, `"format": 4`)},
		{"a newer schema", "newer program", edit(0, `"schema": `, `"schema": 9`)},
		{"a changed manifest", "own SHA-256", edit(0, `"cluster": "c1"`, `"cluster": "c2"`)},
		{"another index", "own SHA-256", edit(0, `"index": `, `"index": 1`)},
		{"members swapped", "not where the manifest has it", change(func(m []member) []member { m[1], m[2] = m[2], m[1]; return m })},
		{"chunks swapped", "out of order", change(func(m []member) []member { m[chunk], m[chunk+1] = m[chunk+1], m[chunk]; return m })},
		{"names swapped", "does not fit", change(func(m []member) []member { m[chunk].body, m[chunk+1].body = m[chunk+1].body, m[chunk].body; return m })},
		{"a chunk missing", "missing", change(func(m []member) []member { return append(m[:chunk:chunk], m[chunk+1:]...) })},
		{"a path", "out of order", change(func(m []member) []member { m[chunk].name = "chunks/../../evil"; return m })},
		{"a path elsewhere", "missing", change(func(m []member) []member { m[chunk].name = "../evil"; return m })},
		{"a link", "no plain file", change(func(m []member) []member {
			m[chunk].kind, m[chunk].body = tar.TypeSymlink, []byte("/etc/passwd")
			return m
		})},
		{"no end", "ends in the middle", change(func(m []member) []member { return m[:len(m)-1] })},
		{"more behind the end", "goes on", change(func(m []member) []member { return append(m, member{"x", nil, tar.TypeReg}) })},
		{"cut", "ends in the middle", good[:len(good)/2]},
		{"cut in a header", "damaged", good[:1024+100]},
	} {
		t.Run(c.name, func(t *testing.T) { refused(t, c.archive, nil, c.want) })
	}
	t.Run("any byte", func(t *testing.T) {
		for i := range 60 {
			b := bytes.Clone(good)
			at := i * len(b) / 60
			b[at] ^= 1 << (i % 8)
			dir := filepath.Join(t.TempDir(), "data")
			_, err := Restore(t.Context(), bytes.NewReader(b), Target{Dir: dir, ID: "n", Address: "127.0.0.1:4100"})
			if err != nil {
				continue
			}
			// What lies between members says nothing. The rest must be what it was.
			for j, m := range unpack(t, b) {
				if !bytes.Equal(m.body, parts[j].body) {
					t.Errorf("the flip at %d was not seen", at)
				}
			}
		}
	})
}

func TestFullDirectoryIsRefused(t *testing.T) {
	s := newSite(t)
	b, _ := s.archive(t)
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "mine"), []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Restore(t.Context(), bytes.NewReader(b), Target{Dir: dir, Address: "127.0.0.1:4100"})
	if lms.KindOf(err) != lms.KindConflict {
		t.Errorf("%v", err)
	}
	if entries := must(os.ReadDir(dir)); len(entries) != 1 {
		t.Errorf("%v", entries)
	}
}

func TestEncryption(t *testing.T) {
	s := newSite(t)
	s.upload(t, "one", 100, true)
	right, wrong := must(age.GenerateX25519Identity()), must(age.GenerateX25519Identity())
	to := must(Recipients([]string{right.Recipient().String()}))
	b, m := s.archive(t, to...)
	if bytes.Contains(b, []byte("SQLite format")) || bytes.Contains(b, []byte(manifestName)) {
		t.Error("plain text in an encrypted archive")
	}
	refused(t, b, nil, "encrypted")
	refused(t, b, []age.Identity{wrong}, "another key")
	refused(t, b[:len(b)-20], []age.Identity{right}, "damaged")
	flipped := bytes.Clone(b)
	flipped[len(b)/2] ^= 1
	refused(t, flipped, []age.Identity{right}, "damaged")
	got, err := Restore(t.Context(), bytes.NewReader(b), Target{Dir: t.TempDir(), Address: "127.0.0.1:4100", Keys: []age.Identity{right}})
	if err != nil || got.Manifest != m {
		t.Errorf("%+v, %v", got, err)
	}
	if _, err := Recipients([]string{right.String()}); err == nil || strings.Contains(err.Error(), right.String()) {
		t.Errorf("a secret key as recipient: %v", err)
	}
	if _, err := PassphraseRecipient("short"); err == nil {
		t.Error("a short passphrase")
	}
}

// TestDamagedKeysAreRefused: an archive whose keys are not those that were put into it changes nothing.
func TestDamagedKeysAreRefused(t *testing.T) {
	s := newSite(t)
	snap := must(s.source.Take(t.Context()))
	defer snap.Close()
	var out bytes.Buffer
	write := func(keys []byte) []byte {
		out.Reset()
		if snap.CarryKeys(); keys != nil {
			sum := sha256.Sum256(keys)
			snap.keys, snap.Manifest.Keys = keys, Member{int64(len(keys)), hex.EncodeToString(sum[:])}
		}
		if err := snap.Write(t.Context(), &out, nil); err != nil {
			t.Fatal(err)
		}
		return bytes.Clone(out.Bytes())
	}
	parts := unpack(t, write(nil))
	if parts[1].name != keysName || !bytes.Equal(parts[1].body, s.source.Keys.Encode()) {
		t.Fatalf("the second member is %s", parts[1].name)
	}
	changed := append([]member{}, parts...)
	changed[1].body = seal.New().Encode()
	refused(t, pack(t, changed), nil, "keys do not fit")
	refused(t, pack(t, append(parts[:1:1], parts[2:]...)), nil, "keys are not where")
	refused(t, pack(t, parts[:1]), nil, "keys are not where")
	refused(t, write([]byte("no keys\n")), nil, "keys cannot be read")
	if _, err := Restore(t.Context(), bytes.NewReader(write(nil)), Target{Dir: t.TempDir(), Address: "127.0.0.1:4100"}); err != nil {
		t.Error(err)
	}
}

func TestPassphrase(t *testing.T) {
	s := newSite(t)
	to := must(age.NewScryptRecipient("correct horse battery"))
	to.SetWorkFactor(10)
	b, _ := s.archive(t, to)
	refused(t, b, []age.Identity{must(PassphraseIdentity("wrong horse battery"))}, "another key or passphrase")
	if _, err := Restore(t.Context(), bytes.NewReader(b), Target{Dir: t.TempDir(), Address: "127.0.0.1:4100",
		Keys: []age.Identity{must(PassphraseIdentity("correct horse battery"))}}); err != nil {
		t.Error(err)
	}
}

func TestMissingChunkMakesNoArchive(t *testing.T) {
	s := newSite(t)
	s.upload(t, "one", 100, true)
	clear(s.chunks)
	snap, err := s.source.Take(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer snap.Close()
	if err := snap.Write(t.Context(), io.Discard, nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v", err)
	}
}
