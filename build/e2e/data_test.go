//go:build e2e

package e2e

import (
	"encoding/json"
	"testing"
)

func decode(t *testing.T, b []byte, out any) {
	t.Helper()
	if err := json.Unmarshal(b, out); err != nil {
		t.Fatalf("%v in %.500s", err, b)
	}
}
