package store_test

import (
	"testing"

	"trivium/app/lms"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

func TestPassageVectors(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	m := s.Page(t, "m-1", "Cells", true, "North.", "East.", "South.")
	other := s.Page(t, "m-2", "Soon a draft", true, "Hidden.")
	s.Page(t, "m-3", "Draft", false, "Never sent.")
	directions := map[string][]byte{"North.": {0, 100}, "East.": {100, 0}, "South.": {0, 156}, "Hidden.": {1, 100}}
	embed := func(model string) {
		t.Helper()
		list, err := s.UnembeddedPassages(ctx, model, 100)
		if err != nil {
			t.Fatal(err)
		}
		var vectors []lms.PassageVector
		for _, p := range list {
			vectors = append(vectors, lms.PassageVector{PassageID: p.PassageID, IndexRun: p.IndexRun, Vector: directions[p.Text]})
		}
		if err := s.AddPassageVectors(ctx, model, vectors); err != nil {
			t.Fatal(err)
		}
	}
	texts := func(course string, staff bool, model string) (out []string) {
		t.Helper()
		ps, err := s.NearPassages(ctx, course, staff, model, []byte{10, 90}, 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range ps {
			out = append(out, p.Text)
		}
		return out
	}
	expect := func(name string, got []string, want ...string) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("%s: %q, want %q", name, got, want)
		}
		for i := range got {
			if got[i] != want[i] {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	}
	if list, err := s.UnembeddedPassages(ctx, "one", 100); err != nil || len(list) != 4 || list[0].Title != "Cells" {
		t.Fatalf("%+v %v", list, err)
	}
	embed("one")
	if list, err := s.UnembeddedPassages(ctx, "one", 100); err != nil || len(list) != 0 {
		t.Fatalf("%+v %v", list, err)
	}
	off := false
	if _, err := s.UpdateMaterial(ctx, s.Instructor, s.Course.ID, "m-2", other.Version, store.MaterialPatch{Published: &off}); err != nil {
		t.Fatal(err)
	}
	expect("students", texts(s.Course.ID, false, "one"), "North.", "East.")
	expect("staff", texts(s.Course.ID, true, "one"), "Hidden.", "North.")
	expect("another course", texts(s.Other.ID, true, "one"))
	expect("another model", texts(s.Course.ID, true, "two"))

	// A material that is read anew loses its vectors, and what was computed for the old text does not reach the new one, although its
	// passages may get the same numbers.
	old, err := s.UnembeddedPassages(ctx, "two", 100)
	if err != nil || len(old) != 3 {
		t.Fatal(old, err)
	}
	if err := s.ReplacePassages(ctx, m, []lms.Passage{{Ordinal: 1, Text: "West."}}, lms.IndexReady, ""); err != nil {
		t.Fatal(err)
	}
	expect("read anew", texts(s.Course.ID, false, "one"))
	for i := range old {
		old[i].Text = ""
		if err := s.AddPassageVectors(ctx, "one", []lms.PassageVector{{PassageID: old[i].PassageID, IndexRun: old[i].IndexRun, Vector: []byte{10, 90}}}); err != nil {
			t.Fatal(err)
		}
	}
	expect("late vectors", texts(s.Course.ID, false, "one"))
	directions["West."] = []byte{156, 0}
	embed("two")
	expect("a new model", texts(s.Course.ID, false, "two"), "West.")
	if err := s.DeleteMaterial(ctx, s.Instructor, s.Course.ID, m.ID); err != nil {
		t.Fatal(err)
	}
	expect("archived", texts(s.Course.ID, false, "two"))
}

func TestMatchCounts(t *testing.T) {
	s := storetest.New(t)
	s.Page(t, "m-1", "Cells", true, "A cell has a membrane.", "Cells divide.")
	got, err := s.MatchCounts(t.Context(), []string{`"cell"`, `"membrane" OR "divid"*`, `"nothing"`, `"a\"b"`})
	if err == nil {
		t.Errorf("an expression that is none was counted: %v", got)
	}
	got, err = s.MatchCounts(t.Context(), []string{`"cell"`, `"membrane" OR "divid"*`, `"nothing"`})
	if err != nil || len(got) != 3 || got[0] != 2 || got[1] != 2 || got[2] != 0 {
		t.Errorf("%v %v", got, err)
	}
}
