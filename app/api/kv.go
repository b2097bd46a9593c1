package api

import (
	"strings"
	"time"
	"unicode/utf8"

	"trivium/app/lms"
)

// Bounds of the key-value store.
const (
	MaxKVKey   = 512     // bytes
	MaxKVValue = 1 << 20 // bytes
	MaxKVBatch = 1000    // keys of one request
	MaxKVTTL   = 10 * 365 * 24 * time.Hour
)

// The consistency of a read. Only KVStale may show less than what was acknowledged before the read, and says so.
const (
	KVLease        = "lease"        // default: what the leader has while its lease holds, without a message to the others
	KVLinearizable = "linearizable" // a majority confirms the leader first
	KVSession      = "session"      // what this node has, at least what this client has seen
	KVStale        = "stale"        // what this node has, also without a majority; marked in the answer
)

// KVKey names a key.
type KVKey struct {
	Key string `param:"key" json:"-"`
}

// KVGetInput reads a key.
type KVGetInput struct {
	Key         string `param:"key" json:"-"`
	Consistency string `query:"consistency" json:"-"`
}

// KVPutInput writes a key. The value is required and not null.
type KVPutInput struct {
	Key   string  `param:"key" json:"-"`
	Value *string `json:"value"`
	TTL   int64   `json:"ttlMs,omitempty"` // milliseconds until the key goes by itself; 0: it stays
	Fast  bool    `query:"fast" json:"-"`  // experimental: may be acknowledged before it has its place in the log, see KVValue
}

// KVCompareInput writes a key if it has the value or the version. Exactly one of the two is given; version 0 means that
// there is no such key.
type KVCompareInput struct {
	Key       string  `param:"key" json:"-"`
	Value     *string `json:"value"`
	TTL       int64   `json:"ttlMs,omitempty"`
	IfValue   *string `json:"ifValue,omitempty"`
	IfVersion *int64  `json:"ifVersion,omitempty"`
}

// KVListInput pages through the keys with a prefix.
type KVListInput struct {
	Prefix      string `query:"prefix" json:"-"`
	After       string `query:"after" json:"-"` // the last key of the page before
	Limit       int    `query:"limit" json:"-"` // 0: MaxPage
	Consistency string `query:"consistency" json:"-"`
}

// KVMultiGetInput reads several keys.
type KVMultiGetInput struct {
	Keys        []string `json:"keys"`
	Consistency string   `query:"consistency" json:"-"`
}

// KVMultiPutInput writes several keys, each once.
type KVMultiPutInput struct {
	Entries []KVEntry `json:"entries"`
}

// KVEntry is one key of a KVMultiPutInput.
type KVEntry struct {
	Key   string  `json:"key"`
	Value *string `json:"value"`
	TTL   int64   `json:"ttlMs,omitempty"`
}

// KVAnswer is what every answer of the key-value store has.
type KVAnswer struct {
	Success  bool    `json:"success"`
	LeaderID *string `json:"leaderId"`        // null: none is known
	Stale    bool    `json:"stale,omitempty"` // asked for with KVStale: it may be older than what was acknowledged
}

// KVItem is a key with its value. The version grows with every write of the key, also over a deletion.
type KVItem struct {
	Key       string    `json:"key"`
	Data      string    `json:"data"` // "" when not found
	Found     bool      `json:"found"`
	Version   int64     `json:"version,omitempty"`
	ExpiresAt time.Time `json:"expiresAt,omitzero"`
}

// KVValue answers for one key. When a comparison fails it comes with the status 409 and the present value.
type KVValue struct {
	KVAnswer
	KVItem
	Pending bool `json:"pending,omitempty"` // a fast write that is durable and has no version yet
}

// KVItems answers for several keys, in the order in which they were asked for, or by key in a list.
type KVItems struct {
	KVAnswer
	Items []KVItem `json:"items"`
	Next  string   `json:"next,omitempty"` // of a list: where the next page begins
}

// APITokenInput makes an API token. A repeat with the same id makes a new secret, since the first was never read.
type APITokenInput struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// APITokenPath names an API token.
type APITokenPath struct {
	Token string `param:"token" json:"-"`
}

func (in KVKey) Validate() error { return checkKVKey(in.Key) }

func (in KVGetInput) Validate() error {
	if err := checkConsistency(in.Consistency); err != nil {
		return err
	}
	return checkKVKey(in.Key)
}

func (in KVPutInput) Validate() error { return checkKVEntry(in.Key, in.Value, in.TTL) }

func (in KVCompareInput) Validate() error {
	if (in.IfValue == nil) == (in.IfVersion == nil) {
		return lms.FieldErrorf(lms.KindInvalid, "ifVersion", "Give either ifValue or ifVersion (0: the key must not exist).")
	}
	if in.IfVersion != nil && *in.IfVersion < 0 {
		return lms.FieldErrorf(lms.KindInvalid, "ifVersion", "A version is not negative.")
	}
	return checkKVEntry(in.Key, in.Value, in.TTL)
}

func (in KVListInput) Validate() error {
	if err := checkConsistency(in.Consistency); err != nil {
		return err
	}
	for name, s := range map[string]string{"prefix": in.Prefix, "after": in.After} {
		if len(s) > MaxKVKey || !utf8.ValidString(s) || strings.ContainsRune(s, 0) {
			return lms.FieldErrorf(lms.KindInvalid, name, "This has at most %d bytes of UTF-8.", MaxKVKey)
		}
	}
	if in.Limit < 0 || in.Limit > MaxPage {
		return lms.FieldErrorf(lms.KindInvalid, "limit", "A page has between 1 and %d entries.", MaxPage)
	}
	return nil
}

func (in KVMultiGetInput) Validate() error {
	if err := checkConsistency(in.Consistency); err != nil {
		return err
	}
	if len(in.Keys) == 0 || len(in.Keys) > MaxKVBatch {
		return lms.FieldErrorf(lms.KindInvalid, "keys", "A request has between 1 and %d keys.", MaxKVBatch)
	}
	for _, k := range in.Keys {
		if err := checkKVKey(k); err != nil {
			return err
		}
	}
	return nil
}

func (in KVMultiPutInput) Validate() error {
	if len(in.Entries) == 0 || len(in.Entries) > MaxKVBatch {
		return lms.FieldErrorf(lms.KindInvalid, "entries", "A request has between 1 and %d keys.", MaxKVBatch)
	}
	seen := make(map[string]bool, len(in.Entries))
	for _, e := range in.Entries {
		if err := checkKVEntry(e.Key, e.Value, e.TTL); err != nil {
			return err
		}
		if seen[e.Key] {
			return lms.FieldErrorf(lms.KindInvalid, "key", "The key %q is there twice. Nothing was written.", e.Key)
		}
		seen[e.Key] = true
	}
	return nil
}

func (in APITokenInput) Validate() error {
	if err := checkIDs(in.ID); err != nil {
		return err
	}
	if n := utf8.RuneCountInString(in.Name); strings.TrimSpace(in.Name) == "" || n > 100 || !utf8.ValidString(in.Name) {
		return lms.FieldErrorf(lms.KindInvalid, "name", "Name the program that uses the token, in 1 to 100 characters.")
	}
	return nil
}

func (in APITokenPath) Validate() error { return checkIDs(in.Token) }

func checkConsistency(c string) error {
	switch c {
	case "", KVLease, KVLinearizable, KVSession, KVStale:
		return nil
	}
	return lms.FieldErrorf(lms.KindInvalid, "consistency", "%q is no consistency. Use lease, linearizable, session or stale.", c)
}

func checkKVEntry(key string, value *string, ttl int64) error {
	if err := checkKVKey(key); err != nil {
		return err
	}
	switch {
	case value == nil:
		return lms.FieldErrorf(lms.KindInvalid, "value", "A value is a string, not null. To remove the key, delete it.")
	case len(*value) > MaxKVValue:
		return lms.FieldErrorf(lms.KindTooLarge, "value", "A value has at most 1 MiB.")
	case ttl < 0 || ttl > MaxKVTTL.Milliseconds():
		return lms.FieldErrorf(lms.KindInvalid, "ttlMs", "A key lives between 1 ms and 10 years; 0 is for ever.")
	}
	return nil
}

// checkKVKey: keys that begin with U+0001 are the scopes of API tokens.
func checkKVKey(k string) error {
	if k == "" || len(k) > MaxKVKey || !utf8.ValidString(k) || strings.ContainsRune(k, 0) || k[0] == 1 {
		return lms.FieldErrorf(lms.KindInvalid, "key", "A key has between 1 and %d bytes of UTF-8, without NUL and no U+0001 in front.", MaxKVKey)
	}
	return nil
}
