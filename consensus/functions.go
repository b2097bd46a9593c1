package consensus

import (
	"crypto/sha256"
	"errors"
)

// addFunctions registers what batches may call beyond SQLite's own functions. Each must give the same on every node and
// in every release: its value becomes part of the data.
//
// sha256(x) is the SHA-256 of a text or a blob, as a blob of 32 bytes. With it a batch can chain a row to the one before,
// which is only known when the entry is applied: what comes first in the log is decided there, and nowhere else.
func addFunctions(c *conn) error {
	return c.c.RegisterFunc("sha256", func(x any) ([]byte, error) {
		switch v := x.(type) {
		case string:
			sum := sha256.Sum256([]byte(v))
			return sum[:], nil
		case []byte:
			sum := sha256.Sum256(v)
			return sum[:], nil
		}
		return nil, errors.New("sha256 takes a text or a blob")
	}, true)
}
