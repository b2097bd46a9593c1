package main

import (
	"bytes"
	"fmt"
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// The generated elements of go-app are 110 interfaces and as many types, each with sixty methods of its own that all do
// the same. A page that uses one of them pays for its methods and their descriptions, and each call goes through a table.
//
// unify writes them as one type with one copy of each method. Every interface becomes another name of that type, so that
// pages are written, and compile, as before; a call is direct, and what no page calls is not linked.

const (
	elements = "html_gen.go"
	one      = "htmlElem" // the type that stays
)

// The text of a text area is its value. It is the only element that differs from the others.
var (
	textareaAsOthers = []change{
		{elements, "func (e *htmlTextarea) Text(v any) HTMLTextarea {\n\te.setAttr(\"value\", v)\n\treturn e\n}",
			"func (e *htmlTextarea) Text(v any) HTMLTextarea {\n\treturn e.Body(Text(v))\n}"},
		{elements, "func (e *htmlTextarea) Textf(format string, v ...any) HTMLTextarea {\n\te.setAttr(\"value\", FormatString(format, v...))\n\treturn e\n}",
			"func (e *htmlTextarea) Textf(format string, v ...any) HTMLTextarea {\n\treturn e.Body(Textf(format, v...))\n}"},
	}
	textareaAgain = []change{
		{elements, "\treturn e.Body(Text(v))\n", "\tif e.tag == \"textarea\" {\n\t\te.setAttr(\"value\", v)\n\t\treturn e\n\t}\n\treturn e.Body(Text(v))\n"},
		{elements, "\treturn e.Body(Textf(format, v...))\n", "\treturn e.Text(FormatString(format, v...))\n"},
	}
)

// unify rewrites the generated elements. It refuses two methods of one name that do different things.
func unify(folder string) error {
	if err := applyAll(folder, textareaAsOthers); err != nil {
		return err
	}
	if err := rewriteAtLeast(filepath.Join(folder, elements), 100); err != nil {
		return err
	}
	return applyAll(folder, textareaAgain)
}

// rewriteAtLeast refuses a file with fewer elements or methods, which would mean that they are written in another way.
func rewriteAtLeast(name string, n int) error {
	src, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, name, src, parser.SkipObjectResolution)
	if err != nil {
		return err
	}
	u := unifier{src: src, set: set, methods: map[string]string{}, same: map[string]string{}}
	for _, d := range file.Decls {
		if err := u.add(d); err != nil {
			return err
		}
	}
	if len(u.same) < n || len(u.methods) < n {
		return fmt.Errorf("%s has only %d elements and %d methods: it has another form now", elements, len(u.same), len(u.methods))
	}
	out, err := format.Source(u.file())
	if err != nil {
		return err
	}
	return os.WriteFile(name, out, 0o644)
}

type unifier struct {
	src     []byte
	set     *token.FileSet
	same    map[string]string // exported name of an element to its own type
	makers  []string          // functions that make an element
	methods map[string]string // name to text
}

func (u *unifier) text(n ast.Node) string {
	return string(u.src[u.set.Position(n.Pos()).Offset:u.set.Position(n.End()).Offset])
}

func (u *unifier) add(d ast.Decl) error {
	switch d := d.(type) {
	case *ast.GenDecl:
		for _, s := range d.Specs {
			if t, ok := s.(*ast.TypeSpec); ok && strings.HasPrefix(t.Name.Name, "HTML") {
				u.same[t.Name.Name] = "html" + strings.TrimPrefix(t.Name.Name, "HTML")
			}
		}
	case *ast.FuncDecl:
		d.Doc = nil
		if d.Recv == nil {
			u.makers = append(u.makers, u.text(d))
			return nil
		}
		text := u.renamed(d)
		if was, ok := u.methods[d.Name.Name]; ok && was != text {
			return fmt.Errorf("%s: the method %s is not the same in all elements:\n%s\n%s", elements, d.Name.Name, was, text)
		}
		u.methods[d.Name.Name] = text
	}
	return nil
}

// renamed is the text of a method as one of the type that stays.
func (u *unifier) renamed(d *ast.FuncDecl) string {
	own := strings.TrimPrefix(u.text(d.Recv.List[0].Type), "*")
	text := strings.ReplaceAll(u.text(d), "*"+own+")", "*"+one+")")
	if r := d.Type.Results; r != nil && u.text(r.List[0].Type) == "HTML"+strings.TrimPrefix(own, "html") {
		text = strings.Replace(text, ") "+u.text(r.List[0].Type)+" {", ") *"+one+" {", 1)
	}
	return text
}

// file is the new text. The methods and makers are kept out of line: inlined they would stand in every page again.
func (u *unifier) file() []byte {
	var b bytes.Buffer
	b.WriteString("package app\n\nimport \"strings\"\n\ntype " + one + " struct{ htmlElement }\n\ntype (\n")
	for _, name := range sorted(u.same) {
		fmt.Fprintf(&b, "\t%s = *%s\n", name, one)
	}
	b.WriteString(")\n\n")
	for _, text := range u.makers {
		for _, own := range u.same {
			text = strings.Replace(text, "&"+own+"{\n", "&"+one+"{\n", 1)
		}
		b.WriteString("//go:noinline\n" + text + "\n\n")
	}
	for _, name := range sorted(u.methods) {
		b.WriteString("//go:noinline\n" + u.methods[name] + "\n\n")
	}
	return b.Bytes()
}

func sorted(m map[string]string) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
