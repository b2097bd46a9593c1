package store

import (
	"context"

	"trivium/app/lms"
	"trivium/consensus"
)

var errTokenTaken = lms.FieldErrorf(lms.KindConflict, "id", "There is a token with this id already. Load the list of tokens and try again.")

const selectToken = `SELECT token_id, name, created_by, created_at, revoked_at FROM api_tokens`

func scanToken(row consensus.Row) (t lms.APIToken, err error) {
	return t, row.Scan(&t.ID, &t.Name, &t.CreatedBy, &t.CreatedAt, &t.RevokedAt)
}

// APITokens lists the tokens, newest first.
func (s *Store) APITokens(ctx context.Context) ([]lms.APIToken, error) {
	rows, err := s.query(ctx, selectToken+` ORDER BY created_at DESC, token_id`)
	return collect(rows, err, scanToken)
}

// CreateAPIToken stores a token by the hash of its secret. A repeat by the same person under the same id and name replaces
// the hash: the answer with the first secret was lost. So it is no part of what a request's key stands for.
func (s *Store) CreateAPIToken(ctx context.Context, actor lms.Actor, id, name string, hash []byte) (lms.APIToken, error) {
	var b consensus.Batch
	requireAdmin(&b, actor)
	b.Require(errTokenTaken, `NOT EXISTS(SELECT 1 FROM api_tokens WHERE token_id = ?1 AND (created_by <> ?2 OR name <> ?3 OR revoked_at IS NOT NULL))`,
		id, actor.UserID, name)
	b.Exec(`
		INSERT INTO api_tokens (token_id, token_hash, name, created_by, created_at) VALUES (?1, ?2, ?3, ?4, ?5)
		ON CONFLICT (token_id) DO UPDATE SET token_hash = ?2`, id, hash, name, actor.UserID, consensus.Stamp{})
	audit(ctx, &b, actor, lms.AuditKVTokenCreate, "token/"+id, "name", name)
	b.Return(selectToken+` WHERE token_id = ?`, id)
	res, err := s.applyUnkeyed(ctx, &b)
	return returned(res, err, scanToken)
}

// RevokeAPIToken ends a token on every node; its keys stay. A second time nothing changes.
func (s *Store) RevokeAPIToken(ctx context.Context, actor lms.Actor, id string) (lms.APIToken, error) {
	var b consensus.Batch
	requireAdmin(&b, actor)
	b.Require(lms.ErrNotFound, `EXISTS(SELECT 1 FROM api_tokens WHERE token_id = ?1)`, id)
	b.Exec(`UPDATE api_tokens SET revoked_at = ?2 WHERE token_id = ?1 AND revoked_at IS NULL`, id, consensus.Stamp{})
	audit(ctx, &b, actor, lms.AuditKVTokenRevoke, "token/"+id)
	b.Return(selectToken+` WHERE token_id = ?`, id)
	res, err := s.apply(ctx, &b)
	return returned(res, err, scanToken)
}

// APITokenByHash returns the token that is not revoked; ErrSignIn when there is none. A token that this node does not know
// may be newer than what it has applied, so it asks once at the level of everything acknowledged.
func (s *Store) APITokenByHash(ctx context.Context, hash []byte) (lms.APIToken, error) {
	const q = selectToken + ` WHERE token_hash = ? AND revoked_at IS NULL`
	rows, err := s.db.Query(ctx, consensus.Local, q, hash)
	if err == nil && len(rows.Values) == 0 && !isKVStale(ctx) {
		rows, err = s.db.Query(ctx, consensus.Lease, q, hash)
	}
	if err != nil {
		return lms.APIToken{}, mapError(err)
	}
	t, err := one(rows.Values, nil, scanToken)
	if lms.KindOf(err) == lms.KindNotFound {
		err = lms.ErrSignIn
	}
	return t, err
}
