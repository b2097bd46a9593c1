package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestMain lets the test binary stand in for the program where that starts itself: as a node of the demo, and as the
// process that reads documents.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && (os.Args[1] == "serve" || os.Args[1] == extractCommand) {
		main()
		return
	}
	os.Exit(m.Run())
}

// buffer is an output that can be read while it is written.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// trivium runs one command line.
func trivium(t *testing.T, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Second)
	defer cancel()
	var out, errs buffer
	err = run(ctx, args, &out, &errs)
	return out.String(), errs.String(), err
}

// must runs a command line that has to succeed.
func must(t *testing.T, args ...string) string {
	t.Helper()
	out, errs, err := trivium(t, args...)
	if err != nil {
		t.Fatalf("trivium %s: %s", strings.Join(args, " "), errs)
	}
	return out
}

// eventually polls until the condition holds.
func eventually(t *testing.T, what string, cond func() bool) {
	t.Helper()
	for deadline := time.Now().Add(60 * time.Second); !cond(); {
		if time.Now().After(deadline) {
			t.Fatalf("not within a minute: %s", what)
		}
		<-time.After(20 * time.Millisecond)
	}
}

// server is a "trivium serve" in this process.
type server struct {
	data     string
	out, log *buffer
	cancel   context.CancelFunc
	done     chan error
}

// startServer starts a node on free ports and waits until it has said where it is.
func startServer(t *testing.T, data string, args ...string) *server {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{data: data, out: &buffer{}, log: &buffer{}, cancel: cancel, done: make(chan error, 1)}
	args = append([]string{"serve", "--data", data, "--http", "127.0.0.1:0", "--cluster", "127.0.0.1:0", "--log-level", "warn"}, args...)
	go func() { s.done <- run(ctx, args, s.out, s.log) }()
	t.Cleanup(func() { s.stop(t) })
	eventually(t, "the node is ready", func() bool {
		select {
		case err := <-s.done:
			t.Fatalf("serve has ended: %v\n%s", err, s.log)
		default:
		}
		return strings.Contains(s.out.String(), "Open http")
	})
	return s
}

func (s *server) stop(t *testing.T) {
	t.Helper()
	if s.cancel == nil {
		return
	}
	s.cancel()
	s.cancel = nil
	select {
	case err := <-s.done:
		if err != nil {
			t.Errorf("serve: %v\n%s", err, s.log)
		}
	case <-time.After(30 * time.Second):
		t.Error("serve does not stop")
	}
}

func TestHelp(t *testing.T) {
	for _, c := range []struct {
		args string
		want []string
	}{
		{"", []string{"Try it on this machine", "Study and teach:", "submit", "serve", "demo", "status", "nodes", "join-token", "transfer", "remove", "user", "kv", "version"}},
		{"serve -h", []string{"on the first:", "there, twice:", "on the other two:", "--join", "--public-origin", "--tutor-endpoint", "--insecure-http"}},
		{"demo -h", []string{"--nodes", "--base-port", "stop", "clean"}},
		{"user -h", []string{"create", "disable", "set-password", "setup-link"}},
		{"kv -h", []string{"get", "put", "delete", "cas", "list", "mget", "mput", "token"}},
		{"kv get -h", []string{"linearizable"}},
		{"kv-udp -h", []string{"port", "FFFF", "--data"}},
		{"remove -h", []string{"--force"}},
		{"status -h", []string{"--watch", "--json", "--url"}},
	} {
		t.Run(c.args, func(t *testing.T) {
			out := must(t, strings.Fields(c.args)...)
			for _, w := range c.want {
				if !strings.Contains(out, w) {
					t.Errorf("help does not mention %q:\n%s", w, out)
				}
			}
			if strings.Contains(out, extractCommand) {
				t.Error("help shows the hidden command")
			}
		})
	}
}

func TestVersion(t *testing.T) {
	if out := must(t, "version"); !regexp.MustCompile(`^trivium \d+\.\d+\.\d+\S* \(go1`).MatchString(out) {
		t.Errorf("version = %q", out)
	}
}

func TestWrongSettings(t *testing.T) {
	data := t.TempDir()
	serve := func(args ...string) []string { return append([]string{"serve", "--data", data}, args...) }
	config := filepath.Join(t.TempDir(), "trivium.conf")
	for _, c := range []struct {
		name string
		args []string
		env  [2]string
		file string
		want string
	}{
		{name: "unknown flag", args: serve("--colour", "red"), want: "--colour"},
		{name: "unknown command", args: []string{"sreve"}, want: "sreve"},
		{name: "unknown variable", args: []string{"version"}, env: [2]string{"TRIVIUM_COLOUR", "red"}, want: "TRIVIUM_COLOUR"},
		{name: "bad value in a variable", args: serve(), env: [2]string{"TRIVIUM_HOLD_TIMEOUT", "soon"}, want: "TRIVIUM_HOLD_TIMEOUT"},
		{name: "unknown name in the file", args: serve("--config", config), file: "# colours\ncolour = red\n", want: `line 2: "colour"`},
		{name: "bad value in the file", args: serve("--config", config), file: "hold-timeout = soon\n", want: "line 1"},
		{name: "no pair in the file", args: serve("--config", config), file: "hold-timeout\n", want: "line 1"},
		{name: "missing file", args: serve("--config", config+"x"), want: config + "x"},
		{name: "plain HTTP for everybody", args: serve("--http", ":0"), want: "--insecure-http"},
		{name: "cluster on every address", args: serve("--cluster", ":4100"), want: "--advertise"},
		{name: "certificate without key", args: serve("--tls-cert", "x"), want: "--tls-key"},
		{name: "two kinds of certificate", args: serve("--tls-cert", "x", "--tls-key", "y", "--acme-domain", "lms.example.edu"), want: "--acme-domain and --tls-cert"},
		{name: "certificate for an address", args: serve("--acme-domain", "10.0.0.1"), want: `--acme-domain "10.0.0.1"`},
		{name: "certificate for a machine's name", args: serve("--acme-domain", "localhost"), want: `--acme-domain "localhost"`},
		{name: "authority without a domain", args: serve("--acme-ca", "https://ca.example.edu/directory"), want: "--acme-ca needs --acme-domain"},
		{name: "authority in clear", args: serve("--acme-domain", "lms.example.edu", "--acme-ca", "http://ca.example.edu"), want: "--acme-ca"},
		{name: "roots that are none", args: serve("--acme-domain", "lms.example.edu", "--acme-ca-root", config), want: "--acme-ca-root"},
		{name: "replica of nothing", args: serve("--replica"), want: "--replica needs --join"},
		{name: "reads for a time that is none", args: serve("--stale-reads", "-1s"), want: "--stale-reads"},
		{name: "certificates for an instant", args: serve("--node-certificate-life", "1s"), want: "--node-certificate-life"},
		{name: "join without token", args: serve("--join", "127.0.0.1:1"), want: "--token"},
		{name: "token without join", args: serve("--token", "K10"+strings.Repeat("a", 64)+"::x"), want: "--join"},
		{name: "not a token", args: serve("--join", "127.0.0.1:1", "--token", "hello"), want: "--token: This is not a join token"},
		{name: "bad id", args: serve("--id", "Node One"), want: "--id"},
		{name: "passkeys of a domain elsewhere", args: serve("--public-origin", "https://lms1.example.edu", "--passkey-domain", "example.com"), want: "--passkey-domain"},
		{name: "passkeys of a domain without an origin", args: serve("--passkey-domain", "example.edu"), want: "--passkey-domain"},
		{name: "bad origin", args: serve("--public-origin", "lms.example.edu/x"), want: "--public-origin"},
		{name: "lease longer than heartbeat", args: serve("--lease-timeout", "2s"), want: "--lease-timeout"},
		{name: "lease that could outlast an election", args: serve("--timing", "classroom", "--lease-timeout", "4900ms"), want: "leases of two leaders could overlap"},
		{name: "unknown timing", args: serve("--timing", "slow"), want: "fast or classroom"},
		{name: "bad format of the log", args: serve("--log-format", "xml"), want: "--log-format"},
		{name: "size of no log", args: serve("--log-size", "0", "--log-file", "x"), want: "--log-size"},
		{name: "bad level", args: serve("--log-level", "loud"), want: "--log-level"},
		{name: "port in use or invalid", args: serve("--http", "127.0.0.1:99999", "--cluster", "127.0.0.1:0"), want: "--http"},
		{name: "endpoint without model", args: serve("--http", "127.0.0.1:0", "--cluster", "127.0.0.1:0", "--tutor-endpoint", "http://127.0.0.1:1/v1"), want: "model"},
		{name: "nodes of the demo", args: []string{"demo", "--nodes", "4"}, want: "--nodes 4"},
		{name: "id of a replica", args: []string{"kv-udp", "4200", "A", "00A1"}, want: "four hexadecimal digits"},
		{name: "port of a simulator", args: []string{"kv-udp", "x", "00A0"}, want: "port"},
		{name: "header that is none", args: serve("--http", "127.0.0.1:0", "--cluster", "127.0.0.1:0", "--tutor-endpoint", "http://127.0.0.1:1", "--tutor-model", "m", "--tutor-key-header", "a b"), want: "header"},
		{name: "no node here", args: []string{"status", "--data", t.TempDir()}, want: "no node has run in"},
		{name: "nobody answers", args: []string{"kv", "get", "x", "--url", "http://127.0.0.1:1", "--token", "x", "--consistency", "some"}, want: "consistency"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.env[0] != "" {
				t.Setenv(c.env[0], c.env[1])
			}
			if err := os.WriteFile(config, []byte(c.file), 0o600); err != nil {
				t.Fatal(err)
			}
			out, errs, err := trivium(t, c.args...)
			if err == nil {
				t.Fatalf("accepted: %s", out)
			}
			if !strings.Contains(errs, c.want) {
				t.Errorf("stderr = %q; want %q in it", errs, c.want)
			}
		})
	}
}

func TestFlagBeatsVariableBeatsFile(t *testing.T) {
	config := filepath.Join(t.TempDir(), "trivium.conf")
	if err := os.WriteFile(config, []byte("url = http://127.0.0.1:1\ndata = from-file\nhttp = 127.0.0.1:0\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("TRIVIUM_DATA", "from-variable")
	root := newRoot(&buffer{}, &buffer{})
	cmd, args, err := root.Find([]string{"status", "--config", config, "--data", "from-flag"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		drop int // arguments at the end to leave out
		want string
	}{{2, "from-variable"}, {0, "from-flag"}} {
		if err := cmd.ParseFlags(args[:len(args)-c.drop]); err != nil {
			t.Fatal(err)
		}
		if err := fillFlags(cmd); err != nil {
			t.Fatal(err)
		}
		if got, _ := cmd.Flags().GetString("data"); got != c.want {
			t.Errorf("data = %q; want %q", got, c.want)
		}
		if got, _ := cmd.Flags().GetString("url"); got != "http://127.0.0.1:1" {
			t.Errorf("url = %q; want that of the file", got)
		}
	}
}

// A blocked log must not stop a node, and a lost line must be counted.
func TestLogNeverBlocks(t *testing.T) {
	release := make(chan struct{})
	w := newLogWriter(writerFunc(func(p []byte) (int, error) {
		<-release
		return len(p), nil
	}), "text")
	for range logQueue + 10 {
		w.Write([]byte("line\n"))
	}
	if n := w.Dropped(); n < 8 || n > 10 { // one or two lines are in the writer's hands
		t.Errorf("dropped = %d", n)
	}
	close(release)
	w.Close()
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(p []byte) (int, error) { return f(p) }
