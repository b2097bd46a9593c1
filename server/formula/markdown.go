package formula

import (
	"bytes"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/renderer"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// Extension reads formulas in Markdown, $…$ and \(…\) in a line, $$…$$ and \[…\] displayed, and renders them as MathML.
var Extension goldmark.Extender = extension{}

type extension struct{}

// Extend implements goldmark.Extender.
func (extension) Extend(m goldmark.Markdown) {
	m.Parser().AddOptions(
		parser.WithBlockParsers(util.Prioritized(blockParser{}, 650)), // after indented code
		parser.WithInlineParsers(util.Prioritized(inlineParser{}, 150)))
	m.Renderer().AddOptions(renderer.WithNodeRenderers(util.Prioritized(nodeRenderer{}, 100)))
}

// Inline is a formula in a line of text.
type Inline struct {
	ast.BaseInline
	Source  string // as it was written, with its marks
	TeX     string
	Display bool
}

// Block is a formula on lines of its own.
type Block struct {
	ast.BaseBlock
	Source string
	TeX    string
	close  string // the marks that end it; "" when they were there
}

// The kinds of the nodes.
var (
	KindInline = ast.NewNodeKind("Formula")
	KindBlock  = ast.NewNodeKind("FormulaBlock")
)

// Kind implements ast.Node.
func (*Inline) Kind() ast.NodeKind { return KindInline }

// Kind implements ast.Node.
func (*Block) Kind() ast.NodeKind { return KindBlock }

// Dump implements ast.Node.
func (n *Inline) Dump(source []byte, level int) {
	ast.DumpHelper(n, source, level, map[string]string{"TeX": n.TeX}, nil)
}

// Dump implements ast.Node.
func (n *Block) Dump(source []byte, level int) {
	ast.DumpHelper(n, source, level, map[string]string{"TeX": n.TeX}, nil)
}

// IsRaw implements ast.Node: nothing in it is Markdown.
func (*Block) IsRaw() bool { return true }

type inlineParser struct{}

// Trigger implements parser.InlineParser.
func (inlineParser) Trigger() []byte { return []byte{'$', '\\'} }

// Parse implements parser.InlineParser. A dollar opens a formula only before something, and closes it only after
// something and not before a digit, so that prices stay prices.
func (inlineParser) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	line, _ := block.PeekLine()
	open, end := "", ""
	switch {
	case bytes.HasPrefix(line, []byte("$$")):
		open, end = "$$", "$$"
	case line[0] == '$':
		if open, end = "$", "$"; len(line) < 2 || util.IsSpace(line[1]) {
			return nil
		}
	case bytes.HasPrefix(line, []byte(`\(`)):
		open, end = `\(`, `\)`
	default:
		return nil
	}
	block.Advance(len(open))
	var tex []byte
	for {
		line, _ := block.PeekLine()
		if line == nil || len(tex)+len(line) > MaxSource {
			return nil
		}
		i := closingAt(line, end)
		if i < 0 {
			tex = append(tex, line...)
			block.AdvanceLine()
			continue
		}
		tex = append(tex, line[:i]...)
		if len(bytes.TrimSpace(tex)) == 0 {
			return nil
		}
		if end == "$" && (util.IsSpace(tex[len(tex)-1]) || i+1 < len(line) && isDigit(line[i+1])) {
			return nil
		}
		block.Advance(i + len(end))
		return &Inline{Source: open + string(tex) + end, TeX: string(tex), Display: open == "$$"}
	}
}

// closingAt is where a line holds the marks that end a formula, or -1. A backslash takes the meaning from what follows it.
func closingAt(line []byte, end string) int {
	for i := 0; i < len(line); i++ {
		switch {
		case bytes.HasPrefix(line[i:], []byte(end)):
			return i
		case line[i] == '\\':
			i++
		}
	}
	return -1
}

type blockParser struct{}

// Trigger implements parser.BlockParser.
func (blockParser) Trigger() []byte { return []byte{'$', '\\'} }

// Open implements parser.BlockParser. It looks ahead, so that marks which nothing closes stay text.
func (blockParser) Open(_ ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	line, segment := reader.PeekLine()
	first := strings.TrimSpace(string(line))
	n := &Block{}
	switch {
	case pc.BlockIndent() > 3:
		return nil, parser.NoChildren
	case strings.HasPrefix(first, "$$"):
		n.close = "$$"
	case strings.HasPrefix(first, `\[`):
		n.close = `\]`
	default:
		return nil, parser.NoChildren
	}
	if !closesLater(first[2:], reader.Source()[segment.Stop:], n.close) {
		return nil, parser.NoChildren
	}
	n.take(first)
	return n, parser.NoChildren
}

// closesLater reports whether the marks end a line, this one or a later one, before they stand in the middle of one.
func closesLater(first string, rest []byte, end string) bool {
	if i := strings.Index(first, end); i >= 0 {
		return i == len(first)-len(end) && strings.TrimSpace(first[:i]) != ""
	}
	rest = rest[:min(len(rest), MaxSource)]
	for len(rest) > 0 {
		line, more, _ := bytes.Cut(rest, []byte("\n"))
		line = bytes.TrimSpace(line)
		if i := bytes.Index(line, []byte(end)); i >= 0 {
			return i == len(line)-len(end)
		}
		rest = more
	}
	return false
}

// take adds a line. The last one ends the block.
func (n *Block) take(line string) {
	n.Source += line + "\n"
	body := line
	if n.Source == line+"\n" {
		body = line[2:]
	}
	if strings.HasSuffix(body, n.close) {
		body, n.close = strings.TrimSuffix(body, n.close), ""
	}
	n.TeX += body + "\n"
}

// Continue implements parser.BlockParser.
func (blockParser) Continue(node ast.Node, reader text.Reader, _ parser.Context) parser.State {
	n := node.(*Block)
	if n.close == "" || len(n.Source) > 2*MaxSource {
		return parser.Close
	}
	line, _ := reader.PeekLine()
	n.take(strings.TrimSpace(string(line)))
	reader.AdvanceToEOL()
	return parser.Continue | parser.NoChildren
}

// Close implements parser.BlockParser.
func (blockParser) Close(ast.Node, text.Reader, parser.Context) {}

// CanInterruptParagraph implements parser.BlockParser.
func (blockParser) CanInterruptParagraph() bool { return true }

// CanAcceptIndentedLine implements parser.BlockParser.
func (blockParser) CanAcceptIndentedLine() bool { return false }

type nodeRenderer struct{}

// RegisterFuncs implements renderer.NodeRenderer.
func (nodeRenderer) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(KindInline, func(w util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		n := node.(*Inline)
		html, err := MathML(n.TeX, n.Display)
		switch {
		case err != nil:
			html = "<code>" + escape.Replace(n.Source) + "</code>"
		case n.Display:
			html = `<span class="formula formula-block"` + focus(n.TeX) + ">" + html + "</span>"
		case long(n.TeX):
			html = `<span class="formula"` + focus(n.TeX) + ">" + html + "</span>"
		}
		_, err = w.WriteString(html)
		return ast.WalkContinue, err
	})
	r.Register(KindBlock, func(w util.BufWriter, _ []byte, node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		n := node.(*Block)
		html, err := MathML(n.TeX, true)
		if err != nil || n.close != "" {
			html = `<pre tabindex="0"><code>` + escape.Replace(n.Source) + "</code></pre>\n"
		} else {
			html = `<div class="formula formula-block"` + focus(n.TeX) + ">" + html + "</div>\n"
		}
		_, err = w.WriteString(html)
		return ast.WalkContinue, err
	})
}

// long reports whether a formula may be wider than a phone. It scrolls in a box of its own, also with the keyboard.
func long(tex string) bool { return len(tex) > 32 || strings.Contains(tex, `\begin`) }

func focus(tex string) string {
	if long(tex) {
		return ` tabindex="0" role="group" aria-label="Formula"`
	}
	return ""
}
