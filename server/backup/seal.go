package backup

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"

	"trivium/app/lms"
)

// ageMagic is what an encrypted archive begins with.
const ageMagic = "age-encryption.org/v1\n"

const minPassphrase = 12 // characters

// Recipients reads public keys as "age-keygen" prints them.
func Recipients(keys []string) ([]age.Recipient, error) {
	var all []age.Recipient
	for _, k := range keys {
		k = strings.TrimSpace(k)
		list, err := age.ParseRecipients(strings.NewReader(k))
		if err != nil || len(list) != 1 || strings.HasPrefix(strings.ToUpper(k), "AGE-SECRET-KEY") {
			return nil, lms.FieldErrorf(lms.KindInvalid, "recipients", "%.12q… is no public key of age: it begins with age1. \"age-keygen\" makes a pair of keys; keep the secret one away from this machine.", k)
		}
		all = append(all, list...)
	}
	return all, nil
}

// PassphraseRecipient encrypts for whoever knows the passphrase.
func PassphraseRecipient(passphrase string) (age.Recipient, error) {
	if len(passphrase) < minPassphrase {
		return nil, lms.FieldErrorf(lms.KindInvalid, "passphrase", "The passphrase has fewer than %d characters: anybody with the archive could guess it.", minPassphrase)
	}
	return age.NewScryptRecipient(passphrase)
}

// PassphraseIdentity decrypts with the passphrase.
func PassphraseIdentity(passphrase string) (age.Identity, error) {
	return age.NewScryptIdentity(passphrase)
}

// Identities reads the secret keys of a file that "age-keygen" has written.
func Identities(r io.Reader) ([]age.Identity, error) {
	ids, err := age.ParseIdentities(r)
	if err != nil {
		return nil, lms.FieldErrorf(lms.KindInvalid, "identity", "This file holds no secret key of age; it has lines that begin with AGE-SECRET-KEY-.")
	}
	return ids, nil
}

// Seal encrypts what is written to it, if there are recipients. Close ends the archive; w stays open.
func Seal(w io.Writer, recipients []age.Recipient) (io.WriteCloser, error) {
	if len(recipients) == 0 {
		return plain{w}, nil
	}
	sealed, err := age.Encrypt(w, recipients...)
	if err != nil {
		return nil, fmt.Errorf("backup: encrypt: %w", err)
	}
	return sealed, nil
}

type plain struct{ io.Writer }

func (plain) Close() error { return nil }

// unseal decrypts an archive that is encrypted.
func unseal(r io.Reader, keys []age.Identity) (io.Reader, error) {
	b := bufio.NewReaderSize(r, 64<<10)
	head, _ := b.Peek(len(ageMagic))
	if !bytes.Equal(head, []byte(ageMagic)) {
		return b, nil
	}
	if len(keys) == 0 {
		return nil, lms.Errorf(lms.KindInvalid, "The archive is encrypted. Give the file with the secret key (--identity), or the one with the passphrase (--passphrase-file).")
	}
	open, err := age.Decrypt(b, keys...)
	var mismatch *age.NoIdentityMatchError
	if errors.As(err, &mismatch) {
		return nil, lms.Errorf(lms.KindInvalid, "The archive is encrypted for another key or passphrase. Nothing was changed.")
	} else if err != nil {
		return nil, damaged("its encryption cannot be undone: %v", err)
	}
	return open, nil
}
