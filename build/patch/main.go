// Command patch makes a copy of go-app for the browser's program, which makes it much smaller: without net/http, regexp and
// ciphers, and with all elements of one type (elements.go). Two faults of its prerendering are repaired. The copy, and a
// go.mod that uses it, are written to build/goapp:
//
//	go run ./build/patch && go build -modfile=build/goapp/trivium.mod ./wasm
//
// The source comes from the module cache, verified by go.sum. Every change is an exact replacement: when go-app changes
// one of the places, the command fails and says which. Without it everything builds on the untouched module.
package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const module = "github.com/maxence-charriere/go-app/v10"

// change replaces text in a file of go-app that must occur exactly once.
type change struct{ file, old, new string }

var changes = []change{
	// The handler and what goes with it serve pages; the browser never does.
	{"http.go", "package app\n", "//go:build !wasm\n\npackage app\n"},
	{"wasm.go", "func GenerateStaticWebsite(dir string, h *Handler, pages ...string) error {\n\tpanic(errors.New(\"unsupported instruction\").\n\t\tWithTag(\"architecture\", runtime.GOARCH))\n}\n\n", ""},
	{"wasm.go", "import (\n\t\"runtime\"\n\n\t\"github.com/maxence-charriere/go-app/v10/pkg/errors\"\n)\n\n", ""},
	{"resource.go", "import (\n\t\"net/http\"\n\t\"strings\"\n)", "import (\n\t\"strings\"\n)"},
	{"resource.go", "\treturn localResourceResolver{\n\t\tHandler:   http.FileServer(http.Dir(directory)),\n\t\tdirectory: directory,\n\t}", "\treturn newLocalResolver(directory)"},
	{"resource.go", "type localResourceResolver struct {\n\thttp.Handler\n\tdirectory string\n}\n", ""},
	// Routes are matched without regular expressions (pattern.go).
	{"route.go", "import (\n\t\"regexp\"\n\t\"sync\"\n)", "import \"sync\""},
	{"route.go", "regexp:       regexp.MustCompile(pattern),", "regexp:       mustPattern(pattern),"},
	{"route.go", "regexp       *regexp.Regexp", "regexp       pattern"},
	// Nothing of ours is kept in encrypted states, whose key would lie beside them.
	{"crypto.go", "package app\n", "//go:build !wasm\n\npackage app\n"},
	{"context.go", "\t\"github.com/google/uuid\"\n", ""},
	{"context.go", "uuid.NewString()", "newID()"},
	{"state.go", "\t\"github.com/google/uuid\"\n", ""},
	{"state.go", "uuid.NewString()", "newID()"},
	// An empty value is a value: otherwise a cleared input keeps its text.
	{"attribute.go", "\tswitch v {\n\tcase \"cite\",", "\tswitch name {\n\tcase \"alt\",\n\t\t\"cite\","},
	// Attributes are HTML, not Go.
	{"node.go", "\t\tw.WriteString(strconv.Quote(resolveAttributeURLValue(name, value, ctx.ResolveStaticResource)))",
		"\t\tw.WriteByte('\"')\n\t\tw.WriteString(html.EscapeString(resolveAttributeURLValue(name, value, ctx.ResolveStaticResource)))\n\t\tw.WriteByte('\"')"},
	{"node.go", "\t\"reflect\"\n\t\"strconv\"\n", "\t\"reflect\"\n"},
	// All elements are of one type (elements.go), so the tag tells them apart.
	{"node.go", "\tcase *htmlElem, *htmlElemSelfClosing:\n", "\tcase *htmlElem:\n"},
	{"engine.go", "range document.(HTML).body() {\n\t\tif child, isBody := child.(HTMLBody); isBody {",
		"range document.body() {\n\t\tif child, isBody := child.(HTMLBody); isBody && child.tag == \"body\" {"},
}

// added are files that the copy has besides.
var added = map[string]string{
	"resource_local.go": `//go:build !wasm

package app

import "net/http"

type localResourceResolver struct {
	http.Handler
	directory string
}

func newLocalResolver(directory string) localResourceResolver {
	return localResourceResolver{Handler: http.FileServer(http.Dir(directory)), directory: directory}
}
`,
	"crypto_wasm.go": `package app

import "github.com/maxence-charriere/go-app/v10/pkg/errors"

var errEncryption = errors.New("this program is built without encrypted states")

func encrypt(string, []byte) ([]byte, error) { return nil, errEncryption }
func decrypt(string, []byte) ([]byte, error) { return nil, errEncryption }
`,
	"id.go": `package app

import "crypto/rand"

// newID names a browser or one of its windows.
func newID() string { return rand.Text() }
`,
	"resource_wasm.go": `package app

type localResourceResolver struct{ directory string }

func newLocalResolver(directory string) localResourceResolver {
	return localResourceResolver{directory: directory}
}
`,
}

//go:embed pattern.go
var patternFile string

func main() {
	out := flag.String("out", filepath.Join("build", "goapp"), "folder to write to")
	flag.Parse()
	if err := run(*out); err != nil {
		fmt.Fprintln(os.Stderr, "patch:", err)
		os.Exit(1)
	}
}

func run(out string) error {
	from, err := source()
	if err != nil {
		return fmt.Errorf("find %s: %w", module, err)
	}
	to := filepath.Join(out, "v10")
	if err := os.RemoveAll(out); err != nil {
		return err
	}
	if err := copyModule(from, to); err != nil {
		return err
	}
	pkg := filepath.Join(to, "pkg", "app")
	if err := applyAll(pkg, changes); err != nil {
		return err
	}
	if err := unify(pkg); err != nil {
		return err
	}
	added["pattern.go"] = strings.Replace(patternFile, "package main\n", "package app\n", 1)
	for name, text := range added {
		if err := os.WriteFile(filepath.Join(pkg, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return writeModFile(out, to)
}

// source is the folder of the module in the cache; on a new machine it must be fetched first.
func source() (string, error) {
	b, err := exec.Command("go", "mod", "download", "-json", module).Output()
	var m struct{ Dir, Error string }
	if jsonErr := json.Unmarshal(b, &m); jsonErr == nil && m.Error != "" {
		return "", errors.New(m.Error)
	}
	if err == nil && m.Dir == "" {
		err = errors.New("no folder is named")
	}
	return m.Dir, err
}

// copyModule copies the licence, the module file and the packages that the pages need, without their tests.
func copyModule(from, to string) error {
	for _, folder := range []string{filepath.Join("pkg", "app"), filepath.Join("pkg", "errors")} {
		entries, err := os.ReadDir(filepath.Join(from, folder))
		if err != nil {
			return err
		}
		for _, e := range entries {
			if name := e.Name(); e.Type().IsRegular() && strings.HasSuffix(name, ".go") && !strings.HasSuffix(name, "_test.go") {
				if err := copyFile(filepath.Join(from, folder, name), filepath.Join(to, folder, name)); err != nil {
					return err
				}
			}
		}
	}
	return errors.Join(copyFile(filepath.Join(from, "go.mod"), filepath.Join(to, "go.mod")),
		copyFile(filepath.Join(from, "LICENSE"), filepath.Join(to, "LICENSE")))
}

func copyFile(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o644)
}

func applyAll(folder string, changes []change) error {
	for _, c := range changes {
		if err := c.apply(folder); err != nil {
			return err
		}
	}
	return nil
}

func (c change) apply(folder string) error {
	name := filepath.Join(folder, c.file)
	b, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	if n := bytes.Count(b, []byte(c.old)); n != 1 {
		return fmt.Errorf("%s has %d times, instead of once:\n%s", c.file, n, c.old)
	}
	return os.WriteFile(name, bytes.Replace(b, []byte(c.old), []byte(c.new), 1), 0o644)
}

// writeModFile writes a copy of go.mod and go.sum that replaces go-app by the copy.
func writeModFile(out, copied string) error {
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		return err
	}
	mod = fmt.Appendf(mod, "\nreplace %s => ./%s\n", module, filepath.ToSlash(copied))
	if err := os.WriteFile(filepath.Join(out, "trivium.mod"), mod, 0o644); err != nil {
		return err
	}
	err = copyFile("go.sum", filepath.Join(out, "trivium.sum"))
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("run this in the root of the repository")
	}
	return err
}
