package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

const (
	plainAtOnce  = 16               // hand-ins by form that a node reads at a time; each needs a chunk of memory
	plainWait    = 30 * time.Second // for one of these places
	plainFields  = 64               // of a form, files not counted
	plainUploads = 60               // files of a form that are looked at; assignments take no more than 50
)

// plainForm is a hand-in as it was filled in. What has arrived is kept when something is missing: a browser does not fill
// in files again.
type plainForm struct {
	Token  string // id of the attempt: however often the form is sent, it is one
	Text   string
	URL    string
	Honour bool
	Late   string     // what the ticked warning said
	Kept   []lms.File // are here already

	Problems []lms.Error
	arrived  []lms.File // not declared yet
}

// For returns what is wrong with a field.
func (f *plainForm) For(field string) string {
	for _, p := range f.Problems {
		if p.Field == field {
			return p.Message
		}
	}
	return ""
}

func (f *plainForm) problem(err error) { f.Problems = append(f.Problems, *refusalOf(err)) }

// plainHandIn takes the form of an assignment. Text and files become an attempt when the form has been read to its end and
// a majority of the nodes has every byte; anything else leaves no attempt and shows the form again.
func (s *Server) plainHandIn(q *request) error {
	in, err := plainInput[api.AssignmentPath](q)
	if err != nil {
		return err
	}
	a, err := s.getAssignment(q.ctx, q.actor, in)
	if err != nil {
		return err
	}
	free, err := s.plainPlace(q)
	if err != nil {
		return err
	}
	defer free()
	form, err := s.readPlain(q, in, a)
	if err != nil {
		return err
	}
	if done, err := s.handedIn(q, in, form); done || err != nil {
		return err
	}
	s.keepArrived(q, in, form)
	if len(form.Problems) == 0 {
		if a, err = s.getAssignment(q.ctx, q.actor, in); err != nil { // the clock has gone on
			return err
		}
		s.submitPlain(q, in, a, form)
	}
	if len(form.Problems) == 0 {
		return q.toReceipt(in.Course, form.Token)
	}
	for i, p := range form.Problems {
		if p.Kind == lms.KindInternal {
			s.log.Error("a hand-in by form failed", "request", q.id)
		}
		if p.Field == "text" && !a.AllowText && a.MaxFiles > 0 {
			form.Problems[i].Field = "files"
		}
	}
	if r := form.Problems[0].RetryIn; r > 0 {
		q.w.Header().Set("Retry-After", "5")
	}
	return s.showAssignment(q, in, statusOf(&form.Problems[0]), form)
}

func (q *request) toReceipt(course, id string) error {
	q.w.Header().Set("Cache-Control", "no-store")
	return q.c.Redirect(http.StatusSeeOther, plainRoot+"/courses/"+course+"/submissions/"+id)
}

// plainPlace waits for a place to read a form.
func (s *Server) plainPlace(q *request) (free func(), err error) {
	timer := time.NewTimer(plainWait)
	defer timer.Stop()
	select {
	case s.forms <- struct{}{}:
		return func() { <-s.forms }, nil
	case <-q.ctx.Done():
		return nil, q.ctx.Err()
	case <-timer.C:
		return nil, &lms.Error{Kind: lms.KindUnavailable, RetryIn: 30, Message: "Many people are handing in at this moment, so this form was not taken."}
	}
}

var errFormBroken = lms.Errorf(lms.KindInvalid, "The form did not arrive completely, so nothing was handed in. Send it again.")

// readPlain reads the form to its end, also when something is wrong with it: a browser shows no answer before it has sent
// everything.
func (s *Server) readPlain(q *request, in api.AssignmentPath, a lms.Assignment) (*plainForm, error) {
	total := int64(a.MaxFiles+1)*lms.MaxFileSize + 2*maxBody
	q.r.Body = http.MaxBytesReader(q.w, q.r.Body, total)
	parts, err := q.r.MultipartReader()
	if err != nil {
		return nil, lms.Errorf(lms.KindUnsupported, "This address takes the form of an assignment. Open the assignment and fill in its form.")
	}
	form := &plainForm{}
	var kept []string
	fields, uploads := 0, 0
	for {
		end := q.bodyDeadline()
		part, err := parts.NextPart()
		end()
		if err == io.EOF {
			break
		} else if err != nil {
			return nil, formError(err)
		}
		if part.FormName() == "files" {
			if uploads++; uploads <= plainUploads {
				err = s.readPlainFile(q, in, a, form, part)
			}
		} else if fields++; fields <= plainFields {
			err = readPlainField(q, form, part, &kept)
		}
		if err != nil {
			return nil, formError(err)
		}
	}
	if !lms.ValidID(form.Token) {
		return nil, lms.Errorf(lms.KindInvalid, "The form has no number of its own. Open the assignment again and fill in its form.")
	}
	s.findKept(q, in, form, kept)
	return form, nil
}

// formError words what broke a form off.
func formError(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return err
	}
	return errFormBroken
}

func readPlainField(q *request, form *plainForm, part *multipart.Part, kept *[]string) error {
	end := q.bodyDeadline()
	defer end()
	b, err := io.ReadAll(io.LimitReader(part, 2*lms.MaxBody)) // a text that is too long is refused by its length
	if err != nil {
		return err
	}
	value := strings.ReplaceAll(string(b), "\r\n", "\n") // as forms send the ends of lines
	switch part.FormName() {
	case "id":
		form.Token = value
	case "text":
		form.Text = value
	case "url":
		form.URL = strings.TrimSpace(value)
	case "honour":
		form.Honour = value != ""
	case "late":
		form.Late = value
	case "kept":
		*kept = append(*kept, value)
	}
	return nil
}

// readPlainFile takes a file of the form, chunk by chunk: each is on a majority of the nodes before the next is read. An
// error ends the form; what is wrong with the file alone is a problem of the form.
func (s *Server) readPlainFile(q *request, in api.AssignmentPath, a lms.Assignment, form *plainForm, part *multipart.Part) error {
	f := lms.File{ID: lms.NewID(), CourseID: in.Course, Name: part.FileName()}
	if f.Name == "" { // no file was chosen
		return s.drain(q, part)
	}
	problem := lms.CheckFileName(f.Name)
	if problem == nil {
		problem = a.CheckFile(f)
	}
	if problem == nil && len(form.arrived) >= a.MaxFiles {
		problem = lms.FieldErrorf(lms.KindRule, "files", "%s was not taken: this assignment takes at most %d files.", f.Name, a.MaxFiles)
	}
	whole, chunk := sha256.New(), make([]byte, lms.ChunkSize)
	for problem == nil {
		n, err := q.readChunk(part, chunk)
		if err != nil && err != io.EOF {
			return err
		}
		if n > 0 {
			f.Size += int64(n)
			if problem = a.CheckFile(f); problem != nil {
				break
			}
			sum := sha256.Sum256(chunk[:n])
			f.Chunks = append(f.Chunks, hex.EncodeToString(sum[:]))
			whole.Write(chunk[:n])
			problem = s.files.PutChunk(q.ctx, f, len(f.Chunks)-1, bytes.NewReader(chunk[:n]))
		}
		if err == io.EOF {
			break
		}
	}
	if problem != nil {
		form.problem(fileProblem(problem))
		return s.drain(q, part)
	}
	f.SHA256 = hex.EncodeToString(whole.Sum(nil))
	form.arrived = append(form.arrived, f)
	return nil
}

// fileProblem puts a problem of a file where the form shows it.
func fileProblem(err error) error {
	refusal := *refusalOf(err)
	refusal.Field = "files"
	if refusal.Kind == lms.KindUnavailable || refusal.Kind == lms.KindUnknown {
		refusal.Message = "The files could not be kept on a majority of the nodes, so nothing was handed in. Your text is below; choose the files again and hand in once more in a moment. " + refusal.Message
	}
	return &refusal
}

// readChunk fills the chunk, or reads what is left. The part tells by io.EOF that it ends, and by any other error that the
// form broke off.
func (q *request) readChunk(r io.Reader, chunk []byte) (n int, err error) {
	end := q.bodyDeadline()
	defer end()
	for n < len(chunk) && err == nil {
		var m int
		m, err = r.Read(chunk[n:])
		n += m
	}
	return n, err
}

// drain reads what nobody wants.
func (s *Server) drain(q *request, part *multipart.Part) error {
	block := make([]byte, 64<<10)
	for {
		if _, err := q.readChunk(part, block); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// findKept looks up the files that arrived before.
func (s *Server) findKept(q *request, in api.AssignmentPath, form *plainForm, ids []string) {
	for _, id := range ids {
		path := api.FilePath{Course: in.Course, File: id}
		if path.Validate() != nil {
			continue
		}
		f, err := s.ownFile(q.ctx, q.actor, in.Course, id)
		if err != nil || !f.Complete() {
			form.problem(lms.FieldErrorf(lms.KindRule, "files", "A file that was here before is not here any more. Choose it again."))
			continue
		}
		form.Kept = append(form.Kept, f)
	}
}

// handedIn answers a form that is an attempt already: one that was sent twice leads to the receipt. With other work in it
// the person must know that this was not handed in.
func (s *Server) handedIn(q *request, in api.AssignmentPath, form *plainForm) (bool, error) {
	sub, err := s.getSubmission(q.ctx, q.actor, api.SubmissionPath{Course: in.Course, Submission: form.Token})
	if err != nil || sub.AssignmentID != in.Assignment || sub.UserID != q.actor.UserID {
		if kind := lms.KindOf(err); err == nil || kind == lms.KindNotFound || kind == lms.KindForbidden {
			err = nil // it is none; whose id it may be is found where it is written
		}
		return false, err
	}
	if !form.same(sub) {
		return true, lms.Errorf(lms.KindConflict, "This form was handed in already, as attempt %d, with other work in it. What you sent now was not handed in. Open the assignment again to hand it in as a new attempt.", sub.Attempt)
	}
	return true, q.toReceipt(in.Course, form.Token)
}

// same reports whether the attempt is the form's work.
func (f *plainForm) same(sub lms.Submission) bool {
	var want, have []string
	for _, file := range slices.Concat(f.Kept, f.arrived) {
		want = append(want, file.SHA256+file.Name)
	}
	for _, file := range sub.Files {
		have = append(have, file.SHA256+file.Name)
	}
	slices.Sort(want)
	slices.Sort(have)
	return sub.Text == f.Text && sub.URL == f.URL && slices.Equal(want, have)
}

// keepArrived makes what has arrived files of the course. A majority has every byte, or the file is none.
func (s *Server) keepArrived(q *request, in api.AssignmentPath, form *plainForm) {
	for _, f := range form.arrived {
		declare := api.DeclareFileInput{Course: in.Course, ID: f.ID, Name: f.Name, Size: f.Size, SHA256: f.SHA256, Chunks: list(f.Chunks)}
		err := declare.Validate()
		if err == nil {
			_, err = s.declareFile(q.ctx, q.actor, declare)
		}
		var done api.FileReceipt
		if err == nil {
			done, err = s.completeFile(q.ctx, q.actor, api.FilePath{Course: in.Course, File: f.ID})
		}
		if err != nil {
			form.problem(fileProblem(err))
			return
		}
		form.Kept = append(form.Kept, done.File)
	}
	form.arrived = nil
}

// submitPlain hands the form in, by the rules of the API, after what a person must have seen.
func (s *Server) submitPlain(q *request, in api.AssignmentPath, a lms.Assignment, form *plainForm) {
	if key := lateKey(a); key != "" && form.Late != key {
		form.problem(lms.FieldErrorf(lms.KindRule, "late", "This is late. Read what it costs and tick that you want to hand in all the same. Your work is kept."))
		return
	}
	work := api.SubmitInput{Course: in.Course, Assignment: in.Assignment, ID: form.Token, Text: form.Text, URL: form.URL, Honour: form.Honour}
	for _, f := range form.Kept {
		work.Files = append(work.Files, f.ID)
	}
	err := work.Validate()
	var receipt lms.Receipt
	if err == nil {
		receipt, err = s.submit(q.ctx, q.actor, work)
	}
	if err == nil && !form.same(receipt.Submission) {
		err = lms.Errorf(lms.KindConflict, "This form was handed in already, as attempt %d, with other work in it. What you sent now was not handed in. Open the assignment again to hand it in as a new attempt.", receipt.Submission.Attempt)
	}
	if err != nil {
		form.problem(err)
	}
}
