package main

import (
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
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

// FuzzConfig: settings are refused with the name of the flag, or a node can be made of them: its origin is one that browsers
// take, and looking again changes nothing.
func FuzzConfig(f *testing.F) {
	f.Add("127.0.0.1:4000", "127.0.0.1:4100", "", "", "", "", "", "", "", "fast", int64(0))
	f.Add(":443", "10.0.0.1:4100", "10.0.0.1:1", "https://lms.example.edu", "node1", "lms.example.edu,b.example.edu", "10.0.0.0/8,::1", "s3://b/p?endpoint=h&region=r",
		"K10"+strings.Repeat("0a", 32)+"::secret", "classroom", int64(time.Second))
	f.Add("[::1]:0", ":0", "x:1", "http://[::1]:4000", "..", "*.edu", "::/129", "/var/backups", "K10", "slow", int64(-1))
	f.Fuzz(func(t *testing.T, http, clusterAddr, advertise, origin, id, domains, proxies, to, token, timing string, duration int64) {
		d := time.Duration(duration)
		c := Config{Data: t.TempDir(), HTTP: http, Cluster: clusterAddr, Advertise: advertise, Origin: origin, ID: id, TrustedProxies: list(proxies), SharedAddresses: list(proxies), ACMEDomains: list(domains),
			BackupTo: to, BackupEvery: d, Token: token, Timing: timing, Heartbeat: d, CertificateLife: time.Hour, LogLevel: "info", TutorMaxTokens: 500, TutorContext: 4096}
		if token != "" {
			c.Join = []string{advertise}
		}
		if err := c.Validate(); err != nil {
			if !strings.Contains(err.Error(), "--") {
				t.Errorf("no flag is named: %v", err)
			}
			return
		}
		if u, err := url.Parse(c.Origin); err != nil || c.Origin != "" && (u.Host == "" || u.Path != "" || u.User != nil) {
			t.Errorf("origin %q, %v", c.Origin, err)
		}
		again := c
		if err := again.Validate(); err != nil || !reflect.DeepEqual(again, c) {
			t.Errorf("%+v, then %+v, %v", c, again, err)
		}
	})
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}
