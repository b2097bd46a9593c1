package tutor

import (
	"bytes"
	"context"
	"io"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
	"golang.org/x/net/html/charset"
)

// Caps of an HTML document.
const (
	maxHTML      = 8 << 20 // bytes; the tree takes many times as much
	maxHTMLDepth = 600
)

// readHTML reads the visible text of an HTML document: headings with their level, paragraphs, list items, rows of tables, and
// preformatted text as it is. Scripts, styles, menus and what is hidden are left out; nothing is loaded.
func readHTML(ctx context.Context, r io.ReaderAt, size int64) ([]block, error) {
	data, err := io.ReadAll(io.NewSectionReader(r, 0, min(size, maxHTML)))
	if err != nil {
		return nil, err
	}
	if bytes.Count(data, []byte{0}) > len(data)/1000 && !bytes.HasPrefix(data, []byte("\xff\xfe")) && !bytes.HasPrefix(data, []byte("\xfe\xff")) {
		return nil, unreadable("it is not an HTML file")
	}
	encoding, _, _ := charset.DetermineEncoding(data[:min(len(data), 1024)], "text/html")
	root, err := html.Parse(encoding.NewDecoder().Reader(&heldReader{ctx, bytes.NewReader(data)}))
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case err != nil:
		return nil, unreadable("the file is damaged: it is nested too deeply")
	}
	h := htmlReader{}
	h.walk(root, 0, false)
	h.flush()
	if h.title != "" && !h.named {
		h.blocks = append([]block{{kind: blockHeading, level: 1, text: h.title}}, h.blocks...)
	}
	return h.blocks, nil
}

// heldReader ends a parse when the context ends.
type heldReader struct {
	ctx context.Context
	r   io.Reader
}

func (h *heldReader) Read(p []byte) (int, error) {
	if err := h.ctx.Err(); err != nil {
		return 0, err
	}
	return h.r.Read(p[:min(len(p), 32<<10)])
}

// htmlReader collects the text of a tree in reading order.
type htmlReader struct {
	blocks []block
	text   strings.Builder
	prefix string // of the item that begins
	title  string
	named  bool // there is a heading of the first level
}

// unseen are the elements whose text is no part of what a person reads.
var unseen = map[atom.Atom]bool{atom.Script: true, atom.Style: true, atom.Template: true, atom.Noscript: true, atom.Iframe: true, atom.Object: true,
	atom.Svg: true, atom.Canvas: true, atom.Audio: true, atom.Video: true, atom.Nav: true, atom.Footer: true, atom.Select: true, atom.Datalist: true,
	atom.Button: true, atom.Textarea: true, atom.Input: true, atom.Dialog: true, atom.Noframes: true, atom.Noembed: true}

// inline are the elements that do not end a paragraph.
var inline = map[atom.Atom]bool{atom.A: true, atom.Abbr: true, atom.B: true, atom.Bdi: true, atom.Bdo: true, atom.Big: true, atom.Cite: true, atom.Code: true,
	atom.Data: true, atom.Del: true, atom.Dfn: true, atom.Em: true, atom.Font: true, atom.I: true, atom.Img: true, atom.Ins: true, atom.Kbd: true, atom.Label: true,
	atom.Mark: true, atom.Math: true, atom.Q: true, atom.Rp: true, atom.Rt: true, atom.Ruby: true, atom.S: true, atom.Samp: true, atom.Small: true, atom.Span: true,
	atom.Strike: true, atom.Strong: true, atom.Sub: true, atom.Sup: true, atom.Time: true, atom.Tt: true, atom.U: true, atom.Var: true, atom.Wbr: true}

var headingLevels = map[atom.Atom]int{atom.H1: 1, atom.H2: 2, atom.H3: 3, atom.H4: 4, atom.H5: 5, atom.H6: 6}

func (h *htmlReader) walk(n *html.Node, depth int, pre bool) {
	switch {
	case depth > maxHTMLDepth:
		return
	case n.Type == html.TextNode:
		h.text.WriteString(n.Data)
		return
	case n.Type != html.ElementNode:
		h.children(n, depth, pre)
		return
	case unseen[n.DataAtom] || hidden(n):
		return
	}
	switch level := headingLevels[n.DataAtom]; {
	case n.DataAtom == atom.Title:
		h.title = plainOf(n)
	case level > 0:
		h.flush()
		h.named = h.named || level == 1
		h.blocks = append(h.blocks, block{kind: blockHeading, level: level, text: plainOf(n)})
	case n.DataAtom == atom.Br && pre:
		h.text.WriteByte('\n')
	case n.DataAtom == atom.Br, n.DataAtom == atom.Hr:
		h.text.WriteByte(' ')
	case n.DataAtom == atom.Img:
		h.text.WriteString(" " + attribute(n, "alt") + " ")
	case n.DataAtom == atom.Pre:
		h.flush()
		h.children(n, depth, true)
		h.emit(block{kind: blockCode, text: strings.Trim(h.text.String(), "\r\n")})
	case n.DataAtom == atom.Tr && !holdsBlocks(n, depth):
		h.flush()
		var cells []string
		for c := n.FirstChild; c != nil; c = c.NextSibling {
			if c.Type == html.ElementNode && !hidden(c) {
				cells = append(cells, plainOf(c))
			}
		}
		h.emit(block{text: strings.Join(cells, " | ")})
	case inline[n.DataAtom]:
		h.children(n, depth, pre)
	default:
		h.flush()
		if n.DataAtom == atom.Li {
			h.prefix = "• "
		}
		h.children(n, depth, pre)
		h.flush()
		h.prefix = ""
	}
}

func (h *htmlReader) children(n *html.Node, depth int, pre bool) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		h.walk(c, depth+1, pre)
	}
}

// flush ends a paragraph.
func (h *htmlReader) flush() { h.emit(block{text: oneLine(h.text.String())}) }

func (h *htmlReader) emit(b block) {
	h.text.Reset()
	if strings.TrimSpace(b.text) == "" {
		return
	}
	b.text, h.prefix = h.prefix+b.text, ""
	h.blocks = append(h.blocks, b)
}

// plainOf is the visible text below a node in one line.
func plainOf(n *html.Node) string {
	h := htmlReader{}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		h.walk(c, 1, false)
	}
	h.flush()
	var parts []string
	for _, b := range h.blocks {
		parts = append(parts, b.text)
	}
	return oneLine(strings.Join(parts, " "))
}

// holdsBlocks tells a row that arranges a page from a row of a table.
func holdsBlocks(n *html.Node, depth int) bool {
	if depth > maxHTMLDepth {
		return true
	}
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		switch c.DataAtom {
		case atom.Td, atom.Th, atom.Br:
		default:
			if c.Type == html.ElementNode && !inline[c.DataAtom] && !unseen[c.DataAtom] {
				return true
			}
		}
		if holdsBlocks(c, depth+1) {
			return true
		}
	}
	return false
}

// hidden reports whether a page hides an element from its readers: what they do not see is not quoted to them.
func hidden(n *html.Node) bool {
	for _, a := range n.Attr {
		switch a.Key {
		case "hidden":
			return true
		case "aria-hidden":
			if a.Val == "true" {
				return true
			}
		case "style":
			if s := strings.ToLower(strings.ReplaceAll(a.Val, " ", "")); strings.Contains(s, "display:none") || strings.Contains(s, "visibility:hidden") {
				return true
			}
		}
	}
	return false
}

func attribute(n *html.Node, key string) string {
	for _, a := range n.Attr {
		if a.Key == key {
			return a.Val
		}
	}
	return ""
}
