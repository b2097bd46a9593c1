package tutor

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"trivium/app/lms"
)

// modelClient calls the endpoint.
type modelClient struct {
	asked    Config // as the settings had it
	cfg      Config
	endpoint endpoint
	http     *http.Client
	api      *openai.Client
	breaker  breaker
	log      *slog.Logger

	mu     sync.Mutex
	quirks quirks // learned from the endpoint's complaints
	fault  string // what an administrator must know, in plain words; empty: the last call worked

	failures []lms.ModelFailure // the latest ones, oldest first
}

// message is one turn of a prompt.
type message struct{ role, text string }

// Roles of messages.
const (
	roleSystem    = openai.ChatMessageRoleSystem
	roleDeveloper = openai.ChatMessageRoleDeveloper
	roleUser      = openai.ChatMessageRoleUser
	roleAssistant = openai.ChatMessageRoleAssistant
)

// outcome is what a call that produced text ended with.
type outcome struct {
	finish string // as the endpoint says: "stop", "length", "content_filter", or empty
	prompt int    // tokens, 0: not told
	answer int
	model  string // that wrote it, if it was not the first one
}

func newModelClient(cfg Config) *modelClient {
	e, _ := parseEndpoint(cfg.Endpoint, cfg.AllowPrivate) // Validate has accepted it
	orDefault(&cfg.Limits.FirstToken, firstToken(e))
	m := &modelClient{cfg: cfg, endpoint: e, http: e.httpClient(cfg.Limits.Connect), log: cfg.Logger, breaker: breaker{now: time.Now}}
	m.http.Transport = tolerant{dress(cfg, m.http.Transport)}
	bearer := cfg.Key
	if cfg.KeyHeader != "" {
		bearer = ""
	}
	config := openai.DefaultConfig(bearer)
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
	m.http.CloseIdleConnections()
}

// Times that a call ran out of.
var (
	errFirstToken = errors.New("no first token in time")
	errIdle       = errors.New("silence between tokens")
	errTotal      = errors.New("the call took too long")
	errEmpty      = errors.New("the answer is empty")
)

// complete makes one call and passes the text on as it arrives. A complaint about a parameter, and a Retry-After within the waiting
// limit, are answered by another attempt; nothing has been passed on by then. wait tells the reader about it.
func (m *modelClient) complete(ctx context.Context, prompt []message, text func(string), wait func(string)) (outcome, error) {
	if err := m.breaker.allow(); err != nil {
		return outcome{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, m.cfg.Limits.Total, errTotal)
	defer cancel()
	info := &callInfo{}
	out, err := m.attempt(ctx, prompt, text, wait, info)
	for err != nil && ctx.Err() == nil && m.learn(err) { // ends: there are few forms, and each is learned once
		out, err = m.attempt(ctx, prompt, text, wait, info)
	}
	if pause, ok := retryPause(err, info.retryAfter, time.Now(), m.cfg.Limits.Queue); ok && ctx.Err() == nil {
		wait("The language model is busy; it is asked again in a moment.")
		select {
		case <-ctx.Done():
		case <-time.After(pause):
			out, err = m.attempt(ctx, prompt, text, wait, info)
		}
	}
	switch {
	case err == nil:
		m.breaker.success()
		m.report(nil)
	case errors.Is(context.Cause(ctx), errStopped), errors.Is(context.Cause(ctx), context.Canceled), errors.Is(context.Cause(ctx), errLostClaim),
		errors.Is(context.Cause(ctx), errHeldBack):
		m.breaker.abandon()
	default:
		m.breaker.failure()
		m.report(err)
	}
	return out, err
}

// attempt makes one request.
func (m *modelClient) attempt(ctx context.Context, prompt []message, text, wait func(string), info *callInfo) (outcome, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	limits := m.cfg.Limits
	watch := time.AfterFunc(limits.FirstToken, func() { cancel(errFirstToken) })
	idle := time.AfterFunc(time.Hour, func() { cancel(errIdle) })
	loading := time.AfterFunc(limits.Found, func() {
		if m.endpoint.local {
			wait(waitLoading)
		}
	})
	defer watch.Stop()
	defer idle.Stop()
	defer loading.Stop()
	info.activity = func() {
		watch.Stop()
		loading.Stop()
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

// waitLoading is what a reader is told while a model on a machine of the institution is silent.
const waitLoading = "The model is loading, which may take a minute when it was idle."

// retryPause tells whether a refusal asks to come back within the limit. Retry-After holds seconds or a date.
func retryPause(err error, retryAfter string, now time.Time, limit time.Duration) (time.Duration, bool) {
	if s := status(err); s != http.StatusTooManyRequests && s != http.StatusServiceUnavailable {
		return 0, false
	}
	var pause time.Duration
	if seconds, err := strconv.Atoi(retryAfter); err == nil && seconds >= 0 && seconds < 1<<20 {
		pause = time.Duration(seconds) * time.Second
	} else if at, err := http.ParseTime(retryAfter); err == nil {
		pause = max(at.Sub(now), 0)
	} else {
		return 0, false
	}
	return pause, pause <= limit
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

// complaint is the text with which an endpoint refuses a request, with the parameter that it names; empty: no refusal.
func complaint(err error) string {
	var refused *openai.APIError
	var raw *openai.RequestError
	switch {
	case errors.As(err, &refused):
		text := refused.Message
		if refused.Param != nil {
			text += " " + *refused.Param
		}
		if code, ok := refused.Code.(string); ok {
			text += " " + code
		}
		return text
	case errors.As(err, &raw):
		return string(raw.Body)
	}
	return ""
}
