package lms

import (
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// Draft is unsent work: what a student has saved and not handed in (SUBMIT-6). Only its author reads it.
type Draft struct {
	AssignmentID string    `json:"assignmentId"`
	Text         string    `json:"text,omitempty"`
	URL          string    `json:"url,omitempty"`
	Files        []File    `json:"files,omitempty"`
	SavedAt      time.Time `json:"savedAt,omitzero"`
	Version      int64     `json:"version"` // 0: nothing is saved
}

// Empty reports whether there is nothing to hand in.
func (d Draft) Empty() bool {
	return strings.TrimSpace(d.Text) == "" && strings.TrimSpace(d.URL) == "" && len(d.Files) == 0
}

// MaxURL is the longest web address that can be handed in, in bytes.
const MaxURL = 2000

// CheckWebAddress refuses what is not the address of a web page.
func CheckWebAddress(s string) error {
	if s == "" {
		return nil
	}
	if len(s) > MaxURL || !utf8.ValidString(s) {
		return FieldErrorf(KindRule, "url", "A web address has at most %d bytes.", MaxURL)
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return FieldErrorf(KindRule, "url", "This is not a web address. Write one such as https://example.org/page.")
	}
	return nil
}

// ClosedAt is the refusal of work after the cut-off, with its time.
func ClosedAt(cutoff time.Time, zone *time.Location) error {
	return Errorf(KindRule, "The cut-off of this assignment was %s, so it takes no more work. Your work is kept as a draft; you can ask for an extension.",
		cutoff.In(zone).Format("Mon 2 Jan 2006, 15:04 MST"))
}

// LateCost is what handing in at a moment costs.
type LateCost struct {
	Seconds   int64  `json:"seconds"`   // late by
	Intervals int64  `json:"intervals"` // begun late days or hours
	Points    Score  `json:"points"`    // taken from work that would get full points, in millionths
	Rule      string `json:"rule"`      // the late policy in a sentence
}

// CostAt is what handing in at the time costs; nil when it is on time.
func (p LatePolicy) CostAt(a Assignment, zone *time.Location, now time.Time) *LateCost {
	late := a.Late(now)
	if late <= 0 {
		return nil
	}
	c := &LateCost{Seconds: int64((late + time.Second - 1) / time.Second), Intervals: p.Intervals(a.DueAt, now, zone)}
	if p.Missing = nil; a.GradeType.Counts() { // what missing work counts is no matter here
		c.Points, c.Rule = p.Deduction(a.Points, a.Points, c.Intervals), p.Describe()
	}
	return c
}

// Preview tells what a change of a policy, a date or an override does to work that is there (LATE-5).
type Preview struct {
	Token   string          `json:"token"`   // of the state that was looked at; a change carries it
	Changes []PreviewChange `json:"changes"` // students in the order of their names
}

// PreviewChange is what changes for one student in one assignment.
type PreviewChange struct {
	UserID       string `json:"userId"`
	UserName     string `json:"userName"`
	AssignmentID string `json:"assignmentId"`
	Title        string `json:"title"`
	Old          Scored `json:"old"`
	New          Scored `json:"new"`
	OldLate      int64  `json:"oldLate,omitempty"` // seconds
	NewLate      int64  `json:"newLate,omitempty"`
}

// Refusals of changes that affect work.
var (
	ErrPreview      = FieldErrorf(KindConflict, "preview", "This changes the results of work that is there already. Look at the preview first, then apply it.")
	ErrPreviewStale = FieldErrorf(KindConflict, "preview", "Work, grades or dates have changed since the preview. Nothing was applied; look at the new preview.")
)

// CourseLate is the late policy of a course.
type CourseLate struct {
	Policy  LatePolicy `json:"policy"`
	Text    string     `json:"text"` // the policy in a sentence
	Version int64      `json:"version"`
}

// NewsKind says what is new.
type NewsKind string

// The kinds of news on the home page.
const (
	NewsExtension  NewsKind = "extension"  // other dates or attempts for the reader
	NewsIncomplete NewsKind = "incomplete" // the files of an attempt did not arrive: to its author and to staff
	NewsReturned   NewsKind = "returned"   // staff have returned an attempt to draft
	NewsDraft      NewsKind = "draft"      // a draft was handed in at the cut-off
)

// News is a line in "what is new" on the home page.
type News struct {
	Kind         NewsKind  `json:"kind"`
	CourseID     string    `json:"courseId"`
	CourseCode   string    `json:"courseCode"`
	AssignmentID string    `json:"assignmentId"`
	SubmissionID string    `json:"submissionId,omitempty"`
	Title        string    `json:"title"`
	Who          string    `json:"who,omitempty"` // for staff
	Zone         string    `json:"zone"`
	DueAt        time.Time `json:"dueAt,omitzero"` // of an extension
	CutoffAt     time.Time `json:"cutoffAt,omitzero"`
	At           time.Time `json:"at"`
}

// Choice is one entry of a list to choose from.
type Choice struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Choices is what an assignment can belong to, and whom other dates can be for.
type Choices struct {
	Categories []Choice `json:"categories"`
	Sections   []Choice `json:"sections"`
	Students   []Choice `json:"students"`
}
