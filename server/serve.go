package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	stdlog "log"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"trivium/server/cluster"

	"trivium/app/lms"
	"trivium/consensus"
)

const serveHelp = `serve runs one node. In an empty directory it founds a cluster of one and prints the link with which the first
administrator is claimed.

A cluster of three machines, of which any one may fail:
  on the first:      trivium serve --data /var/lib/trivium --cluster 10.0.0.1:4100 --http :443 --tls-cert crt.pem --tls-key key.pem
  there, twice:      trivium join-token --data /var/lib/trivium
  on the other two:  trivium serve --data /var/lib/trivium --cluster 10.0.0.N:4100 --http … --join 10.0.0.1:4100 --token K10…

A node that has joined finds its cluster again by itself: --join and --token may stay or go. With the token of another
cluster than the directory's it does not start. SIGTERM stops it gracefully.`

// Where a node listens unless it is told otherwise: reachable from this machine alone.
const (
	defaultData    = "trivium-data"
	defaultHTTP    = "127.0.0.1:4000"
	defaultCluster = "127.0.0.1:4100"
)

func newServe() *cobra.Command {
	var c Config
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run a node: the first of a cluster, or one that joins",
		Long:  serveHelp,
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), c, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringVar(&c.Data, "data", defaultData, "directory of this node")
	f.StringVar(&c.HTTP, "http", defaultHTTP, "address for people")
	f.StringVar(&c.Cluster, "cluster", defaultCluster, "address for the other nodes (always encrypted)")
	f.StringVar(&c.Advertise, "advertise", "", "address by which the other nodes reach --cluster, if it is another one")
	f.StringVar(&c.Origin, "public-origin", "", "where people reach this node and no other, such as https://lms1.example.edu (default: from --acme-domain or --http)")
	f.StringVar(&c.Passkeys, "passkey-domain", "", "domain above the public origins of all nodes, such as example.edu, so that a passkey works on each of them; decide it before people make passkeys, because those of another name stop working (default: a passkey works under the host name where it was made)")
	f.StringVar(&c.ID, "id", "", "name of this node, never used again for another one (default: made once and kept)")
	f.StringSliceVar(&c.Join, "join", nil, "cluster addresses of nodes of the cluster to join; one suffices")
	f.StringVar(&c.Token, "token", "", "join token (single use, 1 h): trivium join-token")
	f.BoolVar(&c.Replica, "replica", false, "join as a read replica: it serves people from a copy of everything, but has no vote and protects nothing")
	f.StringVar(&c.TLSCert, "tls-cert", "", "certificate chain for people, PEM; read again when it changes")
	f.StringVar(&c.TLSKey, "tls-key", "", "its private key, PEM")
	f.StringSliceVar(&c.ACMEDomains, "acme-domain", nil, "names to get certificates for by itself: first the one of this node alone, then what it shares with others, such as lms1.example.edu,lms.example.edu; needs port 443, and agrees to the authority's terms")
	f.StringVar(&c.ACMEEmail, "acme-email", "", "where the authority may warn the operator")
	f.StringVar(&c.ACMECA, "acme-ca", "", "directory of another authority than Let's Encrypt (give all nodes the same)")
	f.StringVar(&c.ACMERoot, "acme-ca-root", "", "file with the roots of that authority's own certificate, PEM (give all nodes the same)")
	f.BoolVar(&c.InsecureHTTP, "insecure-http", false, "allow plain HTTP from other machines: for use behind a proxy that encrypts")
	f.StringSliceVar(&c.TrustedProxies, "trusted-proxies", nil, "addresses or networks whose X-Forwarded-For is believed")
	f.StringSliceVar(&c.SharedAddresses, "shared-addresses", nil, "addresses or networks from which many people come, such as the router of a school: ten times as many may sign in at a time, and wrong passwords count for the account alone (give all nodes the same)")
	f.DurationVar(&c.SessionAccess, "session-access", lms.AccessLife, "how long a session's token gives access; then it is exchanged for the next one, without anybody noticing (give all nodes the same)")
	f.DurationVar(&c.SessionRenewal, "session-renewal", lms.RenewalLife, "how long a session lasts that nobody uses")
	f.StringVar(&c.Mail.Server, "smtp-server", "", "host:port of a mail server, such as mail.example.edu:587, with which people get receipts and links for a new password; one node that has it is enough for the receipts (default: no mail)")
	f.StringVar(&c.Mail.From, "smtp-from", "", "address of the sender")
	f.StringVar(&c.Mail.User, "smtp-user", "", "name to sign in with there")
	f.StringVar(&c.Mail.PasswordFile, "smtp-password-file", "", "file that holds its password")
	f.BoolVar(&c.Mail.Plain, "smtp-plain", false, "send without encryption: for a relay on this machine")
	f.StringVar(&c.TutorEndpoint, "tutor-endpoint", "", "OpenAI-compatible service, such as http://127.0.0.1:11434/v1; it wins over what administrators set on the page /tutor-settings, with the flags that belong to it (default: what is set there)")
	f.StringVar(&c.TutorModel, "tutor-model", "", "name of the model there")
	f.StringVar(&c.TutorEmbeddingModel, "tutor-embedding-model", "", "name of a model of embeddings there, to find passages by meaning as well (default: none; by their words)")
	f.StringVar(&c.TutorKeyFile, "tutor-key-file", "", "file that holds the key of the service")
	f.StringVar(&c.TutorKeyHeader, "tutor-key-header", "", "header that takes the key as it is, such as api-key (default: Authorization, as a bearer token)")
	f.StringVar(&c.TutorQuery, "tutor-query", "", "what every request adds to the address of the service, such as api-version=2024-06-01")
	f.BoolVar(&c.TutorPrivate, "tutor-private", false, "allow endpoints in a private network, also over http, and also those that administrators set")
	f.Float64Var(&c.TutorTemperature, "tutor-temperature", 0.3, "how freely the model writes, 0 to 2")
	f.IntVar(&c.TutorMaxTokens, "tutor-max-tokens", 500, "longest answer in tokens")
	f.IntVar(&c.TutorContext, "tutor-context", 4096, "tokens that the model reads at once")
	f.StringVar(&c.Timing, "timing", "fast", "fast, or classroom for watching: heartbeats each second, elections after 5 to 10 s; the next three change single times")
	f.DurationVar(&c.Heartbeat, "heartbeat-timeout", 0, "silence of the leader after which a follower doubts it (default: 500ms, classroom 5s)")
	f.DurationVar(&c.Election, "election-timeout", 0, "time a candidate waits for votes (default: 500ms, classroom 5s)")
	f.DurationVar(&c.Lease, "lease-timeout", 0, "how long a leader is one after a majority has confirmed it (default: 250ms, classroom 4s)")
	f.DurationVar(&c.Hold, "hold-timeout", 0, "how long requests wait for a leader (default: 10s, classroom 20s)")
	f.DurationVar(&c.StaleReads, "stale-reads", lms.StaleReads, "how long people can read what this node had when no majority of the nodes answers, as long as their sign-in gives access (0: not at all)")
	f.DurationVar(&c.CertificateLife, "node-certificate-life", cluster.CertificateLife, "how long certificates of nodes are valid that this node issues; renewed after two thirds of it")
	f.IntVar(&c.KVCache, "kv-cache", 0, "MiB of memory for keys of the key-value store that were read (0: none); turn it on when all nodes run this version")
	f.BoolVar(&c.KVFastWrites, "kv-fast-writes", false, "experimental: let puts of keys with ?fast=true be acknowledged before they have their place in the log; give it to all nodes")
	f.DurationVar(&c.BackupEvery, "backup-every", 0, "make a backup so often, such as 24h (the leader does it; give all nodes the same)")
	f.StringVar(&c.BackupTo, "backup-to", "", "where to: a directory that every node has at this path, on one share, because whichever leads writes there; or s3://bucket/prefix?endpoint=host&region=… with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
	f.IntVar(&c.BackupKeep, "backup-keep", 7, "how many of these backups are kept in each place; 0: all")
	f.StringSliceVar(&c.BackupRecipients, "backup-recipient", nil, "public key of age (age1…) for which they are encrypted, and then carry the keys of sealed secrets; more than one may be given")
	f.StringVar(&c.SQL, "sql", "", "address on which rqlite's clients and shell reach the database, with the name and password of an administrator whose account needs no second step (default: none)")
	f.BoolVar(&c.SQLWrite, "sql-write", false, "let them change it, past every rule of the site; it is recorded")
	f.Uint64Var(&c.Quarantine, "quarantine", 0, "`entry` of the log to leave out, when every node says that it stops at it; give it to all of them once")
	f.BoolVar(&c.Drills, "drills", false, "let administrators suspend this node for a while: trivium drill suspend")
	f.StringVar(&c.LogLevel, "log-level", "info", "debug, info, warn or error")
	f.StringVar(&c.LogFormat, "log-format", "text", "text or json, a line each")
	f.StringVar(&c.LogFile, "log-file", "", "write the log to this file, and when it is full begin a new one and keep one old one, of trivium.log as trivium.1.log (default: stderr)")
	f.IntVar(&c.LogSize, "log-size", 64, "MiB that --log-file may have")
	return cmd
}

// serve runs a node until ctx ends or the node cannot go on.
func serve(ctx context.Context, c Config, stdout, stderr io.Writer) error {
	if err := c.Validate(); err != nil {
		return err
	}
	boundGarbage()
	w, log, err := openLog(c, stderr)
	if err != nil {
		return err
	}
	defer w.Close()
	out := newLogWriter(stdout, "") // it may be the same blocked pipe
	defer out.Close()
	stdout = out
	fatal := func(err error) {
		log.Error(consensus.Reason(err)+"; the others go on without it", "error", err)
		w.Close() // the reason must be on the screen before the process is gone
		os.Exit(1)
	}
	for {
		err := runNode(ctx, c, log, stdout, fatal)
		if !consensus.IsFull(err) || ctx.Err() != nil {
			return err
		}
		log.Error("this node cannot start because its disk is full; it tries again every second. Delete something, or enlarge the disk", "data", c.Data, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(time.Second):
		}
	}
}

// runNode opens a node and runs it until ctx ends or the node cannot go on.
func runNode(ctx context.Context, c Config, log *slog.Logger, stdout io.Writer, fatal func(error)) error {
	n, err := OpenNode(ctx, c, log, stdout, fatal)
	if err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		fmt.Fprintln(stdout, "Stopping …")
	case err = <-n.Failed():
	}
	return errors.Join(err, n.Close())
}

// openLog opens where the node logs to. What the libraries below print by themselves goes there as well, so that it
// cannot block either.
func openLog(c Config, stderr io.Writer) (io.Closer, *slog.Logger, error) {
	var file *rotated
	out := stderr
	if c.LogFile != "" {
		var err error
		if file, err = openRotated(c.LogFile, int64(c.LogSize)<<20); err != nil {
			return nil, nil, fmt.Errorf("--log-file: %w", err)
		}
		out = file
	}
	w := newLogWriter(out, c.LogFormat)
	log, err := newLogger(w, c.LogLevel, c.LogFormat)
	if err != nil {
		return nil, nil, errors.Join(err, w.Close())
	}
	before := stdlog.Writer()
	stdlog.SetOutput(slog.NewLogLogger(log.Handler(), slog.LevelInfo).Writer())
	return closeFunc(func() error {
		stdlog.SetOutput(before)
		w.Close()
		if file != nil {
			return file.Close()
		}
		return nil
	}), log, nil
}

type closeFunc func() error

func (f closeFunc) Close() error { return f() }
