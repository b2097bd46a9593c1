package tutor

import (
	"net/http"
	"strings"
	"testing"

	"trivium/app/lms"
	"trivium/server/tutor/tutortest"
)

// The items of endpoint compatibility, each as a scripted case (acceptance test 18).

// answerOf asks one question about loops and returns the stored reply.
func answerOf(t *testing.T, endpoint string, change ...func(*Config)) (lms.Reply, *fakeStore, *Tutor) {
	t.Helper()
	s := newStore(loops...)
	tu := newTutor(t, s, "n1", endpoint, change...)
	s.ask(askLoop, "r1")
	tu.Answer("r1")
	_, _, final := watch(t, tu, "r1")
	return final, s, tu
}

// complains refuses each request that the function finds a fault with, as an endpoint does, and answers the others.
func complains(fault func(tutortest.Request) string) tutortest.Play {
	return func(w http.ResponseWriter, r *http.Request, n int) {
		if text := fault(tutortest.RequestOf(r)); text != "" {
			tutortest.Status(400, `{"error":{"message":"`+text+`","type":"invalid_request_error"}}`)(w, r, n)
			return
		}
		tutortest.Says("It repeats [1].")(w, r, n)
	}
}

const answered = "It repeats [1]."

func TestEndpointItem01BaseURLKeyHeaderAndQuery(t *testing.T) {
	for _, c := range []struct {
		name, suffix, path, query string
		change                    func(*Config)
		header                    map[string]string // empty value: must be missing
	}{
		{"no path", "", "/v1/chat/completions", "", nil, map[string]string{"Authorization": "Bearer secret-key"}},
		{"a slash", "/", "/v1/chat/completions", "", nil, nil},
		{"v1", "/v1", "/v1/chat/completions", "", nil, nil},
		{"v1 and a slash", "/v1/", "/v1/chat/completions", "", nil, nil},
		{"another path", "/openai/deployments/x/", "/openai/deployments/x/chat/completions", "", nil, nil},
		{"no key", "", "/v1/chat/completions", "", func(c *Config) { c.Key = "" }, map[string]string{"Authorization": ""}},
		{"a header of its own", "", "/v1/chat/completions", "", func(c *Config) { c.KeyHeader = "api-key" }, map[string]string{"Authorization": "", "Api-Key": "secret-key"}},
		{"a header and no key", "", "/v1/chat/completions", "", func(c *Config) { c.KeyHeader, c.Key = "api-key", "" }, map[string]string{"Authorization": "", "Api-Key": ""}},
		{"a parameter", "/v1", "/v1/chat/completions", "api-version=2024-06-01&x=a%20b", func(c *Config) { c.Query = "api-version=2024-06-01&x=a%20b" }, map[string]string{"Authorization": "Bearer secret-key"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			model := tutortest.New(t, tutortest.Says(answered))
			change := c.change
			if change == nil {
				change = func(*Config) {}
			}
			final, _, _ := answerOf(t, model.URL+c.suffix, change)
			got := model.Last()
			if final.Body != answered || got.Path != c.path || got.Query != c.query {
				t.Errorf("%q, asked %s?%s", final.Body, got.Path, got.Query)
			}
			for name, value := range c.header {
				if have, there := got.Header[name]; value == "" && there || value != "" && (!there || have[0] != value) {
					t.Errorf("%s: %q, want %q", name, have, value)
				}
			}
		})
	}
	for _, c := range []Config{{KeyHeader: "Content-Length"}, {KeyHeader: "a b"}, {KeyHeader: "x\r\ny"}, {Query: "a b"}, {Query: "a=%zz"}, {Query: "#a"}} {
		c.Endpoint, c.Model = "http://127.0.0.1:1", "m"
		if err := c.Validate(); err == nil {
			t.Errorf("header %q and parameters %q are accepted", c.KeyHeader, c.Query)
		}
	}
}

func TestEndpointItem02ModelListMissingAndModelUnknown(t *testing.T) {
	model := tutortest.New(t, func(w http.ResponseWriter, r *http.Request, n int) {
		if !strings.HasSuffix(r.URL.Path, "/chat/completions") {
			http.NotFound(w, r)
			return
		}
		tutortest.Says(answered)(w, r, n)
	})
	final, _, tu := answerOf(t, model.URL)
	if final.Body != answered || model.Count() != 1 || tu.Warning() != "" {
		t.Errorf("%q after %d requests, warning %q", final.Body, model.Count(), tu.Warning())
	}
	for name, refusal := range map[string]tutortest.Play{
		"OpenAI": tutortest.Status(404, `{"error":{"message":"The model 'test-model' does not exist or you do not have access to it.","type":"invalid_request_error","param":null,"code":"model_not_found"}}`),
		"Ollama": tutortest.Status(404, `{"error":{"message":"model \"test-model\" not found, try pulling it first","type":"api_error","param":null,"code":null}}`),
		"plain":  tutortest.Status(400, `{"detail":"Unknown model: test-model"}`),
	} {
		model.Play(refusal)
		final, _, tu := answerOf(t, model.URL)
		if final.State != lms.ReplyFailed || final.Note != noteOffline || len(final.Citations) == 0 {
			t.Errorf("%s: %+v", name, final)
		}
		if w := tu.Warning(); !strings.Contains(w, `"test-model"`) || strings.Contains(w, "pulling") || strings.Contains(final.Body+final.Note, "test-model") {
			t.Errorf("%s: the administrator reads %q", name, w)
		}
		if name == "plain" { // what works again is told no more
			model.Play(tutortest.Says(answered))
			s := tu.store.(*fakeStore)
			s.ask(askLoop, "r2")
			tu.Answer("r2")
			if _, _, final := watch(t, tu, "r2"); final.Body != answered || tu.Warning() != "" {
				t.Errorf("%q, warning %q", final.Body, tu.Warning())
			}
		}
	}
}

func TestEndpointItem03RefusedParametersAreLearned(t *testing.T) {
	for name, c := range map[string]struct {
		fault   func(tutortest.Request) string
		refused int // requests before one that is taken
		want    func(tutortest.Request) bool
	}{
		"temperature": {func(r tutortest.Request) string {
			if r.Temperature != nil {
				return "Unsupported value: 'temperature' does not support 0.3 with this model."
			}
			return ""
		}, 1, func(r tutortest.Request) bool { return r.Temperature == nil && r.MaxTokens == 500 }},
		"max_tokens": {func(r tutortest.Request) string {
			if r.MaxTokens != 0 {
				return "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
			}
			return ""
		}, 1, func(r tutortest.Request) bool { return r.MaxTokens == 0 && r.MaxCompletionTokens == 500 }},
		"max_tokens without a hint": {func(r tutortest.Request) string {
			if strings.Contains(r.Raw, "max_tokens") {
				return "unknown field max_tokens"
			}
			return ""
		}, 1, func(r tutortest.Request) bool { return r.MaxCompletionTokens == 500 }},
		"no limit at all": {func(r tutortest.Request) string {
			switch {
			case r.MaxTokens != 0:
				return "unknown field max_tokens"
			case r.MaxCompletionTokens != 0:
				return "unknown field max_completion_tokens"
			}
			return ""
		}, 2, func(r tutortest.Request) bool { return r.MaxTokens == 0 && r.MaxCompletionTokens == 0 }},
		"stream_options": {func(r tutortest.Request) string {
			if len(r.StreamOptions) > 0 {
				return "Unrecognized request argument supplied: stream_options"
			}
			return ""
		}, 1, func(r tutortest.Request) bool { return len(r.StreamOptions) == 0 && r.Stream }},
		"all of them": {func(r tutortest.Request) string {
			switch {
			case len(r.StreamOptions) > 0:
				return "extra fields not permitted: stream_options"
			case r.Temperature != nil:
				return "extra fields not permitted: temperature"
			case r.MaxTokens > 0:
				return "extra fields not permitted: max_tokens"
			}
			return ""
		}, 3, func(r tutortest.Request) bool { return r.Temperature == nil && r.MaxCompletionTokens == 500 }},
	} {
		t.Run(name, func(t *testing.T) {
			model := tutortest.New(t, complains(c.fault))
			final, s, tu := answerOf(t, model.URL)
			if final.Body != answered || model.Count() != c.refused+1 || !c.want(model.Last()) {
				t.Fatalf("%q after %d requests, the last %s", final.Body, model.Count(), model.Last().Raw)
			}
			s.ask(askLoop, "r2") // remembered: the next call is one request
			tu.Answer("r2")
			if _, _, final := watch(t, tu, "r2"); final.Body != answered || model.Count() != c.refused+2 {
				t.Errorf("%q after %d requests", final.Body, model.Count())
			}
		})
	}
	t.Run("a validator's list of fields", func(t *testing.T) {
		model := tutortest.New(t, tutortest.Script(tutortest.Status(422, `{"detail":[{"loc":["body","temperature"],"msg":"extra fields not permitted"}]}`), tutortest.Says(answered)))
		if final, _, _ := answerOf(t, model.URL); final.Body != answered || model.Last().Temperature != nil {
			t.Errorf("%q, %s", final.Body, model.Last().Raw)
		}
	})
	t.Run("a complaint that does not end is not repeated for ever", func(t *testing.T) {
		model := tutortest.New(t, tutortest.Status(400, `{"error":{"message":"temperature, max_tokens, max_completion_tokens, stream_options, system role: all wrong"}}`))
		if final, _, _ := answerOf(t, model.URL); final.State != lms.ReplyFailed || model.Count() > 8 {
			t.Errorf("%s after %d requests", final.State, model.Count())
		}
	})
	t.Run("another model is another form", func(t *testing.T) {
		model := tutortest.New(t, complains(func(r tutortest.Request) string {
			if r.Model == "old" && r.MaxCompletionTokens > 0 || r.Model == "new" && r.MaxTokens > 0 {
				return "wrong parameter max_tokens or max_completion_tokens"
			}
			return ""
		}))
		for model1, want := range map[string]int{"old": 1, "new": 2} {
			before := model.Count()
			if final, _, _ := answerOf(t, model.URL, func(c *Config) { c.Model = model1 }); final.Body != answered || model.Count()-before != want {
				t.Errorf("%s: %q after %d requests", model1, final.Body, model.Count()-before)
			}
		}
	})
}

func TestEndpointItem04RolesAreAdapted(t *testing.T) {
	for name, c := range map[string]struct {
		takes string // besides user and assistant
		form  systemForm
		code  int
		text  string
	}{
		"system":                   {roleSystem, asSystem, 400, ""},
		"developer":                {roleDeveloper, asDeveloper, 400, "Unsupported value: 'messages[0].role' does not support 'system' with this model."},
		"neither":                  {"", asUser, 400, "Only user and assistant roles are supported, not system or developer!"},
		"a template that breaks":   {"", asUser, 500, "Jinja exception: System role not supported"},
		"a template that objects":  {"", asUser, 422, "System role not supported"},
		"unknown variant of roles": {"", asUser, 400, "messages[0].role: unknown variant, expected user or assistant, not system nor developer"},
	} {
		t.Run(name, func(t *testing.T) {
			model := tutortest.New(t, func(w http.ResponseWriter, r *http.Request, n int) {
				previous := ""
				for i, m := range tutortest.RequestOf(r).Messages {
					if m.Role != roleUser && m.Role != roleAssistant && m.Role != c.takes {
						tutortest.Status(c.code, `{"error":{"message":"`+c.text+`"}}`)(w, r, n)
						return
					}
					// The template of a chat: after what is not the user's, strictly in turn, the user first and last.
					if m.Role == previous || m.Role == roleAssistant && i == 0 {
						tutortest.Status(400, `{"error":{"message":"Conversation roles must alternate user/assistant/user/assistant/..."}}`)(w, r, n)
						return
					}
					previous = m.Role
				}
				tutortest.Says(answered)(w, r, n)
			})
			final, s, tu := answerOf(t, model.URL)
			if final.Body != answered || model.Count() != int(c.form)+1 || tu.model.quirks.system != c.form {
				t.Fatalf("%+v after %d requests", final, model.Count())
			}
			if first := model.Last().Messages[0]; !strings.HasPrefix(first.Content, "You are the tutor of the course") || c.form == asUser && !strings.HasSuffix(first.Content, askLoop) {
				t.Errorf("first message: %+v", first)
			}
			s.further("explain this again", "r2")
			tu.Answer("r2")
			if _, _, final := watch(t, tu, "r2"); final.Body != answered || model.Count() != int(c.form)+2 {
				t.Errorf("follow-up: %+v", final)
			}
		})
	}
}

func TestEndpointItem05UsageIsAbsentOrLast(t *testing.T) {
	for name, c := range map[string]struct {
		parts          []string
		prompt, answer int // 0: estimated
	}{
		"absent":                    {[]string{tutortest.Chunk(answered), tutortest.Stop, tutortest.Done}, 0, 0},
		"last, with no choices":     {[]string{tutortest.Chunk(answered), tutortest.Stop, tutortest.Usage(321, 7), tutortest.Done}, 321, 7},
		"after the mark of the end": {[]string{tutortest.Chunk(answered), tutortest.Stop, tutortest.Done, tutortest.Usage(321, 7)}, 0, 0},
		"null on every chunk":       {[]string{`data: {"choices":[{"index":0,"delta":{"content":"It repeats [1]."}}],"usage":null}` + "\n\n", tutortest.Usage(321, 7), tutortest.Done}, 321, 7},
		"with the last choice":      {[]string{`data: {"choices":[{"index":0,"delta":{"content":"It repeats [1]."},"finish_reason":"stop"}],"usage":{"prompt_tokens":5,"completion_tokens":2}}` + "\n\n", tutortest.Done}, 5, 2},
	} {
		t.Run(name, func(t *testing.T) {
			model := tutortest.New(t, tutortest.Events(c.parts...))
			final, s, _ := answerOf(t, model.URL)
			rec := s.record
			if final.Body != answered || rec.Estimated != (c.prompt == 0) || c.prompt > 0 && (rec.PromptTokens != c.prompt || rec.AnswerTokens != c.answer) {
				t.Errorf("%q, record %+v", final.Body, rec)
			}
			if rec.Estimated && (rec.PromptTokens < len(model.Last().Prompt())/3 || rec.AnswerTokens < len(answered)/3) {
				t.Errorf("estimated low: %+v", rec)
			}
			if !strings.Contains(string(model.Last().StreamOptions), `"include_usage":true`) {
				t.Errorf("usage is not asked for: %s", model.Last().StreamOptions)
			}
		})
	}
}

// cutUp writes a text in pieces of n bytes, whatever they split.
func cutUp(text string, n int) tutortest.Play {
	var parts []string
	for len(text) > 0 {
		k := min(n, len(text))
		parts, text = append(parts, text[:k]), text[k:]
	}
	return tutortest.Events(parts...)
}

func TestEndpointItem06StreamsOfAllKinds(t *testing.T) {
	const text = "Größe – wächst: „∞“ 🙂 نعم [1]."
	whole := tutortest.Chunk("Größe – wächst: „∞“ ") + tutortest.Chunk("🙂 نعم [1].") + tutortest.Stop
	for name, play := range map[string]tutortest.Play{
		"no end mark":                      tutortest.Events(whole),
		"line feeds with carriage returns": tutortest.Events(strings.ReplaceAll(whole+tutortest.Done, "\n", "\r\n")),
		"comments":                         tutortest.Events(": OPENROUTER PROCESSING\n\n", tutortest.Chunk("Größe – wächst: „∞“ "), ":\n\n: ping\n\n", tutortest.Chunk("🙂 نعم [1]."), tutortest.Stop, tutortest.Done),
		"names and numbers of events":      tutortest.Events("event: message\nid: 1\nretry: 10\n", whole, tutortest.Done),
		"no space after the colon":         tutortest.Events(strings.ReplaceAll(whole+tutortest.Done, "data: ", "data:")),
		"a mark of the byte order":         tutortest.Events("\ufeff", whole, tutortest.Done),
		"cut at every byte":                cutUp(whole+tutortest.Done, 1),
		"cut at every third byte":          cutUp(whole+tutortest.Done, 3),
		"one JSON body":                    tutortest.Body("application/json", `{"id":"x","choices":[{"index":0,"message":{"role":"assistant","content":"`+text+`"},"finish_reason":"stop"}]}`),
		"one JSON body on many lines":      tutortest.Body("application/json", "{\n\"choices\":\n[{\"index\":0,\"message\":{\"role\":\"assistant\",\n\"content\":\""+text+"\"}}]\n}\n"),
		"a last line without its end":      tutortest.Events(strings.TrimRight(whole, "\n")),
		"empty events between":             tutortest.Events("data:\n\n", whole, "data: \n\n", tutortest.Done),
	} {
		t.Run(name, func(t *testing.T) {
			model := tutortest.New(t, play)
			if final, _, _ := answerOf(t, model.URL); final.Body != text || final.State != lms.ReplyDone || len(final.Citations) != 1 || model.Count() != 1 {
				t.Errorf("%s %q, %d requests", final.State, final.Body, model.Count())
			}
		})
	}
	for name, play := range map[string]tutortest.Play{
		"at once":           tutortest.Events(`data: {"error":{"message":"upstream secret"}}` + "\n\n"),
		"in a body":         tutortest.Body("application/json", `{"error":{"message":"upstream secret"}}`),
		"in a body as text": tutortest.Body("application/json", `{"error":"upstream secret"}`),
		"after a sentence":  tutortest.Events(tutortest.Chunk("It begins. And "), `data: {"error":{"message":"upstream secret"}}`+"\n\n"),
	} {
		t.Run("an error with status 200 "+name, func(t *testing.T) {
			model := tutortest.New(t, play)
			final, _, _ := answerOf(t, model.URL)
			if final.State != lms.ReplyFailed || final.Body == "" || strings.Contains(final.Body+final.Note, "secret") {
				t.Errorf("%+v", final)
			}
		})
	}
}
