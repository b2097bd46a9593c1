package lms

import (
	"strings"
	"time"
)

// ModelEndpoint is a service with a language model. Its key is never shown: only whether it is set.
type ModelEndpoint struct {
	URL       string `json:"url"` // empty: none
	Model     string `json:"model"`
	KeyHeader string `json:"keyHeader,omitempty"` // that takes the key as it is; empty: Authorization, as a bearer token
	Query     string `json:"query,omitempty"`     // added to the address of each call
	KeySet    bool   `json:"keySet"`
}

// Same reports whether two endpoints are the same model at the same service.
func (e ModelEndpoint) Same(o ModelEndpoint) bool {
	e.KeySet, o.KeySet = false, false
	return e == o
}

// Identity names the service and the model, as results of a check are kept under.
func (e ModelEndpoint) Identity() string {
	if e.URL == "" {
		return ""
	}
	return strings.TrimSpace(e.Model + " at " + strings.TrimRight(e.URL, "/"))
}

func (e ModelEndpoint) validate(prefix string) error {
	if e.URL == "" {
		return nil
	}
	if strings.TrimSpace(e.Model) == "" {
		return FieldErrorf(KindRule, prefix+"Model", "Write the name of the model as the service calls it.")
	}
	return first(checkText(prefix+"Url", e.URL, 500), checkText(prefix+"Model", e.Model, 200), checkText(prefix+"KeyHeader", e.KeyHeader, 64),
		checkText(prefix+"Query", e.Query, 500))
}

// ModelSettings is what the administrators have set about the language model of the site (TUTOR-21, TUTOR-23, TUTOR-35).
type ModelSettings struct {
	First       ModelEndpoint `json:"first"`               // without one the tutor quotes passages
	Second      ModelEndpoint `json:"second"`              // asked once when the first does not answer
	Embedding   string        `json:"embedding,omitempty"` // model of the first endpoint for embeddings; empty: lexical search alone
	Temperature float64       `json:"temperature"`
	MaxTokens   int           `json:"maxTokens"`  // longest answer
	Context     int           `json:"context"`    // tokens that the model reads at once
	Calls       int           `json:"calls"`      // at the same time, on each node
	FirstToken  int           `json:"firstToken"` // seconds; 0: by the kind of endpoint
	Idle        int           `json:"idle"`       // seconds of silence within an answer
	Total       int           `json:"total"`      // seconds of one answer
	MonthlyCap  int64         `json:"monthlyCap"` // tokens of the site; 0: none
	Price       *Points       `json:"price"`      // of a million tokens, in hundredths of the currency; nil: unknown
	MoneyCap    Points        `json:"moneyCap"`   // of the site in a month, in hundredths of the currency; 0: none
	Version     int64         `json:"version"`
}

// DefaultModelSettings are in force until somebody changes them.
func DefaultModelSettings() ModelSettings {
	return ModelSettings{Temperature: 0.3, MaxTokens: 500, Context: 4096, Calls: 4, Idle: 20, Total: 120}
}

// Validate checks what an administrator typed; which addresses may be called is the node's to judge.
func (s ModelSettings) Validate() error {
	within := func(field string, n, low, high int, message string) error {
		if n < low || n > high {
			return FieldErrorf(KindRule, field, "%s", message)
		}
		return nil
	}
	switch {
	case s.Temperature < 0 || s.Temperature > 2:
		return FieldErrorf(KindRule, "temperature", "The temperature lies between 0 and 2.")
	case s.First.URL == "" && s.Second.URL != "":
		return FieldErrorf(KindRule, "firstUrl", "Write the first endpoint; the second one is only asked when the first does not answer.")
	case s.Context < 2*s.MaxTokens+500:
		return FieldErrorf(KindRule, "context", "The context is too small for the longest answer: it has at least twice its tokens and 500 more.")
	case s.MoneyCap > 0 && s.Price == nil:
		return FieldErrorf(KindRule, "price", "A cap in money needs the price of the tokens. Write the price, or cap the tokens instead.")
	case s.Price != nil && (*s.Price < 0 || *s.Price > 1_000_000_00):
		return FieldErrorf(KindRule, "price", "The price of a million tokens lies between 0 and 1,000,000. Leave it empty if you do not know it.")
	case s.MoneyCap < 0 || s.MoneyCap > 1_000_000_000_00:
		return FieldErrorf(KindRule, "moneyCap", "The cap cannot be negative; 0 means none.")
	case s.MonthlyCap < 0:
		return FieldErrorf(KindRule, "monthlyCap", "The monthly number of tokens cannot be negative; 0 means no cap.")
	}
	return first(s.First.validate("first"), s.Second.validate("second"), checkText("embedding", s.Embedding, 200),
		within("maxTokens", s.MaxTokens, 50, 4000, "The longest answer lies between 50 and 4,000 tokens."),
		within("context", s.Context, 600, 2_000_000, "The context lies between 600 and 2,000,000 tokens."),
		within("calls", s.Calls, 1, 100, "Between 1 and 100 calls run at the same time."),
		within("firstToken", s.FirstToken, 0, 600, "The wait for the first word lies between 0 and 600 seconds; 0 leaves it to Trivium."),
		within("idle", s.Idle, 1, 600, "The longest silence lies between 1 and 600 seconds."),
		within("total", s.Total, 5, 3600, "The time of one answer lies between 5 and 3,600 seconds."))
}

// Cap is how many tokens the site may use in a month by both caps; 0: as many as are asked for.
func (s ModelSettings) Cap() int64 {
	limit := s.MonthlyCap
	if s.MoneyCap > 0 && s.Price != nil && *s.Price > 0 {
		if byMoney := max(int64(s.MoneyCap)*1_000_000/int64(*s.Price), 1); limit == 0 || byMoney < limit {
			limit = byMoney
		}
	}
	return limit
}

// Cost is what tokens cost in hundredths of the currency, rounded up; known is false while the price is not.
func (s ModelSettings) Cost(tokens int64) (cost Points, known bool) {
	if s.Price == nil {
		return 0, false
	}
	return Points((tokens*int64(*s.Price) + 999_999) / 1_000_000), true
}

// ModelChange is other endpoints that wait until a check of them is accepted (TUTOR-39).
type ModelChange struct {
	First  ModelEndpoint `json:"first"`
	Second ModelEndpoint `json:"second"`
}

// Identity names both endpoints.
func (c ModelChange) Identity() string {
	return strings.TrimSuffix(c.First.Identity()+"; "+c.Second.Identity(), "; ")
}

// ModelState is all that an administrator sees of the language model.
type ModelState struct {
	Settings ModelSettings   `json:"settings"`
	Waiting  *ModelChange    `json:"waiting,omitempty"`  // a change that is not in force yet
	Operator *ModelEndpoint  `json:"operator,omitempty"` // set by the operator with flags of the node that answers: these win there
	Used     int64           `json:"used"`               // tokens of the site in this month
	Nodes    []ModelHealth   `json:"nodes"`
	Prompt   string          `json:"prompt"`             // version of the prompts of this release
	Trial    *ModelTrial     `json:"trial,omitempty"`    // the newest check
	Accepted *ModelTrial     `json:"accepted,omitempty"` // the newest that counts
	Admins   []Administrator `json:"admins"`             // of the site, who can get severe flags
}

// Administrator names an administrator of the site.
type Administrator struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// ModelHealth is how the language model does on one node (TUTOR-24, TUTOR-25).
type ModelHealth struct {
	Node     string         `json:"node"`
	Silent   bool           `json:"silent,omitempty"` // the node did not answer
	Host     string         `json:"host,omitempty"`   // of the endpoint; empty: none
	Fault    string         `json:"fault,omitempty"`  // what an administrator must do something about
	Open     bool           `json:"open,omitempty"`   // the breaker is open: the endpoint is left alone for a moment
	Running  int            `json:"running"`          // calls
	Waiting  int            `json:"waiting"`          // answers in line
	Limit    int            `json:"limit"`            // of calls
	Failures []ModelFailure `json:"failures"`         // newest first
}

// ModelFailure is one call that failed.
type ModelFailure struct {
	At  time.Time `json:"at"`
	Why string    `json:"why"`
}

// ModelStep is one finding of a test of an endpoint, in plain words (TUTOR-37).
type ModelStep struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Text string `json:"text"`
}

// TrialState says how far a check of a language model is.
type TrialState string

// The states of a check.
const (
	TrialRunning TrialState = "running"
	TrialDone    TrialState = "done"
	TrialFailed  TrialState = "failed" // the endpoint did not answer, or the node ended
)

// ModelTrial is one run of the regression and misuse set over a model (TUTOR-39).
type ModelTrial struct {
	ID         string      `json:"id"`
	Model      string      `json:"model"`  // ModelChange.Identity of what was checked
	Prompt     string      `json:"prompt"` // version
	State      TrialState  `json:"state"`
	Total      int         `json:"total"` // cases
	Done       int         `json:"done"`
	Passed     int         `json:"passed"`
	Failed     []TrialCase `json:"failed"` // that did not pass
	Error      string      `json:"error,omitempty"`
	By         string      `json:"by"` // name
	StartedAt  time.Time   `json:"startedAt"`
	UpdatedAt  time.Time   `json:"updatedAt"`
	AcceptedAt time.Time   `json:"acceptedAt,omitzero"`
	AcceptedBy string      `json:"acceptedBy,omitempty"` // name; empty: it was not worse than the one before
}

// TrialCase is one case that a model did not pass.
type TrialCase struct {
	Name string `json:"name"`
	Why  string `json:"why"`
}

// TrialSilence is after how long without a sign of life a check has broken off.
const TrialSilence = 5 * time.Minute

// Stale reports whether the node that ran the check has gone.
func (t ModelTrial) Stale(now time.Time) bool {
	return t.State == TrialRunning && now.Sub(t.UpdatedAt) > TrialSilence
}

// WorseThan reports whether a smaller part of the cases passed than in the other check.
func (t ModelTrial) WorseThan(o ModelTrial) bool { return t.Passed*o.Total < o.Passed*t.Total }

// TutorCap tells who owns a monthly cap of tokens that most of it is used (TUTOR-23).
type TutorCap struct {
	CourseID   string `json:"courseId,omitempty"` // empty: the whole site
	CourseCode string `json:"courseCode,omitempty"`
	Used       int64  `json:"used"`
	Cap        int64  `json:"cap"`
}

// capShare is the part of a cap in percent at which its owners are told.
const capShare = 80

// CapNear reports whether so much of a cap is used that its owners are told.
func CapNear(used, limit int64) bool { return limit > 0 && used >= (limit*capShare+99)/100 }
