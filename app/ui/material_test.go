package ui

import (
	"testing"

	"trivium/app/api"
	"trivium/app/lms"
)

func TestTargetOf(t *testing.T) {
	for in, want := range map[string]int{"p3": 3, "p12": 12, "": 0, "p": 0, "p0": 0, "p-1": 0, "x3": 0, "p3x": 0} {
		if got := targetOf(in); got != want {
			t.Errorf("%q: got %d", in, got)
		}
	}
}

func TestTitleOfFile(t *testing.T) {
	for in, want := range map[string]string{"lecture-notes.pdf": "Lecture notes", "week_1--intro.pdf": "Week 1 intro", "übung_2.md": "Übung 2",
		"notes": "Notes", ".pdf": ".pdf", "_-.pdf": "_-.pdf", "a.b.docx": "A.b"} {
		if got := titleOfFile(in); got != want {
			t.Errorf("%q: got %q", in, got)
		}
	}
}

func TestMaterialsPage(t *testing.T) {
	list := []lms.Material{
		{ID: "m1", CourseID: "c1", Title: "Week 1", Kind: lms.MaterialPage, Published: true, Index: lms.IndexReady},
		{ID: "m2", CourseID: "c1", Title: "Scan", Kind: lms.MaterialFile, File: &lms.File{Name: "scan.pdf", Size: 2048}, Index: lms.IndexFailed, IndexNote: "scanned PDF: no text"},
		{ID: "m3", CourseID: "c1", Title: "New", Kind: lms.MaterialPage, Published: true, Index: lms.IndexPending},
	}
	page := func(role lms.Role, items []lms.Material) *materialsPage {
		var o lms.Outline
		for i, m := range items {
			item := lms.ModuleItem{ID: m.ID, Kind: lms.ItemMaterial, Title: m.Title, Published: m.Published, Material: &items[i]}
			if i == 0 {
				header := lms.ModuleItem{ID: "h1", Kind: lms.ItemHeader, Title: "Read first", Published: true}
				link := lms.ModuleItem{ID: "l1", Kind: lms.ItemLink, Title: "Site", URL: "https://example.edu", Published: true}
				o.Modules = []lms.Module{{ID: "d1", Title: "Module one", Published: true, Items: []lms.ModuleItem{header, item, link}}}
				continue
			}
			o.Loose = append(o.Loose, item)
		}
		return &materialsPage{inCourse: atTestNow(t, role), outline: Remote[lms.Outline]{Value: o, remote: remote{Ready: true}}}
	}
	wantHTML(t, drawn(t, page(lms.RoleInstructor, list)), "Choose files", "Write a page", "Readable by the tutor", "Draft", "scan.pdf, 2.0 KiB · not indexed: scanned PDF: no text", "Being read", "Unpublish", "Archive", "Add a module", "Move up", "Move to “Module one”", "Not in a module", "Read first")
	wantHTML(t, drawn(t, page(lms.RoleStudent, list[:1])), "Week 1", "Module one", "noopener", "!Move up", "!Add a module", "!Choose files", "!Write a page", "!Unpublish", "!Archive")
	wantHTML(t, drawn(t, page(lms.RoleStudent, nil)), "No materials yet", "has not published any")
	p := page(lms.RoleStudent, nil)
	p.outline = Remote[lms.Outline]{}
	wantHTML(t, drawn(t, p), "skeleton")
	p.outline.Err = lms.ErrUnavailable
	wantHTML(t, drawn(t, p), "no majority", "Try again")
}

func TestMaterialReaderMarksTheCitedPassage(t *testing.T) {
	c := atTestNow(t, lms.RoleStudent)
	m := lms.Material{ID: "m1", CourseID: "c1", Title: "Slides", Kind: lms.MaterialFile, Published: true, Index: lms.IndexReady,
		File: &lms.File{ID: "f1", CourseID: "c1", Name: "s.pdf", Type: "application/pdf"}}
	passages := []lms.Passage{{Ordinal: 1, Page: 1, Heading: "Intro", Text: "one"}, {Ordinal: 2, Page: 1, Heading: "Intro", Text: "two"}, {Ordinal: 3, Page: 2, Text: "<b>three"}}
	p := &materialPage{inCourse: c, mat: "m1", target: 3, material: Remote[lms.Material]{Value: m, remote: remote{Ready: true}},
		passages: Remote[api.Page[lms.Passage]]{Value: api.Page[lms.Passage]{Items: passages}, remote: remote{Ready: true}}}
	wantHTML(t, drawn(t, p), `id="p1"`, `id="p3"`, "passage-cited", "Page 1 · Intro", "Page 2", "&lt;b&gt;three", "#page=2", "s.pdf")
	p.target = 0
	wantHTML(t, drawn(t, p), "!passage-cited")
	p.material.Value.Kind, p.material.Value.File, p.material.Value.BodyHTML, p.target = lms.MaterialPage, nil, "<p>the page</p>", 2
	wantHTML(t, drawn(t, p), "<p>the page</p>", "Cited passage in “Intro”", `id="p2"`)
}

func TestLastHeading(t *testing.T) {
	for in, want := range map[string]string{"": "", "A": "A", "A › B › C d": "C d"} {
		if got := lastHeading(in); got != want {
			t.Errorf("%q: got %q", in, got)
		}
	}
}

func TestMatchFiles(t *testing.T) {
	blob := func(name, content string) api.Blob { return testBlob{name, content} }
	in, err := api.HashFile(t.Context(), blob("a", "hello"), nil)
	if err != nil {
		t.Fatal(err)
	}
	missing := []lms.File{{ID: "f1", Name: "work.txt", Size: in.Size, SHA256: in.SHA256}}
	items, strangers, err := matchFiles(t.Context(), missing, []api.Blob{blob("renamed.txt", "hello"), blob("other.txt", "world"), blob("again.txt", "hello")})
	if err != nil || len(items) != 1 || items[0].file.ID != "f1" || len(items[0].file.Chunks) != 1 {
		t.Fatal(items, err)
	}
	if len(strangers) != 2 || strangers[0] != "other.txt" || strangers[1] != "again.txt" {
		t.Errorf("strangers: %q", strangers)
	}
}

type testBlob struct{ name, content string }

func (b testBlob) Name() string              { return b.name }
func (b testBlob) Size() int64               { return int64(len(b.content)) }
func (b testBlob) Slice(int) ([]byte, error) { return []byte(b.content), nil }
