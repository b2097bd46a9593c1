package formula

import "strings"

// node is an element of MathML. Rows are joined and groups opened while the tree is built, so it stays small.
type node struct {
	tag    string
	attrs  string // as written, with a leading space; never from the source
	text   string
	kids   []*node
	limits bool // scripts stand above and below
	named  bool // a function such as sin: what follows is its argument
	closes bool // something that an operand may follow directly: a letter, a number, a closing bracket
}

func leaf(tag, text string) *node { return &node{tag: tag, text: text} }

func elem(tag string, kids ...*node) *node { return &node{tag: tag, kids: kids} }

func (n *node) with(attrs string) *node {
	n.attrs += " " + attrs
	return n
}

// row is one element for any number of them.
func row(list []*node) *node {
	if len(list) == 1 {
		return list[0]
	}
	return elem("mrow", list...)
}

var escape = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", `"`, "&#34;", "'", "&#39;")

func (n *node) write(b *strings.Builder) {
	b.WriteByte('<')
	b.WriteString(n.tag)
	b.WriteString(n.attrs)
	b.WriteByte('>')
	_, _ = escape.WriteString(b, n.text)
	for _, k := range n.kids {
		k.write(b)
	}
	b.WriteString("</")
	b.WriteString(n.tag)
	b.WriteByte('>')
}

// space is a gap of a width in em.
func space(width string) *node { return elem("mspace").with(`width="` + width + `"`) }

// fence is a bracket that grows with what it holds, or not.
func fence(char string, form string, stretchy bool) *node {
	n := leaf("mo", char).with(`fence="true"`)
	if form != "" {
		n.with(`form="` + form + `"`)
	}
	if stretchy {
		return n.with(`stretchy="true"`)
	}
	return n.with(`stretchy="false"`)
}
