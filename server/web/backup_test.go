package web

import (
	"context"
	"errors"
	"io"
	"net/http"
	"testing"

	"trivium/app/api"
	"trivium/app/lms"
)

// oneBackup is ready at once. It writes the content, and fails after it if there is an error.
type oneBackup struct {
	content string
	err     error
}

func (o oneBackup) Start(context.Context, []string, bool) (lms.Backup, error) {
	return lms.Backup{}, nil
}

func (o oneBackup) Status(context.Context) (lms.BackupStatus, error) {
	return lms.BackupStatus{Job: &lms.Backup{ID: "b1", State: lms.BackupReady}}, nil
}

func (o oneBackup) Content(_ context.Context, id string) (string, func(io.Writer) error, error) {
	if id != "b1" {
		return "", nil, lms.ErrNotFound
	}
	return "site.tar", func(w io.Writer) error {
		if _, err := io.WriteString(w, o.content); err != nil {
			return err
		}
		return o.err
	}, nil
}

func TestBackupContent(t *testing.T) {
	get := func(t *testing.T, b oneBackup) (*http.Response, []byte, error) {
		c := newCourse(t, func(conf *Config) { conf.Backup = b })
		r, err := http.NewRequest(http.MethodGet, c.base+"/api/v1/cluster/backups/b1/content", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer operator-token-of-the-test")
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			return nil, nil, err
		}
		defer resp.Body.Close()
		body, err := io.ReadAll(resp.Body)
		return resp, body, err
	}
	t.Run("whole", func(t *testing.T) {
		resp, body, err := get(t, oneBackup{content: "archive"})
		if err != nil || string(body) != "archive" || resp.Header.Get("Content-Disposition") == "" || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%q %v %v", body, err, resp.Header)
		}
	})
	t.Run("one that breaks off does not look whole", func(t *testing.T) {
		if _, body, err := get(t, oneBackup{content: "arch", err: errors.New("disk")}); err == nil {
			t.Errorf("%q arrived without an error", body)
		}
	})
}

func TestBackupRecipientsAreChecked(t *testing.T) {
	for _, bad := range []string{"", "AGE-SECRET-KEY-1", "age1 x", "ssh-ed25519 x"} {
		if err := (api.BackupInput{Recipients: []string{bad}}).Validate(); lms.KindOf(err) != lms.KindInvalid {
			t.Errorf("%q: %v", bad, err)
		}
	}
}
