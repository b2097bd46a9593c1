package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"filippo.io/age"
	"github.com/spf13/cobra"

	"trivium/app/lms"
	"trivium/server/backup"
	"trivium/server/cluster"
	"trivium/server/seal"
)

const restoreHelp = `restore makes the first node of a new cluster out of an archive of "trivium backup": a file, - for standard input, or
s3://bucket/key. It reads and verifies the whole archive before it changes anything.

The site is as it was: accounts, courses, work, grades and files. What belonged to the old cluster ends: everybody signs in
again, join tokens and setup links are void, and no node of the old cluster is accepted. Uploads that were not complete are
sent again by whoever was sending them. What the database holds sealed (the key of the tutor's service, the seeds of two-step
sign-in) opens if the archive is encrypted and was made by the operator: then it carries the keys. Or give the file
cluster/seal.keys of a node of the old cluster with --seal-keys. Without them restore says what people have to do.
The other machines join with empty directories and new tokens:
  trivium restore site.tar --data /var/lib/trivium --cluster 10.0.0.1:4100
  trivium serve --data /var/lib/trivium --cluster 10.0.0.1:4100 --http …
  trivium join-token --data /var/lib/trivium`

// keyFlags say how an encrypted archive is opened.
type keyFlags struct{ identity, passphrase string }

func (k *keyFlags) add(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&k.identity, "identity", "", "`file` with the secret key of an encrypted archive (age-keygen)")
	f.StringVar(&k.passphrase, "passphrase-file", "", "`file` with the passphrase of an encrypted archive")
}

func (k *keyFlags) keys() (all []age.Identity, err error) {
	if k.identity != "" {
		f, err := os.Open(k.identity)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		if all, err = backup.Identities(f); err != nil {
			return nil, err
		}
	}
	if k.passphrase != "" {
		p, err := readLine(k.passphrase)
		if err != nil {
			return nil, err
		}
		id, err := backup.PassphraseIdentity(p)
		if err != nil {
			return nil, fmt.Errorf("--passphrase-file: %w", err)
		}
		all = append(all, id)
	}
	return all, nil
}

func newRestore() *cobra.Command {
	var keys keyFlags
	var data, id, address, from, sealKeys string
	cmd := &cobra.Command{
		Use:   "restore <archive>",
		Short: "Make a new cluster out of a backup",
		Long:  restoreHelp,
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			k, err := keys.keys()
			if err != nil {
				return err
			}
			if err := cluster.CheckAddress(address); err != nil {
				return fmt.Errorf("--cluster: %w", err)
			}
			t := backup.Target{Dir: data, ID: id, Address: address, Keys: k, Cluster: from, Progress: progress(cmd.ErrOrStderr(), "restored")}
			if t.Seal, err = readSealKeys(sealKeys); err != nil {
				return fmt.Errorf("--seal-keys: %w", err)
			}
			return restore(cmd.Context(), args[0], t, cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&data, "data", defaultData, "directory of the new node: missing or empty")
	f.StringVar(&id, "id", "", "name of the new node (default: a new one)")
	f.StringVar(&address, "cluster", defaultCluster, "address at which the other nodes will reach it; serve can change it")
	f.StringVar(&from, "cluster-id", "", "refuse an archive of any cluster but this one")
	keys.add(cmd)
	f.StringVar(&sealKeys, "seal-keys", "", "`file` with the keys of sealed secrets, cluster/seal.keys of a node of the old cluster, if the archive does not carry them")
	return cmd
}

// readSealKeys reads the keys of a cluster's secrets from a file that was kept apart from its backups.
func readSealKeys(path string) (*seal.Ring, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	ring, err := seal.Parse(data)
	if err != nil {
		return nil, fmt.Errorf("%s holds no keys of sealed secrets: it is a copy of cluster/seal.keys of a node", path)
	}
	return ring, nil
}

func restore(ctx context.Context, archive string, t backup.Target, stdin io.Reader, out io.Writer) error {
	r, err := openArchive(ctx, archive, stdin)
	if err != nil {
		return err
	}
	defer r.Close()
	start := time.Now()
	got, err := backup.Restore(ctx, r, t)
	if errors.Is(err, context.Canceled) {
		return errors.New("stopped; nothing was changed")
	} else if err != nil {
		return err
	}
	m := got.Manifest
	fmt.Fprintf(out, `Restored in %s: the state of %s, entry %d of cluster %.12s (%s, %d parts of files). Every hash was right.
Start it:  trivium serve --data %s --cluster %s
Everybody signs in again. The other machines join with empty directories: trivium join-token --data %s
`, time.Since(start).Round(time.Millisecond), m.CreatedAt.Local().Format("2006-01-02 15:04:05"), m.Index, m.Cluster, lms.FormatBytes(m.Total()), m.Chunks.Count,
		t.Dir, t.Address, t.Dir)
	if m.Missing.Count > 0 {
		fmt.Fprintf(out, "NOTE: the archive lacks parts of files (%d) that were on no node when it was made: these files cannot be opened.\n"+
			"The operating guide says how to bring them back (\"Parts of files are on no node\").\n", m.Missing.Count)
	}
	tellSealed(out, got.Sealed)
	return nil
}

// tellSealed says what people have to do about secrets that nothing opens.
func tellSealed(w io.Writer, n backup.Sealed) {
	if n == (backup.Sealed{}) {
		return
	}
	fmt.Fprintln(w, "The keys of some sealed secrets are neither in the archive nor given with --seal-keys, so that:")
	if n.TutorKeys > 0 {
		fmt.Fprintln(w, "- the tutor's service gets no key. An administrator types it again on the page \"Tutor\".")
	}
	if n.TwoStep > 0 {
		fmt.Fprintf(w, `- codes of the app cannot be checked for %d of the accounts with two-step sign-in. It stays on: they sign in with a recovery code,
  or an administrator turns it off for them on the page "People", or you do: trivium user end-two-step LOGIN
  Then they set it up again.
`, n.TwoStep)
	}
	if n.Certificates > 0 {
		fmt.Fprintln(w, "- automatic certificates are obtained anew.")
	}
}

func openArchive(ctx context.Context, name string, stdin io.Reader) (io.ReadCloser, error) {
	switch {
	case name == "-":
		return io.NopCloser(stdin), nil
	case strings.HasPrefix(name, "s3://"):
		return backup.Download(ctx, name)
	}
	return os.Open(name)
}

// progress tells about a long job on a terminal, once a second, and nothing of a short one.
func progress(w io.Writer, what string) func(done, total int64) {
	last := time.Now()
	return func(done, total int64) {
		if now := time.Now(); now.Sub(last) >= time.Second {
			last = now
			percent := int64(0)
			if total > 0 {
				percent = 100 * done / total
			}
			fmt.Fprintf(w, "%s of %s %s (%d%%)\n", lms.FormatBytes(done), lms.FormatBytes(total), strings.TrimSpace(what), percent)
		}
	}
}
