package ui

import (
	"html"
	"slices"
	"strings"
	"unicode/utf16"

	"trivium/app/lms"
)

// codeExtensions are files that are shown as code. Everything of type text is shown, too.
var codeExtensions = strings.Fields(".go .py .java .c .h .cc .cpp .hpp .rs .js .ts .tsx .jsx .rb .php .sh .sql .kt .swift .r .m .tex .yaml .yml .toml " +
	".ini .hs .scala .cs .asm .s .pl .lua .json .ipynb .css .xml .html .csv .log .ml .v .vhd .pas .f90 .jl .dart .ex .erl .clj .mk .gradle .bat .ps1")

// shownText reports whether a file is shown as text in the page, and whether as code.
func shownText(f lms.File) (text, code bool) {
	code = slices.Contains(codeExtensions, f.Extension())
	return f.Complete() && f.Size <= maxPreview && (code || strings.HasPrefix(f.Type, "text/")), code
}

// cleanText is a text as it is shown and counted for anchors.
func cleanText(b []byte) string {
	return strings.ReplaceAll(strings.ToValidUTF8(string(b), "�"), "\r\n", "\n")
}

// placed is an annotation with its range in a text.
type placed struct {
	start, end int // UTF-16 units
	note       lms.Annotation
	number     int // in the list, from 1
}

// markedText is a text as HTML: one element for each line, and marks where annotations are. Only the text's own characters
// are in it, so that browsers count places in it as the node does.
func markedText(s string, notes []lms.Annotation, file string) string {
	u := utf16.Encode([]rune(s))
	var places []placed
	for i, n := range notes {
		if n.FileID != file || n.Anchor.Area() {
			continue
		}
		if start, end, ok := n.Anchor.Find(u); ok {
			places = append(places, placed{start, end, n, i + 1})
		}
	}
	slices.SortStableFunc(places, func(a, b placed) int { return a.start - b.start })
	var b strings.Builder
	b.WriteString(`<pre class="work-lines">`)
	for start := 0; start < len(u); {
		end := start
		for end < len(u) && u[end] != '\n' {
			end++
		}
		end = min(end+1, len(u))
		b.WriteString(`<span class="line">`)
		writeMarked(&b, u, start, end, places)
		b.WriteString(`</span>`)
		start = end
	}
	b.WriteString(`</pre>`)
	return b.String()
}

// writeMarked writes one line. Where annotations overlap, the one that begins first has the mark.
func writeMarked(b *strings.Builder, u []uint16, start, end int, places []placed) {
	at := start
	for _, p := range places {
		from, to := max(p.start, at), min(p.end, end)
		if from >= to {
			continue
		}
		b.WriteString(html.EscapeString(string(utf16.Decode(u[at:from]))))
		b.WriteString(`<mark class="note-mark" data-note="` + html.EscapeString(p.note.ID) + `"`)
		if p.start >= start {
			b.WriteString(` id="mark-` + html.EscapeString(p.note.ID) + `" data-n="` + itoa(p.number) + `"`)
		}
		b.WriteString(`>` + html.EscapeString(string(utf16.Decode(u[from:to]))) + `</mark>`)
		at = to
	}
	b.WriteString(html.EscapeString(string(utf16.Decode(u[at:end]))))
}

// linesRange is the place of whole lines, counted from 1, with their text; ok is false when there are no such lines.
func linesRange(s string, from, to int) (a lms.Anchor, ok bool) {
	lines := strings.SplitAfter(s, "\n")
	if from < 1 || to < from || to > len(lines) {
		return a, false
	}
	quote := strings.TrimRight(strings.Join(lines[from-1:to], ""), "\n")
	a.Start = len(utf16.Encode([]rune(strings.Join(lines[:from-1], ""))))
	a.Quote = quote
	a.End = a.Start + len(utf16.Encode([]rune(quote)))
	return a, quote != ""
}

// areasByPage draws the annotated areas of every page that has some.
func areasByPage(notes []lms.Annotation, file string) map[int]string {
	pages := map[int]string{}
	for _, n := range notes {
		if n.FileID == file && n.Anchor.Area() && pages[n.Anchor.Page] == "" {
			pages[n.Anchor.Page] = areasOf(notes, file, n.Anchor.Page)
		}
	}
	return pages
}

// areasOf draws the annotated areas of a page over it. It is one element, for app.Raw.
func areasOf(notes []lms.Annotation, file string, page int) string {
	var b strings.Builder
	b.WriteString(`<svg class="areas" viewBox="0 0 10000 10000" preserveAspectRatio="none" aria-hidden="true">`)
	for _, n := range notes {
		if a := n.Anchor; n.FileID == file && a.Page == page {
			b.WriteString(`<rect class="area" data-note="` + html.EscapeString(n.ID) + `" id="mark-` + html.EscapeString(n.ID) + `" x="` + itoa(a.X) + `" y="` + itoa(a.Y) +
				`" width="` + itoa(a.Width) + `" height="` + itoa(a.Height) + `"></rect>`)
		}
	}
	b.WriteString(`</svg>`)
	return b.String()
}
