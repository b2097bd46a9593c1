package store

import (
	"context"
	"strings"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

// Passkey is a passkey with what its answers are checked against. Nothing of it is secret.
type Passkey struct {
	lms.Passkey
	UserID     string
	Credential []byte // its id, unique over the site
	PublicKey  []byte // COSE
	Transports []string
	SignCount  uint32 // of its last answer
}

// Challenge is what a passkey has answered. The nodes do not keep those that are open; of those that were used they keep a hash for as
// long as somebody could show the answer again.
type Challenge struct {
	Hash      []byte
	ExpiresAt time.Time
}

// Refusals of passkeys.
var (
	ErrChallengeOver = lms.FieldErrorf(lms.KindSignIn, "passkey", "This took too long, or was tried before. Try again with your passkey.")
	ErrNoPasskey     = lms.FieldErrorf(lms.KindSignIn, "passkey", "This passkey is not known here, or was removed. Sign in another way; then you can delete it on your device.")
	ErrPasskeyCopied = lms.FieldErrorf(lms.KindSignIn, "passkey", "This passkey's counter went back, as if there were a copy of it, so it was refused. Sign in another way, remove it on the page Account and make a new one.")

	errPasskeyKnown = lms.FieldErrorf(lms.KindConflict, "passkey", "This passkey belongs to an account already.")
	errPasskeyMany  = lms.FieldErrorf(lms.KindRule, "passkey", "An account has at most %d passkeys. Remove one that you do not use any more.", lms.MaxPasskeys)
)

const selectPasskey = `SELECT p.passkey_id, p.user_id, p.credential_id, p.public_key, p.domain, p.name, p.transports, p.synced, p.sign_count, p.created_at, p.used_at FROM passkeys p`

func scanPasskey(row consensus.Row) (p Passkey, err error) {
	var transports string
	var count int64
	err = row.Scan(&p.ID, &p.UserID, &p.Credential, &p.PublicKey, &p.Domain, &p.Name, &transports, &p.Synced, &count, &p.CreatedAt, &p.UsedAt)
	p.Transports, p.SignCount = strings.Fields(transports), uint32(count)
	return p, err
}

// Passkeys lists the passkeys of the account, the oldest first.
func (s *Store) Passkeys(ctx context.Context, userID string) ([]Passkey, error) {
	rows, err := s.query(ctx, selectPasskey+` WHERE p.user_id = ?1 ORDER BY p.created_at, p.passkey_id`, userID)
	return collect(rows, err, scanPasskey)
}

// PasskeyByCredential finds the passkey that has shown its id; ErrNoPasskey when there is none.
func (s *Store) PasskeyByCredential(ctx context.Context, credential []byte) (Passkey, lms.User, error) {
	rows, err := s.query(ctx, selectPasskey+` WHERE p.credential_id = ?1`, credential)
	p, err := one(rows, err, scanPasskey)
	if lms.KindOf(err) == lms.KindNotFound {
		return p, lms.User{}, ErrNoPasskey
	}
	if err != nil {
		return p, lms.User{}, err
	}
	rows, err = s.query(ctx, selectUser, p.UserID)
	u, err := one(rows, err, scanUser)
	return p, u, err
}

// spend uses a challenge up, over the cluster, unless its time is over.
func spend(b *consensus.Batch, c Challenge) {
	b.Require(ErrChallengeOver, `?1 >= ?2 AND NOT EXISTS(SELECT 1 FROM used_challenges WHERE challenge_hash = ?3)`, c.ExpiresAt, consensus.Stamp{}, c.Hash)
	b.Exec(`DELETE FROM used_challenges WHERE expires_at < ?`, consensus.Stamp{})
	b.Exec(`INSERT INTO used_challenges (challenge_hash, expires_at) VALUES (?, ?)`, c.Hash, c.ExpiresAt)
}

// AddPasskey gives the actor's account a passkey that has answered the challenge.
func (s *Store) AddPasskey(ctx context.Context, actor lms.Actor, p Passkey, c Challenge) error {
	var b consensus.Batch
	b.Require(lms.ErrSignIn, userEnabled, actor.UserID)
	b.Require(errPasskeyKnown, `NOT EXISTS(SELECT 1 FROM passkeys WHERE credential_id = ?)`, p.Credential)
	b.Require(errPasskeyMany, `(SELECT count(*) FROM passkeys WHERE user_id = ?) < ?`, actor.UserID, lms.MaxPasskeys)
	spend(&b, c)
	b.Exec(`
		INSERT INTO passkeys (passkey_id, user_id, credential_id, public_key, domain, name, transports, synced, sign_count, created_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		p.ID, actor.UserID, p.Credential, p.PublicKey, p.Domain, p.Name, strings.Join(p.Transports, " "), p.Synced, int64(p.SignCount), consensus.Stamp{})
	audit(ctx, &b, actor, lms.AuditPasskeyAdd, "user/"+actor.UserID, "passkey", p.ID, "domain", p.Domain)
	b.Notify(topicUser(actor.UserID))
	_, err := s.apply(ctx, &b)
	return err
}

// UsePasskey notes that a passkey has answered the challenge with the count. Passkeys that are synced between devices do not count and
// always say 0; one that counts must have gone on, or there is a copy. A repeat under the request's key has used it.
func (s *Store) UsePasskey(ctx context.Context, p Passkey, count uint32, c Challenge) error {
	var b consensus.Batch
	b.Require(ErrNoPasskey, `EXISTS(SELECT 1 FROM passkeys WHERE passkey_id = ? AND user_id = ?)`, p.ID, p.UserID)
	spend(&b, c)
	b.Require(ErrPasskeyCopied, `EXISTS(SELECT 1 FROM passkeys WHERE passkey_id = ?1 AND (sign_count < ?2 OR sign_count = 0 AND ?2 = 0))`, p.ID, int64(count))
	b.Exec(`UPDATE passkeys SET sign_count = ?2, used_at = ?3 WHERE passkey_id = ?1`, p.ID, int64(count), consensus.Stamp{})
	b.Notify(topicUser(p.UserID))
	_, err := s.apply(ctx, &b)
	return err
}

// RecordPasskeyCopied records that a passkey was refused because its counter went back.
func (s *Store) RecordPasskeyCopied(ctx context.Context, p Passkey) error {
	var b consensus.Batch
	audit(ctx, &b, lms.Actor{UserID: p.UserID}, lms.AuditPasskeyCopied, "user/"+p.UserID, "passkey", p.ID)
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// RemovePasskey takes one of the actor's passkeys away. Recovery codes go with the last second step.
func (s *Store) RemovePasskey(ctx context.Context, actor lms.Actor, id string) error {
	var b consensus.Batch
	b.Require(lms.ErrSignIn, userEnabled, actor.UserID)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM passkeys WHERE passkey_id = ? AND user_id = ?)`, id, actor.UserID)
	b.Exec(`DELETE FROM passkeys WHERE passkey_id = ?`, id)
	forgetRecovery(&b, actor.UserID)
	audit(ctx, &b, actor, lms.AuditPasskeyRemove, "user/"+actor.UserID, "passkey", id)
	b.Notify(topicUser(actor.UserID))
	_, err := s.apply(ctx, &b)
	return err
}
