package tutor

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"trivium/app/lms"
	"trivium/server/store/storetest"
	"trivium/server/tutor/tutortest"
)

// labelled returns the questions of the labelled set with the mark.
func labelled(t *testing.T, mark string) []string {
	t.Helper()
	f, err := os.Open("testdata/questions.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var out []string
	for lines := bufio.NewScanner(f); lines.Scan(); {
		if q, ok := strings.CutPrefix(lines.Text(), mark+" "); ok {
			out = append(out, q)
		}
	}
	return out
}

// keywords are the words of a question that carry its subject, up to n characters.
func keywords(question string, n int) string {
	out := ""
	for _, t := range terms(question) {
		if len(out)+len(t.word)+1 > n {
			break
		}
		if !t.generic {
			out = strings.TrimSpace(out + " " + t.word)
		}
	}
	return out
}

// TestAcceptance05QuestionsOfRealisticShape asks as learners do: keywords of at most 39 and 20 characters, no punctuation, emoji, short
// follow-ups in three of four messages, Arabic and mixed directions. The tutor finds passages for nearly all of them.
func TestAcceptance05QuestionsOfRealisticShape(t *testing.T) {
	site := demoSite(t)
	site.Page(t, "m-arabic", "النصاب والأغلبية", true, "النصاب هو أغلبية العقد في العنقود، ولا يمكن اتخاذ قرار من دونه.")
	model := newModel(t, events(chunk("It says so [1]."), stopEvent, doneEvent))
	tu := newTutor(t, site, "n1", model.URL)
	total, passed := map[string]int{}, map[string]int{}
	try := func(shape string, talk conversation) retrieval {
		t.Helper()
		found, err := tu.retrieve(t.Context(), talk, site.Alice, site.Course, nil)
		if err != nil {
			t.Fatalf("%q: %v", talk.question, err)
		}
		total[shape]++
		if found.relevant && len(found.passages) > 0 {
			passed[shape]++
		} else {
			t.Logf("%s: nothing for %q after %q", shape, talk.question, talk.previous)
		}
		return found
	}
	inScope := labelled(t, "+")
	followUps := []string{"explain this", "and why", "more", "example?", "I don't get it", "the second one", "what does that mean", "warum", "اشرح هذا", "👍 more pls", "ok and then"}
	for i, q := range inScope {
		try("as written", conversation{question: q})
		try("no punctuation", conversation{question: strings.Map(func(r rune) rune {
			if strings.ContainsRune("?.,!'-", r) {
				return -1
			}
			return r
		}, strings.ToLower(q))})
		if k := keywords(q, 39); k != "" {
			try("39 characters", conversation{question: k})
		}
		if k := keywords(q, 20); k != "" {
			try("20 characters", conversation{question: k})
		}
		try("emoji", conversation{question: "🤔🤔 " + q + " 🙏"})
		for k := range 3 { // with its three follow-ups, 77 % of the messages are follow-ups
			previous := append(append([]string{}, followUps[:k]...), q)
			try("follow-up", conversation{question: followUps[(i+k)%len(followUps)], previous: previous, turns: []turn{{text: q}, {tutor: true, text: "So."}}})
		}
	}
	for shape, n := range total {
		t.Logf("%s: %d of %d", shape, passed[shape], n)
		if passed[shape]*100 < 90*n {
			t.Errorf("%s: %d of %d find passages, want 90 %%", shape, passed[shape], n)
		}
	}
	for _, q := range []string{"ما هو النصاب؟", "النصاب", "\u200fالنصاب\u200f و quorum", "اشرح النصاب 🙂"} {
		if found := try("Arabic", conversation{question: q}); len(found.passages) == 0 || found.passages[0].MaterialID != "m-arabic" {
			t.Errorf("%q finds %s", q, show(found.passages))
		}
	}
	// Nothing is too odd for an answer.
	for i, q := range []string{"?", "🙂", "…", "a", strings.Repeat("quorum ", 2000), "\u202equorum\u202c", "ｑｕｏｒｕｍ", "QUORUM!!!11", "кворум", "法定人数是什么", strings.Repeat("🙂", 300)} {
		id := fmt.Sprint("r-odd-", i)
		if _, err := site.Ask(t.Context(), site.Alice, lms.Question{ID: fmt.Sprint("q-odd-", i), CourseID: site.Course.ID, To: lms.ToTutor, Title: q[:min(len(q), 200)], Body: q, Visibility: lms.VisibleStaff}, id); err != nil {
			if lms.KindOf(err) == lms.KindInvalid || lms.KindOf(err) == lms.KindRule {
				continue
			}
			t.Fatal(err)
		}
		tu.Answer(id)
		if _, _, final := watch(t, tu, id); final.State != lms.ReplyDone || final.Body == "" {
			t.Errorf("%q: %+v", q, final)
		}
	}
}

// TestAcceptance08SecretsInOneChunkOrManyAreNeverStored has a model say each secret, whole or letter by letter, to an ordinary question
// and to one on graded work, with the real database: the student neither sees it in the stream nor finds it stored.
func TestAcceptance08SecretsInOneChunkOrManyAreNeverStored(t *testing.T) {
	site := storetest.New(t)
	site.Page(t, "m-loops", "Lecture 3", true, loops[0].Text)
	const solution = "seventeen point five"
	const notes = "It repeats exactly that often because the counter starts at three and grows by two until it passes thirty six in the end."
	const text = "How many times does the while loop on sheet one repeat its body before the condition becomes false, and why does it stop there?"
	site.Post(t, "a1", func(a *lms.Assignment) { a.Title, a.Description = "Exercise 1", text })
	const noteCanary = "kestrel-hiddennotecanary"
	if _, err := site.SetTutorItem(t.Context(), site.Instructor, site.Course.ID, lms.ItemPolicy{AssignmentID: "a1", Notes: notes, Answer: solution}, noteCanary); err != nil {
		t.Fatal(err)
	}
	model := newModel(t, nil)
	tu := newTutor(t, site, "n1", model.URL)
	n := 0
	for name, secret := range map[string]string{"the solution": "The answer is " + solution, "the canary of the notes": "(" + noteCanary + ")", "the notes": notes,
		"the system prompt": "My rules: Cite only numbers that are listed. Never invent a source, a page or a link.", "the canary of the prompt": tu.canary} {
		for form, play := range map[string]func(string) tutortest.Play{"in one chunk": tutortest.Says, "split": tutortest.Spells} {
			for kind, question := range map[string]string{"ordinary": askLoop, "graded": text} {
				if kind == "ordinary" && name == "the solution" {
					continue // a final value is barred on graded work only
				}
				t.Run(name+" "+form+" "+kind, func(t *testing.T) {
					model.Play(func(w http.ResponseWriter, r *http.Request, k int) {
						if strings.HasPrefix(tutortest.RequestOf(r).Prompt(), "You check one hint") {
							tutortest.Says("NO")(w, r, k)
							return
						}
						play("A loop has a condition [1]. "+secret+". And more.")(w, r, k)
					})
					n++
					id := fmt.Sprint(n)
					asker := []lms.Actor{site.Alice, site.Bob}[n%2]
					if _, err := site.Ask(t.Context(), asker, lms.Question{ID: "q" + id, CourseID: site.Course.ID, To: lms.ToTutor, Title: question[:30], Body: question, Visibility: lms.VisibleStaff}, "r"+id); err != nil {
						t.Fatal(err)
					}
					tu.Answer("r" + id)
					shown, _, final := watch(t, tu, "r"+id)
					q, err := site.Question(t.Context(), asker, site.Course.ID, "q"+id)
					if err != nil || len(q.Replies) != 1 || !q.Replies[0].State.Final() {
						t.Fatalf("%v %+v", err, q)
					}
					for where, s := range map[string]string{"the stream": shown, "the last event": final.Body + final.Note, "the database": fmt.Sprintf("%+v", q.Replies)} {
						for _, bad := range []string{solution, "kestrel", "thirty six", "Cite only", tu.canary} {
							if strings.Contains(s, bad) {
								t.Errorf("%q in %s: %q", bad, where, s)
							}
						}
					}
				})
			}
		}
	}
}

// TestAcceptance13FailingEndpoints breaks an endpoint in every way: a clear state within its limit, the question kept, passages shown,
// nothing of what the upstream says about itself.
func TestAcceptance13FailingEndpoints(t *testing.T) {
	const secret = "upstream secret text"
	var flood atomic.Int64
	refused := unusedAddress(t)
	hang := func(w http.ResponseWriter, r *http.Request, _ int) { <-r.Context().Done() }
	half := chunk("It begins. And")
	for name, c := range map[string]struct {
		url   string // empty: play
		play  tutortest.Play
		begun bool // text has been shown
		note  string
		calls int
	}{
		"refused connection":       {url: refused, note: noteOffline},
		"no such name":             {url: "https://no-such-host.invalid", note: noteOffline},
		"untrusted certificate":    {url: "tls", note: noteOffline},
		"400":                      {play: tutortest.Status(400, `{"error":{"message":"`+secret+`"}}`), note: noteOffline, calls: 1},
		"401":                      {play: tutortest.Status(401, secret), note: noteOffline, calls: 1},
		"404":                      {play: tutortest.Status(404, secret), note: noteOffline, calls: 1},
		"429 with Retry-After":     {play: tutortest.Status(429, secret, "Retry-After", "120"), note: noteBusy, calls: 1},
		"500":                      {play: tutortest.Status(500, secret), note: noteOffline, calls: 1},
		"HTML page":                {play: tutortest.Body("text/html", "<html>"+secret), note: noteOffline, calls: 1},
		"HTML as something else":   {play: tutortest.Body("application/json", "<html>"+secret), note: noteOffline, calls: 1},
		"wrong content type":       {play: tutortest.Body("application/octet-stream", "\x00\x01"+secret), note: noteOffline, calls: 1},
		"another JSON":             {play: tutortest.Body("application/json", `{"secret":"`+secret+`"}`), note: noteOffline, calls: 1},
		"hang before headers":      {play: hang, note: noteOffline, calls: 1},
		"hang after headers":       {play: tutortest.Holds(tutortest.Events(": hello\n\n"), nil, nil), note: noteOffline, calls: 1},
		"one byte at a time":       {play: tutortest.Dribbles(chunk("never a whole line"), 50*time.Millisecond), note: noteOffline, calls: 1},
		"keep-alives for ever":     {play: forever(": ping\n\n"), note: noteOffline, calls: 1},
		"hangs up at once":         {play: tutortest.HangsUp(nil), note: noteOffline},
		"half-closed stream":       {play: tutortest.HangsUp(tutortest.Events(half)), begun: true, note: noteBroken, calls: 1},
		"silence after a sentence": {play: tutortest.Holds(tutortest.Events(half), nil, nil), begun: true, note: noteBroken, calls: 1},
		"malformed event":          {play: tutortest.Events(half, "data: {"+secret+"\n\n"), begun: true, note: noteBroken, calls: 1},
		"malformed event at once":  {play: tutortest.Events("data: {" + secret + "\n\n"), note: noteOffline, calls: 1},
		"empty answer":             {play: tutortest.Events(stopEvent, doneEvent), note: noteOffline, calls: 1},
		"a line of 1 GB":           {play: tutortest.Floods(1<<30, &flood), note: noteOffline, calls: 1},
		"words without end":        {play: forever(chunk("x")), begun: true, note: "", calls: 1},
	} {
		t.Run(name, func(t *testing.T) {
			url := c.url
			var model *tutortest.Model
			if c.play != nil {
				model = tutortest.New(t, c.play)
				url = model.URL
			} else if url == "tls" {
				url = tutortest.NewTLS(t, tutortest.Says("no")).URL
			}
			s := newStore(loops...)
			tu := newTutor(t, s, "n1", url, func(c *Config) {
				c.Limits.FirstToken, c.Limits.Idle, c.Limits.Total = 300*time.Millisecond, 300*time.Millisecond, 3*time.Second
			})
			s.ask(askLoop, "r1")
			tu.Answer("r1")
			text, _, final := watch(t, tu, "r1") // within 10 s, or the test fails
			if c.note != "" && (final.State != lms.ReplyFailed || final.Note != c.note) {
				t.Errorf("%s, %q", final.State, final.Note)
			}
			if !final.State.Final() || final.Note == "" || c.begun != final.Generated {
				t.Errorf("%+v", final)
			}
			if !c.begun && (len(final.Citations) == 0 || !strings.Contains(final.Body, "infinite loop")) {
				t.Errorf("no passages: %+v", final)
			}
			if strings.Contains(text+final.Body+final.Note, "secret") {
				t.Errorf("the upstream's words are shown: %q", text)
			}
			if q, _, _, err := s.ReplyContext(t.Context(), "r1"); err != nil || q.Title != askLoop || s.finishes() != 1 {
				t.Errorf("the question is not kept: %v %+v", err, q)
			}
			if model != nil && c.calls > 0 && model.Count() != c.calls {
				t.Errorf("%d calls, want %d", model.Count(), c.calls)
			}
		})
	}
	if n := flood.Load(); n == 0 || n > 64<<20 {
		t.Errorf("of the endless line %d bytes were taken", n)
	}
}

// forever repeats a part of an event stream until the caller has gone.
func forever(part string) tutortest.Play {
	return func(w http.ResponseWriter, r *http.Request, n int) {
		for r.Context().Err() == nil {
			tutortest.Events(part)(w, r, n)
			select {
			case <-r.Context().Done():
			case <-time.After(time.Millisecond):
			}
		}
	}
}

// TestAcceptance14LoadingModel waits for a model on this machine that is being loaded: readers are told, the passages are shown meanwhile,
// the answer comes in the end, and Stop works during loading. The limits stand for 45 of 60 seconds.
func TestAcceptance14LoadingModel(t *testing.T) {
	loaded, gone := make(chan struct{}), make(chan struct{})
	model := tutortest.New(t, func(w http.ResponseWriter, r *http.Request, n int) {
		tutortest.Holds(nil, loaded, tutortest.Says(answered))(w, r, n)
		if r.Context().Err() != nil {
			close(gone)
		}
	})
	s := newStore(loops...)
	tu := newTutor(t, s, "n1", model.URL, func(c *Config) {
		c.Limits.Found, c.Limits.FirstToken, c.Limits.Total = 20*time.Millisecond, time.Minute, 2*time.Minute
	})
	s.ask(askLoop, "r1")
	tu.Answer("r1")
	waitsFor(t, tu, "r1", waitLoading)
	eventually(t, "the passages meanwhile", func() bool { return len(tu.running("r1").meanwhile()) > 0 })
	if err := tu.Stop(t.Context(), "r1"); err != nil {
		t.Fatal(err)
	}
	select {
	case <-gone:
	case <-time.After(10 * time.Second):
		t.Error("the call goes on after Stop")
	}
	if r := s.stored("r1"); r.State != lms.ReplyStopped || r.Note != noteStopped {
		t.Errorf("stopped: %+v", r)
	}
	s.ask(askLoop, "r2")
	tu.Answer("r2")
	waitsFor(t, tu, "r2", waitLoading)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	close(loaded)
	if _, _, final := watch(t, tu, "r2"); final.Body != answered || final.State != lms.ReplyDone || ctx.Err() != nil {
		t.Errorf("%+v", final)
	}
	if model.Count() != 2 {
		t.Errorf("%d calls", model.Count())
	}
}
