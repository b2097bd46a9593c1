package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"trivium/consensus"
)

//go:embed migrations/*.sql
var migrationFiles embed.FS

// migration is one step of the schema. Steps only go forward, and each must leave the schema usable by the program of
// the release before, because nodes are upgraded one by one.
type migration struct {
	version    int
	name       string // of the file
	readable   int    // the lowest schema whose program works with this one
	statements []string
}

// recordsReadable is the migration from which on the database itself says which programs can work with it: a program
// cannot know what the migrations after its own have done.
const recordsReadable = 14

// readableLine begins a migration: "-- readable from 13" promises that a program that knows only the first 13 works with
// the schema that this one leaves. Adding tables, and columns that may be NULL, breaks nothing; anything else must be
// thought about.
var readableLine = regexp.MustCompile(`^-- readable from (\d+)\n`)

// migrations reads the embedded files in the order of their numbers.
func migrations() ([]migration, error) {
	entries, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		return nil, err
	}
	var list []migration
	for i, e := range entries {
		text, err := migrationFiles.ReadFile("migrations/" + e.Name())
		if err != nil {
			return nil, err
		}
		m, err := parseMigration(i+1, e.Name(), string(text))
		if err != nil {
			return nil, err
		}
		list = append(list, m)
	}
	return list, nil
}

func parseMigration(version int, file, text string) (migration, error) {
	m := migration{version: version, name: strings.TrimSuffix(file, ".sql"), readable: version}
	if number, _, _ := strings.Cut(file, "_"); number != fmt.Sprintf("%04d", version) {
		return m, fmt.Errorf("migration %s should have the number %04d", file, version)
	}
	if line := readableLine.FindStringSubmatch(text); line != nil {
		text = text[len(line[0]):]
		m.readable, _ = strconv.Atoi(line[1]) // digits
	}
	if version >= recordsReadable && (m.readable < 1 || m.readable >= version) {
		return m, fmt.Errorf("migration %s should begin with a line such as \"-- readable from %d\": the program before it must work with it", file, version-1)
	}
	for _, stmt := range strings.Split(text, ";\n") {
		if stmt = strings.TrimSpace(stmt); stmt != "" {
			m.statements = append(m.statements, stmt)
		}
	}
	return m, nil
}

var errNotNext = errors.New("another node has applied this migration")

// migrate applies the steps that are missing. Each is one batch that demands the step before it, so that any number of
// nodes may propose the same one: the first wins and the others find it done.
//
// Once a step is in the log every node applies it, so all of them are tried out on a copy of this node's database first.
func (s *Store) migrate(ctx context.Context, steps []migration) error {
	for tried := false; ; {
		version, err := s.schemaVersion(ctx)
		switch {
		case err != nil:
			return err
		case version > len(steps):
			return s.checkReadable(ctx, version, len(steps))
		case version == len(steps):
			return nil
		}
		if !tried && version > 0 { // an empty database shows nothing that the tests have not
			if err := s.rehearse(ctx, steps[version:]); errors.Is(err, errNotNext) {
				continue
			} else if err != nil {
				return err
			}
			tried = true
		}
		if _, err := s.applyUnkeyed(ctx, steps[version].batch()); err != nil && !errors.Is(err, errNotNext) {
			return fmt.Errorf("migration %s: %w", steps[version].name, err)
		}
	}
}

// rehearse tries the steps on a copy of the database.
func (s *Store) rehearse(ctx context.Context, steps []migration) error {
	batches := make([]*consensus.Batch, len(steps))
	for i := range steps {
		batches[i] = steps[i].batch()
	}
	done, err := s.db.Rehearse(ctx, batches...)
	if err == nil {
		return nil
	}
	return fmt.Errorf("migration %s was tried on a copy of the database and not carried out: %w", steps[done].name, err)
}

func (m migration) batch() *consensus.Batch {
	var b consensus.Batch
	if m.version == 1 {
		b.Require(errNotNext, `NOT EXISTS(SELECT 1 FROM sqlite_master WHERE name = 'schema_migrations')`)
	} else {
		b.Require(errNotNext, `(SELECT max(version) FROM schema_migrations) = ?`, m.version-1)
	}
	for _, stmt := range m.statements {
		b.Exec(stmt)
	}
	if m.version < recordsReadable {
		b.Exec(`INSERT INTO schema_migrations (version, name, applied_at) VALUES (?, ?, ?)`, m.version, m.name, consensus.Stamp{})
	} else {
		b.Exec(`INSERT INTO schema_migrations (version, name, applied_at, readable_from) VALUES (?, ?, ?, ?)`, m.version, m.name, consensus.Stamp{}, m.readable)
	}
	return &b
}

// checkReadable refuses data whose schema is newer than what this program knows, unless each of the migrations that it
// does not know says that this program can work with what it left.
func (s *Store) checkReadable(ctx context.Context, version, known int) error {
	from := version
	if known >= recordsReadable { // else the column need not be there
		var err error
		from, err = s.number(ctx, `SELECT max(coalesce(readable_from, version)) FROM schema_migrations WHERE version > ?1`, known)
		if err != nil {
			return err
		}
	}
	if from > known {
		return fmt.Errorf("the data has schema %d, which programs from schema %d on can work with, and this program knows %d: start a newer trivium", version, from, known)
	}
	s.newer = version
	return nil
}

// NewerSchema is the schema of the data when it is newer than what this program knows but can be worked with; 0: it is
// this program's own.
func (s *Store) NewerSchema() int { return s.newer }

// schemaVersion reads linearizably: a node that lags must not propose what the others have long done.
func (s *Store) schemaVersion(ctx context.Context) (int, error) {
	return s.schemaVersionAt(ctx, consensus.Linearizable)
}

func (s *Store) schemaVersionAt(ctx context.Context, level consensus.Level) (int, error) {
	rows, err := s.db.Query(ctx, level, `SELECT count(*) FROM sqlite_master WHERE name = 'schema_migrations'`)
	if err != nil {
		return 0, err
	}
	if n, err := one(rows.Values, nil, scanInt); err != nil || n == 0 {
		return 0, err
	}
	return s.number(ctx, `SELECT max(version) FROM schema_migrations`)
}
