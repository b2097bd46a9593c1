package tutor

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	openai "github.com/sashabaranov/go-openai"
)

// modelClient calls the endpoint.
type modelClient struct {
	cfg      Config
	endpoint endpoint
	http     *http.Client
	api      *openai.Client
	breaker  breaker
	log      *slog.Logger

	mu     sync.Mutex
	quirks quirks // learned from the endpoint's complaints
}

// quirks are deviations of an endpoint or model from the common form.
type quirks struct {
	noTemperature bool
	newMaxTokens  bool // max_completion_tokens instead of max_tokens
	noMaxTokens   bool
	noSystem      bool // the system text goes into the first message of the user
}

// message is one turn of a prompt.
type message struct{ role, text string }

// Roles of messages.
const (
	roleSystem    = openai.ChatMessageRoleSystem
	roleUser      = openai.ChatMessageRoleUser
	roleAssistant = openai.ChatMessageRoleAssistant
)

// outcome is what a call that produced text ended with.
type outcome struct {
	finish string // as the endpoint says: "stop", "length", "content_filter", or empty
	prompt int    // tokens, 0: not told
	answer int
}

func newModelClient(cfg Config) *modelClient {
	e, _ := parseEndpoint(cfg.Endpoint, cfg.AllowPrivate) // Validate has accepted it
	orDefault(&cfg.Limits.FirstToken, firstToken(e))
	m := &modelClient{cfg: cfg, endpoint: e, http: e.httpClient(cfg.Limits.Connect), log: cfg.Logger, breaker: breaker{now: time.Now}}
	m.http.Transport = tolerant{m.http.Transport}
	config := openai.DefaultConfig(cfg.Key)
	config.BaseURL = e.base
	config.HTTPClient = m.http
	m.api = openai.NewClientWithConfig(config)
	return m
}

func firstToken(e endpoint) time.Duration {
	if e.local {
		return 60 * time.Second
	}
	return 10 * time.Second
}

func (m *modelClient) close() {
	if t, ok := m.http.Transport.(tolerant); ok {
		t.next.(*http.Transport).CloseIdleConnections()
	}
}

// Times that a call ran out of.
var (
	errFirstToken = errors.New("no first token in time")
	errIdle       = errors.New("silence between tokens")
	errTotal      = errors.New("the call took too long")
	errEmpty      = errors.New("the answer is empty")
)

// complete makes one call and passes the text on as it arrives. A complaint about a parameter, and a short Retry-After, are
// answered by one second attempt; nothing has been passed on by then. wait tells the reader about it.
func (m *modelClient) complete(ctx context.Context, prompt []message, text func(string), wait func(string)) (outcome, error) {
	if err := m.breaker.allow(); err != nil {
		return outcome{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, m.cfg.Limits.Total, errTotal)
	defer cancel()
	info := &callInfo{}
	out, err := m.attempt(ctx, prompt, text, info)
	if err != nil && ctx.Err() == nil {
		if m.learn(err) {
			out, err = m.attempt(ctx, prompt, text, info)
		} else if pause, ok := retryPause(err, info.retryAfter, m.cfg.Limits.Idle); ok {
			wait("The language model is busy; it is asked again in a moment.")
			select {
			case <-ctx.Done():
			case <-time.After(pause):
				out, err = m.attempt(ctx, prompt, text, info)
			}
		}
	}
	switch {
	case err == nil:
		m.breaker.success()
	case errors.Is(context.Cause(ctx), errStopped), errors.Is(context.Cause(ctx), context.Canceled), errors.Is(context.Cause(ctx), errLostClaim),
		errors.Is(context.Cause(ctx), errHeldBack):
		m.breaker.abandon()
	default:
		m.breaker.failure()
	}
	return out, err
}

// attempt makes one request.
func (m *modelClient) attempt(ctx context.Context, prompt []message, text func(string), info *callInfo) (outcome, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limits := m.cfg.Limits
	watch := time.AfterFunc(limits.FirstToken, func() { cancel(errFirstToken) })
	idle := time.AfterFunc(time.Hour, func() { cancel(errIdle) })
	defer watch.Stop()
	defer idle.Stop()
	info.activity = func() {
		watch.Stop()
		idle.Reset(limits.Idle)
	}
	stream, err := m.api.CreateChatCompletionStream(context.WithValue(ctx, callInfoKey{}, info), m.request(prompt))
	if err != nil {
		return outcome{}, withCause(ctx, err)
	}
	defer stream.Close()
	var out outcome
	var think reasoning
	written := false
	emit := func(s string) {
		if written = written || strings.TrimSpace(s) != ""; s != "" {
			text(s)
		}
	}
	for {
		chunk, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return out, withCause(ctx, err)
		}
		if chunk.Usage != nil {
			out.prompt, out.answer = chunk.Usage.PromptTokens, chunk.Usage.CompletionTokens
		}
		for _, c := range chunk.Choices {
			if c.Index != 0 {
				continue
			}
			emit(think.filter(c.Delta.Content))
			if c.FinishReason != "" && c.FinishReason != openai.FinishReasonNull {
				out.finish = string(c.FinishReason)
			}
		}
	}
	emit(think.rest())
	if !written {
		return out, errEmpty
	}
	return out, nil
}

// withCause tells why the context ended, which the network's error does not.
func withCause(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return errors.Join(cause, err)
	}
	return err
}

// request builds the request in the form that the endpoint takes.
func (m *modelClient) request(prompt []message) openai.ChatCompletionRequest {
	m.mu.Lock()
	q := m.quirks
	m.mu.Unlock()
	req := openai.ChatCompletionRequest{Model: m.cfg.Model, Stream: true}
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
		if p.role == roleSystem && q.noSystem {
			system += p.text + "\n\n"
			continue
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
	var refused *openai.APIError
	var raw *openai.RequestError
	switch {
	case errors.Is(err, openai.ErrReasoningModelMaxTokensDeprecated): // the library knows this family of models
		q.newMaxTokens, q.noTemperature = true, true
	case errors.Is(err, openai.ErrReasoningModelLimitationsOther), errors.Is(err, openai.ErrReasoningSamplingUnsupported):
		q.noTemperature = true
	case errors.As(err, &refused) && (refused.HTTPStatusCode == 400 || refused.HTTPStatusCode == 422):
		complaint := refused.Message
		if refused.Param != nil {
			complaint += " " + *refused.Param
		}
		q.adapt(complaint)
	case errors.As(err, &raw) && (raw.HTTPStatusCode == 400 || raw.HTTPStatusCode == 422):
		q.adapt(string(raw.Body))
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
	case mentions(complaint, "temperature"):
		q.noTemperature = true
	case mentions(complaint, "system"):
		q.noSystem = true
	}
}

// retryPause tells whether a refusal asks to come back within the limit.
func retryPause(err error, retryAfter string, limit time.Duration) (time.Duration, bool) {
	if s := status(err); s != http.StatusTooManyRequests && s != http.StatusServiceUnavailable {
		return 0, false
	}
	seconds, convErr := strconv.Atoi(retryAfter)
	if convErr != nil || seconds < 0 || time.Duration(seconds)*time.Second > limit {
		return 0, false
	}
	return time.Duration(seconds) * time.Second, true
}

// status returns the HTTP status of a refusal, or 0.
func status(err error) int {
	var refused *openai.APIError
	var raw *openai.RequestError
	switch {
	case errors.As(err, &refused):
		return refused.HTTPStatusCode
	case errors.As(err, &raw):
		return raw.HTTPStatusCode
	}
	return 0
}

// describe says in an operator's words why a call failed. Text of the endpoint is left out: it may hold what it was sent.
func describe(err error) string {
	switch s := status(err); {
	case s == http.StatusUnauthorized || s == http.StatusForbidden:
		return fmt.Sprintf("the endpoint refuses the key (status %d)", s)
	case s == http.StatusNotFound:
		return "the endpoint does not know the address or the model (status 404)"
	case s == http.StatusTooManyRequests:
		return "the endpoint is over its rate limit (status 429)"
	case s != 0:
		return fmt.Sprintf("the endpoint answered with status %d", s)
	}
	for _, known := range []error{errFirstToken, errIdle, errTotal, errEmpty, errNotAStream, errTooLong, errInStream, errQueueFull,
		errQueueLong, errBreakerOpen} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "the endpoint cannot be reached, or its answer broke off"
}
