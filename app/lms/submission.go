package lms

import (
	"strings"
	"time"
	"unicode/utf8"
)

// SubmissionState tells whether the files of an attempt have arrived.
type SubmissionState string

// The states of an attempt (SUBMIT-5).
const (
	SubmissionWaiting    SubmissionState = "waiting"    // accepted in time by its hashes; bytes are still arriving
	SubmissionReceived   SubmissionState = "received"   // a majority of the nodes holds every byte
	SubmissionIncomplete SubmissionState = "incomplete" // the bytes did not arrive within UploadGrace
)

// Submission is one numbered, immutable attempt.
type Submission struct {
	ID           string          `json:"id"`
	CourseID     string          `json:"courseId"`
	AssignmentID string          `json:"assignmentId"`
	UserID       string          `json:"userId"`
	UserName     string          `json:"userName,omitempty"` // for staff
	Blind        bool            `json:"blind,omitempty"`    // for staff: the two are a pseudonym, and who is late is not told
	Attempt      int             `json:"attempt"`            // from 1
	Text         string          `json:"text,omitempty"`
	URL          string          `json:"url,omitempty"`
	Honour       string          `json:"honour,omitempty"` // the statement that was ticked
	Files        []File          `json:"files,omitempty"`
	SubmittedAt  time.Time       `json:"submittedAt"` // the cluster's stamp
	LateSeconds  int64           `json:"lateSeconds,omitempty"`
	State        SubmissionState `json:"state"`
	Grade        *Grade          `json:"grade,omitempty"`      // what the reader may see
	Begun        *Grade          `json:"begun,omitempty"`      // for staff: feedback and rubric that have no grade yet
	Unanswered   bool            `json:"unanswered,omitempty"` // for staff: the student has written the last comment
	Score        *Scored         `json:"score,omitempty"`      // how the number that counts is made of that grade
	FromDraft    bool            `json:"fromDraft,omitempty"`  // handed in by the site at the cut-off
	ReturnedAt   time.Time       `json:"returnedAt,omitzero"`  // by staff: it is a draft again and does not count
	ReturnedBy   string          `json:"returnedBy,omitempty"`
	Counts       bool            `json:"counts"`           // it is the one that is graded
	Chosen       bool            `json:"chosen,omitempty"` // by staff
}

// ReadableBy reports whether the actor may read the submission: its author and staff of the course.
func (s Submission) ReadableBy(a Actor) bool { return a.Staff() || s.UserID == a.UserID }

// StateAt computes the state from the files.
func (s Submission) StateAt(now time.Time) SubmissionState {
	for _, f := range s.Files {
		if !f.Complete() {
			if now.After(s.SubmittedAt.Add(UploadGrace)) {
				return SubmissionIncomplete
			}
			return SubmissionWaiting
		}
	}
	return SubmissionReceived
}

// Receipt is the proof of an attempt.
type Receipt struct {
	Submission Submission `json:"submission"`
	Index      uint64     `json:"index"`          // position in the cluster's log
	Replicas   int        `json:"replicas"`       // nodes that hold every byte
	Nodes      int        `json:"nodes"`          // nodes of the cluster
	Mail       *Mailed    `json:"mail,omitempty"` // for the author: the copy by mail, if there is one
}

// Work is where one student stands in one assignment.
type Work struct {
	Attempts    int             `json:"attempts"`             // number of the latest
	Used        int             `json:"used"`                 // that count against the limit: returned ones do not
	SubmittedAt time.Time       `json:"submittedAt,omitzero"` // latest attempt
	LateSeconds int64           `json:"lateSeconds,omitempty"`
	State       SubmissionState `json:"state,omitempty"`
	Grade       *Grade          `json:"grade,omitempty"`     // posted only
	Score       *Scored         `json:"score,omitempty"`     // how the number that counts is made of it
	DraftAt     time.Time       `json:"draftAt,omitzero"`    // when unsent work was saved last
	Override    *Override       `json:"override,omitempty"`  // other dates of this student
	Late        *LateCost       `json:"late,omitempty"`      // what handing in at this moment would cost
	Requested   string          `json:"requested,omitempty"` // the question with which an extension was asked for, while it waits
}

// Grade is the mark and the feedback for an attempt. Draft and posted grade are two things: a student sees only what
// is posted (GRADE-2).
type Grade struct {
	Points       Points    `json:"points"`
	Grade        string    `json:"grade,omitempty"`    // as it is shown, such as "B+", where the type is not points
	Feedback     string    `json:"feedback,omitempty"` // Markdown
	FeedbackHTML string    `json:"feedbackHtml,omitempty"`
	By           string    `json:"by,omitempty"` // name of the marker
	ChangedAt    time.Time `json:"changedAt,omitzero"`
	PostedAt     time.Time `json:"postedAt,omitzero"`  // zero: draft
	RevisedAt    time.Time `json:"revisedAt,omitzero"` // when a posted grade became another one
	Marks        *Marks    `json:"marks,omitempty"`    // the rubric, filled in
	Rubric       *Rubric   `json:"rubric,omitempty"`   // in the version that Marks belongs to
	Begun        bool      `json:"begun,omitempty"`    // for staff: there is no grade yet, only feedback and rubric
	Version      int64     `json:"version"`
}

// CheckPoints refuses a negative grade and, unless allowed, one above what the assignment is worth.
func (a Assignment) CheckPoints(p Points, allowAbove bool) error {
	if p < 0 {
		return FieldErrorf(KindRule, "points", "A grade cannot be negative.")
	}
	if p > a.Points && !allowAbove {
		return FieldErrorf(KindRule, "points", "%s is more than the %s points of this assignment. Confirm to keep it.", p, a.Points)
	}
	return nil
}

// MailState tells how far a mail has come.
type MailState string

// The states of a mail.
const (
	MailWaiting MailState = "waiting" // it will be sent
	MailSent    MailState = "sent"    // a mail server has taken it
	MailFailed  MailState = "failed"  // it was given up
)

// Mailed tells what became of the copy of a receipt that goes by mail (SUBMIT-4).
type Mailed struct {
	State MailState `json:"state"`
	To    string    `json:"to"` // the address, shortened
	At    time.Time `json:"at,omitzero"`
}

// Sentence says it to the person whose receipt it is.
func (m Mailed) Sentence() string {
	switch m.State {
	case MailSent:
		return "A copy was mailed to " + m.To + "."
	case MailFailed:
		return "A copy could not be mailed to " + m.To + ". Keep this receipt yourself."
	}
	return "A copy will be mailed to " + m.To + "."
}

// ShortMail is a mail address of which a person recognises their own: its first letter and its domain.
func ShortMail(address string) string {
	at := strings.LastIndexByte(address, '@')
	if at < 1 {
		return ""
	}
	_, n := utf8.DecodeRuneInString(address)
	return address[:n] + "…" + address[at:]
}
