package web

import (
	"bytes"
	"crypto/rand"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// formField is a field of a form, or a file when it has a name.
type formField struct{ name, value, file string }

// multipartForm is a form as a browser sends it.
func multipartForm(t testing.TB, fields ...formField) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, f := range fields {
		var part io.Writer
		var err error
		if f.name == "files" {
			part, err = w.CreateFormFile(f.name, f.file)
		} else {
			part, err = w.CreateFormField(f.name)
		}
		if err == nil {
			_, err = io.WriteString(part, f.value)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String(), w.FormDataContentType()
}

// sendForm sends a form with a session, without the header of programs.
func (s *site) sendForm(path, token string, fields ...formField) reply {
	s.t.Helper()
	body, kind := multipartForm(s.t, fields...)
	return s.send("POST", path, token, body, "Content-Type: "+kind, api.HeaderClient+":")
}

func attemptsOf(s *site, user, assignment string) []lms.Submission {
	s.t.Helper()
	return call(s, user, api.MySubmissions, api.AssignmentPath{Course: "c1", Assignment: assignment}).Items
}

func TestPlainPages(t *testing.T) {
	c := newCourse(t, nil)
	sue := c.token("sue", time.Hour)
	call(c.site, "ina", api.SaveGrade, api.GradeInput{Course: "c1", Submission: "s1", Points: 900, Feedback: "Secret feedback."})
	for _, tt := range []struct {
		path  string
		parts []string
	}{
		{"/plain", []string{"<h1>Your courses</h1>", "Course c1", "/plain/courses/c1", "Sign out", "Signed in as Sue"}},
		{"/plain/courses/c1", []string{"<h1>Course c1</h1>", "Page m1", "/plain/courses/c1/materials/m1", "Essay", "Submitted 1", "Module d1"}},
		{"/plain/courses/c1/materials/m1", []string{"<em>elects</em>", "<h1>Page m1</h1>"}},
		{"/plain/courses/c1/assignments/a1", []string{"<strong>well</strong>", `enctype="multipart/form-data"`, `name="files"`, "Hand in as attempt 2", "/plain/courses/c1/submissions/s1", "replaces"}},
		{"/plain/courses/c1/submissions/s1", []string{"essay.txt", c.file.SHA256, "Everything is on 1 of 1 node", "<code>s1</code>", "Here."}},
	} {
		r := c.send("GET", tt.path, sue, "")
		if r.status != 200 || !strings.HasPrefix(r.header.Get("Content-Type"), "text/html") || r.header.Get("Cache-Control") != "no-store" {
			t.Fatalf("%s: %d %v %s", tt.path, r.status, r.header, r.body)
		}
		for _, part := range tt.parts {
			if !strings.Contains(r.body, part) {
				t.Errorf("%s lacks %q:\n%s", tt.path, part, r.body)
			}
		}
		for _, never := range []string{"<script", "style=", " onclick", "Page m2", "Secret feedback", "ZgotmplZ"} {
			if strings.Contains(r.body, never) {
				t.Errorf("%s has %q", tt.path, never)
			}
		}
		if policy := r.header.Get("Content-Security-Policy"); !strings.Contains(policy, "form-action 'self'") || !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("%s: the policy is %s", tt.path, policy)
		}
	}
	if r := c.send("GET", "/plain/courses/c1/assignments/a1", c.token("ina", time.Hour), ""); r.status != 200 || strings.Contains(r.body, "<form class=\"stack\"") {
		t.Errorf("staff get %d and a form", r.status)
	}
	r := c.send("POST", "/plain/signout", sue, "", api.HeaderClient+":")
	if r.status != http.StatusSeeOther || r.header.Get("Location") != "/signin" || !strings.Contains(r.header.Get("Set-Cookie"), "Max-Age=0") {
		t.Errorf("signing out: %d %v", r.status, r.header)
	}
	if r := c.send("GET", "/plain/courses/c1", sue, ""); r.status != http.StatusSeeOther || r.header.Get("Location") != "/signin?next="+url.QueryEscape("/plain/courses/c1") {
		t.Errorf("afterwards: %d %v", r.status, r.header)
	}
}

// What the API refuses, the page that stands for it refuses with the same status.
func TestPlainRefusesAsTheAPI(t *testing.T) {
	c := newCourse(t, nil)
	call(c.site, "ina", api.CreateAssignment, api.AssignmentInput{Course: "c1", ID: "a9", Title: "Hidden", Points: 100, AllowText: true})
	tokens := map[string]string{}
	for _, user := range []string{"sue", "sam", "obi", "ned", "root", "ina"} {
		tokens[user] = c.token(user, time.Hour)
	}
	for _, tt := range []struct{ name, user, page, endpoint string }{
		{"no member, course", "ned", "/courses/c1", "/courses/c1"},
		{"no member, page", "ned", "/courses/c1/materials/m1", "/courses/c1/materials/m1"},
		{"no member, assignment", "ned", "/courses/c1/assignments/a1", "/courses/c1/assignments/a1"},
		{"no member, receipt", "ned", "/courses/c1/submissions/s1", "/courses/c1/submissions/s1/receipt"},
		{"hidden page", "sam", "/courses/c1/materials/m2", "/courses/c1/materials/m2"},
		{"hidden assignment", "sam", "/courses/c1/assignments/a9", "/courses/c1/assignments/a9"},
		{"hidden assignment, staff", "ina", "/courses/c1/assignments/a9", "/courses/c1/assignments/a9"},
		{"another's receipt", "sam", "/courses/c1/submissions/s1", "/courses/c1/submissions/s1/receipt"},
		{"an observer's look at a receipt", "obi", "/courses/c1/submissions/s1", "/courses/c1/submissions/s1/receipt"},
		{"a receipt for staff", "ina", "/courses/c1/submissions/s1", "/courses/c1/submissions/s1/receipt"},
		{"object of a foreign course", "ned", "/courses/c2/materials/m1", "/courses/c2/materials/m1"},
		{"unknown course", "sue", "/courses/none", "/courses/none"},
		{"unknown course, administrator", "root", "/courses/none", "/courses/none"},
		{"no id", "sue", "/courses/c1/materials/%3Cx", "/courses/c1/materials/%3Cx"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			want := c.send("GET", "/api/v1"+tt.endpoint, tokens[tt.user], "")
			got := c.send("GET", "/plain"+tt.page, tokens[tt.user], "")
			if got.status != want.status || want.status >= 400 && !strings.Contains(got.body, `role="alert"`) {
				t.Errorf("%d, and the API has %d %s", got.status, want.status, got.body)
			}
		})
	}
	form := []formField{{name: "id", value: "x1"}, {name: "text", value: "My work."}}
	for user, want := range map[string]int{"": 401, "ned": 403, "ina": 403, "obi": 403, "root": 403} {
		if r := c.sendForm("/plain/courses/c1/assignments/a1", tokens[user], form...); r.status != want {
			t.Errorf("handing in as %q: %d, want %d", user, r.status, want)
		}
	}
	if r := c.sendForm("/plain/courses/c1/assignments/a9", tokens["sam"], form...); r.status != 404 {
		t.Errorf("handing in to what is hidden: %d", r.status)
	}
	body, kind := multipartForm(t, form...)
	for _, header := range []string{"Origin: https://evil.example", "Sec-Fetch-Site: cross-site"} {
		if r := c.send("POST", "/plain/courses/c1/assignments/a1", tokens["sam"], body, "Content-Type: "+kind, header); r.status != 403 {
			t.Errorf("%s: %d", header, r.status)
		}
	}
	if got := attemptsOf(c.site, "sam", "a1"); len(got) != 0 {
		t.Errorf("attempts %+v", got)
	}
}

func TestPlainHandIn(t *testing.T) {
	c := newCourse(t, nil)
	sam := c.token("sam", time.Hour)
	const path = "/plain/courses/c1/assignments/a1"
	call(c.site, "ina", api.UpdateAssignment, api.UpdateAssignmentInput{Assignment: "a1", Version: 1, AssignmentInput: api.AssignmentInput{Course: "c1", ID: "a1", Title: "Essay",
		Points: 1000, AllowText: true, MaxFiles: 2, MaxFileSize: 5 << 20, AllowedTypes: []string{}, Published: true}})
	big := make([]byte, 3<<20+17) // several chunks, the last one shorter
	rand.Read(big)
	form := []formField{{name: "id", value: "p1"}, {name: "text", value: "Line one\r\nline two"}, {name: "files", file: "big work.bin", value: string(big)}, {name: "files"}}
	var wg sync.WaitGroup
	for range 6 { // an impatient person
		wg.Go(func() {
			if r := c.sendForm(path, sam, form...); r.status != http.StatusSeeOther || r.header.Get("Location") != "/plain/courses/c1/submissions/p1" {
				t.Errorf("%d %v %s", r.status, r.header, r.body)
			}
		})
	}
	wg.Wait()
	got := attemptsOf(c.site, "sam", "a1")
	if len(got) != 1 || got[0].Text != "Line one\nline two" || len(got[0].Files) != 1 || got[0].Files[0].SHA256 != hash(string(big)) || got[0].State != lms.SubmissionReceived {
		t.Fatalf("%+v", got)
	}
	if r := c.send("GET", "/api/v1/courses/c1/files/"+got[0].Files[0].ID+"/content", sam, ""); r.body != string(big) {
		t.Errorf("the file came out as %d bytes", len(r.body))
	}
	// The browser's way back, and other work in the old form.
	r := c.sendForm(path, sam, formField{name: "id", value: "p1"}, formField{name: "text", value: "Something else"})
	if r.status != 409 || !strings.Contains(r.body, "was not handed in") {
		t.Errorf("other work under the old number: %d %s", r.status, r.body)
	}
	if got := attemptsOf(c.site, "sam", "a1"); len(got) != 1 {
		t.Errorf("%d attempts", len(got))
	}
	// Somebody else's number.
	if r := c.sendForm(path, c.token("sue", time.Hour), formField{name: "id", value: "p1"}, formField{name: "text", value: "x"}); r.status != 409 {
		t.Errorf("somebody else's number: %d", r.status)
	}
}

func TestPlainHandInRefusals(t *testing.T) {
	c := newCourse(t, nil)
	now := time.Now().UTC().Truncate(time.Second)
	late := lms.LatePolicy{Rate: 10_00}
	for id, change := range map[string]func(*api.AssignmentInput){
		"closed": func(a *api.AssignmentInput) { a.DueAt, a.CutoffAt = now.Add(-48*time.Hour), now.Add(-24*time.Hour) },
		"early":  func(a *api.AssignmentInput) { a.OpensAt = now.Add(time.Hour) },
		"honour": func(a *api.AssignmentInput) { a.Honour = "This is my own work." },
		"late":   func(a *api.AssignmentInput) { a.DueAt, a.LatePolicy = now.Add(-30*time.Hour), &late },
		"files":  func(a *api.AssignmentInput) { a.AllowText, a.AllowedTypes, a.MaxFileSize = false, []string{".txt"}, 8 },
	} {
		a := api.AssignmentInput{Course: "c1", ID: id, Title: id, Points: 100_00, AllowText: true, MaxFiles: 2, MaxFileSize: 1 << 20, Published: true}
		change(&a)
		call(c.site, "ina", api.CreateAssignment, a)
	}
	sam := c.token("sam", time.Hour)
	text := formField{name: "text", value: "My work."}
	for i, tt := range []struct {
		name, assignment string
		fields           []formField
		status           int
		field, message   string
	}{
		{"nothing", "a1", nil, 422, "text", "nothing to hand in"},
		{"nothing where files are wanted", "files", nil, 422, "files", "nothing to hand in"},
		{"after the cut-off", "closed", []formField{text}, 422, "", "The cut-off of this assignment was"},
		{"before it opens", "early", []formField{text}, 422, "", "not opened yet"},
		{"without the statement", "honour", []formField{text}, 422, "honour", "tick it"},
		{"late without the tick", "late", []formField{text}, 422, "late", "Read what it costs"},
		{"late with the tick of another day", "late", []formField{text, {name: "late", value: "late-10"}}, 422, "late", "Read what it costs"},
		{"a type not taken", "files", []formField{{name: "files", file: "a.exe", value: "x"}}, 415, "files", "a.exe is not of a type"},
		{"too large", "files", []formField{{name: "files", file: "a.txt", value: strings.Repeat("x", 3<<20)}}, 413, "files", "a.txt has"},
		{"too many", "a1", []formField{{name: "files", file: "1", value: "x"}, {name: "files", file: "2", value: "y"}, {name: "files", file: "3", value: "z"}, {name: "files", file: "4", value: "z"}}, 422, "files", "4 was not taken"},
		{"somebody else's file", "a1", []formField{text, {name: "kept", value: c.file.ID}}, 422, "files", "not here any more"},
		{"text that is too long", "a1", []formField{{name: "text", value: strings.Repeat("x", lms.MaxBody+1)}}, 422, "text", "add longer work as a file"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			fields := append([]formField{{name: "id", value: fmt.Sprint("bad-", i)}}, tt.fields...)
			r := c.sendForm("/plain/courses/c1/assignments/"+tt.assignment, sam, fields...)
			link := ""
			if tt.field != "" {
				link = `<a href="#` + tt.field + `">`
			}
			if r.status != tt.status || !strings.Contains(r.body, "Nothing was handed in") || !strings.Contains(r.body, tt.message) || !strings.Contains(r.body, link) {
				t.Errorf("%d %.3000s", r.status, r.body)
			}
			if tt.field != "" && (!strings.Contains(r.body, `id="`+tt.field+`"`) || !strings.Contains(r.body, `id="`+tt.field+`-error"`)) {
				t.Errorf("the summary leads nowhere: %s", r.body)
			}
			if len(tt.fields) > 0 && tt.fields[0] == text && !strings.Contains(r.body, "My work.") {
				t.Error("the text is lost")
			}
			if got := attemptsOf(c.site, "sam", tt.assignment); len(got) != 0 {
				t.Errorf("attempts %+v", got)
			}
		})
	}
	t.Run("what is no form", func(t *testing.T) {
		for body, kind := range map[string]string{`{}`: "application/json", "id=x&text=y": "application/x-www-form-urlencoded"} {
			if r := c.send("POST", "/plain/courses/c1/assignments/a1", sam, body, "Content-Type: "+kind); r.status != 415 {
				t.Errorf("%s: %d", kind, r.status)
			}
		}
		body, kind := multipartForm(t, formField{name: "id", value: "cut"}, formField{name: "files", file: "a.txt", value: "abcdef"})
		if r := c.send("POST", "/plain/courses/c1/assignments/a1", sam, body[:strings.Index(body, "cdef")], "Content-Type: "+kind); r.status != 400 || !strings.Contains(r.body, "nothing was handed in") {
			t.Errorf("broken off: %d %s", r.status, r.body)
		}
		if r := c.sendForm("/plain/courses/c1/assignments/a1", sam, text); r.status != 400 {
			t.Errorf("without a number: %d", r.status)
		}
		if got := attemptsOf(c.site, "sam", "a1"); len(got) != 0 {
			t.Errorf("attempts %+v", got)
		}
	})
	t.Run("what was missing is added", func(t *testing.T) {
		r := c.sendForm("/plain/courses/c1/assignments/late", sam, formField{name: "id", value: "l1"}, formField{name: "files", file: "work.txt", value: "My file."})
		if r.status != 422 || !strings.Contains(r.body, "20 of 100 points for 2 begun late days") || !strings.Contains(r.body, "work.txt, 8 bytes") {
			t.Fatalf("%d %s", r.status, r.body)
		}
		kept := between(t, r.body, `name="kept" value="`, `"`)
		r = c.sendForm("/plain/courses/c1/assignments/late", sam, formField{name: "id", value: between(t, r.body, `name="id" value="`, `"`)},
			formField{name: "kept", value: kept}, formField{name: "late", value: between(t, r.body, `name="late" value="`, `"`)})
		if r.status != http.StatusSeeOther {
			t.Fatalf("%d %s", r.status, r.body)
		}
		got := attemptsOf(c.site, "sam", "late")
		if len(got) != 1 || got[0].ID != "l1" || len(got[0].Files) != 1 || got[0].Files[0].Name != "work.txt" || got[0].LateSeconds == 0 {
			t.Errorf("%+v", got)
		}
	})
}

func between(t *testing.T, s, before, after string) string {
	t.Helper()
	_, rest, ok := strings.Cut(s, before)
	found, _, closed := strings.Cut(rest, after)
	if !ok || !closed {
		t.Fatalf("%q is not in %s", before, s)
	}
	return found
}

// A node that has lost the majority refuses the form in plain words and keeps the text; nothing is half there.
func TestPlainHandInWithoutAMajority(t *testing.T) {
	n := newThreeNodes(t)
	leader := n.set.Index(n.set.Leader())
	token := n.sites[leader].token("sue", time.Hour)
	if r := n.sites[leader].send("GET", "/plain/courses/c1/assignments/a1", token, ""); r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	n.set.Stop((leader + 1) % 3)
	n.set.Stop((leader + 2) % 3)
	s := n.sites[leader]
	r := s.sendForm("/plain/courses/c1/assignments/a1", token, formField{name: "id", value: "p1"}, formField{name: "text", value: "My long text."},
		formField{name: "files", file: "a.txt", value: "abc"})
	kept := strings.Contains(r.body, "nothing was handed in") && strings.Contains(r.body, "My long text.")
	inBrowser := strings.Contains(r.body, "What you filled in is still there when you go back") // refused before the form was read
	if r.status != 503 || !kept && !inBrowser {
		t.Fatalf("%d %s", r.status, r.body)
	}
	for i := range 2 {
		n.set.Restart((leader + 1 + i) % 3)
	}
	n.set.WaitReady(leader)
	until(t, "the majority", func() bool {
		_, err := api.Call(t.Context(), api.NewClient(s.base, api.WithBearer(token)), api.MySubmissions, api.AssignmentPath{Course: "c1", Assignment: "a1"})
		return err == nil && s.server.db.Status().Leader != ""
	})
	page, err := api.Call(t.Context(), api.NewClient(s.base, api.WithBearer(token)), api.MySubmissions, api.AssignmentPath{Course: "c1", Assignment: "a1"})
	if err != nil || len(page.Items) != 0 {
		t.Errorf("%+v %v", page, err)
	}
}
