package web

import (
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/tutor/tutortest"
)

// modelled is a course whose site has a language model that administrators set.
type modelled struct{ *course }

// follow does what a node does when the settings have changed.
func (m modelled) follow() {
	m.t.Helper()
	stored, err := m.store.TutorModel(m.t.Context())
	m.check(err)
	keys, err := OpenKeys(m.server.c.Keys, stored.InForce())
	m.check(err)
	m.server.c.Models.Use(stored.ModelSettings, keys)
}

// set saves the settings as they are loaded, changed.
func (m modelled) set(change func(*api.ModelInput)) lms.ModelState {
	m.t.Helper()
	state := call(m.site, "root", api.GetTutorModel, api.NoInput{})
	in := api.ModelInput{ModelSettings: state.Settings}
	change(&in)
	state = call(m.site, "root", api.UpdateTutorModel, in)
	m.follow()
	return state
}

func (m modelled) ask(id string) lms.Reply {
	m.t.Helper()
	call(m.site, "sue", api.AskQuestion, api.QuestionInput{Course: "c1", ID: "q-" + id, ReplyID: "r-" + id, To: lms.ToTutor, Title: "How does Raft elect a leader?", Visibility: lms.VisibleStaff})
	return m.waitReply("q-"+id, "r-"+id)
}

func newModelled(t *testing.T) modelled {
	m := modelled{newCourse(t, nil)}
	page := call(m.site, "sue", api.GetMaterial, api.MaterialPath{Course: "c1", Material: m.material})
	m.check(m.store.ReplacePassages(t.Context(), page, []lms.Passage{{MaterialID: m.material, Ordinal: 1, Text: "Raft elects a leader by votes of a majority."}}, lms.IndexReady, ""))
	return m
}

func key(s string) *string { return &s }

// A model is set, answers, and is taken away at run time; its key is sealed, shown only as set, and cleared with its host (TUTOR-35, TUTOR-36).
func TestModelIsSetAtRunTime(t *testing.T) {
	m := newModelled(t)
	one, two := tutortest.New(t, tutortest.Says("By votes [1].")), tutortest.New(t, tutortest.Says("By votes, says the other [1]."))
	state := m.set(func(in *api.ModelInput) {
		in.First, in.FirstKey = lms.ModelEndpoint{URL: one.URL + "/v1/", Model: "small"}, key("sk-very-secret")
	})
	if !state.Settings.First.KeySet || len(state.Nodes) != 1 || state.Nodes[0].Host != "127.0.0.1" && state.Nodes[0].Host != "" {
		t.Errorf("%+v", state)
	}
	if r := m.ask("1"); !r.Generated || r.Model != "small" || !strings.Contains(r.Body, "By votes") {
		t.Errorf("%+v", r)
	}
	if got := one.Last().Header.Get("Authorization"); got != "Bearer sk-very-secret" {
		t.Errorf("the key is not sent: %q", got)
	}
	stored, err := m.store.Setting(t.Context(), "tutor.model")
	m.check(err)
	body := m.send("GET", "/api/v1/tutor/model", m.token("root", time.Hour), "").body
	for where, text := range map[string]string{"database": stored, "answer": body, "log": m.log.String()} {
		if strings.Contains(text, "very-secret") {
			t.Errorf("the key stands in the %s", where)
		}
	}

	m.set(func(in *api.ModelInput) { in.Temperature, in.MaxTokens = 0.9, 300 }) // keeps the key
	m.ask("2")
	if r := one.Last(); r.Header.Get("Authorization") == "" || *r.Temperature < 0.89 || r.MaxTokens != 300 {
		t.Errorf("%+v", r)
	}
	state = m.set(func(in *api.ModelInput) { in.First.URL = two.URL })
	if state.Settings.First.KeySet {
		t.Error("another host keeps the key")
	}
	if r := m.ask("3"); !strings.Contains(r.Body, "the other") || two.Last().Header.Get("Authorization") != "" {
		t.Errorf("%+v, key %q", r, two.Last().Header.Get("Authorization"))
	}
	m.set(func(in *api.ModelInput) { in.First = lms.ModelEndpoint{} })
	before := one.Connections() + two.Connections()
	if r := m.ask("4"); r.Generated || !strings.Contains(r.Note, "No language model") || one.Connections()+two.Connections() != before {
		t.Errorf("after its removal: %+v", r)
	}
	m.found(api.AuditFilter{Action: string(lms.AuditTutorModel)}, 4)
}

func TestModelSettingsAreChecked(t *testing.T) {
	m := newModelled(t)
	price := lms.Points(50)
	for name, c := range map[string]struct {
		field  string
		change func(*api.ModelInput)
	}{
		"a money cap without a price": {"price", func(in *api.ModelInput) { in.MoneyCap = 10_00 }},
		"an address of metadata":      {"firstUrl", func(in *api.ModelInput) { in.First = lms.ModelEndpoint{URL: "http://169.254.169.254/v1", Model: "x"} }},
		"a private address": {"secondUrl", func(in *api.ModelInput) {
			in.First, in.Second = lms.ModelEndpoint{URL: "https://api.example.com", Model: "x"}, lms.ModelEndpoint{URL: "https://10.0.0.1", Model: "x"}
		}},
		"no model": {"firstModel", func(in *api.ModelInput) { in.First = lms.ModelEndpoint{URL: "https://api.example.com"} }},
		"a key with a line break": {"firstKey", func(in *api.ModelInput) {
			in.First, in.FirstKey = lms.ModelEndpoint{URL: "https://api.example.com", Model: "x"}, key("a\nb")
		}},
		"a context smaller than an answer": {"context", func(in *api.ModelInput) { in.Context = 600 }},
	} {
		in := api.ModelInput{ModelSettings: lms.DefaultModelSettings()}
		c.change(&in)
		if err := refused(m.site, "root", api.UpdateTutorModel, in, lms.KindRule); err.Field != c.field {
			t.Errorf("%s: field %q, %s", name, err.Field, err.Message)
		}
	}
	refused(m.site, "ina", api.GetTutorModel, api.NoInput{}, lms.KindForbidden)
	in := api.ModelInput{ModelSettings: lms.DefaultModelSettings()}
	in.MoneyCap, in.Price = 1_00, &price
	call(m.site, "root", api.UpdateTutorModel, in)
	refused(m.site, "root", api.UpdateTutorModel, in, lms.KindConflict) // a stale version
}

// "Test" says in plain words what works and what does not (TUTOR-37).
func TestModelTest(t *testing.T) {
	m := newModelled(t)
	answer := tutortest.Events(tutortest.Chunk("one\n"), tutortest.Chunk("two kingfisher"), tutortest.Stop, tutortest.Usage(3100, 8), tutortest.Done)
	for name, c := range map[string]struct {
		play tutortest.Play
		good []string
		bad  []string
	}{
		"all is well":     {answer, []string{"Reachable", "Key", "Model", "Streams", "Usage", "First word", "Context"}, nil},
		"no usage":        {tutortest.Events(tutortest.Chunk("a"), tutortest.Chunk("kingfisher"), tutortest.Stop, tutortest.Done), []string{"Reachable", "Context"}, []string{"Usage"}},
		"context is cut":  {tutortest.Events(tutortest.Chunk("a"), tutortest.Chunk("b"), tutortest.Stop, tutortest.Usage(500, 2), tutortest.Done), []string{"Usage"}, []string{"Context"}},
		"key refused":     {tutortest.Status(401, ""), []string{"Reachable"}, []string{"Key"}},
		"model not known": {tutortest.Status(404, `{"error":{"message":"model x not found"}}`), []string{"Reachable", "Key"}, []string{"Model"}},
	} {
		t.Run(name, func(t *testing.T) {
			server := tutortest.New(t, c.play)
			got := map[string]bool{}
			test := call(m.site, "root", api.TestTutorModel, api.ModelTestInput{ModelEndpoint: lms.ModelEndpoint{URL: server.URL, Model: "x"}, Key: key("k"), Context: 4096})
			for _, s := range test.Steps {
				if got[s.Name] = s.OK; s.Text == "" {
					t.Errorf("%s says nothing", s.Name)
				}
			}
			for _, n := range c.good {
				if !got[n] {
					t.Errorf("%s: %+v", n, test.Steps)
				}
			}
			for _, n := range c.bad {
				if ok, there := got[n]; ok || !there {
					t.Errorf("%s: %+v", n, test.Steps)
				}
			}
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		steps := call(m.site, "root", api.TestTutorModel, api.ModelTestInput{ModelEndpoint: lms.ModelEndpoint{URL: "http://127.0.0.1:1", Model: "x"}}).Steps
		if len(steps) != 1 || steps[0].OK || steps[0].Name != "Reachable" {
			t.Errorf("%+v", steps)
		}
	})
}

// ended waits for the end of a check.
func (m modelled) ended(id string) lms.ModelState {
	m.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for {
		state := call(m.site, "root", api.GetTutorModel, api.NoInput{})
		if state.Trial != nil && state.Trial.ID == id && state.Trial.State != lms.TrialRunning {
			m.follow()
			return state
		}
		if time.Now().After(deadline) {
			m.t.Fatalf("the check does not end: %+v", state.Trial)
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// Another model waits for its check once a result was accepted, and a worse result waits for an administrator (TUTOR-39).
func TestWorseModelWaits(t *testing.T) {
	m := newModelled(t)
	good := tutortest.New(t, tutortest.Says("The majority shares a node [1]; I do not know more, ask the instructor."))
	bad := tutortest.New(t, tutortest.Says("PINEAPPLE https://pirate.example/book"))
	refused(m.site, "root", api.StartTutorTrial, api.TrialInput{ID: "t0"}, lms.KindConflict)
	m.set(func(in *api.ModelInput) { in.First = lms.ModelEndpoint{URL: good.URL, Model: "good"} })
	call(m.site, "root", api.StartTutorTrial, api.TrialInput{ID: "t1"})
	state := m.ended("t1")
	if tr := state.Trial; tr.State != lms.TrialDone || tr.AcceptedAt.IsZero() || tr.Passed == 0 || tr.Done != tr.Total || tr.Passed+len(tr.Failed) != tr.Total {
		t.Fatalf("%+v", tr)
	}
	if state.Used == 0 {
		t.Error("a check costs nothing")
	}

	state = m.set(func(in *api.ModelInput) {
		in.First, in.FirstKey = lms.ModelEndpoint{URL: bad.URL, Model: "bad"}, key("k-bad")
	})
	if state.Waiting == nil || state.Waiting.First.Model != "bad" || !state.Waiting.First.KeySet || state.Settings.First.Model != "good" {
		t.Fatalf("%+v", state)
	}
	if r := m.ask("1"); r.Model != "good" {
		t.Errorf("%q answers before the check", r.Model)
	}
	call(m.site, "root", api.StartTutorTrial, api.TrialInput{ID: "t2"})
	state = m.ended("t2")
	if state.Waiting == nil || !state.Trial.AcceptedAt.IsZero() || !state.Trial.WorseThan(*state.Accepted) || len(state.Trial.Failed) == 0 {
		t.Fatalf("a worse model: %+v, %+v", state.Waiting, state.Trial)
	}
	refused(m.site, "root", api.AcceptTutorTrial, api.TrialPath{Trial: "t1"}, lms.KindConflict)
	state = call(m.site, "root", api.AcceptTutorTrial, api.TrialPath{Trial: "t2"})
	m.follow()
	if state.Waiting != nil || state.Settings.First.Model != "bad" || !state.Settings.First.KeySet || state.Accepted.ID != "t2" || state.Accepted.AcceptedBy != "Root" {
		t.Errorf("%+v", state)
	}
	if r := m.ask("2"); r.Model != "bad" || bad.Last().Header.Get("Authorization") != "Bearer k-bad" {
		t.Errorf("%+v", r)
	}

	// A better one comes into force by itself.
	m.set(func(in *api.ModelInput) { in.First = lms.ModelEndpoint{URL: good.URL, Model: "better"} })
	call(m.site, "root", api.StartTutorTrial, api.TrialInput{ID: "t3"})
	if state = m.ended("t3"); state.Waiting != nil || state.Settings.First.Model != "better" || state.Trial.AcceptedBy != "" {
		t.Errorf("%+v", state)
	}
	m.found(api.AuditFilter{Action: string(lms.AuditTutorTrial)}, 1)
}

func TestCheckOfADeadModelFails(t *testing.T) {
	m := newModelled(t)
	server := tutortest.New(t, tutortest.Status(500, ""))
	m.set(func(in *api.ModelInput) { in.First = lms.ModelEndpoint{URL: server.URL, Model: "x"} })
	call(m.site, "root", api.StartTutorTrial, api.TrialInput{ID: "t1"})
	state := m.ended("t1")
	if state.Trial.State != lms.TrialFailed || state.Trial.Error == "" || state.Accepted != nil || server.Count() > 3 {
		t.Errorf("%+v after %d calls", state.Trial, server.Count())
	}
}

// The second endpoint is asked once when the first does not answer; the reply names the model that wrote it (TUTOR-24).
func TestSecondEndpoint(t *testing.T) {
	m := newModelled(t)
	first, second := tutortest.New(t, tutortest.Status(500, "")), tutortest.New(t, tutortest.Says("By votes [1]."))
	m.set(func(in *api.ModelInput) {
		in.First, in.Second = lms.ModelEndpoint{URL: first.URL, Model: "one"}, lms.ModelEndpoint{URL: second.URL, Model: "two"}
	})
	if r := m.ask("1"); !r.Generated || r.Model != "two" || first.Count() != 1 || second.Count() != 1 {
		t.Errorf("%+v after %d and %d calls", r, first.Count(), second.Count())
	}
	state := call(m.site, "root", api.GetTutorModel, api.NoInput{})
	if len(state.Nodes) != 1 || len(state.Nodes[0].Failures) != 1 || state.Nodes[0].Failures[0].Why == "" {
		t.Errorf("%+v", state.Nodes)
	}
}

// Who owns a cap is told at 80 % (TUTOR-23), and a cap in money counts like one in tokens.
func TestCapsAreTold(t *testing.T) {
	m := newModelled(t)
	price := lms.Points(2_00)
	m.set(func(in *api.ModelInput) { in.Price, in.MoneyCap = &price, 1 }) // a cent at 2 a million: 5,000 tokens
	reserve := m.server.reserve(t.Context(), "x1", "c1", "ina")
	m.check(reserve(3900))
	if caps := call(m.site, "root", api.GetHome, api.NoInput{}).Caps; len(caps) != 0 {
		t.Errorf("told early: %+v", caps)
	}
	m.check(reserve(200))
	if caps := call(m.site, "root", api.GetHome, api.NoInput{}).Caps; len(caps) != 1 || caps[0].Used != 4100 || caps[0].Cap != 5000 || caps[0].CourseID != "" {
		t.Errorf("%+v", caps)
	}
	if caps := call(m.site, "ina", api.GetHome, api.NoInput{}).Caps; len(caps) != 0 {
		t.Errorf("who does not own it is told: %+v", caps)
	}
	if err := reserve(1000); lms.KindOf(err) != lms.KindLimit {
		t.Errorf("beyond the cap: %v", err)
	}
	p := call(m.site, "ina", api.GetTutorPolicy, api.CoursePath{Course: "c1"})
	p.MonthlyCap = 5000
	call(m.site, "ina", api.UpdateTutorPolicy, api.TutorPolicyInput{Course: "c1", TutorPolicy: p})
	if caps := call(m.site, "ina", api.GetHome, api.NoInput{}).Caps; len(caps) != 1 || caps[0].CourseID != "c1" {
		t.Errorf("%+v", caps)
	}
}

// With a language model the draft gets a summary with links to the places (TUTOR-31).
func TestSummaryIsAddedToTheDraft(t *testing.T) {
	m := newModelled(t)
	server := tutortest.New(t, tutortest.Says("## Summary\n\nRaft elects by votes [1]. More [7].\n\n## Topics\n\n- Election: votes [1]."))
	m.set(func(in *api.ModelInput) { in.First = lms.ModelEndpoint{URL: server.URL, Model: "x"} })
	in := api.OutlineInput{Course: "c1", Material: m.material, ID: "o1"}
	call(m.site, "tom", api.OutlineMaterial, in)
	deadline := time.Now().Add(20 * time.Second)
	for {
		page := call(m.site, "tom", api.GetMaterial, api.MaterialPath{Course: "c1", Material: "o1"})
		if strings.Contains(page.Body, "Raft elects by votes [source](/courses/c1/materials/m1#p1).") {
			if page.Published || !strings.Contains(page.Body, lms.GeneratedMark) || strings.Contains(page.Body, "[7]") || !strings.Contains(page.Body, "Key terms") && !strings.Contains(page.Body, "outline of") {
				t.Errorf("%s", page.Body)
			}
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("no summary: %s", page.Body)
		}
		time.Sleep(10 * time.Millisecond)
	}
	if server.Count() != 1 || !strings.Contains(server.Last().Prompt(), "Raft elects a leader by votes of a majority.") {
		t.Errorf("%d calls", server.Count())
	}
}
