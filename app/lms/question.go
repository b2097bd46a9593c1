package lms

import (
	"slices"
	"strings"
	"time"
)

// Addressee is whom a question is put to.
type Addressee string

// The addressees of a question.
const (
	ToStaff Addressee = "staff"
	ToTutor Addressee = "tutor"
)

// QuestionState is the life of a question (QA-2).
type QuestionState string

// The states of a question.
const (
	QuestionPending  QuestionState = "pending"  // the tutor is working on it
	QuestionOpen     QuestionState = "open"     // waits for staff
	QuestionAnswered QuestionState = "answered" // has an answer
	QuestionResolved QuestionState = "resolved"
)

// Visibility tells who may read a question.
type Visibility string

// The visibilities of a question. Questions to the tutor are always VisibleStaff.
const (
	VisibleStaff  Visibility = "staff"  // author and staff
	VisibleCourse Visibility = "course" // every member

	VisibleAnonymous Visibility = "anonymous" // every member; only staff see who asks
)

// Validate refuses what is no visibility.
func (v Visibility) Validate() error {
	switch v {
	case VisibleStaff, VisibleCourse, VisibleAnonymous:
		return nil
	}
	return FieldErrorf(KindRule, "visibility", "A question is visible to the staff or to the course, or to the course without your name.")
}

// Question is a thread that starts with a student's question.
type Question struct {
	ID         string           `json:"id"`
	CourseID   string           `json:"courseId"`
	AuthorID   string           `json:"authorId"`
	AuthorName string           `json:"authorName"`
	To         Addressee        `json:"to"`
	Title      string           `json:"title"`
	Body       string           `json:"body,omitempty"`
	BodyHTML   string           `json:"bodyHtml,omitempty"`
	MaterialID string           `json:"materialId,omitempty"`   // the material it is about
	Assignment string           `json:"assignmentId,omitempty"` // for which an extension is asked for
	Mode       TutorMode        `json:"mode,omitempty"`         // how the tutor helps in this thread; empty: as the course has it
	Visibility Visibility       `json:"visibility"`
	State      QuestionState    `json:"state"`
	CreatedAt  time.Time        `json:"createdAt,omitzero"`
	UpdatedAt  time.Time        `json:"updatedAt,omitzero"`
	Version    int64            `json:"version"`
	SourceID   string           `json:"sourceId,omitempty"`    // the answer of the tutor that it was asked about
	Waiting    time.Time        `json:"waitingSince,omitzero"` // since when its author waits for the staff
	Reads      []TranscriptRead `json:"reads,omitempty"`       // by staff, of a conversation with the tutor; latest first, only in the answer for one question
	Replies    []Reply          `json:"replies,omitempty"`     // only in the answer for one question, oldest first
	ReplyCount int              `json:"replyCount"`
}

// ReadableBy reports whether the actor may read the question.
func (q Question) ReadableBy(a Actor) bool {
	return q.AuthorID == a.UserID || a.Staff() || (q.Visibility != VisibleStaff && a.Role != "")
}

// Anonymous is the name that peers see of who asked anonymously.
const Anonymous = "Anonymous"

// For is the question as the reader may see it: peers do not see who asked anonymously, nor how answers were rated.
func (q Question) For(userID string, staff bool) Question {
	if staff || q.AuthorID == userID {
		return q
	}
	hide := q.Visibility == VisibleAnonymous
	author := q.AuthorID
	q.SourceID, q.Reads, q.Waiting = "", nil, time.Time{}
	if hide {
		q.AuthorID, q.AuthorName = "", Anonymous
	}
	q.Replies = slices.Clone(q.Replies)
	for i := range q.Replies {
		r := &q.Replies[i]
		r.Rating, r.AskedID = nil, ""
		if hide && r.AuthorID == author {
			r.AuthorID, r.AuthorName = "", Anonymous
		}
	}
	return q
}

// ReplyState is the life of a reply. Replies of people are always ReplyDone.
type ReplyState string

// The states of a reply (TUTOR-17).
const (
	ReplyPending   ReplyState = "pending"   // committed, no node works on it yet
	ReplyAnswering ReplyState = "answering" // a node works on it
	ReplyDone      ReplyState = "done"
	ReplyStopped   ReplyState = "stopped" // the student stopped it; the text so far is kept
	ReplyFailed    ReplyState = "failed"  // Note says why; the passages are kept
)

// Final reports whether the reply will not change any more.
func (s ReplyState) Final() bool { return s == ReplyDone || s == ReplyStopped || s == ReplyFailed }

// Reply is one post of a thread.
type Reply struct {
	ID          string       `json:"id"`
	QuestionID  string       `json:"questionId"`
	AuthorID    string       `json:"authorId"` // TutorID for the tutor
	AuthorName  string       `json:"authorName"`
	AuthorRole  Role         `json:"authorRole,omitempty"`
	Body        string       `json:"body"` // Markdown
	BodyHTML    string       `json:"bodyHtml,omitempty"`
	State       ReplyState   `json:"state"`
	Note        string       `json:"note,omitempty"`      // plain words beside the text, such as "no language model is set up"
	Generated   bool         `json:"generated,omitempty"` // written by a language model
	Model       string       `json:"model,omitempty"`
	Citations   []Citation   `json:"citations,omitempty"`
	Rating      *Rating      `json:"rating,omitempty"` // of an answer of the tutor, by who asked
	Endorsement *Endorsement `json:"endorsement,omitempty"`
	AskedID     string       `json:"askedId,omitempty"` // the question to the staff that was made of this answer
	CreatedAt   time.Time    `json:"createdAt,omitzero"`
}

// What the tutor notes beside a reply, where a reader can do something about it.
const (
	NoteNothing = "Nothing in the course material seems to answer this. These passages are the closest. You can send the question to your instructor."
	NoteCut     = "The answer was cut at its length limit. Ask the tutor to continue."
)

// FoundNothing reports whether the tutor has stopped a question because the material does not cover it (TUTOR-7).
func (r Reply) FoundNothing() bool {
	return r.State == ReplyDone && !r.Generated && strings.Contains(r.Note, NoteNothing)
}

// Cut reports whether the answer ended at its length limit (TUTOR-21).
func (r Reply) Cut() bool { return r.State == ReplyDone && strings.Contains(r.Note, NoteCut) }

// Citation points from an answer to the passage that supports it. The text refers to it as [N].
type Citation struct {
	N          int    `json:"n"` // from 1
	MaterialID string `json:"materialId"`
	Ordinal    int    `json:"ordinal"`
	Title      string `json:"title"`
	Heading    string `json:"heading,omitempty"`
	Page       int    `json:"page,omitempty"`
	Quote      string `json:"quote,omitempty"`
	Endorsed   string `json:"endorsed,omitempty"` // id of the reply: the passage is an entry of the FAQ, not of a material
}

// MaxQuestion is the longest message to the tutor in characters (TUTOR-22).
const MaxQuestion = 16_000

// Validate checks what a person typed.
func (q Question) Validate() error {
	if err := first(checkID("id", q.ID), checkTitle("title", q.Title), checkBody("body", q.Body)); err != nil {
		return err
	}
	if n := len([]rune(q.Title)) + len([]rune(q.Body)); q.To == ToTutor && n > MaxQuestion {
		return FieldErrorf(KindTooLarge, "body", "A message to the tutor has at most %d characters; this has %d. Your text is kept: shorten it, or add it as a file.", MaxQuestion, n)
	}
	if q.To != ToStaff && q.To != ToTutor {
		return FieldErrorf(KindRule, "to", "A question goes to the staff or to the tutor.")
	}
	return q.Visibility.Validate()
}

// Validate checks what a person typed.
func (r Reply) Validate() error {
	if err := first(checkID("id", r.ID), checkBody("body", r.Body)); err != nil {
		return err
	}
	if r.Body == "" {
		return FieldErrorf(KindRule, "body", "Please write something first.")
	}
	if n := len([]rune(r.Body)); n > MaxQuestion {
		return FieldErrorf(KindTooLarge, "body", "A message has at most %d characters; this has %d. Your text is kept: shorten it, or add it as a file.", MaxQuestion, n)
	}
	return nil
}
