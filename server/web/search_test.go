package web

import (
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
)

// What the search refuses, and in which words; the text is never taken for anything but words.
func TestSearchRefuses(t *testing.T) {
	c := newCourse(t, nil)
	for _, tt := range []struct {
		name, as, query string
		status          int
		code, message   string
	}{
		{"nothing typed", "sue", "?q=+", 422, "rule", "between 1 and 1000"},
		{"no words at all", "sue", "", 422, "rule", "between 1 and 1000"},
		{"too long", "sue", "?q=" + strings.Repeat("a", 1001), 422, "rule", "between 1 and 1000"},
		{"no text", "sue", "?q=%ff", 400, "invalid", "not valid UTF-8"},
		{"an unknown kind", "sue", "?q=leader&kind=poem", 422, "rule", "The kinds are"},
		{"a place that is none", "sue", "?q=leader&after=-1", 400, "invalid", "from the start"},
		{"a page that is too large", "sue", "?q=leader&limit=201", 400, "invalid", "at most 200"},
		{"another course", "ira", "?q=leader", 403, "forbidden", ""},
		{"operators", "sue", "?q=%22+OR+NEAR(*)+%3B--&limit=200", 200, "", ""},
		{"the last page", "sue", "?q=leader&after=999999", 200, "", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := c.send("GET", "/api/v1/courses/c1/search"+tt.query, c.token(tt.as, time.Hour), "")
			if r.status != tt.status || !strings.Contains(r.body, tt.message) || !strings.Contains(r.body, tt.code) {
				t.Errorf("%d %s, want %d %s %q", r.status, r.body, tt.status, tt.code, tt.message)
			}
		})
	}
}

// What was found says where it is, with the words apart from the text around them: there is no markup to trust.
func TestSearchAnswersInParts(t *testing.T) {
	c := newCourse(t, nil)
	call(c.site, "ina", api.AskQuestion, api.QuestionInput{Course: "c1", ID: "q-x", To: lms.ToStaff, Title: "Markup?", Body: `Is <script>alert(1)</script> a zygote & "more"?`, Visibility: lms.VisibleCourse})
	r := call(c.site, "sue", api.SearchCourse, api.SearchInput{Course: "c1", Query: "zygo"})
	if r.Total != 1 || r.Items[0].ID != "q-x" || r.Items[0].Kind != lms.FoundQuestion || len(r.Items[0].Places) != 1 {
		t.Fatalf("%+v", r)
	}
	hits := ""
	for _, p := range r.Items[0].Places[0].Excerpt {
		if p.Hit {
			hits += p.Text
		}
	}
	if hits != "zygote" {
		t.Errorf("marked %q in %+v", hits, r.Items[0].Places)
	}
}
