package web

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"sync"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/interop"
	"trivium/server/store"
)

// importTime is how long one call of an import works: less than a client waits for an answer.
const importTime = 6 * time.Second

// exportCourse writes the archive while it reads the files.
func (s *Server) exportCourse(q *request, in api.CoursePath) error {
	a, err := s.store.ExportCourse(q.ctx, q.actor, in.Course)
	if err != nil {
		return err
	}
	a.Program = "trivium " + s.c.Version
	s.records.add(store.AuditEvent{Caller: q.caller(), Action: lms.AuditExport, Object: "course/" + in.Course, Details: []string{"what", "archive"}})
	s.describe(q.w.Header())
	h := q.w.Header()
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", disposition(a.Course.Code+".trivium.zip", false))
	h.Set("Cache-Control", "no-store")
	return interop.Write(q.w, a, func(f lms.ArchiveFile) (io.ReadCloser, error) {
		return s.files.Open(q.ctx, lms.File{ID: "archive", Name: "a file of the course", Size: f.Size, SHA256: f.SHA256, Chunks: f.Chunks})
	})
}

// errLater ends a call whose time is over.
var errLater = errors.New("goes on with the next call")

// importCourse takes in what fits into some seconds: first the bytes of the files, then, in one write, everything else.
func (s *Server) importCourse(ctx context.Context, actor lms.Actor, in api.ImportInput) (api.ImportStep, error) {
	upload, err := s.ownFile(ctx, actor, in.Course, in.FileID)
	if err != nil {
		return api.ImportStep{}, err
	}
	if !upload.Complete() {
		return api.ImportStep{}, lms.FieldErrorf(lms.KindConflict, "fileId", "The archive has not arrived completely yet. Wait for its upload to end.")
	}
	content, err := s.files.Open(ctx, upload)
	if err != nil {
		return api.ImportStep{}, err
	}
	defer content.Close()
	a, err := interop.Read(&readerAt{r: content}, upload.Size)
	if err != nil {
		return api.ImportStep{}, err
	}
	step := api.ImportStep{}
	for _, f := range a.Files {
		step.Total += f.Size
	}
	end := time.Now().Add(importTime)
	for _, f := range a.Files {
		if err := s.takeFile(ctx, a, in.Course, f, end); errors.Is(err, errLater) {
			return step, nil
		} else if err != nil {
			return step, err
		}
		step.Done += f.Size
	}
	course, err := s.store.ImportCourse(ctx, actor, in.Course, a.CourseArchive, lms.NewSecret())
	if err != nil {
		return step, err
	}
	step.Report = &lms.ImportReport{Course: course, Imported: interop.Counts(a.CourseArchive), Skipped: []string{}}
	for _, name := range a.Clutter {
		step.Report.Skipped = append(step.Report.Skipped, name+" is no part of a course's archive.")
	}
	return step, nil
}

// takeFile brings the bytes of a file onto a majority of the nodes. What arrived in an earlier call is not sent again.
func (s *Server) takeFile(ctx context.Context, a *interop.Archive, course string, f lms.ArchiveFile, end time.Time) error {
	file := lms.File{ID: "import-" + f.SHA256[:32], CourseID: course, Name: "a file of the archive", Size: f.Size, SHA256: f.SHA256, Chunks: f.Chunks}
	missing, err := s.files.Missing(ctx, file)
	if err != nil {
		return err
	}
	if len(missing) > 0 {
		err = a.Chunks(f, func(number int, data []byte) error {
			if !slices.Contains(missing, number) {
				return nil
			}
			if time.Now().After(end) {
				return errLater
			}
			return s.files.PutChunk(ctx, file, number, bytes.NewReader(data))
		})
	}
	if err == nil {
		_, _, err = s.files.Verify(ctx, file)
	}
	return err
}

// readerAt reads at any place of what can only seek. A zip file is read by one goroutine at a time.
type readerAt struct {
	mu sync.Mutex
	r  io.ReadSeeker
}

func (r *readerAt) ReadAt(b []byte, off int64) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, err := r.r.Seek(off, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(r.r, b)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}
