package consensus

import (
	"errors"
	"strings"

	"github.com/mattn/go-sqlite3"
)

// nondeterministic are the functions whose value differs from node to node or depends on the life of a connection.
var nondeterministic = map[string]bool{
	"random": true, "randomblob": true,
	"current_timestamp": true, "current_date": true, "current_time": true,
	"date": true, "time": true, "datetime": true, "julianday": true, "unixepoch": true, "strftime": true, "timediff": true,
	"changes": true, "total_changes": true, "last_insert_rowid": true,
	"sqlite_version": true, "sqlite_source_id": true, "sqlite_compileoption_get": true, "sqlite_compileoption_used": true,
	"load_extension": true,
}

// restrict refuses, while a statement is compiled, what would differ between nodes or break the entry's transaction.
// *own is true while the state machine runs a statement of its own (an expired statement is compiled again); *ddl is set
// when a statement changes the schema.
//
// Two nets: the authorizer is asked about every function call of a statement, but not about a column's DEFAULT, which is
// compiled when an INSERT uses it. So the functions themselves fail as well.
func restrict(c *conn, own, ddl *bool) error {
	for name := range nondeterministic {
		err := c.c.RegisterFunc(name, func(...any) (any, error) {
			return nil, errors.New(name + " is not allowed in a batch: it would differ between nodes")
		}, false)
		if err != nil {
			return err
		}
	}
	c.c.RegisterAuthorizer(func(op int, a, b, _ string) int {
		if *own || allowed(op, a, b) {
			if schemaOps[op] && !*own {
				*ddl = true
			}
			return sqlite3.SQLITE_OK
		}
		return sqlite3.SQLITE_DENY
	})
	return nil
}

var schemaOps = map[int]bool{
	sqlite3.SQLITE_CREATE_TABLE: true, sqlite3.SQLITE_CREATE_INDEX: true, sqlite3.SQLITE_CREATE_VIEW: true,
	sqlite3.SQLITE_CREATE_TRIGGER: true, sqlite3.SQLITE_CREATE_VTABLE: true, sqlite3.SQLITE_DROP_TABLE: true,
	sqlite3.SQLITE_DROP_INDEX: true, sqlite3.SQLITE_DROP_VIEW: true, sqlite3.SQLITE_DROP_TRIGGER: true,
	sqlite3.SQLITE_DROP_VTABLE: true, sqlite3.SQLITE_ALTER_TABLE: true, sqlite3.SQLITE_REINDEX: true, sqlite3.SQLITE_ANALYZE: true,
}

func allowed(op int, a, b string) bool {
	switch op {
	case sqlite3.SQLITE_FUNCTION:
		return !nondeterministic[strings.ToLower(b)]
	case sqlite3.SQLITE_PRAGMA:
		return a == "data_version" || a == "quick_check" // FTS5 asks for the one, ALTER TABLE ADD COLUMN for the other
	case sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SAVEPOINT, sqlite3.SQLITE_ATTACH, sqlite3.SQLITE_DETACH,
		sqlite3.SQLITE_CREATE_TEMP_TABLE, sqlite3.SQLITE_CREATE_TEMP_TRIGGER, sqlite3.SQLITE_CREATE_TEMP_VIEW, sqlite3.SQLITE_CREATE_TEMP_INDEX:
		return false
	case sqlite3.SQLITE_CREATE_VTABLE:
		return strings.EqualFold(b, "fts5") && !reserved(a) // others show how pages lie, or what is outside
	case sqlite3.SQLITE_READ:
		return !strings.EqualFold(a, "dbstat") // how pages lie is not replicated
	case sqlite3.SQLITE_INSERT, sqlite3.SQLITE_UPDATE, sqlite3.SQLITE_DELETE:
		return !reserved(a)
	}
	if schemaOps[op] && op != sqlite3.SQLITE_ANALYZE {
		return !reserved(a) && !reserved(b)
	}
	return true
}

// reserved reports whether a name belongs to this package.
func reserved(name string) bool {
	return len(name) >= 5 && strings.EqualFold(name[:5], "raft_")
}
