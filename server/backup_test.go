package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"trivium/app/api"
	"trivium/app/lms"
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
	if out := must(t, "status", "--data", again); !strings.Contains(out, "Backups: none are made by themselves") {
		t.Errorf("the status does not speak of backups: %s", out)
	}
	checkRestoreRecord(t, again)
}

// checkRestoreRecord: the audit log of a restored site ends with the restore, and its chain holds.
func checkRestoreRecord(t *testing.T, data string) {
	t.Helper()
	c := clientFlags{data: data}
	client, err := c.client()
	if err != nil {
		t.Fatal(err)
	}
	page, err := api.Call(t.Context(), client, api.ListAudit, api.AuditInput{AuditFilter: api.AuditFilter{Action: string(lms.AuditRestore)}})
	if err != nil || len(page.Items) != 1 || page.Items[0].Details["index"] == "" || page.Items[0].Actor != lms.OperatorID {
		t.Errorf("the restore is not in the audit log: %+v %v", page, err)
	}
	check, err := api.Call(t.Context(), client, api.VerifyAudit, api.NoInput{})
	if err != nil || check.Broken != 0 || check.Records == 0 {
		t.Errorf("the audit log after the restore: %+v %v", check, err)
	}
}
