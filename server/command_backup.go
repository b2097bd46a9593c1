package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/backup"
)

const backupHelp = `backup makes an archive of the whole site, files included, while it is used: as it was after one entry of the log. It goes
to a file, to standard output (-) or to s3://bucket/key?endpoint=host&region=… (keys: AWS_ACCESS_KEY_ID,
AWS_SECRET_ACCESS_KEY). An archive holds everything about everybody: encrypt it with --recipient (a public key of age, for
which this machine needs no secret) or --passphrase-file. An encrypted archive carries the keys of what the database holds
sealed (the key of the tutor's service, the seeds of two-step sign-in); from one that is not, these do not come back, unless
the file cluster/seal.keys of a node's directory is kept apart.

  trivium backup site.tar.age --recipient age1…
  trivium backup "s3://backups/site.tar?endpoint=s3.example.edu" --passphrase-file /etc/trivium/passphrase

Backups by themselves: trivium serve --backup-every 24h --backup-to … --backup-recipient …
Back again: trivium restore`

func newBackup() *cobra.Command {
	var c clientFlags
	var recipients []string
	var passphrase string
	cmd := &cobra.Command{
		Use:   "backup <file | - | s3://bucket/key>",
		Short: "Make an archive of the site while it is used",
		Long:  backupHelp,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			to, err := sealFor(recipients, passphrase)
			if err != nil {
				return err
			}
			return takeBackup(cmd, &c, args[0], to)
		},
	}
	c.add(cmd)
	cmd.Flags().StringSliceVar(&recipients, "recipient", nil, "public key of age (age1…) that can open the archive; may be repeated")
	cmd.Flags().StringVar(&passphrase, "passphrase-file", "", "`file` with a passphrase that opens the archive")
	return cmd
}

// sealFor lists for whom an archive is encrypted.
func sealFor(recipients []string, passphraseFile string) ([]age.Recipient, error) {
	to, err := backup.Recipients(recipients)
	if err != nil {
		return nil, fmt.Errorf("--recipient: %w", err)
	}
	if passphraseFile == "" {
		return to, nil
	}
	if len(to) > 0 {
		return nil, errors.New("--recipient and --passphrase-file exclude each other: age encrypts for keys or for one passphrase")
	}
	p, err := readLine(passphraseFile)
	if err != nil {
		return nil, err
	}
	r, err := backup.PassphraseRecipient(p)
	if err != nil {
		return nil, fmt.Errorf("--passphrase-file: %w", err)
	}
	return []age.Recipient{r}, nil
}

// takeBackup asks the node for an archive, encrypts it here and puts it where it belongs.
func takeBackup(cmd *cobra.Command, c *clientFlags, target string, to []age.Recipient) error {
	ctx := cmd.Context()
	client, err := c.client()
	if err != nil {
		return err
	}
	job, keys, err := startBackup(ctx, client, len(to) > 0)
	if err != nil {
		return unreachable(client, err)
	}
	for job.State == lms.BackupPreparing {
		if !wait(ctx, 200*time.Millisecond) {
			return errors.New("stopped")
		}
		st, err := api.Call(ctx, client, api.GetBackups, api.NoInput{})
		if err != nil {
			return unreachable(client, err)
		}
		if st.Job == nil || st.Job.ID != job.ID {
			return errors.New("the node has begun another backup, or was started anew; try again")
		}
		job = *st.Job
	}
	if job.State == lms.BackupFailed {
		return fmt.Errorf("the node could not make the backup: %s", job.Error)
	}
	write := func(w io.Writer) error { return c.download(ctx, job, w, to, progress(cmd.ErrOrStderr(), "written")) }
	switch {
	case target == "-":
		err = write(cmd.OutOrStdout())
	case strings.HasPrefix(target, "s3://"):
		err = backup.Upload(ctx, target, job.Total, write)
	default:
		err = backup.WriteFile(filepath.Clean(target), write)
	}
	if err != nil {
		return err
	}
	sealed := "It is not encrypted: whoever reads it has everything but the sealed secrets, whose keys are not in it."
	if keys {
		sealed = "It is encrypted, and carries the keys of sealed secrets."
	} else if len(to) > 0 {
		sealed = "It is encrypted, without the keys of sealed secrets: only the operator of a node gets them."
	}
	fmt.Fprintf(cmd.ErrOrStderr(), "The site as it was after entry %d, %s, in %s. %s\n", job.Index, lms.FormatBytes(job.Total), withoutQuery(target), sealed)
	if job.Error != "" {
		fmt.Fprintln(cmd.ErrOrStderr(), "NOTE:", job.Error)
	}
	return nil
}

// startBackup asks for an archive, with the keys of sealed secrets if it will be encrypted and whoever asks is the operator.
func startBackup(ctx context.Context, client *api.Client, encrypted bool) (job lms.Backup, keys bool, err error) {
	st, err := api.Call(ctx, client, api.StartBackup, api.BackupInput{Keys: encrypted})
	if refusal := (*lms.Error)(nil); encrypted && errors.As(err, &refusal) && refusal.Field == "keys" {
		encrypted = false
		st, err = api.Call(ctx, client, api.StartBackup, api.BackupInput{})
	}
	if err != nil {
		return lms.Backup{}, false, err
	}
	return *st.Job, encrypted, nil
}

func withoutQuery(target string) string {
	name, _, _ := strings.Cut(target, "?")
	return name
}

// download streams the archive from the node. It takes as long as it takes.
func (c *clientFlags) download(ctx context.Context, job lms.Backup, w io.Writer, to []age.Recipient, progress func(done, total int64)) error {
	url, token, err := c.reach()
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url+strings.Replace(api.BackupContent.Path, ":backup", job.ID, 1), nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return fmt.Errorf("%s does not answer: %w", url, errors.Unwrap(err))
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		e := &lms.Error{}
		if json.NewDecoder(resp.Body).Decode(e) != nil || e.Message == "" {
			return fmt.Errorf("%s answered %s", url, resp.Status)
		}
		return e
	}
	sealed, err := backup.Seal(w, to)
	if err != nil {
		return err
	}
	var done int64
	_, err = io.Copy(sealed, tellReader{resp.Body, func(n int) {
		done += int64(n)
		progress(min(done, job.Total), job.Total)
	}})
	if err != nil {
		return fmt.Errorf("the archive broke off; the node's log says why: %w", err)
	}
	return sealed.Close()
}

// tellReader tells how much is read.
type tellReader struct {
	r    io.Reader
	tell func(n int)
}

func (t tellReader) Read(p []byte) (int, error) {
	n, err := t.r.Read(p)
	t.tell(n)
	return n, err
}
