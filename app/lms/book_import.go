package lms

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// The first columns of a gradebook file, in its header.
const (
	HeadStudent = "Student"
	HeadID      = "ID"
	HeadSISUser = "SIS User ID"
	HeadLogin   = "SIS Login ID"
	HeadSection = "Section"
)

// HeadPossible begins the row of possible points, and ReadOnly stands there below columns that an import does not take.
const (
	HeadPossible = "Points Possible"
	ReadOnly     = "(read only)"
)

var readOnlyEnds = []string{"Current Score", "Final Score", "Current Grade", "Final Grade", "Override Score", "Current Points", "Final Points"}

// ImportLine is a line of a gradebook file with its cells, as they were before they were defused.
type ImportLine struct {
	Line  int
	Cells []string
}

// ImportChange is a mark that an import changes.
type ImportChange struct {
	UserID string `json:"userId"`
	Name   string `json:"name"`
	Column string `json:"column"` // id; of a column that the import makes, its header
	Title  string `json:"title"`
	Old    Mark   `json:"old"`
	New    Mark   `json:"new"`
	Above  bool   `json:"above,omitempty"` // more than the column is worth

	Entry BookEntry `json:"-"` // of the cell, as it is now
}

// ImportPlan is what an import would do. Applying does exactly this: Hash stands for all of it and for what it changes.
type ImportPlan struct {
	Hash      string         `json:"hash"`
	Count     int            `json:"count"` // of changes; Changes may be cut for display
	Changes   []ImportChange `json:"changes"`
	Create    []BookColumn   `json:"create"`   // columns that it makes; their id is their header
	Offer     []string       `json:"offer"`    // unknown columns that it ignores
	ReadOnly  []string       `json:"readOnly"` // columns that are computed
	Unknown   []string       `json:"unknown"`  // students who are not in the course, with their line
	Students  int            `json:"students"` // lines that belong to a student
	Unchanged int            `json:"unchanged"`
}

// CellName is the name of a cell in a spreadsheet: "C7".
func CellName(column, line int) string {
	name := ""
	for column++; column > 0; column = (column - 1) / 26 {
		name = string(rune('A'+(column-1)%26)) + name
	}
	return fmt.Sprint(name, line)
}

func importErrorf(column, line int, format string, args ...any) error {
	return FieldErrorf(KindRule, "csv", "Line %d, cell %s: %s", line, CellName(column, line), fmt.Sprintf(format, args...))
}

// importer puts a plan together.
type importer struct {
	columns  []BookColumn
	students []BookStudent
	create   []string
	plan     ImportPlan
	possible ImportLine
	id       int   // place of the column "ID"; -1: none
	login    int   // of the login
	marks    []int // for each cell of a line: -1 nothing, a column's number, or beyond them one to be made
	byID     map[string]int
	byLogin  map[string]int
	seen     map[int]int // student to line
}

// PlanImport compares a gradebook file with the marks as they are. create names the unknown columns that are to be made; the
// others are ignored. Nothing of a file with an error is planned (BOOK-9).
func PlanImport(columns []BookColumn, students []BookStudent, lines []ImportLine, create []string) (ImportPlan, error) {
	im := &importer{columns: columns, students: students, create: create, id: -1, login: -1,
		byID: map[string]int{}, byLogin: map[string]int{}, seen: map[int]int{},
		plan: ImportPlan{Changes: []ImportChange{}, Create: []BookColumn{}, Offer: []string{}, ReadOnly: []string{}, Unknown: []string{}}}
	for i, s := range students {
		im.byID[s.UserID], im.byLogin[strings.ToLower(s.Login)] = i, i
	}
	if len(lines) == 0 {
		return ImportPlan{}, FieldErrorf(KindRule, "csv", "The file is empty. Export the gradebook and begin with that file.")
	}
	rest := lines[1:]
	for i, l := range rest {
		if len(l.Cells) != len(lines[0].Cells) {
			return ImportPlan{}, FieldErrorf(KindRule, "csv", "Line %d has %d cells, but the header has %d.", l.Line, len(l.Cells), len(lines[0].Cells))
		}
		if strings.EqualFold(strings.TrimSpace(l.Cells[0]), HeadPossible) {
			im.possible = l
			rest = slices.Delete(slices.Clone(rest), i, i+1)
			break
		}
	}
	if err := im.header(lines[0]); err != nil {
		return ImportPlan{}, err
	}
	for _, l := range rest {
		if len(l.Cells) != len(lines[0].Cells) {
			return ImportPlan{}, FieldErrorf(KindRule, "csv", "Line %d has %d cells, but the header has %d.", l.Line, len(l.Cells), len(lines[0].Cells))
		}
		if err := im.line(l); err != nil {
			return ImportPlan{}, err
		}
	}
	im.plan.Count = len(im.plan.Changes)
	im.plan.Hash = im.plan.hash()
	return im.plan, nil
}

// header finds out what each cell of a line is.
func (im *importer) header(head ImportLine) error {
	im.marks = make([]int, len(head.Cells))
	taken := map[string]int{}
	for i, cell := range head.Cells {
		name := strings.TrimSpace(cell)
		im.marks[i] = -1
		if first, twice := taken[strings.ToLower(name)]; twice && name != "" {
			return importErrorf(i, head.Line, "The column %q occurs twice; it stands in %s already.", name, CellName(first, head.Line))
		}
		taken[strings.ToLower(name)] = i
		switch {
		case name == "" || strings.EqualFold(name, HeadStudent) || strings.EqualFold(name, HeadSISUser) || strings.EqualFold(name, HeadSection):
		case strings.EqualFold(name, HeadID):
			im.id = i
		case strings.EqualFold(name, HeadLogin):
			im.login = i
		case strings.Contains(strings.ToLower(im.worth(i)), "read only"):
			im.plan.ReadOnly = append(im.plan.ReadOnly, name)
		default:
			if err := im.markColumn(i, head.Line, name); err != nil {
				return err
			}
		}
	}
	if im.id < 0 && im.login < 0 {
		return importErrorf(0, head.Line, "There is neither a column %q nor a column %q, so the students cannot be told apart.", HeadID, HeadLogin)
	}
	return nil
}

func (im *importer) markColumn(i, line int, name string) error {
	at, ok := im.find(name)
	switch {
	case ok && im.columns[at].Blind:
		im.plan.ReadOnly = append(im.plan.ReadOnly, name)
	case ok:
		for j, m := range im.marks[:i] {
			if m == at {
				return importErrorf(i, line, "The column %q occurs twice; it stands in %s already.", name, CellName(j, line))
			}
		}
		im.marks[i] = at
	case slices.ContainsFunc(readOnlyEnds, func(end string) bool { return strings.HasSuffix(name, end) }):
		im.plan.ReadOnly = append(im.plan.ReadOnly, name)
	case slices.Contains(im.create, name):
		col := BookColumn{ID: name, Title: name, Manual: true, Points: 100_00, Published: true}
		if worth := im.worth(i); worth != "" {
			p, err := ParsePoints(worth)
			if err != nil {
				return importErrorf(i, im.possible.Line, "%q are no possible points.", worth)
			}
			col.Points = p
		}
		if err := checkTitle("csv", name); err != nil {
			return importErrorf(i, line, "%q cannot be the title of a column.", name)
		}
		im.marks[i] = len(im.columns) + len(im.plan.Create)
		im.plan.Create = append(im.plan.Create, col)
	default:
		im.plan.Offer = append(im.plan.Offer, name)
	}
	return nil
}

// worth is what the row of possible points says of a cell.
func (im *importer) worth(i int) string {
	if im.possible.Cells == nil {
		return ""
	}
	return strings.TrimSpace(im.possible.Cells[i])
}

// find looks a column up by the id in parentheses, or else by its title if only one has it.
func (im *importer) find(name string) (int, bool) {
	if open := strings.LastIndexByte(name, '('); open >= 0 && strings.HasSuffix(name, ")") {
		id := name[open+1 : len(name)-1]
		if at := slices.IndexFunc(im.columns, func(c BookColumn) bool { return c.ID == id }); at >= 0 {
			return at, true
		}
	}
	found := -1
	for i, c := range im.columns {
		if c.Title == name {
			if found >= 0 {
				return 0, false
			}
			found = i
		}
	}
	return found, found >= 0
}

func (im *importer) line(l ImportLine) error {
	if !slices.ContainsFunc(l.Cells, func(c string) bool { return strings.TrimSpace(c) != "" }) {
		return nil
	}
	at, err := im.student(l)
	if err != nil {
		return err
	}
	if at >= 0 {
		if before, twice := im.seen[at]; twice {
			return importErrorf(max(im.id, im.login, 0), l.Line, "%s stands in line %d already.", im.students[at].Name, before)
		}
		im.seen[at] = l.Line
		im.plan.Students++
	}
	for i, m := range im.marks {
		cell := strings.TrimSpace(l.Cells[i])
		if m < 0 || cell == "" {
			continue
		}
		col := im.column(m)
		mark, err := ParseMark(cell, col.Points)
		if err != nil {
			return importErrorf(i, l.Line, "%s", err.(*Error).Message)
		}
		if at < 0 {
			continue
		}
		s := &im.students[at]
		var e BookEntry
		if m < len(im.columns) {
			e = s.Entries[m]
		}
		if mark.Equal(e.Draft) {
			im.plan.Unchanged++
			continue
		}
		im.plan.Changes = append(im.plan.Changes, ImportChange{UserID: s.UserID, Name: s.Name, Column: col.ID, Title: col.Title, Old: e.Draft, New: mark,
			Above: mark.Points != nil && *mark.Points > col.Points && !col.ExtraCredit && col.Points > 0, Entry: e})
	}
	return nil
}

func (im *importer) column(m int) BookColumn {
	if m < len(im.columns) {
		return im.columns[m]
	}
	return im.plan.Create[m-len(im.columns)]
}

// student finds whose line it is, by id and then by login, never by name; -1: nobody's of this course.
func (im *importer) student(l ImportLine) (int, error) {
	cell := func(i int) string {
		if i < 0 {
			return ""
		}
		return strings.TrimSpace(l.Cells[i])
	}
	id, login := cell(im.id), cell(im.login)
	byID, idKnown := im.byID[id]
	byLogin, loginKnown := im.byLogin[strings.ToLower(login)]
	switch {
	case idKnown && loginKnown && byID != byLogin:
		return 0, importErrorf(im.id, l.Line, "The id belongs to %s, the login to %s.", im.students[byID].Name, im.students[byLogin].Name)
	case idKnown:
		return byID, nil
	case loginKnown:
		return byLogin, nil
	case id == "" && login == "":
		return 0, importErrorf(max(im.id, im.login), l.Line, "This line names no student.")
	}
	im.plan.Unknown = append(im.plan.Unknown, fmt.Sprintf("line %d: %s", l.Line, strings.TrimSpace(l.Cells[0]+" "+cmp.Or(login, id))))
	return -1, nil
}

// hash covers every change with the version of its cell, and the columns that are made.
func (p *ImportPlan) hash() string {
	h := sha256.New()
	for _, c := range p.Changes {
		fmt.Fprintf(h, "%q %q %q %q %d\n", c.UserID, c.Column, c.Old, c.New, c.Entry.Version)
	}
	created, _ := json.Marshal(p.Create) // plain structs
	h.Write(created)
	return hex.EncodeToString(h.Sum(nil))
}

// Defuse keeps a spreadsheet from taking a text for a formula. Fuse reverses it.
func Defuse(s string) string {
	if looksLikeFormula(s) {
		return "'" + s
	}
	return s
}

// Fuse takes back what Defuse did.
func Fuse(s string) string {
	if rest, ok := strings.CutPrefix(s, "'"); ok && looksLikeFormula(rest) {
		return rest
	}
	return s
}

// looksLikeFormula also says yes to what Defuse has written, so that nothing is lost by writing and reading.
func looksLikeFormula(s string) bool {
	s = strings.TrimLeft(s, "'")
	return s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0]))
}
