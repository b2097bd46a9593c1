package web

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/labstack/echo/v4"

	"trivium/app/api"
	"trivium/app/lms"
)

// Beginnings of files, enough to be told by their content.
const (
	pngHead = "\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"
	mp4Head = "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00mp42isom0123456789"
)

func pageWith(body string, published bool) api.MaterialInput {
	return api.MaterialInput{Course: "c1", ID: lms.NewID(), Title: "Page", Kind: lms.MaterialPage, Body: body, Published: published}
}

func pictureOf(f lms.File) string {
	return "![A graph](/api/v1/courses/" + f.CourseID + "/files/" + f.ID + "/content?inline=true)"
}

// status asks for the bytes of a file.
func (c *course) status(login string, f lms.File) int {
	c.t.Helper()
	return c.send("GET", "/api/v1/courses/"+f.CourseID+"/files/"+f.ID+"/content?inline=true", c.token(login, time.Hour), "").status
}

func TestPicturesOfPagesAreReadByWhoReadsThePage(t *testing.T) {
	c := newCourse(t, nil)
	f := c.upload("ina", "c1", "graph.png", pngHead)
	expect := func(when string, sue, tom int) {
		t.Helper()
		for login, want := range map[string]int{"sue": sue, "tom": tom, "ina": 200, "ned": 404} {
			if got := c.status(login, f); got != want && !(login == "ned" && got == 403) {
				t.Errorf("%s: %s gets %d, want %d", when, login, got, want)
			}
		}
	}
	page := call(c.site, "ina", api.CreateMaterial, pageWith(pictureOf(f), false))
	expect("on a draft", http.StatusNotFound, 200)
	on, off, bare := true, false, "No picture."
	page = call(c.site, "ina", api.UpdateMaterial, api.UpdateMaterialInput{Course: "c1", Material: page.ID, Version: page.Version, Published: &on})
	expect("on a published page", 200, 200)
	if r := c.send("GET", "/api/v1/courses/c1/files/"+f.ID+"/content?inline=true", c.token("sue", time.Hour), ""); r.header.Get("Content-Type") != "image/png" ||
		!strings.HasPrefix(r.header.Get("Content-Disposition"), "inline;") || !strings.HasPrefix(r.header.Get("Content-Security-Policy"), "sandbox") {
		t.Errorf("headers %v", r.header)
	}
	with := page.Body
	page = call(c.site, "ina", api.UpdateMaterial, api.UpdateMaterialInput{Course: "c1", Material: page.ID, Version: page.Version, Body: &bare})
	expect("when the page no longer shows it", http.StatusNotFound, 200)
	page = call(c.site, "tom", api.UpdateMaterial, api.UpdateMaterialInput{Course: "c1", Material: page.ID, Version: page.Version, Body: &with})
	expect("when somebody else of the staff puts it back", 200, 200)
	page = call(c.site, "ina", api.UpdateMaterial, api.UpdateMaterialInput{Course: "c1", Material: page.ID, Version: page.Version, Published: &off})
	expect("when the page is hidden", http.StatusNotFound, 200)
	call(c.site, "ina", api.UpdateMaterial, api.UpdateMaterialInput{Course: "c1", Material: page.ID, Version: page.Version, Published: &on})
	call(c.site, "ina", api.DeleteMaterial, api.MaterialPath{Course: "c1", Material: page.ID})
	expect("when the page is archived", http.StatusNotFound, 200)
}

// A page gives nobody what its author only knows the id of.
func TestPagesShowNoFilesOfOthers(t *testing.T) {
	c := newCourse(t, nil)
	call(c.site, "ina", api.CreateMaterial, pageWith(pictureOf(c.file), true)) // handed in by sue
	private := c.upload("sam", "c1", "private.png", pngHead)
	call(c.site, "ina", api.CreateMaterial, pageWith(pictureOf(private), true))
	for login, f := range map[string]lms.File{"sam": c.file, "sue": private} {
		if got := c.status(login, f); got == 200 {
			t.Errorf("%s reads %s of another student through a page", login, f.Name)
		}
	}
}

// What somebody drafts on the site and somebody else publishes shows its pictures.
func TestPictureOfADraftThatAnotherPublishes(t *testing.T) {
	c := newCourse(t, nil)
	page := call(c.site, "ina", api.CreateMaterial, pageWith("Text.", true))
	f := c.upload("tom", "c1", "graph.png", pngHead)
	body := pictureOf(f)
	call(c.site, "tom", api.SaveMaterialDraft, api.MaterialDraftInput{Course: "c1", Material: page.ID, Title: "Page", Body: body, Base: page.Version})
	if got := c.status("sue", f); got == 200 {
		t.Error("a draft shows its picture to students")
	}
	call(c.site, "ina", api.UpdateMaterial, api.UpdateMaterialInput{Course: "c1", Material: page.ID, Version: page.Version, Body: &body})
	if got := c.status("sue", f); got != 200 {
		t.Errorf("the published picture: %d", got)
	}
}

// video adds a video of ina's to the course.
func (c *course) video(published bool) lms.Material {
	c.t.Helper()
	f := c.upload("ina", "c1", "talk.mp4", mp4Head)
	return call(c.site, "ina", api.CreateMaterial, api.MaterialInput{Course: "c1", ID: lms.NewID(), Title: "Talk", Kind: lms.MaterialFile, FileID: f.ID, Published: published})
}

func (c *course) fileMaterial(name, content string, published bool) lms.Material {
	c.t.Helper()
	f := c.upload("ina", "c1", name, content)
	return call(c.site, "ina", api.CreateMaterial, api.MaterialInput{Course: "c1", ID: lms.NewID(), Title: name, Kind: lms.MaterialFile, FileID: f.ID, Published: published})
}

func TestVideosPlayWithCaptions(t *testing.T) {
	c := newCourse(t, nil)
	sue := c.token("sue", time.Hour)
	v := c.video(true)
	subs := c.fileMaterial("talk.srt", "1\n00:00:01,500 --> 00:00:02,000\nCaf\xe9, 1,000 --> 2\n", false)
	path := "/api/v1/courses/c1/materials/" + v.ID + "/captions"
	if r := c.send("GET", path, sue, ""); r.status != 404 {
		t.Errorf("no captions yet: %d", r.status)
	}
	v = call(c.site, "ina", api.UpdateMaterial, api.UpdateMaterialInput{Course: "c1", Material: v.ID, Version: v.Version, Captions: &subs.ID})
	if v.CaptionsID != subs.ID {
		t.Errorf("captions %q", v.CaptionsID)
	}
	want := "WEBVTT\n\n1\n00:00:01.500 --> 00:00:02.000\nCafé, 1,000 --> 2\n"
	if r := c.send("GET", path, sue, ""); r.status != 200 || r.body != want || r.header.Get("Content-Type") != "text/vtt; charset=utf-8" {
		t.Errorf("%d %q %v", r.status, r.body, r.header)
	}
	part := c.send("GET", "/api/v1/courses/c1/files/"+v.File.ID+"/content?inline=true", sue, "", "Range: bytes=4-7")
	if part.status != 206 || part.body != "ftyp" || part.header.Get("Content-Type") != "video/mp4" {
		t.Errorf("range: %d %q %v", part.status, part.body, part.header)
	}
	page := call(c.site, "ina", api.CreateMaterial, pageWith("![The talk](video:"+v.ID+")", true))
	html := call(c.site, "sue", api.GetMaterial, api.MaterialPath{Course: "c1", Material: page.ID}).BodyHTML
	for _, part := range []string{`<video controls="" preload="metadata" src="/api/v1/courses/c1/files/` + v.File.ID + `/content?inline=true" aria-label="The talk">`,
		`<track kind="captions" label="Captions" src="` + path + `" default=""`} {
		if !strings.Contains(html, part) {
			t.Errorf("the page is %s\nwithout %s", html, part)
		}
	}
	off, none := false, ""
	v = call(c.site, "ina", api.UpdateMaterial, api.UpdateMaterialInput{Course: "c1", Material: v.ID, Version: v.Version, Published: &off})
	if html := call(c.site, "sue", api.GetMaterial, api.MaterialPath{Course: "c1", Material: page.ID}).BodyHTML; strings.Contains(html, v.File.ID) || !strings.Contains(html, "not available") {
		t.Errorf("a hidden video: %s", html)
	}
	if r := c.send("GET", path, sue, ""); r.status != 404 {
		t.Errorf("captions of a hidden video: %d", r.status)
	}
	if v = call(c.site, "ina", api.UpdateMaterial, api.UpdateMaterialInput{Course: "c1", Material: v.ID, Version: v.Version, Captions: &none}); v.CaptionsID != "" {
		t.Errorf("captions %q", v.CaptionsID)
	}
}

func TestCaptionsThatAreRefused(t *testing.T) {
	c := newCourse(t, nil)
	v, subs, notes := c.video(true), c.fileMaterial("talk.vtt", "WEBVTT\n", true), c.fileMaterial("notes.txt", "Notes.", true)
	foreign := "elsewhere"
	for name, tt := range map[string]struct {
		of      lms.Material
		id      string
		version int64
		kind    lms.Kind
	}{
		"no caption file":      {v, notes.ID, v.Version, lms.KindRule},
		"of another course":    {v, foreign, v.Version, lms.KindRule},
		"for what is no video": {notes, subs.ID, notes.Version, lms.KindRule},
		"on a stale version":   {v, subs.ID, v.Version + 1, lms.KindConflict},
	} {
		refused(c.site, "ina", api.UpdateMaterial, api.UpdateMaterialInput{Course: "c1", Material: tt.of.ID, Version: tt.version, Captions: &tt.id}, tt.kind)
		if m := call(c.site, "ina", api.GetMaterial, api.MaterialPath{Course: "c1", Material: tt.of.ID}); m.CaptionsID != "" || m.Version != tt.of.Version {
			t.Errorf("%s: the material has changed: %+v", name, m)
		}
	}
	refused(c.site, "sue", api.UpdateMaterial, api.UpdateMaterialInput{Course: "c1", Material: v.ID, Version: v.Version, Captions: &subs.ID}, lms.KindForbidden)
}

func TestWebVTT(t *testing.T) {
	for in, want := range map[string]string{
		"\ufeffWEBVTT\n\n00:01.000 --> 00:02.000\na,b\n": "WEBVTT\n\n00:01.000 --> 00:02.000\na,b\n",
		"1\r\n00:00:01,5 --> 00:00:02,000\r\nx\r\n":      "WEBVTT\n\n1\r\n00:00:01.5 --> 00:00:02.000\r\nx\r\n",
		"": "WEBVTT\n\n",
	} {
		if got := string(webVTT([]byte(in))); got != want {
			t.Errorf("%q gives %q, want %q", in, got, want)
		}
	}
}

func TestEmbedsOfferOnlyHostsOfTheList(t *testing.T) {
	site := lms.EmbedSite{Hosts: []string{"www.youtube-nocookie.com", "video.example.org"}}
	for address, want := range map[string]string{
		"https://video.example.org/v/1?a=b&c=d":    `<a href="https://video.example.org/v/1?a=b&amp;c=d" title="Talk"`,
		"https://www.youtube.com/watch?v=abc_-123": `<a href="https://www.youtube-nocookie.com/embed/abc_-123" title="Talk"`,
		"https://youtu.be/abc":                     `<a href="https://www.youtube-nocookie.com/embed/abc" title="Talk"`,
	} {
		if got := pageHTML("![Talk](embed:"+address+")", nil, site); !strings.Contains(got, `<span class="embed">`) || !strings.Contains(got, want) || strings.Contains(got, "<iframe") {
			t.Errorf("%s gives %s", address, got)
		}
	}
	for _, address := range []string{
		"https://evil.org/", "http://video.example.org/", "//video.example.org/", "https://video.example.org@evil.org/", "https://user:pw@video.example.org/",
		"https://video.example.org.evil.org/", "https://evilvideo.example.org/", "https://sub.video.example.org/", "https://video.example.org./", "https://video.example.org:8443/",
		"https://video.example.org:443/", "https://VIDEO.example.org/", "https://vid\u0435o.example.org/", "https://video\u3002example.org/", "https://video.example.org%2eevil.org/",
		`https://evil.org\@video.example.org/`, "https:video.example.org/", "https:///video.example.org/", "javascript:alert(1)", "data:text/html,x", "https://[::1]/", "https://127.0.0.1/",
		"https://evil.org#@video.example.org/", "https://evil.org?.video.example.org/", "https://www.youtube.com/watch?v=../../x", "",
	} {
		got := pageHTML("![Talk](<embed:"+address+">)", nil, site)
		if strings.Contains(got, `class="embed"`) || strings.Contains(got, "<iframe") || strings.Contains(got, "javascript:alert(1)\"") {
			t.Errorf("%q is offered: %s", address, got)
		}
		if !strings.Contains(got, "Talk") {
			t.Errorf("%q: the title is lost: %s", address, got)
		}
	}
	if got := pageHTML("![Talk](embed:https://evil.org/)", nil, site); !strings.Contains(got, `<a href="https://evil.org/"`) || !strings.Contains(got, "evil.org is not on this site&#39;s list") {
		t.Errorf("the reason is missing: %s", got)
	}
	if got := safeHTML("![Talk](embed:https://video.example.org/)"); strings.Contains(got, "embed") { // a question, for instance
		t.Errorf("outside of pages: %s", got)
	}
}

func TestListOfEmbeds(t *testing.T) {
	c := newCourse(t, nil)
	policy := func() string {
		return c.server.pagePolicy(echo.New().NewContext(httptest.NewRequest("GET", "/", nil), httptest.NewRecorder()))
	}
	empty := call(c.site, "sue", api.GetEmbeds, api.NoInput{})
	if len(empty.Hosts) != 0 || strings.Contains(policy(), "frame-src") {
		t.Errorf("at first: %v %s", empty.Hosts, policy())
	}
	op := c.operator()
	for _, bad := range []string{"https://video.example.org", "Video.example.org", "video.example.org/x", "video.example.org:443", "video.example.org.", "*.example.org", "localhost", "1.2.3.4",
		"vid\u0435o.org", "a b.org", "x.org;", "'self'", "-a.org"} {
		not(c.site, op, api.UpdateEmbeds, api.EmbedInput{EmbedSite: lms.EmbedSite{Hosts: []string{bad}}}, lms.KindRule)
	}
	not(c.site, op, api.UpdateEmbeds, api.EmbedInput{EmbedSite: lms.EmbedSite{Hosts: []string{"a.org", "a.org"}}}, lms.KindRule)
	list := must(c.site, op, api.UpdateEmbeds, api.EmbedInput{EmbedSite: lms.EmbedSite{Hosts: []string{"video.example.org", "a.org"}}})
	if !strings.Contains(policy(), "frame-src https://video.example.org https://a.org; ") || !strings.Contains(policy(), "default-src 'none'") {
		t.Errorf("policy %s", policy())
	}
	not(c.site, op, api.UpdateEmbeds, api.EmbedInput{EmbedSite: lms.EmbedSite{Hosts: []string{}}}, lms.KindConflict) // stale
	refused(c.site, "ina", api.UpdateEmbeds, api.EmbedInput{EmbedSite: list}, lms.KindForbidden)
	page := call(c.site, "ina", api.CreateMaterial, pageWith("![Talk](embed:https://a.org/x)", true))
	if !strings.Contains(page.BodyHTML, `class="embed"`) {
		t.Errorf("%s", page.BodyHTML)
	}
}
