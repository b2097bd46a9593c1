package tutor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"trivium/app/lms"
)

// Health tells how the language model does on this node and on the others (TUTOR-24).
func (t *Tutor) Health(ctx context.Context) []lms.ModelHealth {
	t = t.now()
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	all := []lms.ModelHealth{t.health()}
	others := t.others(ctx)
	found := make([]lms.ModelHealth, len(others))
	var wg sync.WaitGroup
	for i, node := range others {
		wg.Go(func() {
			found[i] = lms.ModelHealth{Node: node, Silent: true}
			res, err := t.peerRequest(ctx, node, http.MethodGet, "/health", "", nil)
			if err != nil {
				return
			}
			defer res.Body.Close()
			var h lms.ModelHealth
			if json.NewDecoder(io.LimitReader(res.Body, 64<<10)).Decode(&h) == nil {
				h.Node, found[i] = node, h
			}
		})
	}
	wg.Wait()
	all = append(all, found...)
	slices.SortFunc(all, func(a, b lms.ModelHealth) int { return strings.Compare(a.Node, b.Node) })
	return all
}

// health is that of this node.
func (t *Tutor) health() lms.ModelHealth {
	h := lms.ModelHealth{Node: t.cfg.Node, Fault: t.Warning(), Limit: t.slots.limit, Failures: []lms.ModelFailure{}}
	t.slots.mu.Lock()
	h.Running, h.Waiting = t.slots.used, len(t.slots.line)
	t.slots.mu.Unlock()
	for _, m := range []*modelClient{t.model, t.second} {
		if m == nil {
			continue
		}
		m.mu.Lock()
		h.Failures = append(h.Failures, m.failures...)
		m.mu.Unlock()
	}
	slices.SortFunc(h.Failures, func(a, b lms.ModelFailure) int { return b.At.Compare(a.At) })
	if t.model != nil {
		h.Host, h.Open = t.model.endpoint.host, t.model.breaker.open()
	}
	return h
}

func (t *Tutor) serveHealth(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(t.now().health())
}

// Bounds of a test: a person waits for it.
const (
	testFirst  = 11 * time.Second // to the first word
	testTotal  = 17 * time.Second
	testAnswer = 60 // tokens
)

// TestTokens is how much of a context a test fills at most.
const TestTokens = 16_000

const testWord = "kingfisher"

// Test calls an endpoint as a person sets it up, and says in plain words what works (TUTOR-37). Nothing of the site is sent.
func (t *Tutor) Test(ctx context.Context, e lms.ModelEndpoint, key string, size int) []lms.ModelStep {
	ctx, cancel := context.WithTimeout(ctx, testTotal)
	defer cancel()
	cfg := onEndpoint(t.first, e, key)
	zero := 0.0
	cfg.Temperature, cfg.MaxTokens, cfg.ContextTokens, cfg.Calls = &zero, testAnswer, max(size, 2*testAnswer+500), 1
	cfg.Limits.FirstToken, cfg.Limits.Total, cfg.Limits.Queue = testFirst, testTotal, time.Second
	if err := cfg.Validate(); err != nil {
		return []lms.ModelStep{{Name: "Settings", Text: problemText(err)}}
	}
	m := newModelClient(cfg)
	defer m.close()
	probe := &testProbe{began: time.Now()}
	prompt := []message{{roleSystem, "You answer briefly."}, {roleUser, "Write the numbers from one to ten as words, one on a line."}}
	end, err := m.complete(ctx, prompt, probe.add, func(string) {})
	steps := probe.steps(m, end, err)
	if err == nil {
		steps = append(steps, m.testContext(ctx, min(size, TestTokens), size))
	}
	return steps
}

// problemText is an error of the settings as a sentence.
func problemText(err error) string {
	var e *lms.Error
	errors.As(refusal("", err), &e)
	return e.Message
}

// testProbe watches how text arrives.
type testProbe struct {
	began  time.Time
	first  time.Duration
	last   time.Duration
	pieces int
	length int
}

func (p *testProbe) add(s string) {
	p.last = time.Since(p.began)
	if p.pieces++; p.pieces == 1 {
		p.first = p.last
	}
	p.length += len(s)
}

// steps says what the first call has shown. What comes after a failure is not known, so it is left out.
func (p *testProbe) steps(m *modelClient, end outcome, err error) []lms.ModelStep {
	step := func(name string, ok bool, good, bad string) lms.ModelStep {
		if ok {
			return lms.ModelStep{Name: name, OK: true, Text: good}
		}
		return lms.ModelStep{Name: name, Text: bad}
	}
	code := status(err)
	answered := err == nil || code != 0 || p.pieces > 0 || errors.Is(err, errNotAStream) || errors.Is(err, errInStream) || errors.Is(err, errEmpty)
	slow := errors.Is(err, errFirstToken) || errors.Is(err, errTotal) || errors.Is(err, context.DeadlineExceeded)
	reach := m.endpoint.host + " cannot be reached: check the address, and that the service runs. Addresses of a private network are refused unless the operator allows them with --tutor-private."
	if slow {
		reach = fmt.Sprintf("%s gave no word within %d seconds. A model that was idle is loaded first: test again in a minute.", m.endpoint.host, int(testFirst.Seconds()))
	}
	all := []lms.ModelStep{step("Reachable", answered, m.endpoint.host+" answers.", reach)}
	if !answered {
		return all
	}
	denied := code == http.StatusUnauthorized || code == http.StatusForbidden
	key := "The key is accepted."
	if m.cfg.Key == "" {
		key = "No key is set, and none is asked for."
	}
	all = append(all, step("Key", !denied, key, fmt.Sprintf("The service refuses the key (status %d): copy it again, or look whether it has expired.", code)))
	if denied {
		return all
	}
	unknown := code == http.StatusNotFound || (code == http.StatusBadRequest && unknownModel.MatchString(complaint(err)))
	all = append(all, step("Model", !unknown, fmt.Sprintf("The service knows the model %q.", m.cfg.Model),
		fmt.Sprintf("The service does not know the model %q, or the address is not that of its API.", m.cfg.Model)))
	if unknown {
		return all
	}
	if err != nil {
		why := m.why(err)
		return append(all, step("Answer", false, "", strings.ToUpper(why[:1])+why[1:]+"."))
	}
	spread := p.pieces > 1 && p.last-p.first > 0
	all = append(all,
		step("Streams", spread, fmt.Sprintf("The text comes word by word, in %d pieces.", p.pieces), "The text comes all at once: students wait for the whole answer. It works, but look for a setting of the service."),
		step("Usage", end.prompt > 0 || end.answer > 0, fmt.Sprintf("The service tells what it used: %d and %d tokens.", end.prompt, end.answer),
			"The service does not tell how many tokens it used: they are estimated on the high side."),
		step("First word", p.first < 5*time.Second, "After "+seconds(p.first)+".", "After "+seconds(p.first)+": students will wait. A model that was idle is slow only the first time."))
	return all
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.1f s", d.Seconds()) }

// testContext fills the context and looks whether its beginning was read: some services cut it silently from the front.
func (m *modelClient) testContext(ctx context.Context, fill, size int) lms.ModelStep {
	words := max(fill-testAnswer-120, 100)
	var b strings.Builder
	fmt.Fprintf(&b, "The word of the day is %s.\n", testWord)
	b.WriteString(strings.Repeat("and so on ", words/3))
	b.WriteString("\nWhat is the word of the day? Answer with that word only.")
	var said strings.Builder
	end, err := m.complete(ctx, []message{{roleUser, b.String()}}, func(s string) { said.WriteString(s) }, func(string) {})
	step := lms.ModelStep{Name: "Context"}
	known := strings.Contains(strings.ToLower(said.String()), testWord)
	switch {
	case err != nil && status(err) != 0:
		step.Text = fmt.Sprintf("The service refuses %d tokens at once (status %d): set a smaller context.", fill, status(err))
	case err != nil:
		step.Text = fmt.Sprintf("%d tokens at once got no answer in time. Set a smaller context if answers are slow.", fill)
	case end.prompt > 0 && end.prompt < words*6/10:
		step.Text = fmt.Sprintf("Of about %d tokens the service has read only %d: it cuts what is longer, from the front. Set the context to what the service is started with.", words, end.prompt)
	case end.prompt == 0 && !known:
		step.Text = fmt.Sprintf("The beginning of %d tokens seems to be lost. Set the context to what the service is started with.", fill)
	default:
		step.OK = true
		step.Text = fmt.Sprintf("%d tokens at once are read to the end.", fill)
		if fill < size {
			step.Text += fmt.Sprintf(" The %d that are set are not tried out.", size)
		}
	}
	return step
}
