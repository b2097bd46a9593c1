//go:build e2e

package e2e

import (
	"encoding/csv"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"trivium/app/api"
	"trivium/app/lms"
)

func (m *term) totals() {
	b := m.teach
	m.open(b, "grades")
	row := func(n int, want ...string) {
		m.t.Helper()
		b.waitFor(20*time.Second, fmt.Sprintf("row %d with %v", n, want), fmt.Sprintf(`(r => r && %s.every(w => [...r.children].some(c => c.innerText.split(",")[0].trim() === w)))
			(document.querySelector("#book .book-body [aria-rowindex='%d']"))`, quoteAll(want), n+1))
	}
	row(1, "Amara Diallo", "74.29", "18", "70", "B-")
	row(2, "Ben Okafor", "89.14", "16", "90", "A") // an A counts as the least that an A stands for
	row(3, "Chen Li", "8.33", "7.14", "10", "0")   // missing work counts nothing
	b.run("the keyboard into the grid", chromedp.Evaluate(`document.querySelector("#book [tabindex='0']").focus()`, nil))
	b.keys("to the override of the first", kb.ArrowRight, kb.ArrowRight)
	b.keys("to Chen's", kb.ArrowDown, kb.ArrowDown)
	b.focused("#bc3-3")
	b.keys("an override", "5", "0", kb.Enter)
	b.see("Saved: Chen Li, Final total, 50.")
	b.run("the title of the overrides", chromedp.Evaluate(`document.getElementById("bc0-3").dispatchEvent(new MouseEvent("mousedown", {bubbles: true, cancelable: true}))`, nil))
	b.see("1 mark, 1 not posted.")
	b.click("Post all")
	b.see("Posted: ")
}

func quoteAll(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = quote(w)
	}
	return "[" + strings.Join(quoted, ",") + "]"
}

// roundTrip takes the marks out, changes two of them as a spreadsheet would, and takes them in: the preview names just these,
// the import changes just these, and undoing it leaves no trace.
func (m *term) roundTrip() {
	b := m.teach
	m.open(b, "grades", "files")
	before := b.csvOf()
	changed := m.changed(before, map[[2]string]string{{"Chen Li", "Quorums"}: "12", {"Ben Okafor", "Leases at work"}: "EX"})
	b.attach("#book-csv", m.file("marks.csv", changed))
	b.see("2 marks would change for 3 students")
	b.see("Chen Li Quorums 10 12")
	b.see("Ben Okafor Leases at work 90 EX")
	if b.csvOf() != before {
		m.t.Error("a preview changes marks")
	}
	b.click("Apply 2 changes")
	b.see("2 marks changed")
	if got := m.marksOf(b.csvOf()); !slices.Equal(got, m.marksOf(changed)) {
		m.t.Errorf("imported\n%v\nwant\n%v", got, m.marksOf(changed))
	}
	b.click("Undo the import of marks.csv")
	b.confirm("Undo the import")
	b.see("is undone")
	if got := b.csvOf(); got != before {
		m.t.Errorf("the undone import leaves\n%s\nwant\n%s", got, before)
	}
}

// table reads the gradebook's file.
func (m *term) table(text string) [][]string {
	m.t.Helper()
	rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
	if err != nil || len(rows) < 4 {
		m.t.Fatalf("%v in %s", err, text)
	}
	return rows
}

// changed gives cells, named by student and title, another content.
func (m *term) changed(text string, cells map[[2]string]string) string {
	m.t.Helper()
	rows := m.table(text)
	for cell, value := range cells {
		row := slices.IndexFunc(rows, func(r []string) bool { return r[0] == cell[0] })
		col := slices.IndexFunc(rows[0], func(h string) bool { return strings.HasPrefix(h, cell[1]+" (") })
		if row < 0 || col < 0 {
			m.t.Fatalf("no cell %v in %s", cell, text)
		}
		rows[row][col] = value
	}
	var out strings.Builder
	if err := csv.NewWriter(&out).WriteAll(rows); err != nil {
		m.t.Fatal(err)
	}
	return out.String()
}

// marksOf are the marks of the file without what is computed.
func (m *term) marksOf(text string) (list []string) {
	rows := m.table(text)
	for _, row := range rows[2:] {
		for i, head := range rows[0] {
			if strings.HasSuffix(head, ")") {
				list = append(list, row[0]+" "+head+" "+row[i])
			}
		}
	}
	return list
}

// archive takes the course out and in again, and finds the same.
func (m *term) archive() {
	b := m.teach
	m.open(b, "settings")
	b.waitFor(20*time.Second, "the archive", `document.querySelector("a[download][href$='/archive']") !== null`)
	var path string
	b.eval(`document.querySelector("a[download][href$='/archive']").getAttribute("href")`, &path)
	req, err := http.NewRequestWithContext(m.t.Context(), http.MethodGet, m.nodes[0].origin()+path, nil)
	if err != nil {
		m.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+call(m.t, m.client(""), api.SignIn, api.SignInInput{Login: "ines", Password: password, Bearer: true}).Token)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		m.t.Fatal(err)
	}
	defer res.Body.Close()
	data, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		m.t.Fatalf("the archive: %s %v", res.Status, err)
	}
	zip := filepath.Join(m.dir, "course.trivium.zip")
	if err := os.WriteFile(zip, data, 0o600); err != nil {
		m.t.Fatal(err)
	}
	b.open(m.nodes[0].origin() + "/courses/import")
	b.attach("#archive", zip)
	b.seeWithin(60*time.Second, "“Distributed Systems” is here")
	b.click("Open the course")
	again := strings.TrimPrefix(b.path("/courses/"), "/courses/")
	b.open(m.nodes[0].origin() + "/courses/" + again + "/materials")
	b.see("Week 2")
	if got, want := m.content(again), m.content(m.course); !slices.Equal(got, want) || len(want) < 7 {
		m.t.Errorf("the archive brought\n%q\nwant\n%q", got, want)
	}
	if got := call(m.t, m.ines, api.ListMembers, api.ListMembersInput{Course: again}).Total; got != 1 {
		m.t.Errorf("the archive brought %d people", got)
	}
}

// content lists what is in a course, without ids and dates.
func (m *term) content(course string) (list []string) {
	outline := call(m.t, m.ines, api.GetOutline, api.CoursePath{Course: course})
	for _, module := range outline.Modules {
		list = append(list, "module "+module.Title)
		for _, i := range module.Items {
			list = append(list, fmt.Sprintf("%s %s in %s", i.Kind, i.Title, module.Title))
		}
	}
	for _, a := range call(m.t, m.ines, api.ListAssignments, api.CoursePath{Course: course}).Items {
		list = append(list, fmt.Sprintf("assignment %s of %s, %s, due %v", a.Title, a.Points, a.GradeType, a.DueAt))
	}
	late := call(m.t, m.ines, api.GetCourseLate, api.CoursePath{Course: course})
	return append(list, late.Text)
}

func (m *term) results() {
	a := m.amara
	a.open(m.lead.origin() + m.page("grades"))
	a.see("74.29 %")
	a.see("given 90, late − 20, counts 70")
	a.click("Leases at work")
	a.see("70 of 100 points")
	a.see("Taken for 2 late days")
	a.open(m.lead.origin() + m.page("assignments", m.essay))
	a.see("B-")

	chen := m.tabOf(m.t, "chen", m.nodes[2])
	m.open(chen, "grades")
	chen.see("50 %")
	chen.see("Set by staff. Computed: 7.14 %.")
	chen.look("term-result")
	ben := m.tabOf(m.t, "ben", m.nodes[1])
	ben.open(m.nodes[1].origin() + m.page("grades"))
	ben.see("89.14 %")
	ben.absent("late −")
	m.sameRows()
	if got := m.attemptsAt("amara", m.essay); len(got) != 1 || got[0].Text != "Time and leases." {
		m.t.Errorf("Amara's essay: %+v", got)
	}
	for _, s := range call(m.t, m.ines, api.ListSubmissions, api.ListSubmissionsInput{Course: m.course, Assignment: m.late}).Items {
		if s.ID != "" && (s.Grade == nil || s.Grade.Points != lms.Points(90_00)) {
			m.t.Errorf("%s has %+v", s.UserName, s.Grade)
		}
	}
}
