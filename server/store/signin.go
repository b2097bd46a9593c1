package store

import (
	"context"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// Limits of failed sign-ins for an account or an address, counted over the cluster (AUTH-3).
const (
	maxFailures   = 10
	failureWindow = 15 * time.Minute
)

// SignInBlocked tells how long a sign-in must wait because of the failures of any of the keys (an account, an address).
// 0: it may go on. The wait ends when fewer than ten failures lie in the last 15 minutes.
func (s *Store) SignInBlocked(ctx context.Context, keys ...string) (time.Duration, error) {
	const q = `
		SELECT max(f.failed_at)
		FROM json_each(?1) k
		JOIN sign_in_failures f ON f.subject = k.value AND f.failed_at > ?2
		WHERE (SELECT count(*) FROM sign_in_failures g
			WHERE g.subject = f.subject AND (g.failed_at, g.failure_id) >= (f.failed_at, f.failure_id)) >= ?3`
	now := s.Now()
	rows, err := s.query(ctx, q, list(keys), now.Add(-failureWindow), maxFailures)
	tenth, err := one(rows, err, func(row consensus.Row) (t time.Time, err error) { return t, row.Scan(&t) })
	if err != nil || tenth.IsZero() {
		return 0, err
	}
	return max(tenth.Add(failureWindow).Sub(now), time.Second), nil
}

// RecordSignInFailure counts a failure for each key and forgets the old ones of everybody.
func (s *Store) RecordSignInFailure(ctx context.Context, keys ...string) error {
	var b consensus.Batch
	b.Exec(`DELETE FROM sign_in_failures WHERE failed_at <= ?1 - ?2`, consensus.Stamp{}, failureWindow.Milliseconds())
	for _, key := range keys {
		b.Exec(`INSERT INTO sign_in_failures (subject, failure_id, failed_at) VALUES (?, ?, ?)`, key, lms.NewID(), consensus.Stamp{})
		// Of names that are no account's nothing is recorded: people type their password into the wrong field.
		const locked = auditInsert + ` WHERE (SELECT count(*) FROM sign_in_failures WHERE subject = ?8) = ?9
			AND (?8 LIKE 'address/%' OR EXISTS(SELECT 1 FROM users WHERE 'login/' || login_normal = ?8))`
		b.Exec(locked, consensus.Stamp{}, "", "", oneLine(CallerOf(ctx).Address), string(lms.AuditSignInLocked), oneLine(key), "{}", key, maxFailures)
	}
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// ClearSignInFailures forgets the failures of the keys, after a success.
func (s *Store) ClearSignInFailures(ctx context.Context, keys ...string) error {
	n, err := s.number(ctx, `SELECT count(*) FROM sign_in_failures WHERE subject IN (SELECT value FROM json_each(?1))`, list(keys))
	if err != nil || n == 0 {
		return err
	}
	var b consensus.Batch
	b.Exec(`DELETE FROM sign_in_failures WHERE subject IN (SELECT value FROM json_each(?1))`, list(keys))
	_, err = s.applyUnkeyed(ctx, &b)
	return err
}

// deviceLife is how long a device is known after the last sign-in with it.
const deviceLife = 180 * 24 * time.Hour

func rememberDevice(b *consensus.Batch, userID string, device []byte) {
	b.Exec(`DELETE FROM known_devices WHERE user_id = ?1 AND seen_at < ?2 - ?3`, userID, consensus.Stamp{}, deviceLife.Milliseconds())
	b.Exec(`INSERT INTO known_devices (device_hash, user_id, seen_at) VALUES (?1, ?2, ?3) ON CONFLICT (device_hash, user_id) DO UPDATE SET seen_at = ?3`,
		device, userID, consensus.Stamp{})
}

// DeviceKnown reports whether somebody has signed in to the account with the device before. Failures that others make with the
// account, or from the address, do not lock such a device out.
func (s *Store) DeviceKnown(ctx context.Context, login string, device []byte) (bool, error) {
	n, err := s.number(ctx, `SELECT count(*) FROM known_devices d JOIN users u ON u.user_id = d.user_id
		WHERE d.device_hash = ?1 AND u.login_normal = ?2 AND d.seen_at >= ?3`, device, lms.NormalLogin(login), s.Now().Add(-deviceLife))
	return n > 0, err
}
