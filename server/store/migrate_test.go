package store_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"trivium/consensus"
	"trivium/consensus/consensustest"
	"trivium/server/store"
	"trivium/server/store/storetest"
)

// step is a migration of a release to come.
func step(after int, text string) [2]string {
	v := store.SchemaVersion() + after
	return [2]string{fmt.Sprintf("%04d_change_things.sql", v), strings.ReplaceAll(text, "$before", fmt.Sprint(v-1))}
}

// newerColumns adds a table, and a column to each of the tables of the site.
func newerColumns(t *testing.T, db *consensus.DB) string {
	t.Helper()
	rows, err := db.Query(t.Context(), consensus.Local, `
		SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%) STRICT%' AND name NOT LIKE 'raft\_%' ESCAPE '\' ORDER BY name`)
	if err != nil {
		t.Fatal(err)
	}
	text := "-- readable from $before\nCREATE TABLE newer (a INTEGER) STRICT;\n"
	for _, row := range rows.Values {
		text += fmt.Sprintf("\nALTER TABLE %s ADD COLUMN newer TEXT;\n", row[0])
	}
	if len(rows.Values) < 20 {
		t.Fatalf("only %d tables", len(rows.Values))
	}
	return text
}

// TestOlderProgramWorksWithAdditions: during a rolling upgrade a node of the release before starts after another one has
// migrated, and works with what is there.
func TestOlderProgramWorksWithAdditions(t *testing.T) {
	db := consensustest.Open(t)
	_, err := store.Open(t.Context(), db)
	want(t, err, nil)
	newer, err := store.OpenWith(t.Context(), db, 0, step(1, newerColumns(t, db)))
	want(t, err, nil)
	if newer.NewerSchema() != 0 {
		t.Error("the newer program takes its own schema for a newer one")
	}
	older, err := store.Open(t.Context(), db)
	want(t, err, nil)
	if got := older.NewerSchema(); got != store.SchemaVersion()+1 {
		t.Errorf("newer schema %d", got)
	}
	s := storetest.Fill(t, older)
	s.Post(t, "a1")
	s.HandIn(t, s.Alice, "a1", "s1", "text")
	if subs, err := s.MySubmissions(t.Context(), s.Alice, s.Course.ID, "a1"); err != nil || len(subs) != 1 {
		t.Errorf("%v, %v", subs, err)
	}
}

// TestOlderProgramIsRefused where one of the migrations that it does not know needs a newer one.
func TestOlderProgramIsRefused(t *testing.T) {
	db := consensustest.Open(t)
	additive := "-- readable from $before\nCREATE TABLE %s (a INTEGER) STRICT;\n"
	_, err := store.OpenWith(t.Context(), db, 0, step(1, fmt.Sprintf(additive, "n1")), step(2, fmt.Sprintf(additive, "n2")))
	want(t, err, nil)
	if _, err := store.OpenWith(t.Context(), db, 0, step(1, fmt.Sprintf(additive, "n1"))); err != nil {
		t.Errorf("the program before: %v", err)
	}
	v := store.SchemaVersion()
	sentence := fmt.Sprintf("the data has schema %d, which programs from schema %d on can work with, and this program knows %d: start a newer trivium", v+2, v+1, v)
	if _, err := store.Open(t.Context(), db); err == nil || !strings.Contains(err.Error(), sentence) {
		t.Errorf("the program before that: %v", err)
	}
	if _, err := store.OpenStale(t.Context(), db); err == nil || !strings.Contains(err.Error(), sentence) {
		t.Errorf("its reading of old data: %v", err)
	}
	// A program from before the promise was recorded cannot know.
	if _, err := store.OpenWith(t.Context(), db, v-13); err == nil || !strings.Contains(err.Error(), "start a newer trivium") {
		t.Errorf("a program with 13 migrations: %v", err)
	}
}

// TestMigrationsSayWhoReadsThem: the file itself, so that nobody forgets to think about it.
func TestMigrationsSayWhoReadsThem(t *testing.T) {
	for _, text := range []string{"CREATE TABLE x (a INTEGER) STRICT;\n", "-- readable from 99\nCREATE TABLE x (a INTEGER) STRICT;\n", "-- readable from 0\nSELECT 1;\n"} {
		if _, err := store.OpenWith(t.Context(), nil, 0, step(1, text)); err == nil || !strings.Contains(err.Error(), "readable from") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestMigrationIsRehearsed: what fails on the data at hand is not even proposed, nor is what goes before it.
func TestMigrationIsRehearsed(t *testing.T) {
	node := consensustest.Cluster(t, 1).Nodes[0]
	db := node.DB
	s, err := store.Open(t.Context(), db)
	want(t, err, nil)
	storetest.Fill(t, s)
	before := db.Status().Applied
	good := step(1, "-- readable from $before\nCREATE TABLE newer (a INTEGER) STRICT;\n")
	bad := step(2, "-- readable from $before\nCREATE UNIQUE INDEX users_by_admin_only ON users (admin);\n") // holds on an empty site only
	_, err = store.OpenWith(t.Context(), db, 0, good, bad)
	if !errors.Is(err, consensus.ErrConstraint) || !strings.Contains(err.Error(), strings.TrimSuffix(bad[0], ".sql")) || !strings.Contains(err.Error(), "not carried out") {
		t.Errorf("error %v", err)
	}
	if after := db.Status().Applied; after != before {
		t.Errorf("%d entries were proposed", after-before)
	}
	if left, _ := filepath.Glob(filepath.Join(node.Dir, "rehearsal-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	_, err = store.OpenWith(t.Context(), db, 0, good)
	want(t, err, nil)
}

// TestMigrationNeedsSpace for its rehearsal, and waits for it.
func TestMigrationNeedsSpace(t *testing.T) {
	var free atomic.Int64
	free.Store(100 << 30)
	db := consensustest.Open(t, func(c *consensus.Config) {
		c.Reserve = 1 << 20
		c.FreeSpace = func(string) (int64, int64, error) { return free.Load(), 100 << 30, nil }
	})
	_, err := store.Open(t.Context(), db)
	want(t, err, nil)
	good := step(1, "-- readable from $before\nCREATE TABLE newer (a INTEGER) STRICT;\n")
	free.Store(90 << 20)
	if _, err := store.OpenWith(t.Context(), db, 0, good); !errors.Is(err, consensus.ErrNoSpace) || !strings.Contains(err.Error(), "must stay free") {
		t.Errorf("on a disk that is almost full: %v", err)
	}
}
