package store

import (
	"context"
	"strings"
	"time"

	"trivium/app/lms"
	"trivium/consensus"
)

var errJoinToken = lms.FieldErrorf(lms.KindForbidden, "token", "This join token is wrong, used or expired. Make a new one with: trivium join-token")

// SetNode records where the node is: the address of its cluster port and the origin under which people reach it. Nothing
// is written when nothing changes.
func (s *Store) SetNode(ctx context.Context, id, address, origin string) error {
	n, err := s.number(ctx, `SELECT count(*) FROM nodes WHERE node_id = ?1 AND address = ?2 AND origin = ?3`, id, address, origin)
	if err != nil || n > 0 {
		return err
	}
	var b consensus.Batch
	b.Exec(`
		INSERT INTO nodes (node_id, address, origin, updated_at) VALUES (?1, ?2, ?3, ?4)
		ON CONFLICT (node_id) DO UPDATE SET address = ?2, origin = ?3, updated_at = ?4`, id, address, origin, consensus.Stamp{})
	b.Notify(TopicCluster)
	_, err = s.applyUnkeyed(ctx, &b)
	return err
}

// NodeOrigins returns the origins of the nodes by their ids.
func (s *Store) NodeOrigins(ctx context.Context) (map[string]string, error) {
	rows, err := s.query(ctx, `SELECT node_id, origin FROM nodes ORDER BY node_id`)
	if err != nil {
		return nil, err
	}
	origins := make(map[string]string, len(rows))
	for _, row := range rows {
		var id, origin string
		if err := row.Scan(&id, &origin); err != nil {
			return nil, err
		}
		origins[id] = origin
	}
	return origins, nil
}

// RemoveNodeRow forgets where the node is.
func (s *Store) RemoveNodeRow(ctx context.Context, id string) error {
	var b consensus.Batch
	b.Exec(`DELETE FROM nodes WHERE node_id = ?`, id)
	b.Exec(`DELETE FROM mailers WHERE node_id = ?`, id)
	b.Notify(TopicCluster)
	_, err := s.apply(ctx, &b)
	return err
}

// CreateJoinToken stores a token that lets one node join, and forgets the expired ones. Who may do so is decided by the
// caller: an administrator, or the operator of a node.
func (s *Store) CreateJoinToken(ctx context.Context, hash []byte, expires time.Time) error {
	var b consensus.Batch
	b.Exec(`DELETE FROM join_tokens WHERE expires_at < ?`, consensus.Stamp{})
	b.Exec(`INSERT INTO join_tokens (token_hash, created_at, expires_at, used_by) VALUES (?, ?, ?, '')`, hash, consensus.Stamp{}, expires)
	audit(ctx, &b, lms.Actor{}, lms.AuditJoinToken, "cluster", "expires", expires.UTC().Format(time.RFC3339))
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// UseJoinToken consumes the token for the node. A repeat by the same node, whose first answer was lost, passes as long as
// the token would have been valid.
func (s *Store) UseJoinToken(ctx context.Context, hash []byte, nodeID string) error {
	var b consensus.Batch
	b.Require(errJoinToken, `EXISTS(SELECT 1 FROM join_tokens WHERE token_hash = ?1 AND expires_at >= ?2 AND used_by IN ('', ?3))`, hash, consensus.Stamp{}, nodeID)
	b.Exec(`UPDATE join_tokens SET used_by = ?2 WHERE token_hash = ?1`, hash, nodeID)
	name, _, _ := strings.Cut(nodeID, " ") // its key may follow
	audit(ctx, &b, lms.Actor{}, lms.AuditNodeJoin, "node/"+name)
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// Setting returns a setting of the site, "" when it is not set.
func (s *Store) Setting(ctx context.Context, name string) (string, error) {
	rows, err := s.query(ctx, `SELECT value FROM settings WHERE name = ?1`, name)
	v, err := one(rows, err, scanString)
	if lms.KindOf(err) == lms.KindNotFound {
		return "", nil
	}
	return v, err
}

// SetSetting changes a setting of the site.
func (s *Store) SetSetting(ctx context.Context, name, value string) error {
	var b consensus.Batch
	b.Exec(`INSERT INTO settings (name, value, updated_at) VALUES (?1, ?2, ?3) ON CONFLICT (name) DO UPDATE SET value = ?2, updated_at = ?3`, name, value, consensus.Stamp{})
	b.Notify(TopicCluster)
	_, err := s.apply(ctx, &b)
	return err
}
