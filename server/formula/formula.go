package formula

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Bounds of a formula. A longer one is shown as its source.
const (
	MaxSource = 4096 // bytes
	maxDepth  = 40   // groups within each other
)

// MathML renders a formula, in a line of text or displayed on its own. The source stays readable as its alternative text.
func MathML(source string, display bool) (string, error) {
	switch {
	case len(source) > MaxSource:
		return "", fmt.Errorf("the formula has more than %d bytes", MaxSource)
	case !utf8.ValidString(source) || strings.ContainsFunc(source, hidden):
		return "", fmt.Errorf("there are characters in the formula that nobody sees")
	}
	p := &reader{scanner: scanner{source: source}, display: display}
	list := p.list()
	if t := p.next(); p.err == nil && !t.end() {
		p.fail("nothing opens what %q at %d closes", t.text, t.at)
	}
	if p.err != nil {
		return "", p.err
	}
	if len(list) == 0 {
		return "", fmt.Errorf("the formula is empty")
	}
	form := `display="inline"`
	if display {
		form = `display="block"`
	}
	math := elem("math", elem("mrow", list...)).with(form).with(`alttext="` + escape.Replace(strings.TrimSpace(source)) + `"`)
	var b strings.Builder
	math.write(&b)
	return b.String(), nil
}

// reader reads a formula by recursive descent. After the first error it reads on as if the source had ended.
type reader struct {
	scanner
	display bool
	depth   int
	style   string // of letters, such as "bb"
	err     error
}

func (p *reader) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf(format, args...)
	}
	p.pos = len(p.source)
}

// deeper runs read one level down.
func (p *reader) deeper(read func()) {
	if p.depth++; p.depth > maxDepth {
		p.fail("the formula nests more than %d deep", maxDepth)
	} else {
		read()
	}
	p.depth--
}

// ends reports whether a token ends a list: who called for the list reads it.
func ends(t token) bool {
	if t.command {
		switch t.text {
		case "right", "end", "\\", "cr", "middle":
			return true
		}
		return false
	}
	return t.text == "" || t.text == "}" || t.text == "&"
}

// list reads up to what ends it.
func (p *reader) list() []*node {
	var list []*node
	for !ends(p.peek()) {
		n := p.scripted()
		if n == nil {
			continue
		}
		if n.named && len(list) > 0 && list[len(list)-1].closes {
			list = append(list, space("0.17em"))
		}
		list = append(list, n)
		if n.named {
			list = append(list, leaf("mo", "\u2061"))
			if t := p.peek(); !ends(t) && !strings.Contains("([", t.text) && !t.isCommand("left") {
				list = append(list, space("0.17em"))
			}
		}
	}
	return list
}

// group reads the argument of a command: what is in braces, or one token.
func (p *reader) group() *node {
	var n *node
	p.deeper(func() {
		switch t := p.peek(); {
		case t.is("{"):
			p.next()
			list := p.list()
			p.close("}")
			n = row(list)
		case ends(t):
			p.fail("an argument is missing at %d", t.at)
		case !t.command && (isDigit(t.text[0]) || isLetter(t.text[0])): // only this one: \frac12 is a half
			p.next()
			n = p.single(t)
		default:
			n = p.atom()
		}
	})
	if n == nil {
		n = elem("mrow")
	}
	return n
}

func (p *reader) close(char string) {
	if t := p.next(); p.err == nil && !t.is(char) {
		p.fail("%q is missing at %d", char, t.at)
	}
}

// raw reads the text of an argument in braces without reading it as mathematics.
func (p *reader) raw() string {
	if t := p.next(); !t.is("{") {
		p.fail("an argument in braces is missing at %d", t.at)
		return ""
	}
	start, open := p.pos, 1
	for i := start; i < len(p.source); i++ {
		switch p.source[i] {
		case '\\':
			i++
		case '{':
			open++
		case '}':
			if open--; open == 0 {
				p.pos = i + 1
				return p.source[start:i]
			}
		}
	}
	p.fail("a brace is not closed")
	return ""
}

// optional reads the text of an argument in square brackets, if there is one.
func (p *reader) optional() *node {
	if !p.peek().is("[") {
		return nil
	}
	p.next()
	var list []*node
	p.deeper(func() {
		for t := p.peek(); !ends(t) && !t.is("]"); t = p.peek() {
			if n := p.scripted(); n != nil {
				list = append(list, n)
			}
		}
	})
	p.close("]")
	return row(list)
}

// scripted reads something with its sub- and superscripts. What shows nothing is nil.
func (p *reader) scripted() *node {
	var base *node
	if t := p.peek(); t.is("^") || t.is("_") || t.is("'") {
		base = elem("mrow")
	} else if base = p.atom(); base == nil {
		return nil
	}
	limits := base.limits
	var sub, sup *node
	var primes string
	for {
		t := p.peek()
		switch {
		case t.isCommand("limits"), t.isCommand("nolimits"):
			p.next()
			limits = t.text == "limits"
		case t.is("'"):
			p.next()
			primes += "′"
		case t.is("_") && sub == nil:
			p.next()
			sub = p.group()
		case t.is("^") && sup == nil:
			p.next()
			sup = p.group()
		case t.is("_"), t.is("^"):
			p.fail("there are two scripts of one kind at %d", t.at)
			return base
		default:
			if primes != "" {
				prime := leaf("mo", primes)
				if sup != nil {
					prime = elem("mrow", prime, sup)
				}
				sup = prime
			}
			return scripts(base, sub, sup, limits)
		}
	}
}

func scripts(base, sub, sup *node, limits bool) *node {
	tags := [3]string{"msub", "msup", "msubsup"}
	if limits {
		tags = [3]string{"munder", "mover", "munderover"}
	}
	var n *node
	switch {
	case sub == nil && sup == nil:
		return base
	case sup == nil:
		n = elem(tags[0], base, sub)
	case sub == nil:
		n = elem(tags[1], base, sup)
	default:
		n = elem(tags[2], base, sub, sup)
	}
	n.named, n.closes = base.named, base.closes
	return n
}

// atom reads one thing without its scripts.
func (p *reader) atom() *node {
	t := p.peek()
	if t.is("{") {
		n := p.group()
		if n.tag == "mo" && n.attrs == "" { // {,} has no room around it
			n.with(`lspace="0em" rspace="0em"`)
		}
		n.closes, n.limits, n.named = true, false, false
		return n
	}
	p.next()
	if t.command {
		return p.command(t)
	}
	c := t.text[0]
	switch {
	case isDigit(c) || c == '.' && p.pos < len(p.source) && isDigit(p.source[p.pos]):
		return p.number(t.at)
	case isLetter(c):
		return p.letters(t)
	}
	if n, ok := characters[t.text]; ok {
		return n()
	}
	r, _ := utf8.DecodeRuneInString(t.text)
	if r < utf8.RuneSelf || unicode.IsSpace(r) {
		p.fail("%q at %d means nothing here", t.text, t.at)
		return nil
	}
	if letterRune(r) {
		return &node{tag: "mi", text: styled(p.style, r), closes: true}
	}
	return leaf("mo", t.text)
}

// single is one digit or letter.
func (p *reader) single(t token) *node {
	n := &node{tag: "mi", text: styledText(p.style, t.text), closes: true}
	switch {
	case isDigit(t.text[0]):
		n.tag = "mn"
	case p.style == "rm":
		n.with(`mathvariant="normal"`)
	}
	return n
}

// number reads digits with a point. A comma counts as one inside of braces only, as in LaTeX.
func (p *reader) number(start int) *node {
	p.pos = start
	for p.pos < len(p.source) && (isDigit(p.source[p.pos]) || p.source[p.pos] == '.' && p.pos+1 < len(p.source) && isDigit(p.source[p.pos+1])) {
		p.pos++
	}
	return &node{tag: "mn", text: styledText(p.style, p.source[start:p.pos]), closes: true}
}

// letters reads one letter; in an upright style those that follow belong to the same word.
func (p *reader) letters(t token) *node {
	for words[p.style] && p.pos < len(p.source) && isLetter(p.source[p.pos]) {
		p.pos++
	}
	word := p.source[t.at:p.pos]
	if len(word) == 1 {
		return p.single(t)
	}
	return &node{tag: "mi", text: styledText(p.style, word), closes: true}
}
