package store

import (
	"database/sql/driver"
	"flag"
	"fmt"
	"go/ast"
	"go/constant"
	"go/parser"
	"go/token"
	"io"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mattn/go-sqlite3"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// openSchema returns a connection to an empty database with the migrated schema.
func openSchema(t *testing.T) *sqlite3.SQLiteConn {
	t.Helper()
	c, err := (&sqlite3.SQLiteDriver{}).Open("file::memory:")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	steps, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	conn := c.(*sqlite3.SQLiteConn)
	if err := conn.RegisterFunc("sha256", func(any) []byte { return nil }, true); err != nil { // as consensus does
		t.Fatal(err)
	}
	for _, m := range steps {
		for _, stmt := range m.statements {
			if _, err := conn.Exec(stmt, nil); err != nil {
				t.Fatalf("%s: %v\n%s", m.name, err, stmt)
			}
		}
	}
	return conn
}

// sinks are the functions that take SQL, with its position among the arguments; negative: it is a condition. What
// follows it are the parameters.
var sinks = map[string]int{"Require": -1, "Exec": 0, "Return": 0, "Query": 2, "query": 1, "number": 1}

// passing are the functions that hand SQL on which they were given: by callers that are checked themselves, by the
// migrations (batch), or by TestPassedConditions (requireQuestion).
var passing = map[string]bool{"archiveRows": true, "query": true, "number": true, "requireQuestion": true, "batch": true}

// TestSQL finds every statement of the package, in constants only, and compiles it on the migrated schema with the number
// of parameters that the call binds.
func TestSQL(t *testing.T) {
	conn := openSchema(t)
	fset := token.NewFileSet()
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	var files []*ast.File
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(fset, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, f)
	}
	consts := map[string]ast.Expr{}
	for _, f := range files {
		for _, d := range f.Decls {
			if g, ok := d.(*ast.GenDecl); ok {
				addConsts(consts, g)
			}
		}
	}
	found := 0
	for _, f := range files {
		for _, d := range f.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Body != nil {
				found += checkFunc(t, conn, fset, fn, consts)
			}
		}
	}
	if found < 250 {
		t.Errorf("only %d statements found: has the walk gone blind?", found)
	}
}

func addConsts(consts map[string]ast.Expr, g *ast.GenDecl) {
	if g.Tok != token.CONST {
		return
	}
	for _, s := range g.Specs {
		v := s.(*ast.ValueSpec)
		for i, name := range v.Names {
			if i < len(v.Values) {
				consts[name.Name] = v.Values[i]
			}
		}
	}
}

func checkFunc(t *testing.T, conn *sqlite3.SQLiteConn, fset *token.FileSet, fn *ast.FuncDecl, outer map[string]ast.Expr) (found int) {
	consts := maps.Clone(outer)
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		if g, ok := n.(*ast.GenDecl); ok {
			addConsts(consts, g)
		}
		return true
	})
	ast.Inspect(fn.Body, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok {
			return true
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		at, ok := sinks[sel.Sel.Name]
		if !ok {
			return true
		}
		condition := at < 0
		if condition {
			at = -at
		}
		if len(call.Args) <= at {
			return true
		}
		where := fset.Position(call.Pos())
		q, ok := evaluate(call.Args[at], consts)
		if !ok {
			if !passing[fn.Name.Name] {
				t.Errorf("%s: the SQL is not a constant", where)
			}
			return true
		}
		if condition {
			q = "SELECT " + q
		}
		params := len(call.Args) - at - 1
		if call.Ellipsis.IsValid() {
			params = -1
		}
		found++
		if err := checkSQL(conn, q, params); err != nil {
			t.Errorf("%s: %v\n%s", where, err, q)
		}
		return true
	})
	return found
}

// evaluate computes a constant expression of strings; false when something in it is not constant.
func evaluate(e ast.Expr, consts map[string]ast.Expr) (string, bool) {
	switch e := e.(type) {
	case *ast.BasicLit:
		v := constant.MakeFromLiteral(e.Value, e.Kind, 0)
		return constant.StringVal(v), v.Kind() == constant.String
	case *ast.ParenExpr:
		return evaluate(e.X, consts)
	case *ast.Ident:
		if v, ok := consts[e.Name]; ok {
			return evaluate(v, consts)
		}
	case *ast.BinaryExpr:
		x, ok := evaluate(e.X, consts)
		y, ok2 := evaluate(e.Y, consts)
		return x + y, ok && ok2 && e.Op == token.ADD
	}
	return "", false
}

var forbidden = regexp.MustCompile(`(?i)\brandom(blob)?\b|'now'|\bcurrent_(timestamp|date|time)\b|\breturning\b|\b(datetime|strftime|julianday|unixepoch|timediff)\b|last_insert_rowid|\bchanges\s*\(|\bselect\s+\*`)

// checkSQL compiles q. params is the number of values that are bound; -1: unknown.
func checkSQL(conn *sqlite3.SQLiteConn, q string, params int) error {
	if bad := forbidden.FindString(q); bad != "" {
		return fmt.Errorf("%q does not belong into a statement", bad)
	}
	st, err := conn.Prepare(q)
	if err != nil {
		return err
	}
	defer st.Close()
	if n := st.NumInput(); params >= 0 && n != params {
		return fmt.Errorf("%d parameters for %d places", params, n)
	}
	return nil
}

// Conditions that a helper passes on are compiled here.
func TestPassedConditions(t *testing.T) {
	conn := openSchema(t)
	for _, c := range []string{questionReadable, questionOwned, questionMine} {
		if err := checkSQL(conn, "SELECT "+c, 3); err != nil {
			t.Errorf("%v\n%s", err, c)
		}
	}
}

func TestMigrationLint(t *testing.T) {
	entries, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		t.Fatal(err)
	}
	name := regexp.MustCompile(`^\d{4}_(create|add|drop|rename|fill|index)_[a-z_]+\.sql$`)
	for i, e := range entries {
		text, err := migrationFiles.ReadFile("migrations/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		if !name.MatchString(e.Name()) || !strings.HasPrefix(e.Name(), fmt.Sprintf("%04d_", i+1)) {
			t.Errorf("%s: the name should be %04d_verb_noun.sql", e.Name(), i+1)
		}
		if bad := forbidden.FindString(string(text)); bad != "" {
			t.Errorf("%s: %q does not belong into a migration", e.Name(), bad)
		}
		// A trigger may refuse, as of an append-only table; it may do nothing that a reader of the statement does not see.
		text = regexp.MustCompile(`(?m)^CREATE TRIGGER \w+ BEFORE (DELETE|UPDATE) ON \w+ BEGIN SELECT RAISE\(ABORT, '[^']*'\); END;$`).ReplaceAll(text, nil)
		for _, bad := range []string{"DEFAULT", "TRIGGER", "IF NOT EXISTS", "DATETIME", "VARCHAR"} {
			if strings.Contains(strings.ToUpper(string(text)), bad) {
				t.Errorf("%s has %s", e.Name(), bad)
			}
		}
		for _, check := range regexp.MustCompile(`(?m)^.*CHECK \(.*$`).FindAllString(string(text), -1) {
			if !strings.Contains(check, "CONSTRAINT") {
				t.Errorf("%s: a CHECK without a name: %s", e.Name(), check)
			}
		}
	}
	steps, err := migrations()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range steps {
		for _, stmt := range m.statements {
			if strings.HasPrefix(stmt, "CREATE TABLE") && !strings.Contains(stmt, ") STRICT") {
				t.Errorf("%s: a table that is not STRICT:\n%s", m.name, stmt)
			}
		}
	}
}

// TestSchema holds the schema that all migrations together make against testdata/schema.sql.
func TestSchema(t *testing.T) {
	conn := openSchema(t)
	rows, err := conn.Query(`SELECT sql FROM sqlite_master WHERE sql IS NOT NULL AND name NOT LIKE 'passages\_search\_%' ESCAPE '\' ORDER BY tbl_name, type DESC, name`, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var b strings.Builder
	row := make([]driver.Value, 1)
	for {
		if err := rows.Next(row); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(&b, "%s;\n\n", row[0])
	}
	got := strings.TrimSuffix(b.String(), "\n")
	const golden = "testdata/schema.sql"
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the schema differs from %s; run the test with -update and look at the difference:\n%s", golden, firstDifference(string(want), got))
	}
}

func firstDifference(want, got string) string {
	w, g := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i := range min(len(w), len(g)) {
		if w[i] != g[i] {
			return fmt.Sprintf("line %d (-want +got)\n-%s\n+%s", i+1, w[i], g[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}

// The indices carry the queries that grow with a course or the site.
func TestQueryPlans(t *testing.T) {
	conn := openSchema(t)
	for name, plan := range map[string]struct{ query, by string }{
		"session by token": {query: `SELECT 1 FROM session_tokens t JOIN sessions s ON s.session_id = t.session_id WHERE t.token_hash = ?`},
		"member":           {query: `SELECT ` + courseMember},
		"submissions":      {latestAttempts + ` AND s.assignment_id = ?1`, "submissions_counted"},
		"incomplete":       {`SELECT s.submission_id ` + incompleteAttempts + ` AND s.user_id = ?1`, "files_incomplete"},
		"drafts due":       {query: dueDrafts},
		"own dates":        {query: studentDates + ` WHERE a.assignment_id = ?1 AND e.user_id = ?2`},
		"attempts":         {query: `SELECT max(attempt) FROM submissions WHERE assignment_id = ?1 AND user_id = ?2`},
		"materials":        {query: `SELECT 1 FROM materials m WHERE m.course_id = ?1 ORDER BY m.position`},
		"questions":        {query: `SELECT 1 FROM questions q WHERE q.course_id = ?1 ORDER BY q.created_at DESC`},
		"replies":          {query: `SELECT 1 FROM replies r WHERE r.question_id = ?1 ORDER BY r.position`},
		"unclaimed":        {query: `SELECT 1 FROM replies WHERE state IN ('pending', 'answering') ORDER BY requested_at`},
		"own work":         {selectWork, "submissions_counted"},
	} {
		t.Run(name, func(t *testing.T) {
			rows, err := conn.Query("EXPLAIN QUERY PLAN "+plan.query, make([]driver.Value, strings.Count(plan.query, "?")))
			if err != nil {
				t.Fatal(err)
			}
			defer rows.Close()
			row := make([]driver.Value, 4)
			used := plan.by == ""
			for rows.Next(row) == nil {
				detail := fmt.Sprint(row[3])
				used = used || strings.Contains(detail, "INDEX "+plan.by)
				if detail == "SCAN CONSTANT ROW" || name == "own dates" && detail == "SCAN e" { // e is what was found of one user by index
					continue
				}
				if strings.HasPrefix(detail, "SCAN") && !strings.Contains(detail, "USING") {
					t.Errorf("reads a whole table: %s", detail)
				}
			}
			if !used {
				t.Errorf("does not use %s", plan.by)
			}
		})
	}
}
