package web

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// zipOf makes an archive; contents are by name, in order.
func zipOf(t *testing.T, members ...[2]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		h := &zip.FileHeader{Name: m[0], Method: zip.Deflate}
		if m[1] == "link" {
			h.SetMode(fs.ModeSymlink | 0o777)
		}
		w, err := z.CreateHeader(h)
		if err == nil {
			_, err = io.WriteString(w, m[1])
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// TestFeedbackMembers judges what a hostile or careless archive may hold (INTEROP-3).
func TestFeedbackMembers(t *testing.T) {
	names := map[string]namedWork{
		"sue_1_essay.txt": {submission: "s1", user: "Sue", attempt: 1, sha256: hash("as handed in")},
		"sue_1_plan.txt":  {submission: "s1", user: "Sue", attempt: 1},
		"two_1_essay.txt": {submission: "s2", twice: true},
	}
	tests := []struct {
		name, member, content, skipped string
	}{
		{"a marked file", "sue_1_essay.txt", "marked", ""},
		{"in a folder", "marked/sue_1_essay.txt", "marked", ""},
		{"an unknown name", "sue_1_other.txt", "x", "No handed-in file"},
		{"a name that is nearly right", "sue_1_essay (1).txt", "x", "No handed-in file"},
		{"another case", "SUE_1_essay.txt", "x", "No handed-in file"},
		{"another attempt", "sue_2_essay.txt", "x", "No handed-in file"},
		{"a name of two works", "two_1_essay.txt", "x", "More than one handed-in file"},
		{"not changed", "sue_1_essay.txt", "as handed in", "as it was handed in"},
		{"traversal", "../sue_1_essay.txt", "x", "leads out"},
		{"traversal inside", "a/../../sue_1_essay.txt", "x", "leads out"},
		{"absolute", "/sue_1_essay.txt", "x", "absolute"},
		{"a Windows path", `C:\sue_1_essay.txt`, "x", "absolute"},
		{"backslashes", `..\sue_1_essay.txt`, "x", "absolute"},
		{"a link", "sue_1_essay.txt", "link", "link or a device"},
		{"a folder", "sue_1_essay.txt/", "", "folder"},
		{"an over-long name", strings.Repeat("d/", 600) + "sue_1_essay.txt", "x", "too long"},
		{"no UTF-8", "\xff/sue_1_essay.txt", "x", "not valid"},
		{"resource forks", "__MACOSX/sue_1_essay.txt", "x", "system"},
		{"a file of the Finder", ".DS_Store", "x", "system"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := zipOf(t, [2]string{tt.member, tt.content})
			r, files, err := matchArchive(bytes.NewReader(b), int64(len(b)), names)
			if err != nil {
				t.Fatal(err)
			}
			if m := r.Members[0]; tt.skipped == "" && (m.Skipped != "" || m.SubmissionID != "s1" || len(files) != 1) ||
				tt.skipped != "" && (!strings.Contains(m.Skipped, tt.skipped) || len(files) != 0 || r.Skipped != 1) {
				t.Errorf("%+v, want it skipped for %q", m, tt.skipped)
			}
		})
	}
	t.Run("two members with one name", func(t *testing.T) {
		b := zipOf(t, [2]string{"a/sue_1_essay.txt", "x"}, [2]string{"b/sue_1_essay.txt", "y"}, [2]string{"sue_1_plan.txt", "z"})
		r, _, err := matchArchive(bytes.NewReader(b), int64(len(b)), names)
		if err != nil || r.Matched != 1 || r.Skipped != 2 {
			t.Errorf("%+v, %v", r, err)
		}
	})
}

func TestHostileFeedbackArchives(t *testing.T) {
	names := map[string]namedWork{"sue_1_essay.txt": {submission: "s1"}}
	many := make([][2]string, lms.MaxFeedbackMembers+1)
	for i := range many {
		many[i] = [2]string{fmt.Sprint(i), ""}
	}
	crowd := make([][2]string, 60_000)
	for i := range crowd {
		crowd[i] = [2]string{fmt.Sprintf("%0100d", i), ""}
	}
	corrupt := zipOf(t, [2]string{"sue_1_essay.txt", strings.Repeat("marked", 1000)})
	corrupt[60] ^= 0xff
	lying := zipOf(t, [2]string{"sue_1_essay.txt", strings.Repeat("\x00", 32<<20)})
	at := bytes.LastIndex(lying, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(lying[at+24:], 10) // claims ten bytes
	tests := []struct {
		name    string
		archive []byte
		kind    lms.Kind // of the refusal; empty: the member is skipped
	}{
		{"too many members", zipOf(t, many...), lms.KindTooLarge},
		{"a list of members larger than the memory for it", zipOf(t, crowd...), lms.KindTooLarge},
		{"no zip", []byte("not an archive at all"), lms.KindRule},
		{"empty", nil, lms.KindRule},
		{"cut off", zipOf(t, [2]string{"sue_1_essay.txt", "marked"})[:40], lms.KindRule},
		{"a bomb", zipOf(t, [2]string{"sue_1_essay.txt", strings.Repeat("\x00", 64<<20)}), lms.KindTooLarge},
		{"a member that lies about its size", lying, ""},
		{"damaged", corrupt, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r, files, err := matchArchive(bytes.NewReader(tt.archive), int64(len(tt.archive)), names)
			switch {
			case lms.KindOf(err) != tt.kind:
				t.Errorf("%v, want %q", err, tt.kind)
			case tt.kind == "" && (len(files) != 0 || !strings.Contains(r.Members[0].Skipped, "damaged")):
				t.Errorf("%+v", r)
			}
		})
	}
}

// TestFeedbackZip downloads the work, changes a file and hands the archive back.
func TestFeedbackZip(t *testing.T) {
	c := newCourse(t, nil)
	tom := c.token("tom", time.Hour)
	long := c.upload("sam", "c1", "dünn & \"x\".txt", "Sam's plan.")
	call(c.site, "sam", api.Submit, api.SubmitInput{Course: "c1", Assignment: "a1", ID: "s2", Files: []string{long.ID}})
	r := c.send("GET", "/api/v1/courses/c1/assignments/a1/archive", tom, "")
	if r.status != 200 || r.header.Get("Content-Type") != "application/zip" {
		t.Fatalf("%d %s", r.status, r.body)
	}
	z, err := zip.NewReader(strings.NewReader(r.body), int64(len(r.body)))
	c.check(err)
	got := map[string]string{}
	for _, m := range z.File {
		f, err := m.Open()
		c.check(err)
		b, err := io.ReadAll(f)
		c.check(err)
		got[m.Name] = string(b)
	}
	want := map[string]string{"sue_1_text.txt": "Here.", "sue_1_essay.txt": "My essay.", "sam_1_dünn - -x-.txt": "Sam's plan."}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the archive has %v, want %v", got, want)
	}
	if r := c.send("GET", "/api/v1/courses/c1/assignments/a1/archive?filter=late", tom, ""); r.status != 200 || strings.Contains(r.body, "essay") {
		t.Errorf("late work: %d, %d bytes", r.status, len(r.body))
	}
	if r := c.send("GET", "/api/v1/courses/c1/submissions/s2/archive", tom, ""); r.status != 200 || strings.Contains(r.body, "essay") {
		t.Errorf("one attempt: %d, %d bytes", r.status, len(r.body))
	}

	marked := zipOf(t, [2]string{"sue_1_essay.txt", "My essay. Good!"}, [2]string{"sam_1_dünn - -x-.txt", "Sam's plan."}, [2]string{"notes.txt", "x"})
	up := c.upload("tom", "c1", "marked.zip", string(marked))
	in := api.FeedbackPath{Course: "c1", Assignment: "a1", File: up.ID}
	report := call(c.site, "tom", api.PreviewFeedback, in)
	if report.Matched != 1 || report.Skipped != 2 || report.Members[0].UserName != "Sue" {
		t.Errorf("preview: %+v", report)
	}
	if n := len(call(c.site, "tom", api.ListComments, api.SubmissionPath{Course: "c1", Submission: "s1"}).Items); n != 0 {
		t.Errorf("a preview has added %d comments", n)
	}
	refused(c.site, "tom", api.ApplyFeedback, api.FeedbackInput{Course: "c1", Assignment: "a1", ID: "fb1", File: up.ID, Matched: 2}, lms.KindConflict)
	refused(c.site, "ina", api.PreviewFeedback, in, lms.KindForbidden)
	done := call(c.site, "tom", api.ApplyFeedback, api.FeedbackInput{Course: "c1", Assignment: "a1", ID: "fb1", File: up.ID, Matched: 1})
	if done.Applied != 1 {
		t.Errorf("applied: %+v", done)
	}
	thread := call(c.site, "ina", api.ListComments, api.SubmissionPath{Course: "c1", Submission: "s1"}).Items
	if len(thread) != 1 || len(thread[0].Files) != 1 || !thread[0].PostedAt.IsZero() {
		t.Fatalf("the thread: %+v", thread)
	}
	path := "/api/v1/courses/c1/files/" + thread[0].Files[0].ID + "/content"
	if r := c.send("GET", path, c.token("sue", time.Hour), ""); r.status != 403 {
		t.Errorf("the student reads the marked file before it is posted: %d", r.status)
	}
	call(c.site, "tom", api.PostGrades, api.PostGradesInput{Course: "c1", Assignment: "a1", Submissions: []string{"s1"}})
	if r := c.send("GET", path, c.token("sue", time.Hour), ""); r.status != 200 || r.body != "My essay. Good!" {
		t.Errorf("the student reads %d %q", r.status, r.body)
	}
	if r := c.send("GET", path, c.token("sam", time.Hour), ""); r.status != 403 {
		t.Errorf("another student reads it: %d", r.status)
	}
	if n := call(c.site, "tom", api.UndoFeedback, api.FeedbackUndo{Course: "c1", Assignment: "a1", Feedback: "fb1"}).Removed; n != 1 {
		t.Errorf("undone: %d", n)
	}
	if n := len(call(c.site, "sue", api.ListComments, api.SubmissionPath{Course: "c1", Submission: "s1"}).Items); n != 0 {
		t.Errorf("after the undo %d comments are left", n)
	}
}

// TestBadMarking sends what no client of ours sends about marking.
func TestBadMarking(t *testing.T) {
	c := newCourse(t, nil)
	sue, tom, ina := c.token("sue", time.Hour), c.token("tom", time.Hour), c.token("ina", time.Hour)
	const work, as, rubrics = "/api/v1/courses/c1/submissions/s1", "/api/v1/courses/c1/assignments/a1", "/api/v1/courses/c1/rubrics"
	level := func(points string) string {
		return `{"id":"r9","title":"R","criteria":[{"id":"k","title":"K","points":10,"levels":[{"id":"l","title":"L","points":` + points + `}]}]}`
	}
	place := func(anchor string) string { return `{"id":"n9","body":"B","anchor":` + anchor + `}` }
	tests := []struct {
		name, method, path, token, body string
		status                          int
		field                           string
	}{
		{"a letter that is none", "PUT", work + "/grade", tom, `{"grade":"Z","feedback":"","version":0}`, 422, "points"},
		{"a negative grade", "PUT", work + "/grade", tom, `{"grade":"-1","feedback":"","version":0}`, 422, "points"},
		{"above possible", "PUT", work + "/grade", tom, `{"grade":"11","feedback":"","version":0}`, 422, "points"},
		{"too long a grade", "PUT", work + "/grade", tom, `{"grade":"` + strings.Repeat("1", 40) + `","feedback":"","version":0}`, 422, "points"},
		{"an unknown rubric", "PUT", work + "/grade", tom, `{"grade":"1","feedback":"","version":0,"marks":{"rubricId":"none","version":1,"criteria":[]}}`, 422, "marks"},
		{"a rubric without an id", "PUT", work + "/grade", tom, `{"grade":"1","feedback":"","version":0,"marks":{"rubricId":"","version":1,"criteria":[]}}`, 400, "marks"},
		{"a stale grade", "PUT", work + "/grade", tom, `{"grade":"1","feedback":"","version":5}`, 409, ""},
		{"an unknown posting policy", "PUT", as + "/marking", ina, `{"posting":"never","rubricShown":false,"version":0}`, 400, "posting"},
		{"an unknown kind of grades", "PUT", as + "/marking", ina, `{"posting":"manual","gradeType":"stars","rubricShown":false,"version":0}`, 400, "gradeType"},
		{"a stale policy", "PUT", as + "/marking", ina, `{"posting":"manual","rubricShown":false,"version":3}`, 409, ""},
		{"policy by an assistant", "PUT", as + "/marking", tom, `{"posting":"manual","rubricShown":false,"version":0}`, 403, ""},
		{"posting a section and submissions", "POST", as + "/grades/post", tom, `{"section":"x","submissions":["s1"]}`, 422, "submissions"},
		{"posting everyone of a section", "POST", as + "/grades/post", tom, `{"section":"x","everyone":true}`, 422, "submissions"},
		{"hiding by a student", "POST", as + "/grades/hide", sue, `{}`, 403, ""},
		{"hiding a foreign submission", "POST", as + "/grades/hide", tom, `{"submissions":["none"]}`, 404, ""},
		{"a rubric without criteria", "POST", rubrics, tom, `{"id":"r9","title":"R","criteria":[]}`, 422, "criteria"},
		{"a rubric without a title", "POST", rubrics, tom, `{"id":"r9","title":" ","criteria":[]}`, 422, "title"},
		{"a level above its criterion", "POST", rubrics, tom, level("11"), 422, "criteria"},
		{"a negative level", "POST", rubrics, tom, level("-1"), 422, ""},
		{"a criterion without levels", "POST", rubrics, tom, `{"id":"r9","title":"R","criteria":[{"id":"k","title":"K","points":1}]}`, 422, "criteria"},
		{"two criteria with one id", "POST", rubrics, tom, `{"id":"r9","title":"R","freePoints":true,"criteria":[{"id":"k","title":"K","points":1},{"id":"k","title":"K","points":1}]}`, 400, "criteria"},
		{"a rubric by a student", "POST", rubrics, sue, level("1"), 403, ""},
		{"an empty comment", "POST", work + "/comments", sue, `{"id":"m9","body":" "}`, 422, "body"},
		{"a comment with a foreign file", "POST", work + "/comments", tom, `{"id":"m9","files":["` + c.file.ID + `"]}`, 422, "files"},
		{"the same file twice", "POST", work + "/comments", tom, `{"id":"m9","files":["x","x"]}`, 422, "files"},
		{"another's comment", "DELETE", work + "/comments/none", sue, ``, 404, ""},
		{"an annotation without words", "POST", work + "/annotations", tom, `{"id":"n9","body":" ","anchor":{"end":1,"quote":"x"}}`, 422, "body"},
		{"an annotation nowhere", "POST", work + "/annotations", tom, place(`{}`), 422, "anchor"},
		{"a range that ends before it begins", "POST", work + "/annotations", tom, place(`{"start":5,"end":4,"quote":"x"}`), 422, "anchor"},
		{"an area beyond the page", "POST", work + "/annotations", tom, place(`{"page":1,"x":9000,"y":0,"width":2000,"height":10}`), 422, "anchor"},
		{"an area that overflows", "POST", work + "/annotations", tom, place(`{"page":1,"x":9223372036854775807,"y":0,"width":2000,"height":10}`), 422, "anchor"},
		{"a range and an area", "POST", work + "/annotations", tom, place(`{"page":1,"width":20,"height":10,"quote":"x"}`), 400, "anchor"},
		{"an annotation of a file that is not of the work", "POST", work + "/annotations", tom, `{"id":"n9","body":"B","fileId":"none","anchor":{"end":1,"quote":"x"}}`, 422, "fileId"},
		{"an annotation by a student", "POST", work + "/annotations", sue, place(`{"end":1,"quote":"x"}`), 403, ""},
		{"an unknown filter", "GET", as + "/submissions?filter=best", tom, "", 400, "filter"},
		{"an archive of missing work", "GET", as + "/archive?filter=missing", tom, "", 422, "filter"},
		{"an archive by a student", "GET", as + "/archive", sue, "", 403, ""},
		{"a feedback archive that is no zip", "POST", as + "/feedback/preview", sue, `{"file":"` + c.file.ID + `"}`, 403, ""},
		{"an unknown feedback archive", "POST", as + "/feedback/preview", tom, `{"file":"none"}`, 404, ""},
		{"another's file as feedback archive", "POST", as + "/feedback/preview", tom, `{"file":"` + c.file.ID + `"}`, 403, ""},
		{"an unknown feedback to undo", "DELETE", as + "/feedback/none", tom, "", 404, ""},
	}
	before := c.contents()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := c.send(tt.method, tt.path, tt.token, tt.body)
			if r.status != tt.status || r.error.Field != tt.field {
				t.Errorf("%d %s, want %d (%s)", r.status, r.body, tt.status, tt.field)
			}
			if r.error.Message == "" || r.error.RequestID == "" {
				t.Errorf("a refusal without words or request id: %s", r.body)
			}
		})
	}
	if after := c.contents(); after != before {
		t.Errorf("something was changed (-before +after)\n%s", firstDifference([]byte(before), []byte(after)))
	}
}

// TestOpeningWorkChangesNothing reads everything that the marking view reads (UX principle 4).
func TestOpeningWorkChangesNothing(t *testing.T) {
	c := newCourse(t, nil)
	sub := api.SubmissionPath{Course: "c1", Submission: "s1"}
	as := api.AssignmentPath{Course: "c1", Assignment: "a1"}
	before := c.contents()
	s := call(c.site, "tom", api.GetSubmission, sub)
	call(c.site, "tom", api.ListAttempts, sub)
	call(c.site, "tom", api.ListComments, sub)
	call(c.site, "tom", api.ListAnnotations, sub)
	call(c.site, "tom", api.ListGradeChange, sub)
	call(c.site, "tom", api.GetMarking, as)
	call(c.site, "tom", api.CountWork, as)
	if s.Grade != nil || s.Begun != nil {
		t.Errorf("a grade is preset: %+v %+v", s.Grade, s.Begun)
	}
	if after := c.contents(); after != before {
		t.Errorf("opening has changed something (-before +after)\n%s", firstDifference([]byte(before), []byte(after)))
	}
}
