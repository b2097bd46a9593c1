package lms

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// Mark is what staff have entered for a student in a column of the gradebook. The zero value is no mark.
type Mark struct {
	Points  *Points `json:"points,omitempty"`
	Excused bool    `json:"excused,omitempty"`
}

// Empty reports whether there is no mark.
func (m Mark) Empty() bool { return m.Points == nil && !m.Excused }

// Equal reports whether both are the same mark.
func (m Mark) Equal(o Mark) bool {
	return m.Excused == o.Excused && (m.Points == nil) == (o.Points == nil) && (m.Points == nil || *m.Points == *o.Points)
}

// String writes a mark as it is typed: "87.5", "EX" or "".
func (m Mark) String() string {
	switch {
	case m.Excused:
		return "EX"
	case m.Points != nil:
		return m.Points.String()
	}
	return ""
}

// ParseMark reads what is typed into a cell: "87.5", "87,5", "87 %" of the possible points, "EX" for excused, or nothing for
// no mark. It refuses anything else with KindRule.
func ParseMark(s string, possible Points) (Mark, error) {
	s = strings.TrimSpace(s)
	switch {
	case s == "":
		return Mark{}, nil
	case strings.EqualFold(s, "EX"):
		return Mark{Excused: true}, nil
	case strings.HasSuffix(s, "%"):
		percent, err := ParsePercent(s)
		if err != nil {
			return Mark{}, FieldErrorf(KindRule, "mark", "%q is not a percentage. Write for example 87.5 %%.", s)
		}
		if possible == 0 {
			return Mark{}, FieldErrorf(KindRule, "mark", "This column has no possible points, so %s has no meaning here. Write points.", s)
		}
		p := Points(divHalfUp(int64(possible)*int64(percent), 100_00))
		return Mark{Points: &p}, nil
	}
	p, err := ParsePoints(s)
	if err != nil {
		return Mark{}, FieldErrorf(KindRule, "mark", "%q is not a mark. Write points such as 87.5, a percentage such as 87 %%, or EX for excused.", s)
	}
	return Mark{Points: &p}, nil
}

// exactEnd marks a number as points in a column of any grade type, so that a mark is written back as it was.
const exactEnd = "points"

// Exact writes a mark so that every column reads it as the same: "87.5 points".
func (m Mark) Exact() string {
	if m.Points != nil {
		return m.String() + " " + exactEnd
	}
	return m.String()
}

// Parse reads what is typed into a cell of the column, in the words of its grade type: a letter of the scale, "pass" or "fail", or a
// percentage that needs no sign. Everywhere "87.5 points", EX and nothing mean what they say, and points do where nothing else is
// meant. It returns the grade as it is shown, which is empty for points.
func (c BookColumn) Parse(s string, scale []Letter) (Mark, string, error) {
	s = strings.TrimSpace(s)
	number, exact := strings.CutSuffix(s, exactEnd)
	plain := s == "" || strings.EqualFold(s, "EX")
	if !plain && !exact && c.GradeType.worded() {
		if p, shown, err := c.GradeType.Parse(s, c.Points, scale); err == nil {
			return Mark{Points: &p}, shown, nil
		} else if refusal := (*Error)(nil); errors.As(err, &refusal) && (c.GradeType == GradePercent || !digits(s)) {
			return Mark{}, "", FieldErrorf(KindRule, "mark", "%s", refusal.Message)
		}
	}
	if exact {
		s = number
	}
	m, err := ParseMark(s, c.Points)
	if err == nil && m.Points != nil && c.GradeType.worded() {
		return m, c.GradeType.Show(*m.Points, c.Points, scale), nil
	}
	return m, "", err
}

// Show writes a mark the way that the column's grades are shown and typed.
func (c BookColumn) Show(m Mark, scale []Letter) string {
	if m.Points == nil || m.Excused {
		return m.String()
	}
	return c.GradeType.Show(*m.Points, c.Points, scale)
}

// digits reports whether a text begins like a number.
func digits(s string) bool { return strings.ContainsAny(s[:min(len(s), 1)], "0123456789.,-+") }

// BookEntry is what is known of one student in one column before anything is computed.
type BookEntry struct {
	Draft   Mark // as staff have it
	Posted  Mark // as the student may see it
	Changed bool // Draft is not what was posted
	Said    bool // there is feedback with it
	Version int64

	SubmittedAt time.Time // of the latest attempt; zero: nothing was handed in
	DraftFor    time.Time // of the attempt that Draft is for; zero: on paper
	PostedFor   time.Time // of the attempt that Posted is for
	ChangedAt   time.Time // of what was posted
	PostedAt    time.Time
}

// hidden reports whether there is a mark of which the student sees nothing; it is left out of what students see (BOOK-2).
func (e *BookEntry) hidden() bool { return e.Posted.Empty() && !e.Draft.Empty() }

// BookCell is a cell as the grid shows it. Final is what counts, for display.
type BookCell struct {
	Mark      Mark
	Graded    bool
	Final     Points
	Missing   bool
	Late      bool
	Submitted bool // work was handed in
	Unposted  bool // the student does not see this yet
	Version   int64
}

const cellFlags = "mlsu"

// Encode writes the cell for BookRow.Cells: "87.5~77.5lsu:3" is 87.5 points of which 77.5 count, late, handed in, not posted
// and of version 3.
func (c BookCell) Encode() string {
	s := c.Mark.String()
	if c.Graded && (c.Mark.Points == nil || *c.Mark.Points != c.Final) {
		s += "~" + c.Final.String()
	}
	for i, on := range []bool{c.Missing, c.Late, c.Submitted, c.Unposted} {
		if on {
			s += cellFlags[i : i+1]
		}
	}
	if c.Version > 0 {
		s += ":" + strconv.FormatInt(c.Version, 10)
	}
	return s
}

// ParseBookCell reads what Encode wrote. What it does not understand is an empty cell.
func ParseBookCell(s string) (c BookCell) {
	s, version, _ := strings.Cut(s, ":")
	c.Version, _ = strconv.ParseInt(version, 10, 64)
	flags := strings.TrimLeft(s, "0123456789.~EX")
	for i, p := range []*bool{&c.Missing, &c.Late, &c.Submitted, &c.Unposted} {
		*p = strings.Contains(flags, cellFlags[i:i+1])
	}
	raw, final, counts := strings.Cut(s[:len(s)-len(flags)], "~")
	if m, err := ParseMark(raw, 0); err == nil {
		c.Mark = m
	}
	if c.Mark.Points != nil {
		c.Graded, c.Final = true, *c.Mark.Points
	}
	if counts {
		if p, err := ParsePoints(final); err == nil {
			c.Graded, c.Final = true, p
		}
	}
	return c
}

// State says in a word what is in the cell: excused, missing, graded, submitted or nothing.
func (c BookCell) State() string {
	switch {
	case c.Mark.Excused:
		return "excused"
	case c.Missing && c.Mark.Points == nil:
		return "missing"
	case c.Graded:
		return "graded"
	case c.Submitted:
		return "submitted"
	}
	return ""
}
