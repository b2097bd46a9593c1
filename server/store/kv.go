package store

import (
	"context"
	"time"

	"trivium/consensus"
)

// KVEntry is a key of the key-value store with its value. Of a key that is not found all but Key is zero.
//
// A key with an expiry goes when an entry of the log has a stamp that reached it: whatever judges a key to be due removes
// it in the same batch, so that a row that is there is alive for everybody. A reader whose clock says that a row is due
// proposes its removal and answers what that batch says.
type KVEntry struct {
	Key       string
	Value     string
	Found     bool
	Version   int64 // grows with every write; a new key begins above those of all keys that were removed, so that none comes again
	ExpiresAt time.Time
}

// KVWrite is one write of a key. TTL 0: the key stays.
type KVWrite struct {
	Key, Value string
	TTL        time.Duration // whole milliseconds
}

// KVCondition is what a compare-and-set demands: the value, or else the version (0: no such key).
type KVCondition struct {
	Value   *string
	Version int64
}

// KVScope returns the key under which a key of an API token's scope lies. The administrators' scope is "".
func KVScope(scope, key string) string {
	if scope == "" {
		return key
	}
	return "\x01" + scope + "\x01" + key
}

// KVTopic is the topic of a write of the key. It is hidden: only who watches for it hears of it.
const KVTopic = consensus.Hidden + "kv/"

const (
	// The first version of a key; ?3 index. Whatever removes keys notes the highest version among them before: the index alone
	// would come again where a key is written, removed and written within one entry, or many times in each.
	kvFirst = `max(?3, (SELECT version + 1 FROM kv_removed))`
	// ?1 key, ?2 value, ?3 index
	kvPut = `INSERT INTO kv_entries (key, value, version) VALUES (?1, ?2, ` + kvFirst + `) ON CONFLICT (key) DO UPDATE SET value = ?2, version = version + 1, expires_at = NULL`
	// ?4 stamp, ?5 time to live in ms
	kvPutFor = `
		INSERT INTO kv_entries (key, value, version, expires_at) VALUES (?1, ?2, ` + kvFirst + `, ?4 + ?5)
		ON CONFLICT (key) DO UPDATE SET value = ?2, version = version + 1, expires_at = ?4 + ?5`
	kvNote  = `UPDATE kv_removed SET version = max(version, coalesce((SELECT max(e.version) FROM kv_entries e WHERE `
	kvNoted = `), 0))`
	// ?1 key
	kvOne = `key = ?1`
	// ?1 key, ?2 stamp
	kvOneDue = `key = ?1 AND expires_at <= ?2`
	// ?1 stamp, ?2 how many
	kvDue = `key IN (SELECT key FROM kv_entries WHERE expires_at <= ?1 ORDER BY expires_at, key LIMIT ?2)`
	// ?1 keys, ?2 stamp
	kvSomeDue = `expires_at <= ?2 AND key IN (SELECT value FROM json_each(?1))`
	kvColumns = `key, value, version, expires_at`
)

// kvPruneEach is how many due keys a write with an expiry removes: more than it adds, so that they never pile up.
const kvPruneEach = 16

// kvDrop removes a key: the second of its statements.
func kvDrop(b *consensus.Batch, key string) {
	b.Exec(kvNote+kvOne+kvNoted, key)
	b.Exec(`DELETE FROM kv_entries WHERE `+kvOne, key)
}

// kvDropDue removes a key whose time has come.
func kvDropDue(b *consensus.Batch, key string) {
	b.Exec(kvNote+kvOneDue+kvNoted, key, consensus.Stamp{})
	b.Exec(`DELETE FROM kv_entries WHERE `+kvOneDue, key, consensus.Stamp{})
}

// kvDropSomeDue removes those of the keys whose time has come.
func kvDropSomeDue(b *consensus.Batch, keys []string) {
	b.Exec(kvNote+kvSomeDue+kvNoted, list(keys), consensus.Stamp{})
	b.Exec(`DELETE FROM kv_entries WHERE `+kvSomeDue, list(keys), consensus.Stamp{})
}

// kvPrune removes some keys whose time has come.
func kvPrune(b *consensus.Batch, most int) {
	b.Exec(kvNote+kvDue+kvNoted, consensus.Stamp{}, most)
	b.Exec(`DELETE FROM kv_entries WHERE `+kvDue, consensus.Stamp{}, most)
}

func scanKV(row consensus.Row) (e KVEntry, err error) {
	e.Found = true
	return e, row.Scan(&e.Key, &e.Value, &e.Version, &e.ExpiresAt)
}

// due reports whether the entry's time has come by this node's clock.
func (s *Store) due(e KVEntry) bool { return !e.ExpiresAt.IsZero() && !e.ExpiresAt.After(s.Now()) }

type kvStale struct{}

// KVStale marks reads of keys that may show whatever this node has, also without a majority. Keys that are due by this
// node's clock count as gone there, without asking anybody.
func KVStale(ctx context.Context) context.Context {
	return context.WithValue(consensus.AllowStale(ctx), kvStale{}, true)
}

func isKVStale(ctx context.Context) bool { return ctx.Value(kvStale{}) != nil }

// KVGet reads a key at the level.
func (s *Store) KVGet(ctx context.Context, level consensus.Level, key string) (KVEntry, error) {
	e, err := s.kvAt(ctx, level, key)
	if err == nil && s.due(e) {
		return s.kvSettle(ctx, key)
	}
	return e, err
}

// kvAt reads a key with a row that may be due.
func (s *Store) kvAt(ctx context.Context, level consensus.Level, key string) (KVEntry, error) {
	rows, err := s.db.Query(ctx, level, `SELECT `+kvColumns+` FROM kv_entries WHERE key = ?`, key)
	if err != nil {
		return KVEntry{}, mapError(err)
	}
	if len(rows.Values) == 0 {
		return KVEntry{Key: key}, nil
	}
	return scanKV(rows.Values[0])
}

// KVReach returns when a local read on this node is as fresh as the level demands.
func (s *Store) KVReach(ctx context.Context, level consensus.Level) error {
	if err := s.db.Reach(ctx, level); err != nil {
		return mapError(err)
	}
	return nil
}

// kvSettle removes the key if its time has come by the cluster's stamp, and returns what is there then.
func (s *Store) kvSettle(ctx context.Context, key string) (KVEntry, error) {
	if isKVStale(ctx) {
		return KVEntry{Key: key}, nil
	}
	var b consensus.Batch
	kvDropDue(&b, key)
	b.Return(`SELECT `+kvColumns+` FROM kv_entries WHERE key = ?`, key)
	res, err := s.applyUnkeyed(ctx, &b)
	if err != nil || len(res.Rows.Values) == 0 {
		return KVEntry{Key: key}, err
	}
	return scanKV(res.Rows.Values[0])
}

// kvWrite adds the statement of a write to the batch.
func kvWrite(b *consensus.Batch, w KVWrite) {
	if w.TTL > 0 {
		b.Exec(kvPutFor, w.Key, w.Value, consensus.Index{}, consensus.Stamp{}, w.TTL.Milliseconds())
	} else {
		b.Exec(kvPut, w.Key, w.Value, consensus.Index{})
	}
	b.Notify(KVTopic + w.Key)
}

// KVPut writes a key. A plain write is one statement.
func (s *Store) KVPut(ctx context.Context, w KVWrite) (KVEntry, error) { return s.kvPut(ctx, w) }

func (s *Store) kvPut(ctx context.Context, w KVWrite, topics ...string) (KVEntry, error) {
	b := consensus.Batch{Label: consensus.LabelSet}
	kvGuard(ctx, &b)
	b.Notify(topics...)
	if w.TTL > 0 {
		kvPrune(&b, kvPruneEach)
	}
	kvWrite(&b, w)
	b.Return(`SELECT version, expires_at FROM kv_entries WHERE key = ?`, w.Key)
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanKVWritten(w))
}

// scanKVWritten reads the version and the expiry of what was written.
func scanKVWritten(w KVWrite) func(consensus.Row) (KVEntry, error) {
	return func(row consensus.Row) (KVEntry, error) {
		e := KVEntry{Key: w.Key, Value: w.Value, Found: true}
		return e, row.Scan(&e.Version, &e.ExpiresAt)
	}
}

// KVDelete removes a key and reports whether it was there.
func (s *Store) KVDelete(ctx context.Context, key string) (found bool, err error) {
	var b consensus.Batch
	kvGuard(ctx, &b)
	kvDropDue(&b, key)
	kvDrop(&b, key)
	b.Notify(KVTopic + key)
	res, err := s.apply(ctx, &b)
	return err == nil && res.Changed[len(res.Changed)-1] > 0, err
}

// KVCompareAndSet writes the key if the condition holds, and reports whether it did. Otherwise it returns the present
// entry. Of several at once that demand the same, one wins: they are ordered by the log.
func (s *Store) KVCompareAndSet(ctx context.Context, w KVWrite, c KVCondition) (e KVEntry, won bool, err error) {
	b := consensus.Batch{Label: consensus.LabelSet}
	kvGuard(ctx, &b)
	kvDropDue(&b, w.Key)
	ttl := w.TTL.Milliseconds()
	switch {
	case c.Value != nil:
		b.Exec(`UPDATE kv_entries SET value = ?2, version = version + 1, expires_at = CASE WHEN ?4 > 0 THEN ?3 + ?4 END WHERE key = ?1 AND value = ?5`,
			w.Key, w.Value, consensus.Stamp{}, ttl, *c.Value)
	case c.Version > 0:
		b.Exec(`UPDATE kv_entries SET value = ?2, version = version + 1, expires_at = CASE WHEN ?4 > 0 THEN ?3 + ?4 END WHERE key = ?1 AND version = ?5`,
			w.Key, w.Value, consensus.Stamp{}, ttl, c.Version)
	default:
		b.Exec(`INSERT INTO kv_entries (key, value, version, expires_at) VALUES (?1, ?2, `+kvFirst+`, CASE WHEN ?5 > 0 THEN ?4 + ?5 END) ON CONFLICT (key) DO NOTHING`,
			w.Key, w.Value, consensus.Index{}, consensus.Stamp{}, ttl)
	}
	b.Return(`SELECT version, expires_at FROM kv_entries WHERE key = ?1`, w.Key)
	b.Notify(KVTopic + w.Key)
	res, err := s.apply(ctx, &b)
	if err != nil {
		return KVEntry{}, false, err
	}
	if res.Changed[len(res.Changed)-1] == 0 { // what is there instead may be large: it is not part of what is kept
		e, err = s.kvAt(ctx, consensus.Local, w.Key)
		return e, false, err
	}
	e, err = returned(res, nil, scanKVWritten(w))
	return e, true, err
}

// KVPutAll writes all keys, in one batch, and returns them with their new versions. No key may be there twice.
func (s *Store) KVPutAll(ctx context.Context, writes []KVWrite) ([]KVEntry, error) {
	b := consensus.Batch{Label: consensus.LabelSet}
	kvGuard(ctx, &b)
	keys := make([]string, len(writes))
	for i, w := range writes {
		if keys[i] = w.Key; w.TTL > 0 && i == 0 {
			kvPrune(&b, kvPruneEach)
		}
		kvWrite(&b, w)
	}
	b.Return(`SELECT e.version, e.expires_at FROM json_each(?1) j JOIN kv_entries e ON e.key = j.value ORDER BY j.id`, list(keys)) // all are there
	res, err := s.apply(ctx, &b)
	entries, err := collect(res.Rows.Values, err, func(row consensus.Row) (e KVEntry, err error) {
		e.Found = true
		return e, row.Scan(&e.Version, &e.ExpiresAt)
	})
	for i := range entries {
		entries[i].Key, entries[i].Value = writes[i].Key, writes[i].Value
	}
	return entries, err
}

// kvAnswerBytes bounds the values of one answer.
const kvAnswerBytes = 16 << 20

// KVGetAll reads the keys as they are at one moment, in their order. full is false when the values together are too large
// for one answer; then there is none.
func (s *Store) KVGetAll(ctx context.Context, level consensus.Level, keys []string) (entries []KVEntry, full bool, err error) {
	const q = `
		SELECT k.key, iif(sum(octet_length(k.value)) OVER () <= ?2, k.value, NULL), k.version, k.expires_at
		FROM kv_entries k WHERE k.key IN (SELECT value FROM json_each(?1))`
	read := func() ([]KVEntry, error) {
		rows, err := s.db.Query(ctx, level, q, list(keys), kvAnswerBytes)
		return s.kvRows(rows, err, &full)
	}
	found, err := read()
	if err == nil && full && s.kvSweep(ctx, found) {
		found, err = read() // what was due is gone, or was written anew
	}
	if err != nil || !full {
		return nil, full, err
	}
	by := make(map[string]KVEntry, len(found))
	for _, e := range found {
		if !s.due(e) {
			by[e.Key] = e
		}
	}
	for _, k := range keys {
		e := by[k]
		e.Key = k
		entries = append(entries, e)
	}
	return entries, true, nil
}

// KVList lists the keys that begin with prefix and come after the key after, at most limit, and fewer when their values
// are large. next is the last key looked at when there are others.
func (s *Store) KVList(ctx context.Context, level consensus.Level, prefix, after string, limit int) (entries []KVEntry, next string, err error) {
	// No valid UTF-8 has a byte F5: it ends the range of everything that begins with the prefix.
	const q = `
		SELECT key, iif(sum(octet_length(value)) OVER (ORDER BY key) <= ?5, value, NULL), version, expires_at FROM (
			SELECT key, value, version, expires_at FROM kv_entries
			WHERE key >= ?1 AND key > ?2 AND key < ?3 ORDER BY key LIMIT ?4)`
	from := prefix
	if from == "" {
		from = "\x02" // beyond the scopes of the tokens
	}
	var full bool
	read := func() ([]KVEntry, error) {
		rows, err := s.db.Query(ctx, level, q, from, after, prefix+"\xf5", limit+1, kvAnswerBytes)
		return s.kvRows(rows, err, &full)
	}
	if entries, err = read(); err == nil && s.kvSweep(ctx, entries) {
		entries, err = read()
	}
	if err != nil {
		return nil, "", err
	}
	more := !full || len(entries) > limit
	entries = entries[:min(limit, len(entries))]
	if more {
		next = entries[len(entries)-1].Key
	}
	alive := entries[:0]
	for _, e := range entries {
		if !s.due(e) {
			alive = append(alive, e)
		}
	}
	return alive, next, nil
}

// kvRows reads entries up to the first whose value was left out; full tells whether there was none.
func (s *Store) kvRows(rows consensus.Rows, err error, full *bool) ([]KVEntry, error) {
	values := rows.Values
	*full = true
	for i, row := range values {
		if row[1] == nil {
			values, *full = values[:i], false
			break
		}
	}
	if err != nil {
		err = mapError(err)
	}
	return collect(values, err, scanKV)
}

// kvSweep removes due keys when there is one among the entries. It reports whether something may have changed.
func (s *Store) kvSweep(ctx context.Context, entries []KVEntry) bool {
	var due []string
	for _, e := range entries {
		if s.due(e) {
			due = append(due, e.Key)
		}
	}
	if len(due) == 0 || isKVStale(ctx) {
		return false
	}
	var b consensus.Batch
	kvDropSomeDue(&b, due)
	_, err := s.applyUnkeyed(ctx, &b)
	return err == nil
}

// KVPrune removes due keys, if this node's clock says that there are some.
func (s *Store) KVPrune(ctx context.Context) error {
	const most = 1000
	n, err := s.number(ctx, `SELECT count(*) FROM (SELECT 1 FROM kv_entries WHERE expires_at <= ?1 LIMIT 1)`, s.Now())
	if err != nil || n == 0 {
		return err
	}
	var b consensus.Batch
	kvPrune(&b, most)
	_, err = s.applyUnkeyed(ctx, &b)
	return err
}
