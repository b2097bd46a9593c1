package web

import (
	"archive/zip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"
	"sync"
	"unicode/utf8"

	"trivium/app/api"
	"trivium/app/lms"
)

// Bounds of reading an archive that somebody uploaded (INTEROP-3).
const (
	maxDirectory   = 4 << 20 // bytes that are read before the first member: the list of the members
	maxMemberPath  = 1024    // bytes
	maxExpansion   = 200     // times the packed size, beyond
	freeExpansion  = 1 << 20 // bytes, which small texts may reach
	feedbackBuffer = lms.ChunkSize
)

func (s *Server) previewFeedback(ctx context.Context, actor lms.Actor, in api.FeedbackPath) (lms.FeedbackReport, error) {
	report, _, end, err := s.readFeedback(ctx, actor, in)
	end()
	return report, err
}

// applyFeedback attaches the marked files to the students' work. The archive and the matching are those of the preview: an
// uploaded file never changes, and when the work has changed so that another number would match, nothing is done.
func (s *Server) applyFeedback(ctx context.Context, actor lms.Actor, in api.FeedbackInput) (lms.FeedbackReport, error) {
	report, files, end, err := s.readFeedback(ctx, actor, api.FeedbackPath{Course: in.Course, Assignment: in.Assignment, File: in.File})
	defer end()
	if err != nil {
		return report, err
	}
	if report.Matched != in.Matched {
		return report, lms.FieldErrorf(lms.KindConflict, "matched", "By now %d files match, not %d. Look at the preview again.", report.Matched, in.Matched)
	}
	if report.Matched == 0 {
		return report, lms.FieldErrorf(lms.KindRule, "file", "No file in this archive belongs to handed-in work, so there is nothing to attach.")
	}
	comments, err := feedbackComments(files)
	if err != nil {
		return report, err
	}
	for _, f := range files {
		if err := s.keepMember(ctx, f); err != nil {
			return report, err
		}
	}
	if err := s.store.AddFeedback(ctx, actor, in.Course, in.Assignment, in.ID, comments); err != nil {
		return report, err
	}
	report.Applied = len(comments)
	return report, nil
}

// feedbackComments makes one comment for each work, with its files.
func feedbackComments(files []feedbackFile) ([]lms.Comment, error) {
	var comments []lms.Comment
	at := map[string]int{} // by submission
	for _, f := range files {
		i, ok := at[f.submission]
		if !ok {
			i = len(comments)
			at[f.submission] = i
			comments = append(comments, lms.Comment{ID: lms.NewID(), SubmissionID: f.submission})
		}
		c := &comments[i]
		if c.Files = append(c.Files, f.File); len(c.Files) > lms.MaxCommentFiles {
			return nil, lms.FieldErrorf(lms.KindRule, "file", "More than %d marked files belong to one work. Split the archive.", lms.MaxCommentFiles)
		}
	}
	return comments, nil
}

func (s *Server) undoFeedback(ctx context.Context, actor lms.Actor, in api.FeedbackUndo) (api.UndoFeedbackOutput, error) {
	n, err := s.store.UndoFeedback(ctx, actor, in.Course, in.Assignment, in.Feedback)
	return api.UndoFeedbackOutput{Removed: n}, err
}

// feedbackFile is a member that belongs to somebody's work.
type feedbackFile struct {
	lms.File
	submission string
	member     *zip.File
}

// readFeedback reads an uploaded archive: what each member would become, and the files of those that match. They can be read
// until end is called, which is never nil.
func (s *Server) readFeedback(ctx context.Context, actor lms.Actor, in api.FeedbackPath) (r lms.FeedbackReport, files []feedbackFile, end func(), err error) {
	end = func() {}
	f, err := s.ownFile(ctx, actor, in.Course, in.File)
	if err != nil {
		return r, nil, end, err
	}
	if !f.Complete() {
		return r, nil, end, lms.FieldErrorf(lms.KindConflict, "file", "This file has not arrived completely yet. Try again when its upload has ended.")
	}
	names, err := s.archiveNames(ctx, actor, in.Course, in.Assignment)
	if err != nil {
		return r, nil, end, err
	}
	content, err := s.files.Open(ctx, f)
	if err != nil {
		return r, nil, end, err
	}
	end = func() { content.Close() }
	r, files, err = matchArchive(&seekingReaderAt{r: content}, f.Size, names)
	for i := range files {
		files[i].CourseID, files[i].OwnerID = in.Course, actor.UserID
	}
	return r, files, end, err
}

// matchArchive judges the members of a zip.
func matchArchive(content io.ReaderAt, size int64, names map[string]namedWork) (r lms.FeedbackReport, files []feedbackFile, err error) {
	archive, err := openArchive(content, size)
	if err != nil {
		return r, nil, err
	}
	total := int64(0)
	repeated := repeatedNames(archive.File)
	for _, m := range archive.File {
		found, file, err := matchMember(m, names, repeated, lms.MaxFeedbackSize-total)
		if err != nil {
			return r, nil, err
		}
		total += found.Size
		if found.SubmissionID == "" {
			r.Skipped++
		} else {
			r.Matched++
			files = append(files, file)
		}
		r.Members = append(r.Members, found)
	}
	return r, files, nil
}

// openArchive reads the list of members of a zip, and refuses one whose list alone is too long.
func openArchive(r io.ReaderAt, size int64) (*zip.Reader, error) {
	limited := &countingReaderAt{r: r, left: maxDirectory}
	archive, err := zip.NewReader(limited, size)
	switch {
	case limited.left < 0 || err == nil && len(archive.File) > lms.MaxFeedbackMembers:
		return nil, lms.FieldErrorf(lms.KindTooLarge, "file", "This archive has more than %d members. Split it.", lms.MaxFeedbackMembers)
	case err != nil && !errors.Is(err, zip.ErrInsecurePath):
		return nil, lms.FieldErrorf(lms.KindRule, "file", "This is not a zip archive, or it is damaged. Make it again and upload it.")
	}
	limited.open = true // members are bounded by themselves
	return archive, nil
}

// repeatedNames are base names that more than one member has.
func repeatedNames(members []*zip.File) map[string]bool {
	seen, repeated := map[string]bool{}, map[string]bool{}
	for _, m := range members {
		if m.FileInfo().IsDir() || clutter(m.Name) {
			continue
		}
		base := path.Base(strings.ReplaceAll(m.Name, `\`, "/"))
		repeated[base] = seen[base]
		seen[base] = true
	}
	return repeated
}

// clutter is what systems put into archives by themselves.
func clutter(name string) bool {
	base := path.Base(name)
	return strings.HasPrefix(name, "__MACOSX/") || strings.HasPrefix(base, "._") || base == ".DS_Store" || strings.EqualFold(base, "Thumbs.db") ||
		strings.EqualFold(base, "desktop.ini") || base == notesName
}

// matchMember judges one member. Only its last name counts, and only when it is exactly one that a download gave.
func matchMember(m *zip.File, names map[string]namedWork, repeated map[string]bool, left int64) (found lms.FeedbackMember, f feedbackFile, err error) {
	name := strings.ToValidUTF8(m.Name, "�")
	found = lms.FeedbackMember{Member: cut(name, 300)}
	if found.Skipped = unusable(m, name); found.Skipped != "" {
		return found, f, nil
	}
	base := path.Base(name)
	w, ok := names[base]
	switch {
	case repeated[base]:
		found.Skipped = "Several members have this name."
	case !ok:
		found.Skipped = "No handed-in file has this name."
	case w.twice:
		found.Skipped = "More than one handed-in file has this name."
	}
	if found.Skipped != "" {
		return found, f, nil
	}
	if f, err = hashMember(m, base, min(left, lms.MaxFileSize)); err != nil {
		var refusal *lms.Error
		if errors.As(err, &refusal) {
			return found, f, err
		}
		found.Skipped = "It is damaged and cannot be unpacked."
		return found, f, nil
	}
	found.Size = f.Size
	if f.SHA256 == w.sha256 {
		found.Skipped = "It is as it was handed in."
		return found, f, nil
	}
	f.submission = w.submission
	found.SubmissionID, found.UserName, found.Attempt = w.submission, w.user, w.attempt
	return found, f, nil
}

// unusable says why a member is not even looked at.
func unusable(m *zip.File, name string) string {
	mode := m.Mode()
	switch {
	case m.FileInfo().IsDir():
		return "It is a folder."
	case mode&fs.ModeSymlink != 0 || !mode.IsRegular():
		return "It is a link or a device."
	case !utf8.ValidString(m.Name) || strings.ContainsRune(name, 0):
		return "Its name is not valid."
	case len(m.Name) > maxMemberPath:
		return "Its name is too long."
	case strings.HasPrefix(name, "/") || strings.Contains(name, `\`) || strings.Contains(name, ":"):
		return "Its name is an absolute path."
	case !fs.ValidPath(name):
		return "Its name leads out of the archive."
	case clutter(name):
		return "The system has put it there."
	case m.Flags&1 != 0:
		return "It is encrypted."
	case m.Method != zip.Store && m.Method != zip.Deflate:
		return "It is packed in a way that is not supported."
	}
	return ""
}

// hashMember unpacks a member once to learn its hashes. What it claims about its size is not believed.
func hashMember(m *zip.File, name string, limit int64) (f feedbackFile, err error) {
	r, err := m.Open()
	if err != nil {
		return f, err
	}
	defer r.Close()
	limit = min(limit, max(freeExpansion, int64(min(m.CompressedSize64, uint64(lms.MaxFileSize)))*maxExpansion))
	f = feedbackFile{File: lms.File{ID: lms.NewID(), Name: name, Type: typeByName(name)}, member: m}
	whole, buf := sha256.New(), make([]byte, feedbackBuffer)
	for {
		n, err := io.ReadFull(r, buf)
		f.Size += int64(n)
		if f.Size > limit {
			return f, lms.FieldErrorf(lms.KindTooLarge, "file", "%s unpacks to more than is taken: %s a file, %s all in all. Nothing was attached.",
				cut(name, 100), lms.FormatBytes(lms.MaxFileSize), lms.FormatBytes(lms.MaxFeedbackSize))
		}
		if n > 0 {
			f.Chunks = append(f.Chunks, chunkHash(whole, buf[:n]))
		}
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) && int64(n) < feedbackBuffer && f.Size == int64(m.UncompressedSize64):
			f.SHA256 = hex.EncodeToString(whole.Sum(nil))
			return f, nil
		case err != nil:
			return f, err
		}
	}
}

func chunkHash(whole io.Writer, chunk []byte) string {
	whole.Write(chunk)
	sum := sha256.Sum256(chunk)
	return hex.EncodeToString(sum[:])
}

// keepMember puts the bytes of a member onto a majority of the nodes.
func (s *Server) keepMember(ctx context.Context, f feedbackFile) error {
	r, err := f.member.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	for i := range f.Chunks {
		if err := s.files.PutChunk(ctx, f.File, i, io.LimitReader(r, int64(lms.ChunkLen(f.Size, i)))); err != nil {
			return fmt.Errorf("%s: %w", f.Name, err)
		}
	}
	_, _, err = s.files.Verify(ctx, f.File)
	return err
}

func cut(s string, limit int) string {
	for i := range s {
		if i > limit {
			return s[:i] + "…"
		}
	}
	return s
}

// seekingReaderAt reads a stored file at any place.
type seekingReaderAt struct {
	mu sync.Mutex
	r  io.ReadSeeker
}

// ReadAt implements io.ReaderAt.
func (s *seekingReaderAt) ReadAt(p []byte, offset int64) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, err := s.r.Seek(offset, io.SeekStart); err != nil {
		return 0, err
	}
	n, err := io.ReadFull(s.r, p)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

// countingReaderAt refuses to read more than a number of bytes, until it is opened.
type countingReaderAt struct {
	r    io.ReaderAt
	left int64
	open bool
}

var errDirectory = errors.New("the list of members is too long")

// ReadAt implements io.ReaderAt.
func (c *countingReaderAt) ReadAt(p []byte, offset int64) (int, error) {
	if !c.open {
		if c.left -= int64(len(p)); c.left < 0 {
			return 0, errDirectory
		}
	}
	return c.r.ReadAt(p, offset)
}
