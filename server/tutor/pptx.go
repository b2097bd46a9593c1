package tutor

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
)

// readPPTX reads a presentation slide by slide in the order of the show: title, text, tables, then the speaker's notes.
func readPPTX(ctx context.Context, r io.ReaderAt, size int64) ([]block, error) {
	a, err := openArchive(ctx, r, size)
	if err != nil {
		return nil, err
	}
	main := a.mainPart("ppt/presentation.xml")
	if a.parts[main] == nil {
		return nil, unreadable("the file is damaged: it is no presentation")
	}
	slides, err := a.slides(main)
	if err != nil {
		return nil, err
	}
	var blocks []block
	for i, name := range slides[:min(len(slides), maxPages)] {
		s := slide{}
		if err := a.walk(name, s.visit); err != nil {
			return nil, err
		}
		page := i + 1
		title := oneLine(s.title)
		if title == "" {
			title = fmt.Sprintf("Slide %d", page)
		}
		if s.title == "" && len(s.text) == 0 {
			continue
		}
		blocks = append(blocks, block{kind: blockHeading, level: 1, page: page, text: title})
		if s.title != "" { // a title is content too: on many slides the only one beside a picture
			blocks = append(blocks, block{page: page, text: title})
		}
		for _, text := range s.text {
			blocks = append(blocks, block{page: page, text: text})
		}
		target, kind := a.relations(name)
		for id, k := range kind {
			if k == "notesSlide" && a.parts[target[id]] != nil {
				notes := slide{notes: true}
				if a.walk(target[id], notes.visit) == nil && len(notes.text) > 0 {
					blocks = append(blocks, block{page: page, text: "Notes: " + strings.Join(notes.text, " ")})
				}
			}
		}
	}
	return blocks, ctx.Err()
}

// slides lists the parts of the slides in order.
func (a *archive) slides(main string) ([]string, error) {
	target, _ := a.relations(main)
	var slides []string
	err := a.walk(main, func(t xml.Token, _ []string) error {
		if e, ok := t.(xml.StartElement); ok && e.Name.Local == "sldId" {
			for _, at := range e.Attr {
				if at.Name.Local == "id" && at.Name.Space != "" && a.parts[target[at.Value]] != nil {
					slides = append(slides, target[at.Value])
				}
			}
		}
		return nil
	})
	if len(slides) == 0 { // a damaged list: take the files in the order of their numbers
		for i := 1; i <= maxPages; i++ {
			name := path.Join(path.Dir(main), fmt.Sprintf("slides/slide%d.xml", i))
			if a.parts[name] == nil {
				break
			}
			slides = append(slides, name)
		}
	}
	return slides, err
}

// slide collects the text of one slide, or of its notes.
type slide struct {
	notes bool
	title string
	text  []string

	place string // type of the placeholder of the shape
	para  strings.Builder
	row   []string
	cell  []string
}

func (s *slide) visit(t xml.Token, stack []string) error {
	switch t := t.(type) {
	case xml.CharData:
		if n := len(stack); n > 0 && stack[n-1] == "t" {
			s.para.Write(t)
		}
	case xml.StartElement:
		switch t.Name.Local {
		case "sp", "graphicFrame", "pic":
			s.place = ""
		case "ph":
			s.place = attr(t, "type")
			if s.place == "" {
				s.place = "body"
			}
		case "p":
			s.para.Reset()
		case "br":
			s.para.WriteByte(' ')
		case "tr":
			s.row = nil
		case "tc":
			s.cell = nil
		}
	case xml.EndElement:
		s.end(t.Name.Local, stack)
	}
	return nil
}

func (s *slide) end(name string, stack []string) {
	switch name {
	case "p":
		text := oneLine(s.para.String())
		s.para.Reset()
		switch {
		case text == "", s.place == "sldNum", s.place == "dt", s.place == "ftr", s.place == "hdr":
		case s.notes && s.place != "body":
		case slices.Contains(stack, "tc"):
			s.cell = append(s.cell, text)
		case !s.notes && (s.place == "title" || s.place == "ctrTitle"):
			s.title = strings.TrimSpace(s.title + " " + text)
		default:
			s.text = append(s.text, text)
		}
	case "tc":
		s.row = append(s.row, strings.Join(s.cell, " "))
		s.cell = nil
	case "tr":
		if row := strings.Join(s.row, " | "); strings.Trim(row, " |") != "" {
			s.text = append(s.text, row)
		}
		s.row = nil
	}
}
