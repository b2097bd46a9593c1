package tutor

import (
	"reflect"
	"strings"
	"time"

	"trivium/app/lms"
)

// Keys are the keys of the endpoints, opened.
type Keys struct{ First, Second string }

// used is what Use was told.
type used struct {
	settings lms.ModelSettings
	keys     Keys
}

// newSettings makes what the settings say. What of those before stays as it is keeps its state: the breaker, what was learned of the
// endpoint, and the calls that run.
func newSettings(cfg, second Config, before settings) settings {
	s := settings{fault: cfg.Validate()}
	if s.fault == nil && second.Endpoint != "" {
		s.fault = second.Validate()
	}
	s.cfg = cfg
	s.slots = before.slots
	if s.slots == nil || s.slots.limit != cfg.Calls || s.slots.queue != cfg.Waiting {
		s.slots = newSlots(cfg.Calls, cfg.Waiting)
	}
	if s.fault == nil {
		s.model = before.model.orNew(cfg)
		s.second = before.second.orNew(second)
		if cfg.Endpoint != "" {
			s.embed = newEmbedder(cfg)
		}
	}
	return s
}

// orNew returns the client if it does what the settings say, else another; nil without an endpoint.
func (m *modelClient) orNew(cfg Config) *modelClient {
	if cfg.Endpoint == "" {
		return nil
	}
	if m != nil && sameClient(m.asked, cfg) {
		return m
	}
	fresh := newModelClient(cfg)
	fresh.asked = cfg
	return fresh
}

// sameClient reports whether two settings make the same calls.
func sameClient(a, b Config) bool {
	return a.Endpoint == b.Endpoint && a.Model == b.Model && a.Key == b.Key && a.KeyHeader == b.KeyHeader && a.Query == b.Query &&
		*a.Temperature == *b.Temperature && a.MaxTokens == b.MaxTokens && a.ContextTokens == b.ContextTokens && a.Limits == b.Limits
}

// release lets idle connections go.
func (s settings) release() {
	for _, m := range []*modelClient{s.model, s.second} {
		if m != nil {
			m.close()
		}
	}
	if s.embed != nil {
		s.embed.close()
	}
}

// where tells where text goes. Whatever leaves the site is named, also when it leaves only now and then.
func (s settings) where() string {
	first := s.model.endpoint.where
	switch {
	case s.second == nil || s.second.endpoint.where == first:
		return first
	case first == onSite:
		return s.second.endpoint.where + " when the model on your computers does not answer"
	case s.second.endpoint.where == onSite:
		return first
	}
	return first + " or " + s.second.endpoint.where
}

// Use puts settings of the site in force, at once and without touching answers that are being written. What the operator has set with
// flags wins: with an endpoint of its own a node keeps that one, its model, temperature, longest answer and context.
func (t *Tutor) Use(s lms.ModelSettings, keys Keys) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if told := (used{s, keys}); t.closed || reflect.DeepEqual(t.used, told) {
		return
	} else {
		t.used = told
	}
	before := t.now()
	first, second := t.configs(s, keys)
	after := newSettings(first, second, before.settings)
	if after.fault != nil {
		t.log.Error("tutor: settings refused, answering with passages only", "error", after.fault)
	}
	t.inUse.Store(&Tutor{t.core, after})
	t.wakeEmbeds()
	for _, m := range []*modelClient{before.model, before.second} {
		if m != nil && m != after.model && m != after.second {
			m.close()
		}
	}
	if before.embed != nil {
		before.embed.close()
	}
}

// configs are the settings of the site on top of what flags say.
func (t *Tutor) configs(s lms.ModelSettings, keys Keys) (first, second Config) {
	first = t.first
	first.Calls, first.MonthlyCap = s.Calls, s.Cap()
	for _, l := range []struct {
		to      *time.Duration
		seconds int
	}{{&first.Limits.FirstToken, s.FirstToken}, {&first.Limits.Idle, s.Idle}, {&first.Limits.Total, s.Total}} {
		if l.seconds > 0 {
			*l.to = time.Duration(l.seconds) * time.Second
		}
	}
	if _, set := t.Operator(); !set {
		first.Temperature, first.MaxTokens, first.ContextTokens = &s.Temperature, s.MaxTokens, s.Context
		first = onEndpoint(first, s.First, keys.First)
		first.EmbeddingModel = s.Embedding
	}
	return first, onEndpoint(first, s.Second, keys.Second)
}

func onEndpoint(c Config, e lms.ModelEndpoint, key string) Config {
	c.Endpoint, c.Model, c.KeyHeader, c.Query, c.Key = e.URL, e.Model, e.KeyHeader, e.Query, key
	return c
}

// Operator returns the endpoint that flags of this node set; false: none, so that administrators set it.
func (t *Tutor) Operator() (lms.ModelEndpoint, bool) {
	c := t.first
	return lms.ModelEndpoint{URL: c.Endpoint, Model: c.Model, KeyHeader: c.KeyHeader, Query: c.Query, KeySet: c.Key != ""}, c.Endpoint != ""
}

// CheckEndpoint refuses an endpoint that this node must not call, naming the field.
func (t *Tutor) CheckEndpoint(e lms.ModelEndpoint, prefix string) error {
	if e.URL == "" {
		return nil
	}
	if _, err := parseEndpoint(e.URL, t.first.AllowPrivate); err != nil {
		return refusal(prefix+"Url", err)
	}
	if err := checkDress(e.KeyHeader, ""); err != nil {
		return refusal(prefix+"KeyHeader", err)
	}
	if err := checkDress("", e.Query); err != nil {
		return refusal(prefix+"Query", err)
	}
	return nil
}

// refusal puts an error of this package into the words of a form.
func refusal(field string, err error) error {
	text := strings.TrimPrefix(err.Error(), "tutor: ")
	return lms.FieldErrorf(lms.KindRule, field, "%s.", strings.ToUpper(text[:1])+text[1:])
}

// KeyPlace is where a key is sealed for: the service that it is sent to. So a key never opens for another host (TUTOR-36).
func KeyPlace(address string) (string, error) {
	e, err := parseEndpoint(address, true)
	if err != nil {
		return "", err
	}
	return "tutor key " + e.origin, nil
}
