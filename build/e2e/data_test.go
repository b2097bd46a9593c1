//go:build e2e

package e2e

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"trivium/app/api"
)

func decode(t *testing.T, b []byte, out any) {
	t.Helper()
	if err := json.Unmarshal(b, out); err != nil {
		t.Fatalf("%v in %.500s", err, b)
	}
}

// blob writes a file of that many reproducible bytes that do not compress, and returns its path and SHA-256.
func blob(t *testing.T, dir, name string, size int) (path, sum string) {
	t.Helper()
	b := make([]byte, size)
	r := rand.NewChaCha8([32]byte{byte(size), byte(size >> 8), byte(size >> 16)})
	r.Read(b)
	path = filepath.Join(dir, name)
	if err := os.WriteFile(path, b, 0o644); err != nil {
		t.Fatal(err)
	}
	h := sha256.Sum256(b)
	return path, hex.EncodeToString(h[:])
}

// call makes an API call that must succeed.
func call[In, Out any](t *testing.T, c *api.Client, e api.Endpoint[In, Out], in In) Out {
	t.Helper()
	out, err := api.Call(context.Background(), c, e, in)
	if err != nil {
		t.Fatalf("%s %s: %v", e.Method, e.Path, err)
	}
	return out
}
