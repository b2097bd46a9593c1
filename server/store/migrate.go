package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
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
	statements []string
}

// migrations reads the embedded files in the order of their numbers.
func migrations() ([]migration, error) {
	entries, err := migrationFiles.ReadDir("migrations")
	if err != nil {
		return nil, err
	}
	var list []migration
	for i, e := range entries {
		number, _, _ := strings.Cut(e.Name(), "_")
		if n, err := strconv.Atoi(number); err != nil || n != i+1 || len(number) != 4 {
			return nil, fmt.Errorf("migration %s should have the number %04d", e.Name(), i+1)
		}
		text, err := migrationFiles.ReadFile("migrations/" + e.Name())
		if err != nil {
			return nil, err
		}
		m := migration{version: i + 1, name: strings.TrimSuffix(e.Name(), ".sql")}
		for _, stmt := range strings.Split(string(text), ";\n") {
			if stmt = strings.TrimSpace(stmt); stmt != "" {
				m.statements = append(m.statements, stmt)
			}
		}
		list = append(list, m)
	}
	return list, nil
}

var errNotNext = errors.New("another node has applied this migration")

// migrate applies the steps that are missing. Each is one batch that demands the step before it, so that any number of
// nodes may propose the same one: the first wins and the others find it done.
func (s *Store) migrate(ctx context.Context) error {
	steps, err := migrations()
	if err != nil {
		return err
	}
	for {
		version, err := s.schemaVersion(ctx)
		if err != nil {
			return err
		}
		if version > len(steps) {
			return fmt.Errorf("the data has schema %d, and this program knows %d: start a newer trivium", version, len(steps))
		}
		if version == len(steps) {
			return nil
		}
		if err := s.migrateTo(ctx, steps[version]); err != nil && !errors.Is(err, errNotNext) {
			return fmt.Errorf("migration %s: %w", steps[version].name, err)
		}
	}
}

func (s *Store) migrateTo(ctx context.Context, m migration) error {
	var b consensus.Batch
	if m.version == 1 {
		b.Require(errNotNext, `NOT EXISTS(SELECT 1 FROM sqlite_master WHERE name = 'schema_migrations')`)
	} else {
		b.Require(errNotNext, `(SELECT max(version) FROM schema_migrations) = ?`, m.version-1)
	}
	for _, stmt := range m.statements {
		b.Exec(stmt)
	}
	b.Exec(`INSERT INTO schema_migrations (version, name, applied_at) VALUES (?, ?, ?)`, m.version, m.name, consensus.Stamp{})
	_, err := s.applyUnkeyed(ctx, &b)
	return err
}

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
