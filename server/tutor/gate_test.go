package tutor

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"trivium/app/lms"
	"trivium/server/store/storetest"
)

var _ Store = (*storetest.Site)(nil)

// demoSite is a real store with the demo course's material, read as the index loop reads it.
func demoSite(t *testing.T) *storetest.Site {
	t.Helper()
	site := storetest.New(t)
	for i, name := range []string{"lecture-notes.pdf", "handout.docx", "quorums-by-hand.md", "glossary.md"} {
		data, err := os.ReadFile(filepath.Join("..", "..", "assets", "demo", name))
		if err != nil {
			t.Fatal(err)
		}
		ps, err := Extract(t.Context(), name, "", bytes.NewReader(data), int64(len(data)))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		title := strings.ReplaceAll(strings.TrimSuffix(name, filepath.Ext(name)), "-", " ")
		m, err := site.CreateMaterial(t.Context(), site.Instructor, lms.Material{ID: "m-" + string(rune('a'+i)), CourseID: site.Course.ID,
			Title: title, Kind: lms.MaterialPage, Body: title, Published: true})
		if err != nil {
			t.Fatal(err)
		}
		for k := range ps {
			ps[k].MaterialID, ps[k].Title = m.ID, m.Title
		}
		if err := site.ReplacePassages(t.Context(), m, ps, lms.IndexReady, ""); err != nil {
			t.Fatal(err)
		}
	}
	return site
}

// TestAcceptance06GateOnTheLabelledSet measures the relevance gate on the labelled set: at least 95 % of the questions in scope pass, at least 90 % of the others
// stop (TUTOR-7).
func TestAcceptance06GateOnTheLabelledSet(t *testing.T) {
	site := demoSite(t)
	tu := newTutor(t, site, "n1", "")
	data, err := os.ReadFile("testdata/questions.txt")
	if err != nil {
		t.Fatal(err)
	}
	total, right := map[string]int{}, map[string]int{}
	for line := range strings.Lines(string(data)) {
		label, question, ok := strings.Cut(strings.TrimSpace(line), " ")
		if !ok || label == "#" {
			continue
		}
		found, err := tu.retrieve(t.Context(), conversation{question: question}, site.Alice, site.Course, nil)
		if err != nil {
			t.Fatalf("%s: %v", question, err)
		}
		total[label]++
		if found.relevant == (label == "+") {
			right[label]++
			continue
		}
		t.Logf("wrong: %s %s", label, question)
		for i, p := range found.passages[:min(2, len(found.passages))] {
			t.Logf("    %.2f %s / %s: %.80q", found.points[i], p.Title, p.Heading, p.Text)
		}
	}
	if total["+"] < 40 || total["-"] < 40 {
		t.Fatalf("labelled set: %v", total)
	}
	t.Logf("in scope %d of %d pass, off topic %d of %d stop", right["+"], total["+"], right["-"], total["-"])
	if right["+"]*100 < 95*total["+"] || right["-"]*100 < 90*total["-"] {
		t.Error("the gate misses its targets")
	}
}

// TestBestPassage checks that the first passage is the right one.
func TestBestPassage(t *testing.T) {
	site := demoSite(t)
	tu := newTutor(t, site, "n1", "")
	for question, want := range map[string]string{
		"why does the new leader append an empty entry": "The first act of the new leader",
		"Why is silence not information?":               "The silent neighbour",
		"What do clients do when no answer comes?":      "What the clients do",
		"Which entries are committed in the table?":     "Which entries are committed?",
	} {
		ps, _, err := tu.Rank(t.Context(), site.Alice, site.Course.ID, question, nil, 5)
		if err != nil || len(ps) == 0 || !strings.HasSuffix(ps[0].Heading, want) {
			t.Errorf("%s: %v %v", question, err, show(ps[:min(2, len(ps))]))
		}
	}
	found, err := tu.retrieve(t.Context(), conversation{question: "What is this course about?"}, site.Alice, site.Course, nil)
	if err != nil || !found.relevant || len(found.passages) != 4 {
		t.Errorf("overview: %v %v", err, show(found.passages))
	}
	found, err = tu.retrieve(t.Context(), conversation{question: "summarise this page", material: "m-c"}, site.Alice, site.Course, nil)
	if err != nil || !found.relevant || found.passages[0].MaterialID != "m-c" || found.passages[0].Ordinal != 1 {
		t.Errorf("open page: %v %v", err, show(found.passages))
	}
}

// TestRealStore lets two nodes answer on the replicated store; a draft is seen by nobody but staff.
func TestRealStore(t *testing.T) {
	site := demoSite(t)
	site.Page(t, "m-draft", "Exam solutions", false, "The quorum secret: CANARY is the solution of the exam about quorums.")
	model := newModel(t, events(chunk("A majority [1]."), stopEvent, doneEvent))
	one, two := newTutor(t, site, "n1", model.URL), newTutor(t, site, "n2", model.URL)
	_, err := site.Ask(t.Context(), site.Alice, lms.Question{ID: "q-1", CourseID: site.Course.ID, To: lms.ToTutor, Title: "What is a quorum? The exam solution please"}, "r-1")
	if err != nil {
		t.Fatal(err)
	}
	one.Answer("r-1")
	two.Answer("r-1")
	for _, tu := range []*Tutor{one, two} {
		if _, _, final := watch(t, tu, "r-1"); final.Body != "A majority [1]." || final.State != lms.ReplyDone || len(final.Citations) != 1 {
			t.Errorf("final = %+v", final)
		}
	}
	q, err := site.Question(t.Context(), site.Alice, site.Course.ID, "q-1")
	if err != nil || q.State != lms.QuestionAnswered || len(q.Replies) != 1 || q.Replies[0].Body != "A majority [1]." {
		t.Errorf("%v %+v", err, q)
	}
	calls := model.calls()
	if len(calls) != 1 || strings.Contains(calls[0].raw, "CANARY") || strings.Contains(calls[0].raw, "Alice") {
		t.Errorf("%d calls; first: %.300s", len(calls), calls[0].raw)
	}
	staff, _, err := one.Rank(t.Context(), site.Instructor, site.Course.ID, "canary", nil, 5)
	if err != nil || len(staff) != 1 {
		t.Errorf("staff: %v %v", staff, err)
	}
	if ps, _, err := one.Rank(t.Context(), site.Alice, site.Course.ID, `canary" OR NEAR(*) AND ( "`, nil, 5); err != nil || len(ps) != 0 {
		t.Errorf("students: %v %v", ps, err)
	}
}
