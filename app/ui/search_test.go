package ui

import (
	"strings"
	"testing"

	"github.com/maxence-charriere/go-app/v10/pkg/app"

	"trivium/app/lms"
)

// Each hit leads to its place, and nothing of an excerpt becomes markup.
func TestSearchResults(t *testing.T) {
	p := &searchPage{inCourse: inCourse{id: "c1"}, query: `a"b&c`, asked: true}
	got := app.HTMLString(p.results(lms.SearchResults{Total: 4, Counts: map[lms.SearchKind]int{lms.FoundFile: 2, lms.FoundQuestion: 1, lms.FoundFAQ: 1}, Next: "4", Loose: true,
		Unread: []lms.SearchHit{{Kind: lms.FoundFile, ID: "m2", Title: "Scan", NotIndexed: "scanned PDF: no text"}},
		Items: []lms.SearchHit{
			{Kind: lms.FoundFile, ID: "m1", Title: "Notes", Hidden: true, Further: 2, Places: []lms.SearchPlace{{Ordinal: 7, Page: 3, Heading: "Notes › Votes",
				Excerpt: []lms.SearchPart{{Text: "a <script> of "}, {Text: "quo<b>rum", Hit: true}}}}},
			{Kind: lms.FoundFile, ID: "m2", Title: "Scan", NotIndexed: "scanned PDF: no text"},
			{Kind: lms.FoundQuestion, ID: "q1", Title: "When?"},
			{Kind: lms.FoundFAQ, ID: "r1", Title: "Why?", Places: []lms.SearchPlace{{Ordinal: 1, Excerpt: []lms.SearchPart{{Text: "Because."}}}}},
		}}))
	for _, want := range []string{`href="/courses/c1/materials/m1#p7"`, `page 3 · Votes`, `and 2 more places`, `Hidden from students`, `not indexed: scanned PDF`,
		`href="/courses/c1/questions/q1"`, `href="/courses/c1/faq#faq-r1"`, `Show more`, `some of them`, `1 file of this course is not indexed`, `q=a%22b%26c`} {
		if !strings.Contains(got, want) {
			t.Errorf("lacks %q", want)
		}
	}
	for _, bad := range []string{"<script>", "quo<b>rum"} {
		if strings.Contains(got, bad) {
			t.Errorf("holds %q", bad)
		}
	}
	if t.Failed() {
		t.Log(got)
	}
}
