package tutor

import (
	"net/http"
	"strings"
	"testing"

	"trivium/app/lms"
)

// gradedBrief has one open item about loops with hidden notes.
func gradedBrief(step lms.Hint, inThread bool) lms.TutorBrief {
	return lms.TutorBrief{Policy: lms.DefaultTutorPolicy("c1", "u-owner"), Level: lms.LevelBeginner, Graded: []lms.GradedItem{{ID: "a1", Title: "Exercise 1", Hint: step, InThread: inThread,
		Text:   "How many times does the while loop on sheet one repeat its body before the condition becomes false, and why does it stop there?",
		Policy: lms.ItemPolicy{AssignmentID: "a1", Answer: "17", Notes: "It repeats seventeen times because the counter starts at three and grows by two until it passes thirty six."},
		Canary: "kestrel-hidden-note"}}}
}

// script plays one reply for each call, the last one for ever.
func script(replies ...string) func(http.ResponseWriter, *http.Request, int) {
	return func(w http.ResponseWriter, r *http.Request, n int) {
		events(chunk(replies[min(n, len(replies))-1]), stopEvent, doneEvent)(w, r, n)
	}
}

// Pasted graded work climbs the ladder one step a request, tells what was recognised, and never reaches an answer (TUTOR-9, 10).
func TestHintLadder(t *testing.T) {
	model := newModel(t, script("Think about the condition [1].", "NO", "Think about the condition [1].", "NO", "Think about the condition [1].", "NO", "Think about the condition [1].", "NO"))
	s := newStore(loops...)
	tu := newTutor(t, s, "n1", model.URL)
	s.brief = gradedBrief(0, false)
	s.ask(strings.ToUpper(s.brief.Graded[0].Text), "r0")
	for step := lms.HintRestate; step <= lms.HintStop+2; step++ {
		id := "r" + string(rune('0'+step))
		if step > lms.HintRestate {
			s.further("just tell me", id)
		} else {
			id = "r0"
		}
		before := len(model.calls())
		tu.Answer(id)
		_, _, final := watch(t, tu, id)
		if !strings.Contains(final.Note, `"Exercise 1"`) || final.State != lms.ReplyDone {
			t.Fatalf("step %d: %+v", step, final)
		}
		if step >= lms.HintStop {
			if final.Body != replyHintStop || len(model.calls()) != before {
				t.Errorf("the ladder goes on: %q, %d calls", final.Body, len(model.calls())-before)
			}
			continue
		}
		hint := model.calls()[before]
		if len(model.calls()) != before+2 || !strings.Contains(hint.Messages[0].Content, hintText[step]) || s.record.Hint != step || s.record.AssignmentID != "a1" {
			t.Errorf("step %d: %d calls, record %+v", step, len(model.calls())-before, s.record)
		}
		s.brief = gradedBrief(s.record.Hint, true)
	}
}

// What a model gives away is never shown and never stored (TUTOR-11): the rules, then the second pass, one more attempt, then a
// fixed hint.
func TestAcceptance08GivenAwayHintsAreHeldBack(t *testing.T) {
	good := "Look at what makes the condition false [1]."
	for name, c := range map[string]struct {
		replies []string
		body    string
		calls   int
	}{
		"the final value":          {[]string{"It is 17.", good, "NO"}, good, 3},
		"the final value, twice":   {[]string{"It is 17.", "17!"}, "", 2},
		"the judge says yes":       {[]string{"Subtract and halve.", "YES", good, "NO"}, good, 4},
		"the judge says yes twice": {[]string{"Subtract and halve.", "YES.", "Halve it.", "Yes, it does"}, "", 4},
		"the judge babbles":        {[]string{"Subtract and halve.", "Well, perhaps", good, "No"}, good, 4},
		"the canary of the notes":  {[]string{"(kestrel-hidden-note)", good, "NO"}, good, 3},
		"the notes":                {[]string{"because the counter starts at three and grows by two until it passes thirty six", good, "NO"}, good, 3},
		"the system prompt":        {[]string{"Cite only numbers that are listed. Never invent a source, a page or a link.", good, "NO"}, good, 3},
	} {
		t.Run(name, func(t *testing.T) {
			model := newModel(t, script(c.replies...))
			s := newStore(loops...)
			tu := newTutor(t, s, "n1", model.URL)
			s.brief = gradedBrief(lms.HintConcept, false)
			s.ask(s.brief.Graded[0].Text, "r1")
			tu.Answer("r1")
			text, _, final := watch(t, tu, "r1")
			for _, bad := range []string{"17", "kestrel", "Subtract", "alve", "thirty six", "Cite only"} {
				if strings.Contains(text, bad) || strings.Contains(s.stored("r1").Body, bad) {
					t.Fatalf("shown or stored: %q", text)
				}
			}
			if c.body != "" && final.Body != c.body || c.body == "" && (final.Generated || final.Body == "") {
				t.Errorf("body %q, generated %v", final.Body, final.Generated)
			}
			if n := len(model.calls()); n != c.calls {
				t.Errorf("%d calls, want %d", n, c.calls)
			}
			if strings.Contains(name, "canary") && s.record.Concern != "leak" {
				t.Errorf("nobody is told of the leak: %+v", s.record)
			}
		})
	}
}

// Ordinary answers are released after the rules, sentence by sentence: a secret in one chunk or split over many never comes out,
// and what was clean before it stays.
func TestAcceptance08OrdinaryAnswersAreChecked(t *testing.T) {
	s := newStore(loops...)
	var canary string
	model := newModel(t, func(w http.ResponseWriter, r *http.Request, n int) {
		parts := []string{chunk("A loop repeats [1]. ")}
		for _, c := range "My marker is " + canary + ". And more." {
			parts = append(parts, chunk(string(c)))
		}
		events(append(parts, stopEvent, doneEvent)...)(w, r, n)
	})
	tu := newTutor(t, s, "n1", model.URL)
	canary = tu.canary
	s.ask("Why does my while loop never end?", "r1")
	tu.Answer("r1")
	text, _, final := watch(t, tu, "r1")
	if strings.TrimSpace(text) != "A loop repeats [1]." || final.Note != noteHeldBack || s.record.Checked != string(holdsCanary) || s.record.Concern != "leak" {
		t.Errorf("text %q, note %q, record %+v", text, final.Note, s.record)
	}
	if !strings.Contains(model.calls()[0].raw, canary) {
		t.Error("the prompt holds no canary")
	}
	if n := len(model.calls()); n != 1 {
		t.Errorf("%d calls", n)
	}
}

func TestCrisis(t *testing.T) {
	model := newModel(t, events(chunk("no"), doneEvent))
	s := newStore(loops...)
	tu := newTutor(t, s, "n1", model.URL)
	s.ask("my loop fails and I want to die", "r1")
	tu.Answer("r1")
	_, _, final := watch(t, tu, "r1")
	if final.Body != defaultCrisisText || s.record.Concern != "self_harm" || !s.record.Severe || len(model.calls()) != 0 {
		t.Errorf("%q %+v", final.Body, s.record)
	}
	s.brief.Crisis = "Call the school's nurse."
	s.ask("I want to kill myself", "r2")
	tu.Answer("r2")
	if _, _, final := watch(t, tu, "r2"); final.Body != s.brief.Crisis {
		t.Errorf("%q", final.Body)
	}
}

// The record tells how a reply came about, and the prompt follows mode, level, language and the wishes of the course.
func TestRecordAndManner(t *testing.T) {
	model := newModel(t, events(chunk("It repeats [1]."), `data: {"choices":[],"usage":{"prompt_tokens":321,"completion_tokens":7}}`+"\n\n", doneEvent))
	s := newStore(loops...)
	tu := newTutor(t, s, "n1", model.URL)
	s.brief = lms.TutorBrief{Policy: lms.DefaultTutorPolicy("c1", "u"), Mode: lms.ModeExplain, Level: lms.LevelAdvanced}
	s.brief.Policy.Instructions, s.brief.Policy.Avoid, s.brief.Policy.Language = "Speak of Go.", "politics", "de"
	s.ask("Why does my while loop never end?", "r1")
	tu.Answer("r1")
	watch(t, tu, "r1")
	rec := s.record
	if rec.Mode != lms.ModeExplain || rec.Level != lms.LevelAdvanced || rec.Calls != 1 || rec.PromptTokens != 321 || rec.AnswerTokens != 7 || rec.Estimated ||
		rec.PromptVersion == "" || len(rec.Passages) == 0 || !rec.Relevant || rec.Checked != "passed" || rec.TotalMs < 0 || rec.FirstMs == 0 {
		t.Errorf("%+v", rec)
	}
	system := model.calls()[0].Messages[0].Content
	for _, part := range []string{modeText[lms.ModeExplain], levelText[lms.LevelAdvanced], "Speak of Go.", "politics", "code de"} {
		if !strings.Contains(system, part) {
			t.Errorf("the prompt lacks %q", part)
		}
	}
	// Only chosen sources are searched.
	s.brief.Policy.Sources = []string{"m-list"}
	s.ask("Why does my while loop never end?", "r2")
	tu.Answer("r2")
	if _, _, final := watch(t, tu, "r2"); len(final.Citations) > 0 && final.Citations[0].MaterialID != "m-list" {
		t.Errorf("%+v", final.Citations)
	}
}

// While a model is silent the passages are shown, and the site's cap of tokens is never passed.
func TestSilentModelAndCap(t *testing.T) {
	release := make(chan struct{})
	model := newModel(t, func(w http.ResponseWriter, r *http.Request, n int) {
		select {
		case <-release:
		case <-r.Context().Done():
		}
		events(chunk("It repeats [1]."), doneEvent)(w, r, n)
	})
	s := newStore(loops...)
	tu := newTutor(t, s, "n1", model.URL, func(c *Config) { c.MonthlyCap, c.Limits.Found = 3000, 1 })
	s.ask("Why does my while loop never end?", "r1")
	tu.Answer("r1")
	eventually(t, "passages", func() bool { r := tu.running("r1"); return r != nil && len(r.meanwhile()) > 0 })
	close(release)
	if _, _, final := watch(t, tu, "r1"); final.State != lms.ReplyDone {
		t.Errorf("%+v", final)
	}
	s.reserved = 2999
	s.ask("Why does my while loop never end?", "r2")
	tu.Answer("r2")
	if _, _, final := watch(t, tu, "r2"); final.State != lms.ReplyFailed || final.Note != noteCap || len(final.Citations) == 0 || len(model.calls()) != 1 {
		t.Errorf("%+v, %d calls", final, len(model.calls()))
	}
}
