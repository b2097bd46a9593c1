package tutor

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"

	"trivium/app/lms"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

// look searches and writes the hits as "kind title" with the number of places.
func look(t testing.TB, tu *Tutor, actor lms.Actor, course, text string) (lms.SearchResults, []string) {
	t.Helper()
	r, err := tu.Search(t.Context(), actor, course, lms.SearchQuery{Text: text, Limit: 200})
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	var hits []string
	for _, h := range r.Items {
		hits = append(hits, fmt.Sprintf("%s %s", h.Kind, h.Title))
	}
	return r, hits
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// endorse asks the tutor, answers in its place and puts the answer into the FAQ.
func endorse(t testing.TB, s *storetest.Site, id, question, answer string) {
	t.Helper()
	ctx := t.Context()
	_, err := s.Ask(ctx, s.Alice, lms.Question{ID: "q-" + id, CourseID: s.Course.ID, To: lms.ToTutor, Title: question}, "r-"+id)
	must(t, err)
	_, err = s.ClaimReply(ctx, "r-"+id, "n", time.Minute)
	must(t, err)
	must(t, s.FinishReply(ctx, "n", lms.Reply{ID: "r-" + id, Body: answer, State: lms.ReplyDone}, lms.ReplyRecord{}))
	_, err = s.Endorse(ctx, s.TA, lms.Endorsement{CourseID: s.Course.ID, QuestionID: "q-" + id, ReplyID: "r-" + id})
	must(t, err)
}

// scanned uploads a PDF without text.
func scanned(t testing.TB, s *storetest.Site, id, title string, published bool) {
	t.Helper()
	f := s.Upload(t, s.TA, "f-"+id, id+"-scan.pdf", 5, true)
	m, err := s.CreateMaterial(t.Context(), s.TA, lms.Material{ID: id, CourseID: s.Course.ID, Title: title, Kind: lms.MaterialFile, File: &f, Published: published})
	must(t, err)
	must(t, s.ReplacePassages(t.Context(), m, nil, lms.IndexFailed, "scanned PDF: no text"))
}

func TestSearch(t *testing.T) {
	s := storetest.New(t)
	ctx, course := t.Context(), s.Course.ID
	s.Page(t, "m-1", "Consensus", true, "A quorum is a majority of the voting members.", "Logs are replicated to every follower.", "Quorums overlap.", "A quorum decides.", "No quorum, no decision.")
	s.Page(t, "m-2", "Élections", true, "The leader sends heartbeats.")
	scanned(t, s, "m-3", "Quorum slides", true)
	s.Post(t, "a-1", func(a *lms.Assignment) {
		a.Title, a.Description = "Prove the majority", "Show that **two quorums** share a member."
	})
	s.Post(t, "a-2", func(a *lms.Assignment) {
		a.Title, a.Description, a.OpensAt = "Second proof", "The zebra theorem.", time.Now().Add(time.Hour)
	})
	_, err := s.Ask(ctx, s.Bob, lms.Question{ID: "q-1", CourseID: course, To: lms.ToStaff, Title: "When is the exam?", Body: "I found no date.", Visibility: lms.VisibleCourse}, "")
	must(t, err)
	_, err = s.AddReply(ctx, s.TA, course, "q-1", lms.Reply{ID: "p-1", Body: "On the 4th of June, in the aula."}, "")
	must(t, err)
	endorse(t, s, "faq", "Why an odd number of nodes?", "An even number tolerates no more failures.")
	tu := newTutor(t, s, "n1", "")
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"quorum majority", []string{"page Consensus", "assignment Prove the majority"}},
		{"quor", []string{"page Consensus", "assignment Prove the majority", "file Quorum slides"}},
		{"qu", []string{"page Consensus", "assignment Prove the majority", "file Quorum slides"}},
		{"replicat", []string{"page Consensus"}},
		{"replicating", []string{"page Consensus"}},
		{"QUORUM slides", []string{"file Quorum slides"}},
		{"m-3-scan.pdf", []string{"file Quorum slides"}},
		{"elections", []string{"page Élections"}},
		{"aula", []string{"question When is the exam?"}},
		{"exam june", []string{"question When is the exam?"}},
		{"odd number", []string{"faq Why an odd number of nodes?"}},
		{"tolerate", []string{"faq Why an odd number of nodes?"}},
		{"proof", []string{"assignment Second proof"}},
		{"zebra", nil},
		{"xylophone", nil},
		{"\" OR *", nil},
		{"", nil},
	} {
		t.Run(tt.text, func(t *testing.T) {
			r, got := look(t, tu, s.Alice, course, tt.text)
			slices.Sort(got)
			want := slices.Sorted(slices.Values(tt.want))
			if !slices.Equal(got, want) || r.Total != len(want) || r.Loose || r.Cut || r.Unread != nil {
				t.Errorf("found %v, want %v; %+v", got, want, r)
			}
		})
	}

	r, got := look(t, tu, s.Alice, course, "quorum trombone")
	if !r.Loose || !slices.Contains(got, "page Consensus") {
		t.Errorf("with a word that nothing has: %v %+v", got, r)
	}
	if r, got := look(t, tu, s.Alice, course, "aula trombone"); !r.Loose || len(got) != 1 || got[0] != "question When is the exam?" {
		t.Errorf("in a question: %v %+v", got, r)
	}
	r, _ = look(t, tu, s.Alice, course, "quorum")
	page := r.Items[slices.IndexFunc(r.Items, func(h lms.SearchHit) bool { return h.ID == "m-1" })]
	if len(page.Places) != 3 || page.Further != 1 || page.Places[0].Ordinal == 0 || page.Hidden {
		t.Errorf("places %+v", page)
	}
	if e := page.Places[0].Excerpt; !slices.ContainsFunc(e, func(p lms.SearchPart) bool { return p.Hit && strings.HasPrefix(strings.ToLower(p.Text), "quorum") }) {
		t.Errorf("the word is not marked: %+v", e)
	}
	task := r.Items[slices.IndexFunc(r.Items, func(h lms.SearchHit) bool { return h.ID == "a-1" })]
	if text := join(task.Places[0].Excerpt); text != "Show that two quorums share a member." {
		t.Errorf("the excerpt of an assignment is %q", text)
	}
	file := r.Items[slices.IndexFunc(r.Items, func(h lms.SearchHit) bool { return h.ID == "m-3" })]
	if file.NotIndexed != "scanned PDF: no text" || len(file.Places) != 0 {
		t.Errorf("not indexed: %+v", file)
	}
	if r, _ := look(t, tu, s.TA, course, "zebra"); len(r.Items) != 1 || len(r.Unread) != 1 || r.Unread[0].ID != "m-3" || r.Unread[0].NotIndexed == "" {
		t.Errorf("staff: %+v", r)
	}
	if r, err := tu.Search(ctx, s.Alice, course, lms.SearchQuery{Text: "quorum", Kind: lms.FoundFile}); err != nil || len(r.Items) != 1 || r.Total != 1 || r.Counts[lms.FoundPage] != 1 {
		t.Errorf("one kind: %+v %v", r, err)
	}
	for actor, want := range map[string]struct {
		as  lms.Actor
		err error
	}{"stranger": {s.Stranger, lms.ErrNotYourCourse}, "nobody": {lms.Actor{UserID: "u-none"}, lms.ErrSignIn}} {
		if _, err := tu.Search(ctx, want.as, course, lms.SearchQuery{Text: "quorum"}); err != want.err {
			t.Errorf("%s: %v", actor, err)
		}
	}
}

func join(parts []lms.SearchPart) string {
	var b strings.Builder
	for _, p := range parts {
		b.WriteString(p.Text)
	}
	return b.String()
}

// Nothing that an actor may not open is found, by any word of it, not even its number (UX principle 6, CONTENT-1).
func TestSearchLeaksNothing(t *testing.T) {
	s := storetest.New(t)
	ctx, course := t.Context(), s.Course.ID
	off, future := false, time.Now().Add(time.Hour)
	// Each canary is a word of its own, in the title and in the text.
	page := func(id string, published bool) { s.Page(t, id, "Canary"+id+" title", published, "canary"+id+" text") }
	item := func(module, id string, kind lms.ItemKind) {
		must(t, s.CreateItem(ctx, s.TA, course, module, lms.ModuleItem{ID: id, Kind: kind}))
	}
	page("draftpage", false)
	page("inmodule", true)
	page("soon", true)
	page("lateritem", true)
	page("archived", true)
	scanned(t, s, "draftscan", "Canarydraftscan", false)
	scanned(t, s, "hiddenscan", "Canaryhiddenscan", true)
	post := func(id string, change func(*lms.Assignment)) {
		s.Post(t, id, func(a *lms.Assignment) {
			a.Title, a.Description = "Canary"+id, "canary"+id+" text"
			change(a)
		})
	}
	post("drafttask", func(a *lms.Assignment) { a.Published = false })
	post("hiddentask", func(*lms.Assignment) {})
	post("gonetask", func(*lms.Assignment) {})
	must(t, s.CreateModule(ctx, s.TA, lms.Module{ID: "d-draft", CourseID: course, Title: "Draft"}))
	must(t, s.CreateModule(ctx, s.TA, lms.Module{ID: "d-later", CourseID: course, Title: "Later", Published: true}))
	must(t, s.CreateModule(ctx, s.TA, lms.Module{ID: "d-open", CourseID: course, Title: "Open", Published: true}))
	must(t, s.UpdateModule(ctx, s.TA, course, "d-later", 1, store.ModulePatch{ReleaseAt: &future}))
	item("d-draft", "inmodule", lms.ItemMaterial)
	item("d-draft", "hiddenscan", lms.ItemMaterial)
	item("d-draft", "hiddentask", lms.ItemAssignment)
	item("d-later", "soon", lms.ItemMaterial)
	item("d-open", "lateritem", lms.ItemMaterial)
	must(t, s.UpdateItem(ctx, s.TA, course, "lateritem", 1, store.ModulePatch{ReleaseAt: &future}))
	must(t, s.DeleteMaterial(ctx, s.TA, course, "archived"))
	_, err := s.ArchiveAssignment(ctx, s.Instructor, course, "gonetask", true)
	must(t, err)
	post("opens", func(a *lms.Assignment) { a.Title, a.OpensAt = "Opens later", future })
	ask := func(id string, by lms.Actor, to lms.Addressee, v lms.Visibility) {
		_, err := s.Ask(ctx, by, lms.Question{ID: "q-" + id, CourseID: course, To: to, Title: "Canary" + id, Body: "canary" + id, Visibility: v}, map[bool]string{true: "r-" + id}[to == lms.ToTutor])
		must(t, err)
		if to == lms.ToStaff {
			_, err = s.AddReply(ctx, s.TA, course, "q-"+id, lms.Reply{ID: "p-" + id, Body: "canary" + id}, "")
			must(t, err)
		}
	}
	ask("private", s.Bob, lms.ToStaff, lms.VisibleStaff)
	ask("talk", s.Bob, lms.ToTutor, lms.VisibleStaff)
	endorse(t, s, "withdrawn", "Canarywithdrawn?", "canarywithdrawn")
	_, err = s.Withdraw(ctx, s.TA, course, "q-withdrawn", "r-withdrawn")
	must(t, err)
	// Another course.
	if _, err := s.CreateMaterial(ctx, s.Stranger, lms.Material{ID: "other", CourseID: s.Other.ID, Title: "Canaryother", Kind: lms.MaterialPage, Body: "canaryother", Published: true}); err != nil {
		t.Fatal(err)
	}
	_, err = s.CreateAssignment(ctx, s.Stranger, lms.Assignment{ID: "othertask", CourseID: s.Other.ID, Title: "Canaryothertask", Points: 1_00, AllowText: true, Published: true}, nil)
	must(t, err)
	// The question of a course's test student is nobody else's.
	session := store.SessionRecord{ID: "ses", UserID: s.TA.UserID, TokenHash: storetest.Hash("ses"), ExpiresAt: s.Now().Add(time.Hour)}
	must(t, s.CreateSession(ctx, session))
	ta := s.TA
	ta.SessionID = "ses"
	must(t, s.StartView(ctx, ta, course))
	view, err := s.SessionByToken(ctx, session.TokenHash)
	must(t, err)
	test := view.Actor
	test.Role = lms.RoleStudent
	ask("test", test, lms.ToStaff, lms.VisibleCourse)
	_, err = s.UpdateMaterial(ctx, s.TA, course, "draftpage", 1, store.MaterialPatch{Published: &off})
	must(t, err)
	tu := newTutor(t, s, "n1", "")

	canaries := []string{"draftpage", "inmodule", "soon", "lateritem", "archived", "draftscan", "hiddenscan", "drafttask", "hiddentask", "gonetask", "opens",
		"private", "talk", "withdrawn", "other", "othertask", "test"}
	staffSee := []string{"draftpage", "inmodule", "soon", "lateritem", "draftscan", "hiddenscan", "drafttask", "hiddentask", "opens", "private"}
	for _, actor := range []lms.Actor{s.Alice, s.Observer, test, s.TA, s.Instructor} {
		for _, word := range append(slices.Clone(canaries), "") {
			r, _ := look(t, tu, actor, course, "canary"+word)
			text, err := json.Marshal(r)
			must(t, err)
			own := actor.UserID == test.UserID && (word == "test" || word == "")
			if !actor.Staff() && !own && (r.Total > 0 || strings.Contains(strings.ToLower(string(text)), "canary") || r.Cut || r.Loose) {
				t.Errorf("%s finds %q: %s", actor.Login, word, text)
			}
			if actor.Staff() && word != "" && (r.Total == 1) != slices.Contains(staffSee, word) {
				t.Errorf("%s finds %d of %q", actor.Login, r.Total, word)
			}
			if actor.Staff() && r.Total == 1 && !r.Items[0].Hidden && word != "opens" && word != "private" {
				t.Errorf("%s is not told that %q is hidden: %+v", actor.Login, word, r.Items[0])
			}
		}
	}
	if r, _ := look(t, tu, s.Bob, course, "canaryprivate"); r.Total != 1 {
		t.Error("the own question is not found")
	}
	// What is published is found at the next search, what is hidden again is not.
	must(t, s.UpdateModule(ctx, s.TA, course, "d-draft", 1, store.ModulePatch{Published: ptr(true)}))
	if _, hits := look(t, tu, s.Alice, course, "canary"); len(hits) != 3 {
		t.Errorf("after the release: %v", hits)
	}
	must(t, s.UpdateModule(ctx, s.TA, course, "d-draft", 2, store.ModulePatch{Published: &off}))
	if _, hits := look(t, tu, s.Alice, course, "canary"); len(hits) != 0 {
		t.Errorf("hidden again: %v", hits)
	}
}

func ptr[T any](v T) *T { return &v }

// Whatever is typed is searched for, never executed, and never an error.
func TestSearchTakesAnyInput(t *testing.T) {
	s := storetest.New(t)
	s.Page(t, "m-1", "Notes", true, "The quorum of a cluster: NEAR(a, b) AND \"c\" OR d* ^e {f} - g:h col.")
	tu := newTutor(t, s, "n1", "")
	operators := []string{`"`, `'`, `*`, `(`, `)`, ` AND `, ` OR `, ` NOT `, ` NEAR(`, `^`, `:`, `{`, `}`, `-`, `+`, `text:`, "\x00", ";", "--", "%", "_", "é", "ﷺ", "قرآن", "日本", "🙂", " ", "quor", "clusters"}
	rapid.Check(t, func(rt *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom(operators), rapid.String()), 0, 8).Draw(rt, "text"), "")
		r, err := tu.Search(t.Context(), s.Alice, s.Course.ID, lms.SearchQuery{Text: text, From: rapid.IntRange(-1, 3).Draw(rt, "from"), Limit: rapid.IntRange(0, 3).Draw(rt, "limit")})
		if err != nil || len(r.Items) > r.Total {
			rt.Fatalf("%q: %d of %d, %v", text, len(r.Items), r.Total, err)
		}
	})
}

func TestExcerpt(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.OneOf(rapid.SampledFrom([]string{"quorum", "Quorums", "leader", "é", "log.", "日本語"}), rapid.String()), 0, 120).Draw(rt, "words"), " ")
		s := search{asked: terms("quorum leader")}
		s.own = len(s.asked)
		parts := s.excerpt(text)
		got := join(parts)
		whole := oneLine(strings.ToValidUTF8(text, ""))
		inner := strings.TrimSuffix(strings.TrimPrefix(got, "… "), " …")
		if !utf8.ValidString(got) || !strings.Contains(whole, inner) {
			rt.Fatalf("%q is no part of %q", got, whole)
		}
		if len([]rune(got)) > 2*excerptRunes+100 {
			rt.Fatalf("an excerpt of %d characters", len([]rune(got)))
		}
		if len(s.marks(whole)) > 0 && !slices.ContainsFunc(parts, func(p lms.SearchPart) bool { return p.Hit }) {
			rt.Fatalf("nothing is marked in %q of %q", got, whole)
		}
	})
}

// The pages of the results are the whole, each hit once.
func TestSearchPages(t *testing.T) {
	s := storetest.New(t)
	for i := range 25 {
		s.Page(t, fmt.Sprintf("m-%02d", i), fmt.Sprint("Notes ", i), true, fmt.Sprintf("A quorum, number %d.", i))
	}
	tu := newTutor(t, s, "n1", "")
	seen := map[string]bool{}
	q := lms.SearchQuery{Text: "quorum", Limit: 10}
	for pages := 0; ; pages++ {
		r, err := tu.Search(t.Context(), s.Alice, s.Course.ID, q)
		must(t, err)
		if r.Total != 25 || pages > 3 {
			t.Fatalf("%d of %d", len(r.Items), r.Total)
		}
		for _, h := range r.Items {
			if seen[h.ID] {
				t.Errorf("%s twice", h.ID)
			}
			seen[h.ID] = true
		}
		if r.Next == "" {
			break
		}
		fmt.Sscan(r.Next, &q.From)
	}
	if len(seen) != 25 {
		t.Errorf("%d of 25", len(seen))
	}
}

// A word that is nearly everywhere is still found where it matters: in titles first, then in some of the texts.
func TestSearchOfAFrequentWord(t *testing.T) {
	s := storetest.New(t)
	texts := make([]string, 4100)
	for i := range texts {
		texts[i] = "common"
	}
	s.Page(t, "m-1", "Long notes", true, texts...)
	s.Page(t, "m-2", "Common mistakes", true, "Do not guess.")
	s.Page(t, "m-3", "Common secrets", false, "common canary")
	tu := newTutor(t, s, "n1", "")
	r, hits := look(t, tu, s.Alice, s.Course.ID, "common")
	slices.Sort(hits)
	if !slices.Equal(hits, []string{"page Common mistakes", "page Long notes"}) || r.Loose {
		t.Errorf("found %v", hits)
	}
}
