package lms

import (
	"slices"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxCommentFiles bounds the attachments of one comment.
const MaxCommentFiles = 10

// Comment is one message of the thread between a student and the staff about the student's work (GRADE-6). What staff
// write shows to the student when it is posted.
type Comment struct {
	ID           string    `json:"id"`
	SubmissionID string    `json:"submissionId"`
	Attempt      int       `json:"attempt"`
	AuthorID     string    `json:"authorId"`
	AuthorName   string    `json:"authorName"`
	Staff        bool      `json:"staff,omitempty"` // written by staff
	Body         string    `json:"body,omitempty"`  // Markdown
	BodyHTML     string    `json:"bodyHtml,omitempty"`
	Files        []File    `json:"files,omitempty"`
	CreatedAt    time.Time `json:"createdAt,omitzero"`
	PostedAt     time.Time `json:"postedAt,omitzero"` // zero: the student does not see it yet
}

// Validate checks what a person wrote.
func (c Comment) Validate() error {
	switch {
	case strings.TrimSpace(c.Body) == "" && len(c.Files) == 0:
		return FieldErrorf(KindRule, "body", "Write something or attach a file.")
	case len(c.Files) > MaxCommentFiles:
		return FieldErrorf(KindRule, "files", "A comment takes at most %d files.", MaxCommentFiles)
	}
	for _, f := range c.Files {
		if err := checkID("files", f.ID); err != nil {
			return err
		}
	}
	return first(checkID("id", c.ID), checkBody("body", c.Body))
}

// Anchor is the place that an annotation is about. In text it is a range with the words in it, so that a place that moved is
// found again; on a page or a picture it is a rectangle in ten-thousandths of the width and the height.
type Anchor struct {
	Start int    `json:"start,omitempty"` // in UTF-16 units, as browsers count
	End   int    `json:"end,omitempty"`
	Quote string `json:"quote,omitempty"`

	Page   int `json:"page,omitempty"` // from 1; a picture has one
	X      int `json:"x,omitempty"`
	Y      int `json:"y,omitempty"`
	Width  int `json:"width,omitempty"`
	Height int `json:"height,omitempty"`
}

// Bounds of an anchor.
const (
	AnchorScale = 10_000
	MaxQuote    = 4_000 // characters
	maxAnchor   = 1 << 30
)

// Area reports whether the anchor is a rectangle on a page.
func (a Anchor) Area() bool { return a.Page > 0 }

// Validate refuses places that cannot be.
func (a Anchor) Validate() error {
	if a.Area() {
		if a.X < 0 || a.Y < 0 || a.Width <= 0 || a.Height <= 0 || a.X > AnchorScale-a.Width || a.Y > AnchorScale-a.Height || a.Page > 100_000 {
			return FieldErrorf(KindRule, "anchor", "The marked area lies outside of the page. Mark it again.")
		}
		if a.Start != 0 || a.End != 0 || a.Quote != "" {
			return FieldErrorf(KindInvalid, "anchor", "A place is a range of text or an area, not both.")
		}
		return nil
	}
	switch {
	case a.Start < 0 || a.End <= a.Start || a.End > maxAnchor:
		return FieldErrorf(KindRule, "anchor", "Mark the words that this is about.")
	case a.Quote == "" || utf8.RuneCountInString(a.Quote) > MaxQuote:
		return FieldErrorf(KindRule, "anchor", "Mark between one and %d characters.", MaxQuote)
	case a.X != 0 || a.Y != 0 || a.Width != 0 || a.Height != 0:
		return FieldErrorf(KindInvalid, "anchor", "A place is a range of text or an area, not both.")
	}
	return checkBody("anchor", a.Quote)
}

// Annotation is a remark of the staff at a place of a student's work.
type Annotation struct {
	ID           string    `json:"id"`
	SubmissionID string    `json:"submissionId"`
	FileID       string    `json:"fileId,omitempty"` // empty: the text that was handed in
	Anchor       Anchor    `json:"anchor"`
	Body         string    `json:"body"`
	AuthorName   string    `json:"authorName,omitempty"`
	ChangedAt    time.Time `json:"changedAt,omitzero"`
	PostedAt     time.Time `json:"postedAt,omitzero"` // zero: the student does not see it yet
	Version      int64     `json:"version"`
}

// Validate checks what a marker wrote.
func (a Annotation) Validate() error {
	if strings.TrimSpace(a.Body) == "" {
		return FieldErrorf(KindRule, "body", "Write what you want to say about this place.")
	}
	if err := first(checkID("id", a.ID), checkRemark("body", a.Body)); err != nil {
		return err
	}
	if a.FileID != "" {
		if err := checkID("fileId", a.FileID); err != nil {
			return err
		}
	}
	return a.Anchor.Validate()
}

// Find returns where the anchor's words are in the text, which is counted as browsers count: at the place where they were,
// or else at the nearest place with the same words. Work is immutable, so they only move when a file is read differently.
func (a Anchor) Find(text []uint16) (start, end int, ok bool) {
	quote := utf16.Encode([]rune(a.Quote))
	if len(quote) == 0 {
		return 0, 0, false
	}
	best := -1
	for i := 0; i+len(quote) <= len(text); i++ {
		if i == a.Start && slices.Equal(text[i:i+len(quote)], quote) {
			return i, i + len(quote), true
		}
		if text[i] == quote[0] && slices.Equal(text[i:i+len(quote)], quote) && (best < 0 || distance(i, a.Start) < distance(best, a.Start)) {
			best = i
		}
	}
	return best, best + len(quote), best >= 0
}

func distance(a, b int) int { return max(a-b, b-a) }
