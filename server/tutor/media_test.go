package tutor

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestExtractMedia reads HTML and captions.
func TestExtractMedia(t *testing.T) {
	for _, tt := range []struct {
		name, file string
		data       string
		want       string
	}{
		{"HTML with headings, lists and tables", "a.html", `<!doctype html><html><head><title>Week 3</title><style>p{}</style></head><body>
			<nav><a href="/">Home</a></nav><h1>Cells &amp; <em>tissues</em></h1><p>A cell is <b>small</b>,<br>mostly.</p>
			<h2>Parts</h2><ul><li>nucleus<li>membrane <ul><li>inner</ul></ul><table><tr><th>part<th>size</tr><tr><td>nucleus</td><td>6 µm</td></tr></table>
			<pre>a
			  b</pre><img src="http://x/y.png" alt="A drawing of a cell"><script>alert("SECRET")</script><footer>Impressum</footer></body></html>`,
			"0|Cells & tissues|A cell is small, mostly.\n0|Cells & tissues › Parts|• nucleus//• membrane//• inner//part | size//nucleus | 6 µm//a/\t\t\t  b//A drawing of a cell\n"},
		{"the title of a page without a heading", "a.htm", `<title>Osmosis</title><div>Water follows <span>salt</span>.</div><div>Always.</div>`, "0|Osmosis|Water follows salt.//Always.\n"},
		{"hidden text left out", "a.html", `<p>Seen.</p><p hidden>No 1</p><p style="Display : none">No 2</p><span aria-hidden=true>No 3</span><template>No 4</template><!-- No 5 --><noscript>No 6</noscript>`,
			"0||Seen.\n"},
		{"a table that arranges the page", "a.html", `<table><tr><td><h2>Left</h2><p>Text.</p></td><td><p>More.</p></td></tr></table>`, "0|Left|Text.//More.\n"},
		{"HTML in Windows-1251", "a.html", "<meta charset=windows-1251><p>\xcf\xf0\xe8\xe2\xe5\xf2</p>", "0||Привет\n"},
		{"HTML in UTF-16", "a.html", "\xff\xfe<\x00p\x00>\x00H\x00i\x00", "0||Hi\n"},
		{"HTML with open and crossed elements", "a.html", "<p><b>One<p>two</b> <i>three", "0||One//two three\n"},
		{"WebVTT", "a.vtt", "WEBVTT - Lecture\n\nSTYLE\n::cue{color:red}\n\nNOTE not read\n\n1\n00:01.000 --> 00:04.000 align:start\n<v Ann>Welcome <i>back</i>.\n\n" +
			"intro\n00:00:04.500 --> 00:00:06.000\n<v Ann>Today: sets &amp; maps.\n<v Bob>Why?\n\n01:02:03.000 --> 01:02:05.000\nThe end.\n",
			"0|at 0:01|Ann: Welcome back. Today: sets & maps. Bob: Why?\n0|at 1:02:03|The end.\n"},
		{"SubRip with rolling lines", "a.srt", "\ufeff1\r\n00:00:10,000 --> 00:00:12,000\r\n{\\an8}<font color=\"red\">A heap is a tree.</font>\r\n\r\n2\r\n00:00:12,000 --> 00:00:14,000\r\nA heap is a tree.\r\nIts root is the smallest.\r\n",
			"0|at 0:10|A heap is a tree. Its root is the smallest.\n"},
		{"captions in Arabic", "a.vtt", "WEBVTT\n\n00:00:01.000 --> 00:00:02.000\nمرحبا بكم\n", "0|at 0:01|مرحبا بكم\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ps, err := extract(t, tt.file, []byte(tt.data))
			if err != nil {
				t.Fatal(err)
			}
			if got := show(ps); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
	for _, tt := range []struct{ name, file, data, reason string }{
		{"deep HTML", "a.html", strings.Repeat("<div>", 5000), "the file is damaged: it is nested too deeply"},
		{"binary HTML", "a.html", strings.Repeat("\x00\x01\x02", 1000), "it is not an HTML file"},
		{"HTML of a script", "a.html", "<script>render()</script><div id=root></div>", "it has no text"},
		{"captions without times", "a.vtt", "WEBVTT\n\nHello", "it has no captions with times"},
		{"captions without words", "a.srt", "1\n00:00:01,000 --> 00:00:02,000\n\n", "it has no captions with times"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := extract(t, tt.file, []byte(tt.data)); err == nil || err.Error() != "not indexed: "+tt.reason {
				t.Errorf("%v, want %s", err, tt.reason)
			}
		})
	}
}

// TestCaptionPassages keeps passages of a long recording short enough to be found in it, and each begins at its own time.
func TestCaptionPassages(t *testing.T) {
	var b strings.Builder
	b.WriteString("WEBVTT\n\n")
	for i := range 600 {
		fmt.Fprintf(&b, "%02d:%02d.000 --> %02d:%02d.900\nThis is the caption number %d of the talk.\n\n", i*4/60, i*4%60, i*4/60, i*4%60+3, i)
	}
	ps, err := extract(t, "a.vtt", []byte(b.String()))
	if err != nil || len(ps) < 20 {
		t.Fatal(len(ps), err)
	}
	seen := map[string]bool{}
	for _, p := range ps {
		if n := len(strings.Fields(p.Text)); n > maxWords || seen[p.Heading] || !strings.HasPrefix(p.Heading, "at ") {
			t.Errorf("%d words at %q", n, p.Heading)
		}
		seen[p.Heading] = true
	}
}

// TestPDFPageEndsInDigits reads drawing instructions that end inside of a string of hexadecimal digits. The library waits for more of them
// for ever, so such a page is left out, whatever else it shows.
func TestPDFPageEndsInDigits(t *testing.T) {
	good := "BT /F1 10 Tf 50 700 Td (Sound page) Tj ET"
	for _, tail := range []string{"<", "<48 65", "<<<", "BT <4", "[ (a) <48 \n", "<< /A <ab", "<48 6z ", "<(", "< <", "<\x01"} {
		ps, err := extract(t, "a.pdf", makePDF("", good, "BT /F1 10 Tf 50 700 Td (Lost) Tj ET "+tail))
		if err != nil || show(ps) != "1||Sound page\n" {
			t.Errorf("%q: %v %q", tail, err, show(ps))
		}
	}
	ps, err := extract(t, "a.pdf", makePDF("", "BT /F1 10 Tf 50 700 Td <48> Tj (1 < 2) Tj ET f"))
	if err != nil || show(ps) != "1||H1 < 2\n" {
		t.Errorf("%v %q", err, show(ps))
	}
}

// TestWithin gives up when the time is over, and takes a panic for damage.
func TestWithin(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	release, ended := make(chan struct{}), make(chan struct{})
	go cancel()
	_, err := within(ctx, func() ([]block, error) {
		defer close(ended)
		<-release
		return nil, nil
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("circles: %v", err)
	}
	close(release)
	<-ended
	var u *UnreadableError
	if _, err := within(t.Context(), func() ([]block, error) { panic("damaged") }); !errors.As(err, &u) {
		t.Errorf("panic: %v", err)
	}
	if blocks, err := within(t.Context(), func() ([]block, error) { return []block{{text: "a"}}, nil }); err != nil || len(blocks) != 1 {
		t.Errorf("%v %v", blocks, err)
	}
}

func FuzzHTML(f *testing.F) {
	f.Add([]byte("<title>T</title><h1>One</h1><p>Two <b>three</b><ul><li>four</ul><table><tr><td>a<td>b</table><pre>x\ny</pre>"))
	f.Add([]byte("<meta charset=shift_jis><p>\x83\x65\x83\x58\x83\x67<svg><style><p>x</svg>"))
	f.Add([]byte("<p hidden>a<div style=display:none>b<template><p>c</template><select><option>d"))
	f.Add([]byte("<table><tr><td><table><tr><td>a</table><tr><p>b<math><mi>x</math></a></b></p>"))
	f.Fuzz(func(t *testing.T, data []byte) { checkExtract(t, "a.html", data) })
}

func FuzzCaptions(f *testing.F) {
	f.Add("WEBVTT\n\n00:01.000 --> 00:04.000\n<v Ann>Hello &amp; bye\n")
	f.Add("1\r\n00:00:10,000 --> 00:00:12,000\r\n{\\an8}<i>A</i>\r\n\r\n2\r\n00:00:12,000 --> 00:00:14,000\r\nA\r\nB\r\n")
	f.Add("9999:59:59.999 --> 00:00.000\n.\n00:00:00.1 --> 00:00:00.1\n<<>\n")
	f.Fuzz(func(t *testing.T, text string) { checkExtract(t, "a.vtt", []byte(text)) })
}
