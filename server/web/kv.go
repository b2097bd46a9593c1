package web

import (
	"context"
	"crypto/sha256"
	"errors"
	"strconv"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/kv"
	"trivium/server/store"
)

var consistencies = map[string]kv.Consistency{"": kv.Lease, api.KVLease: kv.Lease, api.KVLinearizable: kv.Linearizable,
	api.KVSession: kv.Session, api.KVStale: kv.Stale}

// kvCatchUp is catchUp for the key-value store, where only who asks for stale answers gets them: the other levels wait for
// a majority or are refused.
func (s *Server) kvCatchUp(q *request) error {
	if q.r.URL.Query().Get("consistency") == api.KVStale {
		q.ctx = store.KVStale(q.ctx)
		if since, stale := s.staleSince(); stale {
			q.w.Header().Set(api.HeaderStale, strconv.FormatInt(since.UnixMilli(), 10))
		}
		return nil
	}
	return s.waitSeen(q, q.r.Header.Get(api.HeaderIndex))
}

// kvAnswer is the part of every answer.
func (s *Server) kvAnswer(stale bool) api.KVAnswer {
	return api.KVAnswer{Success: true, LeaderID: s.leaderID(), Stale: stale}
}

// leaderID is nil when no leader is known.
func (s *Server) leaderID() *string {
	if id := s.db.Standing().Leader; id != "" {
		return &id
	}
	return nil
}

// kvRefusal is the body of a refusal on the routes of the store: that of every refusal, and what KVValue has.
type kvRefusal struct {
	*lms.Error
	api.KVAnswer
	Data    string `json:"data"`
	Found   bool   `json:"found"`
	Version int64  `json:"version,omitempty"`
}

// kvConflict is a comparison that failed.
type kvConflict struct{ present store.KVEntry }

var errKVConflict = lms.Errorf(lms.KindConflict, "The key has changed: its present value comes with this answer. Compare with that and try again.")

func (*kvConflict) Error() string { return errKVConflict.Error() }

// Unwrap makes it a refusal.
func (*kvConflict) Unwrap() error { return errKVConflict }

func (s *Server) kvRefusal(err error, e *lms.Error) kvRefusal {
	r := kvRefusal{Error: e, KVAnswer: api.KVAnswer{LeaderID: s.leaderID()}}
	var c *kvConflict
	if errors.As(err, &c) {
		r.Data, r.Found, r.Version = c.present.Value, c.present.Found, c.present.Version
	}
	return r
}

func kvItem(e store.KVEntry) api.KVItem {
	return api.KVItem{Key: e.Key, Data: e.Value, Found: e.Found, Version: e.Version, ExpiresAt: e.ExpiresAt}
}

func kvItems(entries []store.KVEntry) []api.KVItem {
	items := make([]api.KVItem, len(entries))
	for i, e := range entries {
		items[i] = kvItem(e)
	}
	return items
}

func kvWrite(key string, value *string, ttl int64) store.KVWrite {
	return store.KVWrite{Key: key, Value: *value, TTL: time.Duration(ttl) * time.Millisecond}
}

func (s *Server) kvGet(q *request, in api.KVGetInput) (api.KVValue, error) {
	level := consistencies[in.Consistency]
	e, err := s.kv.Get(q.ctx, q.actor.Scope, in.Key, level)
	return api.KVValue{KVAnswer: s.kvAnswer(level == kv.Stale), KVItem: kvItem(e)}, err
}

func (s *Server) kvPut(q *request, in api.KVPutInput) (api.KVValue, error) {
	w, pending := kvWrite(in.Key, in.Value, in.TTL), false
	var e store.KVEntry
	var err error
	if in.Fast {
		e, pending, err = s.kv.PutFast(q.ctx, q.actor.Scope, w)
	} else {
		e, err = s.kv.Put(q.ctx, q.actor.Scope, w)
	}
	return api.KVValue{KVAnswer: s.kvAnswer(false), KVItem: kvItem(e), Pending: pending}, err
}

func (s *Server) kvDelete(q *request, in api.KVKey) (api.KVValue, error) {
	found, err := s.kv.Delete(q.ctx, q.actor.Scope, in.Key)
	return api.KVValue{KVAnswer: s.kvAnswer(false), KVItem: api.KVItem{Key: in.Key, Found: found}}, err
}

func (s *Server) kvCompareAndSet(q *request, in api.KVCompareInput) (api.KVValue, error) {
	condition := store.KVCondition{Value: in.IfValue}
	if in.IfVersion != nil {
		condition.Version = *in.IfVersion
	}
	e, won, err := s.kv.CompareAndSet(q.ctx, q.actor.Scope, kvWrite(in.Key, in.Value, in.TTL), condition)
	if err == nil && !won {
		err = &kvConflict{e}
	}
	return api.KVValue{KVAnswer: s.kvAnswer(false), KVItem: kvItem(e)}, err
}

func (s *Server) kvList(q *request, in api.KVListInput) (api.KVItems, error) {
	level := consistencies[in.Consistency]
	limit := in.Limit
	if limit == 0 {
		limit = api.MaxPage
	}
	p, err := s.kv.List(q.ctx, q.actor.Scope, in.Prefix, in.After, limit, level)
	return api.KVItems{KVAnswer: s.kvAnswer(level == kv.Stale), Items: kvItems(p.Entries), Next: p.Next}, err
}

func (s *Server) kvMultiGet(q *request, in api.KVMultiGetInput) (api.KVItems, error) {
	level := consistencies[in.Consistency]
	entries, fits, err := s.kv.GetAll(q.ctx, q.actor.Scope, in.Keys, level)
	if err == nil && !fits {
		err = lms.FieldErrorf(lms.KindTooLarge, "keys", "The values of these keys are larger than one answer. Ask for fewer keys.")
	}
	return api.KVItems{KVAnswer: s.kvAnswer(level == kv.Stale), Items: kvItems(entries)}, err
}

func (s *Server) kvMultiPut(q *request, in api.KVMultiPutInput) (api.KVItems, error) {
	writes := make([]store.KVWrite, len(in.Entries))
	for i, e := range in.Entries {
		writes[i] = kvWrite(e.Key, e.Value, e.TTL)
	}
	entries, err := s.kv.PutAll(q.ctx, q.actor.Scope, writes)
	for i := range entries {
		entries[i].Value = "" // the client has sent them
	}
	return api.KVItems{KVAnswer: s.kvAnswer(false), Items: kvItems(entries)}, err
}

func (s *Server) listAPITokens(ctx context.Context, _ lms.Actor, _ api.NoInput) (api.Page[lms.APIToken], error) {
	tokens, err := s.store.APITokens(ctx)
	return api.Page[lms.APIToken]{Items: tokens, Total: len(tokens)}, err
}

func (s *Server) createAPIToken(ctx context.Context, actor lms.Actor, in api.APITokenInput) (lms.APIToken, error) {
	secret := lms.APITokenPrefix + lms.NewSecret()
	hash := sha256.Sum256([]byte(secret))
	t, err := s.store.CreateAPIToken(ctx, actor, in.ID, in.Name, hash[:])
	t.Secret = secret
	return t, err
}

func (s *Server) revokeAPIToken(ctx context.Context, actor lms.Actor, in api.APITokenPath) (lms.APIToken, error) {
	return s.store.RevokeAPIToken(ctx, actor, in.Token)
}
