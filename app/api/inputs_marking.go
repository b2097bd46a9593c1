package api

import (
	"slices"
	"strings"

	"trivium/app/lms"
)

// Inputs that only name an object of marking.
type (
	RubricPath struct {
		Course string `param:"course" json:"-"`
		Rubric string `param:"rubric" json:"-"`
	}
	CommentPath struct {
		Course     string `param:"course" json:"-"`
		Submission string `param:"submission" json:"-"`
		Comment    string `param:"comment" json:"-"`
	}
	AnnotationPath struct {
		Course     string `param:"course" json:"-"`
		Submission string `param:"submission" json:"-"`
		Annotation string `param:"annotation" json:"-"`
	}
	FeedbackUndo struct {
		Course     string `param:"course" json:"-"`
		Assignment string `param:"assignment" json:"-"`
		Feedback   string `param:"feedback" json:"-"`
	}
)

func (in RubricPath) Validate() error     { return checkIDs(in.Course, in.Rubric) }
func (in CommentPath) Validate() error    { return checkIDs(in.Course, in.Submission, in.Comment) }
func (in AnnotationPath) Validate() error { return checkIDs(in.Course, in.Submission, in.Annotation) }
func (in FeedbackUndo) Validate() error   { return checkIDs(in.Course, in.Assignment, in.Feedback) }

// MarkingInput changes how an assignment is marked.
type MarkingInput struct {
	Course      string        `param:"course" json:"-"`
	Assignment  string        `param:"assignment" json:"-"`
	GradeType   lms.GradeType `json:"gradeType,omitempty"` // empty: as it is
	Posting     lms.Posting   `json:"posting"`
	RubricID    string        `json:"rubricId,omitempty"` // empty: none
	RubricShown bool          `json:"rubricShown"`
	Version     int64         `json:"version"`
}

// Value is the domain value of the input.
func (in MarkingInput) Value() lms.Marking {
	return lms.Marking{AssignmentID: in.Assignment, GradeType: in.GradeType, Posting: in.Posting, RubricID: in.RubricID, RubricShown: in.RubricShown, Version: in.Version}
}

func (in MarkingInput) Validate() error {
	return firstErr(checkIDs(in.Course, in.Assignment), in.Value().Validate())
}

// HideGradesInput hides the posted grades and remarks of the named submissions, of a section, or of all.
type HideGradesInput struct {
	Course      string   `param:"course" json:"-"`
	Assignment  string   `param:"assignment" json:"-"`
	Submissions []string `json:"submissions,omitempty"`
	Section     string   `json:"section,omitempty"`
}

// Scope is the domain value of the input.
func (in HideGradesInput) Scope() lms.PostScope {
	return lms.PostScope{Submissions: in.Submissions, Section: in.Section}
}

func (in HideGradesInput) Validate() error {
	return firstErr(checkIDs(in.Course, in.Assignment), checkScope(in.Scope()))
}

func checkScope(s lms.PostScope) error {
	if s.Section != "" {
		if err := checkIDs(s.Section); err != nil {
			return err
		}
	}
	if s.Section != "" && len(s.Submissions) > 0 || s.Everyone && (s.Section != "" || len(s.Submissions) > 0) {
		return lms.FieldErrorf(lms.KindRule, "submissions", "Name submissions, or a section, or everyone; not two of them.")
	}
	return checkIDs(s.Submissions...)
}

// HideGradesOutput counts the grades that are hidden now.
type HideGradesOutput struct {
	Hidden int `json:"hidden"`
}

// RubricInput makes a rubric.
type RubricInput struct {
	Course     string          `param:"course" json:"-"`
	ID         string          `json:"id"`
	Title      string          `json:"title"`
	FreePoints bool            `json:"freePoints,omitempty"`
	Criteria   []lms.Criterion `json:"criteria"`
}

// Value is the domain value of the input.
func (in RubricInput) Value() lms.Rubric {
	return lms.Rubric{ID: in.ID, CourseID: in.Course, Title: in.Title, FreePoints: in.FreePoints, Criteria: in.Criteria}
}

func (in RubricInput) Validate() error { return firstErr(checkIDs(in.Course), in.Value().Validate()) }

// UpdateRubricInput makes a new version of a rubric.
type UpdateRubricInput struct {
	Course     string          `param:"course" json:"-"`
	Rubric     string          `param:"rubric" json:"-"`
	Title      string          `json:"title"`
	FreePoints bool            `json:"freePoints,omitempty"`
	Criteria   []lms.Criterion `json:"criteria"`
	Version    int64           `json:"version"`
}

// Value is the domain value of the input.
func (in UpdateRubricInput) Value() lms.Rubric {
	return lms.Rubric{ID: in.Rubric, CourseID: in.Course, Title: in.Title, FreePoints: in.FreePoints, Criteria: in.Criteria, Version: in.Version}
}

func (in UpdateRubricInput) Validate() error {
	return firstErr(checkIDs(in.Course), in.Value().Validate())
}

// CommentInput writes to the thread about a student's work.
type CommentInput struct {
	Course     string   `param:"course" json:"-"`
	Submission string   `param:"submission" json:"-"`
	ID         string   `json:"id"`
	Body       string   `json:"body,omitempty"`
	Files      []string `json:"files,omitempty"` // ids of files that have arrived
}

// Value is the domain value of the input.
func (in CommentInput) Value() lms.Comment {
	c := lms.Comment{ID: in.ID, SubmissionID: in.Submission, Body: strings.TrimSpace(in.Body)}
	for _, id := range in.Files {
		c.Files = append(c.Files, lms.File{ID: id})
	}
	return c
}

func (in CommentInput) Validate() error {
	if len(slices.Compact(slices.Sorted(slices.Values(in.Files)))) != len(in.Files) {
		return lms.FieldErrorf(lms.KindRule, "files", "The same file is attached twice.")
	}
	return firstErr(checkIDs(in.Course, in.Submission), in.Value().Validate())
}

// AnnotationInput remarks on a place of a submission.
type AnnotationInput struct {
	Course     string     `param:"course" json:"-"`
	Submission string     `param:"submission" json:"-"`
	ID         string     `json:"id"`
	FileID     string     `json:"fileId,omitempty"` // empty: the text that was handed in
	Anchor     lms.Anchor `json:"anchor"`
	Body       string     `json:"body"`
}

// Value is the domain value of the input.
func (in AnnotationInput) Value() lms.Annotation {
	return lms.Annotation{ID: in.ID, SubmissionID: in.Submission, FileID: in.FileID, Anchor: in.Anchor, Body: strings.TrimSpace(in.Body)}
}

func (in AnnotationInput) Validate() error {
	return firstErr(checkIDs(in.Course, in.Submission), in.Value().Validate())
}

// UpdateAnnotationInput changes what a remark says.
type UpdateAnnotationInput struct {
	Course     string `param:"course" json:"-"`
	Submission string `param:"submission" json:"-"`
	Annotation string `param:"annotation" json:"-"`
	Body       string `json:"body"`
	Version    int64  `json:"version"`
}

func (in UpdateAnnotationInput) Validate() error {
	a := lms.Annotation{ID: in.Annotation, Body: in.Body, Anchor: lms.Anchor{End: 1, Quote: "x"}} // its place stays
	return firstErr(checkIDs(in.Course, in.Submission), a.Validate())
}

// ArchiveInput chooses which work is downloaded.
type ArchiveInput struct {
	Course     string `param:"course" json:"-"`
	Assignment string `param:"assignment" json:"-"`
	Filter     string `query:"filter" json:"-"` // as in the list; empty: all
}

func (in ArchiveInput) Validate() error {
	if in.Filter == "missing" {
		return lms.FieldErrorf(lms.KindRule, "filter", "Missing work cannot be downloaded. Choose another filter.")
	}
	return firstErr(checkIDs(in.Course, in.Assignment), checkFilter(in.Filter))
}

func checkFilter(filter string) error {
	if !slices.Contains(lms.SubmissionFilters, filter) {
		return lms.FieldErrorf(lms.KindInvalid, "filter", "There is no such filter. Use %s.", strings.Join(lms.SubmissionFilters[1:], ", "))
	}
	return nil
}

// FeedbackPath names an uploaded archive of marked files.
type FeedbackPath struct {
	Course     string `param:"course" json:"-"`
	Assignment string `param:"assignment" json:"-"`
	File       string `json:"file"` // id of the uploaded zip
}

func (in FeedbackPath) Validate() error { return checkIDs(in.Course, in.Assignment, in.File) }

// FeedbackInput attaches the marked files of an archive. Matched is what the preview counted: if it would be another number by
// now, nothing is done.
type FeedbackInput struct {
	Course     string `param:"course" json:"-"`
	Assignment string `param:"assignment" json:"-"`
	ID         string `json:"id"`
	File       string `json:"file"`
	Matched    int    `json:"matched"`
}

func (in FeedbackInput) Validate() error {
	return checkIDs(in.Course, in.Assignment, in.File, in.ID)
}

// UndoFeedbackOutput counts the comments that were removed.
type UndoFeedbackOutput struct {
	Removed int `json:"removed"`
}
