package assets

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
)

//go:embed all:web
var embedded embed.FS

// Program is the name of the browser's program.
const Program = "app.wasm"

// worker is the template of the service worker. It is no file of its own under /web/: go-app serves it filled in.
const worker = "sw.js"

// file is one asset in the forms in which it is sent. At least one form is there.
type file struct {
	raw, gzip, brotli []byte
	size              int // uncompressed
	hash, mediaType   string
}

// Store holds the assets. It is a resource resolver of go-app and deliberately no http.Handler: go-app would then fetch
// resources from the Host of a request.
type Store struct {
	files   map[string]*file  // by name, such as "app.css"
	hashed  map[string]string // path with the hash -> name
	version string
}

// Open reads the embedded assets.
func Open() (*Store, error) {
	web, err := fs.Sub(embedded, "web")
	if err != nil {
		return nil, err
	}
	return OpenFS(web)
}

// OpenFS reads assets from a folder. NAME.br and NAME.gz are compressed forms of NAME, which itself may be missing.
func OpenFS(web fs.FS) (*Store, error) {
	s := &Store{files: map[string]*file{}, hashed: map[string]string{}}
	err := fs.WalkDir(web, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		b, err := fs.ReadFile(web, name)
		if err != nil {
			return err
		}
		s.add(name, b)
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read assets: %w", err)
	}
	all := sha256.New()
	for _, name := range s.names() {
		if err := s.finish(name); err != nil {
			return nil, fmt.Errorf("read asset %s: %w", name, err)
		}
		fmt.Fprintln(all, name, s.files[name].hash)
	}
	s.version = hex.EncodeToString(all.Sum(nil)[:8])
	return s, nil
}

func (s *Store) add(name string, b []byte) {
	base, form := name, ""
	if ext := path.Ext(name); ext == ".br" || ext == ".gz" {
		base, form = strings.TrimSuffix(name, ext), ext
	}
	f := s.files[base]
	if f == nil {
		f = &file{mediaType: mediaType(base)}
		s.files[base] = f
	}
	switch form {
	case ".br":
		f.brotli = b
	case ".gz":
		f.gzip = b
	default:
		f.raw = b
	}
}

// finish computes hash and size, compresses small files that have no compressed form, and gives the file its name.
func (s *Store) finish(name string) error {
	f := s.files[name]
	source := f.raw
	switch {
	case f.raw != nil:
		f.size = len(f.raw)
		if f.gzip == nil && compressible(f.mediaType) {
			f.gzip = compress(f.raw)
		}
	case len(f.gzip) >= 18:
		source = f.gzip
		f.size = int(binary.LittleEndian.Uint32(f.gzip[len(f.gzip)-4:])) // the last field of the gzip format
	default:
		return fmt.Errorf("neither %s nor %s.gz is there", name, name)
	}
	sum := sha256.Sum256(source)
	f.hash = hex.EncodeToString(sum[:6])
	s.hashed[s.Resolve("/web/"+name)] = name
	return nil
}

func (s *Store) names() []string {
	names := make([]string, 0, len(s.files))
	for name := range s.files {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Built reports whether the browser's program is there.
func (s *Store) Built() bool { return s.files[Program] != nil }

// ProgramSize is the uncompressed size of the browser's program, for the progress of its loading.
func (s *Store) ProgramSize() int {
	if f := s.files[Program]; f != nil {
		return f.size
	}
	return 0
}

// Version is the hash over all assets.
func (s *Store) Version() string { return s.version }

// Worker is the template of the service worker.
func (s *Store) Worker() string {
	if f := s.files[worker]; f != nil {
		return string(f.raw)
	}
	return ""
}

// Resolve turns "/web/app.css" into the path with the hash; other paths stay as they are.
func (s *Store) Resolve(location string) string {
	name, ok := strings.CutPrefix(location, "/web/")
	f := s.files[name]
	if !ok || f == nil {
		return location
	}
	ext := path.Ext(name)
	return "/web/" + strings.TrimSuffix(name, ext) + "." + f.hash + ext
}

func mediaType(name string) string {
	switch path.Ext(name) {
	case ".wasm":
		return "application/wasm"
	case ".js", ".mjs":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".png":
		return "image/png"
	case ".txt", ".md":
		return "text/plain; charset=utf-8"
	case ".html":
		return "text/html; charset=utf-8"
	}
	return "application/octet-stream"
}

func compressible(mediaType string) bool {
	return strings.HasPrefix(mediaType, "text/") || mediaType == "image/svg+xml"
}

func compress(b []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level is valid
	w.Write(b)                                              // a buffer takes everything
	w.Close()
	return out.Bytes()
}

func decompress(b []byte) (io.ReadCloser, error) { return gzip.NewReader(bytes.NewReader(b)) }
