package tutor

import (
	"context"
	"errors"
	"io"
	"math"
	"strings"

	"github.com/ledongthuc/pdf"
)

// pdfReader reads the pages of one document.
type pdfReader struct {
	ctx   context.Context
	doc   *pdf.Reader
	fonts map[string]*pdfFont
}

// glyph is a character, or a few, drawn at a place. x runs along the line and y across it, also on turned pages.
type glyph struct {
	x, y, w, size float64
	turn          int // direction of the line in degrees
	bold          bool
	text          string
}

// pageText is what the drawing instructions of a page show.
type pageText struct {
	glyphs  []glyph
	bytes   int
	images  bool
	damaged bool
}

// canvas interprets drawing instructions.
type canvas struct {
	*pdfReader
	page  *pageText
	ops   int
	forms int
}

// textState is the part of the graphics state that text depends on.
type textState struct {
	font                   *pdfFont
	size, chars, words     float64
	scale, leading, rise   float64
	matrix, line, graphics [6]float64
	invisible              bool
}

var identity = [6]float64{1, 0, 0, 1, 0, 0}

// multiply returns the matrix that applies a, then b.
func multiply(a, b [6]float64) [6]float64 {
	return [6]float64{a[0]*b[0] + a[1]*b[2], a[0]*b[1] + a[1]*b[3], a[2]*b[0] + a[3]*b[2], a[2]*b[1] + a[3]*b[3],
		a[4]*b[0] + a[5]*b[2] + b[4], a[4]*b[1] + a[5]*b[3] + b[5]}
}

// errPageDone ends the interpretation of a page that is too long. The library has no other way out than a panic.
var errPageDone = errors.New("page too long")

// leaf is a page with the resources that it has or inherits.
type leaf struct{ page, resources pdf.Value }

// Caps of the tree of pages, which may be damaged so that it contains itself.
const (
	maxTreeDepth = 40
	maxTreeNodes = 4 * maxPages
)

// pages lists the pages in order. The library's own walk would go round in a circle for ever.
func (p *pdfReader) pages() []leaf {
	var out []leaf
	nodes := 0
	var walk func(node, resources pdf.Value, depth int)
	walk = func(node, resources pdf.Value, depth int) {
		if nodes++; nodes > maxTreeNodes || depth > maxTreeDepth || len(out) == maxPages || p.ctx.Err() != nil {
			return
		}
		if own := node.Key("Resources"); own.Kind() == pdf.Dict {
			resources = own
		}
		kids := node.Key("Kids")
		if kids.Kind() != pdf.Array {
			if node.Kind() == pdf.Dict {
				out = append(out, leaf{node, resources})
			}
			return
		}
		for i := 0; i < kids.Len() && nodes <= maxTreeNodes; i++ {
			protect(func() { walk(kids.Index(i), resources, depth+1) }) // a damaged branch leaves the others
		}
	}
	protect(func() { walk(p.doc.Trailer().Key("Root").Key("Pages"), pdf.Value{}, 0) })
	return out
}

// page reads one page. What was shown before damage is kept.
func (p *pdfReader) page(l leaf) *pageText {
	t := &pageText{}
	c := &canvas{pdfReader: p, page: t}
	t.damaged = protect(func() { c.draw(l.page.Key("Contents"), l.resources, identity, 0) }) != nil
	return t
}

// streamFits expands a stream, or a list of them, to see that the library, which has no caps, comes to its end: it is within the cap, and
// it does not end inside of a string of hexadecimal digits, in which the library would wait for more digits for ever.
func (p *pdfReader) streamFits(v pdf.Value) bool {
	left := int64(maxPDFStream)
	var tail hexTail
	one := func(s pdf.Value) {
		if s.Kind() == pdf.Stream {
			n, _ := io.Copy(&tail, io.LimitReader(s.Reader(), left)) // damage shows when it is interpreted
			left -= n
		}
	}
	if v.Kind() == pdf.Array {
		for i := 0; i < v.Len() && left > 0; i++ {
			one(v.Index(i))
		}
	} else {
		one(v)
	}
	return left > 0 && !tail.open && p.ctx.Err() == nil
}

// hexTail watches whether the last "<" may have begun a string that nothing ends: nothing has followed but space, hexadecimal digits and
// at last perhaps one other byte, for which the library waits for the second half before it complains.
type hexTail struct{ open, odd bool }

func (h *hexTail) Write(p []byte) (int, error) {
	for _, c := range p {
		switch {
		case c == '<':
			h.open, h.odd = true, false
		case c == 0, c == '\t', c == '\n', c == '\f', c == '\r', c == ' ':
		case c == '>', h.odd:
			h.open = false
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
		default:
			h.odd = true
		}
	}
	return len(p), nil
}

func (c *canvas) draw(contents, resources pdf.Value, base [6]float64, depth int) {
	if contents.Kind() == pdf.Null || !c.streamFits(contents) {
		return
	}
	s := textState{scale: 1, matrix: identity, line: identity, graphics: base}
	var saved []textState
	pdf.Interpret(contents, func(stk *pdf.Stack, op string) {
		if c.ops++; c.ops > maxPDFOps || c.ops%1000 == 0 && c.ctx.Err() != nil || c.page.bytes > maxText {
			panic(errPageDone)
		}
		args := make([]pdf.Value, stk.Len())
		for i := len(args) - 1; i >= 0; i-- {
			args[i] = stk.Pop()
		}
		switch op {
		case "q":
			if len(saved) < 1000 {
				saved = append(saved, s)
			}
		case "Q":
			if n := len(saved); n > 0 {
				s, saved = saved[n-1], saved[:n-1]
			}
		case "cm":
			if m, ok := matrixOf(args); ok {
				s.graphics = multiply(m, s.graphics)
			}
		case "Tf":
			if len(args) == 2 {
				name := args[0].Name()
				v := resources.Key("Font").Key(name)
				s.font, s.size = c.font(v, fontKey(v)), args[1].Float64()
			}
		case "Do":
			if len(args) == 1 {
				c.do(resources, args[0].Name(), s.graphics, depth)
			}
		case "BI", "INLINE":
			c.page.images = true
		default:
			c.text(&s, op, args)
		}
	})
}

// fontKey identifies a font object by what it consists of; equal fonts may share.
func fontKey(v pdf.Value) string { return truncate(v.String(), 2000) }

func matrixOf(args []pdf.Value) (m [6]float64, ok bool) {
	if len(args) != 6 {
		return m, false
	}
	for i, a := range args {
		m[i] = a.Float64()
	}
	return m, true
}

// do draws an embedded drawing, which may hold text, or notes an image.
func (c *canvas) do(resources pdf.Value, name string, at [6]float64, depth int) {
	x := resources.Key("XObject").Key(name)
	switch x.Key("Subtype").Name() {
	case "Image":
		c.page.images = true
	case "Form":
		if c.forms++; depth >= 8 || c.forms > maxPDFForms {
			return
		}
		inner := x.Key("Resources")
		if inner.Kind() == pdf.Null {
			inner = resources
		}
		if m := x.Key("Matrix"); m.Len() == 6 {
			args := make([]pdf.Value, 6)
			for i := range args {
				args[i] = m.Index(i)
			}
			own, _ := matrixOf(args)
			at = multiply(own, at)
		}
		if protect(func() { c.draw(x, inner, at, depth+1) }) != nil && (c.ops > maxPDFOps || c.ctx.Err() != nil) {
			panic(errPageDone)
		}
	}
}

// text interprets the operators of text.
func (c *canvas) text(s *textState, op string, args []pdf.Value) {
	number := func(i int) float64 {
		if i < len(args) {
			return args[i].Float64()
		}
		return 0
	}
	newLine := func(x, y float64) {
		s.line = multiply([6]float64{1, 0, 0, 1, x, y}, s.line)
		s.matrix = s.line
	}
	switch op {
	case "BT":
		s.matrix, s.line = identity, identity
	case "Tc":
		s.chars = number(0)
	case "Tw":
		s.words = number(0)
	case "Tz":
		s.scale = number(0) / 100
	case "TL":
		s.leading = number(0)
	case "Ts":
		s.rise = number(0)
	case "Tr":
		s.invisible = number(0) == 7 // 3, invisible, is the recognised text over a scan: it is read
	case "Td":
		newLine(number(0), number(1))
	case "TD":
		s.leading = -number(1)
		newLine(number(0), number(1))
	case "Tm":
		if m, ok := matrixOf(args); ok {
			s.matrix, s.line = m, m
		}
	case "T*":
		newLine(0, -s.leading)
	case "'", "\"":
		if op == "\"" && len(args) == 3 {
			s.words, s.chars = number(0), number(1)
		}
		newLine(0, -s.leading)
		if len(args) > 0 {
			c.show(s, args[len(args)-1].RawString())
		}
	case "Tj":
		if len(args) > 0 {
			c.show(s, args[0].RawString())
		}
	case "TJ":
		if len(args) > 0 {
			c.showSpaced(s, args[0])
		}
	}
}

// showSpaced draws strings with the shifts between them.
func (c *canvas) showSpaced(s *textState, list pdf.Value) {
	for i := range list.Len() {
		if x := list.Index(i); x.Kind() == pdf.String {
			c.show(s, x.RawString())
		} else {
			s.matrix = multiply([6]float64{1, 0, 0, 1, -x.Float64() / 1000 * s.size * s.scale, 0}, s.matrix)
		}
	}
}

// show draws a string.
func (c *canvas) show(s *textState, raw string) {
	if s.font == nil {
		return
	}
	bold := strings.Contains(s.font.name, "Bold") || strings.Contains(s.font.name, "Black") || strings.Contains(s.font.name, "Semibold")
	for len(raw) > 0 {
		code, text, width := s.font.next(raw)
		raw = raw[len(code):]
		m := multiply([6]float64{s.size * s.scale, 0, 0, s.size, 0, s.rise}, multiply(s.matrix, s.graphics))
		along := math.Hypot(m[0], m[1])
		if along > 0 && !math.IsInf(along, 0) && !s.invisible {
			ux, uy := m[0]/along, m[1]/along
			c.page.glyphs = append(c.page.glyphs, glyph{x: m[4]*ux + m[5]*uy, y: -m[4]*uy + m[5]*ux, w: width / 1000 * along,
				size: math.Hypot(m[2], m[3]), turn: int(math.Round(math.Atan2(uy, ux) * 180 / math.Pi)), bold: bold, text: text})
			c.page.bytes += len(text)
		}
		advance := width/1000*s.size + s.chars
		if len(code) == 1 && code[0] == ' ' {
			advance += s.words
		}
		s.matrix = multiply([6]float64{1, 0, 0, 1, advance * s.scale, 0}, s.matrix)
	}
}
