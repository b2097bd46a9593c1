package formula

import (
	"strings"
)

// command reads what follows a command. What shows nothing is nil.
func (p *reader) command(t token) *node {
	if n, ok := symbol(p.style, t.text); ok {
		return n
	}
	if style, ok := letterStyles[t.text]; ok {
		was := p.style
		p.style = style
		n := p.group()
		p.style = was
		n.closes = true
		return n
	}
	if char, ok := accents[t.text]; ok {
		return elem("mover", p.group(), leaf("mo", char).with(`stretchy="`+stretches(t.text)+`"`)).with(`accent="true"`)
	}
	if read, ok := commands[t.text]; ok {
		return read(p)
	}
	if size, ok := sizes[t.text]; ok {
		return p.sized(size)
	}
	p.fail("the command \\%s at %d is unknown", t.text, t.at)
	return nil
}

// symbol is what a command without arguments stands for.
func symbol(style, name string) (*node, bool) {
	if char, ok := letters[name]; ok {
		n := &node{tag: "mi", text: styledText(style, char), closes: true}
		if upright[name] {
			n.with(`mathvariant="normal"`)
		}
		return n, true
	}
	if char, ok := operators[name]; ok {
		return leaf("mo", char), true
	}
	if char, ok := large[name]; ok {
		return &node{tag: "mo", text: char, limits: !strings.Contains(name, "int")}, true
	}
	if char, ok := brackets[name]; ok {
		n := fence(char, "", false)
		n.closes = strings.HasPrefix(name, "r")
		return n, true
	}
	if text, ok := functions[name]; ok {
		return &node{tag: "mi", text: text, named: true}, true
	}
	if text, ok := limitFunctions[name]; ok {
		return leafLimits(text), true
	}
	if width, ok := spaces[name]; ok {
		return space(width), true
	}
	return nil, false
}

func leafLimits(text string) *node {
	n := leaf("mo", text).with(`movablelimits="true" lspace="0.17em" rspace="0.17em"`)
	n.limits = true
	return n
}

func stretches(accent string) string {
	if strings.HasPrefix(accent, "wide") || strings.HasPrefix(accent, "over") {
		return "true"
	}
	return "false"
}

// commands read their arguments.
var commands map[string]func(*reader) *node

func init() { // they call each other
	fraction := func(wrap string) func(*reader) *node {
		return func(p *reader) *node {
			n := closing(elem("mfrac", p.group(), p.group()))
			if wrap != "" {
				n = closing(elem("mstyle", n).with(wrap))
			}
			return n
		}
	}
	choose := func(p *reader) *node {
		n := elem("mfrac", p.group(), p.group()).with(`linethickness="0"`)
		return closing(elem("mrow", fence("(", "prefix", true), n, fence(")", "postfix", true)))
	}
	const large, small = `displaystyle="true"`, `displaystyle="false"`
	commands = map[string]func(*reader) *node{
		"frac": fraction(""), "cfrac": fraction(large), "dfrac": fraction(large), "tfrac": fraction(small), "binom": choose, "dbinom": choose, "tbinom": choose,
		"sqrt": (*reader).root, "left": (*reader).fenced, "begin": (*reader).environment, "substack": (*reader).substack,
		"overline": over("‾"), "overbrace": over("⏞"), "underline": under("_"), "underbrace": under("⏟"),
		"overset": (*reader).overset, "stackrel": (*reader).overset, "underset": (*reader).underset,
		"xrightarrow": arrow("→"), "xleftarrow": arrow("←"),
		"text": (*reader).words, "textrm": (*reader).words, "mbox": (*reader).words, "textnormal": (*reader).words, "textit": (*reader).words, "textbf": (*reader).words,
		"operatorname": (*reader).operator, "mathop": func(p *reader) *node { n := elem("mrow", p.group()); n.limits = true; return n },
		"mathrel": (*reader).group, "mathbin": (*reader).group, "mathord": (*reader).group, "boxed": (*reader).group,
		"phantom": func(p *reader) *node { return elem("mphantom", p.group()) },
		"not":     (*reader).negated,
		"bmod":    func(*reader) *node { return leaf("mo", "mod").with(`lspace="0.22em" rspace="0.22em"`) },
		"pmod": func(p *reader) *node {
			return elem("mrow", space("0.44em"), fence("(", "prefix", false), leaf("mi", "mod"), space("0.33em"), p.group(), fence(")", "postfix", false))
		},
		"displaystyle": style(large), "textstyle": style(small), "scriptstyle": style(`scriptlevel="1"`),
		"tag":   func(p *reader) *node { return elem("mrow", space("2em"), leaf("mtext", "("+plainText(p.raw())+")")) },
		"label": func(p *reader) *node { p.raw(); return nil }, "notag": nothing, "nonumber": nothing, "hline": nothing, "limits": nothing, "nolimits": nothing,
	}
}

func nothing(*reader) *node { return nil }

func closing(n *node) *node {
	n.closes = true
	return n
}

func over(char string) func(*reader) *node {
	return func(p *reader) *node {
		n := elem("mover", p.group(), leaf("mo", char).with(`stretchy="true"`))
		n.limits, n.closes = true, true
		return n
	}
}

func under(char string) func(*reader) *node {
	return func(p *reader) *node {
		n := elem("munder", p.group(), leaf("mo", char).with(`stretchy="true"`))
		n.limits, n.closes = true, true
		return n
	}
}

func arrow(char string) func(*reader) *node {
	return func(p *reader) *node {
		below := p.optional()
		above, line := p.group(), leaf("mo", char).with(`stretchy="true" minsize="2em"`)
		if below != nil {
			return elem("munderover", line, below, above)
		}
		return elem("mover", line, above)
	}
}

// style applies to the rest of the group.
func style(attrs string) func(*reader) *node {
	return func(p *reader) (n *node) {
		p.deeper(func() { n = elem("mstyle", p.list()...).with(attrs) })
		return n
	}
}

func (p *reader) root() *node {
	if degree := p.optional(); degree != nil {
		return closing(elem("mroot", p.group(), degree))
	}
	return closing(elem("msqrt", p.group()))
}

func (p *reader) overset() *node {
	above := p.group()
	return elem("mover", p.group(), above)
}

func (p *reader) underset() *node {
	below := p.group()
	return elem("munder", p.group(), below)
}

// words is text between formulas. Spaces at its ends count.
func (p *reader) words() *node { return closing(leaf("mtext", plainText(p.raw()))) }

// plainText is text as people read it: escaped characters without their backslash, no dollars of formulas in it.
func plainText(s string) string {
	s = strings.NewReplacer(`\ `, "\u00a0", `~`, "\u00a0", `\{`, "{", `\}`, "}", `\$`, "$", `\%`, "%", `\_`, "_", `\&`, "&", `\#`, "#", "$", "", "{", "", "}", "").Replace(s)
	if strings.HasPrefix(s, " ") {
		s = "\u00a0" + s[1:]
	}
	if strings.HasSuffix(s, " ") {
		s = s[:len(s)-1] + "\u00a0"
	}
	return s
}

func (p *reader) operator() *node {
	starred := p.peek().is("*")
	if starred {
		p.next()
	}
	text := plainText(p.raw())
	if starred {
		return leafLimits(text)
	}
	return &node{tag: "mi", text: text, named: true}
}

// negated strikes an operator through.
func (p *reader) negated() *node {
	n := p.group()
	if n.tag != "mo" {
		p.fail("\\not stands before no operator")
		return nil
	}
	n.text += "\u0338"
	return n
}

// delimiter reads the bracket after \left and the like; a point is none.
func (p *reader) delimiter() string {
	t := p.next()
	if !t.command {
		switch t.text {
		case ".":
			return ""
		case "<":
			return "⟨"
		case ">":
			return "⟩"
		case "(", ")", "[", "]", "|", "/":
			return t.text
		}
	} else if char, ok := brackets[t.text]; ok {
		return char
	} else if arrow := operators[t.text]; strings.HasSuffix(t.text, "parrow") || strings.HasSuffix(t.text, "downarrow") {
		return arrow
	}
	p.fail("%q at %d is no bracket", t.text, t.at)
	return ""
}

// fenced reads up to the \right that belongs to a \left.
func (p *reader) fenced() (n *node) {
	n = elem("mrow")
	add := func(char, form string) {
		if char != "" {
			n.kids = append(n.kids, fence(char, form, true))
		}
	}
	add(p.delimiter(), "prefix")
	p.deeper(func() {
		n.kids = append(n.kids, p.list()...)
		for p.peek().isCommand("middle") {
			p.next()
			add(p.delimiter(), "infix")
			n.kids = append(n.kids, p.list()...)
		}
	})
	if t := p.next(); p.err == nil && !t.isCommand("right") {
		p.fail("\\right is missing at %d", t.at)
		return n
	}
	if p.err == nil {
		add(p.delimiter(), "postfix")
	}
	return closing(n)
}

// sized is a bracket of a given size.
func (p *reader) sized(size string) *node {
	char := p.delimiter()
	return leaf("mo", char).with(`stretchy="true" minsize="` + size + `" maxsize="` + size + `"`)
}
