package api

import (
	"strings"
	"unicode/utf8"

	"trivium/app/lms"
)

// Inputs that name a part of the gradebook or a note.
type (
	GradebookInput struct {
		Course  string `param:"course" json:"-"`
		Section string `query:"section" json:"-"` // empty: all
	}
	StudentGradesPath struct {
		Course string `param:"course" json:"-"`
		User   string `param:"user" json:"-"`
	}
	ColumnPath struct {
		Course string `param:"course" json:"-"`
		Column string `param:"column" json:"-"`
	}
	CellPath struct {
		Course string `param:"course" json:"-"`
		Column string `param:"column" json:"-"`
		User   string `param:"user" json:"-"`
	}
	ImportPath struct {
		Course string `param:"course" json:"-"`
		Import string `param:"import" json:"-"`
	}
	NotePath struct {
		Course string `param:"course" json:"-"`
		Note   string `param:"note" json:"-"`
	}
)

// MarkInput gives a cell a draft mark if it still has the version.
type MarkInput struct {
	Course     string `param:"course" json:"-"`
	Column     string `param:"column" json:"-"`
	User       string `param:"user" json:"-"`
	Mark       string `json:"mark"` // in the words of the column's grade type: "87.5", "87,5", "87 %", "B+", "pass", "EX" or "" for none
	Version    int64  `json:"version"`
	AllowAbove bool   `json:"allowAbove,omitempty"` // more than the column is worth
}

// maxMark bounds what is typed as a mark, in bytes.
const maxMark = 64

// PostColumnInput posts or hides the marks of a column.
type PostColumnInput struct {
	Course string   `param:"course" json:"-"`
	Column string   `param:"column" json:"-"`
	Hide   bool     `json:"hide,omitempty"`
	Users  []string `json:"users,omitempty"` // none: all
}

// PostColumnOutput tells how many cells changed.
type PostColumnOutput struct {
	Changed int `json:"changed"`
}

// BookSettingsInput replaces the rules of the gradebook if they still have the version.
type BookSettingsInput struct {
	Course string `param:"course" json:"-"`
	lms.BookSettings
}

// ColumnInput describes a column.
type ColumnInput struct {
	Course      string     `param:"course" json:"-"`
	ID          string     `json:"id"`
	Title       string     `json:"title"`
	Points      lms.Points `json:"points"`
	CategoryID  string     `json:"categoryId,omitempty"`
	ExtraCredit bool       `json:"extraCredit,omitempty"`
	NeverDrop   bool       `json:"neverDrop,omitempty"`
	Published   bool       `json:"published"`
}

// UpdateColumnInput changes a column if it still has the version.
type UpdateColumnInput struct {
	Column string `param:"column" json:"-"`
	ColumnInput
	Version int64 `json:"version"`
}

// ExportBookInput says how the CSV is written.
type ExportBookInput struct {
	Course    string `param:"course" json:"-"`
	Section   string `query:"section" json:"-"`
	BOM       bool   `query:"bom" json:"-"`
	Semicolon bool   `query:"semicolon" json:"-"` // and decimal commas
}

// PreviewImportInput is a CSV with what to do about columns that the gradebook does not have.
type PreviewImportInput struct {
	Course string   `param:"course" json:"-"`
	CSV    string   `json:"csv"`
	Create []string `json:"create,omitempty"` // headers of columns to make; the others are ignored
}

// ApplyImportInput is a previewed CSV with the hash of its preview.
type ApplyImportInput struct {
	Course   string   `param:"course" json:"-"`
	ID       string   `json:"id"`
	FileName string   `json:"fileName"`
	CSV      string   `json:"csv"`
	Create   []string `json:"create,omitempty"`
	Hash     string   `json:"hash"`
}

// ListNotesInput pages through notes.
type ListNotesInput struct {
	Course string `param:"course" json:"-"`
	After  string `query:"after" json:"-"`
	Limit  int    `query:"limit" json:"-"` // 0: MaxPage
}

// NoteInput is feedback to somebody.
type NoteInput struct {
	Course string `param:"course" json:"-"`
	ID     string `json:"id"`
	To     string `json:"to"` // user
	Body   string `json:"body"`
}

func optionalField(field, id string) error {
	if id != "" && !lms.ValidID(id) {
		return lms.FieldErrorf(lms.KindInvalid, field, "This is not an id.")
	}
	return nil
}

// Validate checks the ids.
func (in GradebookInput) Validate() error {
	return firstErr(checkIDs(in.Course), optionalField("section", in.Section))
}

// Validate checks the ids.
func (in StudentGradesPath) Validate() error { return checkIDs(in.Course, in.User) }

// Validate checks the ids.
func (in ColumnPath) Validate() error { return checkIDs(in.Course, in.Column) }

// Validate checks the ids.
func (in CellPath) Validate() error { return checkIDs(in.Course, in.Column, in.User) }

// Validate checks the ids.
func (in ImportPath) Validate() error { return checkIDs(in.Course, in.Import) }

// Validate checks the ids.
func (in NotePath) Validate() error { return checkIDs(in.Course, in.Note) }

// Validate checks that the text can be a mark; what the column is worth is checked where that is known.
func (in MarkInput) Validate() error {
	if len(in.Mark) > maxMark || !utf8.ValidString(in.Mark) { // what it means depends on the column
		return lms.FieldErrorf(lms.KindRule, "mark", "This is too long for a mark. Write points such as 87.5, a percentage such as 87 %%, or EX for excused.")
	}
	return checkIDs(in.Course, in.Column, in.User)
}

// Validate checks the ids.
func (in PostColumnInput) Validate() error {
	return firstErr(checkIDs(in.Course, in.Column), checkIDs(in.Users...))
}

// Validate checks the rules.
func (in BookSettingsInput) Validate() error {
	return firstErr(checkIDs(in.Course), in.BookSettings.Validate())
}

// Value is the column of the input.
func (in ColumnInput) Value() lms.BookColumn {
	return lms.BookColumn{ID: in.ID, Title: in.Title, Manual: true, Points: in.Points, CategoryID: in.CategoryID, ExtraCredit: in.ExtraCredit,
		NeverDrop: in.NeverDrop, Published: in.Published}
}

// Validate checks what a person typed.
func (in ColumnInput) Validate() error {
	return firstErr(checkIDs(in.Course), in.Value().Validate(), optionalField("categoryId", in.CategoryID))
}

// Validate checks what a person typed.
func (in UpdateColumnInput) Validate() error {
	in.ID = in.Column
	return in.ColumnInput.Validate()
}

// Validate checks the ids.
func (in ExportBookInput) Validate() error {
	return firstErr(checkIDs(in.Course), optionalField("section", in.Section))
}

func checkCSV(text string, create []string) error {
	switch {
	case strings.TrimSpace(text) == "":
		return lms.FieldErrorf(lms.KindRule, "csv", "The file is empty. Export the gradebook and begin with that file.")
	case len(create) > 200:
		return lms.FieldErrorf(lms.KindRule, "create", "At most 200 columns can be made at once.")
	}
	return nil
}

// Validate checks that there is a file.
func (in PreviewImportInput) Validate() error {
	return firstErr(checkIDs(in.Course), checkCSV(in.CSV, in.Create))
}

// Validate checks that there is a file and a preview.
func (in ApplyImportInput) Validate() error {
	if in.Hash == "" {
		return lms.FieldErrorf(lms.KindRule, "hash", "Look at a preview first: an import does exactly what its preview shows.")
	}
	if utf8.RuneCountInString(in.FileName) > lms.MaxTitle || !utf8.ValidString(in.FileName) {
		return lms.FieldErrorf(lms.KindRule, "fileName", "The name of the file has at most %d characters.", lms.MaxTitle)
	}
	return firstErr(checkIDs(in.Course, in.ID), checkCSV(in.CSV, in.Create))
}

// Validate checks the ids and the limit.
func (in ListNotesInput) Validate() error {
	return firstErr(checkIDs(in.Course), optionalField("after", in.After), checkLimit(in.Limit))
}

// Value is the note of the input.
func (in NoteInput) Value() lms.Note {
	return lms.Note{ID: in.ID, CourseID: in.Course, ToID: in.To, Body: in.Body}
}

// Validate checks what a person typed.
func (in NoteInput) Validate() error { return firstErr(checkIDs(in.Course), in.Value().Validate()) }
