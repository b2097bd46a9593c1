package tutor

import (
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"net/url"
	"regexp"
	"strings"
	"time"

	"trivium/app/lms"
)

// keptFailures is how many failed calls an administrator sees.
const keptFailures = 10

// unknownModel is what an endpoint's words for "model not found" look like.
var unknownModel = regexp.MustCompile(`(?i)\bmodel\b.*(not found|not exist|unknown|no such|not loaded|not supported|not available)|(unknown|invalid|no such) model|model_not_found`)

// why says in an operator's words why a call failed. Text of the endpoint is left out: it may hold what it was sent.
func (m *modelClient) why(err error) string {
	code := status(err)
	if (code == http.StatusNotFound || code == http.StatusBadRequest) && unknownModel.MatchString(complaint(err)) {
		return fmt.Sprintf("the endpoint does not know the model %q", m.cfg.Model)
	}
	return describe(err)
}

// report remembers what an administrator must do something about: a refused key, an unknown model, an endpoint that is left
// alone. A call that worked ends it.
func (m *modelClient) report(err error) {
	fault := ""
	if err != nil {
		switch why := m.why(err); {
		case m.breaker.open(), status(err) == http.StatusUnauthorized, status(err) == http.StatusForbidden, status(err) == http.StatusNotFound,
			status(err) == http.StatusBadRequest:
			fault = why
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if err != nil {
		m.failures = append(m.failures[max(len(m.failures)-keptFailures+1, 0):], lms.ModelFailure{At: time.Now().UTC(), Why: m.why(err)})
	}
	if err == nil || fault != "" {
		m.fault = fault
	}
}

// Warning tells an administrator what is wrong with the language model; empty: nothing that is known.
func (t *Tutor) Warning() string {
	t = t.now()
	switch {
	case t.fault != nil:
		return "The tutor answers with passages only, because its settings are refused: " + strings.TrimPrefix(t.fault.Error(), "tutor: ") + "."
	case t.model == nil:
		return ""
	}
	t.model.mu.Lock()
	defer t.model.mu.Unlock()
	if t.model.fault == "" {
		return ""
	}
	return fmt.Sprintf("The tutor's language model at %s does not answer: %s. Until it does, students get passages.", t.model.endpoint.host, t.model.fault)
}

// describe says in an operator's words why a call failed, as far as the error alone tells.
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

// dressed is a transport that adds what an endpoint wants beyond the common form: the key in a header of its own, and parameters of
// the address.
type dressed struct {
	next        http.RoundTripper
	header, key string
	query       string
}

// dress puts the settings of the endpoint around the transport.
func dress(c Config, next http.RoundTripper) http.RoundTripper {
	if c.KeyHeader == "" && c.Query == "" {
		return next
	}
	return dressed{next, c.KeyHeader, c.Key, c.Query}
}

func (d dressed) RoundTrip(req *http.Request) (*http.Response, error) {
	req = req.Clone(req.Context())
	if d.header != "" && d.key != "" {
		req.Header.Set(d.header, d.key)
	}
	if d.query != "" {
		req.URL.RawQuery = strings.TrimPrefix(req.URL.RawQuery+"&"+d.query, "&")
	}
	return d.next.RoundTrip(req)
}

// CloseIdleConnections lets http.Client reach the connections.
func (d dressed) CloseIdleConnections() { closeIdle(d.next) }

func (t tolerant) CloseIdleConnections() { closeIdle(t.next) }

func closeIdle(next http.RoundTripper) {
	if c, ok := next.(interface{ CloseIdleConnections() }); ok {
		c.CloseIdleConnections()
	}
}

var headerForm = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]{0,63}$`)

// checkDress refuses a header or parameters that cannot be sent.
func checkDress(header, query string) error {
	switch textproto.CanonicalMIMEHeaderKey(header) {
	case "Host", "Content-Length", "Content-Type", "Transfer-Encoding", "Connection", "Accept":
		return fmt.Errorf("tutor: the key cannot be sent in the header %s", header)
	}
	if header != "" && !headerForm.MatchString(header) {
		return fmt.Errorf("tutor: %q is not the name of a header", header)
	}
	if _, err := url.ParseQuery(query); err != nil || strings.ContainsAny(query, "#? \r\n") {
		return errors.New("tutor: parameters of the address are written as name=value, joined by &")
	}
	return nil
}
