package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPatchFitsThePinnedVersion(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	out := t.TempDir()
	if err := run(out); err != nil {
		t.Fatal(err)
	}
	pkg := filepath.Join(out, "v10", "pkg", "app")
	entries, err := os.ReadDir(pkg)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(pkg, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		s := string(b)
		if strings.Contains(s, `"net/http"`) && !strings.HasPrefix(s, "//go:build !wasm") && e.Name() != "static.go" {
			t.Errorf("%s still brings net/http into the browser", e.Name())
		}
	}
	if _, err := os.Stat(filepath.Join(out, "v10", "LICENSE")); err != nil {
		t.Error("a copy needs its licence:", err)
	}
}

func TestChangeThatDoesNotFitIsRefused(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "a.go"), []byte("x x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, old := range []string{"x", "y"} {
		if err := (change{"a.go", old, "z"}).apply(folder); err == nil {
			t.Errorf("%q occurs not exactly once and was replaced", old)
		}
	}
}
