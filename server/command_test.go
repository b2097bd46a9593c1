package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// fromFile fills the flags of "serve" from a file and returns the command line's answer.
func fromFile(t *testing.T, text string, args ...string) (join []string, domains []string, err error) {
	t.Helper()
	config := filepath.Join(t.TempDir(), "trivium.conf")
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	root := newRoot(&buffer{}, &buffer{})
	cmd, rest, err := root.Find(append([]string{"serve", "--config", config}, args...))
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.ParseFlags(rest); err != nil {
		t.Fatal(err)
	}
	err = fillFlags(cmd)
	join, _ = cmd.Flags().GetStringSlice("join")
	domains, _ = cmd.Flags().GetStringSlice("acme-domain")
	return join, domains, err
}

// A second line of a list adds to the first, and none adds to what was given elsewhere.
func TestListsTakeSeveralLines(t *testing.T) {
	t.Setenv("TRIVIUM_ACME_DOMAIN", "from.variable")
	text := "join = a:1,b:1\nacme-domain = from.file\njoin = c:1\n"
	join, domains, err := fromFile(t, text)
	if err != nil || !slices.Equal(join, []string{"a:1", "b:1", "c:1"}) || !slices.Equal(domains, []string{"from.variable"}) {
		t.Errorf("join = %v, acme-domain = %v, %v", join, domains, err)
	}
	if join, _, err := fromFile(t, text, "--join", "d:1"); err != nil || !slices.Equal(join, []string{"d:1"}) {
		t.Errorf("beside a flag: join = %v, %v", join, err)
	}
}

// A value that is there twice is refused, whichever of the two was meant, also where a flag wins over both.
func TestRepeatedSettingIsRefused(t *testing.T) {
	text := "id = a\n# moved\nbackup-keep = 3\nid = b\n"
	for _, args := range [][]string{nil, {"--id", "c"}} {
		_, _, err := fromFile(t, text, args...)
		if err == nil || !strings.Contains(err.Error(), `line 4: "id" stands in line 1 already`) {
			t.Errorf("with %v: %v", args, err)
		}
	}
	if _, _, err := fromFile(t, "url = x\nurl = y\nid = a\n"); err != nil {
		t.Errorf("a setting of other commands: %v", err)
	}
}
