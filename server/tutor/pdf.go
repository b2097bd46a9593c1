package tutor

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"unicode"

	"github.com/ledongthuc/pdf"
)

// Caps of a PDF.
const (
	maxPDFStream = 48 << 20  // bytes of the drawing instructions of one page, expanded
	maxPDFOps    = 3_000_000 // drawing instructions of one page
	maxPDFForms  = 2000      // embedded drawings of one page
)

// readPDF reads a PDF page by page. A page that cannot be read is left out; when none can, the document is damaged.
func readPDF(ctx context.Context, r io.ReaderAt, size int64) ([]block, error) {
	src, end, err := tidyPDF(r, size)
	if err != nil {
		return nil, err
	}
	if err := checkXrefs(src, end); err != nil {
		return nil, err
	}
	doc, err := pdf.NewReader(src, end)
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, pdf.ErrInvalidPassword), err != nil && strings.Contains(err.Error(), "encrypt"):
		return nil, unreadable("the PDF is locked with a password")
	case err != nil:
		return nil, unreadable("the PDF is damaged")
	}
	p := &pdfReader{ctx: ctx, doc: doc, fonts: map[string]*pdfFont{}}
	tree := p.pages()
	if len(tree) == 0 && ctx.Err() == nil {
		return nil, unreadable("the PDF is damaged: it has no pages")
	}
	var pages []pdfPage
	broken, images, total := 0, 0, 0
	for i, l := range tree {
		if total >= maxText {
			break
		}
		page := p.page(l)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if page.damaged && len(page.glyphs) == 0 {
			broken++
		}
		if page.images {
			images++
		}
		total += page.bytes
		pages = append(pages, pdfPage{number: i + 1, lines: linesOf(page.glyphs)})
	}
	blocks := layout(pages)
	letters, odd := legible(blocks)
	switch {
	case letters > 0 && odd > letters:
		return nil, unreadable("the PDF's fonts do not say which letters they show")
	case letters > 0:
		return blocks, nil
	case broken == len(pages):
		return nil, unreadable("the PDF is damaged")
	case images > 0:
		return nil, unreadable("scanned PDF: it has no text")
	}
	return nil, unreadable("the PDF has no text")
}

// legible counts letters and digits, and characters that no font explains.
func legible(blocks []block) (letters, odd int) {
	for _, b := range blocks {
		for _, r := range b.text {
			switch {
			case unicode.IsLetter(r) || unicode.IsDigit(r):
				letters++
			case r == unicode.ReplacementChar, unicode.Is(unicode.Co, r), r < 32 && r != '\n' && r != '\t':
				odd++
			}
		}
	}
	return letters, odd
}

// protect turns a panic of the PDF library, which is how it reports damage, into an error.
func protect(f func()) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = errors.New("damaged")
		}
	}()
	f()
	return nil
}

// tidyPDF forgives what other programs forgive: a newer version number, bytes before the header and after the end.
func tidyPDF(r io.ReaderAt, size int64) (io.ReaderAt, int64, error) {
	head := make([]byte, min(size, 1024))
	if _, err := r.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, err
	}
	start := bytes.Index(head, []byte("%PDF-"))
	if start < 0 {
		return nil, 0, unreadable("the file is damaged: it is no PDF")
	}
	tail := make([]byte, min(size, 4096))
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return nil, 0, err
	}
	i := bytes.LastIndex(tail, []byte("%%EOF"))
	if i < 0 {
		return nil, 0, unreadable("the PDF is damaged: its end is missing")
	}
	end := size - int64(len(tail)) + int64(i) + int64(len("%%EOF"))
	if end-int64(start) < 120 {
		return nil, 0, unreadable("the PDF is damaged")
	}
	return &headedPDF{r: r, start: int64(start)}, end - int64(start), nil
}

// headedPDF shows a PDF from its header on, with a header that the library accepts.
type headedPDF struct {
	r     io.ReaderAt
	start int64
}

const pdfHeader = "%PDF-1.7\n"

func (h *headedPDF) ReadAt(p []byte, off int64) (int, error) {
	n, err := h.r.ReadAt(p, off+h.start)
	if off >= 0 && off < int64(len(pdfHeader)) && n > 0 {
		copy(p[:n], pdfHeader[off:])
	}
	return n, err
}
