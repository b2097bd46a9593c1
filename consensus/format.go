package consensus

import (
	"context"
	"fmt"
)

// databaseFormat is the format of the raft_ tables, kept in the file's user_version; it travels with the file. It changes
// when a program of the release before could not use what this one writes. Entries carry a version of their own.
const databaseFormat = 1

// FormatError says that the data on the disk, or what another node has sent, is of a format that this program does not
// know. Nothing was changed.
type FormatError struct {
	What        string // "database" or "log"
	Have, Known int    // Have 0: from before formats had numbers
}

func (e *FormatError) Error() string {
	switch {
	case e.Have > e.Known:
		return fmt.Sprintf("the %s has format %d and this program knows formats up to %d: it was written by a newer program; start that one", e.What, e.Have, e.Known)
	case e.Have == 0:
		return fmt.Sprintf("the %s has a format from before the first release, which this program does not know: start the program that wrote it, or begin with an empty directory", e.What)
	}
	return fmt.Sprintf("the %s has format %d, which this program no longer knows: start the program that wrote it", e.What, e.Have)
}

// checkFormat refuses a database of another format, and gives a new one its number. The number comes before the first
// table: a file with tables and no number is old.
func checkFormat(c *conn) error {
	number := func(q string) (n int, err error) {
		rows, err := c.run(context.Background(), q)
		if err == nil && len(rows) == 1 {
			err = rows[0].Scan(&n)
		}
		return n, err
	}
	have, err := number("PRAGMA user_version")
	if err != nil || have == databaseFormat {
		return err
	}
	tables, err := number("SELECT count(*) FROM sqlite_schema")
	if err != nil {
		return err
	}
	if have != 0 || tables != 0 {
		return &FormatError{What: "database", Have: have, Known: databaseFormat}
	}
	_, err = c.run(context.Background(), fmt.Sprintf("PRAGMA user_version = %d", databaseFormat))
	return err
}

// checkEntryFormat refuses an entry that a newer program, or one from before the first release, has written.
func checkEntryFormat(p []byte) error {
	if len(p) == 0 {
		return errEntry
	}
	if p[0] != entryVersion {
		return &FormatError{What: "log", Have: int(p[0]), Known: entryVersion}
	}
	return nil
}
