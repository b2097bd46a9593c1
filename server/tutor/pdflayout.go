package tutor

import (
	"math"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// pdfPage is a page as lines of text in the order in which they were drawn.
type pdfPage struct {
	number int
	lines  []pdfLine
}

// pdfLine is one line of a column.
type pdfLine struct {
	x, y, end, size float64
	turn            int
	bold            bool
	text            string
}

// linesOf joins glyphs into lines. Spaces that exist only as gaps are put in: many programs draw words, not spaces.
func linesOf(glyphs []glyph) []pdfLine {
	var lines []pdfLine
	var text strings.Builder
	var cur pdfLine
	bold, total := 0, 0
	flush := func() {
		if s := strings.TrimSpace(text.String()); s != "" {
			cur.text, cur.bold = s, bold*2 > total
			lines = append(lines, cur)
		}
		text.Reset()
		bold, total = 0, 0
	}
	for i, g := range glyphs {
		size := max(g.size, 0.1)
		gap := g.x - cur.end
		if i == 0 || g.turn != cur.turn || math.Abs(g.y-cur.y) > 0.45*max(size, cur.size) || gap > 6*size || gap < -2*size {
			// A raised or lowered character, such as an exponent, continues the line that it is close to.
			raised := i > 0 && g.turn == cur.turn && size < 0.85*cur.size && math.Abs(g.y-cur.y) < 0.75*cur.size && gap > -0.5*cur.size && gap < cur.size
			if !raised {
				flush()
				cur = pdfLine{x: g.x, y: g.y, size: size, turn: g.turn}
			}
		} else if gap > 0.17*size && !strings.HasSuffix(text.String(), " ") && g.text != " " {
			text.WriteByte(' ')
		}
		text.WriteString(g.text)
		if g.text != " " {
			total++
			if g.bold {
				bold++
			}
			cur.size = max(cur.size, size)
		}
		cur.end = g.x + g.w
	}
	flush()
	return joinRows(lines)
}

// joinRows puts pieces of one row that were drawn apart, such as the columns of a table, into one line, if they follow each other.
func joinRows(lines []pdfLine) []pdfLine {
	var out []pdfLine
	for _, l := range lines {
		if n := len(out); n > 0 {
			p := &out[n-1]
			if p.turn == l.turn && math.Abs(p.y-l.y) < 0.2*l.size && l.x >= p.end && l.x-p.end < 3*l.size {
				p.text += " " + l.text
				p.end = l.end
				continue
			}
		}
		out = append(out, l)
	}
	return out
}

// layout turns lines into headings and paragraphs.
func layout(pages []pdfPage) []block {
	body := bodySize(pages)
	var blocks []block
	for _, p := range pages {
		leading := usualLeading(p.lines)
		var para []string
		emit := func() {
			if len(para) > 0 {
				blocks = append(blocks, block{page: p.number, text: joinLines(para)})
				para = nil
			}
		}
		for i, l := range p.lines {
			if isHeading(l, body) {
				emit()
				level := 2
				if l.size > 1.5*body {
					level = 1
				}
				if n := len(blocks); n > 0 && i > 0 && blocks[n-1].kind == blockHeading && blocks[n-1].page == p.number &&
					math.Abs(p.lines[i-1].size-l.size) < 0.1 && len(blocks[n-1].text) < 120 { // a heading of two lines
					blocks[n-1].text = joinLines([]string{blocks[n-1].text, l.text})
					continue
				}
				blocks = append(blocks, block{kind: blockHeading, level: level, page: p.number, text: l.text})
				continue
			}
			if i > 0 && newParagraph(p.lines[i-1], l, leading) {
				emit()
			}
			para = append(para, l.text)
		}
		emit()
	}
	return blocks
}

// bodySize is the font size of most characters.
func bodySize(pages []pdfPage) float64 {
	count := map[float64]int{}
	for _, p := range pages {
		for _, l := range p.lines {
			count[math.Round(l.size*2)/2] += len(l.text)
		}
	}
	best, n := 0.0, 0
	for size, k := range count {
		if k > n || k == n && size < best {
			best, n = size, k
		}
	}
	return best
}

// usualLeading is the median distance of lines that follow each other.
func usualLeading(lines []pdfLine) float64 {
	var d []float64
	for i := 1; i < len(lines); i++ {
		if dy := lines[i-1].y - lines[i].y; dy > 0 && dy < 4*lines[i].size && lines[i].turn == lines[i-1].turn {
			d = append(d, dy)
		}
	}
	if len(d) == 0 {
		return 0
	}
	slices.Sort(d)
	return d[len(d)/2]
}

func newParagraph(prev, l pdfLine, leading float64) bool {
	dy := prev.y - l.y
	return l.turn != prev.turn || leading == 0 || dy > 1.35*leading || math.Abs(l.size-prev.size) > 0.15*prev.size || startsItem(l.text) ||
		dy < -leading && l.x <= prev.x // back to the top without going right: another box
}

// startsItem recognises the first line of a list item.
func startsItem(s string) bool {
	r, n := utf8.DecodeRuneInString(s)
	return strings.ContainsRune("•◦▪–·‣○●■", r) && len(s) > n && s[n] == ' '
}

// isHeading judges a line by its size, or by its weight when it is short and numbered or without a stop.
func isHeading(l pdfLine, body float64) bool {
	if len(l.text) > 150 || !strings.ContainsFunc(l.text, unicode.IsLetter) || utf8.RuneCountInString(l.text) < 2 {
		return false
	}
	if l.size >= 1.15*body {
		return len(strings.Fields(l.text)) <= 20
	}
	return l.bold && l.size >= 0.95*body && len(strings.Fields(l.text)) <= 12 && looksLikeHeading(l.text)
}

// joinLines makes a paragraph of its lines and takes words that were broken at the end of a line together.
func joinLines(lines []string) string {
	var b strings.Builder
	for i, l := range lines {
		if i == 0 {
			b.WriteString(l)
			continue
		}
		sofar := b.String()
		first, _ := utf8.DecodeRuneInString(l)
		if before, ok := strings.CutSuffix(sofar, "-"); ok && unicode.IsLower(first) {
			if last, _ := utf8.DecodeLastRuneInString(before); unicode.IsLower(last) {
				b.Reset()
				b.WriteString(before)
				b.WriteString(l)
				continue
			}
		}
		b.WriteByte(' ')
		b.WriteString(l)
	}
	return b.String()
}
