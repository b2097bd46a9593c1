package interop

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"io"
	"io/fs"
	"strings"
	"testing"

	"trivium/app/lms"
)

var content = bytes.Repeat([]byte("0123456789abcdef"), 80_000) // two chunks

func fileOf(data []byte) lms.ArchiveFile {
	f := lms.ArchiveFile{SHA256: hashOf(data), Size: int64(len(data)), Chunks: []string{}}
	for i := range lms.ChunkCount(f.Size) {
		f.Chunks = append(f.Chunks, hashOf(data[i*lms.ChunkSize:][:lms.ChunkLen(f.Size, i)]))
	}
	return f
}

func example() lms.CourseArchive {
	return lms.CourseArchive{Format: 1, Program: "trivium 0.1.0", Course: lms.Course{Code: "CS 1", Title: "Systems"},
		Tables: map[string][]map[string]any{"modules": {{"module_id": "d1", "title": "Week 1", "position": 12345678901234567}}},
		Files:  []lms.ArchiveFile{fileOf(content)}}
}

func written(t *testing.T, c lms.CourseArchive) []byte {
	t.Helper()
	var b bytes.Buffer
	err := Write(&b, c, func(lms.ArchiveFile) (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(content)), nil })
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestArchiveComesBackAsItWas(t *testing.T) {
	b := written(t, example())
	a, err := Read(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if got := a.Tables["modules"][0]["position"]; got != json.Number("12345678901234567") {
		t.Errorf("a number came back as %v", got)
	}
	var got []byte
	if err := a.Chunks(a.Files[0], func(_ int, data []byte) error { got = append(got, data...); return nil }); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, content) {
		t.Error("the file came back changed")
	}
}

// member is a member of a hostile archive.
type member struct {
	name string
	data []byte
	mode fs.FileMode
}

func packed(t *testing.T, members ...member) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		h := &zip.FileHeader{Name: m.name, Method: zip.Deflate}
		if m.mode != 0 {
			h.SetMode(m.mode)
		}
		w, err := z.CreateHeader(h)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(m.data)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestHostileArchivesAreRefused(t *testing.T) {
	text := func(change func(*lms.CourseArchive)) member {
		c := example()
		if change != nil {
			change(&c)
		}
		b, _ := json.Marshal(c)
		return member{name: manifest, data: b}
	}
	file := member{name: folder + hashOf(content), data: content}
	good := packed(t, text(nil), file)
	many := make([]member, maxMembers+1)
	for i := range many {
		many[i].name = strings.Repeat("d/", i%100) + "x"
	}
	for _, tt := range []struct {
		name string
		zip  []byte
		want string
	}{
		{"empty", nil, "no zip file"},
		{"no zip", []byte("hello, this is not a zip file at all"), "no zip file"},
		{"cut off", good[:len(good)-30], "no zip file"},
		{"without its manifest", packed(t, file), "course.json is missing"},
		{"traversal", packed(t, text(nil), file, member{name: "../../etc/passwd"}), "leads out"},
		{"traversal inside", packed(t, text(nil), file, member{name: "files/../../x"}), "leads out"},
		{"absolute", packed(t, text(nil), file, member{name: "/etc/passwd"}), "leads out"},
		{"of Windows", packed(t, text(nil), file, member{name: `..\x`}), "leads out"},
		{"link", packed(t, text(nil), member{name: folder + hashOf(content), data: []byte("/etc/passwd"), mode: fs.ModeSymlink | 0o777}), "a link or a device"},
		{"long name", packed(t, text(nil), file, member{name: strings.Repeat("a", 300)}), "more than 255 bytes"},
		{"many members", packed(t, many...), "at most 20000"},
		{"manifest twice", packed(t, text(nil), text(nil), file), "twice"},
		{"file twice", packed(t, text(nil), file, file), "twice"},
		{"missing file", packed(t, text(nil)), "is missing"},
		{"file of another size", packed(t, text(nil), member{name: file.name, data: content[1:]}), "another size"},
		{"file that says it is huge", packed(t, text(func(c *lms.CourseArchive) { c.Files[0].Size = lms.MaxFileSize + 1 }), file), "another size"},
		{"too few hashes", packed(t, text(func(c *lms.CourseArchive) { c.Files[0].Chunks = nil }), file), "another size"},
		{"hashes that are none", packed(t, text(func(c *lms.CourseArchive) { c.Files[0].Chunks[0] = "../x" }), file), "names no hashes"},
		{"bomb of a manifest", packed(t, member{name: manifest, data: make([]byte, maxManifest+1)}), "at most 15.0 MiB"},
		{"no JSON", packed(t, member{name: manifest, data: []byte("{")}), "damaged"},
		{"no format", packed(t, member{name: manifest, data: []byte("{}")}), "names no format"},
		{"newer", packed(t, text(func(c *lms.CourseArchive) { c.Format = 99 }), file), "newer program"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			_, err := Read(bytes.NewReader(tt.zip), int64(len(tt.zip)))
			if lms.KindOf(err) != lms.KindRule || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v; want %q in it", err, tt.want)
			}
		})
	}
}

func TestClutterIsReported(t *testing.T) {
	b, _ := json.Marshal(example())
	z := packed(t, member{name: manifest, data: b}, member{name: folder + hashOf(content), data: content}, member{name: "__MACOSX/._course.json"},
		member{name: "files/"}, member{name: "Thumbs.db"})
	a, err := Read(bytes.NewReader(z), int64(len(z)))
	if err != nil || strings.Join(a.Clutter, " ") != "__MACOSX/._course.json files/ Thumbs.db" {
		t.Errorf("%v, clutter %v", err, a)
	}
}

func TestDamagedFileIsFound(t *testing.T) {
	other := bytes.Clone(content)
	other[len(other)-1] ^= 1
	b, _ := json.Marshal(example())
	z := packed(t, member{name: manifest, data: b}, member{name: folder + hashOf(content), data: other})
	a, err := Read(bytes.NewReader(z), int64(len(z)))
	if err != nil {
		t.Fatal(err)
	}
	parts := 0
	err = a.Chunks(a.Files[0], func(int, []byte) error { parts++; return nil })
	if lms.KindOf(err) != lms.KindRule || !strings.Contains(err.Error(), "damaged") || parts != 1 {
		t.Errorf("%v after %d parts", err, parts)
	}
}

func FuzzRead(f *testing.F) {
	c := example()
	c.Files = nil
	var b bytes.Buffer
	if err := Write(&b, c, nil); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("PK\x05\x06"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, err := Read(bytes.NewReader(data), int64(len(data)))
		if err != nil {
			return
		}
		for _, x := range a.Files {
			a.Chunks(x, func(int, []byte) error { return nil })
		}
	})
}
