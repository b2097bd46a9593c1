package tutor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"
	"unicode/utf8"

	"trivium/app/lms"
)

// Caps of one document. What lies beyond is not read, or the document is refused.
const (
	maxText     = 12 << 20 // bytes of text
	maxPages    = 3000
	maxPassages = 4000
	maxPlain    = 16 << 20 // bytes of a text file
)

// UnreadableError says in plain words why a document has no passages. Reading it again does not help.
type UnreadableError struct{ Reason string }

func (e *UnreadableError) Error() string { return "not indexed: " + e.Reason }

func unreadable(format string, args ...any) error {
	return &UnreadableError{fmt.Sprintf(format, args...)}
}

const noText = "it has no text"

var errSlowDocument = &UnreadableError{"it takes too long to read; split it into smaller files"}

// Formats of documents.
const (
	formatPDF      = "PDF"
	formatDOCX     = "DOCX"
	formatPPTX     = "PPTX"
	formatHTML     = "HTML"
	formatCaptions = "captions"
	formatMarkdown = "Markdown"
	formatText     = "text"
)

// formats by extension; the extension decides, because the media type of an upload is a guess.
var formats = map[string]string{".pdf": formatPDF, ".docx": formatDOCX, ".docm": formatDOCX, ".dotx": formatDOCX, ".pptx": formatPPTX, ".pptm": formatPPTX,
	".ppsx": formatPPTX, ".md": formatMarkdown, ".markdown": formatMarkdown, ".txt": formatText, ".text": formatText, ".csv": formatText, ".tex": formatText,
	".rst": formatText, ".org": formatText, ".log": formatText, ".html": formatHTML, ".htm": formatHTML, ".xhtml": formatHTML, ".vtt": formatCaptions, ".srt": formatCaptions}

var formatsByType = map[string]string{"application/pdf": formatPDF, "text/markdown": formatMarkdown, "text/plain": formatText,
	"text/html": formatHTML, "application/xhtml+xml": formatHTML, "text/vtt": formatCaptions, "application/x-subrip": formatCaptions,
	"application/vnd.openxmlformats-officedocument.wordprocessingml.document":   formatDOCX,
	"application/vnd.openxmlformats-officedocument.presentationml.presentation": formatPPTX}

// formatOf returns the format of a document, "" when it is not read.
func formatOf(name, mediaType string) string {
	if f := formats[strings.ToLower(path.Ext(name))]; f != "" {
		return f
	}
	mediaType, _, _ = strings.Cut(mediaType, ";")
	if f := formatsByType[strings.TrimSpace(strings.ToLower(mediaType))]; f != "" {
		if ext := path.Ext(name); f != formatText || ext == "" || len(ext) > 5 {
			return f
		}
	}
	return ""
}

// readable refuses the types that are not read.
func readable(name, mediaType string) error {
	if formatOf(name, mediaType) == "" {
		return unreadable("this type of file is not read; PDF, DOCX, PPTX, HTML, captions (VTT, SRT), Markdown and plain text are")
	}
	return nil
}

// Extract reads the text of a document into passages. An *UnreadableError says in plain words why there is none; any other error
// is about reading the bytes. It survives damaged and hostile documents as far as Go can; ExtractProcess isolates the rest.
func Extract(ctx context.Context, name, mediaType string, r io.ReaderAt, size int64) (passages []lms.Passage, err error) {
	defer func() {
		if p := recover(); p != nil {
			passages, err = nil, unreadable("the file is damaged")
		}
		if ctx.Err() != nil {
			passages, err = nil, context.Cause(ctx)
			if errors.Is(err, context.DeadlineExceeded) {
				err = errSlowDocument
			}
		}
	}()
	if size == 0 {
		return nil, unreadable("the file is empty")
	}
	src := guarded{ctx, r}
	var blocks []block
	switch formatOf(name, mediaType) {
	case formatPDF:
		blocks, err = within(ctx, func() ([]block, error) { return readPDF(ctx, src, size) })
	case formatDOCX:
		blocks, err = readDOCX(ctx, src, size)
	case formatPPTX:
		blocks, err = readPPTX(ctx, src, size)
	case formatHTML:
		blocks, err = readHTML(ctx, src, size)
	case formatCaptions:
		var text string
		if text, err = readText(src, size); err == nil {
			blocks, err = captionBlocks(text)
		}
	case formatMarkdown:
		var text string
		if text, err = readText(src, size); err == nil {
			blocks = markdownBlocks(text)
		}
	case formatText:
		var text string
		if text, err = readText(src, size); err == nil {
			blocks = textBlocks(text)
		}
	default:
		err = readable(name, mediaType)
	}
	if err != nil {
		return nil, err
	}
	passages = passagesOf(blocks)
	if len(passages) == 0 {
		return nil, unreadable(noText)
	}
	return passages, nil
}

// ExtractPage reads a page of Markdown into passages.
func ExtractPage(markdown string) []lms.Passage { return passagesOf(markdownBlocks(markdown)) }

// within returns when the time is over, also when a library goes round in circles without reading anything: a damaged stream of objects
// can make the one for PDF wait for the end of a string for ever. What goes on then ends with the process of its own that a node reads
// documents in.
func within(ctx context.Context, read func() ([]block, error)) ([]block, error) {
	type result struct {
		blocks []block
		err    error
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r = result{err: unreadable("the file is damaged")}
			}
			done <- r
		}()
		r.blocks, r.err = read()
	}()
	select {
	case r := <-done:
		return r.blocks, r.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// guarded ends every reading when the context ends, so that no loop over a document outlives it.
type guarded struct {
	ctx context.Context
	r   io.ReaderAt
}

func (g guarded) ReadAt(p []byte, off int64) (int, error) {
	if err := g.ctx.Err(); err != nil {
		return 0, err
	}
	return g.r.ReadAt(p, off)
}

// readText reads a text file. Text that is not UTF-8 is UTF-16 with a mark, or taken as Windows-1252.
func readText(r io.ReaderAt, size int64) (string, error) {
	data, err := io.ReadAll(io.NewSectionReader(r, 0, min(size, maxPlain)))
	if err != nil {
		return "", err
	}
	text := DecodeText(data)
	if n := strings.Count(text, "\x00"); n > 0 && n > len(text)/1000 {
		return "", unreadable("it is not a text file")
	}
	return strings.ReplaceAll(text, "\x00", ""), nil
}

// DecodeText reads bytes as UTF-16 or UTF-8, whichever they are, and else as the old code of western Windows.
func DecodeText(data []byte) string {
	switch {
	case len(data) >= 2 && (data[0] == 0xff && data[1] == 0xfe || data[0] == 0xfe && data[1] == 0xff):
		return decodeUTF16(data)
	case len(data) >= 3 && string(data[:3]) == "\ufeff":
		data = data[3:]
	}
	for cut := 0; cut < min(4, len(data)); cut++ { // the cap may have split the last character
		if utf8.Valid(data[:len(data)-cut]) {
			return string(data[:len(data)-cut])
		}
	}
	var b strings.Builder
	for _, c := range data {
		b.WriteRune(windows1252(c))
	}
	return b.String()
}
