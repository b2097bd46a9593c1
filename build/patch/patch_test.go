package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPatchFitsThePinnedVersion(t *testing.T) {
	t.Chdir(filepath.Join("..", ".."))
	out := t.TempDir()
	if err := run(out); err != nil {
		t.Fatal(err)
	}
	pkg := filepath.Join(out, "v10", "pkg", "app")
	entries, err := os.ReadDir(pkg)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := os.ReadFile(filepath.Join(pkg, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		s := string(b)
		if strings.Contains(s, `"regexp"`) && !strings.HasPrefix(s, "//go:build !wasm") {
			t.Errorf("%s still brings regexp into the browser", e.Name())
		}
		if strings.Contains(s, `"net/http"`) && !strings.HasPrefix(s, "//go:build !wasm") && e.Name() != "static.go" {
			t.Errorf("%s still brings net/http into the browser", e.Name())
		}
	}
	if _, err := os.Stat(filepath.Join(out, "v10", "LICENSE")); err != nil {
		t.Error("a copy needs its licence:", err)
	}
}

func TestChangeThatDoesNotFitIsRefused(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "a.go"), []byte("x x"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, old := range []string{"x", "y"} {
		if err := (change{"a.go", old, "z"}).apply(folder); err == nil {
			t.Errorf("%q occurs not exactly once and was replaced", old)
		}
	}
}

func TestElementsAreOneType(t *testing.T) {
	name := filepath.Join(t.TempDir(), elements)
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(name, []byte("package app\n\n"+text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const a = `
type HTMLA interface {
	HTML
	ID(v string) HTMLA
}

func A() HTMLA {
	e := &htmlA{
		htmlElement: htmlElement{tag: "a"},
	}
	return e
}

type htmlA struct {
	htmlElement
}

// ID is documented.
func (e *htmlA) ID(v string) HTMLA {
	e.setAttr("id", v)
	return e
}

func (e *htmlA) setDepth(v uint) UI {
	e.treeDepth = v
	return e
}
`
	b := strings.NewReplacer("HTMLA", "HTMLBr", "htmlA", "htmlBr", " A()", " Br()", `"a"`, `"br"`).Replace(a)
	write(a + b)
	if err := rewriteAtLeast(name, 2); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"HTMLA  = *htmlElem\n", "HTMLBr = *htmlElem\n", "func Br() HTMLBr {\n\te := &htmlElem{\n", `tag: "br"`,
		"//go:noinline\nfunc (e *htmlElem) ID(v string) *htmlElem {\n", "func (e *htmlElem) setDepth(v uint) UI {\n"} {
		if strings.Count(string(got), want) != 1 {
			t.Errorf("%q is not once in:\n%s", want, got)
		}
	}

	write(a + strings.Replace(b, `setAttr("id", v)`, `setAttr("name", v)`, 1))
	if err := rewriteAtLeast(name, 2); err == nil || !strings.Contains(err.Error(), "ID") {
		t.Error("two methods that differ became one:", err)
	}
	write(a)
	if err := rewriteAtLeast(name, 100); err == nil {
		t.Error("a file of another form was taken")
	}
}
