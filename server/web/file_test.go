package web

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

func TestUploadSizes(t *testing.T) {
	c := newCourse(t, nil)
	sue := c.token("sue", time.Hour)
	for _, size := range []int{0, 1, lms.ChunkSize - 1, lms.ChunkSize, lms.ChunkSize + 1, 3 * lms.ChunkSize} {
		t.Run(strconv.Itoa(size), func(t *testing.T) {
			content := strings.Repeat("0123456789abcde\n", size/16+1)[:size]
			f := c.upload("sue", "c1", "a.txt", content)
			if !f.Complete() || f.Type != "text/plain" {
				t.Errorf("%+v", f)
			}
			r := c.send("GET", "/api/v1/courses/c1/files/"+f.ID+"/content", sue, "")
			if r.status != 200 || hash(r.body) != hash(content) || r.header.Get("ETag") != `"`+hash(content)+`"` {
				t.Errorf("%d, %d bytes, %s", r.status, len(r.body), r.header.Get("ETag"))
			}
		})
	}
}

func TestUploadInSteps(t *testing.T) {
	c := newCourse(t, nil)
	content := strings.Repeat("x", lms.ChunkSize) + "end"
	in := fileOf("c1", "big.bin", content)
	f := call(c.site, "sue", api.DeclareFile, in)
	at := api.FilePath{Course: "c1", File: f.ID}
	if m := call(c.site, "sue", api.MissingChunks, at); len(m.Numbers) != 2 {
		t.Errorf("missing %v", m.Numbers)
	}
	sue := c.token("sue", time.Hour)
	if r := c.send("POST", "/api/v1/courses/c1/files/"+f.ID+"/complete", sue, ""); r.status < 400 || r.status >= 500 {
		t.Errorf("completing what has not arrived: %d %s", r.status, r.body)
	}
	if r := c.send("GET", "/api/v1/courses/c1/files/"+f.ID+"/content", sue, ""); r.status != 409 {
		t.Errorf("reading what has not arrived: %d %s", r.status, r.body)
	}
	if r := c.send("PUT", "/api/v1/courses/c1/files/"+f.ID+"/chunks/1", sue, "end"); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if m := call(c.site, "sue", api.MissingChunks, at); len(m.Numbers) != 1 || m.Numbers[0] != 0 {
		t.Errorf("missing %v", m.Numbers)
	}
	for range 2 { // the answer was lost
		if r := c.send("PUT", "/api/v1/courses/c1/files/"+f.ID+"/chunks/0", sue, content[:lms.ChunkSize]); r.status != 200 {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	for range 2 {
		if r := call(c.site, "sue", api.CompleteFile, at); r.Replicas != 1 || r.Nodes != 1 || !r.File.Complete() {
			t.Errorf("%+v", r)
		}
	}
}

func TestFileContent(t *testing.T) {
	c := newCourse(t, nil)
	sue := c.token("sue", time.Hour)
	content := "%PDF-1.7\n0123456789"
	f := c.upload("sue", "c1", `Übung "1".pdf`, content)
	path := "/api/v1/courses/c1/files/" + f.ID + "/content"
	r := c.send("GET", path, sue, "")
	want := map[string]string{"Content-Type": "application/pdf", "X-Content-Type-Options": "nosniff", "Content-Length": strconv.Itoa(len(content)),
		"Content-Disposition": `attachment; filename="_bung _1_.pdf"; filename*=UTF-8''%C3%9Cbung%20%221%22.pdf`, "Accept-Ranges": "bytes"}
	for name, v := range want {
		if got := r.header.Get(name); got != v {
			t.Errorf("%s: %q, want %q", name, got, v)
		}
	}
	if csp := r.header.Get("Content-Security-Policy"); !strings.HasPrefix(csp, "sandbox; default-src 'none'") {
		t.Errorf("policy %q", csp)
	}
	part := c.send("GET", path, sue, "", "Range: bytes=9-12")
	if part.status != 206 || part.body != "0123" || part.header.Get("Content-Range") != "bytes 9-12/19" {
		t.Errorf("range: %d %q %s", part.status, part.body, part.header.Get("Content-Range"))
	}
	if r := c.send("GET", path, sue, "", "Range: bytes=99-"); r.status != 416 {
		t.Errorf("range beyond the end: %d", r.status)
	}
	if r := c.send("GET", path, sue, "", "If-None-Match: "+r.header.Get("ETag")); r.status != 304 || r.body != "" {
		t.Errorf("unchanged: %d", r.status)
	}
	if r := c.send("GET", path+"?inline=true", sue, ""); !strings.HasPrefix(r.header.Get("Content-Disposition"), "inline;") {
		t.Errorf("inline PDF: %s", r.header.Get("Content-Disposition"))
	}
	page := c.upload("sue", "c1", "a.html", "<script>alert(1)</script>")
	r = c.send("GET", "/api/v1/courses/c1/files/"+page.ID+"/content?inline=true", sue, "")
	if !strings.HasPrefix(r.header.Get("Content-Disposition"), "attachment;") || r.header.Get("Content-Type") != typeUnknown {
		t.Errorf("inline HTML: %s %s", r.header.Get("Content-Disposition"), r.header.Get("Content-Type"))
	}
}

func TestReceipt(t *testing.T) {
	c := newCourse(t, nil)
	r := call(c.site, "sue", api.GetReceipt, api.SubmissionPath{Course: "c1", Submission: "s1"})
	if r.Replicas != 1 || r.Nodes != 1 || r.Index == 0 || r.Submission.State != lms.SubmissionReceived || r.Submission.Files[0].SHA256 != hash("My essay.") {
		t.Errorf("%+v", r)
	}
	text := call(c.site, "sue", api.Submit, api.SubmitInput{Course: "c1", Assignment: "a1", ID: "s2", Text: "Only text."})
	if text.Replicas != 1 || text.Nodes != 1 || text.Submission.Attempt != 2 {
		t.Errorf("%+v", text)
	}
}

func TestGradeIsSeenOncePosted(t *testing.T) {
	c := newCourse(t, nil)
	at := api.SubmissionPath{Course: "c1", Submission: "s1"}
	g := call(c.site, "ina", api.SaveGrade, api.GradeInput{Course: "c1", Submission: "s1", Points: 875, Feedback: "**Good.**"})
	if g.FeedbackHTML != "<p><strong>Good.</strong></p>\n" {
		t.Errorf("%+v", g)
	}
	if s := call(c.site, "sue", api.GetSubmission, at); s.Grade != nil {
		t.Errorf("a draft is seen: %+v", s.Grade)
	}
	if a := call(c.site, "sue", api.GetAssignment, api.AssignmentPath{Course: "c1", Assignment: "a1"}); a.Mine == nil || a.Mine.Grade != nil || a.DescriptionHTML != "<p>Write <strong>well</strong>.</p>\n" {
		t.Errorf("%+v", a)
	}
	refused(c.site, "tom", api.SaveGrade, api.GradeInput{Course: "c1", Submission: "s1", Points: 900}, lms.KindConflict)
	if out := call(c.site, "ina", api.PostGrades, api.PostGradesInput{Course: "c1", Assignment: "a1"}); out.Posted != 1 {
		t.Errorf("%+v", out)
	}
	if s := call(c.site, "sue", api.GetSubmission, at); s.Grade == nil || s.Grade.Points != 875 || s.Grade.FeedbackHTML == "" {
		t.Errorf("a posted grade is not seen: %+v", s.Grade)
	}
}
