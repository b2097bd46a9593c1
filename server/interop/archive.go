package interop

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"trivium/app/lms"
)

// Limits of an archive (INTEROP-3).
const (
	maxMembers  = 20_000
	maxName     = 255      // bytes
	maxManifest = 15 << 20 // bytes of text: what one write to the cluster takes
	maxBytes    = 8 << 30  // of all files
	manifest    = "course.json"
	folder      = "files/"
)

// Write writes the archive of a course. open returns the bytes of a file.
func Write(w io.Writer, c lms.CourseArchive, open func(lms.ArchiveFile) (io.ReadCloser, error)) error {
	text, err := json.MarshalIndent(c, "", " ")
	if err != nil {
		return err
	}
	if len(text) > maxManifest {
		return lms.Errorf(lms.KindTooLarge, "The texts of this course have %s; an archive takes at most %s.", lms.FormatBytes(int64(len(text))), lms.FormatBytes(maxManifest))
	}
	z := zip.NewWriter(w)
	m, err := z.Create(manifest)
	if err != nil {
		return err
	}
	if _, err := m.Write(text); err != nil {
		return err
	}
	for _, f := range c.Files {
		if err := writeFile(z, f, open); err != nil {
			return fmt.Errorf("file %s: %w", f.SHA256, err)
		}
	}
	return z.Close()
}

func writeFile(z *zip.Writer, f lms.ArchiveFile, open func(lms.ArchiveFile) (io.ReadCloser, error)) error {
	r, err := open(f)
	if err != nil {
		return err
	}
	defer r.Close()
	m, err := z.CreateHeader(&zip.FileHeader{Name: folder + f.SHA256, Method: zip.Store}) // most are compressed already
	if err != nil {
		return err
	}
	_, err = io.Copy(m, r)
	return err
}

// Archive is one that was opened and whose list of members holds no lie.
type Archive struct {
	lms.CourseArchive
	Clutter []string // members that are none of ours and were passed over
	files   map[string]*zip.File
}

func notArchive(format string, args ...any) error {
	return lms.FieldErrorf(lms.KindRule, "file", "This is not an archive of a course: "+format+" Nothing was taken in.", args...)
}

// Read opens an archive of so many bytes. It refuses what is no archive of a course, was damaged or would expand beyond the
// limits, before any file is unpacked.
func Read(r io.ReaderAt, size int64) (*Archive, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, notArchive("it is no zip file, or its end is missing.")
	}
	if len(z.File) > maxMembers {
		return nil, notArchive("it has %d members, and at most %d are read.", len(z.File), maxMembers)
	}
	a := &Archive{files: map[string]*zip.File{}}
	var text *zip.File
	for _, f := range z.File {
		switch kind, err := judge(f); {
		case err != nil:
			return nil, err
		case kind == manifest && text == nil:
			text = f
		case kind == folder && a.files[strings.TrimPrefix(f.Name, folder)] == nil:
			a.files[strings.TrimPrefix(f.Name, folder)] = f
		case kind == "":
			a.Clutter = append(a.Clutter, f.Name)
		default:
			return nil, notArchive("%s is in it twice.", f.Name)
		}
	}
	if text == nil {
		return nil, notArchive("%s is missing.", manifest)
	}
	if err := a.manifest(text); err != nil {
		return nil, err
	}
	return a, a.check()
}

// judge says what a member is: the manifest, a file, or nothing of ours. A name that could lead anywhere is refused.
func judge(f *zip.File) (kind string, err error) {
	name := f.Name
	switch {
	case len(name) > maxName:
		return "", notArchive("a member's name has more than %d bytes.", maxName)
	case strings.ContainsAny(name, "\\\x00") || path.IsAbs(name) || strings.Contains("/"+name+"/", "/../"):
		return "", notArchive("the member %q leads out of it.", name)
	case !f.Mode().IsRegular() && !f.Mode().IsDir():
		return "", notArchive("the member %q is a link or a device.", name)
	case name == manifest:
		return manifest, nil
	case strings.HasPrefix(name, folder) && isHash(strings.TrimPrefix(name, folder)):
		return folder, nil
	}
	return "", nil
}

func isHash(s string) bool { return len(s) == 64 && strings.Trim(s, "0123456789abcdef") == "" }

func (a *Archive) manifest(f *zip.File) error {
	if f.UncompressedSize64 > maxManifest {
		return notArchive("%s has %s, and at most %s are read.", manifest, lms.FormatBytes(int64(f.UncompressedSize64)), lms.FormatBytes(maxManifest))
	}
	r, err := f.Open()
	if err != nil {
		return notArchive("%s cannot be read.", manifest)
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, maxManifest+1)) // whatever the header says
	if err != nil || len(text) > maxManifest {
		return notArchive("%s is damaged.", manifest)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&a.CourseArchive); err != nil {
		return notArchive("%s is damaged.", manifest)
	}
	if a.Format > lms.ArchiveFormat {
		return lms.FieldErrorf(lms.KindRule, "file", "This archive was written by a newer program (%s). Update this site first; nothing was taken in.", a.Program)
	}
	if a.Format < 1 {
		return notArchive("it names no format.")
	}
	return nil
}

// check compares the files that are named with those that are there.
func (a *Archive) check() error {
	var total int64
	seen := map[string]bool{}
	for _, f := range a.Files {
		m := a.files[f.SHA256]
		switch {
		case seen[f.SHA256]:
			return notArchive("it names the file %.12s… twice.", f.SHA256)
		case m == nil:
			return notArchive("the file %.12s… is missing.", f.SHA256)
		case f.Size < 0 || f.Size > lms.MaxFileSize || int64(m.UncompressedSize64) != f.Size || len(f.Chunks) != lms.ChunkCount(f.Size):
			return notArchive("the file %.12s… has another size than it says.", f.SHA256)
		}
		for _, c := range f.Chunks {
			if !isHash(c) {
				return notArchive("the file %.12s… names no hashes.", f.SHA256)
			}
		}
		seen[f.SHA256] = true
		if total += f.Size; total > maxBytes {
			return notArchive("its files have more than %s.", lms.FormatBytes(maxBytes))
		}
	}
	return nil
}

// Chunks hands over the parts of a file one after the other, each checked against its hash. The bytes are valid during the
// call only.
func (a *Archive) Chunks(f lms.ArchiveFile, take func(number int, data []byte) error) error {
	damaged := notArchive("the file %.12s… is damaged.", f.SHA256)
	r, err := a.files[f.SHA256].Open()
	if err != nil {
		return damaged
	}
	defer r.Close()
	whole, buf := sha256.New(), make([]byte, lms.ChunkSize)
	for i := range f.Chunks {
		part := buf[:lms.ChunkLen(f.Size, i)]
		if _, err := io.ReadFull(r, part); err != nil {
			return damaged
		}
		whole.Write(part)
		if hashOf(part) != f.Chunks[i] {
			return damaged
		}
		if err := take(i, part); err != nil {
			return err
		}
	}
	if n, err := r.Read(buf[:1]); n != 0 || !errors.Is(err, io.EOF) || hex.EncodeToString(whole.Sum(nil)) != f.SHA256 {
		return damaged // longer than it says, or its checksum is wrong
	}
	return nil
}

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
