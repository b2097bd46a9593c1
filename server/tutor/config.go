package tutor

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"time"

	"trivium/app/lms"
)

// Config describes a tutor. The zero value of a limit means its default.
type Config struct {
	Store  Store
	Node   string // id of this node, under which it claims replies
	Logger *slog.Logger

	// Endpoint is the base URL of an OpenAI-compatible service, with or without /v1. Empty: no language model; the tutor
	// quotes passages and makes no connection.
	Endpoint string
	Model    string
	Key      string // empty: no Authorization header
	// EmbeddingModel is the name of a model of embeddings at the endpoint. Empty: passages are found by their words alone.
	EmbeddingModel string
	// KeyHeader is the header that takes the key as it is, such as api-key; empty: Authorization, as a bearer token.
	KeyHeader string
	// Query is added to the address of every request, such as api-version=2024-06-01.
	Query string
	// AllowPrivate lets the endpoint lie in a private network, also over http. Loopback is always allowed.
	AllowPrivate  bool
	Temperature   *float64 // default 0.3
	MaxTokens     int      // longest answer in tokens, 50 to 4000, default 500
	ContextTokens int      // what the model reads at once, prompt and answer, default 4096
	Calls         int      // concurrent calls, default 4
	Waiting       int      // answers that wait for a call, default 50
	MonthlyCap    int64    // tokens of the whole site in a month; 0: no cap
	Limits        Limits

	// Nodes lists the nodes of the cluster; nil: there are no others.
	Nodes func(ctx context.Context) ([]string, error)
	// Peers returns an HTTP client for the tutor service of a node, and the base URL to use with it.
	Peers func(ctx context.Context, node string) (*http.Client, string, error)
	// OpenFile opens the bytes of an uploaded file.
	OpenFile func(ctx context.Context, f lms.File) (io.ReadSeekCloser, error)
	// IsLeader tells whether this node is the one that reads new material. Nil: it is.
	IsLeader func() bool
	// Extractor is the command line of a process that runs ExtractProcess, so that a hostile document can harm nothing
	// but that process. Empty: documents are read in this process.
	Extractor []string
}

// Limits are the times that a tutor keeps.
type Limits struct {
	Connect    time.Duration // to the endpoint, default 5 s
	FirstToken time.Duration // default 10 s; 60 s for loopback and private endpoints, which may have to load the model
	Idle       time.Duration // silence between tokens, default 20 s
	Total      time.Duration // of one call, default 120 s
	Queue      time.Duration // wait for a free call, default 60 s
	Heartbeat  time.Duration // default 2.5 s
	Stale      time.Duration // silence after which another node takes an answer over, default 10 s
	Found      time.Duration // silence of the model after which the passages are shown, default 1.5 s
	Poll       time.Duration // of the store, by loops and by streams that have no other source, default 1 s
	Extract    time.Duration // reading one document, default 2 min
	Embed      time.Duration // of a question, with the comparison; default 300 ms
}

// Default settings.
const (
	defaultTemperature   = 0.3
	defaultMaxTokens     = 500
	defaultContextTokens = 4096
	defaultCalls         = 4
	defaultWaiting       = 50
)

func orDefault[T comparable](p *T, value T) {
	var zero T
	if *p == zero {
		*p = value
	}
}

// Validate normalises the settings and refuses those that cannot work.
func (c *Config) Validate() error {
	if c.Temperature == nil {
		t := defaultTemperature
		c.Temperature = &t
	}
	orDefault(&c.MaxTokens, defaultMaxTokens)
	orDefault(&c.ContextTokens, defaultContextTokens)
	orDefault(&c.Calls, defaultCalls)
	orDefault(&c.Waiting, defaultWaiting)
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	l := &c.Limits
	orDefault(&l.Connect, 5*time.Second)
	orDefault(&l.Idle, 20*time.Second)
	orDefault(&l.Total, 120*time.Second)
	orDefault(&l.Queue, 60*time.Second)
	orDefault(&l.Heartbeat, 2500*time.Millisecond)
	orDefault(&l.Stale, 10*time.Second)
	orDefault(&l.Found, 1500*time.Millisecond)
	orDefault(&l.Poll, time.Second)
	orDefault(&l.Extract, 2*time.Minute)
	orDefault(&l.Embed, 300*time.Millisecond)
	switch {
	case *c.Temperature < 0 || *c.Temperature > 2:
		return errors.New("tutor: the temperature lies between 0 and 2")
	case c.MaxTokens < 50 || c.MaxTokens > 4000:
		return errors.New("tutor: the longest answer lies between 50 and 4000 tokens")
	case c.ContextTokens < 2*c.MaxTokens+500:
		return errors.New("tutor: the context is too small for the longest answer; it has at least twice its tokens and 500 more")
	case c.Calls < 1 || c.Waiting < 0:
		return errors.New("tutor: at least one call must be allowed")
	}
	if c.Endpoint == "" && c.EmbeddingModel != "" {
		return errors.New("tutor: a model of embeddings needs an endpoint")
	}
	if c.Endpoint == "" {
		return nil
	}
	if c.Model == "" {
		return errors.New("tutor: an endpoint needs the name of a model")
	}
	if err := checkDress(c.KeyHeader, c.Query); err != nil {
		return err
	}
	_, err := parseEndpoint(c.Endpoint, c.AllowPrivate)
	return err
}
