package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/store"
)

func (s *Server) declareFile(ctx context.Context, actor lms.Actor, in api.DeclareFileInput) (lms.File, error) {
	f := in.FileValue()
	f.OwnerID, f.Type = actor.UserID, typeByName(f.Name)
	return s.store.DeclareFile(ctx, actor, f)
}

func (s *Server) getFile(ctx context.Context, actor lms.Actor, in api.FilePath) (lms.File, error) {
	return s.store.File(ctx, actor, in.Course, in.File)
}

// ownFile is a file that the actor declared: only they may send its bytes.
func (s *Server) ownFile(ctx context.Context, actor lms.Actor, course, id string) (lms.File, error) {
	f, err := s.store.File(ctx, actor, course, id)
	if err == nil && f.OwnerID != actor.UserID {
		err = lms.ErrNotYours
	}
	return f, err
}

func (s *Server) missingChunks(ctx context.Context, actor lms.Actor, in api.FilePath) (api.Missing, error) {
	f, err := s.ownFile(ctx, actor, in.Course, in.File)
	if err != nil {
		return api.Missing{}, err
	}
	numbers, err := s.files.Missing(ctx, f)
	return api.Missing{Numbers: list(numbers)}, err
}

// putChunk takes one chunk as the body. It is acknowledged when a majority of the nodes has it on disk.
func (s *Server) putChunk(q *request, in api.ChunkPath) error {
	f, err := s.ownFile(q.ctx, q.actor, in.Course, in.File)
	if err != nil {
		return err
	}
	if in.Number >= len(f.Chunks) {
		return lms.FieldErrorf(lms.KindInvalid, "number", "The file has %d chunks; there is no number %d.", len(f.Chunks), in.Number)
	}
	if q.r.ContentLength > lms.ChunkSize {
		return &http.MaxBytesError{Limit: lms.ChunkSize}
	}
	if err := s.files.PutChunk(q.ctx, f, in.Number, http.MaxBytesReader(q.w, q.r.Body, lms.ChunkSize)); err != nil {
		return err
	}
	return q.answer(api.Empty{})
}

// completeFile counts the nodes that hold every byte before the cluster agrees that the file is complete.
func (s *Server) completeFile(ctx context.Context, actor lms.Actor, in api.FilePath) (api.FileReceipt, error) {
	f, err := s.ownFile(ctx, actor, in.Course, in.File)
	if err != nil {
		return api.FileReceipt{}, err
	}
	replicas, nodes, err := s.files.Verify(ctx, f)
	if err != nil {
		return api.FileReceipt{}, err
	}
	if f, err = s.store.CompleteFile(ctx, actor, in.Course, in.File); err != nil {
		return api.FileReceipt{}, err
	}
	return api.FileReceipt{File: f, Replicas: replicas, Nodes: nodes}, nil
}

// contentPolicy keeps what is shown in the page from doing anything.
const contentPolicy = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; frame-ancestors 'none'"

// fileContent answers a file's bytes, with ranges. It is a download unless the page asks to show it and the type, judged
// by the content and the name, is harmless.
func (s *Server) fileContent(q *request, in api.ContentPath) error {
	f, err := s.store.File(q.ctx, q.actor, in.Course, in.File)
	if err != nil {
		return err
	}
	if !f.Complete() {
		return lms.Errorf(lms.KindConflict, "This file has not arrived completely yet. Try again when its upload has ended.")
	}
	if f.OwnerID != q.actor.UserID && q.actor.Staff() {
		s.records.add(store.AuditEvent{Caller: q.caller(), Action: lms.AuditSubmissionRead, Object: "file/" + f.ID,
			Details: []string{"course", f.CourseID, "owner", f.OwnerID}})
	}
	content, err := s.files.Open(q.ctx, f)
	if err != nil {
		return err
	}
	defer content.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(content, head)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		return err
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return err
	}
	kind, inline := mediaType(f.Name, head[:n])
	q.s.describe(q.w.Header())
	h := q.w.Header()
	h.Set("Content-Type", kind)
	h.Set("Content-Disposition", disposition(f.Name, inline && in.Inline))
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("ETag", `"`+f.SHA256+`"`)
	h.Set("Cache-Control", "private, no-cache") // kept by the browser, but asked for each time: rights may end
	http.ServeContent(q.w, q.r, "", f.CompleteAt, content)
	return nil
}

// disposition is the Content-Disposition of RFC 6266: an ASCII name for old programs, the full one in UTF-8.
func disposition(name string, inline bool) string {
	kind := "attachment"
	if inline {
		kind = "inline"
	}
	ascii := strings.Map(func(r rune) rune {
		if r < ' ' || r >= utf8.RuneSelf || strings.ContainsRune(`"\%/;`, r) {
			return '_'
		}
		return r
	}, name)
	return fmt.Sprintf(`%s; filename="%s"; filename*=UTF-8''%s`, kind, ascii, strings.ReplaceAll(url.QueryEscape(name), "+", "%20"))
}

// types are the media types by extension, the same on every machine.
var types = map[string]string{
	".pdf": "application/pdf", ".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif",
	".webp": "image/webp", ".svg": "image/svg+xml", ".txt": "text/plain", ".md": "text/markdown", ".csv": "text/csv",
	".html": "text/html", ".htm": "text/html", ".css": "text/css", ".json": "application/json", ".xml": "application/xml",
	".zip": "application/zip", ".gz": "application/gzip", ".tar": "application/x-tar",
	".docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
	".pptx": "application/vnd.openxmlformats-officedocument.presentationml.presentation",
	".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
	".odt":  "application/vnd.oasis.opendocument.text", ".doc": "application/msword", ".ppt": "application/vnd.ms-powerpoint",
	".xls": "application/vnd.ms-excel", ".mp3": "audio/mpeg", ".mp4": "video/mp4", ".webm": "video/webm", ".wav": "audio/wav",
	".go": "text/x-go", ".py": "text/x-python", ".java": "text/x-java", ".c": "text/x-c", ".ipynb": "application/x-ipynb+json",
}

const typeUnknown = "application/octet-stream"

// typeByName is the type that a name promises.
func typeByName(name string) string {
	if t := types[lms.File{Name: name}.Extension()]; t != "" {
		return t
	}
	return typeUnknown
}

// mediaType judges by name and content what a file is, and whether it may be shown in the page. Where the two disagree
// it is only bytes.
func mediaType(name string, head []byte) (kind string, inline bool) {
	promised := typeByName(name)
	found, _, _ := strings.Cut(http.DetectContentType(head), ";")
	switch promised {
	case "application/pdf", "image/png", "image/jpeg", "image/gif", "image/webp", "video/mp4", "video/webm":
		if found != promised {
			return typeUnknown, false
		}
		return promised, true
	case "text/plain", "text/markdown", "text/csv":
		if bytes.ContainsRune(head, 0) || found == typeUnknown {
			return typeUnknown, false
		}
		return "text/plain; charset=utf-8", true
	case "text/html", "image/svg+xml", "application/xml", "text/css": // would run or fetch where it is shown
		return typeUnknown, false
	}
	return promised, false
}
