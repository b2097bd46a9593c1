package api

import (
	"strings"

	"trivium/app/lms"
)

// ModelInput replaces the settings of the language model. A key that is nil stays as long as its host does; an empty one is removed.
type ModelInput struct {
	lms.ModelSettings
	FirstKey  *string `json:"firstKey,omitempty"`
	SecondKey *string `json:"secondKey,omitempty"`
}

// Clean takes surrounding space off what was typed.
func (in ModelInput) Clean() ModelInput {
	for _, e := range []*lms.ModelEndpoint{&in.First, &in.Second} {
		*e = cleanEndpoint(*e)
	}
	in.Embedding = strings.TrimSpace(in.Embedding)
	return in
}

func cleanEndpoint(e lms.ModelEndpoint) lms.ModelEndpoint {
	if e.URL = strings.TrimSpace(e.URL); e.URL == "" {
		return lms.ModelEndpoint{}
	}
	e.Model, e.KeyHeader, e.Query = strings.TrimSpace(e.Model), strings.TrimSpace(e.KeyHeader), strings.TrimSpace(e.Query)
	return e
}

// Validate checks the settings and the form of the keys.
func (in ModelInput) Validate() error {
	return firstErr(checkKey("firstKey", in.FirstKey), checkKey("secondKey", in.SecondKey), in.Clean().ModelSettings.Validate())
}

func checkKey(field string, key *string) error {
	if key != nil && (len(*key) > 4096 || strings.ContainsFunc(*key, func(c rune) bool { return c <= ' ' || c > '~' })) {
		return lms.FieldErrorf(lms.KindRule, field, "A key has no spaces and no line breaks. Copy it once more.")
	}
	return nil
}

// ModelTestInput tests an endpoint as it is typed, before it is saved. Without a key the stored one of the same host is used.
type ModelTestInput struct {
	lms.ModelEndpoint
	Key     *string `json:"key,omitempty"`
	Context int     `json:"context"` // tokens that the model is said to read at once
}

// Validate checks that there is something to test.
func (in ModelTestInput) Validate() error {
	s := lms.DefaultModelSettings()
	if s.First = cleanEndpoint(in.ModelEndpoint); s.First.URL == "" {
		return lms.FieldErrorf(lms.KindRule, "firstUrl", "Write the address of the service first.")
	}
	if in.Context != 0 {
		s.Context = in.Context
	}
	return firstErr(checkKey("firstKey", in.Key), s.Validate())
}

// Endpoint is what is to be tested.
func (in ModelTestInput) Endpoint() lms.ModelEndpoint { return cleanEndpoint(in.ModelEndpoint) }

// ModelTest is what a test of an endpoint found.
type ModelTest struct {
	Steps []lms.ModelStep `json:"steps"`
}

// TrialInput begins a check of the language model.
type TrialInput struct {
	ID string `json:"id"`
}

// Validate checks the id.
func (in TrialInput) Validate() error { return checkIDs(in.ID) }

// TrialPath names a check.
type TrialPath struct {
	Trial string `param:"trial" json:"-"`
}

// Validate checks the id.
func (in TrialPath) Validate() error { return checkIDs(in.Trial) }
