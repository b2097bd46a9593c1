package lms

import "time"

// MinGroup is the number of students below which a group of a GapReport is merged into "other": a report is no way to see what one
// student asks.
const MinGroup = 3

// GapReport tells what the students of a course ask the tutor, and where the material leaves them alone (TUTOR-26). It holds no
// names and no text of a single student. Groups of fewer than MinGroup students are merged.
type GapReport struct {
	CourseID   string       `json:"courseId"`
	From       time.Time    `json:"from"`
	To         time.Time    `json:"to"`
	Asked      int          `json:"asked"`
	Students   int          `json:"students"`
	Cut        bool         `json:"cut,omitempty"` // there were more questions than the report reads; it has the latest
	Frequent   []GapGroup   `json:"frequent"`      // questions by their words, most asked first
	Unanswered []GapGroup   `json:"unanswered"`    // of them those for which no passage was found
	Unhelpful  []GapGroup   `json:"unhelpful"`     // of them those whose answer was rated unhelpful
	Passages   []GapPassage `json:"passages"`      // most cited first
	Items      []GapItem    `json:"items"`         // by the page or assignment that was asked about
	Weeks      []GapItem    `json:"weeks"`         // ISO weeks such as "2026-W47", in UTC, oldest first
}

// GapGroup is questions that have their words in common.
type GapGroup struct {
	Words    []string `json:"words"` // most common first; empty: the merged rest
	Count    int      `json:"count"`
	Students int      `json:"students"`
}

// GapPassage is a passage that answers cite.
type GapPassage struct {
	MaterialID string `json:"materialId,omitempty"` // empty: the merged rest, or an entry of the FAQ
	Ordinal    int    `json:"ordinal,omitempty"`
	Endorsed   string `json:"endorsed,omitempty"`
	Place      string `json:"place"`
	Count      int    `json:"count"`
	Students   int    `json:"students"`
}

// GapItem counts the questions about an item, or of a week.
type GapItem struct {
	ID        string `json:"id,omitempty"` // of the material or assignment; empty: a week, the course as a whole, or the merged rest
	Title     string `json:"title"`
	Count     int    `json:"count"`
	NoPassage int    `json:"noPassage"`
	Helpful   int    `json:"helpful"`
	Unhelpful int    `json:"unhelpful"`
	Students  int    `json:"students"`
}

// TutorTurn is one question to the tutor with what became of it, for the report. It never leaves the server.
type TutorTurn struct {
	StudentID string
	At        time.Time
	Text      string // empty: erased
	ItemID    string
	ItemTitle string
	NoPassage bool
	Rated     bool
	Helpful   bool
	Citations []Citation
}
