package assets

import (
	"io"
	"net/http"
	"strconv"
	"strings"
)

// Handler serves everything below /web/.
func (s *Store) Handler() http.Handler { return http.HandlerFunc(s.serve) }

func (s *Store) serve(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "Only GET and HEAD.", http.StatusMethodNotAllowed)
		return
	}
	name, immutable := s.hashed[r.URL.Path]
	if !immutable {
		name = strings.TrimPrefix(r.URL.Path, "/web/")
	}
	f := s.files[name]
	if f == nil || name == worker {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("ETag", `"`+f.hash+`"`)
	h.Set("Vary", "Accept-Encoding")
	h.Set("Content-Type", f.mediaType)
	h.Set("X-Content-Type-Options", "nosniff")
	if immutable {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	} else {
		h.Set("Cache-Control", "no-cache")
	}
	if strings.Contains(r.Header.Get("If-None-Match"), `"`+f.hash+`"`) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	f.write(w, r)
}

// write sends the smallest form that the client takes.
func (f *file) write(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	body := f.raw
	switch {
	case f.brotli != nil && accepts(r, "br"):
		body = f.brotli
		h.Set("Content-Encoding", "br")
	case f.gzip != nil && accepts(r, "gzip"):
		body = f.gzip
		h.Set("Content-Encoding", "gzip")
	case body == nil:
		f.writeInflated(w, r)
		return
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if r.Method == http.MethodGet {
		w.Write(body)
	}
}

// writeInflated serves a client that takes no compressed form of a file that is kept in no other one.
func (f *file) writeInflated(w http.ResponseWriter, r *http.Request) {
	zr, err := decompress(f.gzip)
	if err != nil {
		http.Error(w, "This file is damaged on this node.", http.StatusInternalServerError)
		return
	}
	defer zr.Close()
	w.Header().Set("Content-Length", strconv.Itoa(f.size))
	if r.Method == http.MethodGet {
		io.Copy(w, zr)
	}
}

// accepts reports whether the client takes the encoding.
func accepts(r *http.Request, encoding string) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		if strings.TrimSpace(name) != encoding {
			continue
		}
		q, ok := strings.CutPrefix(strings.TrimSpace(params), "q=")
		v, err := strconv.ParseFloat(q, 64)
		return !ok || err != nil || v > 0
	}
	return false
}

// NotBuilt answers every page when the browser's program is missing, as in a fresh clone.
func NotBuilt() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Cache-Control", "no-store")
		w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(w, `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Trivium: frontend not built</title></head>
<body><h1>Frontend not built</h1>
<p>This node runs, and its API answers under <a href="/api/v1/openapi.json">/api/v1</a>, but it was built without its pages.</p>
<p>Run <code>make build</code> and start it again.</p></body></html>
`)
	})
}
