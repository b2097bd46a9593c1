package files

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"trivium/app/lms"
)

const (
	nodeHeader   = "Trivium-Node"
	maxWhichBody = 8 << 20
	maxNumber    = int(lms.MaxFileSize/lms.ChunkSize) * 1024 // room for larger limits
)

// serve answers the peers until Close.
func (s *Files) serve(ln net.Listener) {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /chunk/{hash}", s.takeChunk)
	mux.HandleFunc("GET /chunk/{hash}", s.giveChunk)
	mux.HandleFunc("POST /which", s.answerWhich)
	mux.HandleFunc("GET /copy", s.answerCopy)
	s.srv = &http.Server{
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !s.begin() {
				http.Error(w, "this node is stopping", http.StatusServiceUnavailable)
				return
			}
			defer s.wg.Done()
			w.Header().Set(nodeHeader, s.cfg.Self)
			mux.ServeHTTP(w, r)
		}),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       time.Minute,
		WriteTimeout:      time.Minute,
		IdleTimeout:       time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	s.goes(func() { s.srv.Serve(ln) })
}

// takeChunk stores a chunk that was sent for a file, and answers when it is on the disk.
func (s *Files) takeChunk(w http.ResponseWriter, r *http.Request) {
	hash, file := r.PathValue("hash"), r.URL.Query().Get("file")
	number, err := strconv.Atoi(r.URL.Query().Get("number"))
	if err != nil || number < 0 || number > maxNumber || !validHash(hash) || !lms.ValidID(file) ||
		r.ContentLength < 1 || r.ContentLength > lms.ChunkSize {
		http.Error(w, "malformed", http.StatusBadRequest)
		return
	}
	select {
	case s.receiving <- struct{}{}:
		defer func() { <-s.receiving }()
	default:
		http.Error(w, "too many chunks at a time", http.StatusServiceUnavailable)
		return
	}
	tmp, err := s.disk.receive(r.Body, hash, int(r.ContentLength))
	if err == nil {
		defer tmp.Close()
		if err = s.disk.store(tmp, file, number, hash); err != nil {
			s.disk.discard(tmp)
		}
	}
	switch {
	case err == nil:
		w.WriteHeader(http.StatusNoContent)
	case errors.Is(err, errDamaged), errors.Is(err, errBroken):
		http.Error(w, err.Error(), http.StatusUnprocessableEntity)
	case errors.Is(err, errDiskFull):
		http.Error(w, "the disk is full", http.StatusInsufficientStorage)
	default:
		http.Error(w, "cannot be stored", http.StatusServiceUnavailable)
	}
}

// giveChunk sends a chunk that fits its hash.
func (s *Files) giveChunk(w http.ResponseWriter, r *http.Request) {
	hash := r.PathValue("hash")
	if !validHash(hash) {
		http.Error(w, "malformed", http.StatusBadRequest)
		return
	}
	v, err := s.disk.open(hash)
	if err != nil {
		if errors.Is(err, errDamaged) {
			s.damaged(hash, err)
		}
		http.NotFound(w, r)
		return
	}
	defer v.close()
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Content-Length", strconv.Itoa(v.size))
	io.Copy(w, io.NewSectionReader(v.f, 0, int64(v.size)))
}

// answerWhich tells what this node holds of files.
func (s *Files) answerWhich(w http.ResponseWriter, r *http.Request) {
	var in whichRequest
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxWhichBody)).Decode(&in); err != nil {
		http.Error(w, "malformed", http.StatusBadRequest)
		return
	}
	out := whichAnswer{Files: []string{}}
	for _, q := range in.Files {
		f := lms.File{ID: q.ID, Size: q.Size, Chunks: q.Chunks}
		if check(f) != nil {
			http.Error(w, "malformed", http.StatusBadRequest)
			return
		}
		text := make([]byte, len(f.Chunks))
		for i, h := range s.holds(f) {
			text[i] = '0' + byte(h)
		}
		out.Files = append(out.Files, string(text))
	}
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(out)
}

// holds tells what this node holds of a file.
func (s *Files) holds(f lms.File) []held {
	all := make([]held, len(f.Chunks))
	for i, h := range f.Chunks {
		chunk, marker := s.disk.holds(f.ID, i, h, lms.ChunkLen(f.Size, i))
		if chunk {
			all[i] |= heldChunk
		}
		if marker {
			all[i] |= heldMarker
		}
	}
	return all
}
