package web

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"trivium/app/api"
	"trivium/app/lms"
)

var update = flag.Bool("update", false, "write the golden files again")

// golden compares with a file of testdata, or writes it.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s differs; run the test with -update and read the difference\n%s", name, firstDifference(want, got))
	}
}

// firstDifference shows the first line that differs.
func firstDifference(want, got []byte) string {
	w, g := strings.Split(string(want), "\n"), strings.Split(string(got), "\n")
	for i := range max(len(w), len(g)) {
		a, b := "", ""
		if i < len(w) {
			a = w[i]
		}
		if i < len(g) {
			b = g[i]
		}
		if a != b {
			return fmt.Sprintf("line %d (-want +got):\n-%s\n+%s", i+1, a, b)
		}
	}
	return ""
}

func TestRoutesGolden(t *testing.T) {
	var b strings.Builder
	for _, r := range new(Server).table() {
		fmt.Fprintf(&b, "%-6s %-84s %-18s %s\n", r.route.Method, r.route.Path, r.route.Access, r.handler)
	}
	for _, p := range plainPages() {
		fmt.Fprintf(&b, "%-6s %-84s %-18s %s\n", p.method, p.path, p.access, nameOf(p.serve))
	}
	golden(t, "routes.golden", []byte(b.String()))
}

func TestEveryEndpointIsBound(t *testing.T) {
	got := map[string]bool{}
	for _, b := range new(Server).table() {
		key := b.route.Method + " " + b.route.Path
		if got[key] {
			t.Errorf("%s is bound twice", key)
		}
		got[key] = true
	}
	for _, r := range api.Routes() {
		key := r.Method + " " + r.Path
		if !got[key] {
			t.Errorf("%s is not bound", key)
		}
		delete(got, key)
	}
	for key := range got {
		t.Errorf("%s is bound but not in the table", key)
	}
}

// TestTableIsComplete reads the source: a variable that Routes forgets would have no route, no test and no description.
func TestTableIsComplete(t *testing.T) {
	names, err := filepath.Glob("../../app/api/endpoints*.go")
	if err != nil {
		t.Fatal(err)
	}
	var decls []ast.Decl
	for _, name := range names {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		decls = append(decls, file.Decls...)
	}
	listed := map[string]bool{}
	for _, r := range api.Routes() {
		listed[r.Name] = true
	}
	for _, d := range decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.VAR {
			continue
		}
		for _, spec := range g.Specs {
			for _, name := range spec.(*ast.ValueSpec).Names {
				if !listed[name.Name] {
					t.Errorf("Routes forgets %s", name.Name)
				}
			}
		}
	}
}

func TestHandlerHasTheNameOfItsEndpoint(t *testing.T) {
	names := map[string]string{}
	for _, r := range api.Routes() {
		names[r.Method+" "+r.Path] = r.Name
	}
	for _, b := range new(Server).table() {
		if want := lowerFirst(names[b.route.Method+" "+b.route.Path]); b.handler != want {
			t.Errorf("%s %s: handler %s, want %s", b.route.Method, b.route.Path, b.handler, want)
		}
	}
}

func TestAccessIsSet(t *testing.T) {
	for _, r := range api.Routes() {
		if r.Access < lms.Public || r.Access > lms.UserConfirmed {
			t.Errorf("%s: %s", r.Name, r.Access)
		}
		if of, in := r.Access.OfCourse(), slices.Contains(r.Params(), "course"); of != in {
			t.Errorf("%s: access %s, path %s", r.Name, r.Access, r.Path)
		}
		if r.Access == lms.Public && !publicRoutes[r.Name] {
			t.Errorf("%s is public; if that is meant, add it to publicRoutes", r.Name)
		}
	}
}

var publicRoutes = map[string]bool{"Setup": true, "Register": true, "RenewSession": true, "GetDoor": true, "PreviewReset": true, "ResetPassword": true, "AskReset": true, "PreviewInvite": true, "SignIn": true, "AskPasskey": true, "RedeemTicket": true, "PreviewClaim": true, "Claim": true}

func TestInputs(t *testing.T) {
	for _, r := range api.Routes() {
		t.Run(r.Name, func(t *testing.T) {
			if !r.In.Implements(reflect.TypeFor[api.Validator]()) {
				t.Errorf("%s has no Validate", r.In)
			}
			var params []string
			eachField(r.In, func(f reflect.StructField) {
				param, query := f.Tag.Get("param"), f.Tag.Get("query")
				if param == "" && query == "" {
					if tag := f.Tag.Get("json"); tag == "" || tag == "-" {
						t.Errorf("%s comes from nowhere", f.Name)
					}
					return
				}
				if f.Tag.Get("json") != "-" {
					t.Errorf("%s can be set by the body", f.Name)
				}
				if !slices.Contains([]reflect.Kind{reflect.String, reflect.Bool, reflect.Int, reflect.Int64}, f.Type.Kind()) {
					t.Errorf("%s: setField cannot set a %s", f.Name, f.Type)
				}
				if param != "" {
					params = append(params, param)
				}
			})
			want := slices.Sorted(slices.Values(r.Params()))
			slices.Sort(params)
			if !slices.Equal(params, want) {
				t.Errorf("the input has the parameters %v, the path %v", params, want)
			}
		})
	}
}

func eachField(t reflect.Type, f func(reflect.StructField)) {
	for i := range t.NumField() {
		if field := t.Field(i); field.Anonymous {
			eachField(field.Type, f)
		} else {
			f(field)
		}
	}
}

func TestEveryKindHasAStatus(t *testing.T) {
	for _, k := range lms.Kinds {
		if statuses[k] < 400 {
			t.Errorf("%s has no status", k)
		}
	}
	if len(statuses) != len(lms.Kinds) {
		t.Errorf("%d statuses, %d kinds", len(statuses), len(lms.Kinds))
	}
}

func TestOpenAPIGolden(t *testing.T) {
	doc, err := openAPI(api.Routes(), "test")
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "openapi.golden.json", append(doc, '\n'))
	var parsed struct {
		Paths map[string]map[string]struct {
			OperationID string `json:"operationId"`
			Access      string `json:"x-access"`
		}
		Components struct{ Schemas map[string]json.RawMessage }
	}
	if err := json.Unmarshal(doc, &parsed); err != nil {
		t.Fatal(err)
	}
	ids := map[string]bool{}
	for path, ops := range parsed.Paths {
		for method, op := range ops {
			if ids[op.OperationID] || op.OperationID == "" || op.Access == "" {
				t.Errorf("%s %s: operation %q, access %q", method, path, op.OperationID, op.Access)
			}
			ids[op.OperationID] = true
		}
	}
	if len(ids) != len(api.Routes()) {
		t.Errorf("%d operations, %d routes", len(ids), len(api.Routes()))
	}
	for _, ref := range references(string(doc)) {
		if parsed.Components.Schemas[ref] == nil {
			t.Errorf("the schema %s is referred to but missing", ref)
		}
	}
}

// references lists the schemas that a document refers to.
func references(doc string) []string {
	var names []string
	for _, part := range strings.Split(doc, "#/components/schemas/")[1:] {
		name, _, _ := strings.Cut(part, `"`)
		names = append(names, name)
	}
	return names
}
