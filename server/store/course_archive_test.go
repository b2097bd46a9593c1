package store

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// notInArchives are tables that name a course and stay on the site: people, their work, and what follows from other tables.
var notInArchives = []string{"enrolments", "invites", "sections", "overrides", "grades", "submissions", "questions", "passages", "passage_vectors", "endorsements",
	"outlines", "reply_records", "tutor_calls", "tutor_choices", "tutor_flags", "material_versions", "material_drafts", "pending_accounts", "roster_imports", "staff_sections", "test_students", "work_drafts"}

// Whoever adds a table or a column decides whether it belongs to the archive of a course: a forgotten one would be lost.
func TestArchiveKnowsTheSchema(t *testing.T) {
	schema, err := os.ReadFile("testdata/schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("course_import.go")
	if err != nil {
		t.Fatal(err)
	}
	archived := map[string]bool{}
	for _, q := range archiveQueries {
		archived[q.table] = true
	}
	column := regexp.MustCompile(`(?m)(?:^\t|, ?)([a-z_]+)\s+(?:TEXT|INTEGER|BLOB|REAL)\b`)
	for _, m := range regexp.MustCompile(`(?s)CREATE TABLE (\w+) \((.*?)\n?\) STRICT`).FindAllStringSubmatch(string(schema), -1) {
		table, body := m[1], m[2]
		var columns []string
		for _, c := range column.FindAllStringSubmatch(body, -1) {
			columns = append(columns, c[1])
		}
		switch {
		case !archived[table] && slices.Contains(columns, "course_id") && !slices.Contains(notInArchives, table):
			t.Errorf("%s belongs to a course: put it into the archive, or among what stays", table)
		case archived[table] && table != "courses":
			for _, c := range columns {
				if !slices.Contains(local, c) && !strings.Contains(string(source), "'"+c+"'") {
					t.Errorf("%s.%s is not taken in", table, c)
				}
			}
		}
	}
}
