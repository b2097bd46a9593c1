package lms

import (
	"slices"
	"strings"
	"time"
)

// TotalColumn is the id of the column of the course total, whose cells hold overrides in percent.
const TotalColumn = "total"

// BookColumn is a column of the gradebook: an assignment, or one that staff keep by hand. A column that is not published is
// staff's own and does not count.
type BookColumn struct {
	ID          string    `json:"id"`
	Title       string    `json:"title"`
	Manual      bool      `json:"manual,omitempty"`
	Points      Points    `json:"points"`
	CategoryID  string    `json:"categoryId,omitempty"`
	ExtraCredit bool      `json:"extraCredit,omitempty"`
	NeverDrop   bool      `json:"neverDrop,omitempty"`
	Published   bool      `json:"published"`
	GradeType   GradeType `json:"gradeType,omitempty"`
	Blind       bool      `json:"blind,omitempty"` // nothing of it is here before the identities are revealed
	DueAt       time.Time `json:"dueAt,omitzero"`
	ArchivedAt  time.Time `json:"archivedAt,omitzero"`
	Version     int64     `json:"version"`
}

// Counts reports whether the column is part of totals.
func (c BookColumn) Counts() bool { return c.Published && c.GradeType != GradeUngraded && !c.Blind }

// Validate checks what a person typed.
func (c BookColumn) Validate() error {
	if err := first(checkID("id", c.ID), checkTitle("title", c.Title)); err != nil {
		return err
	}
	if c.ID == TotalColumn {
		return FieldErrorf(KindInvalid, "id", "This id belongs to the course total.")
	}
	if c.Points < 0 || c.Points > MaxPoints {
		return FieldErrorf(KindRule, "points", "Points lie between 0 and %s.", MaxPoints)
	}
	return nil
}

// BookSettings are a course's rules of the gradebook. Version 0: nobody has changed the defaults.
type BookSettings struct {
	Categories   []Category `json:"categories"`
	Letters      []Letter   `json:"letters"`
	PassMark     *Percent   `json:"passMark,omitempty"`
	ReleaseStats bool       `json:"releaseStats"` // students see statistics of MinStats and more
	Version      int64      `json:"version"`
}

// Scale is the course's letter scale, or the usual one where it has set none.
func (s BookSettings) Scale() []Letter {
	if len(s.Letters) > 0 {
		return s.Letters
	}
	return Letters
}

// Limits of the rules of a gradebook.
const (
	MaxCategories = 50
	MaxLetters    = 30
	MinStats      = 5 // students see no statistics of fewer marks
)

// Validate refuses rules that cannot be meant.
func (s BookSettings) Validate() error {
	const most = Percent(1000_00)
	if len(s.Categories) > MaxCategories || len(s.Letters) > MaxLetters {
		return FieldErrorf(KindRule, "categories", "A course has at most %d categories and %d letters.", MaxCategories, MaxLetters)
	}
	ids := map[string]bool{}
	for _, c := range s.Categories {
		if err := first(checkID("id", c.ID), checkTitle("categories", c.Name)); err != nil {
			return err
		}
		switch {
		case ids[c.ID]:
			return FieldErrorf(KindInvalid, "categories", "A category occurs twice.")
		case c.Weight < 0 || c.Weight > most:
			return FieldErrorf(KindRule, "categories", "The weight of %s lies between 0 and %s %%.", c.Name, most)
		case c.DropLowest < 0 || c.DropHighest < 0 || c.DropLowest > 1000 || c.DropHighest > 1000:
			return FieldErrorf(KindRule, "categories", "The number of dropped items of %s lies between 0 and 1000.", c.Name)
		}
		ids[c.ID] = true
	}
	for _, l := range s.Letters {
		if l.Min < 0 || l.Min > most {
			return FieldErrorf(KindRule, "letters", "%s begins at a total between 0 and %s %%.", l.Letter, most)
		}
	}
	if s.PassMark != nil && (*s.PassMark < 0 || *s.PassMark > most) {
		return FieldErrorf(KindRule, "passMark", "The pass mark lies between 0 and %s %%.", most)
	}
	return CheckLetters(s.Letters)
}

// Warning tells what is allowed but hardly meant: weights that do not add up, columns that count nowhere.
func (s BookSettings) Warning(columns []BookColumn) string {
	if len(s.Categories) == 0 {
		return ""
	}
	var parts []string
	var sum Percent
	for _, c := range s.Categories {
		sum += c.Weight
	}
	if sum != 100_00 {
		text := "The weights add up to " + sum.String() + " %, not 100 %."
		if sum < 100_00 {
			text += " Totals are divided by that sum."
		}
		parts = append(parts, text)
	}
	var lost []string
	for _, c := range columns {
		if c.Counts() && !slices.ContainsFunc(s.Categories, func(k Category) bool { return k.ID == c.CategoryID }) {
			lost = append(lost, c.Title)
		}
	}
	if len(lost) > 0 {
		parts = append(parts, "In no category, so not counted: "+strings.Join(lost, ", ")+".")
	}
	return strings.Join(parts, " ")
}

// BookRow is a student's row of the grid. Cells are encoded by BookCell.Encode in the order of the columns, with spaces
// between them, so that a thousand rows are read at once; displayed totals are "" when nothing counts.
type BookRow struct {
	UserID     string `json:"userId"`
	Name       string `json:"name"`
	Login      string `json:"login"`
	Section    string `json:"section,omitempty"` // id
	Cells      string `json:"cells"`
	Current    string `json:"current,omitempty"`
	Final      string `json:"final,omitempty"`
	Override   string `json:"override,omitempty"` // cell of the total, encoded; the mark is in percent
	Letter     string `json:"letter,omitempty"`
	Level      Level  `json:"level"`
	Categories string `json:"categories,omitempty"` // current percentage of each category, with spaces between
}

// Cell is the cell of the column with the number.
func (r BookRow) Cell(n int) BookCell {
	rest := r.Cells
	for ; n > 0; n-- {
		_, after, ok := strings.Cut(rest, " ")
		if !ok {
			return BookCell{}
		}
		rest = after
	}
	cell, _, _ := strings.Cut(rest, " ")
	return ParseBookCell(cell)
}

// Gradebook is the grid of a course, or of one of its sections, as staff see it.
type Gradebook struct {
	Settings BookSettings `json:"settings"`
	Columns  []BookColumn `json:"columns"`
	Sections []Section    `json:"sections"`
	Rows     []BookRow    `json:"rows"` // by name
	Warning  string       `json:"warning,omitempty"`
}

// MarkChange is one entry of the history of a cell.
type MarkChange struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`
	Posted bool      `json:"posted,omitempty"` // made visible; else a draft was changed
	Hidden bool      `json:"hidden,omitempty"` // taken back from the student's view
	Import bool      `json:"import,omitempty"` // by an import or its undoing
	Old    Mark      `json:"old"`
	New    Mark      `json:"new"`
}

// BookCellDetail is one cell with everything about it, for staff, and the student's row as it is now.
type BookCellDetail struct {
	Column       BookColumn   `json:"column"`
	Mark         Mark         `json:"mark"`
	Posted       *Mark        `json:"posted,omitempty"` // what the student sees; nil: nothing
	Scored       Scored       `json:"scored"`
	SubmissionID string       `json:"submissionId,omitempty"`
	SubmittedAt  time.Time    `json:"submittedAt,omitzero"`
	DueAt        time.Time    `json:"dueAt,omitzero"` // the student's own
	Version      int64        `json:"version"`
	History      []MarkChange `json:"history"` // newest first
	Row          BookRow      `json:"row"`
}

// GradeItem is one item of a student's own row and how its number was made. Only what was posted is in it.
type GradeItem struct {
	ID           string    `json:"id"`
	Title        string    `json:"title"`
	Manual       bool      `json:"manual,omitempty"`
	CategoryID   string    `json:"categoryId,omitempty"`
	Possible     Points    `json:"possible"`
	ExtraCredit  bool      `json:"extraCredit,omitempty"`
	GradeType    GradeType `json:"gradeType,omitempty"`
	Blind        bool      `json:"blind,omitempty"` // it is being marked blind: nothing is known before the identities are revealed
	DueAt        time.Time `json:"dueAt,omitzero"`
	State        string    `json:"state"` // graded, missing, excused, submitted or ""
	Scored       Scored    `json:"scored"`
	Shown        string    `json:"shown,omitempty"` // what counts in the words of the grade type, where that is not points
	Late         bool      `json:"late,omitempty"`
	Policy       string    `json:"policy,omitempty"` // the late policy in words, where it took something
	Dropped      bool      `json:"dropped,omitempty"`
	DroppedFinal bool      `json:"droppedFinal,omitempty"`
	PostedAt     time.Time `json:"postedAt,omitzero"`
	ChangedAt    time.Time `json:"changedAt,omitzero"`
}

// TotalPart is a category's part of a displayed total.
type TotalPart struct {
	CategoryID string  `json:"categoryId,omitempty"`
	Name       string  `json:"name"`
	Weight     Percent `json:"weight"`
	Earned     string  `json:"earned"`
	Possible   Points  `json:"possible"`
	Percent    string  `json:"percent"`
}

// BookTotal is a displayed total and how it was made.
type BookTotal struct {
	Percent string      `json:"percent"` // "" when nothing counts
	Weights Percent     `json:"weights"` // the sum of the weights of the parts
	Parts   []TotalPart `json:"parts"`
}

// StudentGrades is a student's own row as the student may see it (BOOK-1).
type StudentGrades struct {
	UserID     string      `json:"userId"`
	Name       string      `json:"name"`
	Items      []GradeItem `json:"items"`
	Categories []Category  `json:"categories"`
	Current    BookTotal   `json:"current"`
	Final      BookTotal   `json:"final"`
	Override   *Percent    `json:"override,omitempty"` // posted by staff in place of the final total
	Letter     string      `json:"letter,omitempty"`
	PassMark   *Percent    `json:"passMark,omitempty"`
	Passed     bool        `json:"passed,omitempty"` // with a pass mark and a total
	Level      Level       `json:"level"`
	Stats      bool        `json:"stats,omitempty"` // the class statistics are released
}

// BookImport is an import that was applied.
type BookImport struct {
	ID        string    `json:"id"`
	FileName  string    `json:"fileName"`
	Changes   int       `json:"changes"`
	By        string    `json:"by"`
	CreatedAt time.Time `json:"createdAt"`
	UndoneBy  string    `json:"undoneBy,omitempty"`
	UndoneAt  time.Time `json:"undoneAt,omitzero"`
	Kept      []string  `json:"kept,omitempty"` // after undoing: cells that were changed since and stay as they are
}

// UndoUntil is until when the import can be undone.
func (i BookImport) UndoUntil() time.Time { return i.CreatedAt.AddDate(0, 0, 30) }
