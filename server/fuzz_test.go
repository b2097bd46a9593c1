package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// The file of --config is written by hand.
func FuzzSettings(f *testing.F) {
	f.Add("# comment\nhttp = 127.0.0.1:80\n\nlog-level=debug")
	f.Add("no equals sign")
	f.Add("=\x00")
	f.Fuzz(func(t *testing.T, text string) {
		path := filepath.Join(t.TempDir(), "config")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		all, err := readSettings(path)
		if err != nil {
			return
		}
		for _, s := range all {
			if strings.Contains(s.name, "=") || strings.TrimSpace(s.name) != s.name || strings.ContainsAny(s.value, "\n") || s.line < 1 {
				t.Fatalf("%+v", s)
			}
		}
	})
}
