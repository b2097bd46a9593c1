package tutor

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"trivium/app/lms"
)

// makePDF writes a PDF with one page for each content stream, Helvetica as /F1 and Helvetica-Bold as /F2. Extra objects can follow; the
// page resources are given.
func makePDF(resources string, pages ...string) []byte {
	return makePDFWith("/Filter/FlateDecode", resources, pages...)
}

// makePDFWith also says how the content streams claim to be packed.
func makePDFWith(filter, resources string, pages ...string) []byte {
	var b bytes.Buffer
	var offsets []int
	object := func(format string, args ...any) {
		offsets = append(offsets, b.Len())
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", len(offsets), fmt.Sprintf(format, args...))
	}
	b.WriteString("%PDF-1.4\n")
	var kids []string
	for i := range pages {
		kids = append(kids, fmt.Sprintf("%d 0 R", 8+2*i))
	}
	widths := strings.Repeat("556 ", 95)
	object("<</Type/Catalog/Pages 2 0 R>>")
	object("<</Type/Pages/Count %d/Kids[%s]>>", len(pages), strings.Join(kids, " "))
	object("<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding/FirstChar 32/LastChar 126/Widths[%s]>>", widths)
	object("<</Type/Font/Subtype/Type1/BaseFont/Helvetica-Bold/Encoding/WinAnsiEncoding/FirstChar 32/LastChar 126/Widths[%s]>>", widths)
	object("<</Type/Font/Subtype/Type0/BaseFont/ABCDEF+Some/Encoding/Identity-H/DescendantFonts[6 0 R]/ToUnicode 7 0 R>>")
	object("<</Type/Font/Subtype/CIDFontType2/BaseFont/ABCDEF+Some/DW 400/W[1[600 700] 3 9 500]>>")
	object("<</Length %d>>stream\n%s\nendstream", len(toUnicode), toUnicode)
	for i, p := range pages {
		object("<</Type/Page/Parent 2 0 R/Contents %d 0 R/Resources<</Font<</F1 3 0 R/F2 4 0 R/F3 5 0 R>>%s>>>>", 9+2*i, resources)
		var z bytes.Buffer
		w := zlib.NewWriter(&z)
		w.Write([]byte(p))
		w.Close()
		object("<</Length %d%s>>stream\n%s\nendstream", z.Len(), filter, z.String())
	}
	start := b.Len()
	fmt.Fprintf(&b, "xref\n0 %d\n0000000000 65535 f \n", len(offsets)+1)
	for _, o := range offsets {
		fmt.Fprintf(&b, "%010d 00000 n \n", o)
	}
	fmt.Fprintf(&b, "trailer\n<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF\n", len(offsets)+1, start)
	return b.Bytes()
}

const toUnicode = `/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def
/CMapName /Adobe-Identity-UCS def 1 begincodespacerange <0000> <FFFF> endcodespacerange
2 beginbfchar <0001> <0047> <0002> <D83DDE00> endbfchar 2 beginbfrange <0003> <0005> <0072> <0006> <0007> [<00FC> <FB01>] endbfrange
endcmap CMapName currentdict /CMap defineresource pop end end`

// makeZip writes an archive of name, content, name, content...
func makeZip(parts ...string) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(parts); i += 2 {
		w, _ := z.Create(parts[i])
		w.Write([]byte(parts[i+1]))
	}
	z.Close()
	return b.Bytes()
}

const wordNS = `xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"`

func wordPara(style, text string) string {
	if style != "" {
		style = `<w:pPr><w:pStyle w:val="` + style + `"/></w:pPr>`
	}
	return `<w:p>` + style + `<w:r><w:t xml:space="preserve">` + text + `</w:t></w:r></w:p>`
}

func makeDOCX(body string) []byte {
	return makeZip(
		"word/styles.xml", `<w:styles `+wordNS+`><w:style w:styleId="H1"><w:name w:val="heading 1"/></w:style><w:style w:styleId="Mine"><w:name w:val="Mine"/><w:basedOn w:val="H2"/></w:style><w:style w:styleId="H2"><w:name w:val="heading 2"/></w:style></w:styles>`,
		"word/document.xml", `<?xml version="1.0"?><w:document `+wordNS+`><w:body>`+body+`</w:body></w:document>`,
		"word/footnotes.xml", `<w:footnotes `+wordNS+`>`+wordPara("", "A footnote about history.")+`</w:footnotes>`)
}

func slideXML(title string, lines ...string) string {
	var b strings.Builder
	b.WriteString(`<p:sld xmlns:p="p" xmlns:a="a"><p:sp><p:nvPr><p:ph type="title"/></p:nvPr><p:txBody><a:p><a:r><a:t>` + title + `</a:t></a:r></a:p></p:txBody></p:sp><p:sp><p:nvPr><p:ph idx="1"/></p:nvPr>`)
	for _, l := range lines {
		b.WriteString(`<a:p><a:r><a:t>` + l + `</a:t></a:r></a:p>`)
	}
	return b.String() + `</p:sp><p:sp><p:nvPr><p:ph type="sldNum"/></p:nvPr><a:p><a:r><a:t>7</a:t></a:r></a:p></p:sp></p:sld>`
}

func makePPTX() []byte {
	rel := func(rows string) string { return `<Relationships>` + rows + `</Relationships>` }
	return makeZip(
		"ppt/presentation.xml", `<p:presentation xmlns:p="p" xmlns:r="r"><p:sldIdLst><p:sldId id="256" r:id="rId2"/><p:sldId id="257" r:id="rId1"/></p:sldIdLst></p:presentation>`,
		"ppt/_rels/presentation.xml.rels", rel(`<Relationship Id="rId1" Type="x/slide" Target="slides/slide1.xml"/><Relationship Id="rId2" Type="x/slide" Target="slides/slide2.xml"/>`),
		"ppt/slides/slide1.xml", slideXML("Sorting", "Merge sort divides the list."),
		"ppt/slides/slide2.xml", slideXML("Welcome", "This lecture is about algorithms."),
		"ppt/slides/_rels/slide1.xml.rels", rel(`<Relationship Id="rId1" Type="x/notesSlide" Target="../notesSlides/notesSlide1.xml"/>`),
		"ppt/notesSlides/notesSlide1.xml", `<p:notes xmlns:p="p" xmlns:a="a"><p:sp><p:ph type="body" idx="1"/><a:p><a:r><a:t>Mention stability.</a:t></a:r></a:p></p:sp></p:notes>`)
}

func extract(t *testing.T, name string, data []byte) ([]lms.Passage, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	return Extract(ctx, name, "", bytes.NewReader(data), int64(len(data)))
}

// show writes passages one per line: page, heading, text.
func show(ps []lms.Passage) string {
	var b strings.Builder
	for _, p := range ps {
		fmt.Fprintf(&b, "%d|%s|%s\n", p.Page, p.Heading, strings.ReplaceAll(p.Text, "\n", "/"))
	}
	return b.String()
}

func TestExtract(t *testing.T) {
	for _, tt := range []struct {
		name string
		file string
		data []byte
		want string
	}{
		{"PDF with headings and pages", "a.pdf", makePDF("",
			"BT /F2 20 Tf 50 700 Td (Loops) Tj /F1 11 Tf 0 -30 Td (A while loop repeats its con-) Tj 0 -14 Td (dition until it is false.) Tj ET",
			"BT /F1 11 Tf 50 700 Td (Second page text.) Tj ET"),
			"1|Loops|A while loop repeats its condition until it is false.\n2|Loops|Second page text.\n"},
		{"PDF whose spaces are gaps", "a.pdf", makePDF("", "BT /F1 10 Tf 50 700 Td [(Words) -300 (are) -278 (dra) 15 (wn) -300 (apart)] TJ ET"),
			"1||Words are drawn apart\n"},
		{"PDF with a composite font", "a.pdf", makePDF("", "BT /F3 10 Tf 1 0 0 -1 50 700 Tm <00010003000600050007> Tj 30 0 Td <0002> Tj ET"),
			"1||Grütfi 😀\n"},
		{"PDF of a newer version with bytes around it", "a.PDF", append(append([]byte("junk\n"), bytes.Replace(makePDF("", "BT /F1 10 Tf 50 700 Td (New enough) Tj ET"), []byte("%PDF-1.4"), []byte("%PDF-2.0"), 1)...), "\n\x00\x00 junk"...),
			"1||New enough\n"},
		{"PDF with a damaged page", "a.pdf", makePDF("", "BT /F1 10 Tf 50 700 Td (Good page) Tj ET", "BT /F1 10 Tf 50 700 Td (Half) Tj << >> >> ( ET"),
			"1||Good page\n2||Half\n"},
		{"headers of every page dropped", "a.pdf", makePDF("",
			"BT /F1 9 Tf 50 800 Td (CS 101, page 1) Tj 0 -60 Td (First) Tj ET", "BT /F1 9 Tf 50 800 Td (CS 101, page 2) Tj 0 -60 Td (Second) Tj ET",
			"BT /F1 9 Tf 50 800 Td (CS 101, page 3) Tj 0 -60 Td (Third) Tj ET"),
			"1||First\n2||Second\n3||Third\n"},
		{"DOCX", "a.docx", makeDOCX(wordPara("H1", "Trees") + wordPara("", "A tree has &lt;nodes&gt;.") + wordPara("Mine", "Balance") + wordPara("", "Rotations keep it flat.") +
			`<w:tbl><w:tr><w:tc>` + wordPara("", "height") + `</w:tc><w:tc>` + wordPara("", "log n") + `</w:tc></w:tr></w:tbl>`),
			"0|Trees|A tree has <nodes>.\n0|Trees › Balance|Rotations keep it flat.//height | log n//A footnote about history.\n"},
		{"PPTX in the order of the show", "a.pptx", makePPTX(),
			"1|Welcome|Welcome//This lecture is about algorithms.\n2|Sorting|Sorting//Merge sort divides the list.//Notes: Mention stability.\n"},
		{"Markdown", "a.md", []byte("Intro *text*.\n\n# One\n\n- first\n- second [link](http://x)\n\n## Two\n\n```go\nfor i := range 3 {\n\tprint(i)\n}\n```\n\n<script>bad()</script>\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"),
			"0||Intro text.\n0|One|• first//• second link\n0|One › Two|for i := range 3 {/\tprint(i)/}//a | b//1 | 2\n"},
		{"text in Windows-1252", "a.txt", []byte("Gr\xfc\xdfe aus K\xf6ln \x96 sch\xf6n.\r\n\r\nKapitel 2\r\n\r\nText."), "0||Grüße aus Köln – schön.\n0|Kapitel 2|Text.\n"},
		{"text in UTF-16", "a.txt", []byte("\xff\xfeH\x00i\x00"), "0|Hi|Hi\n"},
		{"duplicates dropped", "a.md", []byte("# A\n\nSame words.\n\n# B\n\nSame   words.\n\n# C\n\nOther.\n"), "0|A|Same words.\n0|C|Other.\n"},
		{"invisible characters dropped", "a.md", []byte("no\u00adte\u200b \U000e0041ﬁne"), "0||note fine\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ps, err := extract(t, tt.file, tt.data)
			if err != nil {
				t.Fatal(err)
			}
			if got := show(ps); got != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", got, tt.want)
			}
		})
	}
}

func TestExtractRefuses(t *testing.T) {
	good := makePDF("", "BT /F1 10 Tf 50 700 Td (Text) Tj ET")
	bomb := makeDOCX(strings.Repeat("<w:p/>", 700_000))
	for _, tt := range []struct {
		name, file string
		data       []byte
		reason     string
	}{
		{"another type", "a.zip", []byte("PK"), "this type of file is not read; PDF, DOCX, PPTX, HTML, captions (VTT, SRT), Markdown and plain text are"},
		{"nothing", "a.pdf", nil, "the file is empty"},
		{"scanned", "a.pdf", makePDF("/XObject<</I<</Subtype/Image>>>>", "q 1 0 0 1 0 0 cm /I Do Q"), "scanned PDF: it has no text"},
		{"cut off", "a.pdf", good[:len(good)-40], "the PDF is damaged: its end is missing"},
		{"no PDF", "a.pdf", []byte("<html>"), "the file is damaged: it is no PDF"},
		{"pages in a circle", "a.pdf", bytes.Replace(good, []byte("Kids[8 0 R]"), []byte("Kids[2 0 R]"), 1), "the PDF is damaged: it has no pages"},
		{"huge object number", "a.pdf", bytes.Replace(good, []byte("xref\n0 10"), []byte("xref\n999999999 10"), 1), errXref.Reason},
		{"circular tables", "a.pdf", bytes.Replace(good, []byte("/Root 1 0 R"), fmt.Appendf(nil, "/Root 1 0 R/Prev %d", bytes.LastIndex(good, []byte("xref\n0"))), 1), errXref.Reason},
		{"no zip", "a.docx", []byte("PK\x03\x04 but no more"), "the file is damaged"},
		{"old or locked", "a.docx", append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), make([]byte, 600)...), "it is locked with a password, or in the format of before 2007; save it again without"},
		{"a zip of something else", "a.pptx", makeZip("x.txt", "x"), "the file is damaged: it is no presentation"},
		{"expands too much", "a.docx", bomb, "it expands to too much text"},
		{"broken XML", "a.docx", makeDOCX(wordPara("", "x") + "<w:p <"), "the file is damaged"},
		{"deep XML", "a.docx", makeDOCX(strings.Repeat("<w:a>", 1000)), "the file is damaged: it is nested too deeply"},
		{"binary text", "a.txt", bytes.Repeat([]byte{0, 1, 2}, 100), "it is not a text file"},
		{"text of spaces", "a.txt", []byte(" \n\n "), "it has no text"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ps, err := extract(t, tt.file, tt.data)
			var u *UnreadableError
			if !errors.As(err, &u) || u.Reason != tt.reason || ps != nil {
				t.Errorf("%v (%d passages), want %q", err, len(ps), tt.reason)
			}
		})
	}
}

func TestExtractWithTimeLimit(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Nanosecond)
	defer cancel()
	data := makePDF("", "BT ET")
	if _, err := Extract(ctx, "a.pdf", "", bytes.NewReader(data), int64(len(data))); !errors.Is(err, errSlowDocument) {
		t.Errorf("err = %v", err)
	}
}

func TestPassageSize(t *testing.T) {
	var long strings.Builder
	for i := range 400 {
		fmt.Fprintf(&long, "Sentence number %d has exactly seven words. ", i)
	}
	long.WriteString(strings.Repeat("unbroken", 2000))
	ps := passagesOf([]block{{text: long.String()}})
	if len(ps) < 10 {
		t.Fatalf("%d passages", len(ps))
	}
	for i, p := range ps {
		if n := len(strings.Fields(p.Text)); n > maxWords || len(p.Text) > maxPBytes {
			t.Errorf("passage %d has %d words, %d bytes", i, n, len(p.Text))
		}
		if p.Ordinal != i+1 {
			t.Errorf("ordinal %d at %d", p.Ordinal, i)
		}
	}
	if !strings.HasSuffix(ps[0].Text, ".") {
		t.Errorf("not cut at a sentence: …%s", ps[0].Text[len(ps[0].Text)-30:])
	}
}

// TestExtractApart runs the extractor in a process of its own, which is this test program.
func TestExtractApart(t *testing.T) {
	command := []string{os.Args[0], "-test.run=^TestExtractorHelper$", "--", "extract"}
	apart := func(name string, data []byte) ([]lms.Passage, error) {
		ctx, cancel := context.WithTimeoutCause(t.Context(), 20*time.Second, errSlowDocument)
		defer cancel()
		return extractApart(ctx, command, document{name, "", int64(len(data))}, bytes.NewReader(data))
	}
	ps, err := apart("a.md", []byte("# One\n\nText."))
	if err != nil || show(ps) != "0|One|Text.\n" {
		t.Errorf("%v %q", err, show(ps))
	}
	var u *UnreadableError
	if _, err := apart("a.zip", []byte("x")); !errors.As(err, &u) || !strings.Contains(u.Reason, "not read") {
		t.Errorf("refusal: %v", err)
	}
	// Memory that cannot be had ends a Go program whatever it recovers.
	greedy := makePDFWith("/Filter/FlateDecode/DecodeParms<</Predictor 12/Columns 9000000000000>>", "", "BT ET")
	if _, err := apart("greedy.pdf", greedy); !errors.As(err, &u) || !strings.Contains(u.Reason, "memory") {
		t.Errorf("greedy: %v", err)
	}
	if _, err := extractApart(t.Context(), []string{"/nonexistent"}, document{"a.md", "", 1}, strings.NewReader("x")); err == nil || errors.As(err, &u) {
		t.Errorf("missing program: %v", err)
	}
}

func TestExtractorHelper(t *testing.T) {
	if len(os.Args) == 0 || os.Args[len(os.Args)-1] != "extract" {
		t.Skip("the body of another test's process")
	}
	if err := ExtractProcess(context.Background(), os.Stdin, os.Stdout); err != nil {
		os.Exit(1)
	}
	os.Exit(0)
}
