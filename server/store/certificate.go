package store

import (
	"context"
	"strings"
	"time"

	"trivium/consensus"
)

// CertificateItem is what the automatic certificates keep under a key: an account, a certificate, its private key. The
// value is sealed: the store cannot read it.
type CertificateItem struct {
	Key      string
	Box      []byte
	Size     int64 // of what is in the box
	Modified time.Time
}

// PutCertificateItem stores the item under its key.
func (s *Store) PutCertificateItem(ctx context.Context, item CertificateItem) error {
	var b consensus.Batch
	b.Exec(`
		INSERT INTO certificate_items (key, box, size, modified_at) VALUES (?1, ?2, ?3, ?4)
		ON CONFLICT (key) DO UPDATE SET box = ?2, size = ?3, modified_at = ?4`, item.Key, item.Box, item.Size, consensus.Stamp{})
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// CertificateItem returns the item under the key, ErrNotFound when there is none.
func (s *Store) CertificateItem(ctx context.Context, level consensus.Level, key string) (CertificateItem, error) {
	rows, err := s.db.Query(ctx, level, `SELECT key, box, size, modified_at FROM certificate_items WHERE key = ?`, key)
	if err != nil {
		err = mapError(err)
	}
	return one(rows.Values, err, func(row consensus.Row) (i CertificateItem, err error) {
		return i, row.Scan(&i.Key, &i.Box, &i.Size, &i.Modified)
	})
}

// CertificateKeys returns the keys below the folder, which is empty or ends in a slash, in order.
func (s *Store) CertificateKeys(ctx context.Context, level consensus.Level, folder string) ([]string, error) {
	rows, err := s.db.Query(ctx, level, `SELECT key FROM certificate_items WHERE key >= ?1 AND (?1 = '' OR key < ?2) ORDER BY key`, folder, after(folder))
	if err != nil {
		err = mapError(err)
	}
	return collect(rows.Values, err, scanString)
}

// DeleteCertificateItems removes the item under the key and everything below it.
func (s *Store) DeleteCertificateItems(ctx context.Context, key string) error {
	var b consensus.Batch
	b.Exec(`DELETE FROM certificate_items WHERE key = ?1 OR key >= ?2 AND key < ?3`, key, key+"/", after(key+"/"))
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

// after is the first string beyond those that begin with the folder.
func after(folder string) string { return strings.TrimSuffix(folder, "/") + "0" } // '0' follows '/'

// LockCertificates takes the lock for the owner, or keeps it, until so long after the entry's stamp. It reports false while
// another owner has it. Whose clock is wrong loses nothing: only stamps are compared.
func (s *Store) LockCertificates(ctx context.Context, name, owner string, life time.Duration) (bool, error) {
	var b consensus.Batch
	b.Exec(`
		INSERT INTO certificate_locks (name, owner, expires_at) VALUES (?1, ?2, ?3 + ?4)
		ON CONFLICT (name) DO UPDATE SET owner = ?2, expires_at = ?3 + ?4 WHERE owner = ?2 OR expires_at < ?3`,
		name, owner, consensus.Stamp{}, life.Milliseconds())
	b.Return(`SELECT owner FROM certificate_locks WHERE name = ?`, name)
	res, err := s.applyUnkeyed(ctx, &b)
	holder, err := returned(res, err, scanString)
	return holder == owner, err
}

// UnlockCertificates gives the lock back, if the owner still has it.
func (s *Store) UnlockCertificates(ctx context.Context, name, owner string) error {
	var b consensus.Batch
	b.Exec(`DELETE FROM certificate_locks WHERE name = ? AND owner = ?`, name, owner)
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}
