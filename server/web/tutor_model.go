package web

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/seal"
	"trivium/server/store"
	"trivium/server/tutor"
)

// Models is the administration of the language model; *tutor.Tutor is one.
type Models interface {
	Operator() (lms.ModelEndpoint, bool)
	CheckEndpoint(e lms.ModelEndpoint, prefix string) error
	Use(s lms.ModelSettings, keys tutor.Keys)
	Health(ctx context.Context) []lms.ModelHealth
	Test(ctx context.Context, e lms.ModelEndpoint, key string, size int) []lms.ModelStep
	Trial(ctx context.Context, c lms.ModelChange, keys tutor.Keys, reserve func(tokens int64) error, progress func(done, passed int)) (lms.ModelTrial, int64, error)
	Writes() bool
	Summary(ctx context.Context, course string, m lms.Material, passages []lms.Passage, reserve func(tokens int64) error) (string, int64, error)
}

var errOperatorSets = lms.FieldErrorf(lms.KindConflict, "firstUrl", "The operator of this node has set the endpoint with flags, which win here. Ask the operator to change it.")

func (s *Server) models() (Models, *seal.Ring, error) {
	if s.c.Models == nil || s.c.Keys == nil {
		return nil, nil, lms.ErrUnavailable
	}
	return s.c.Models, s.c.Keys, nil
}

func (s *Server) getTutorModel(ctx context.Context, _ lms.Actor, _ api.NoInput) (lms.ModelState, error) {
	models, ring, err := s.models()
	if err != nil {
		return lms.ModelState{}, err
	}
	m, err := s.store.TutorModel(ctx)
	if err != nil {
		return lms.ModelState{}, err
	}
	state := lms.ModelState{Settings: m.ModelSettings, Nodes: list(models.Health(ctx)), Prompt: tutor.PromptVersion()}
	// A key that does not open, as after a backup was restored into another cluster, is not set.
	keys, _ := OpenKeys(ring, m.InForce())
	state.Settings.First.KeySet, state.Settings.Second.KeySet = keys.First != "", keys.Second != ""
	if w := m.Waiting; w != nil {
		change := w.ModelChange
		keys, _ := OpenKeys(ring, *w)
		change.First.KeySet, change.Second.KeySet = keys.First != "", keys.Second != ""
		state.Waiting = &change
	}
	if e, set := models.Operator(); set {
		state.Operator = &e
	}
	if _, state.Used, err = s.store.TutorTokens(ctx, "", month(s.now())); err != nil {
		return state, err
	}
	if state.Admins, err = s.store.Administrators(ctx); err != nil {
		return state, err
	}
	state.Trial, state.Accepted, err = s.store.TutorTrials(ctx)
	return state, err
}

// month is the beginning of the month, in UTC, that caps are counted in.
func month(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// updateTutorModel seals what is typed and keeps the keys of hosts that stay. Other endpoints wait for a check once one was accepted.
func (s *Server) updateTutorModel(ctx context.Context, actor lms.Actor, in api.ModelInput) (lms.ModelState, error) {
	models, ring, err := s.models()
	if err != nil {
		return lms.ModelState{}, err
	}
	in = in.Clean()
	before, err := s.store.TutorModel(ctx)
	if err != nil {
		return lms.ModelState{}, err
	}
	_, operator := models.Operator()
	if operator && !in.First.Same(before.First) {
		return lms.ModelState{}, errOperatorSets
	}
	if err := errors.Join(models.CheckEndpoint(in.First, "first"), models.CheckEndpoint(in.Second, "second")); err != nil {
		return lms.ModelState{}, unjoined(err)
	}
	typed := store.ModelEndpoints{ModelChange: lms.ModelChange{First: in.First, Second: in.Second}}
	old := before.InForce()
	if before.Waiting != nil && before.Waiting.Identity() == typed.Identity() {
		old = *before.Waiting
	}
	if typed.FirstKey, err = box(ring, in.FirstKey, in.First, old.First, old.FirstKey); err != nil {
		return lms.ModelState{}, err
	}
	if typed.SecondKey, err = box(ring, in.SecondKey, in.Second, old.Second, old.SecondKey); err != nil {
		return lms.ModelState{}, err
	}
	after := store.TutorModel{ModelSettings: in.ModelSettings}
	_, accepted, err := s.store.TutorTrials(ctx)
	if err != nil {
		return lms.ModelState{}, err
	}
	if accepted != nil && typed.First.URL != "" && typed.Identity() != before.InForce().Identity() && typed.Identity() != accepted.Model {
		after.First, after.Second, after.FirstKey, after.SecondKey = before.First, before.Second, before.FirstKey, before.SecondKey
		after.Waiting = &typed
	} else {
		after.First, after.Second, after.FirstKey, after.SecondKey = typed.First, typed.Second, typed.FirstKey, typed.SecondKey
	}
	if err := s.store.SetTutorModel(ctx, actor, after); err != nil {
		return lms.ModelState{}, err
	}
	return s.getTutorModel(ctx, actor, api.NoInput{})
}

// unjoined is the first of joined refusals.
func unjoined(err error) error {
	var e *lms.Error
	if errors.As(err, &e) {
		return e
	}
	return err
}

// box is the sealed key of an endpoint: the one that was typed, or the old one as long as it goes to the same host.
func box(ring *seal.Ring, typed *string, e, before lms.ModelEndpoint, kept string) (string, error) {
	if e.URL == "" {
		return "", nil
	}
	place, err := tutor.KeyPlace(e.URL)
	if err != nil {
		return "", err
	}
	if typed != nil {
		return ring.SealText(place, *typed), nil
	}
	if before.URL == "" {
		return "", nil
	}
	if was, err := tutor.KeyPlace(before.URL); err != nil || was != place {
		return "", nil
	}
	return kept, nil
}

// OpenKeys opens the keys of endpoints. One that does not open counts as none, and is reported.
func OpenKeys(ring *seal.Ring, e store.ModelEndpoints) (keys tutor.Keys, err error) {
	open := func(e lms.ModelEndpoint, box string) string {
		if e.URL == "" || box == "" {
			return ""
		}
		place, placeErr := tutor.KeyPlace(e.URL)
		key, openErr := ring.OpenText(place, box)
		err = errors.Join(err, placeErr, openErr)
		return string(key)
	}
	return tutor.Keys{First: open(e.First, e.FirstKey), Second: open(e.Second, e.SecondKey)}, err
}

func (s *Server) testTutorModel(ctx context.Context, actor lms.Actor, in api.ModelTestInput) (api.ModelTest, error) {
	models, ring, err := s.models()
	if err != nil {
		return api.ModelTest{}, err
	}
	e := in.Endpoint()
	if err := models.CheckEndpoint(e, "first"); err != nil {
		return api.ModelTest{}, err
	}
	key := ""
	if in.Key != nil {
		key = *in.Key
	} else if key, err = s.storedKey(ctx, ring, e); err != nil {
		return api.ModelTest{}, err
	}
	// What it uses is not known to the last token, so that it is counted high and never settled.
	if err := s.reserve(ctx, lms.NewID(), "", actor.UserID)(int64(min(in.Context, tutor.TestTokens)) + 500); err != nil {
		return api.ModelTest{}, err
	}
	return api.ModelTest{Steps: models.Test(ctx, e, key, in.Context)}, nil
}

// storedKey is the key that is stored for the host of an endpoint.
func (s *Server) storedKey(ctx context.Context, ring *seal.Ring, e lms.ModelEndpoint) (string, error) {
	m, err := s.store.TutorModel(ctx)
	if err != nil {
		return "", err
	}
	place, err := tutor.KeyPlace(e.URL)
	if err != nil {
		return "", err
	}
	all := []store.ModelEndpoints{m.InForce()}
	if m.Waiting != nil {
		all = append(all, *m.Waiting)
	}
	for _, known := range all {
		for _, box := range []string{known.FirstKey, known.SecondKey} {
			if key, err := ring.OpenText(place, box); err == nil && key != "" {
				return string(key), nil
			}
		}
	}
	return "", nil
}

var (
	errNothingToCheck = lms.Errorf(lms.KindConflict, "There is no language model to check. Set an endpoint first.")
	errOperatorCheck  = lms.Errorf(lms.KindConflict, "The operator of this node has set the endpoint with flags. Only an endpoint that is set on this page can be checked.")
)

// startTutorTrial begins a check in the background.
func (s *Server) startTutorTrial(ctx context.Context, actor lms.Actor, in api.TrialInput) (lms.ModelState, error) {
	models, ring, err := s.models()
	if err != nil {
		return lms.ModelState{}, err
	}
	m, err := s.store.TutorModel(ctx)
	if err != nil {
		return lms.ModelState{}, err
	}
	e := m.InForce()
	if m.Waiting != nil {
		e = *m.Waiting
	} else if _, set := models.Operator(); set {
		return lms.ModelState{}, errOperatorCheck
	}
	if e.First.URL == "" {
		return lms.ModelState{}, errNothingToCheck
	}
	keys, err := OpenKeys(ring, e)
	if err != nil {
		return lms.ModelState{}, err
	}
	t := lms.ModelTrial{ID: in.ID, Model: e.Identity(), Prompt: tutor.PromptVersion(), Total: tutor.TrialTotal(e.ModelChange)}
	if err := s.store.BeginTrial(ctx, actor, t, lms.TrialSilence); err != nil {
		return lms.ModelState{}, err
	}
	if s.begin() {
		go func() {
			defer s.workers.Done()
			s.runTrial(models, actor, in.ID, e.ModelChange, keys)
		}()
	}
	return s.getTutorModel(ctx, actor, api.NoInput{})
}

// runTrial carries a check out and stores its result. A result that is not worse than the last accepted one counts at once.
func (s *Server) runTrial(models Models, actor lms.Actor, id string, change lms.ModelChange, keys tutor.Keys) {
	ctx := s.ctx
	told := time.Now()
	result, used, err := models.Trial(ctx, change, keys, s.reserve(ctx, id, "", actor.UserID), func(done, passed int) {
		if now := time.Now(); now.Sub(told) > time.Second {
			told = now
			_ = s.store.AdvanceTrial(ctx, id, done, passed) // the next case tells again
		}
	})
	s.settle(ctx, id, used)
	result.ID = id
	if err != nil {
		result.State, result.Error = lms.TrialFailed, sentence(err)
	}
	for attempt := range 3 { // the settings may change meanwhile
		if err = s.endTrial(ctx, result); lms.KindOf(err) != lms.KindConflict {
			break
		}
		s.log.Info("tutor: the settings changed while a check ended", "attempt", attempt)
	}
	if err != nil {
		s.log.Warn("tutor: the result of a check is not stored", "check", id, "error", err)
	}
}

func (s *Server) endTrial(ctx context.Context, t lms.ModelTrial) error {
	accept := false
	var put *store.TutorModel
	if t.State == lms.TrialDone {
		_, accepted, err := s.store.TutorTrials(ctx)
		if err != nil {
			return err
		}
		if accept = accepted == nil || !t.WorseThan(*accepted); accept {
			m, err := s.store.TutorModel(ctx)
			if err != nil {
				return err
			}
			put = m.Promoted(t)
		}
	}
	return s.store.EndTrial(ctx, t, accept, put)
}

func (s *Server) acceptTutorTrial(ctx context.Context, actor lms.Actor, in api.TrialPath) (lms.ModelState, error) {
	newest, _, err := s.store.TutorTrials(ctx)
	if err != nil {
		return lms.ModelState{}, err
	}
	var put *store.TutorModel
	if newest != nil && newest.ID == in.Trial {
		m, err := s.store.TutorModel(ctx)
		if err != nil {
			return lms.ModelState{}, err
		}
		put = m.Promoted(*newest)
	}
	if err := s.store.AcceptTrial(ctx, actor, in.Trial, put); err != nil {
		return lms.ModelState{}, err
	}
	return s.getTutorModel(ctx, actor, api.NoInput{})
}

// reserve sets tokens aside for calls that belong to no question.
func (s *Server) reserve(ctx context.Context, id, course, user string) func(tokens int64) error {
	return func(tokens int64) error {
		m, err := s.store.TutorModel(ctx)
		if err != nil {
			return err
		}
		return s.store.SpendTokens(ctx, id, course, user, tokens, month(s.now()), m.Cap())
	}
}

func (s *Server) settle(ctx context.Context, id string, used int64) {
	if err := s.store.SettleTokens(ctx, id, used); err != nil {
		s.log.Warn("tutor: what a call used is not settled; the reserve stays counted", "for", id, "error", err)
	}
}

// sentence is an error for people.
func sentence(err error) string {
	var e *lms.Error
	if errors.As(err, &e) {
		return e.Message
	}
	text := strings.TrimPrefix(err.Error(), "tutor: ")
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

// addSummary lets the language model write a summary and a topic list, and puts it at the top of the draft that staff have asked for
// (TUTOR-31). A page that is published meanwhile stays as it is.
func (s *Server) addSummary(actor lms.Actor, course string, of lms.Material, passages []lms.Passage, draft lms.Material) {
	if _, twice := s.summaries.LoadOrStore(draft.ID, true); twice { // the request was repeated
		return
	}
	ctx := s.ctx
	text, used, err := s.c.Models.Summary(ctx, course, of, passages, s.reserve(ctx, draft.ID, course, actor.UserID))
	if used > 0 {
		s.settle(ctx, draft.ID, used)
	}
	if err != nil {
		s.log.Warn("tutor: no summary", "material", of.ID, "error", err)
		text = fmt.Sprintf("*The language model has written no summary: %s*", lms.PlainMarkdown(sentence(err)))
	}
	for range 3 { // somebody may edit it meanwhile
		now, getErr := s.store.Material(ctx, actor, course, draft.ID)
		if getErr != nil || now.Published {
			return
		}
		body := text + "\n\n" + now.Body
		if _, err = s.store.UpdateMaterial(ctx, actor, course, draft.ID, now.Version, store.MaterialPatch{Body: &body}); lms.KindOf(err) != lms.KindConflict {
			break
		}
	}
	if err != nil {
		s.log.Warn("tutor: a summary is not stored", "material", of.ID, "error", err)
	}
}

// withoutKey tells only that a key was given.
func withoutKey(key *string) *string {
	if key == nil {
		return nil
	}
	return new(string)
}
