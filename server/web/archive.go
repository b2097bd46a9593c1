package web

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/store"
)

// archivePage is how many submissions of an archive are in memory at a time.
const archivePage = 50

// archiveOne answers one attempt as a zip.
func (s *Server) archiveOne(q *request, in api.SubmissionPath) error {
	a, err := s.store.ArchiveOne(q.ctx, q.actor, in.Course, in.Submission)
	if err != nil {
		return err
	}
	s.recordRead(q.ctx, q.actor, a.Submission)
	z := s.startArchive(q, fmt.Sprintf("%s_%d.zip", a.Login, a.Attempt))
	return z.finish(z.add(a))
}

// archiveWork answers the latest attempts of an assignment as a zip. It is written while it is read, so its size does not
// matter for the node's memory. One record tells of all of them: one for each would be more than can wait.
func (s *Server) archiveWork(q *request, in api.ArchiveInput) error {
	a, err := s.store.Assignment(q.ctx, q.actor, in.Course, in.Assignment)
	if err != nil {
		return err
	}
	page, err := s.store.ArchivePage(q.ctx, q.actor, in.Course, in.Assignment, in.Filter, "", archivePage)
	if err != nil {
		return err
	}
	_, _, attempts, err := s.store.Submissions(q.ctx, q.actor, in.Course, in.Assignment, in.Filter, "", 1)
	if err != nil {
		return err
	}
	if err := s.audit(q.ctx, lms.AuditExport, "assignment/"+in.Assignment, "course", in.Course, "what", "work", "attempts", strconv.Itoa(attempts)); err != nil {
		return err
	}
	z := s.startArchive(q, a.Title+".zip")
	for len(page) > 0 && err == nil {
		for _, work := range page {
			if err = z.add(work); err != nil {
				break
			}
		}
		if err == nil {
			page, err = s.store.ArchivePage(q.ctx, q.actor, in.Course, in.Assignment, in.Filter, page[len(page)-1].ID, archivePage)
		}
	}
	return z.finish(err)
}

// workArchive is a zip of work on its way to a reader.
type workArchive struct {
	s      *Server
	q      *request
	zip    *zip.Writer
	notes  []string // what is not in it, and why
	copied int
}

func (s *Server) startArchive(q *request, name string) *workArchive {
	h := q.w.Header()
	s.describe(h)
	h.Set("Content-Type", "application/zip")
	h.Set("Content-Disposition", disposition(strings.Map(func(r rune) rune {
		if r == '/' || r == '\\' {
			return '-'
		}
		return r
	}, name), false))
	h.Set("Cache-Control", "no-store")
	return &workArchive{s: s, q: q, zip: zip.NewWriter(q.w)}
}

// notesName does not begin with a login, so it never meets a student's file.
const notesName = "_not-in-this-archive.txt"

// finish ends the zip. After an error it is cut off instead, so that no program takes it for whole.
func (z *workArchive) finish(err error) error {
	if err == nil && len(z.notes) > 0 {
		var w io.Writer
		if w, err = z.zip.Create(notesName); err == nil {
			_, err = io.WriteString(w, strings.Join(z.notes, "\r\n")+"\r\n")
		}
	}
	if err == nil {
		err = z.zip.Close()
	}
	if err != nil {
		z.s.log.Warn("an archive of work ended early", "files", z.copied, "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// add writes what an attempt holds.
func (z *workArchive) add(a store.Archived) error {
	names := lms.ArchiveNames(a.Login, a.Submission)
	if a.Text != "" {
		w, err := z.create(names[0], a.SubmittedAt, true)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(w, a.Text); err != nil {
			return err
		}
		names = names[1:]
	}
	for i, f := range a.Files {
		if !f.Complete() {
			z.notes = append(z.notes, names[i]+": has not arrived completely")
			continue
		}
		if err := z.file(names[i], f, a.SubmittedAt); err != nil {
			return fmt.Errorf("%s: %w", names[i], err)
		}
	}
	return nil
}

func (z *workArchive) create(name string, at time.Time, pack bool) (io.Writer, error) {
	z.copied++
	h := zip.FileHeader{Name: name, Modified: at, Method: zip.Store}
	if pack {
		h.Method = zip.Deflate
	}
	return z.zip.CreateHeader(&h)
}

func (z *workArchive) file(name string, f lms.File, at time.Time) error {
	// Before the member begins: a file that cannot be read is a note, not the end of the archive.
	content, err := z.s.files.Open(z.q.ctx, f)
	if err != nil {
		return err
	}
	defer content.Close()
	head := make([]byte, 1)
	if _, err := io.ReadFull(content, head); err != nil && f.Size > 0 {
		if z.q.ctx.Err() != nil {
			return err
		}
		z.notes = append(z.notes, name+": this node cannot read it at the moment")
		return nil
	}
	if _, err := content.Seek(0, io.SeekStart); err != nil {
		return err
	}
	w, err := z.create(name, at, strings.HasPrefix(f.Type, "text/"))
	if err != nil {
		return err
	}
	_, err = io.Copy(w, content)
	return err
}

// archiveNames maps the names that files have in an archive of the assignment to what they belong to.
func (s *Server) archiveNames(ctx context.Context, actor lms.Actor, course, assignment string) (map[string]namedWork, error) {
	names := map[string]namedWork{}
	after := ""
	for {
		page, err := s.store.AttemptsOf(ctx, actor, course, assignment, after, 200)
		if err != nil || len(page) == 0 {
			return names, err
		}
		for _, a := range page {
			offset := 0
			if a.Text != "" {
				offset = 1
			}
			for i, name := range lms.ArchiveNames(a.Login, a.Submission) {
				w := namedWork{submission: a.ID, user: a.UserName, attempt: a.Attempt}
				if i >= offset {
					w.sha256 = a.Files[i-offset].SHA256
				}
				w.twice = names[name].submission != ""
				names[name] = w
			}
		}
		after = page[len(page)-1].ID
	}
}

// namedWork is what a name in an archive belongs to.
type namedWork struct {
	submission, user string
	attempt          int
	sha256           string // of the file as it was handed in; empty: the text
	twice            bool   // another work has the same name
}
