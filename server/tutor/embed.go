package tutor

import (
	"cmp"
	"context"
	"errors"
	"io"
	"math"
	"net/http"
	"slices"
	"time"

	openai "github.com/sashabaranov/go-openai"

	"trivium/app/lms"
)

// Sizes of embedding.
const (
	embedBatch   = 32   // passages of one request and of one write
	embedText    = 4000 // bytes of a text that are sent
	maxDims      = 4096
	nearLimit    = 20 // passages that are close by meaning and take part in the fusion
	nearUsed     = 3  // of them are used whatever their words are
	fusionOffset = 60 // of reciprocal rank fusion: the usual value, at which no first place decides alone
)

// embedder turns text into directions of meaning through the endpoint. Its requests are kept apart from those of the language model: a
// breaker of its own, no place in their line, and nothing waits for them longer than Limits.Embed.
type embedder struct {
	model   string
	http    *http.Client
	api     *openai.Client
	breaker breaker
}

// newEmbedder returns nil when no model of embeddings is set.
func newEmbedder(cfg Config) *embedder {
	if cfg.EmbeddingModel == "" {
		return nil
	}
	e, _ := parseEndpoint(cfg.Endpoint, cfg.AllowPrivate) // Validate has accepted it
	m := &embedder{model: cfg.EmbeddingModel, http: e.httpClient(cfg.Limits.Connect), breaker: breaker{now: time.Now}}
	m.http.Transport = bounded{dress(cfg, m.http.Transport)}
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

func (m *embedder) close() { m.http.CloseIdleConnections() }

// wakeEmbeds has EmbedLoop look at once.
func (t *Tutor) wakeEmbeds() {
	select {
	case t.embeds <- struct{}{}:
	default:
	}
}

// bounded is a transport that bounds what an endpoint may send and follows no redirect.
type bounded struct{ next http.RoundTripper }

func (b bounded) RoundTrip(req *http.Request) (*http.Response, error) {
	res, err := b.next.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		res.Body.Close()
		return nil, errors.New("the endpoint redirects, which is not followed")
	}
	limit := int64(maxResponse)
	if res.StatusCode != http.StatusOK {
		limit = maxErrorBody
	}
	res.Body = limitedBody{io.LimitReader(res.Body, limit), res.Body}
	return res, nil
}

// CloseIdleConnections is what a client asks its transport for.
func (b bounded) CloseIdleConnections() {
	if t, ok := b.next.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

var errBadVectors = errors.New("tutor: the endpoint's vectors are not usable")

// vectors embeds texts; the result has one vector for each.
func (m *embedder) vectors(ctx context.Context, texts []string) ([][]byte, error) {
	if err := m.breaker.allow(); err != nil {
		return nil, err
	}
	out, err := m.request(ctx, texts)
	switch {
	case err == nil:
		m.breaker.success()
	case errors.Is(ctx.Err(), context.Canceled):
		m.breaker.abandon()
	default:
		m.breaker.failure()
	}
	return out, err
}

func (m *embedder) request(ctx context.Context, texts []string) ([][]byte, error) {
	short := make([]string, len(texts))
	for i, s := range texts {
		short[i] = truncate(oneLine(s), embedText)
	}
	res, err := m.api.CreateEmbeddings(ctx, openai.EmbeddingRequestStrings{Input: short, Model: openai.EmbeddingModel(m.model),
		EncodingFormat: openai.EmbeddingEncodingFormatFloat})
	if err != nil {
		return nil, err
	}
	out := make([][]byte, len(texts))
	for _, d := range res.Data {
		if d.Index < 0 || d.Index >= len(out) || out[d.Index] != nil {
			return nil, errBadVectors
		}
		out[d.Index] = quantised(d.Embedding)
	}
	if slices.ContainsFunc(out, func(v []byte) bool { return len(v) == 0 || len(v) != len(out[0]) }) {
		return nil, errBadVectors
	}
	return out, nil
}

// quantised keeps the direction of a vector, with one signed byte for each component; nil when it has no direction.
func quantised(v []float32) []byte {
	largest := 0.0
	for _, x := range v {
		largest = max(largest, math.Abs(float64(x)))
	}
	if len(v) > maxDims || !(largest > 0) || math.IsInf(largest, 0) {
		return nil
	}
	out := make([]byte, len(v))
	for i, x := range v {
		y := math.Round(127 * float64(x) / largest)
		if math.IsNaN(y) {
			return nil
		}
		out[i] = byte(int8(y))
	}
	return out
}

// EmbedLoop gives new passages their vectors until ctx ends. Every node runs it; only the leader works, so that each text is sent once.
func (t *Tutor) EmbedLoop(ctx context.Context) {
	tick := time.NewTicker(60 * t.cfg.Limits.Poll)
	defer tick.Stop()
	for {
		if now := t.now(); now.embed != nil && (t.cfg.IsLeader == nil || t.cfg.IsLeader()) {
			if err := now.embedPending(ctx); err != nil && ctx.Err() == nil {
				t.log.Warn("tutor: passages have no vectors yet; they are found by their words", "why", describe(err), "status", status(err))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-t.ctx.Done():
			return
		case <-t.embeds:
		case <-tick.C:
		}
	}
}

// embedPending embeds batch after batch; each is one request and one small write.
func (t *Tutor) embedPending(ctx context.Context) error {
	for {
		list, err := t.store.UnembeddedPassages(ctx, t.embed.model, embedBatch)
		if err != nil || len(list) == 0 {
			return err
		}
		texts := make([]string, len(list))
		for i, p := range list {
			texts[i] = p.Title + ". " + p.Heading + ". " + p.Text
		}
		call, cancel := context.WithTimeout(ctx, t.cfg.Limits.Total)
		vectors, err := t.embed.vectors(call, texts)
		cancel()
		if err != nil {
			return err
		}
		stored := make([]lms.PassageVector, len(list))
		for i, p := range list {
			stored[i] = lms.PassageVector{PassageID: p.PassageID, IndexRun: p.IndexRun, Vector: vectors[i]}
		}
		if err := t.store.AddPassageVectors(ctx, t.embed.model, stored); err != nil {
			return err
		}
		if len(list) < embedBatch {
			return nil
		}
	}
}

// fuse merges the ranking by words with the one by meaning (reciprocal rank fusion). It is called for questions that have passed the gate
// only: the gate judges words, and what does not pass leaves this node for nobody. Whatever fails or takes too long leaves the
// ranking by words as it is.
func (t *Tutor) fuse(ctx context.Context, s *search, ranked []*candidate, talk conversation, author lms.Actor, courseID string) []*candidate {
	if t.embed == nil {
		return ranked
	}
	ctx, cancel := context.WithTimeout(ctx, t.cfg.Limits.Embed)
	defer cancel()
	text := talk.question
	if len(talk.previous) > 0 && len(s.asked) > s.own { // a follow-up
		text = talk.previous[0] + "\n" + text
	}
	text = talk.mask.apply(text)
	s.spent = tokens(text)
	vectors, err := t.embed.vectors(ctx, []string{text})
	var near []lms.Passage
	if err == nil {
		near, err = t.store.NearPassages(ctx, courseID, author.Staff(), t.embed.model, vectors[0], nearLimit)
	}
	if err != nil {
		t.log.Debug("tutor: found by words alone", "why", describe(err), "status", status(err))
		return ranked
	}
	near = slices.DeleteFunc(near, func(p lms.Passage) bool { return len(s.sources) > 0 && !slices.Contains(s.sources, p.MaterialID) })
	return fused(s, ranked, near)
}

// fused orders by the sum of the reciprocal places in both rankings. What staff have vouched for, and the material in question, stay first.
func fused(s *search, ranked []*candidate, near []lms.Passage) []*candidate {
	points := make(map[*candidate]float64, len(ranked)+len(near))
	for i, c := range ranked {
		points[c] = 1 / float64(fusionOffset+i+1)
	}
	for i, p := range near {
		at := slices.IndexFunc(ranked, func(c *candidate) bool { return c.MaterialID == p.MaterialID && c.Ordinal == p.Ordinal })
		if at < 0 {
			at = len(ranked)
			ranked = append(ranked, &candidate{Passage: p, named: s.named[p.MaterialID]})
		}
		ranked[at].near = ranked[at].near || i < nearUsed
		points[ranked[at]] += 1 / float64(fusionOffset+i+1)
	}
	rank := func(c *candidate) float64 {
		switch {
		case s.vouched(c):
			return 2 + points[c]
		case c.named:
			return 1 + points[c]
		}
		return points[c]
	}
	slices.SortStableFunc(ranked, func(a, b *candidate) int { return cmp.Compare(rank(b), rank(a)) })
	return distinct(ranked)
}
