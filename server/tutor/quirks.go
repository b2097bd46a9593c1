package tutor

import (
	"errors"
	"math"
	"net/http"
	"strings"

	openai "github.com/sashabaranov/go-openai"
)

// quirks are deviations of an endpoint or model from the common form. They are learned from its complaints and remembered as long
// as the endpoint and the model stay the same. Each can only be learned once.
type quirks struct {
	noTemperature bool
	noUsage       bool // no stream_options
	newMaxTokens  bool // max_completion_tokens instead of max_tokens
	noMaxTokens   bool
	system        systemForm
}

// systemForm is where the system text goes.
type systemForm int

const (
	asSystem systemForm = iota
	asDeveloper
	asUser // into the first message of the user
)

// request builds the request in the form that the endpoint takes.
func (m *modelClient) request(prompt []message) openai.ChatCompletionRequest {
	m.mu.Lock()
	q := m.quirks
	m.mu.Unlock()
	req := openai.ChatCompletionRequest{Model: m.cfg.Model, Stream: true}
	if !q.noUsage {
		req.StreamOptions = &openai.StreamOptions{IncludeUsage: true}
	}
	if !q.noTemperature {
		// The library leaves a zero out; the smallest number above it means the same.
		req.Temperature = max(float32(*m.cfg.Temperature), math.SmallestNonzeroFloat32)
	}
	switch {
	case q.noMaxTokens:
	case q.newMaxTokens:
		req.MaxCompletionTokens = m.cfg.MaxTokens
	default:
		//lint:ignore SA1019 deprecated by one vendor, and the only name that most compatible endpoints know
		req.MaxTokens = m.cfg.MaxTokens
	}
	system := ""
	for _, p := range prompt {
		if p.role == roleSystem && q.system == asUser {
			system += p.text + "\n\n"
			continue
		}
		if p.role == roleSystem && q.system == asDeveloper {
			p.role = roleDeveloper
		}
		if system != "" && p.role == roleUser {
			p.text, system = system+p.text, ""
		}
		req.Messages = append(req.Messages, openai.ChatCompletionMessage{Role: p.role, Content: p.text})
	}
	return req
}

// learn reports whether an error complains about a parameter that can be sent in another form, and remembers that form.
func (m *modelClient) learn(err error) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	q := &m.quirks
	before := *q
	code := status(err)
	switch {
	case errors.Is(err, openai.ErrReasoningModelMaxTokensDeprecated): // the library knows this family of models
		q.newMaxTokens, q.noTemperature = true, true
	case errors.Is(err, openai.ErrReasoningModelLimitationsOther), errors.Is(err, openai.ErrReasoningSamplingUnsupported):
		q.noTemperature = true
	case code == http.StatusBadRequest || code == http.StatusUnprocessableEntity:
		q.adapt(complaint(err))
	case code == http.StatusInternalServerError && mentions(complaint(err), "system role"): // a template of chats that fails says so
		q.adapt(complaint(err))
	}
	return *q != before
}

// adapt changes the form of the parameter that a complaint names.
func (q *quirks) adapt(complaint string) {
	switch {
	case mentions(complaint, "max_completion_tokens") && !q.newMaxTokens && mentions(complaint, "max_tokens"):
		q.newMaxTokens = true
	case mentions(complaint, "max_tokens") && !q.newMaxTokens:
		q.newMaxTokens = true
	case mentions(complaint, "max_completion_tokens"):
		q.noMaxTokens = true
	case mentions(complaint, "stream_options") || mentions(complaint, "include_usage"):
		q.noUsage = true
	case mentions(complaint, "temperature"):
		q.noTemperature = true
	case q.system == asSystem && mentions(complaint, "system") && mentionsAny(complaint, "role", "message", "prompt"):
		q.system = asDeveloper
	case q.system == asDeveloper && mentionsAny(complaint, "developer", "system", "role"):
		q.system = asUser
	}
}

// mentions reports whether an endpoint's complaint names a parameter.
func mentions(complaint, parameter string) bool {
	return strings.Contains(strings.ToLower(complaint), parameter)
}

func mentionsAny(complaint string, parameters ...string) bool {
	for _, p := range parameters {
		if mentions(complaint, p) {
			return true
		}
	}
	return false
}
