package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
)

// TestBackupAndRestore goes the whole way on the command line, while a node serves.
func TestBackupAndRestore(t *testing.T) {
	s := startServer(t, t.TempDir())
	dir := t.TempDir()
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	secret, archive := filepath.Join(dir, "key"), filepath.Join(dir, "site.tar.age")
	if err := os.WriteFile(secret, []byte(key.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	must(t, "kv", "put", "greeting", "hello", "--data", s.data)
	must(t, "user", "create", "ines", "--name", "Ines Falk", "--data", s.data)
	must(t, "join-token", "--data", s.data)
	must(t, "backup", archive, "--recipient", key.Recipient().String(), "--data", s.data)
	must(t, "kv", "put", "greeting", "changed after the backup", "--data", s.data)
	if info, err := os.Stat(archive); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the archive: %v, %v", info, err)
	}
	s.stop(t)

	again := filepath.Join(dir, "again")
	if _, errs, err := trivium(t, "restore", archive, "--data", again); err == nil || !strings.Contains(errs, "encrypted") {
		t.Errorf("without the key: %v, %q", err, errs)
	}
	if _, err := os.Stat(again); err == nil {
		t.Error("a refused restore has left a directory")
	}
	if _, errs, err := trivium(t, "restore", archive, "--data", s.data, "--identity", secret); err == nil || !strings.Contains(errs, "not empty") {
		t.Errorf("over a node: %v, %q", err, errs)
	}
	if out := must(t, "restore", archive, "--data", again, "--identity", secret); !strings.Contains(out, "Every hash was right") {
		t.Errorf("restore: %q", out)
	}
	startServer(t, again)
	if out := must(t, "kv", "get", "greeting", "--data", again); out != "hello\n" {
		t.Errorf("the restored site has %q", out)
	}
	if out := must(t, "user", "list", "--data", again); !strings.Contains(out, "Ines Falk") {
		t.Errorf("accounts: %q", out)
	}
	must(t, "kv", "put", "greeting", "it lives", "--data", again)
}
