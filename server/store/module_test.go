package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

// shape writes an outline as "title: item, item | title: item | loose".
func shape(o lms.Outline) string {
	var parts []string
	titles := func(items []lms.ModuleItem) string {
		var list []string
		for _, i := range items {
			list = append(list, i.Title)
		}
		return strings.Join(list, ", ")
	}
	for _, m := range o.Modules {
		parts = append(parts, m.Title+": "+titles(m.Items))
	}
	return strings.Join(append(parts, titles(o.Loose)), " | ")
}

func TestOutline(t *testing.T) {
	s := storetest.New(t)
	ctx, course := t.Context(), s.Course.ID
	outline := func(actor lms.Actor) lms.Outline {
		t.Helper()
		o, err := s.Outline(ctx, actor, course)
		want(t, err, nil)
		return o
	}
	is := func(actor lms.Actor, wanted string) {
		t.Helper()
		if got := shape(outline(actor)); got != wanted {
			t.Errorf("%s sees %q, want %q", actor.Login, got, wanted)
		}
	}
	s.Page(t, "m-a", "A", true, "alpha text")
	s.Page(t, "m-b", "B", true, "beta text")
	s.Page(t, "m-draft", "Draft", false)
	s.Post(t, "as-1", func(a *lms.Assignment) { a.Title = "Essay" })
	is(s.Alice, "A, B")
	is(s.TA, "A, B, Draft")

	want(t, s.CreateModule(ctx, s.Alice, lms.Module{ID: "d-1", CourseID: course, Title: "Week 1"}), lms.ErrForbidden)
	want(t, s.CreateModule(ctx, s.TA, lms.Module{ID: "d-1", CourseID: course, Title: "Week 1", Published: true}), nil)
	want(t, s.CreateModule(ctx, s.TA, lms.Module{ID: "d-2", CourseID: course, Title: "Week 2", Published: true}), nil)
	wantKind(t, s.CreateModule(ctx, s.TA, lms.Module{ID: "d-2", CourseID: course, Title: "Again"}), lms.KindConflict, "exists already")
	for _, i := range []lms.ModuleItem{{ID: "m-a", Kind: lms.ItemMaterial}, {ID: "h-1", Kind: lms.ItemHeader, Title: "Read", Published: true},
		{ID: "l-1", Kind: lms.ItemLink, Title: "Site", URL: "https://example.edu", Published: true}, {ID: "as-1", Kind: lms.ItemAssignment}} {
		want(t, s.CreateItem(ctx, s.TA, course, "d-1", i), nil)
	}
	wantKind(t, s.CreateItem(ctx, s.TA, course, "d-2", lms.ModuleItem{ID: "m-a", Kind: lms.ItemMaterial}), lms.KindConflict, "in a module already")
	want(t, s.CreateItem(ctx, s.TA, course, "d-1", lms.ModuleItem{ID: "m-none", Kind: lms.ItemMaterial}), lms.ErrNotFound)
	is(s.Alice, "Week 1: A, Read, Site, Essay | Week 2:  | B")

	// An order that began before another change, or that does not name everything, moves nothing.
	version := outline(s.TA).Version
	order := []lms.ModuleOrder{{ID: "d-2", Items: []string{"l-1", "m-b"}}, {ID: "d-1", Items: []string{"as-1", "m-a", "h-1"}}}
	wantKind(t, s.OrderOutline(ctx, s.TA, course, version-1, order, []string{"m-draft"}), lms.KindConflict, "meanwhile")
	wantKind(t, s.OrderOutline(ctx, s.TA, course, version, order[:1], []string{"m-draft"}), lms.KindConflict, "everything")
	wantKind(t, s.OrderOutline(ctx, s.TA, course, version, []lms.ModuleOrder{order[0], {ID: "d-1", Items: []string{"m-a"}}}, nil), lms.KindConflict, "everything")
	wantKind(t, s.OrderOutline(ctx, s.TA, course, version, order, []string{"h-9"}), lms.KindConflict, "everything")
	is(s.Alice, "Week 1: A, Read, Site, Essay | Week 2:  | B")
	want(t, s.OrderOutline(ctx, s.TA, course, version, order, []string{"m-draft"}), nil)
	is(s.Alice, "Week 2: Site, B | Week 1: Essay, A, Read | ")

	// A module that is archived takes its materials with it and brings them back; assignments stay.
	want(t, s.DeleteModule(ctx, s.TA, course, "d-1"), nil)
	is(s.Alice, "Week 2: Site, B | ")
	if o := outline(s.TA); len(o.Archived) != 1 || o.Archived[0].ID != "d-1" {
		t.Errorf("archived: %+v", o.Archived)
	}
	if _, err := s.Assignment(ctx, s.Alice, course, "as-1"); err != nil {
		t.Errorf("the assignment went with the module: %v", err)
	}
	want(t, s.RestoreModule(ctx, s.TA, course, "d-1"), nil)
	is(s.Alice, "Week 2: Site, B | Week 1: Essay, A, Read | ")

	// An archived assignment is not listed, and does not keep the rest from being ordered.
	_, err := s.ArchiveAssignment(ctx, s.Instructor, course, "as-1", true)
	want(t, err, nil)
	is(s.TA, "Week 2: Site, B | Week 1: A, Read | Draft")
	modules, loose := outline(s.TA).MoveModule("d-1", -1).Order()
	want(t, s.OrderOutline(ctx, s.TA, course, outline(s.TA).Version, modules, loose), nil)
	modules, loose = outline(s.TA).MoveModule("d-1", 1).Order()
	want(t, s.OrderOutline(ctx, s.TA, course, outline(s.TA).Version, modules, loose), nil)
	want(t, s.DeleteItem(ctx, s.TA, course, "m-a"), nil)
	want(t, s.DeleteItem(ctx, s.TA, course, "h-1"), nil)
	is(s.Alice, "Week 2: Site, B | Week 1:  | A")
}

// What a module or an item hides is absent from every channel (CONTENT-1, UX principle 6).
func TestHiddenInAModule(t *testing.T) {
	off, on := false, true
	past, future := time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	for _, tt := range []struct {
		name         string
		module, item store.ModulePatch
		hidden       bool
	}{
		{"shown", store.ModulePatch{}, store.ModulePatch{}, false},
		{"the module is a draft", store.ModulePatch{Published: &off}, store.ModulePatch{}, true},
		{"the module is released later", store.ModulePatch{ReleaseAt: &future}, store.ModulePatch{}, true},
		{"the module was released", store.ModulePatch{Published: &on, ReleaseAt: &past}, store.ModulePatch{}, false},
		{"the item is released later", store.ModulePatch{}, store.ModulePatch{ReleaseAt: &future}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := storetest.New(t)
			ctx, course := t.Context(), s.Course.ID
			f := s.Upload(t, s.TA, "f-1", "notes.pdf", 5, true)
			_, err := s.CreateMaterial(ctx, s.TA, lms.Material{ID: "m-f", CourseID: course, Title: "Notes", Kind: lms.MaterialFile, File: &f, Published: true})
			want(t, err, nil)
			s.Page(t, "m-a", "Heaps", true, "a heap is a tree")
			texts, err := s.UnembeddedPassages(ctx, "model", 10)
			want(t, err, nil)
			for _, p := range texts {
				want(t, s.AddPassageVectors(ctx, "model", []lms.PassageVector{{PassageID: p.PassageID, IndexRun: p.IndexRun, Vector: []byte{1}}}), nil)
			}
			want(t, s.CreateModule(ctx, s.TA, lms.Module{ID: "d-1", CourseID: course, Title: "Week 1", Published: true}), nil)
			for _, id := range []string{"m-a", "m-f"} {
				want(t, s.CreateItem(ctx, s.TA, course, "d-1", lms.ModuleItem{ID: id, Kind: lms.ItemMaterial}), nil)
				want(t, s.UpdateItem(ctx, s.TA, course, id, 1, tt.item), nil)
			}
			want(t, s.UpdateModule(ctx, s.TA, course, "d-1", 1, tt.module), nil)
			want(t, s.UpdateModule(ctx, s.TA, course, "d-1", 1, tt.module), lms.ErrStale)

			seen := func(actor lms.Actor) (channels []string) {
				note := func(channel string, is bool) {
					if is {
						channels = append(channels, channel)
					}
				}
				_, err := s.Material(ctx, actor, course, "m-a")
				note("page", err == nil)
				_, err = s.File(ctx, actor, course, "f-1")
				note("file", err == nil)
				list, err := s.Materials(ctx, actor, course)
				want(t, err, nil)
				note("list", len(list) > 0)
				o, err := s.Outline(ctx, actor, course)
				want(t, err, nil)
				note("outline", len(o.Loose) > 0 || len(o.Modules) > 0 && len(o.Modules[0].Items) > 0)
				found, err := s.SearchPassages(ctx, course, actor.Role.Staff(), `"heap"`, 10)
				want(t, err, nil)
				note("search", len(found) > 0)
				near, err := s.NearPassages(ctx, course, actor.Role.Staff(), "model", []byte{1}, 10)
				want(t, err, nil)
				note("meaning", len(near) > 0)
				n, err := s.PassageCount(ctx, course, actor.Role.Staff())
				want(t, err, nil)
				note("count", n > 0)
				_, err = s.Ask(ctx, actor, lms.Question{ID: "q-" + actor.Login, CourseID: course, To: lms.ToStaff, Title: "About this?", MaterialID: "m-a", Visibility: lms.VisibleStaff}, "")
				note("question", err == nil)
				return channels
			}
			all := []string{"page", "file", "list", "outline", "search", "meaning", "count", "question"}
			if got := seen(s.TA); !slices.Equal(got, all) {
				t.Errorf("staff see it in %v", got)
			}
			if tt.hidden {
				all = nil
			}
			if got := seen(s.Alice); !slices.Equal(got, all) {
				t.Errorf("a student sees it in %v, want %v", got, all)
			}
		})
	}
}

func TestVersionsOfAMaterial(t *testing.T) {
	s := storetest.New(t)
	ctx, course := t.Context(), s.Course.ID
	m := s.Page(t, "m-a", "Heaps", true)
	write := func(body string, published bool) {
		t.Helper()
		var err error
		m, err = s.UpdateMaterial(ctx, s.TA, course, "m-a", m.Version, store.MaterialPatch{Body: &body, Published: &published})
		want(t, err, nil)
	}
	want(t, s.SaveMaterialDraft(ctx, s.Alice, course, "m-a", lms.MaterialDraft{Title: "Heaps", Body: "half"}), lms.ErrForbidden)
	want(t, s.SaveMaterialDraft(ctx, s.TA, course, "m-a", lms.MaterialDraft{Title: "Heaps", Body: "half a sent", Base: m.Version}), nil)
	if page, err := s.Material(ctx, s.Alice, course, "m-a"); err != nil || page.Body != m.Body {
		t.Errorf("students see the draft: %+v %v", page, err)
	}
	d, err := s.MaterialDraft(ctx, s.Instructor, course, "m-a")
	want(t, err, nil)
	if d.Body != "half a sent" || d.By != s.TA.Name || d.Base != m.Version {
		t.Errorf("draft %+v", d)
	}
	write("second", true)
	if d, err := s.MaterialDraft(ctx, s.TA, course, "m-a"); err != nil || !d.SavedAt.IsZero() {
		t.Errorf("the draft stays after it was saved: %+v %v", d, err)
	}
	write("not yet", false)
	write("third", true)
	versions, err := s.MaterialVersions(ctx, s.TA, course, "m-a")
	want(t, err, nil)
	if len(versions) != 3 || versions[0].Number != 3 || versions[0].Body != "" {
		t.Fatalf("versions %+v", versions)
	}
	if _, err := s.MaterialVersions(ctx, s.Alice, course, "m-a"); lms.KindOf(err) != lms.KindForbidden {
		t.Errorf("a student lists versions: %v", err)
	}
	v, err := s.MaterialVersion(ctx, s.TA, course, "m-a", 2)
	want(t, err, nil)
	if v.Body != "second" {
		t.Errorf("version 2 is %q", v.Body)
	}
	_, err = s.RestoreVersion(ctx, s.TA, course, "m-a", 2, m.Version-1)
	want(t, err, lms.ErrStale)
	m, err = s.RestoreVersion(ctx, s.TA, course, "m-a", 2, m.Version)
	want(t, err, nil)
	if m.Body != "second" || !m.Published {
		t.Errorf("restored %+v", m)
	}

	// Another file keeps the material's address; the old one can be had again.
	first := s.Upload(t, s.TA, "f-1", "notes.pdf", 5, true)
	file, err := s.CreateMaterial(ctx, s.TA, lms.Material{ID: "m-f", CourseID: course, Title: "Notes", Kind: lms.MaterialFile, File: &first, Published: true})
	want(t, err, nil)
	s.Upload(t, s.TA, "f-2", "notes 2.pdf", 6, true)
	s.Upload(t, s.Alice, "f-3", "mine.pdf", 6, true)
	s.Upload(t, s.TA, "f-exe", "setup.exe", 6, true)
	_, err = s.ReplaceMaterialFile(ctx, s.TA, course, "m-f", "f-3", file.Version)
	wantKind(t, err, lms.KindRule, "not uploaded by you")
	_, err = s.ReplaceMaterialFile(ctx, s.TA, course, "m-f", "f-exe", file.Version)
	wantKind(t, err, lms.KindUnsupported, "program")
	_, err = s.ReplaceMaterialFile(ctx, s.TA, course, "m-a", "f-2", m.Version)
	wantKind(t, err, lms.KindRule, "no file")
	file, err = s.ReplaceMaterialFile(ctx, s.TA, course, "m-f", "f-2", file.Version)
	want(t, err, nil)
	if file.File.ID != "f-2" {
		t.Errorf("replaced by %+v", file.File)
	}
	if _, err := s.File(ctx, s.Alice, course, "f-1"); lms.KindOf(err) != lms.KindNotFound {
		t.Errorf("a student still reads the old file: %v", err)
	}
	file, err = s.RestoreVersion(ctx, s.TA, course, "m-f", 1, file.Version)
	want(t, err, nil)
	if file.File.ID != "f-1" {
		t.Errorf("restored %+v", file.File)
	}
}
