package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// settingTutorModel is the setting that holds a storedModel as JSON.
const settingTutorModel = "tutor.model"

// TopicTutorModel tells that the language model's settings changed: every node reads them anew.
const TopicTutorModel = "tutor-model"

// ModelEndpoints are endpoints with their sealed keys, which the store cannot read.
type ModelEndpoints struct {
	lms.ModelChange
	FirstKey, SecondKey string // boxes; empty: no key
}

// TutorModel is what is stored about the language model.
type TutorModel struct {
	lms.ModelSettings                   // First and Second are those in force
	FirstKey, SecondKey string          // their boxes
	Waiting             *ModelEndpoints // a change that is not in force yet
}

// InForce are the endpoints that answer students.
func (m TutorModel) InForce() ModelEndpoints {
	return ModelEndpoints{lms.ModelChange{First: m.First, Second: m.Second}, m.FirstKey, m.SecondKey}
}

// put makes other endpoints those in force.
func (m *TutorModel) put(e ModelEndpoints) {
	m.First, m.Second, m.FirstKey, m.SecondKey = e.First, e.Second, e.FirstKey, e.SecondKey
}

// TutorBoxes returns the sealed keys that the setting of the language model holds.
func TutorBoxes(value []byte) (boxes []string, err error) {
	var m TutorModel
	if err := json.Unmarshal(value, &m); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	all := []string{m.FirstKey, m.SecondKey}
	if m.Waiting != nil {
		all = append(all, m.Waiting.FirstKey, m.Waiting.SecondKey)
	}
	return slices.DeleteFunc(all, func(box string) bool { return box == "" }), nil
}

const selectTutorModel = `SELECT coalesce((SELECT value FROM settings WHERE name = 'tutor.model'), '')`

func scanTutorModel(row consensus.Row) (m TutorModel, err error) {
	var text string
	if err := row.Scan(&text); err != nil {
		return m, err
	}
	m.ModelSettings = lms.DefaultModelSettings()
	if text != "" {
		err = json.Unmarshal([]byte(text), &m)
	}
	return m, err
}

// TutorModel returns what is set about the language model, with the defaults while nothing is.
func (s *Store) TutorModel(ctx context.Context) (TutorModel, error) {
	rows, err := s.query(ctx, selectTutorModel)
	return one(rows, err, scanTutorModel)
}

// SetTutorModel replaces what is set, if it still has the version.
func (s *Store) SetTutorModel(ctx context.Context, actor lms.Actor, m TutorModel) error {
	var b consensus.Batch
	requireAdmin(&b, actor)
	if err := putTutorModel(&b, m); err != nil {
		return err
	}
	audit(ctx, &b, actor, lms.AuditTutorModel, "site", "first", m.First.Identity(), "second", m.Second.Identity(), "waits", waits(m), "cap", fmt.Sprint(m.Cap()))
	_, err := s.apply(ctx, &b)
	return err
}

func waits(m TutorModel) string {
	if m.Waiting == nil {
		return ""
	}
	return m.Waiting.Identity()
}

// putTutorModel adds the write of the settings, guarded by their version.
func putTutorModel(b *consensus.Batch, m TutorModel) error {
	before := m.Version
	m.Version++
	text, err := json.Marshal(m)
	if err != nil {
		return err
	}
	b.Require(lms.ErrStale, `coalesce((SELECT value ->> 'version' FROM settings WHERE name = 'tutor.model'), 0) = ?1`, before)
	b.Exec(`INSERT INTO settings (name, value, updated_at) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET value = ?2, updated_at = ?3`,
		settingTutorModel, string(text), consensus.Stamp{})
	b.Notify(TopicTutorModel)
	return nil
}

const trialColumns = `SELECT t.trial_id, t.model, t.prompt, t.state, t.total, t.done, t.passed, t.failed, t.error,
	coalesce((SELECT name FROM users WHERE user_id = t.started_by), ''), t.started_at, t.updated_at, t.accepted_at,
	coalesce((SELECT name FROM users WHERE user_id = t.accepted_by), '') FROM tutor_trials t `

func scanTrial(row consensus.Row) (t lms.ModelTrial, err error) {
	var failed string
	err = row.Scan(&t.ID, &t.Model, &t.Prompt, &t.State, &t.Total, &t.Done, &t.Passed, &failed, &t.Error, &t.By, &t.StartedAt, &t.UpdatedAt,
		&t.AcceptedAt, &t.AcceptedBy)
	if err == nil {
		err = json.Unmarshal([]byte(failed), &t.Failed)
	}
	return t, err
}

// TutorTrials returns the newest check of a language model and the newest that was accepted; nil: there is none.
func (s *Store) TutorTrials(ctx context.Context) (newest, accepted *lms.ModelTrial, err error) {
	const (
		last  = trialColumns + `ORDER BY t.started_at DESC, t.trial_id DESC LIMIT 1`
		taken = trialColumns + `WHERE t.accepted_at IS NOT NULL ORDER BY t.accepted_at DESC, t.trial_id DESC LIMIT 1`
	)
	rows, err := s.query(ctx, last)
	if newest, err = firstTrial(rows, err); err != nil {
		return nil, nil, err
	}
	rows, err = s.query(ctx, taken)
	accepted, err = firstTrial(rows, err)
	return newest, accepted, err
}

func firstTrial(rows []consensus.Row, err error) (*lms.ModelTrial, error) {
	all, err := collect(rows, err, scanTrial)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return &all[0], nil
}

var (
	errTrialRuns   = lms.Errorf(lms.KindConflict, "A check is running already. Wait for its result.")
	errTrialNotEnd = lms.Errorf(lms.KindConflict, "Only the result of the newest check that has ended can be accepted.")
)

// BeginTrial records that a check begins. A running one that shows signs of life refuses it.
func (s *Store) BeginTrial(ctx context.Context, actor lms.Actor, t lms.ModelTrial, silence time.Duration) error {
	var b consensus.Batch
	requireAdmin(&b, actor)
	b.Require(errTrialRuns, `NOT EXISTS(SELECT 1 FROM tutor_trials WHERE state = 'running' AND updated_at > ?1 - ?2)`, consensus.Stamp{}, silence.Milliseconds())
	b.Exec(`UPDATE tutor_trials SET state = 'failed', error = 'The node that ran it has ended.' WHERE state = 'running'`)
	b.Exec(`
		INSERT INTO tutor_trials (trial_id, model, prompt, state, total, done, passed, failed, error, started_by, started_at, updated_at)
		VALUES (?1, ?2, ?3, 'running', ?4, 0, 0, '[]', '', ?5, ?6, ?6)`, t.ID, t.Model, t.Prompt, t.Total, actor.UserID, consensus.Stamp{})
	_, err := s.apply(ctx, &b)
	return err
}

// AdvanceTrial records how far a check is.
func (s *Store) AdvanceTrial(ctx context.Context, id string, done, passed int) error {
	var b consensus.Batch
	b.Exec(`UPDATE tutor_trials SET done = ?2, passed = ?3, updated_at = ?4 WHERE trial_id = ?1 AND state = 'running'`, id, done, passed, consensus.Stamp{})
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// EndTrial stores the result of a check. accept: it is not worse than the last accepted one, so that it counts from now on; put, if
// not nil, are the settings with the change in force that has waited for it.
func (s *Store) EndTrial(ctx context.Context, t lms.ModelTrial, accept bool, put *TutorModel) error {
	failed, err := json.Marshal(t.Failed)
	if err != nil {
		return err
	}
	var b consensus.Batch
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM tutor_trials WHERE trial_id = ?1 AND state = 'running')`, t.ID)
	b.Exec(`UPDATE tutor_trials SET state = ?2, done = ?3, passed = ?4, failed = ?5, error = ?6, updated_at = ?7, accepted_at = iif(?8, ?7, NULL) WHERE trial_id = ?1`,
		t.ID, t.State, t.Done, t.Passed, string(failed), t.Error, consensus.Stamp{}, accept)
	if put != nil {
		if err := putTutorModel(&b, *put); err != nil {
			return err
		}
	}
	_, err = s.applyUnkeyed(ctx, &b)
	return err
}

// AcceptTrial makes a result count that is worse than the one before; put as for EndTrial.
func (s *Store) AcceptTrial(ctx context.Context, actor lms.Actor, id string, put *TutorModel) error {
	var b consensus.Batch
	requireAdmin(&b, actor)
	b.Require(errTrialNotEnd, `?1 = (SELECT trial_id FROM tutor_trials ORDER BY started_at DESC, trial_id DESC LIMIT 1)
		AND EXISTS(SELECT 1 FROM tutor_trials WHERE trial_id = ?1 AND state = 'done')`, id)
	b.Exec(`UPDATE tutor_trials SET accepted_by = ?2, accepted_at = ?3 WHERE trial_id = ?1`, id, actor.UserID, consensus.Stamp{})
	if put != nil {
		if err := putTutorModel(&b, *put); err != nil {
			return err
		}
	}
	audit(ctx, &b, actor, lms.AuditTutorTrial, "check/"+id)
	_, err := s.apply(ctx, &b)
	return err
}

// Promoted returns the settings with the waiting change in force, if it is the one that was checked; else nil.
func (m TutorModel) Promoted(t lms.ModelTrial) *TutorModel {
	if m.Waiting == nil || m.Waiting.Identity() != t.Model {
		return nil
	}
	m.put(*m.Waiting)
	m.Waiting = nil
	return &m
}

// SpendTokens sets tokens aside for calls that belong to no question, such as a summary, within the month's caps of the course, if
// it is not empty, and of the site. SettleTokens tells what was used.
func (s *Store) SpendTokens(ctx context.Context, id, courseID, userID string, tokens int64, since time.Time, siteCap int64) error {
	var b consensus.Batch
	b.Require(errTokenCap, `NOT EXISTS(SELECT 1 FROM tutor_policies p WHERE p.course_id = ?1 AND p.monthly_cap > 0
		AND p.monthly_cap < ?2 + (SELECT coalesce(sum(tokens), 0) FROM tutor_calls WHERE course_id = ?1 AND asked_at >= ?3))`, courseID, tokens, since)
	b.Require(errTokenCap, `?1 = 0 OR ?1 >= ?2 + (SELECT coalesce(sum(tokens), 0) FROM tutor_calls WHERE asked_at >= ?3)`, siteCap, tokens, since)
	b.Exec(`
		INSERT INTO tutor_calls (reply_id, request, course_id, user_id, asked_at, anyway, counted, tokens, settled)
		VALUES (?1, (SELECT coalesce(max(request), -1) + 1 FROM tutor_calls WHERE reply_id = ?1), ?2, ?3, ?4, 0, 0, ?5, 0)`,
		id, courseID, userID, consensus.Stamp{}, tokens)
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// SettleTokens replaces what was set aside last by what was used.
func (s *Store) SettleTokens(ctx context.Context, id string, tokens int64) error {
	var b consensus.Batch
	b.Exec(`UPDATE tutor_calls SET tokens = ?2, settled = 1 WHERE reply_id = ?1 AND settled = 0`, id, tokens)
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// homeCaps tells who owns a cap that most of it is used: the owner of the tutor of a course, and the administrators for the site.
func (s *Store) homeCaps(ctx context.Context, actor lms.Actor) ([]lms.TutorCap, error) {
	const q = `
		SELECT p.course_id, c.code, (SELECT coalesce(sum(tokens), 0) FROM tutor_calls t WHERE t.course_id = p.course_id AND t.asked_at >= ?2), p.monthly_cap
		FROM tutor_policies p
		JOIN courses c ON c.course_id = p.course_id
		WHERE p.owner_id = ?1 AND p.monthly_cap > 0 AND c.state IN ('unpublished', 'published')
		ORDER BY c.code, p.course_id`
	month := monthOf(s.Now())
	rows, err := s.query(ctx, q, actor.UserID, month)
	all, err := collect(rows, err, func(row consensus.Row) (c lms.TutorCap, err error) {
		return c, row.Scan(&c.CourseID, &c.CourseCode, &c.Used, &c.Cap)
	})
	if err != nil {
		return nil, err
	}
	if actor.Admin {
		m, err := s.TutorModel(ctx)
		if err != nil {
			return nil, err
		}
		if limit := m.Cap(); limit > 0 {
			_, used, err := s.TutorTokens(ctx, "", month)
			if err != nil {
				return nil, err
			}
			all = append(all, lms.TutorCap{Used: used, Cap: limit})
		}
	}
	near := []lms.TutorCap{}
	for _, c := range all {
		if lms.CapNear(c.Used, c.Cap) {
			near = append(near, c)
		}
	}
	return near, nil
}

// monthOf is the beginning of the month, in UTC, that caps are counted in.
func monthOf(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// Administrators lists the active administrators of the site.
func (s *Store) Administrators(ctx context.Context) ([]lms.Administrator, error) {
	rows, err := s.query(ctx, `SELECT user_id, name FROM users WHERE admin = 1 AND disabled = 0 ORDER BY name, user_id`)
	return collect(rows, err, func(row consensus.Row) (a lms.Administrator, err error) { return a, row.Scan(&a.ID, &a.Name) })
}
