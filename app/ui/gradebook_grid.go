package ui

import (
	"cmp"
	"html"
	"slices"
	"strconv"
	"strings"

	"trivium/app/lms"
)

// The grid of a gradebook is drawn as text into one element that go-app does not look into: a thousand rows of sixty columns
// would cost it seconds. Only the cells in sight, and a few around them, are in the document.

// Sizes in CSS pixels; pages.css draws with the same.
const (
	bookRowHeight = 36
	bookColWidth  = 104
	bookNameWidth = 200
	bookSpare     = 3 // rows and columns beyond what is in sight
)

// bookCol is a column as the grid shows it: what is computed, or a column of the gradebook.
type bookCol struct {
	kind  string // "current", "final", "override", "letter", "category" or "item"
	at    int    // number of the item or of the category
	id    string
	title string
	sub   string // second line of the header
}

// bookGrid is the data behind the grid and where the keyboard is in it. Row -1 is the header, column -1 the name.
type bookGrid struct {
	book     lms.Gradebook
	cols     []bookCol
	rows     []int // of book.Rows, in the order in which they are shown
	query    string
	sort     string // id of a column, "name" or "level"
	down     bool
	row, col int
	saving   map[string]string // cell to what is on its way
	bad      map[string]string // cell to what was refused
	section  string
}

func cellKey(user, column string) string { return user + " " + column }

// set takes a gradebook as it was read.
func (g *bookGrid) set(b lms.Gradebook) {
	g.book = b
	g.cols = []bookCol{{kind: "current", id: "current", title: "Current", sub: "total, %"}, {kind: "final", id: "final", title: "Final", sub: "total, %"},
		{kind: "override", id: lms.TotalColumn, title: "Override", sub: "of final, %"}}
	if len(b.Settings.Letters) > 0 {
		g.cols = append(g.cols, bookCol{kind: "letter", id: "letter", title: "Letter"})
	}
	for i, c := range b.Columns {
		col := bookCol{kind: "item", at: i, id: c.ID, title: c.Title, sub: kindNote(c.GradeType) + "of " + c.Points.String()}
		switch {
		case c.Blind:
			col.kind, col.sub = "blind", "blind: reveal to see"
		case !c.Published:
			col.sub += ", staff only"
		}
		g.cols = append(g.cols, col)
	}
	for i, c := range b.Settings.Categories {
		g.cols = append(g.cols, bookCol{kind: "category", at: i, id: "category-" + c.ID, title: c.Name, sub: c.Weight.String() + " %, current"})
	}
	g.cols = append(g.cols, bookCol{kind: "level", id: "level", title: "Level"})
	g.arrange()
}

// kindNote says in what the marks of a column are written, where it is not points.
func kindNote(t lms.GradeType) string {
	switch t {
	case lms.GradeLetter:
		return "letter, "
	case lms.GradePercent:
		return "percent, "
	case lms.GradePassFail:
		return "pass or fail, "
	}
	return ""
}

// column is the column of the gradebook behind one that is edited.
func (g *bookGrid) column(c bookCol) lms.BookColumn {
	if c.kind == "item" {
		return g.book.Columns[c.at]
	}
	return lms.BookColumn{ID: lms.TotalColumn, Title: "Final total", Points: 100_00, ExtraCredit: true}
}

// shown writes a mark in the words of its column.
func (g *bookGrid) shown(c bookCol, m lms.Mark) string {
	return g.column(c).Show(m, g.book.Settings.Scale())
}

// takes reports whether a key begins a mark in the selected cell.
func (g *bookGrid) takes(key string) bool {
	if len(key) != 1 || g.row < 0 || g.col < 0 || !g.cols[g.col].editable() {
		return false
	}
	t := g.column(g.cols[g.col]).GradeType
	words := t == lms.GradeLetter || t == lms.GradePassFail
	return strings.Contains("0123456789,.eE", key) || words && (key[0]|0x20 >= 'a' && key[0]|0x20 <= 'z')
}

// arrange filters and sorts.
func (g *bookGrid) arrange() {
	g.rows = g.rows[:0]
	words := strings.Fields(strings.ToLower(g.query))
	for i, r := range g.book.Rows {
		text := strings.ToLower(r.Name + " " + r.Login)
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) }) {
			g.rows = append(g.rows, i)
		}
	}
	if at := slices.IndexFunc(g.cols, func(c bookCol) bool { return c.id == g.sort }); at >= 0 {
		keys := make([]float64, len(g.book.Rows))
		for _, i := range g.rows {
			keys[i] = g.weight(&g.book.Rows[i], g.cols[at])
		}
		slices.SortStableFunc(g.rows, func(a, b int) int {
			if g.down {
				return cmp.Compare(keys[b], keys[a])
			}
			return cmp.Compare(keys[a], keys[b])
		})
	} else if g.down {
		slices.Reverse(g.rows)
	}
	g.row = min(g.row, len(g.rows)-1)
	g.col = min(g.col, len(g.cols)-1)
}

// weight is what a column sorts by; nothing comes before everything.
func (g *bookGrid) weight(r *lms.BookRow, c bookCol) float64 {
	if c.kind == "item" {
		cell := r.Cell(c.at)
		switch {
		case cell.Graded:
			return float64(cell.Final)
		case cell.Mark.Excused:
			return -1
		}
		return -2
	}
	switch c.kind {
	case "level":
		return float64(slices.Index([]lms.Level{lms.LevelBeginner, lms.LevelIntermediate, lms.LevelAdvanced}, r.Level))
	case "letter":
		for i, l := range g.book.Settings.Letters {
			if l.Letter == r.Letter {
				return float64(-i)
			}
		}
		return -1000
	}
	v, err := strconv.ParseFloat(g.text(r, c), 64)
	if err != nil {
		return -2
	}
	return v
}

// text is what is in a cell that is not an item's.
func (g *bookGrid) text(r *lms.BookRow, c bookCol) string {
	switch c.kind {
	case "current":
		return r.Current
	case "final":
		return r.Final
	case "override":
		return lms.ParseBookCell(r.Override).Mark.String()
	case "letter":
		return r.Letter
	case "level":
		return levelName(r.Level)
	case "blind":
		return "blind"
	case "category":
		if parts := strings.Split(r.Categories, " "); c.at < len(parts) {
			return parts[c.at]
		}
	}
	return ""
}

// editable reports whether marks are typed into the column.
func (c bookCol) editable() bool { return c.kind == "item" || c.kind == "override" }

// cell is the mark that is edited in a cell.
func (g *bookGrid) cell(r *lms.BookRow, c bookCol) lms.BookCell {
	if c.kind == "item" {
		return r.Cell(c.at)
	}
	return lms.ParseBookCell(r.Override)
}

// update puts a student's row as it is now.
func (g *bookGrid) update(r lms.BookRow) {
	for i := range g.book.Rows {
		if g.book.Rows[i].UserID == r.UserID {
			g.book.Rows[i] = r
		}
	}
}

// window is the part of the grid that is drawn.
type window struct{ fromRow, toRow, fromCol, toCol int }

// windowOf is what is in sight of an element that is scrolled, with some spare.
func (g *bookGrid) windowOf(left, top, width, height int) window {
	w := window{fromRow: top/bookRowHeight - bookSpare, toRow: (top+height)/bookRowHeight + bookSpare,
		fromCol: left/bookColWidth - bookSpare, toCol: (left+width-bookNameWidth)/bookColWidth + bookSpare}
	w.fromRow, w.toRow = max(min(w.fromRow, len(g.rows)-1), 0), max(min(w.toRow, len(g.rows)), 0)
	w.fromCol, w.toCol = max(min(w.fromCol, len(g.cols)-1), 0), max(min(w.toCol, len(g.cols)), 0)
	return w
}

// draw writes the header and the rows of the window.
func (g *bookGrid) draw(w window) string {
	var b strings.Builder
	b.Grow(256 * (w.toRow - w.fromRow + 1) * (w.toCol - w.fromCol + 1))
	b.WriteString(`<div class="book-head" role="rowgroup"><div class="book-row" role="row" aria-rowindex="1">`)
	g.headCell(&b, -1, "Student", "")
	b.WriteString(`<span class="book-skip" role="presentation"></span>`)
	for c := w.fromCol; c < w.toCol; c++ {
		g.headCell(&b, c, g.cols[c].title, g.cols[c].sub)
	}
	b.WriteString(`</div></div><div class="book-body" role="rowgroup">`)
	for r := w.fromRow; r < w.toRow; r++ {
		row := &g.book.Rows[g.rows[r]]
		b.WriteString(`<div class="book-row" role="row" aria-rowindex="` + strconv.Itoa(r+2) + `">`)
		g.open(&b, "rowheader", "book-name", r, -1)
		b.WriteString(`<span class="book-cut" dir="auto">` + html.EscapeString(row.Name) + `</span></div><span class="book-skip" role="presentation"></span>`)
		for c := w.fromCol; c < w.toCol; c++ {
			g.bodyCell(&b, r, c, row)
		}
		b.WriteString(`</div>`)
	}
	b.WriteString(`</div>`)
	return b.String()
}

// open begins a cell that the keyboard can reach: exactly one has the tab stop.
func (g *bookGrid) open(b *strings.Builder, role, class string, r, c int) {
	b.WriteString(`<div role="` + role + `" class="bc ` + class + `" id="` + bookID(r, c) + `" data-at="` + strconv.Itoa(r) + ` ` + strconv.Itoa(c) +
		`" aria-colindex="` + strconv.Itoa(c+2) + `" tabindex="` + cond(r == g.row && c == g.col, "0", "-1") + `"`)
	if role == "columnheader" {
		id := "name"
		if c >= 0 {
			id = g.cols[c].id
		}
		if g.sort == id || g.sort == "" && id == "name" {
			b.WriteString(` aria-sort="` + cond(g.down, "descending", "ascending") + `"`)
		}
	} else if role == "gridcell" && !g.cols[c].editable() {
		b.WriteString(` aria-readonly="true"`)
	}
	b.WriteString(`>`)
}

func bookID(r, c int) string { return "bc" + strconv.Itoa(r+1) + "-" + strconv.Itoa(c+1) }

func (g *bookGrid) headCell(b *strings.Builder, c int, title, sub string) {
	g.open(b, "columnheader", cond(c < 0, "book-name", "book-title"), -1, c)
	b.WriteString(`<span class="book-cut" dir="auto" title="` + html.EscapeString(title) + `">` + html.EscapeString(title) + `</span>`)
	if sub != "" {
		b.WriteString(`<span class="book-sub book-cut" title="` + html.EscapeString(sub) + `">` + html.EscapeString(sub) + `</span>`)
	}
	b.WriteString(`</div>`)
}

func (g *bookGrid) bodyCell(b *strings.Builder, r, c int, row *lms.BookRow) {
	col := g.cols[c]
	key := cellKey(row.UserID, col.id)
	if typed, ok := g.saving[key]; ok {
		g.open(b, "gridcell", "bc-saving", r, c)
		b.WriteString(html.EscapeString(typed) + `<span class="sr-only">, not saved yet</span></div>`)
		return
	}
	if typed, ok := g.bad[key]; ok {
		g.open(b, "gridcell", "bc-bad", r, c)
		b.WriteString(html.EscapeString(typed) + `<span class="sr-only">, was not saved</span></div>`)
		return
	}
	if !col.editable() {
		g.open(b, "gridcell", "bc-total", r, c)
		b.WriteString(html.EscapeString(g.text(row, col)) + `</div>`)
		return
	}
	text, class, says := g.face(g.cell(row, col), col)
	g.open(b, "gridcell", class, r, c)
	b.WriteString(html.EscapeString(text))
	if says != "" {
		b.WriteString(`<span class="sr-only">` + says + `</span>`)
	}
	b.WriteString(`</div>`)
}

// face is how a mark looks, in the words of its column, and what a screen reader says beside it. Excused, missing, ungraded, late and
// unposted can be told apart without colours: by words and signs.
func (g *bookGrid) face(c lms.BookCell, col bookCol) (text, class, says string) {
	final := g.shown(col, lms.Mark{Points: &c.Final})
	switch c.State() {
	case "excused":
		text, class, says = "EX", "bc-ex", ", excused"
	case "missing":
		text, class, says = "–", "bc-missing", " missing"
		if c.Graded {
			text, says = final, ", missing"
		}
	case "graded":
		text = final
	case "submitted":
		text, class, says = "●", "bc-todo", " to grade"
	}
	if c.Late {
		class += " bc-late"
		says += ", late"
	}
	if c.Unposted {
		class += " bc-unposted"
		says += ", not posted"
	}
	return text, class, says
}

// describe says in a sentence what is in a cell.
func (g *bookGrid) describe(r, c int) string {
	if r < 0 || r >= len(g.rows) || c < 0 || c >= len(g.cols) {
		return ""
	}
	row, col := &g.book.Rows[g.rows[r]], g.cols[c]
	s := row.Name + " · " + col.title + ": "
	if !col.editable() {
		if col.kind == "blind" {
			return s + "marked blind, an instructor reveals it among the submissions"
		}
		return s + cond(g.text(row, col) != "", g.text(row, col), "nothing yet")
	}
	cell := g.cell(row, col)
	switch cell.State() {
	case "excused":
		s += "excused"
	case "missing":
		s += "missing" + cond(cell.Graded, ", counts "+cell.Final.String(), "")
	case "graded":
		s += g.shown(col, cell.Mark)
		if col.kind == "item" {
			of := " of " + g.book.Columns[col.at].Points.String()
			s += cond(kindNote(g.book.Columns[col.at].GradeType) == "", of, " ("+cell.Mark.String()+of+")")
		}
		if cell.Mark.Points != nil && *cell.Mark.Points != cell.Final {
			s += ", counts " + cell.Final.String() + " after the late policy"
		}
	case "submitted":
		s += "handed in, not graded"
	default:
		s += "no mark"
	}
	return s + cond(cell.Late, ", late", "") + cond(cell.Unposted, ", not posted", "")
}
