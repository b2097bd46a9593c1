package deps

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// list runs go list and returns its lines.
func list(t *testing.T, env []string, args ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append([]string{"list", "-tags", "sqlite_fts5 osusergo netgo sqlite_omit_load_extension"}, args...)...)
	cmd.Dir = "../.."
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list %v: %v", args, err)
	}
	return strings.Split(strings.TrimSpace(string(out)), "\n")
}

var browser = []string{"GOOS=js", "GOARCH=wasm", "CGO_ENABLED=0"}

// TestImports holds every package of ours to what its folder may import: a rule names what is forbidden.
func TestImports(t *testing.T) {
	const (
		echo = "github.com/labstack/echo"
		raft = "github.com/hashicorp/raft"
		sql  = "github.com/mattn/go-sqlite3"
		goap = "github.com/maxence-charriere/go-app"
		llm  = "github.com/sashabaranov/go-openai"
	)
	rules := []struct {
		folder string
		never  []string
	}{
		{"trivium/app/lms", []string{"net/http", "github.com/", "golang.org/x/", "trivium/"}},
		{"trivium/app/api", []string{"github.com/", "trivium/app/ui", "trivium/server", "trivium/consensus", "trivium/assets"}},
		{"trivium/app/ui", []string{"net/http", "trivium/server", "trivium/consensus", echo, raft, sql, llm}},
		{"trivium/consensus", []string{"trivium/app", "trivium/server", "trivium/assets", echo, goap, llm}},
		{"trivium/server/store", []string{echo, raft, goap, llm, "trivium/server/web", "trivium/server/files", "trivium/server/tutor"}},
		{"trivium/server/files", []string{echo, raft, goap, llm, "trivium/server/web", "trivium/server/store", "trivium/server/tutor"}},
		{"trivium/server/tutor", []string{echo, raft, goap, "trivium/consensus", "trivium/server/web", "trivium/server/store", "trivium/server/files"}},
		{"trivium/server/cluster", []string{echo, goap, llm, "trivium/server/web", "trivium/server/files", "trivium/server/tutor"}},
		{"trivium/server/kv", []string{echo, goap, llm, "trivium/app/ui", "trivium/server/web", "trivium/server/files", "trivium/server/tutor"}},
		{"trivium/server/load", []string{"github.com/", "trivium/app/ui", "trivium/consensus", "trivium/server"}},
		{"trivium/server/sql", []string{echo, raft, sql, goap, llm, "trivium/app/ui", "trivium/server/"}},
		{"trivium/server/interop", []string{"github.com/", "golang.org/x/", "trivium/app/api", "trivium/app/ui", "trivium/consensus", "trivium/server/"}},
		{"trivium/server/seal", []string{"trivium/", echo, raft, sql, goap, llm}},
		{"trivium/server/inspect", []string{echo, raft, sql, goap, llm, "trivium/server/web", "trivium/server/store", "trivium/server/files", "trivium/server/tutor"}},
		{"trivium/server/certs", []string{echo, raft, sql, goap, llm, "trivium/server/web", "trivium/server/files", "trivium/server/tutor", "trivium/server/cluster"}},
		{"trivium/server/web", []string{raft, sql, "database/sql"}},
		{"trivium/assets", []string{"trivium/", echo, raft, goap}},
	}
	for _, line := range list(t, nil, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...") {
		fields := strings.Fields(line)
		path, imports := fields[0], fields[1:]
		for _, r := range rules {
			if path != r.folder && !strings.HasPrefix(path, r.folder+"/") {
				continue
			}
			for _, imp := range imports {
				own := imp == r.folder || strings.HasPrefix(imp, r.folder+"/")
				if !own && slices.ContainsFunc(r.never, func(p string) bool { return strings.HasPrefix(imp, p) }) {
					t.Errorf("%s imports %s, which its folder must not", path, imp)
				}
			}
		}
		if slices.ContainsFunc(imports, func(p string) bool { return strings.HasPrefix(p, "github.com/rqlite/") }) && path != "trivium/server/sql" && path != "trivium/server" {
			t.Errorf("%s imports something of rqlite's, which only server/sql may", path)
		}
		if slices.ContainsFunc(imports, func(p string) bool { return strings.HasPrefix(p, "trivium/build/") }) && !strings.HasPrefix(path, "trivium/build/") {
			t.Errorf("%s imports something of build/, which nobody may", path)
		}
	}
}

// TestBrowserLinksNoServer: what the browser downloads contains nothing of the node.
func TestBrowserLinksNoServer(t *testing.T) {
	for _, dep := range list(t, browser, "-deps", "./wasm") {
		for _, p := range []string{"trivium/server", "trivium/consensus", "trivium/assets", "github.com/labstack/", "github.com/hashicorp/",
			"github.com/mattn/", "github.com/sashabaranov/", "github.com/yuin/", "golang.org/x/crypto/argon2"} {
			if strings.HasPrefix(dep, p) {
				t.Errorf("the browser's program links %s", dep)
			}
		}
	}
	for _, line := range list(t, browser, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./app/...", "./wasm") {
		if fields := strings.Fields(line); slices.Contains(fields[1:], "net/http") {
			t.Errorf("%s imports net/http in the browser: 0.85 MB compressed", fields[0])
		}
	}
}

// TestConsensusSurface keeps the seam to the replicated store small enough to replace: about 25 names for reading, writing and
// members, and those that operating a node needs (recovery, import, quarantine, the log as text, timing).
func TestConsensusSurface(t *testing.T) {
	cmd := exec.Command("go", "doc", "-short", "trivium/consensus")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	names := 0
	for _, line := range strings.Split(string(out), "\n") {
		if s := strings.TrimSpace(line); strings.HasPrefix(s, "func ") || strings.HasPrefix(s, "type ") {
			names++
		}
	}
	if names == 0 || names > 36 {
		t.Errorf("consensus exports %d types and functions; at most 36:\n%s", names, out)
	}
}
