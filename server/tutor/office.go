package tutor

import (
	"archive/zip"
	"context"
	"encoding/xml"
	"errors"
	"io"
	"path"
	"strings"
)

// Caps of an Office file, which is a zip archive.
const (
	maxZipEntries = 10_000
	maxZipPart    = 64 << 20  // bytes of one part, expanded
	maxZipTotal   = 256 << 20 // bytes of all parts that are read, expanded
	maxZipRatio   = 200       // expanded to packed, beyond the first MiB
	maxXMLDepth   = 500
)

// archive is an opened Office file.
type archive struct {
	ctx   context.Context
	parts map[string]*zip.File
	total int64
}

func openArchive(ctx context.Context, r io.ReaderAt, size int64) (*archive, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		var magic [8]byte
		if n, _ := r.ReadAt(magic[:], 0); n == 8 && string(magic[:4]) == "\xd0\xcf\x11\xe0" {
			return nil, unreadable("it is locked with a password, or in the format of before 2007; save it again without")
		}
		return nil, unreadable("the file is damaged")
	}
	if len(z.File) > maxZipEntries {
		return nil, unreadable("it has too many parts")
	}
	a := &archive{ctx: ctx, parts: map[string]*zip.File{}}
	for _, f := range z.File {
		name := strings.TrimPrefix(path.Clean(strings.ReplaceAll(f.Name, `\`, "/")), "/")
		if a.parts[name] == nil {
			a.parts[name] = f
		}
	}
	return a, nil
}

// walk reads a part of XML element by element. It holds no more than one token, so that size costs time only, and that is capped.
func (a *archive) walk(name string, visit func(t xml.Token, path []string) error) error {
	f := a.parts[name]
	if f == nil {
		return unreadable("the file is damaged: %s is missing", path.Base(name))
	}
	rc, err := f.Open()
	if err != nil {
		return unreadable("the file is damaged")
	}
	defer rc.Close()
	capped := &cappedReader{a: a, r: rc, packed: int64(f.CompressedSize64)}
	d := xml.NewDecoder(capped)
	d.Strict = false
	d.Entity = map[string]string{}
	d.CharsetReader = func(_ string, in io.Reader) (io.Reader, error) { return in, nil }
	var stack []string
	for {
		t, err := d.RawToken()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case capped.err != nil:
			return capped.err
		case err != nil:
			return unreadable("the file is damaged")
		}
		switch t := t.(type) {
		case xml.StartElement:
			if stack = append(stack, t.Name.Local); len(stack) > maxXMLDepth {
				return unreadable("the file is damaged: it is nested too deeply")
			}
		case xml.Directive:
			continue // a document type definition has no place in an Office file
		}
		if err := visit(t, stack); err != nil {
			return err
		}
		if _, ok := t.(xml.EndElement); ok && len(stack) > 0 {
			stack = stack[:len(stack)-1]
		}
	}
}

// cappedReader refuses parts that expand beyond the caps, whatever the archive claims about their size.
type cappedReader struct {
	a      *archive
	r      io.Reader
	packed int64
	n      int64
	err    error
}

func (c *cappedReader) Read(p []byte) (int, error) {
	if c.err != nil {
		return 0, c.err
	}
	n, err := c.r.Read(p)
	c.n += int64(n)
	c.a.total += int64(n)
	switch {
	case c.a.ctx.Err() != nil:
		c.err = c.a.ctx.Err()
	case c.n > maxZipPart, c.a.total > maxZipTotal, c.n > 1<<20 && c.n > maxZipRatio*max(c.packed, 1):
		c.err = unreadable("it expands to too much text")
	}
	if c.err != nil {
		return 0, c.err
	}
	return n, err
}

func attr(t xml.StartElement, name string) string {
	for _, a := range t.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}

// relations reads the .rels part beside a part: target by id, and the type of each.
func (a *archive) relations(part string) (target, kind map[string]string) {
	target, kind = map[string]string{}, map[string]string{}
	dir, file := path.Split(part)
	name := path.Join(dir, "_rels", file+".rels")
	if a.parts[name] == nil {
		return target, kind
	}
	a.walk(name, func(t xml.Token, _ []string) error { // a damaged list of relations leaves the defaults
		if e, ok := t.(xml.StartElement); ok && e.Name.Local == "Relationship" && attr(e, "TargetMode") != "External" {
			to := attr(e, "Target")
			if !strings.HasPrefix(to, "/") {
				to = path.Join(dir, to)
			}
			target[attr(e, "Id")] = strings.TrimPrefix(path.Clean(to), "/")
			kind[attr(e, "Id")] = path.Base(attr(e, "Type"))
		}
		return nil
	})
	return target, kind
}

// mainPart finds the part that the archive names as its document.
func (a *archive) mainPart(fallback string) string {
	target, kind := a.relations("")
	for id, k := range kind {
		if k == "officeDocument" && a.parts[target[id]] != nil {
			return target[id]
		}
	}
	return fallback
}
