package store_test

import (
	"fmt"
	"strings"
	"testing"

	"trivium/app/lms"
	"trivium/consensus"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

func TestFiles(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	name := `Größe "2" & 'x'; DROP TABLE files; -- ünï 😀.pdf`
	f := s.Upload(t, s.Alice, "f-1", name, lms.ChunkSize+1, false)
	if f.Name != name || f.OwnerID != s.Alice.UserID || len(f.Chunks) != 2 || f.Complete() {
		t.Errorf("declared %+v", f)
	}
	again, err := s.DeclareFile(ctx, s.Alice, f)
	want(t, err, nil)
	if !again.CreatedAt.Equal(f.CreatedAt) {
		t.Error("the same declaration made another file")
	}
	other := f
	other.Size++
	_, err = s.DeclareFile(ctx, s.Alice, other)
	wantKind(t, err, lms.KindConflict, "Another file")
	_, err = s.DeclareFile(ctx, s.Bob, f)
	wantKind(t, err, lms.KindConflict, "Another file")
	_, err = s.DeclareFile(ctx, s.Stranger, f)
	want(t, err, lms.ErrNotYourCourse)
	f.ID = "f-2"
	_, err = s.DeclareFile(ctx, s.Observer, f)
	want(t, err, lms.ErrForbidden)
	_, err = s.File(ctx, s.Bob, s.Course.ID, "f-1")
	want(t, err, lms.ErrNotYours)
	_, err = s.CompleteFile(ctx, s.TA, s.Course.ID, "f-1")
	want(t, err, lms.ErrNotYours)
	done, err := s.CompleteFile(ctx, s.Alice, s.Course.ID, "f-1")
	want(t, err, nil)
	twice, err := s.CompleteFile(ctx, s.Alice, s.Course.ID, "f-1")
	want(t, err, nil)
	if !done.Complete() || !twice.CompleteAt.Equal(done.CompleteAt) {
		t.Errorf("completed at %s, then %s", done.CompleteAt, twice.CompleteAt)
	}
	s.Upload(t, s.Bob, "f-0", "b.txt", 0, true)
	all, err := s.FilesAfter(ctx, "", 10)
	want(t, err, nil)
	rest, err := s.FilesAfter(ctx, "f-0", 10)
	want(t, err, nil)
	if len(all) != 2 || len(rest) != 1 || rest[0].ID != "f-1" {
		t.Errorf("listed %d and %d", len(all), len(rest))
	}
}

func TestMaterials(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	s.Upload(t, s.TA, "f-pdf", "notes.pdf", 5, false)
	s.Upload(t, s.TA, "f-exe", "setup.exe", 5, true)
	s.Upload(t, s.Alice, "f-work", "work.pdf", 5, true)
	create := func(actor lms.Actor, id, file string, published bool) (lms.Material, error) {
		m := lms.Material{ID: id, CourseID: s.Course.ID, Title: "Title " + id, Kind: lms.MaterialPage, Body: "Text", Published: published}
		if file != "" {
			m.Kind, m.Body, m.File = lms.MaterialFile, "", &lms.File{ID: file}
		}
		return s.CreateMaterial(ctx, actor, m)
	}
	_, err := create(s.Alice, "m-x", "", true)
	want(t, err, lms.ErrForbidden)
	_, err = create(s.TA, "m-x", "f-exe", true)
	wantKind(t, err, lms.KindUnsupported, "program")
	_, err = create(s.TA, "m-x", "f-work", true)
	wantKind(t, err, lms.KindRule, "not uploaded by you")
	_, err = create(s.TA, "m-x", "f-none", true)
	wantKind(t, err, lms.KindRule, "not uploaded by you")
	page, err := create(s.TA, "m-page", "", true)
	want(t, err, nil)
	file, err := create(s.TA, "m-file", "f-pdf", false)
	want(t, err, nil)
	if page.Position != 1 || file.Position != 2 || file.File.Name != "notes.pdf" || file.Index != lms.IndexPending {
		t.Errorf("created %+v and %+v", page, file)
	}
	_, err = create(s.TA, "m-page", "", true)
	wantKind(t, err, lms.KindConflict, "exists")

	t.Run("a draft is hidden", func(t *testing.T) {
		seen, err := s.Materials(ctx, s.Alice, s.Course.ID)
		want(t, err, nil)
		all, err := s.Materials(ctx, s.TA, s.Course.ID)
		want(t, err, nil)
		if len(seen) != 1 || len(all) != 2 || all[0].Body != "" {
			t.Errorf("a student sees %+v, staff %+v", seen, all)
		}
		_, err = s.Material(ctx, s.Alice, s.Course.ID, "m-file")
		want(t, err, lms.ErrNotFound)
		_, err = s.File(ctx, s.Alice, s.Course.ID, "f-pdf")
		want(t, err, lms.ErrNotFound)
		_, err = s.Material(ctx, s.Stranger, s.Other.ID, "m-page")
		want(t, err, lms.ErrNotFound)
	})
	t.Run("publishing shows it", func(t *testing.T) {
		m, err := s.UpdateMaterial(ctx, s.TA, s.Course.ID, "m-file", 1, store.MaterialPatch{Published: ptr(true)})
		want(t, err, nil)
		if m.Version != 2 || m.Title != "Title m-file" {
			t.Errorf("updated %+v", m)
		}
		_, err = s.UpdateMaterial(ctx, s.TA, s.Course.ID, "m-file", 1, store.MaterialPatch{Title: ptr("Stale")})
		want(t, err, lms.ErrStale)
		_, err = s.UpdateMaterial(ctx, s.Stranger, s.Other.ID, "m-file", 2, store.MaterialPatch{Title: ptr("Foreign")})
		want(t, err, lms.ErrNotFound)
		_, err = s.File(ctx, s.Alice, s.Course.ID, "f-pdf")
		want(t, err, nil)
	})
	t.Run("archived is gone and comes back", func(t *testing.T) {
		want(t, s.DeleteMaterial(ctx, s.Alice, s.Course.ID, "m-page"), lms.ErrForbidden)
		want(t, s.DeleteMaterial(ctx, s.TA, s.Course.ID, "m-page"), nil)
		want(t, s.DeleteMaterial(ctx, s.TA, s.Course.ID, "m-page"), nil)
		_, err := s.Material(ctx, s.TA, s.Course.ID, "m-page")
		want(t, err, lms.ErrNotFound)
		m, err := s.RestoreMaterial(ctx, s.TA, s.Course.ID, "m-page")
		want(t, err, nil)
		again, err := s.RestoreMaterial(ctx, s.TA, s.Course.ID, "m-page")
		want(t, err, nil)
		if m.Version != 3 || again.Version != 3 {
			t.Errorf("versions %d and %d", m.Version, again.Version)
		}
		_, err = s.RestoreMaterial(ctx, s.Stranger, s.Other.ID, "m-page")
		want(t, err, lms.ErrNotFound)
	})
	t.Run("after 30 days it stays archived", func(t *testing.T) {
		want(t, s.DeleteMaterial(ctx, s.TA, s.Course.ID, "m-page"), nil)
		var b consensus.Batch
		b.Exec(`UPDATE materials SET deleted_at = deleted_at - ? WHERE material_id = 'm-page'`, int64(31*24*3600*1000))
		_, err := s.DB().Apply(ctx, &b)
		want(t, err, nil)
		_, err = s.RestoreMaterial(ctx, s.TA, s.Course.ID, "m-page")
		wantKind(t, err, lms.KindNotFound, "30 days")
	})
}

func TestPassages(t *testing.T) {
	s := storetest.New(t)
	ctx := t.Context()
	s.Page(t, "m-raft", "Raft", true, "The leader replicates entries.", "An election follows a timeout.")
	s.Page(t, "m-other", "Elections in history", true, "Kings were chosen by the leader of the guard.")
	draft := s.Page(t, "m-draft", "Solutions", false, "The leader secret election answer.")
	find := func(staff bool, match string) string {
		found, err := s.SearchPassages(ctx, s.Course.ID, staff, match, 10)
		want(t, err, nil)
		var b strings.Builder
		for _, p := range found {
			fmt.Fprintf(&b, "%s/%d ", p.MaterialID, p.Ordinal)
		}
		return strings.TrimSpace(b.String())
	}
	for _, c := range []struct {
		staff       bool
		match, want string
	}{
		{false, "election", "m-other/1 m-raft/2"}, // a title weighs more, and words are stemmed
		{true, "election", "m-other/1 m-raft/2 m-draft/1"},
		{false, "secret", ""},
		{false, `"replicates entries"`, "m-raft/1"},
		{false, "nothing", ""},
	} {
		got := find(c.staff, c.match)
		if c.match == "election" && c.staff {
			if !strings.Contains(got, "m-draft/1") || !strings.HasPrefix(got, "m-other/1") {
				t.Errorf("staff find %q", got)
			}
		} else if got != c.want {
			t.Errorf("%q finds %q, want %q", c.match, got, c.want)
		}
	}
	other, err := s.SearchPassages(ctx, s.Other.ID, true, "leader", 10)
	want(t, err, nil)
	n, err := s.PassageCount(ctx, s.Course.ID, false)
	want(t, err, nil)
	all, err := s.PassageCount(ctx, s.Course.ID, true)
	want(t, err, nil)
	if len(other) != 0 || n != 3 || all != 4 {
		t.Errorf("another course finds %d; counts %d and %d", len(other), n, all)
	}
	list, err := s.Passages(ctx, s.Alice, s.Course.ID, "m-raft")
	want(t, err, nil)
	if len(list) != 2 || list[1].Text != "An election follows a timeout." || list[0].Title != "Raft" {
		t.Errorf("passages %+v", list)
	}
	_, err = s.Passages(ctx, s.Alice, s.Course.ID, "m-draft")
	want(t, err, lms.ErrNotFound)

	t.Run("a renamed material is found by its new title", func(t *testing.T) {
		_, err := s.UpdateMaterial(ctx, s.TA, s.Course.ID, "m-raft", 1, store.MaterialPatch{Title: ptr("Consensus")})
		want(t, err, nil)
		if got := find(false, "consensus"); got != "m-raft/1 m-raft/2" {
			t.Errorf("found %q", got)
		}
		if got := find(false, "raft"); got != "" {
			t.Errorf("found %q by the old title", got)
		}
	})
	t.Run("a changed text is found when it has been read again", func(t *testing.T) {
		m, err := s.UpdateMaterial(ctx, s.TA, s.Course.ID, "m-raft", 2, store.MaterialPatch{Body: ptr("New")})
		want(t, err, nil)
		if m.Index != lms.IndexPending || find(false, "replicates") != "" {
			t.Errorf("the old text is still there: %+v", m)
		}
		pending, err := s.MaterialsToIndex(ctx)
		want(t, err, nil)
		if len(pending) != 1 || pending[0].ID != "m-raft" || pending[0].Body != "New" {
			t.Fatalf("to index: %+v", pending)
		}
		want(t, s.ReplacePassages(ctx, m, []lms.Passage{{Ordinal: 1, Heading: "Quorum", Page: 2, Text: "Majority."}}, lms.IndexReady, ""), nil)
		m, err = s.Material(ctx, s.Alice, s.Course.ID, "m-raft")
		want(t, err, nil)
		if m.Index != lms.IndexReady || m.Passages != 1 || find(false, "quorum") != "m-raft/1" {
			t.Errorf("indexed as %+v", m)
		}
	})
	t.Run("an outdated text is not stored", func(t *testing.T) {
		_, err := s.UpdateMaterial(ctx, s.TA, s.Course.ID, "m-draft", 1, store.MaterialPatch{Published: ptr(true)})
		want(t, err, nil)
		if err := s.ReplacePassages(ctx, draft, []lms.Passage{{Ordinal: 1, Text: "outdated"}}, lms.IndexReady, ""); err == nil {
			t.Error("the text of an old version was stored")
		}
		if find(true, "outdated") != "" {
			t.Error("the text of an old version is found")
		}
	})
	t.Run("a long text takes several batches", func(t *testing.T) {
		m, err := s.CreateMaterial(ctx, s.TA, lms.Material{ID: "m-long", CourseID: s.Course.ID, Title: "Long", Kind: lms.MaterialPage, Published: true})
		want(t, err, nil)
		var passages []lms.Passage
		for i := range 400 {
			passages = append(passages, lms.Passage{Ordinal: i + 1, Text: fmt.Sprint("long", i, " ", strings.Repeat("word ", 400))})
		}
		want(t, s.ReplacePassages(ctx, m, passages, lms.IndexReady, ""), nil)
		m, err = s.Material(ctx, s.TA, s.Course.ID, "m-long")
		want(t, err, nil)
		if m.Passages != 400 || m.Index != lms.IndexReady || find(false, "long399") != "m-long/400" {
			t.Errorf("indexed as %+v", m)
		}
	})
	t.Run("what cannot be read says why", func(t *testing.T) {
		m, err := s.CreateMaterial(ctx, s.TA, lms.Material{ID: "m-scan", CourseID: s.Course.ID, Title: "Scan", Kind: lms.MaterialPage})
		want(t, err, nil)
		want(t, s.ReplacePassages(ctx, m, nil, lms.IndexFailed, "scanned PDF: no text"), nil)
		m, err = s.Material(ctx, s.TA, s.Course.ID, "m-scan")
		want(t, err, nil)
		if m.Index != lms.IndexFailed || m.IndexNote != "scanned PDF: no text" {
			t.Errorf("got %+v", m)
		}
	})
	t.Run("archived leaves the search", func(t *testing.T) {
		want(t, s.DeleteMaterial(ctx, s.TA, s.Course.ID, "m-long"), nil)
		if find(true, "long399") != "" {
			t.Error("an archived text is found")
		}
	})
}
