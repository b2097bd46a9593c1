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
	ArchivedAt      time.Time `json:"archivedAt,omitzero"` // hidden from students; nothing of it is lost
	RevealedAt      time.Time `json:"revealedAt,omitzero"` // when blind marking ended: the identities are known since
	Version         int64     `json:"version"`
	AssignmentRules

	Mine     *Work            `json:"mine,omitempty"`     // the asking student's own work; the dates above are then the student's own
	Stats    *AssignmentStats `json:"stats,omitempty"`    // for staff
	LateText string           `json:"lateText,omitempty"` // what lateness costs, in a sentence
}

// AssignmentRules is what has a default and is folded away in the form.
type AssignmentRules struct {
	GradeType    GradeType   `json:"gradeType,omitempty"`
	CategoryID   string      `json:"categoryId,omitempty"`
	ExtraCredit  bool        `json:"extraCredit,omitempty"`  // adds points and nothing to the possible ones
	NeverDrop    bool        `json:"neverDrop,omitempty"`    // no drop rule of its category leaves it out
	GradeByAt    time.Time   `json:"gradeByAt,omitzero"`     // a reminder to staff
	AlwaysShow   bool        `json:"alwaysShow,omitempty"`   // students read the description before it opens
	AllowURL     bool        `json:"allowUrl,omitempty"`     // a web address can be handed in
	OnPaper      bool        `json:"onPaper,omitempty"`      // handed in outside of the site: nothing is taken here and nobody is missing
	Honour       string      `json:"honour,omitempty"`       // statement that must be ticked; empty: none
	HandInDrafts bool        `json:"handInDrafts,omitempty"` // at the cut-off an unsent draft is handed in; otherwise it stays a draft
	LatePolicy   *LatePolicy `json:"latePolicy,omitempty"`   // nil: as the course has it
	Blind        bool        `json:"blind,omitempty"`        // markers see pseudonyms until the identities are revealed
	HideMarkers  bool        `json:"hideMarkers,omitempty"`  // students do not see who marked
}

// validate refuses what cannot be meant, naming the field.
func (r AssignmentRules) validate(a Assignment) error {
	switch r.GradeType {
	case "", GradePoints, GradePercent, GradeLetter, GradePassFail, GradeUngraded:
	default:
		return FieldErrorf(KindRule, "gradeType", "%q is not a grade type. Choose points, percent, letter, passfail or ungraded.", string(r.GradeType))
	}
	switch {
	case r.CategoryID != "" && !ValidID(r.CategoryID):
		return FieldErrorf(KindInvalid, "categoryId", "This is not an id.")
	case r.OnPaper && (a.AllowText || r.AllowURL || a.MaxFiles > 0):
		return FieldErrorf(KindRule, "onPaper", "Work on paper is handed in outside of the site. Untick text, web address and files, or untick this.")
	case r.OnPaper && r.Blind:
		return FieldErrorf(KindRule, "blind", "Work on paper cannot be marked blind here, because marks for it are entered by name. Untick one of the two.")
	case r.HandInDrafts && a.CutoffAt.IsZero():
		return FieldErrorf(KindRule, "handInDrafts", "Drafts are handed in at the cut-off, and there is none. Set a cut-off, or let drafts stay drafts.")
	case r.HandInDrafts && r.Honour != "":
		return FieldErrorf(KindRule, "handInDrafts", "A draft cannot be handed in by itself when the student must tick a statement. Choose one of the two.")
	}
	if err := checkBody("honour", r.Honour); err != nil {
		return err
	}
	if len([]rune(r.Honour)) > MaxHonour {
		return FieldErrorf(KindRule, "honour", "At most %d characters; this has %d.", MaxHonour, len([]rune(r.Honour)))
	}
	if r.LatePolicy != nil {
		return r.LatePolicy.Validate()
	}
	return nil
}

// MaxHonour is the longest statement that students tick, in characters.
const MaxHonour = 1000

// AssignmentStats counts work for staff.
type AssignmentStats struct {
	Students  int `json:"students"`
	Submitted int `json:"submitted"` // students with at least one attempt
	Ungraded  int `json:"ungraded"`  // latest attempts without a draft or posted grade
	Unposted  int `json:"unposted"`  // draft grades that the student cannot see yet
}

// Validate checks what a person typed; opens <= due <= cut-off (ASSIGN-2).
func (a Assignment) Validate() error {
	if err := first(checkID("id", a.ID), checkTitle("title", a.Title), checkBody("description", a.Description), a.checkDates()); err != nil {
		return err
	}
	switch {
	case a.Points < 0 || a.Points > MaxPoints:
		return FieldErrorf(KindRule, "points", "Points lie between 0 and %s.", MaxPoints)
	case !a.AllowText && !a.AllowURL && !a.OnPaper && a.MaxFiles == 0:
		return FieldErrorf(KindRule, "allowText", "Allow text, a web address, files, or work on paper: otherwise nobody can hand anything in.")
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
	return a.AssignmentRules.validate(a)
}

// checkDates refuses dates out of their order, naming the pair (ASSIGN-2).
func (a Assignment) checkDates() error {
	switch {
	case !a.OpensAt.IsZero() && !a.DueAt.IsZero() && a.OpensAt.After(a.DueAt):
		return FieldErrorf(KindRule, "opensAt", "It opens after it is due. Move one of the two dates.")
	case !a.DueAt.IsZero() && !a.CutoffAt.IsZero() && a.DueAt.After(a.CutoffAt):
		return FieldErrorf(KindRule, "cutoffAt", "The cut-off lies before the due date. Move one of the two dates.")
	case !a.OpensAt.IsZero() && !a.CutoffAt.IsZero() && a.OpensAt.After(a.CutoffAt):
		return FieldErrorf(KindRule, "cutoffAt", "The cut-off lies before the opening. Move one of the two dates.")
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
	if a.OnPaper {
		return "on paper, outside of this site"
	}
	if a.AllowText {
		parts = append(parts, "text")
	}
	if a.AllowURL {
		parts = append(parts, "a web address")
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
	if n := len(parts); n > 2 {
		parts = []string{strings.Join(parts[:n-1], ", "), parts[n-1]}
	}
	return strings.Join(parts, " and ")
}

// Refusals of a hand-in.
var (
	ErrNotOpen    = Errorf(KindRule, "This assignment has not opened yet. Your work is kept as it is.")
	ErrClosed     = Errorf(KindRule, "The cut-off of this assignment has passed, so it takes no more work. Your work is kept on this page; ask your instructor for an extension.")
	ErrAttempts   = Errorf(KindRule, "You have used all attempts of this assignment.")
	ErrHonour     = FieldErrorf(KindRule, "honour", "Please read the statement and tick it before you hand in. Your work is kept.")
	ErrOnPaper    = Errorf(KindRule, "Work for this assignment is handed in on paper. Give it to your instructor.")
	ErrEmptyWork  = FieldErrorf(KindRule, "text", "There is nothing to hand in yet. Write something or add a file.")
	ErrCourseOver = Errorf(KindRule, "This course has ended and can only be read.")
)
