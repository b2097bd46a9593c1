package lms

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Assignment is a gradable task.
type Assignment struct {
	ID              string    `json:"id"`
	CourseID        string    `json:"courseId"`
	Title           string    `json:"title"`
	Description     string    `json:"description"`               // Markdown
	DescriptionHTML string    `json:"descriptionHtml,omitempty"` // safe HTML, made by the node
	Points          Points    `json:"points"`
	OpensAt         time.Time `json:"opensAt,omitzero"`
	DueAt           time.Time `json:"dueAt,omitzero"`
	CutoffAt        time.Time `json:"cutoffAt,omitzero"`
	AllowText       bool      `json:"allowText"`
	MaxFiles        int       `json:"maxFiles"`     // 0: no files
	MaxFileSize     int64     `json:"maxFileSize"`  // bytes, inclusive
	AllowedTypes    []string  `json:"allowedTypes"` // extensions such as ".pdf"; empty: any
	MaxAttempts     int       `json:"maxAttempts"`  // 0: no limit
	Published       bool      `json:"published"`    // a draft is 404 for students
	Attachments     []File    `json:"attachments,omitempty"`
	CreatedAt       time.Time `json:"createdAt,omitzero"`
	Version         int64     `json:"version"`

	Mine  *Work            `json:"mine,omitempty"`  // the asking student's own work
	Stats *AssignmentStats `json:"stats,omitempty"` // for staff
}

// AssignmentStats counts work for staff.
type AssignmentStats struct {
	Students  int `json:"students"`
	Submitted int `json:"submitted"` // students with at least one attempt
	Ungraded  int `json:"ungraded"`  // latest attempts without a draft or posted grade
	Unposted  int `json:"unposted"`  // draft grades that the student cannot see yet
}

// Validate checks what a person typed; opens <= due <= cut-off (ASSIGN-2).
func (a Assignment) Validate() error {
	if err := first(checkID("id", a.ID), checkTitle("title", a.Title), checkBody("description", a.Description)); err != nil {
		return err
	}
	switch {
	case a.Points < 0 || a.Points > MaxPoints:
		return FieldErrorf(KindRule, "points", "Points lie between 0 and %s.", MaxPoints)
	case !a.OpensAt.IsZero() && !a.DueAt.IsZero() && a.OpensAt.After(a.DueAt):
		return FieldErrorf(KindRule, "opensAt", "It opens after it is due. Move one of the two dates.")
	case !a.DueAt.IsZero() && !a.CutoffAt.IsZero() && a.DueAt.After(a.CutoffAt):
		return FieldErrorf(KindRule, "cutoffAt", "The cut-off lies before the due date. Move one of the two dates.")
	case !a.OpensAt.IsZero() && !a.CutoffAt.IsZero() && a.OpensAt.After(a.CutoffAt):
		return FieldErrorf(KindRule, "cutoffAt", "The cut-off lies before the opening. Move one of the two dates.")
	case !a.AllowText && a.MaxFiles == 0:
		return FieldErrorf(KindRule, "allowText", "Allow text, files, or both: otherwise nobody can hand anything in.")
	case a.MaxFiles < 0 || a.MaxFiles > 50:
		return FieldErrorf(KindRule, "maxFiles", "The number of files lies between 0 and 50.")
	case a.MaxFiles > 0 && (a.MaxFileSize <= 0 || a.MaxFileSize > MaxFileSize):
		return FieldErrorf(KindRule, "maxFileSize", "The size of a file lies between 1 byte and %s.", FormatBytes(MaxFileSize))
	case a.MaxAttempts < 0:
		return FieldErrorf(KindRule, "maxAttempts", "The number of attempts cannot be negative; 0 means no limit.")
	}
	for _, t := range a.AllowedTypes {
		if !strings.HasPrefix(t, ".") || strings.ContainsAny(t, "/\\ *?") || t != strings.ToLower(t) || len(t) < 2 {
			return FieldErrorf(KindRule, "allowedTypes", "%q is not a file extension. Write for example .pdf or .docx.", t)
		}
	}
	return nil
}

// CheckOpen refuses a hand-in at a time outside of opens and cut-off.
func (a Assignment) CheckOpen(now time.Time) error {
	if !a.OpensAt.IsZero() && now.Before(a.OpensAt) {
		return ErrNotOpen
	}
	if !a.CutoffAt.IsZero() && now.After(a.CutoffAt) {
		return ErrClosed
	}
	return nil
}

// Late tells by how much a hand-in at the time is late; 0 is on time. Exactly at the due date is on time.
func (a Assignment) Late(submitted time.Time) time.Duration {
	if a.DueAt.IsZero() || !submitted.After(a.DueAt) {
		return 0
	}
	return submitted.Sub(a.DueAt)
}

// CheckFile refuses a file that the assignment does not take, naming the file and the limit.
func (a Assignment) CheckFile(f File) error {
	if a.MaxFiles == 0 {
		return FieldErrorf(KindRule, "files", "This assignment takes no files.")
	}
	if f.Size > a.MaxFileSize {
		return FieldErrorf(KindTooLarge, "files", "%s has %s; this assignment takes at most %s a file.", f.Name, FormatBytes(f.Size), FormatBytes(a.MaxFileSize))
	}
	if len(a.AllowedTypes) > 0 && !slices.Contains(a.AllowedTypes, strings.ToLower(path.Ext(f.Name))) {
		return FieldErrorf(KindUnsupported, "files", "%s is not of a type that this assignment takes (%s).", f.Name, strings.Join(a.AllowedTypes, ", "))
	}
	return nil
}

// Describe says in one line what can be handed in.
func (a Assignment) Describe() string {
	var parts []string
	if a.AllowText {
		parts = append(parts, "text")
	}
	if a.MaxFiles > 0 {
		types := "any type"
		if len(a.AllowedTypes) > 0 {
			types = strings.Join(a.AllowedTypes, ", ")
		}
		n := "1 file"
		if a.MaxFiles > 1 {
			n = fmt.Sprintf("up to %d files", a.MaxFiles)
		}
		parts = append(parts, fmt.Sprintf("%s (%s, at most %s each)", n, types, FormatBytes(a.MaxFileSize)))
	}
	return strings.Join(parts, " and ")
}

// Refusals of a hand-in.
var (
	ErrNotOpen    = Errorf(KindRule, "This assignment has not opened yet. Your work is kept as it is.")
	ErrClosed     = Errorf(KindRule, "The cut-off of this assignment has passed, so it takes no more work. Your work is kept on this page; ask your instructor for an extension.")
	ErrAttempts   = Errorf(KindRule, "You have used all attempts of this assignment.")
	ErrEmptyWork  = FieldErrorf(KindRule, "text", "There is nothing to hand in yet. Write something or add a file.")
	ErrCourseOver = Errorf(KindRule, "This course has ended and can only be read.")
)
