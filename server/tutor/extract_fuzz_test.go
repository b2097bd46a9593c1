package tutor

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"
)

func FuzzExtract(f *testing.F) {
	for _, s := range []struct {
		name string
		data []byte
	}{{"a.pdf", makePDF("", "BT /F1 10 Tf 50 700 Td [(Some) -300 (text)] TJ ET")}, {"a.docx", makeDOCX(wordPara("H1", "Title") + wordPara("", "Text"))},
		{"a.pptx", makePPTX()}, {"a.md", []byte("# One\n\n- two\n\n```\nthree\n```")}, {"a.txt", []byte("One.\n\nTwo.")}} {
		f.Add(s.name, s.data)
	}
	f.Fuzz(func(t *testing.T, name string, data []byte) {
		checkExtract(t, name, data)
	})
}

// checkExtract reads a document: it is unreadable for a reason, or its passages are sound.
func checkExtract(t *testing.T, name string, data []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	ps, err := Extract(ctx, name, "", bytes.NewReader(data), int64(len(data)))
	var u *UnreadableError
	if err != nil && !errors.As(err, &u) {
		t.Errorf("no reason in plain words: %v", err)
	}
	for i, p := range ps {
		if p.Ordinal != i+1 || strings.TrimSpace(p.Text) == "" || len(p.Text) > 2*maxPBytes || strings.ContainsRune(p.Text, 0) {
			t.Errorf("passage %+v", p)
		}
	}
}

// FuzzOfficeParts changes the XML within a sound archive, which FuzzExtract hardly ever hits: a change of packed bytes ends at
// their checksum.
func FuzzOfficeParts(f *testing.F) {
	f.Add(false, wordPara("H1", "Title")+wordPara("", "Text"), `<w:style w:styleId="H1"><w:name w:val="heading 1"/></w:style>`)
	f.Add(false, `<w:tbl><w:tr><w:tc>`+wordPara("", "a")+`</w:tc><w:tc/></w:tr></w:tbl><w:p><w:r><w:t>&#0;&lt;</w:t></w:r>`, `<w:style w:styleId="A"><w:basedOn w:val="A"/></w:style>`)
	f.Add(true, `<p:sldId id="256" r:id="rId1"/>`, `<Relationship Id="rId1" Type="x/slide" Target="../slides/slide1.xml"/>`)
	f.Add(true, `<p:sldId r:id="rId1"/><p:sldId r:id="rId1"/><p:sldId r:id="no"/>`, `<Relationship Id="rId1" Type="x/slide" Target="/../../../x"/>`)
	f.Fuzz(func(t *testing.T, slides bool, body, other string) {
		if slides {
			checkExtract(t, "a.pptx", makeZip("ppt/presentation.xml", `<p:presentation xmlns:p="p" xmlns:r="r"><p:sldIdLst>`+body+`</p:sldIdLst></p:presentation>`,
				"ppt/_rels/presentation.xml.rels", "<Relationships>"+other+"</Relationships>", "ppt/slides/slide1.xml", slideXML(body, other)))
			return
		}
		checkExtract(t, "a.docx", makeZip("word/styles.xml", `<w:styles `+wordNS+`>`+other+`</w:styles>`, "word/document.xml", `<w:document `+wordNS+`><w:body>`+body+`</w:body></w:document>`))
	})
}

// FuzzPDFPage changes what a page draws, and with which resources, within a sound file.
func FuzzPDFPage(f *testing.F) {
	f.Add("", "BT /F1 10 Tf 50 700 Td [(Some) -300 (text)] TJ ET")
	f.Add("", "BT /F1 10 Tf 1 0 0 1 50 700 Tm (a\\(b\\)) Tj T* <48656C6C6F> ' ET q Q BI /W 1 /H 1 ID x EI")
	f.Add("/XObject<</X 7 0 R>>", "/X Do /F9 1e99 Tf BT ((((unbalanced) Tj 999999999999 Td")
	f.Fuzz(func(t *testing.T, resources, page string) { checkExtract(t, "a.pdf", makePDF(resources, page)) })
}
