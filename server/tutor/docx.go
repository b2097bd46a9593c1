package tutor

import (
	"context"
	"encoding/xml"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
)

// readDOCX reads the body of a Word document, then its footnotes and endnotes. Pages do not exist in the file: Word makes them when it
// lays the text out.
func readDOCX(ctx context.Context, r io.ReaderAt, size int64) ([]block, error) {
	a, err := openArchive(ctx, r, size)
	if err != nil {
		return nil, err
	}
	main := a.mainPart("word/document.xml")
	if a.parts[main] == nil {
		return nil, unreadable("the file is damaged: it is no Word document")
	}
	d := docx{levels: a.headingLevels(path.Join(path.Dir(main), "styles.xml"))}
	if err := a.walk(main, d.visit); err != nil {
		return nil, err
	}
	for _, notes := range []string{"footnotes.xml", "endnotes.xml"} {
		if name := path.Join(path.Dir(main), notes); a.parts[name] != nil {
			if err := a.walk(name, d.visit); err != nil {
				break // the body is worth more than its notes
			}
		}
	}
	return d.blocks, ctx.Err()
}

// headingLevels tells which paragraph styles are headings: by outline level, by the built-in name, or by the style they are based on.
func (a *archive) headingLevels(part string) map[string]int {
	levels, based := map[string]int{}, map[string]string{}
	if a.parts[part] == nil {
		return levels
	}
	id := ""
	a.walk(part, func(t xml.Token, _ []string) error { // without styles the text is still there
		e, ok := t.(xml.StartElement)
		if !ok {
			return nil
		}
		switch e.Name.Local {
		case "style":
			id = attr(e, "styleId")
		case "name":
			if n := builtinHeading(attr(e, "val")); n > 0 && id != "" {
				levels[id] = n
			}
		case "basedOn":
			based[id] = attr(e, "val")
		case "outlineLvl":
			if n, err := strconv.Atoi(attr(e, "val")); err == nil && n >= 0 && n < 9 && id != "" {
				levels[id] = n + 1
			}
		}
		return nil
	})
	for style := range based {
		for s, hops := style, 0; hops < 10; s, hops = based[s], hops+1 {
			if n := levels[s]; n > 0 {
				levels[style] = n
				break
			}
		}
	}
	return levels
}

// builtinHeading reads "heading 2", "Title" and the like.
func builtinHeading(name string) int {
	name = strings.ToLower(strings.TrimSpace(name))
	if name == "title" {
		return 1
	}
	for _, prefix := range []string{"heading", "überschrift", "titre", "título"} {
		if rest, ok := strings.CutPrefix(name, prefix); ok {
			if n, err := strconv.Atoi(strings.TrimSpace(rest)); err == nil && n >= 1 && n <= 9 {
				return n
			}
		}
	}
	return 0
}

// docx collects the paragraphs of a document part.
type docx struct {
	levels map[string]int
	blocks []block

	text  strings.Builder
	style string
	level int
	list  bool
	row   []string // cells of the table row
	cell  []string // paragraphs of the cell
	depth int      // of nested tables
}

func (d *docx) visit(t xml.Token, stack []string) error {
	switch t := t.(type) {
	case xml.CharData:
		if n := len(stack); n > 0 && stack[n-1] == "t" && !slices.Contains(stack, "Fallback") {
			d.text.Write(t)
		}
	case xml.StartElement:
		d.start(t, stack)
	case xml.EndElement:
		d.end(t, stack)
	}
	return nil
}

func (d *docx) start(e xml.StartElement, stack []string) {
	inProperties := slices.Contains(stack, "pPr")
	switch e.Name.Local {
	case "p":
		if !slices.Contains(stack[:len(stack)-1], "txbxContent") { // a text box lies inside of a paragraph
			d.text.Reset()
		}
		d.style, d.level, d.list = "", 0, false
	case "pStyle":
		d.style = attr(e, "val")
	case "outlineLvl":
		if n, err := strconv.Atoi(attr(e, "val")); err == nil && inProperties && n >= 0 && n < 9 {
			d.level = n + 1
		}
	case "numPr":
		d.list = true
	case "tab":
		if !inProperties {
			d.text.WriteByte('\t')
		}
	case "br", "cr":
		d.text.WriteByte('\n')
	case "noBreakHyphen":
		d.text.WriteByte('-')
	case "tbl":
		d.depth++
	case "tr":
		d.row = nil
	case "tc":
		d.cell = nil
	}
}

func (d *docx) end(e xml.EndElement, stack []string) {
	switch e.Name.Local {
	case "p":
		text := strings.TrimSpace(d.text.String())
		d.text.Reset()
		if text == "" {
			return
		}
		level := max(d.level, d.levels[d.style])
		if level == 0 {
			level = builtinHeading(d.style)
		}
		switch {
		case d.depth > 0:
			d.cell = append(d.cell, text)
		case level > 0 && len(text) <= 300:
			d.blocks = append(d.blocks, block{kind: blockHeading, level: level, text: text})
		case d.list:
			d.blocks = append(d.blocks, block{text: "• " + text})
		default:
			d.blocks = append(d.blocks, block{text: text})
		}
	case "tc":
		if d.depth == 1 {
			d.row = append(d.row, strings.Join(d.cell, " "))
			d.cell = nil
		}
	case "tr":
		if d.depth == 1 && strings.TrimSpace(strings.Join(d.row, "")) != "" {
			d.blocks = append(d.blocks, block{text: strings.Join(d.row, " | ")})
			d.row = nil
		}
	case "tbl":
		d.depth = max(0, d.depth-1)
	}
}
