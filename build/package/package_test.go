package installation

import (
	"bytes"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

func read(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestSettingsExist: every variable of the recipes is a setting of the program, which refuses unknown ones.
func TestSettingsExist(t *testing.T) {
	flags := read(t, "../../server/serve.go") + read(t, "../../server/client.go")
	found := 0
	for _, name := range []string{"compose.yaml", "Dockerfile"} {
		for _, m := range regexp.MustCompile(`TRIVIUM_[A-Z_]+`).FindAllString(read(t, name), -1) {
			found++
			flag := strings.ToLower(strings.ReplaceAll(strings.TrimPrefix(m, "TRIVIUM_"), "_", "-"))
			if !strings.Contains(flags, `"`+flag+`"`) {
				t.Errorf("%s: %s is no setting", name, m)
			}
		}
	}
	if found < 12 {
		t.Errorf("only %d settings found", found)
	}
}

// TestSameBuild: the image and the archives are built with the tags and flags of the Makefile.
func TestSameBuild(t *testing.T) {
	tags := regexp.MustCompile(`(?m)^TAGS := (.*)$`).FindStringSubmatch(read(t, "../../Makefile"))
	if tags == nil {
		t.Fatal("the Makefile has no tags")
	}
	for _, name := range []string{"Dockerfile", "release.sh"} {
		text := read(t, name)
		for _, want := range []string{tags[1], "-trimpath", `-extldflags "-static`} {
			if !strings.Contains(text, want) {
				t.Errorf("%s lacks %s", name, want)
			}
		}
	}
	version := regexp.MustCompile(`(?m)^go (\d+\.\d+)`).FindStringSubmatch(read(t, "../../go.mod"))
	if !strings.Contains(read(t, "Dockerfile"), "golang:"+version[1]+"-") {
		t.Errorf("the image is not built with Go %s", version[1])
	}
}

func TestUnit(t *testing.T) {
	text := read(t, "trivium.service")
	for _, want := range []string{"DynamicUser=yes", "ProtectSystem=strict", "NoNewPrivileges=yes", "Restart=always", "TimeoutStopSec=45s", "LimitNOFILE=65536", "StateDirectory=trivium", "StartLimitIntervalSec=0"} {
		if !strings.Contains(text, "\n"+want+"\n") {
			t.Errorf("the unit lacks %s", want)
		}
	}
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Skip("systemd-analyze is not installed: the unit is not verified")
	}
	path := filepath.Join(t.TempDir(), "trivium.service") // with a program that exists
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(text, "/usr/local/bin/trivium", "/bin/true")), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(analyze, "verify", "--man=no", path).CombinedOutput(); err != nil || bytes.Contains(out, []byte("trivium.service:")) {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}

// checkTexts checks that what lies beside the program in an archive can be followed: links, and what the unit names.
func checkTexts(t *testing.T, dir string) {
	t.Helper()
	texts, err := filepath.Glob(filepath.Join(dir, "*.md"))
	if err != nil || len(texts) < 4 {
		t.Fatalf("texts of the archive: %v, %v", texts, err)
	}
	names := regexp.MustCompile(`/share/doc/trivium/(\S+)`).FindAllStringSubmatch(read(t, "trivium.service"), -1)
	for _, path := range texts {
		names = append(names, regexp.MustCompile(`\]\(([^):#]+)\)`).FindAllStringSubmatch(read(t, path), -1)...)
	}
	if len(names) < 4 {
		t.Errorf("only %d names found", len(names))
	}
	for _, m := range names {
		if _, err := os.Stat(filepath.Join(dir, m[1])); err != nil {
			t.Errorf("the archive lacks what it refers to: %v", err)
		}
	}
}

func TestTexts(t *testing.T) {
	dir := t.TempDir()
	if out, err := exec.Command("sh", "texts.sh", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v %s", err, out)
	}
	checkTexts(t, dir)
}

func TestScriptsParse(t *testing.T) {
	for _, name := range []string{"release.sh", "texts.sh", "cluster-up.sh"} {
		if out, err := exec.Command("sh", "-n", name).CombinedOutput(); err != nil {
			t.Errorf("%s: %v %s", name, err, out)
		}
	}
	out, err := exec.Command("env", "RELEASE_KEY=", "UNSIGNED=", "sh", "release.sh").CombinedOutput()
	if err == nil || !strings.Contains(string(out), "RELEASE_KEY") {
		t.Errorf("a release without a key: %v %s", err, out)
	}
}

// TestArchives checks what `make release` has made, if it has been made: static programs, sums that are right.
func TestArchives(t *testing.T) {
	sums, err := os.ReadFile("../bin/release/SHA256SUMS")
	if err != nil {
		t.Skip("no archives: make release")
	}
	for line := range strings.Lines(string(sums)) {
		sum, name, _ := strings.Cut(strings.TrimSpace(line), "  ")
		archive := read(t, filepath.Join("../bin/release", name))
		if got := sha256.Sum256([]byte(archive)); hex.EncodeToString(got[:]) != sum {
			t.Errorf("%s has another sum", name)
		}
		dir := t.TempDir()
		if out, err := exec.Command("tar", "-xzf", filepath.Join("../bin/release", name), "-C", dir).CombinedOutput(); err != nil {
			t.Fatalf("%s: %v %s", name, err, out)
		}
		checkTexts(t, filepath.Join(dir, strings.TrimSuffix(name, ".tar.gz")))
		program := filepath.Join(dir, strings.TrimSuffix(name, ".tar.gz"), "trivium")
		f, err := elf.Open(program)
		if err != nil {
			t.Fatal(err)
		}
		if libs, err := f.ImportedLibraries(); err != nil || len(libs) > 0 || f.Section(".interp") != nil {
			t.Errorf("%s is not static: %v %v", name, libs, err)
		}
		f.Close()
		if strings.HasSuffix(strings.TrimSuffix(name, ".tar.gz"), runtime.GOARCH) {
			if out, err := exec.Command(program, "version").CombinedOutput(); err != nil || !strings.HasPrefix(string(out), "trivium ") {
				t.Errorf("%s: %v %s", name, err, out)
			}
		}
	}
}
