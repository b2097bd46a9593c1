package store

import (
	"context"

	"trivium/consensus"
)

// KVGet reads a key at the level.
func (s *Store) KVGet(ctx context.Context, level consensus.Level, key string) (value string, version int64, found bool, err error) {
	rows, err := s.db.Query(ctx, level, `SELECT value, version FROM kv_entries WHERE key = ?`, key)
	if err != nil {
		return "", 0, false, mapError(err)
	}
	if len(rows.Values) == 0 {
		return "", 0, false, nil
	}
	err = rows.Values[0].Scan(&value, &version)
	return value, version, err == nil, err
}

// KVPut writes a key and returns its version: 1, and one more with each write.
func (s *Store) KVPut(ctx context.Context, key, value string) (version int64, err error) {
	b := consensus.Batch{Label: consensus.LabelSet}
	b.Exec(`INSERT INTO kv_entries (key, value, version) VALUES (?1, ?2, 1) ON CONFLICT (key) DO UPDATE SET value = ?2, version = version + 1`, key, value)
	b.Return(`SELECT version FROM kv_entries WHERE key = ?`, key)
	res, err := s.apply(ctx, &b)
	n, err := returned(res, err, scanInt)
	return int64(n), err
}

// KVDelete removes a key and reports whether it was there.
func (s *Store) KVDelete(ctx context.Context, key string) (found bool, err error) {
	var b consensus.Batch
	b.Exec(`DELETE FROM kv_entries WHERE key = ?`, key)
	res, err := s.apply(ctx, &b)
	return err == nil && len(res.Changed) > 0 && res.Changed[0] > 0, err
}
