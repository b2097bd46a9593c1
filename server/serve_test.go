package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"io/fs"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"trivium/app/api"
	"trivium/app/lms"
	"trivium/server/cluster"
)

func TestServeAlone(t *testing.T) {
	data := t.TempDir()
	s := startServer(t, data)
	eventually(t, "the setup link is printed", func() bool { return strings.Contains(s.out.String(), "/setup#") })
	link := regexp.MustCompile(`(http://127\.0\.0\.1:\d+)/setup#(\w{32})\n`).FindStringSubmatch(s.out.String())
	if link == nil {
		t.Fatalf("no setup link in %q", s.out)
	}
	for _, name := range []string{setupFile, operatorFile, urlFile} {
		info, err := os.Stat(filepath.Join(data, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want a file of the owner alone", name, info, err)
		}
	}
	if kept, _ := readLine(filepath.Join(data, setupFile)); kept != strings.TrimSpace(link[0]) {
		t.Errorf("link in the file = %q; printed %q", kept, link[0])
	}
	if out := must(t, "status", "--data", data); !strings.Contains(out, "1 of 1: no protection") {
		t.Errorf("status = %q", out)
	}

	client := api.NewClient(link[1])
	claim := func(token string) error {
		_, err := api.Call(t.Context(), client, api.Setup, api.SetupInput{Token: token, Login: "root", Name: "Root", Password: "correct horse", Bearer: true})
		return err
	}
	if err := claim(lms.NewSecret()); lms.KindOf(err) != lms.KindForbidden {
		t.Errorf("a claim with a wrong token: %v", err)
	}
	newer := strings.TrimSpace(must(t, "user", "setup-link", "--data", data))
	if err := claim(link[2]); lms.KindOf(err) != lms.KindForbidden {
		t.Errorf("a claim with the link before: %v", err)
	}
	if err := claim(newer[strings.Index(newer, "#")+1:]); err != nil {
		t.Fatalf("a claim with the newest link: %v", err)
	}
	if _, errs, err := trivium(t, "user", "setup-link", "--data", data); err == nil || !strings.Contains(errs, "administrator already") {
		t.Errorf("setup-link with an administrator: %v, %q", err, errs)
	}
	s.stop(t)

	s = startServer(t, data)
	if strings.Contains(s.out.String(), "/setup#") {
		t.Error("a second start prints a setup link although there is an administrator")
	}
	if out := must(t, "user", "list", "--data", data); !strings.Contains(out, "root") {
		t.Errorf("accounts after a restart: %q", out)
	}
}

func TestSetupLinkNeedsTheOperator(t *testing.T) {
	s := startServer(t, t.TempDir())
	url, _ := readLine(filepath.Join(s.data, urlFile))
	for _, token := range []string{"", "Bearer ", "Bearer wrong"} {
		r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, url+setupLinkPath, nil)
		r.Header.Set("Authorization", token)
		resp, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("Authorization %q: %s", token, resp.Status)
		}
	}
}

func TestCommands(t *testing.T) {
	data := startServer(t, t.TempDir()).data
	url, _ := readLine(filepath.Join(data, urlFile))
	resp, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	text, _ := io.ReadAll(resp.Body)
	resp.Body.Close()
	for _, want := range []string{"trivium_consensus_entries_total", "trivium_files_missing_chunks", "go_goroutines", "process_open_fds"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("/metrics has no %s", want)
		}
	}
	cmd := func(args ...string) []string { return append(args, "--data", data) }

	if out := must(t, cmd("user", "create", "ines", "--name", "Ines Falk", "--instructor")...); !strings.Contains(out, "Password: ") {
		t.Errorf("create: %q", out)
	}
	if _, errs, err := trivium(t, cmd("user", "create", "INES")...); err == nil || strings.Contains(errs, "conflict:") {
		t.Errorf("a second account of the same name: %v, %q", err, errs)
	}
	if out := must(t, cmd("user", "list")...); !strings.Contains(out, "Ines Falk") || !strings.Contains(out, "create courses") {
		t.Errorf("list: %q", out)
	}
	must(t, cmd("user", "set-password", "ines")...)
	must(t, cmd("user", "disable", "ines")...)
	if out := must(t, cmd("user", "list")...); !strings.Contains(out, "not sign in") {
		t.Errorf("list after disable: %q", out)
	}
	must(t, cmd("user", "enable", "ines")...)
	if _, errs, err := trivium(t, cmd("user", "disable", "nobody")...); err == nil || !strings.Contains(errs, "no account") {
		t.Errorf("disable nobody: %v, %q", err, errs)
	}

	must(t, cmd("kv", "put", "greeting", "hello world")...)
	for _, level := range []string{"lease", "stale", "session", "linearizable"} {
		if out := must(t, cmd("kv", "get", "greeting", "--consistency", level)...); out != "hello world\n" {
			t.Errorf("get at %s = %q", level, out)
		}
	}
	var v api.KVValue
	if err := json.Unmarshal([]byte(must(t, cmd("kv", "get", "greeting", "--json")...)), &v); err != nil || v.Data != "hello world" || !v.Success || v.LeaderID == nil {
		t.Errorf("get --json = %+v, %v", v, err)
	}
	must(t, cmd("kv", "delete", "greeting")...)
	if _, errs, err := trivium(t, cmd("kv", "get", "greeting")...); err == nil || !strings.Contains(errs, "no key") {
		t.Errorf("get after delete: %v, %q", err, errs)
	}
	if _, errs, err := trivium(t, "kv", "put", "x", "y", "--data", data, "--token", "wrong"); err == nil || strings.Contains(errs, "sign_in") {
		t.Errorf("put with a wrong token: %v, %q", err, errs)
	}
	if _, errs, err := trivium(t, cmd("remove", "nobody")...); err == nil || !strings.Contains(errs, "no node") {
		t.Errorf("remove nobody: %v, %q", err, errs)
	}
}

func TestThreeNodes(t *testing.T) {
	first := startServer(t, t.TempDir(), "--id", "one")
	self, err := cluster.Load(first.data)
	if err != nil {
		t.Fatal(err)
	}
	token := func() string { return strings.TrimSpace(must(t, "join-token", "--data", first.data)) }

	t.Run("wrong token", func(t *testing.T) {
		wrong := token()
		wrong = wrong[:len(wrong)-5] + "zzzzz"
		data := t.TempDir()
		_, errs, err := trivium(t, "serve", "--data", data, "--http", "127.0.0.1:0", "--cluster", "127.0.0.1:0", "--join", self.Address(), "--token", wrong)
		if err == nil || !strings.Contains(errs, "has not joined") || !strings.Contains(errs, "wrong, used or expired") {
			t.Errorf("error = %v, %q", err, errs)
		}
		if _, err := cluster.Load(data); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("something was joined: %v", err)
		}
	})
	used := token()
	second := startServer(t, t.TempDir(), "--id", "two", "--join", self.Address(), "--token", used)
	third := startServer(t, t.TempDir(), "--id", "three", "--join", self.Address(), "--token", token())
	eventually(t, "three healthy nodes", func() bool {
		return strings.Contains(must(t, "status", "--data", third.data), "3 of 3 healthy: any one may fail")
	})
	origins := func() string { return strings.Join(readOrigins(filepath.Join(first.data, originsFile)), " ") }
	url, _ := readLine(filepath.Join(third.data, urlFile))
	eventually(t, "the origins of all are kept for the next start", func() bool {
		return strings.Contains(origins(), url) && len(strings.Fields(origins())) == 3
	})
	must(t, "transfer", "two", "--data", first.data)
	eventually(t, "two leads", func() bool {
		return regexp.MustCompile(`two +leader`).MatchString(must(t, "nodes", "--data", first.data))
	})

	// A node that stops hands leadership over, and comes back with the same command line; its peers need not be there.
	second.stop(t)
	must(t, "kv", "put", "while", "two is away", "--data", first.data)
	again := startServer(t, second.data, "--id", "two", "--join", "127.0.0.1:1", "--token", used)
	eventually(t, "two has caught up", func() bool {
		out, _, err := trivium(t, "kv", "get", "while", "--data", again.data)
		return err == nil && out == "two is away\n"
	})
	removed, err := cluster.Load(third.data)
	if err != nil {
		t.Fatal(err)
	}
	thirdAddress := removed.Address()
	if out := must(t, "remove", "three", "--data", first.data); strings.Contains(out, "three") {
		t.Errorf("after remove: %q", out)
	}
	eventually(t, "the origin of the removed node is forgotten", func() bool { return !strings.Contains(origins(), url) })
	// The removed node does not go on answering people from what it last knew.
	select {
	case err := <-third.done:
		third.cancel()
		third.cancel = nil
		if err == nil || !strings.Contains(third.log.String(), "was removed from this cluster") {
			t.Errorf("the removed node ends with %v:\n%s", err, third.log)
		}
	case <-time.After(30 * time.Second):
		t.Error("the removed node goes on")
	}
	_, errs, err := trivium(t, "serve", "--data", third.data, "--http", "127.0.0.1:0", "--cluster", thirdAddress)
	if err == nil || !strings.Contains(errs, "was removed") {
		t.Errorf("starting the removed node: %v, %q", err, errs)
	}
}

func TestOneProcessADirectory(t *testing.T) {
	s := startServer(t, t.TempDir())
	_, errs, err := trivium(t, "serve", "--data", s.data, "--http", "127.0.0.1:0", "--cluster", "127.0.0.1:0")
	if err == nil || !strings.Contains(errs, "another process") {
		t.Errorf("a second process: %v, %q", err, errs)
	}
}

func TestServeTLS(t *testing.T) {
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	write := func(name, kind string, der []byte, err error) string {
		path := filepath.Join(dir, name)
		if err := errors.Join(err, os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: []string{"lms.test"}, NotAfter: time.Now().Add(time.Hour)}
	certDER, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	cert := write("crt.pem", "CERTIFICATE", certDER, err)
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	startServer(t, filepath.Join(dir, "data"), "--tls-cert", cert, "--tls-key", write("key.pem", "PRIVATE KEY", keyDER, err))

	url, err := readLine(filepath.Join(dir, "data", urlFile))
	if err != nil || !strings.HasPrefix(url, "https://127.0.0.1:") {
		t.Fatalf("url = %q, %v", url, err)
	}
	parsed, err := x509.ParseCertificate(certDER)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(parsed)
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "lms.test"}}}
	defer client.CloseIdleConnections()
	resp, err := client.Get(url + "/readyz")
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("readyz over TLS: %v, %v", resp, err)
	}
	resp.Body.Close()
	if resp.Header.Get("Strict-Transport-Security") == "" {
		t.Error("no Strict-Transport-Security over HTTPS")
	}
}

// Plain HTTP beyond this machine is told about for as long as it is so.
func TestPlainHTTPIsWarnedOf(t *testing.T) {
	data := t.TempDir()
	s := startServer(t, data, "--insecure-http")
	for range 2 {
		if out := must(t, "status", "--data", data); !strings.Contains(out, "Warning: People reach node") || !strings.Contains(out, "without encryption") {
			t.Errorf("status = %q", out)
		}
	}
	eventually(t, "the log warns", func() bool { return strings.Contains(s.log.String(), "without encryption") })
}
