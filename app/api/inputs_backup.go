package api

import (
	"strings"

	"trivium/app/lms"
)

// BackupInput begins a backup.
type BackupInput struct {
	// Recipients are public keys of age (age1…): only their owners can open the archive. None: it is not encrypted.
	Recipients []string `json:"recipients,omitempty"`
	// Keys puts the keys of sealed secrets into the archive. Only the operator may, who encrypts what has no recipients.
	Keys bool `json:"keys,omitempty"`
}

const maxRecipients = 20

// Validate refuses what cannot be a public key.
func (in BackupInput) Validate() error {
	if len(in.Recipients) > maxRecipients {
		return lms.FieldErrorf(lms.KindInvalid, "recipients", "An archive is encrypted for at most %d keys.", maxRecipients)
	}
	for _, r := range in.Recipients {
		if !strings.HasPrefix(r, "age1") || len(r) > 4096 || strings.ContainsAny(r, " \t\r\n") {
			return lms.FieldErrorf(lms.KindInvalid, "recipients", "A public key begins with age1 and has no spaces. \"age-keygen\" makes a pair of keys.")
		}
	}
	return nil
}

// BackupPath names a backup.
type BackupPath struct {
	Backup string `param:"backup" json:"-"`
}

// Validate checks the id.
func (in BackupPath) Validate() error { return checkIDs(in.Backup) }
