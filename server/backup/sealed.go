package backup

import (
	"context"
	"database/sql"
	"errors"

	"trivium/server/seal"
	"trivium/server/store"
)

// Sealed counts the secrets of a restored site that no key opens. The site works without them; people have to act.
type Sealed struct {
	TwoStep      int // accounts whose one-time codes cannot be checked
	TutorKeys    int // keys of language models, to be typed again
	Certificates int // items of automatic certificates, which are forgotten and obtained anew
}

const sealedSeeds = `SELECT box FROM totp WHERE confirmed_at IS NOT NULL`

const sealedCertificates = `SELECT box FROM certificate_items`

const sealedTutor = `SELECT value FROM settings WHERE name = 'tutor.model'`

// countSealed looks through a copy of a database of any schema. A nil ring opens nothing.
func countSealed(ctx context.Context, path string, ring *seal.Ring) (n Sealed, err error) {
	db, err := openCopy(path)
	if err != nil {
		return n, err
	}
	defer db.Close()
	each := func(table, query string, visit func(box []byte) error) error {
		var there bool
		err := db.QueryRowContext(ctx, `SELECT EXISTS(SELECT 1 FROM sqlite_schema WHERE name = ?)`, table).Scan(&there)
		if err != nil || !there {
			return err
		}
		rows, err := db.QueryContext(ctx, query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var box sql.RawBytes
			if err := rows.Scan(&box); err != nil {
				return err
			}
			if err := visit(box); err != nil {
				return err
			}
		}
		return rows.Err()
	}
	lost := func(count *int, known bool) {
		if !known {
			*count++
		}
	}
	return n, errors.Join(
		each("totp", sealedSeeds, func(box []byte) error {
			lost(&n.TwoStep, ring != nil && ring.KnowsText(string(box)))
			return nil
		}),
		each("certificate_items", sealedCertificates, func(box []byte) error {
			lost(&n.Certificates, ring != nil && ring.Knows(box))
			return nil
		}),
		each("settings", sealedTutor, func(value []byte) error {
			boxes, err := store.TutorBoxes(value)
			for _, box := range boxes {
				lost(&n.TutorKeys, ring != nil && ring.KnowsText(box))
			}
			return err
		}),
	)
}
