package lms_test

import (
	"slices"
	"strings"
	"testing"

	"trivium/app/lms"
)

func TestPageHints(t *testing.T) {
	site := lms.EmbedSite{Hosts: []string{"video.example.org"}}
	videos := []lms.Material{{ID: "v1", Title: "Talk"}, {ID: "v2", Title: "Told", CaptionsID: "c1"}}
	for _, tt := range []struct{ name, body, want string }{
		{"nothing", "Text with ! and [brackets](x).", ""},
		{"described", "![A graph](/files/f1/content)", ""},
		{"without a description", "![](/files/f1/content)", "no description"},
		{"blank description", "![ ](/files/f1/content)", "no description"},
		{"decorative", `![](/files/f1/content "decorative")`, ""},
		{"of another site", "![A graph](https://example.org/a.png)", "another site"},
		{"video without captions", "![Talk](video:v1)", "“Talk” has no captions"},
		{"video with captions", "![Told](video:v2)", ""},
		{"embed", "![Talk](embed:https://video.example.org/x)", ""},
		{"embed of another host", "![Talk](embed:https://evil.org/x)", "evil.org is not on this site's list"},
		{"embed without https", "![Talk](embed:http://video.example.org/x)", "https://"},
		{"unfinished", "![Talk](", ""},
	} {
		got := strings.Join(lms.PageHints(tt.body, site, videos), "\n")
		if (tt.want == "") != (got == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
	if got := lms.PageHints("![](a) ![](b)", site, nil); len(got) != 1 {
		t.Errorf("the same is said twice: %q", got)
	}
}

func TestPageFiles(t *testing.T) {
	body := "![a](/api/v1/courses/c1/files/f1/content?inline=true) ![b](/api/v1/courses/c1/files/f2/content?inline=true) /files/f1/content /files/NO ID/content /files/f3"
	if got := lms.PageFiles(body); !slices.Equal(got, []string{"f1", "f2"}) {
		t.Errorf("%q", got)
	}
}
