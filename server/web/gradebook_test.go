package web

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

const bookPath = "/api/v1/courses/c1/gradebook"

// bookCourse is the course with names and titles that a spreadsheet would take for formulas, marks and a category.
func bookCourse(t *testing.T) *course {
	t.Helper()
	c := newCourse(t, nil)
	call(c.site, "ina", api.SetBookSettings, api.BookSettingsInput{Course: "c1", BookSettings: lms.BookSettings{
		Categories: []lms.Category{{ID: "k-all", Name: "=All", Weight: 100_00}}, Letters: []lms.Letter{{Letter: "A", Min: 50_00}, {Letter: "-", Min: 0}}}})
	call(c.site, "ina", api.CreateColumn, api.ColumnInput{Course: "c1", ID: "b1", Title: `=SUM(A1:A9), "talk"`, Points: 1000, CategoryID: "k-all", Published: true})
	call(c.site, "ina", api.SetMark, api.MarkInput{Course: "c1", Column: "b1", User: "sue", Mark: "8,75"})
	call(c.site, "ina", api.SetMark, api.MarkInput{Course: "c1", Column: "b1", User: "sam", Mark: "EX"})
	name := "=Sue\t"
	u, err := c.store.User(t.Context(), "sue")
	c.check(err)
	call(c.site, "root", api.UpdateUser, api.UpdateUserInput{User: "sue", Version: u.Version, Name: &name})
	return c
}

func (c *course) export(query string) string {
	c.t.Helper()
	r := c.send("GET", bookPath+"/export"+query, c.token("ina", time.Hour), "")
	if r.status != 200 || !strings.HasPrefix(r.header.Get("Content-Type"), "text/csv") || !strings.Contains(r.header.Get("Content-Disposition"), "attachment") {
		c.t.Fatalf("%d %v %s", r.status, r.header, r.body)
	}
	return r.body
}

// The file opens in a spreadsheet (BOOK-8): header, possible points, EX, totals that are read-only, nothing that is a formula.
func TestExportGradebook(t *testing.T) {
	c := bookCourse(t)
	records, err := csv.NewReader(strings.NewReader(c.export(""))).ReadAll()
	c.check(err)
	want := [][]string{
		{"Student", "ID", "SIS User ID", "SIS Login ID", "Section", "Essay (a1)", `'=SUM(A1:A9), "talk" (b1)`, "'=All Current Score", "'=All Final Score", "Current Score", "Final Score", "Override Score", "Final Grade"},
		{"Points Possible", "", "", "", "", "10", "10", "(read only)", "(read only)", "(read only)", "(read only)", "(read only)", "(read only)"},
		{"'=Sue\t", "sue", "", "sue", "", "", "8.75", "87.50", "87.50", "87.50", "87.50", "", "A"},
		{"Dis", "dis", "", "dis", "", "", "", "", "0.00", "", "0.00", "", ""},
		{"Sam", "sam", "", "sam", "", "", "EX", "", "", "", "", "", ""},
	}
	got := map[string]string{}
	for _, r := range records[2:] {
		r[0] = strings.ToLower(r[0])
		got[r[1]] = fmt.Sprintf("%q", r[1:])
	}
	for i, w := range want {
		if i < 2 {
			if fmt.Sprintf("%q", records[i]) != fmt.Sprintf("%q", w) {
				t.Errorf("line %d\n got %q\nwant %q", i+1, records[i], w)
			}
		} else if got[w[1]] != fmt.Sprintf("%q", w[1:]) {
			t.Errorf("%s\n got %s\nwant %q", w[1], got[w[1]], w[1:])
		}
	}
	if !strings.Contains(c.export(""), "'=Sue") || strings.Contains(c.export(""), "\n=") {
		t.Error("a name is a formula")
	}
	if s := c.export("?bom=true&semicolon=true"); !strings.HasPrefix(s, "\ufeffStudent;ID;") || !strings.Contains(s, ";8,75;") || !strings.Contains(s, "\r\n") {
		t.Errorf("with BOM and semicolons: %.200q", s)
	}
}

// Every form of export comes back without a change, and with a change as that change; applying does what the preview showed.
func TestImportGradebook(t *testing.T) {
	c := bookCourse(t)
	preview := func(text string, create ...string) lms.ImportPlan {
		return call(c.site, "ina", api.PreviewImport, api.PreviewImportInput{Course: "c1", CSV: text, Create: create})
	}
	for _, query := range []string{"", "?bom=true", "?semicolon=true", "?bom=true&semicolon=true"} {
		text := c.export(query)
		for _, form := range []string{text, strings.ReplaceAll(text, "\r\n", "\n")} {
			if p := preview(form); p.Count != 0 || p.Unchanged != 2 || len(p.Offer) != 0 {
				t.Errorf("%s comes back with %+v", query, p)
			}
		}
	}
	text := strings.Replace(c.export(""), "8.75", "87%", 1)
	plan := preview(text)
	if plan.Count != 1 || plan.Changes[0].Old.String() != "8.75" || plan.Changes[0].New.String() != "8.7" {
		t.Fatalf("%+v", plan)
	}
	in := api.ApplyImportInput{Course: "c1", ID: "im1", FileName: "marks.csv", CSV: text, Hash: plan.Hash}
	call(c.site, "ina", api.SetMark, api.MarkInput{Course: "c1", Column: "b1", User: "sue", Mark: "9", Version: 1})
	refused(c.site, "ina", api.ApplyImport, in, lms.KindConflict)
	in.Hash = preview(text).Hash
	done := call(c.site, "ina", api.ApplyImport, in)
	again := call(c.site, "ina", api.ApplyImport, in)
	if done.Changes != 1 || again.ID != done.ID {
		t.Errorf("applied %+v, repeated %+v", done, again)
	}
	cell := api.CellPath{Course: "c1", Column: "b1", User: "sue"}
	if d := call(c.site, "ina", api.GetBookCell, cell); d.Mark.String() != "8.7" || !d.History[0].Import {
		t.Errorf("%+v", d)
	}
	call(c.site, "ina", api.UndoImport, api.ImportPath{Course: "c1", Import: "im1"})
	if d := call(c.site, "ina", api.GetBookCell, cell); d.Mark.String() != "9" {
		t.Errorf("undone: %+v", d)
	}
	tab := "ID\tQuiz\t" + `"Essay (a1)"` + "\nsam\t3\t\n"
	if p := preview(tab, "Quiz"); p.Count != 1 || len(p.Create) != 1 {
		t.Errorf("tabs: %+v", p)
	}
}

// Malformed files name the line and the cell, and nothing is applied.
func TestImportRefuses(t *testing.T) {
	c := bookCourse(t)
	before := c.export("")
	for _, x := range []struct{ name, csv, want string }{
		{"duplicate student", "ID,Essay (a1)\nsue,1\nsue,2\n", "Line 3, cell A3: =Sue\t stands in line 2 already"},
		{"duplicate column", "ID,Essay (a1),Essay (a1)\nsue,1,2\n", "Line 1, cell C1"},
		{"ragged row", "ID,Essay (a1)\nsue\n", "Line 2 has 1 cells"},
		{"unreadable number", "ID,Essay (a1)\nsue,1..5\n", "Line 2, cell B2"},
		{"formula", "ID,Essay (a1)\nsue,=1+1\n", "Line 2, cell B2"},
		{"quotation mark out of place", "ID,Essay (a1)\nsue,1\"5\n", "Line 2, byte"},
		{"open quotation mark", "ID,Essay (a1)\n\"sue,15\n", "Line"},
		{"a line within a cell counts", "Student,ID,Essay (a1)\n\"Sue\nSmith\",sue,1\nSam,sam,x\n", "Line 4, cell C4"},
		{"no students' column", "Essay (a1)\n5\n", "Line 1, cell A1"},
		{"no CSV", "PK\x03\x04 something", "neither a column"},
		{"only a header mark", "\ufeff", "empty"},
	} {
		t.Run(x.name, func(t *testing.T) {
			err := refused(c.site, "ina", api.PreviewImport, api.PreviewImportInput{Course: "c1", CSV: x.csv}, lms.KindRule)
			if err == nil || !strings.Contains(err.Message, x.want) {
				t.Errorf("%v, want %q", err, x.want)
			}
			refused(c.site, "ina", api.ApplyImport, api.ApplyImportInput{Course: "c1", ID: "im1", CSV: x.csv, Hash: "x"}, lms.KindRule)
		})
	}
	if after := c.export(""); after != before {
		t.Errorf("something was changed: %s", firstDifference([]byte(before), []byte(after)))
	}
}

// What no client of ours sends to the gradebook is refused with the right status and field.
func TestBadBookInput(t *testing.T) {
	c := bookCourse(t)
	ina, cell := c.token("ina", time.Hour), bookPath+"/columns/b1/cells/sue"
	before := c.export("")
	for _, x := range []struct {
		name, method, path, body string
		status                   int
		field                    string
	}{
		{"not a number", "PUT", cell, `{"mark":"abc","version":1}`, 422, "mark"},
		{"negative", "PUT", cell, `{"mark":"-1","version":1}`, 422, "mark"},
		{"infinite", "PUT", cell, `{"mark":"Inf","version":1}`, 422, "mark"},
		{"too exact", "PUT", cell, `{"mark":"1.234","version":1}`, 422, "mark"},
		{"huge", "PUT", cell, `{"mark":"99999999999999999999","version":1}`, 422, "mark"},
		{"above possible", "PUT", cell, `{"mark":"11","version":1}`, 422, "mark"},
		{"a number instead of a text", "PUT", cell, `{"mark":5,"version":1}`, 400, "mark"},
		{"stale", "PUT", cell, `{"mark":"5","version":0}`, 409, ""},
		{"negative version", "PUT", cell, `{"mark":"5","version":-1}`, 409, ""},
		{"path in the body", "PUT", cell, `{"mark":"5","version":1,"user":"sam"}`, 400, "user"},
		{"unknown student", "PUT", bookPath + "/columns/b1/cells/nobody", `{"mark":"5"}`, 404, ""},
		{"staff as student", "PUT", bookPath + "/columns/b1/cells/tom", `{"mark":"5"}`, 404, ""},
		{"unknown column", "PUT", bookPath + "/columns/b9/cells/sue", `{"mark":"5"}`, 404, ""},
		{"excused total", "PUT", bookPath + "/columns/total/cells/sue", `{"mark":"EX"}`, 422, "mark"},
		{"no id", "GET", bookPath + "/columns/A'/cells/sue", ``, 400, "id"},
		{"unknown section", "GET", bookPath + "?section=%27", ``, 400, "section"},
		{"column without a title", "POST", bookPath + "/columns", `{"id":"b8","title":" ","points":1}`, 422, "title"},
		{"column with negative points", "POST", bookPath + "/columns", `{"id":"b8","title":"T","points":-1}`, 422, ""},
		{"column of the total", "POST", bookPath + "/columns", `{"id":"total","title":"T","points":1}`, 400, "id"},
		{"column with a foreign category", "POST", bookPath + "/columns", `{"id":"b8","title":"T","points":1,"categoryId":"k9"}`, 422, "categoryId"},
		{"negative weight", "PUT", bookPath + "/settings", `{"categories":[{"id":"k1","name":"N","weight":-1}],"letters":[],"version":1}`, 422, ""},
		{"gap in the letters", "PUT", bookPath + "/settings", `{"categories":[],"letters":[{"letter":"A","min":50}],"version":1}`, 422, "letters"},
		{"overlap of letters", "PUT", bookPath + "/settings", `{"categories":[],"letters":[{"letter":"A","min":50},{"letter":"B","min":60},{"letter":"F","min":0}],"version":1}`, 422, "letters"},
		{"stale settings", "PUT", bookPath + "/settings", `{"categories":[],"letters":[],"version":7}`, 409, ""},
		{"post of an unknown column", "POST", bookPath + "/columns/b9/post", `{}`, 404, ""},
		{"import without a preview", "POST", bookPath + "/imports", `{"id":"im1","csv":"ID\n","fileName":"f"}`, 422, "hash"},
		{"empty import", "POST", bookPath + "/imports/preview", `{"csv":" "}`, 422, "csv"},
		{"undo of an unknown import", "POST", bookPath + "/imports/im9/undo", ``, 404, ""},
		{"note to nobody", "POST", "/api/v1/courses/c1/notes", `{"id":"n1","to":"nobody","body":"x"}`, 422, "to"},
		{"empty note", "POST", "/api/v1/courses/c1/notes", `{"id":"n1","to":"sue","body":""}`, 422, "body"},
		{"page of notes after nothing", "GET", "/api/v1/courses/c1/notes?after=%00", ``, 400, "after"},
	} {
		t.Run(x.name, func(t *testing.T) {
			r := c.send(x.method, x.path, ina, x.body)
			if r.status != x.status || r.error.Field != x.field || r.error.Message == "" {
				t.Errorf("%d %s, want %d (%s)", r.status, r.body, x.status, x.field)
			}
		})
	}
	if after := c.export(""); after != before {
		t.Errorf("something was changed: %s", firstDifference([]byte(before), []byte(after)))
	}
}
