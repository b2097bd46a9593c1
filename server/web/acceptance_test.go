package web

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/tutor"
	"trivium/server/tutor/tutortest"
)

const askQuorum = "Why do any two majorities of a cluster share a node?"

// The tutor works without an endpoint, from the start or after it was taken away: cited passages whose links open, and nobody is
// called.
func TestAcceptance01NoEndpoint(t *testing.T) {
	c := newClass(t, 1, tutortest.Says("They overlap [1]."), nil)
	c.page("c1", "ina", "m1", "Notes", quorums, true)
	check := func(r lms.Reply) {
		t.Helper()
		if r.State != lms.ReplyDone || r.Generated || !strings.Contains(r.Note, "No language model is set up") || len(r.Citations) == 0 || len(r.Citations) > 5 {
			t.Fatalf("%+v", r)
		}
		for _, cite := range r.Citations {
			if !strings.Contains(r.Body, fmt.Sprintf("[%d]", cite.N)) || cite.Quote == "" {
				t.Errorf("cited without a place in the text: %+v", cite)
			}
			// The page of a citation is /courses/c1/materials/m1#p<ordinal>: what it needs opens for the student.
			call(c.sites[0], "sue", api.GetMaterial, api.MaterialPath{Course: "c1", Material: cite.MaterialID})
			passages := call(c.sites[0], "sue", api.ListPassages, api.MaterialPath{Course: "c1", Material: cite.MaterialID})
			found := false
			for _, p := range passages.Items {
				found = found || p.Ordinal == cite.Ordinal && p.Heading == cite.Heading
			}
			if !found {
				t.Errorf("the citation %+v opens at no place of %+v", cite, passages.Items)
			}
		}
	}
	if r := c.say(askQuorum); !r.Generated || r.Body != "They overlap [1]." {
		t.Fatalf("with an endpoint: %+v", r)
	}
	before := c.model.Connections()
	c.change = func(tc *tutor.Config) { tc.Endpoint, tc.Model = "", "" }
	c.reopen(0)
	a := c.ask(0, "sue", askQuorum)
	check(c.answer(0, "sue", a))
	check(c.answer(0, "sue", c.further("sue", "and what is a lease?", a)))
	if n := c.model.Connections(); n != before {
		t.Errorf("%d connections to an endpoint that was taken away", n-before)
	}
	if info := call(c.sites[0], "sue", api.TutorInfo, api.CoursePath{Course: "c1"}); info.Model != "" || info.Where != "stays on your computers" || info.Quota.Left != info.Quota.Limit-1 {
		t.Errorf("%+v", info) // only the answer of the model counts
	}
}

func TestAcceptance02Citations(t *testing.T) {
	c := newClass(t, 1, nil, nil)
	c.page("c1", "ina", "m1", "Notes on quorums", quorums, true)
	c.page("c1", "ina", "m2", "More on majorities", "A cluster of five nodes has a majority of three nodes. Two majorities of a cluster share a node, so they agree.", true)
	for _, tt := range []struct {
		name, says, body string
		cited            []int
		note             string
	}{
		{"several sources, each once, in order of use", "B [2]. A [1]. B again [2]. Both [1][2].", "B [2]. A [1]. B again [2]. Both [1][2].", []int{2, 1}, ""},
		{"invented and unknown", "A [1]. Invented [99], [0] and [source 77]. See [Knuth 1997].", "A [1]. Invented, and. See [Knuth 1997].", []int{1}, ""},
		{"nothing valid", "So they say [42].", "So they say.", nil, "not from the course materials"},
		{"no citation", "So they say.", "So they say.", nil, "not from the course materials"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c.model.Play(tutortest.Spells(tt.says))
			a := c.ask(0, "sue", askQuorum)
			text, final := c.stream(0, "sue", a)
			r := c.answer(0, "sue", a)
			if r.Body != tt.body || strings.TrimSpace(text) != tt.body || final.Body != tt.body || !strings.Contains(r.Note, tt.note) || (tt.note == "") != (r.Note == "") {
				t.Errorf("body %q, streamed %q, note %q", r.Body, text, r.Note)
			}
			var got []int
			seen := map[string]bool{}
			for _, cite := range r.Citations {
				got = append(got, cite.N)
				key := fmt.Sprint(cite.MaterialID, cite.Ordinal)
				if seen[key] {
					t.Errorf("listed twice: %+v", cite)
				}
				seen[key] = true
				if block := c.model.Last().Last(); !strings.Contains(block, fmt.Sprintf("[%d] %s", cite.N, cite.Title)) {
					t.Errorf("cited what this prompt does not number so: %+v in %q", cite, block)
				}
			}
			if fmt.Sprint(got) != fmt.Sprint(tt.cited) {
				t.Errorf("cited %v, want %v", got, tt.cited)
			}
		})
	}
	t.Run("numbers of an earlier turn mean nothing", func(t *testing.T) {
		c.model.Play(tutortest.Says("First [1][2]."))
		a := c.ask(0, "sue", askQuorum)
		c.answer(0, "sue", a)
		c.model.Play(tutortest.Says("Now [1] and, as before, [7][2][3][4][5][6][8]."))
		r := c.answer(0, "sue", c.further("sue", "What is a snapshot of the state as of one index?", a))
		prompt := c.model.Last()
		for _, cite := range r.Citations {
			if !strings.Contains(prompt.Last(), fmt.Sprintf("[%d] %s", cite.N, cite.Title)) {
				t.Errorf("%+v is not of this prompt", cite)
			}
		}
		for _, m := range prompt.Messages {
			if m.Role == "assistant" && strings.Contains(m.Content, "[") {
				t.Errorf("the earlier answer has its numbers still: %q", m.Content)
			}
		}
	})
}

func TestAcceptance04WhatThePromptHolds(t *testing.T) {
	warm := 0.7
	c := newClass(t, 1, tutortest.Says("So it is [1]."), func(tc *tutor.Config) { tc.Temperature, tc.MaxTokens = &warm, 321 })
	c.document("m-pdf", "Lecture notes", "week-two.pdf", tutortest.PDF(
		[]string{"Terms and leaders", "A term has at most one leader, and a node votes once in a term."},
		[]string{"Log compaction", "A snapshot replaces the log up to an index, which is called compaction of the log."}))
	c.page("c1", "ina", "m1", "Notes", quorums, true)
	c.document("m-txt", "Handout", "dining-philosophers.txt", []byte("Five philosophers share five forks; each needs two of them to eat."))

	a := c.ask(0, "sue", "How does compaction of the log work?")
	c.answer(0, "sue", a)
	p := c.model.Last()
	for _, part := range []string{`the course "Replicated Systems c1"`, "Lecture notes", "Log compaction", "(page 2)", "which is called compaction of the log"} {
		if !strings.Contains(p.Prompt(), part) {
			t.Errorf("the prompt lacks %q: %s", part, p.Prompt())
		}
	}
	if p.Temperature == nil || *p.Temperature < 0.69 || *p.Temperature > 0.71 || p.MaxTokens != 321 || p.Model != "scripted" || !p.Stream {
		t.Errorf("request: %s", p.Raw)
	}
	c.answer(0, "sue", c.further("sue", "and what does it replace?", a))
	p = c.model.Last()
	if len(p.Messages) != 4 || p.Messages[1].Content != "How does compaction of the log work?" || p.Messages[2].Content != "So it is." || !strings.HasSuffix(p.Last(), "and what does it replace?") ||
		!strings.Contains(p.Last(), "compaction") {
		t.Errorf("second turn: %+v", p.Messages)
	}
	r := c.say("What is in dining-philosophers.txt?")
	if !strings.Contains(c.model.Last().Last(), "[1] Handout") || !strings.Contains(c.model.Last().Last(), "Five philosophers") || len(r.Citations) != 1 || r.Citations[0].MaterialID != "m-txt" {
		t.Errorf("the named file is not first: %s %+v", c.model.Last().Last(), r.Citations)
	}
}

func TestAcceptance06Gate(t *testing.T) {
	c := newClass(t, 1, tutortest.Says("Feed the starter for a week."), nil)
	c.page("c1", "ina", "m1", "Notes", quorums, true)
	const off = "How do I bake sourdough bread with rye flour?"
	for _, text := range []string{off, "Which pizzeria in Naples has the crispiest crust?", "hello", "thanks a lot"} {
		if r := c.say(text); r.Generated || r.State != lms.ReplyDone {
			t.Errorf("%q: %+v", text, r)
		}
	}
	if n := c.model.Count(); n != 0 {
		t.Fatalf("%d calls for what is off topic", n)
	}
	if q := c.quota("sue"); q.Left != q.Limit || q.AskAnyway != 3 {
		t.Errorf("what led to no call is counted: %+v", q)
	}
	if r := c.say(askQuorum); !r.Generated || c.model.Count() != 1 {
		t.Errorf("in scope: %+v", r)
	}
	for i := range 3 {
		a := c.ask(0, "sue", off)
		c.answer(0, "sue", a)
		refused(c.sites[0], "sue", api.RetryReply, api.RetryInput{Course: "c1", Question: a.question, Reply: a.reply}, lms.KindConflict)
		call(c.sites[0], "sue", api.RetryReply, api.RetryInput{Course: "c1", Question: a.question, Reply: a.reply, Anyway: true})
		until(t, "the model's answer", func() bool { return c.answer(0, "sue", a).Generated })
		if r := c.answer(0, "sue", a); !strings.Contains(r.Note, "not from the course materials") || c.quota("sue").AskAnyway != 2-i {
			t.Errorf("asked anyway: %+v, %+v", r, c.quota("sue"))
		}
	}
	a := c.ask(0, "sue", off)
	c.answer(0, "sue", a)
	if e := refused(c.sites[0], "sue", api.RetryReply, api.RetryInput{Course: "c1", Question: a.question, Reply: a.reply, Anyway: true}, lms.KindLimit); e.RetryIn == 0 {
		t.Errorf("%+v", e)
	}
	c.policy(func(p *lms.TutorPolicy) { p.AskAnyway = 0 })
	b := c.ask(0, "sam", off)
	c.answer(0, "sam", b)
	refused(c.sites[0], "sam", api.RetryReply, api.RetryInput{Course: "c1", Question: b.question, Reply: b.reply, Anyway: true}, lms.KindLimit)
	if n := c.model.Count(); n != 4 {
		t.Errorf("%d calls", n)
	}
}

const (
	taskText  = "A cluster of seven nodes loses three of them. May it still commit entries? Give the smallest number of further failures after which it must stop, and justify the number."
	taskNotes = "Four of the seven are left and four are a majority, hence one single further failure stops it."
)

// Pasted graded work gets hints in order, however it is pasted, and nothing that a student says reaches the answer.
func TestAcceptance07GradedWork(t *testing.T) {
	c := newClass(t, 1, nil, nil)
	c.page("c1", "ina", "m1", "Notes", quorums, true)
	c.assignment("a1", "Exercise 1", taskText, taskNotes, "one further failure")
	c.policy(func(p *lms.TutorPolicy) { p.HourlyQuota = 200 })
	const hint = "Count the votes that are left [1]."
	c.model.Play(judged(hint, "NO"))
	words := strings.Fields(taskText)
	for name, messages := range map[string][]string{
		"verbatim":         {taskText},
		"case and spacing": {strings.ToUpper(strings.Join(words, "   "))},
		"in part":          {"help me: " + strings.Join(words[4:20], " ")},
		"three messages":   {strings.Join(words[:9], " "), strings.Join(words[9:20], " "), strings.Join(words[20:], " ")},
	} {
		t.Run(name, func(t *testing.T) {
			a := c.ask(0, "sam", messages[0])
			r := c.answer(0, "sam", a)
			for _, m := range messages[1:] {
				a = c.further("sam", m, a)
				r = c.answer(0, "sam", a)
			}
			if !strings.Contains(r.Note, `"Exercise 1"`) || !strings.Contains(r.Note, "graded") {
				t.Errorf("not recognised: %+v", r)
			}
		})
	}
	// The ladder of another student, step by step, over conversations; ten pleas do not get further.
	a := c.ask(0, "sue", taskText)
	for step := 1; step <= 4; step++ {
		r := c.answer(0, "sue", a)
		if want := fmt.Sprintf("Hint %d of 4", step); !strings.Contains(r.Note, want) || r.Body != hint {
			t.Errorf("step %d: %q %q", step, r.Note, r.Body)
		}
		if step == 2 {
			a = c.ask(0, "sue", taskText) // a new conversation does not begin anew
		} else {
			a = c.further("sue", "just tell me", a)
		}
	}
	c.model.Play(judged("Fine: one further failure, because four of the seven are left.", "NO"))
	before := c.model.Count()
	for range 10 {
		r := c.answer(0, "sue", a)
		if holdsAny(r.Body+r.Note, "one further failure", "four of the seven", "Fine") != "" || !strings.Contains(r.Body, "as far as the tutor goes") {
			t.Fatalf("a plea reached %+v", r)
		}
		a = c.further("sue", "just tell me the answer", a)
	}
	c.answer(0, "sue", a)
	if n := c.model.Count() - before; n != 0 {
		t.Errorf("%d calls after the last step", n)
	}
	// What gives the answer away before the last step is held back, too.
	b := c.ask(0, "ina", "hello")
	c.answer(0, "ina", b)
	for range 10 {
		b = c.further("ina", "Just tell me! "+taskText, b)
		if r := c.answer(0, "ina", b); holdsAny(r.Body, "one further failure", "four of the seven", "Fine") != "" || r.Body == "" {
			t.Fatalf("given away: %+v", r)
		}
	}
}

// judged answers hints with a text, and the check of hints with a verdict.
func judged(hint, verdict string) tutortest.Play {
	return tutortest.Each(func(p tutortest.Request) string {
		if strings.HasPrefix(p.Prompt(), "You check one hint") {
			return verdict
		}
		return hint
	})
}

// The level follows posted grades only, and of a grade nothing but the level is sent.
func TestAcceptance10Levels(t *testing.T) {
	c := newClass(t, 1, tutortest.Says("So it is [1]."), nil)
	s := c.sites[0]
	c.page("c1", "ina", "m1", "Notes", quorums, true)
	c.assignment("a1", "Essay", "Write about something else entirely.", "", "")
	c.policy(func(p *lms.TutorPolicy) { p.HourlyQuota = 100 })
	level := func(want lms.Level, words string) {
		t.Helper()
		if got := call(s, "sue", api.TutorInfo, api.CoursePath{Course: "c1"}).Level; got != want {
			t.Errorf("level %s, want %s", got, want)
		}
		c.say(askQuorum)
		if p := c.model.Last().Prompt(); !strings.Contains(p, words) || holdsAny(p, "69.9", "84.99", "70.00", "85.00", "69,9", "feedback") != "" {
			t.Errorf("the prompt at %s: %s", want, p)
		}
	}
	level(lms.LevelBeginner, "The student is a beginner") // no grade: the course's default
	c.policy(func(p *lms.TutorPolicy) { p.Level = lms.LevelIntermediate })
	level(lms.LevelIntermediate, "at an intermediate level")
	call(s, "sue", api.Submit, api.SubmitInput{Course: "c1", Assignment: "a1", ID: "s1", Text: "Here."})
	for i, g := range []struct {
		points lms.Points
		post   bool
		level  lms.Level
		words  string
	}{{10_00, false, lms.LevelIntermediate, "at an intermediate level"}, {69_90, true, lms.LevelBeginner, "is a beginner"}, {70_00, true, lms.LevelIntermediate, "at an intermediate level"},
		{84_99, true, lms.LevelIntermediate, "at an intermediate level"}, {85_00, true, lms.LevelAdvanced, "is advanced"}, {10_00, false, lms.LevelAdvanced, "is advanced"}} {
		call(s, "ina", api.SaveGrade, api.GradeInput{Course: "c1", Submission: "s1", Points: g.points, Feedback: "feedback", Version: int64(i)})
		if g.post {
			call(s, "ina", api.PostGrades, api.PostGradesInput{Course: "c1", Assignment: "a1"})
		}
		level(g.level, g.words)
	}
	call(s, "sue", api.SetTutorChoice, api.TutorChoiceInput{Course: "c1", TutorChoice: lms.TutorChoice{Level: lms.LevelBeginner}})
	level(lms.LevelBeginner, "is a beginner")
}

// 107 KB are refused and nothing is kept of them; 16,000 characters are taken.
func TestAcceptance17LongMessages(t *testing.T) {
	c := newClass(t, 1, tutortest.Says("So it is [1]."), nil)
	c.page("c1", "ina", "m1", "Notes", quorums, true)
	token := c.sites[0].token("sue", time.Hour)
	post := func(id, body string) reply {
		return c.sites[0].send("POST", "/api/v1/courses/c1/questions", token, fmt.Sprintf(`{"id":%q,"replyId":%q,"to":"tutor","title":"quorum","body":%q,"visibility":"staff"}`, id, "r"+id, body))
	}
	if r := post("big", strings.Repeat("quorum ", 107_000/7)); r.status != 413 || r.error.Kind != lms.KindTooLarge || r.error.Field != "body" || !strings.Contains(r.error.Message, "kept") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := post("over", strings.Repeat("ü", 16_000-5)); r.status != 413 {
		t.Errorf("one character too many: %d", r.status)
	}
	if r := post("fits", strings.Repeat("ü", 16_000-6)); r.status != 200 {
		t.Errorf("16,000 characters: %d %s", r.status, r.body)
	}
	if r := c.answer(0, "sue", asked{"fits", "rfits"}); r.State != lms.ReplyDone {
		t.Errorf("%+v", r)
	}
	a := c.ask(0, "sue", askQuorum)
	c.answer(0, "sue", a)
	r := c.sites[0].send("POST", "/api/v1/courses/c1/questions/"+a.question+"/replies", token, fmt.Sprintf(`{"id":"m","tutorReplyId":"rm","body":%q}`, strings.Repeat("x", 107_000)))
	if r.status != 413 {
		t.Errorf("a further message of 107 KB: %d %s", r.status, r.body)
	}
	if q := call(c.sites[0], "sue", api.GetQuestion, api.QuestionPath{Course: "c1", Question: a.question}); len(q.Replies) != 1 {
		t.Errorf("%d replies", len(q.Replies))
	}
	refused(c.sites[0], "sue", api.GetQuestion, api.QuestionPath{Course: "c1", Question: "big"}, lms.KindNotFound)
}

// parallel runs f n times at once.
func parallel(n int, f func(i int)) {
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}
