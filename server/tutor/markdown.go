package tutor

import (
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/text"

	"trivium/app/lms"
	"trivium/server/formula"
)

var markdownParser = goldmark.New(goldmark.WithExtensions(extension.GFM, formula.Extension)).Parser()

// markdownBlocks reads Markdown: headings with their level, paragraphs, list items, table rows, and code as it is.
func markdownBlocks(source string) []block {
	source = strings.ToValidUTF8(source, "")
	if lms.TooDenseForMarkdown(source) {
		return textBlocks(source)
	}
	src := []byte(source)
	doc := markdownParser.Parse(text.NewReader(src))
	var blocks []block
	ast.Walk(doc, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Heading:
			blocks = append(blocks, block{kind: blockHeading, level: n.Level, text: inlineText(n, src)})
			return ast.WalkSkipChildren, nil
		case *ast.Paragraph, *ast.TextBlock:
			prefix := ""
			if n.Parent() != nil && n.Parent().Kind() == ast.KindListItem {
				prefix = "• "
			}
			blocks = append(blocks, block{text: prefix + inlineText(n, src)})
			return ast.WalkSkipChildren, nil
		case *ast.FencedCodeBlock, *ast.CodeBlock:
			blocks = append(blocks, block{kind: blockCode, text: lines(n, src)})
			return ast.WalkSkipChildren, nil
		case *extast.TableHeader, *extast.TableRow:
			var cells []string
			for c := n.FirstChild(); c != nil; c = c.NextSibling() {
				cells = append(cells, oneLine(inlineText(c, src)))
			}
			blocks = append(blocks, block{text: strings.Join(cells, " | ")})
			return ast.WalkSkipChildren, nil
		case *formula.Block: // as it was written: a model reads LaTeX
			blocks = append(blocks, block{text: strings.TrimSpace(n.Source)})
		case *ast.HTMLBlock:
			return ast.WalkSkipChildren, nil
		}
		return ast.WalkContinue, nil
	})
	return blocks
}

func lines(n ast.Node, src []byte) string {
	var b strings.Builder
	for i := range n.Lines().Len() {
		s := n.Lines().At(i)
		b.Write(s.Value(src))
	}
	return strings.TrimRight(b.String(), "\n")
}

// inlineText is the text of a node without its marks.
func inlineText(n ast.Node, src []byte) string {
	var b strings.Builder
	ast.Walk(n, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Text:
			b.Write(n.Segment.Value(src))
			if n.SoftLineBreak() || n.HardLineBreak() {
				b.WriteByte(' ')
			}
		case *ast.String:
			b.Write(n.Value)
		case *formula.Inline:
			b.WriteString(n.Source)
		case *ast.AutoLink:
			b.Write(n.Label(src))
		case *ast.RawHTML:
			return ast.WalkSkipChildren, nil
		}
		return ast.WalkContinue, nil
	})
	return strings.TrimSpace(b.String())
}
