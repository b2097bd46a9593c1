package formula

import "strings"

// environments are tables: their brackets, and how their columns stand: l, c, r, or al and ar, between which an equation
// is aligned. The last ones repeat.
var environments = map[string]struct{ open, close, columns string }{
	"matrix": {"", "", "c"}, "smallmatrix": {"", "", "c"}, "pmatrix": {"(", ")", "c"}, "bmatrix": {"[", "]", "c"}, "Bmatrix": {"{", "}", "c"},
	"vmatrix": {"|", "|", "c"}, "Vmatrix": {"‖", "‖", "c"}, "cases": {"{", "", "l"}, "rcases": {"", "}", "l"}, "array": {"", "", "c"},
	"aligned": {"", "", "ar al"}, "align": {"", "", "ar al"}, "align*": {"", "", "ar al"}, "split": {"", "", "ar al"}, "alignat": {"", "", "ar al"},
	"eqnarray": {"", "", "ar c al"}, "gathered": {"", "", "c"}, "gather": {"", "", "c"}, "gather*": {"", "", "c"}, "multline": {"", "", "c"},
	"equation": {"", "", "c"}, "equation*": {"", "", "c"},
}

// environment reads up to the \end that belongs to a \begin.
func (p *reader) environment() *node {
	name := p.raw()
	e, ok := environments[name]
	if !ok {
		p.fail("the environment %q is unknown", name)
		return nil
	}
	columns := strings.Fields(e.columns)
	if name == "array" {
		columns = nil
		for _, c := range p.raw() {
			if strings.ContainsRune("lcr", c) {
				columns = append(columns, string(c))
			}
		}
	}
	var table *node
	p.deeper(func() { table = p.table(columns) })
	if p.err != nil {
		return nil
	}
	if t := p.next(); !t.isCommand("end") || p.raw() != name {
		p.fail("\\end{%s} is missing at %d", name, t.at)
		return nil
	}
	switch {
	case strings.HasPrefix(e.columns, "ar") || strings.HasPrefix(name, "gather") || strings.HasPrefix(name, "equation"):
		table.with(`displaystyle="true"`)
	case name == "smallmatrix":
		table = elem("mstyle", table).with(`scriptlevel="1"`)
	}
	n := elem("mrow")
	if e.open != "" {
		n.kids = append(n.kids, fence(e.open, "prefix", true))
	}
	n.kids = append(n.kids, table)
	if e.close != "" {
		n.kids = append(n.kids, fence(e.close, "postfix", true))
	}
	return closing(n)
}

// table reads rows and cells up to what ends them.
func (p *reader) table(columns []string) *node {
	table, line := elem("mtable"), elem("mtr")
	for {
		cell := elem("mtd", p.list()...)
		if i := len(line.kids); len(columns) > 0 {
			if i >= len(columns) {
				i = len(columns) - 1
				if columns[0] == "ar" {
					i = len(line.kids) % len(columns)
				}
			}
			if c := columns[i]; c != "c" {
				cell.with(`class="` + c + `"`)
			}
		}
		line.kids = append(line.kids, cell)
		t := p.peek()
		switch {
		case t.is("&"):
			p.next()
			continue
		case t.isCommand("\\"), t.isCommand("cr"):
			p.next()
			if p.pos < len(p.source) && p.source[p.pos] == '[' { // the height of the gap
				p.optional()
			}
			table.kids = append(table.kids, line)
			line = elem("mtr")
			continue
		}
		if len(line.kids) > 1 || len(cell.kids) > 0 || len(table.kids) == 0 { // a last \\ begins no row
			table.kids = append(table.kids, line)
		}
		return table
	}
}

// substack is lines above each other below a sum.
func (p *reader) substack() (n *node) {
	p.close("{")
	p.deeper(func() { n = p.table(nil) })
	p.close("}")
	return n
}
