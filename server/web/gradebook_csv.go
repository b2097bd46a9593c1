package web

import (
	"context"
	"encoding/csv"
	"errors"
	"io"
	"strings"
	"time"
	"unicode/utf8"

	"trivium/app/api"
	"trivium/app/lms"
)

// exportGradebook writes the gradebook as CSV that spreadsheets open and previewImport reads back (BOOK-8). Semicolons come
// with decimal commas: the spreadsheets that want the one want the other.
func (s *Server) exportGradebook(q *request, in api.ExportBookInput) error {
	book, students, sections, err := s.store.Book(q.ctx, q.actor, in.Course, in.Section)
	if err != nil {
		return err
	}
	if err := s.audit(q.ctx, lms.AuditExport, "course/"+in.Course, "what", "gradebook"); err != nil {
		return err
	}
	h := q.w.Header()
	s.describe(h)
	h.Set("Content-Disposition", disposition("grades-"+s.now().UTC().Format(time.DateOnly)+".csv", false))
	h.Set("Content-Type", "text/csv; charset=utf-8")
	if in.BOM {
		if _, err := io.WriteString(q.w, "\ufeff"); err != nil {
			return err
		}
	}
	w := csv.NewWriter(q.w)
	w.UseCRLF = true
	if in.Semicolon {
		w.Comma = ';'
	}
	for _, record := range bookTable(book, students, sections, in.Semicolon) {
		_ = w.Write(record) // Flush tells
	}
	w.Flush()
	return w.Error()
}

// bookTable is the gradebook as lines of cells: header, possible points, students.
func bookTable(book *lms.Book, students []lms.BookStudent, sections []lms.Section, comma bool) [][]string {
	number := func(s string) string {
		if comma {
			return strings.Replace(s, ".", ",", 1)
		}
		return s
	}
	head := []string{lms.HeadStudent, lms.HeadID, lms.HeadSISUser, lms.HeadLogin, lms.HeadSection}
	possible := []string{lms.HeadPossible, "", "", "", ""}
	for _, col := range book.Columns {
		head = append(head, lms.Defuse(col.Title+" ("+col.ID+")"))
		worth := number(col.Points.String())
		if col.Blind { // it is empty, and an import leaves it alone
			worth = lms.ReadOnly
		}
		possible = append(possible, worth)
	}
	for _, c := range book.Settings.Categories {
		head = append(head, lms.Defuse(c.Name+" Current Score"), lms.Defuse(c.Name+" Final Score"))
	}
	head = append(head, "Current Score", "Final Score", "Override Score", "Final Grade")
	for len(possible) < len(head) {
		possible = append(possible, lms.ReadOnly)
	}
	title := map[string]string{}
	for _, sec := range sections {
		title[sec.ID] = sec.Title
	}
	table := [][]string{head, possible}
	for i := range students {
		st := &students[i]
		line := []string{lms.Defuse(st.Name), st.UserID, "", lms.Defuse(st.Login), lms.Defuse(title[st.SectionID])}
		for _, e := range st.Entries {
			line = append(line, number(e.Draft.String()))
		}
		current, final := book.Totals(st)
		for _, c := range book.Settings.Categories {
			line = append(line, number(part(current, c.ID)), number(part(final, c.ID)))
		}
		row := book.Row(st)
		table = append(table, append(line, number(row.Current), number(row.Final), number(st.Override.Draft.String()), lms.Defuse(row.Letter)))
	}
	return table
}

// part is the displayed percentage of a category in a total.
func part(t lms.Total, category string) string {
	for _, c := range t.Categories {
		if c.Category == category {
			return c.Ratio.String()
		}
	}
	return ""
}

var errNotUTF8 = lms.FieldErrorf(lms.KindRule, "csv", "The file is not UTF-8. Save it as \"CSV UTF-8\" and try again.")

// readCSV reads a file with commas, semicolons or tabs, with or without BOM, and takes back what Defuse did.
func readCSV(text string) ([]lms.ImportLine, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	if !utf8.ValidString(text) {
		return nil, errNotUTF8
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma = separator(text)
	r.FieldsPerRecord = -1
	var lines []lms.ImportLine
	for {
		cells, err := r.Read()
		if errors.Is(err, io.EOF) {
			return lines, nil
		}
		var malformed *csv.ParseError
		if errors.As(err, &malformed) {
			return nil, lms.FieldErrorf(lms.KindRule, "csv", "Line %d, byte %d: a quotation mark is out of place. A text with quotation marks stands in quotation marks, with each of its own doubled.",
				malformed.Line, malformed.Column)
		}
		if err != nil {
			return nil, err
		}
		line, _ := r.FieldPos(0)
		for i, c := range cells {
			cells[i] = lms.Fuse(c)
		}
		lines = append(lines, lms.ImportLine{Line: line, Cells: cells})
	}
}

// separator is the one of comma, semicolon and tab that the header has most of, outside of quotation marks.
func separator(text string) rune {
	count := map[rune]int{}
	quoted := false
	for _, c := range text {
		switch {
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '\n' && len(count) > 0:
			return most(count)
		case strings.ContainsRune(",;\t", c):
			count[c]++
		}
	}
	return most(count)
}

func most(count map[rune]int) rune {
	best := ','
	for _, c := range ",;\t" {
		if count[c] > count[best] {
			best = c
		}
	}
	return best
}

// shownChanges is how many changes a preview lists; it counts all.
const shownChanges = 2000

func (s *Server) planImport(ctx context.Context, actor lms.Actor, course, text string, create []string) (lms.ImportPlan, error) {
	book, students, _, err := s.store.Book(ctx, actor, course, "")
	if err != nil {
		return lms.ImportPlan{}, err
	}
	lines, err := readCSV(text)
	if err != nil {
		return lms.ImportPlan{}, err
	}
	return lms.PlanImport(book.Columns, students, lines, create)
}

func (s *Server) previewImport(ctx context.Context, actor lms.Actor, in api.PreviewImportInput) (lms.ImportPlan, error) {
	plan, err := s.planImport(ctx, actor, in.Course, in.CSV, in.Create)
	if len(plan.Changes) > shownChanges {
		plan.Changes = plan.Changes[:shownChanges]
	}
	return plan, err
}

var errOtherPlan = lms.Errorf(lms.KindConflict, "The gradebook has changed since this preview, so nothing was applied. Look at a new preview of the same file.")

func (s *Server) applyImport(ctx context.Context, actor lms.Actor, in api.ApplyImportInput) (lms.BookImport, error) {
	if done, err := s.store.RepeatedImport(ctx, actor, in.Course, in.ID); err != nil || done.ID != "" {
		return done, err // the answer was lost: the gradebook is as the import left it, so the plan would be another one
	}
	plan, err := s.planImport(ctx, actor, in.Course, in.CSV, in.Create)
	if err != nil {
		return lms.BookImport{}, err
	}
	if plan.Hash != in.Hash {
		return lms.BookImport{}, errOtherPlan
	}
	return s.store.ApplyImport(ctx, actor, in.Course, in.ID, in.FileName, plan)
}
